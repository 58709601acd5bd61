"""[disk] A trained network as a file that other programs run, and what a format costs it.

Every format takes ``(N, S, S, 3)`` float32, pixels times ``scale`` plus ``offset`` of the card, and
gives probabilities ``(N, S, S, C)`` float32; the card lies beside it as ``<stem>.json``.
"""

import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from pipeline import store
from pipeline.errors import WeightsError
from pipeline.quiet import quietly
from pipeline.unet import Card

with quietly():
    import keras
    import tensorflow as tf

FORMATS = {
    "h5": "Keras, loads by keras.models.load_model; any multiple of 32 as size",
    "savedmodel": "TensorFlow's folder, any number of pictures",
    "tflite": "LiteRT, float32, one picture at a time",
    "tflite-float16": "LiteRT, weights as float16: half the file",
    "tflite-int8": "LiteRT, weights as int8 where that pays: a quarter of the file",
}
ENDINGS = {"h5": ".h5", "savedmodel": "", "tflite": ".tflite"}
TOLERANCE = 1e-4  # of probabilities, for the formats that keep every digit


def write(network: keras.Model, card: Card, kind: str, path: Path) -> None:
    """Write the network and its card; the same weights give the same bytes, but for ``savedmodel``.

    Args:
        network: of ``unet.load``.
        card: the same.
        kind: of ``FORMATS``.
        path: a file with the format's ending, or a folder; what was there is replaced.

    Raises:
        WeightsError: the ending is another format's, or what was written does not see what the
            network sees.
    """
    ending = ENDINGS[kind.split("-")[0]]
    if path.suffix.lower() not in {ending, ending.upper()}:
        raise WeightsError(f"{path}: a {kind} ends in {ending or 'nothing, it is a folder'}")
    if kind == "savedmodel":
        shutil.rmtree(path, ignore_errors=True)
        _saved_model(network, tf.TensorSpec((None, card.size, card.size, 3)), path)
    else:
        store.write_bytes(path, _h5(network) if kind == "h5" else _lite(network, card, kind))
    store.write_json(path.with_suffix(".json"), msgspec.to_builtins(card))
    if kind in ENDINGS:
        _verify(network, card, path, kind)


def reader(path: Path, kind: str, threads: int) -> Callable[[np.ndarray], tf.Tensor]:
    """Return what ``write`` wrote, ready to look, as the programs of its format run it.

    Returns:
        ``(N, S, S, 3)`` float32 -> ``(N, S, S, C)`` float32.
    """
    if kind.startswith("tflite"):
        return _interpreter(path.read_bytes(), threads)
    with quietly():
        if kind == "h5":
            return keras.models.load_model(path, compile=False)
        loaded = tf.saved_model.load(path)
    return lambda images: loaded.serve(images)  # not its method alone, which forgets the weights


def _h5(network: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder, quietly():
        path = Path(folder) / "model.h5"
        network.save(path, include_optimizer=False)
        return path.read_bytes()


def _saved_model(network: keras.Model, inputs: tf.TensorSpec, path: Path) -> None:
    with quietly():
        network.export(path, verbose=False, input_signature=[inputs])


def _lite(network: keras.Model, card: Card, kind: str) -> bytes:
    """Convert by way of a SavedModel: straight from a function, some weights came out empty."""
    with tempfile.TemporaryDirectory() as folder:
        _saved_model(network, tf.TensorSpec((1, card.size, card.size, 3)), Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if kind != "tflite":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if kind == "tflite-float16":
            converter.target_spec.supported_types = [tf.float16]
        with quietly():
            return converter.convert()


def _interpreter(content: bytes, threads: int) -> Callable[[np.ndarray], tf.Tensor]:
    with quietly(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its coming move to a package of its own
        runner = tf.lite.Interpreter(model_content=content, num_threads=threads)
        runner.allocate_tensors()
    entry, answer = runner.get_input_details()[0]["index"], runner.get_output_details()[0]["index"]

    def look(images: np.ndarray) -> tf.Tensor:
        likely = []
        for image in images:
            runner.set_tensor(entry, image[None])
            runner.invoke()
            likely.append(runner.get_tensor(answer))
        return tf.constant(np.concatenate(likely))

    return look


def _verify(network: keras.Model, card: Card, path: Path, kind: str) -> None:
    image = np.random.default_rng(0).random((1, card.size, card.size, 3), np.float32)
    ours, theirs = network(image).numpy(), np.asarray(reader(path, kind, 1)(image))
    if not np.allclose(ours, theirs, atol=TOLERANCE):
        raise WeightsError(
            f"{path}: the exported network is {np.abs(ours - theirs).max():g} off what was trained;"
            " this TensorFlow cannot export it so, choose another --format"
        )
