import numpy as np
import pytest

from pipeline import unet
from pipeline.errors import WeightsError
from pipeline.unet import UnetParams

unet.prepare(seed=0, threads=2)  # the first in a process decides the threads

SEED = UnetParams(preset="seed", init="none", size=160)
DEFAULT = UnetParams(preset="default", init="none", size=160)

# The report's table of layers: kind, output at 160 x 160, parameters.
REPORT = [
    ("Conv2D", (160, 12), 336), ("Conv2D", (160, 12), 1308),
    ("Conv2D", (80, 24), 2616), ("Conv2D", (80, 24), 5208),
    ("Conv2D", (40, 48), 10416), ("Conv2D", (40, 48), 20784),
    ("Conv2D", (20, 96), 41568), ("Conv2D", (20, 96), 83040),
    ("Conv2D", (10, 192), 166080), ("Conv2D", (10, 192), 331968),
    ("Conv2D", (5, 384), 663936), ("Conv2D", (5, 384), 1327488),
    ("Conv2DTranspose", (10, 64), 98368),
    ("Conv2D", (10, 192), 442560), ("Conv2D", (10, 192), 331968),
    ("Conv2DTranspose", (20, 32), 24608), ("Conv2D", (20, 96), 110688), ("Conv2D", (20, 96), 83040),
    ("Conv2DTranspose", (40, 16), 6160), ("Conv2D", (40, 48), 27696), ("Conv2D", (40, 48), 20784),
    ("Conv2DTranspose", (80, 8), 1544), ("Conv2D", (80, 24), 6936), ("Conv2D", (80, 24), 5208),
    ("Conv2DTranspose", (160, 4), 388), ("Conv2D", (160, 24), 3480), ("Conv2D", (160, 24), 5208),
    ("Conv2D", (160, 1), 25),
]  # fmt: skip


@pytest.fixture(scope="module")
def networks():
    return {
        (params.preset, labels): unet.build(params, labels)
        for params in (SEED, DEFAULT)
        for labels in (1, 3)
    }


def test_the_seed_has_the_reports_number_of_parameters(networks):
    assert networks["seed", 1].count_params() == 3_823_409


def test_the_default_has_no_more_parameters_than_the_seed(networks):
    assert networks["default", 1].count_params() <= 3_823_409


def test_the_seed_has_the_reports_layers(networks):
    import keras

    network = networks["seed", 1]
    layers = [layer for layer in network.layers if layer.count_params()]
    outputs = keras.Model(network.input, [layer.output for layer in layers])
    shapes = outputs.compute_output_shape((1, 160, 160, 3))

    table = [
        (type(layer).__name__, (shape[1], shape[3]), layer.count_params())
        for layer, shape in zip(layers, shapes, strict=True)
    ]
    assert table == REPORT


@pytest.mark.parametrize("preset", ["seed", "default"])
@pytest.mark.parametrize("labels", [1, 3], ids=["one category", "three categories"])
@pytest.mark.parametrize("size", [32, 96])
def test_the_output_is_a_probability_at_each_pixel(networks, preset, labels, size):
    images = np.random.default_rng(0).random((2, size, size, 3), np.float32)

    likely = networks[preset, labels](images).numpy()

    assert likely.shape == (2, size, size, 1 if labels == 1 else 4)
    assert likely.min() >= 0
    assert likely.max() <= 1
    if labels > 1:
        np.testing.assert_allclose(likely.sum(axis=-1), 1, atol=1e-5)


def test_a_saved_network_comes_back_with_its_card(networks, tmp_path):
    network = networks["default", 3]
    about = unet.card(DEFAULT, ["background", "a", "b", "c"], None)
    images = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)

    unet.save(tmp_path, network, about)
    again, card = unet.load(tmp_path)

    assert card == about
    np.testing.assert_array_equal(again(images), network(images))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "unet.weights.h5"]


def test_a_folder_without_a_network_says_what_to_run(tmp_path):
    with pytest.raises(WeightsError, match="run dvc repro train"):
        unet.load(tmp_path)


def test_weights_of_another_network_are_refused(networks, tmp_path):
    unet.save(tmp_path, networks["default", 1], unet.card(DEFAULT, ["background", "a"], 0.5))
    card = (tmp_path / "model.json").read_text().replace('"default"', '"seed"')
    (tmp_path / "model.json").write_text(card)

    with pytest.raises(WeightsError, match="run dvc repro train again"):
        unet.load(tmp_path)


def test_damaged_weights_are_refused(networks, tmp_path):
    unet.save(tmp_path, networks["default", 1], unet.card(DEFAULT, ["background", "a"], 0.5))
    path = tmp_path / "unet.weights.h5"
    path.write_bytes(path.read_bytes()[:5000])

    with pytest.raises(WeightsError, match="run dvc repro train again"):
        unet.load(tmp_path)


def test_a_score_at_the_threshold_counts():
    scores = np.array([[[0.2], [0.5], [0.8]]])

    assert unet.decided(scores, 0.5).tolist() == [[0, 1, 1]]


def test_the_likeliest_of_several_labels_wins():
    scores = np.array([[[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]])

    assert unet.decided(scores, None).tolist() == [[0, 2]]
