"""The trained network in other programs' formats sees what it sees here."""

import hashlib
import json
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from pipeline import portable, unet
from pipeline.errors import WeightsError
from pipeline.unet import UnetParams

unet.prepare(seed=0, threads=2)  # the first in a process decides the threads

PLAIN_KERAS = """
import sys, numpy, keras
network = keras.models.load_model(sys.argv[1])
images = numpy.load(sys.argv[2])
numpy.save(sys.argv[3], network.predict(images, verbose=0))
"""


def networks(preset, labels=1):
    shape = UnetParams(preset=preset, init="none", size=32)
    network = unet.build(shape, labels)
    rng = np.random.default_rng(1)
    for one in network.weights:  # the same each time, with variances as a trained one has them
        reach = np.sqrt(2 / np.prod(one.shape[:-1]))
        one.assign(rng.uniform(0.5, 1.5, one.shape) if len(one.shape) == 1
                   else rng.normal(0, reach, one.shape))  # fmt: skip
    limit = 0.4 if labels == 1 else None
    return network, unet.card(shape, ["background", *"abc"[:labels]], limit)


IMAGES = np.random.default_rng(0).random((3, 32, 32, 3), np.float32)


@pytest.mark.parametrize("preset", ["seed", "default"])
@pytest.mark.parametrize(
    ("kind", "name", "off"),
    [
        ("h5", "m.h5", 1e-5),
        ("savedmodel", "m", 1e-5),
        ("tflite", "m.tflite", 1e-5),
        ("tflite-float16", "m.tflite", 0.02),
        ("tflite-int8", "m.tflite", 0.2),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_export_sees_what_the_network_sees(tmp_path, preset, kind, name, off):
    network, card = networks(preset)

    portable.write(network, card, kind, tmp_path / name)

    seen = np.asarray(portable.reader(tmp_path / name, kind, 1)(IMAGES))
    assert np.abs(seen - network(IMAGES).numpy()).max() < off
    assert msgspec.convert(json.loads((tmp_path / "m.json").read_text()), unet.Card) == card


def test_several_categories_are_exported_too(tmp_path):
    network, card = networks("default", 3)

    portable.write(network, card, "tflite", tmp_path / "m.tflite")

    seen = np.asarray(portable.reader(tmp_path / "m.tflite", "tflite", 1)(IMAGES))
    np.testing.assert_allclose(seen, network(IMAGES), atol=1e-5)


def test_the_h5_loads_in_keras_alone_with_no_objects_of_ours(tmp_path):
    """A process that knows Keras and not this project; the report's file, model1.h5."""
    network, card = networks("seed")
    portable.write(network, card, "h5", tmp_path / "model1.h5")
    np.save(tmp_path / "in.npy", IMAGES)

    files = [str(tmp_path / name) for name in ("model1.h5", "in.npy", "out.npy")]
    command = [sys.executable, "-c", PLAIN_KERAS, *files]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), network(IMAGES), atol=1e-5)


@pytest.mark.parametrize(("kind", "name"), [("h5", "m.h5"), ("tflite-int8", "m.tflite")])
def test_the_same_weights_give_the_same_bytes(tmp_path, kind, name):
    found = []
    for run in ("a", "b"):
        portable.write(*networks("default"), kind, tmp_path / run / name)
        found.append(hashlib.sha256((tmp_path / run / name).read_bytes()).hexdigest())

    assert found[0] == found[1]


def test_int8_is_a_quarter_of_the_file(tmp_path):
    for kind in ("tflite", "tflite-int8"):
        portable.write(*networks("default"), kind, tmp_path / f"{kind}.tflite")

    sizes = [(tmp_path / f"{kind}.tflite").stat().st_size for kind in ("tflite", "tflite-int8")]
    assert 3.5 < sizes[0] / sizes[1] < 4.5


@pytest.mark.parametrize(("kind", "name"), [("h5", "m.tflite"), ("savedmodel", "m.h5")])
def test_a_name_of_another_format_is_refused(tmp_path, kind, name):
    with pytest.raises(WeightsError, match=f"a {kind} ends in"):
        portable.write(*networks("default"), kind, tmp_path / name)
