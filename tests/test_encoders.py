"""Published networks as the downward half."""

import keras
import msgspec
import numpy as np
import pytest
import training

from pipeline import encoders, params, starts, states, train, unet
from pipeline.errors import ParamsError, WeightsError
from pipeline.unet import UnetParams

unet.prepare(seed=0, threads=2)  # the first in a process decides the threads

# Of keras.applications without their tops, as its tables have them.
PARAMETERS = {"mobilenetv3": 2_996_352, "efficientnet": 5_919_312}


def shape(kind, weights="none", file=""):
    init = "file" if file else "none"
    about = {"encoder": kind, "encoder_weights": weights, "init_file": file}
    return UnetParams(preset="default", init=init, size=64, **about)


@pytest.fixture(scope="module", params=PARAMETERS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def network(kind):
    return unet.build(shape(kind), 1)


def test_the_halves_are_those_of_a_unet(kind):
    image = keras.Input((None, None, 3))
    model = keras.Model(image, encoders.downward(image, kind))

    shapes = model.compute_output_shape((1, 96, 64, 3))

    assert [one[1:3] for one in shapes] == [(48, 32), (24, 16), (12, 8), (6, 4), (3, 2)]
    assert model.count_params() == PARAMETERS[kind]


def test_any_size_gives_probabilities_of_that_size(network):
    likely = network(np.zeros((2, 64, 32, 3), np.float32)).numpy()

    assert likely.shape == (2, 64, 32, 1)
    assert 0 <= likely.min() <= likely.max() <= 1


def test_a_trained_one_comes_back_from_its_folder_and_as_a_start(kind, network, tmp_path):
    card = unet.card(shape(kind), ["background", "person"], 0.5)
    unet.save(tmp_path, network, card)
    images = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)

    again, said = unet.load(tmp_path)
    begun = unet.build(shape(kind), 1)
    starts.begin(begun, shape(kind, file=str(tmp_path)))

    assert said.encoder == kind
    np.testing.assert_array_equal(again(images), network(images))
    np.testing.assert_array_equal(begun(images), network(images))


def test_what_imagenet_taught_lands_in_the_encoder_alone(kind, monkeypatch):
    """The download is replaced by a network whose numbers are all 0.5."""
    make = encoders._network

    def taught(which, image, weights=None):
        made = make(which, image)
        for one in made.weights if weights else []:
            one.assign(np.full(one.shape, 0.5))
        return made

    monkeypatch.setattr(encoders, "_network", taught)
    network = unet.build(shape(kind), 1)

    said = starts.begin(network, shape(kind, "imagenet"))

    assert "ImageNet" in said.words
    assert said.fresh
    given = sum(np.prod(one.shape) for one in network.weights if (one.numpy() == 0.5).all())
    assert given == PARAMETERS[kind]


def test_without_a_network_connection_it_says_so_in_one_line(kind, monkeypatch):
    def unreachable(*args, **kwargs):
        raise Exception("URL fetch failure on https://x: None -- Name or service not known")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", unreachable)
    for module in ("mobilenet_v3", "efficientnet_v2"):
        monkeypatch.setattr(f"keras.src.applications.{module}.file_utils.get_file", unreachable)

    with pytest.raises(WeightsError, match=r"cannot be fetched \(URL fetch.*\); connect") as told:
        encoders.fetch(unet.build(shape(kind), 1), kind)
    assert "\n" not in str(told.value)


def test_the_reports_network_has_no_other_encoder():
    section = {"preset": "seed", "init": "none", "size": 160, "encoder": "efficientnet"}

    with pytest.raises(ParamsError, match="preset seed has its own encoder"):
        params.convert(UnetParams, section, "unet")


@pytest.mark.slow
def test_a_training_with_dropout_goes_on_to_the_same_weights(tmp_path):
    settings = msgspec.structs.replace(training.PLAIN, epochs=2)
    about = unet.card(shape("efficientnet"), ["background", "person"], None)
    learned, held = training.squares(4, 64), training.squares(2, 64)

    def trained(kept, epochs):
        keras.utils.set_random_seed(0)
        trainer = train.Trainer(unet.build(shape("efficientnet"), 1), about, settings)
        rows = trainer.fit(learned, held, kept)
        for _ in range(epochs):
            next(rows)
        return list(rows), trainer.network.get_weights()

    _, whole = trained(None, 0)
    trained_once = states.Kept(tmp_path / "state", "a")
    keras.utils.set_random_seed(0)
    first = train.Trainer(unet.build(shape("efficientnet"), 1), about, settings)
    next(first.fit(learned, held, trained_once))
    _, resumed = trained(trained_once, 0)

    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(one, other)
