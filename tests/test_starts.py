"""First weights: what is given by name lands there, and what does not fit is refused in words."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from pipeline import starts, unet
from pipeline.errors import WeightsError
from pipeline.unet import UnetParams

unet.prepare(seed=0, threads=2)  # the first in a process decides the threads

NONE = UnetParams(preset="default", init="none", size=32)


def of(init, preset="default"):
    """What begins with ``init``, a word or a path."""
    file = str(init) if isinstance(init, Path) else ""
    return UnetParams(preset=preset, init="file" if file else init, size=32, init_file=file)


def values(network):
    return {one.path: one.numpy() for one in network.weights}


@pytest.fixture(scope="module")
def tensors():
    """Numbers of our own for each name of the default network, as float16 can hold them."""
    rng = np.random.default_rng(5)
    shapes = {one.path: one.shape for one in unet.build(NONE, 1).weights}
    return {n: rng.normal(1, 0.1, shape).astype(np.float16) for n, shape in shapes.items()}


@pytest.fixture
def file(tensors, tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(safetensors.numpy.save(tensors))
    return path


@pytest.fixture
def embedded(file, monkeypatch):
    monkeypatch.setattr(starts, "EMBEDDED", file)


def test_every_variable_of_every_name_is_given(embedded, tensors):
    network = unet.build(NONE, 1)

    said = starts.begin(network, of("embedded"))

    assert said == ("embedded weights", False)
    for name, value in values(network).items():
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, tensors[name].astype(np.float32), err_msg=name)


def test_with_other_categories_the_last_layer_alone_stays_as_it_was(file, tensors):
    network = unet.build(NONE, 3)
    before = values(network)

    said = starts.begin(network, of(file))

    assert said.words.endswith("w.safetensors without their last layer")
    assert said.fresh
    for name, value in values(network).items():
        expected = before[name] if name.startswith("half/") else tensors[name].astype(np.float32)
        np.testing.assert_array_equal(value, expected, err_msg=name)


@pytest.mark.parametrize(
    ("init", "preset"), [("none", "default"), ("none", "seed"), ("embedded", "seed")]
)
def test_nothing_is_given_where_nothing_is_wanted_or_there_is_nothing(embedded, init, preset):
    network = unet.build(of("none", preset), 1)
    before = values(network)

    assert starts.begin(network, of(init, preset)) == ("nothing", True)
    for name, value in values(network).items():
        np.testing.assert_array_equal(value, before[name])


def test_a_trained_folder_is_a_start_too(tmp_path):
    trained = unet.build(NONE, 1)
    unet.save(tmp_path, trained, unet.card(NONE, ["background", "person"], 0.4))
    network = unet.build(NONE, 1)

    starts.begin(network, of(tmp_path))

    for name, value in values(network).items():
        np.testing.assert_array_equal(value, values(trained)[name])


def test_a_networks_looks_do_not_change_by_way_of_a_file(tmp_path):
    """Saved as float32 and given to another network, both see the same."""
    first, second = unet.build(NONE, 1), unet.build(NONE, 1)
    path = tmp_path / "w.safetensors"
    path.write_bytes(safetensors.numpy.save(values(first)))
    images = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)

    starts.begin(second, of(path))

    np.testing.assert_array_equal(first(images), second(images))


def test_weights_of_another_network_say_what_was_expected_and_what_came(file):
    with pytest.raises(WeightsError, match=r"another network, \d+ names differ: .* expected"):
        starts.begin(unet.build(of("none", "seed"), 1), of(file, "seed"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("down0a/kernel"), r"1 names differ: down0a/kernel is missing, .*3, 3, 24"),
        (lambda t: t.update(extra=np.ones(2)), r"extra is \(2,\), expected no such name"),
        (lambda t: t.update({"up3/kernel": np.ones((3, 3))}), r"up3/kernel is \(3, 3\), expected"),
        (
            lambda t: t.update({"half/bias": np.array([np.nan])}),
            "half/bias holds",
        ),
    ],
    ids=["one missing", "one too many", "another shape", "no number"],
)
def test_a_file_that_does_not_fit_says_where(tensors, tmp_path, change, message):
    changed = dict(tensors)
    change(changed)
    path = tmp_path / "w.safetensors"
    path.write_bytes(safetensors.numpy.save(changed))

    with pytest.raises(WeightsError, match=message):
        starts.begin(unet.build(NONE, 1), of(path))


@pytest.mark.parametrize("name", ["nowhere.safetensors", "model1.h5", "empty"])
def test_a_path_that_is_no_start_says_what_may_be_given(tmp_path, name):
    (tmp_path / "model1.h5").write_bytes(b"x")
    (tmp_path / "empty").mkdir()

    with pytest.raises(WeightsError, match="embedded or none|run dvc repro train"):
        starts.begin(unet.build(NONE, 1), of(tmp_path / name))


def test_a_damaged_file_is_refused(file):
    file.write_bytes(file.read_bytes()[:500])

    with pytest.raises(WeightsError, match="is damaged"):
        starts.begin(unet.build(NONE, 1), of(file))


@pytest.mark.skipif(not starts.EMBEDDED.is_file(), reason="this checkout has no embedded weights")
def test_the_shipped_weights_fit_the_default_network_and_are_small():
    assert starts.begin(unet.build(NONE, 1), of("embedded")).words == "embedded weights"
    assert starts.EMBEDDED.stat().st_size < 16_000_000
