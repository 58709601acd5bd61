"""The U-Nets that find people, and the folder that holds a trained one.

Source: Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation",
MICCAI 2015, https://arxiv.org/abs/1505.04597. Arrays are ``(N, H, W, C)``; ``H`` and ``W`` may be
any multiple of ``STEP``, so one network trains at several sizes.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
import numpy as np

from pipeline import encoders, store
from pipeline.errors import WeightsError
from pipeline.params import Params
from pipeline.quiet import quietly

with quietly():
    import keras
    import tensorflow as tf
    from keras import layers

Began = TypeVar("Began")

STEP = 32  # both networks halve their input five times
WEIGHTS = "unet.weights.h5"
CARD = "model.json"

# Channels of the report's network: two convolutions a level, then the bottleneck.
SEED_ENCODER = (12, 24, 48, 96, 192)
SEED_BOTTLENECK = 384
# (channels of the transposed convolution, of the two convolutions after it); the last level was
# never halved in the report, hence 24 twice.
SEED_DECODER = ((64, 192), (32, 96), (16, 48), (8, 24), (4, 24))

# Channels of the default network. Its stem halves at once, so that no convolution runs at full
# size, where the report's network spends a third of its work; the weights go to the deep end.
ENCODER = (24, 48, 96, 192, 432)
DECODER = (96, 64, 32, 24)


class UnetParams(Params):
    """Which network, at what size it looks, and what it knows before it is trained."""

    preset: Literal["default", "seed"]
    init: Literal["embedded", "none", "file"]  # what it begins with; see ``starts``
    size: Annotated[int, msgspec.Meta(ge=STEP, le=1024, multiple_of=STEP)]  # pixels, square
    encoder: encoders.Kind = "none"  # a published network as the downward half of the default
    encoder_weights: Literal["none", "imagenet"] = "none"  # of it; imagenet is downloaded
    init_file: str = ""  # path of the first weights, with init: file

    def __post_init__(self) -> None:
        """Refuse the report's network with another encoder.

        Raises:
            ValueError: so it is; ``params.load`` makes it a ``ParamsError``.
        """
        if self.preset == "seed" and self.encoder != "none":
            raise ValueError(f"preset seed has its own encoder, not {self.encoder}")


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is needed to rebuild a trained network and to use it, without ``params.yaml``."""

    preset: Literal["default", "seed"]
    size: int  # side of the square input, pixels
    labels: list[str]  # name of each label, background first
    threshold: float | None  # probability from which a pixel is the category; None = the likeliest
    fit: Literal["stretch"]  # how an image of any shape becomes the square input
    colours: Literal["RGB"]
    scale: float  # input = pixel * scale + offset
    offset: float
    encoder: encoders.Kind = "none"  # as in the parameters; earlier cards do not say


def prepare(seed: int, threads: int, begin: Callable[[], Began] = lambda: tf.zeros(1)) -> Began:
    """Make TensorFlow give the same bits each time; for stages only, before anything is built.

    Args:
        seed: of Python's, NumPy's and TensorFlow's global generators, which Keras draws from.
        threads: for the work within an operation; their number moves the last digits.
        begin: the first operation, as it looks for a GPU and complains of none.

    Returns:
        What ``begin`` does.
    """
    keras.utils.set_random_seed(seed)
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
    with quietly():
        return begin()


def build(params: UnetParams, labels: int) -> keras.Model:
    """Build an untrained network; seed Keras first for the same weights each time.

    Args:
        params: the preset; its ``size`` is only recorded, the network takes any multiple of 32.
        labels: how many there are besides background, at least 1.

    Returns:
        ``(N, H, W, 3)`` float32 -> probabilities ``(N, H, W, C)`` float32, 0..1: one channel
        (sigmoid) for one label, else ``labels + 1`` channels that sum to 1 (softmax), background
        first. Its layer ``logits`` is what a loss should see.
    """
    image = keras.Input((None, None, 3), name="image")
    channels = 1 if labels == 1 else labels + 1
    if params.preset == "seed":
        logits = _seed(image, channels)
    elif params.encoder == "none":
        logits = _upward(_downward(image), channels)
    else:
        logits = _upward(encoders.downward(image, params.encoder), channels)
    squash = "sigmoid" if labels == 1 else "softmax"
    output = layers.Activation(squash, dtype="float32", name="probabilities")(logits)
    return keras.Model(image, output, name=f"unet_{params.preset}")


def _seed(x: keras.KerasTensor, channels: int) -> keras.KerasTensor:
    """The report's layers; at 160 × 160 with one label they hold 3,823,409 parameters."""
    skips = []
    for level, width in enumerate(SEED_ENCODER):
        x = _pair(x, width, f"down{level}")  # (N, H/2^level, W/2^level, width)
        skips.append(x)
        x = layers.MaxPooling2D(2, name=f"pool{level}")(x)  # half the size
    x = _pair(x, SEED_BOTTLENECK, "bottom")  # (N, H/32, W/32, 384)
    for level, (raised, width) in enumerate(SEED_DECODER):
        up = layers.Conv2DTranspose(raised, 2, strides=2, padding="same", name=f"up{level}_raise")
        joined = layers.Concatenate(name=f"up{level}_join")([up(x), skips.pop()])
        x = _pair(joined, width, f"up{level}")  # (N, H/2^(4-level), W/2^(4-level), width)
    return layers.Conv2D(channels, 1, name="logits")(x)  # (N, H, W, channels)


def _pair(x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
    for part in "ab":
        x = layers.Conv2D(width, 3, padding="same", activation="relu", name=f"{name}{part}")(x)
    return x


def _downward(x: keras.KerasTensor) -> list[keras.KerasTensor]:
    """The default's encoder: a network of the seed's parameter count, about half its arithmetic."""
    skips = []
    for level, width in enumerate(ENCODER):
        x = _normal(x, width, f"down{level}a", stride=2)
        x = _normal(x, width, f"down{level}b")  # (N, H/2^(level+1), W/2^(level+1), width)
        skips.append(x)
    return skips


def _upward(skips: list[keras.KerasTensor], channels: int) -> keras.KerasTensor:
    """The default's decoder, from a half, a quarter ... a 32nd of the size."""
    x, *rest = skips[::-1]  # (N, H/32, W/32, 432)
    for level, (width, skip) in enumerate(zip(DECODER, rest, strict=True)):
        up = layers.UpSampling2D(2, interpolation="bilinear", name=f"up{level}_raise")(x)
        joined = layers.Concatenate(name=f"up{level}_join")([up, skip])
        x = _normal(joined, width, f"up{level}")  # at last (N, H/2, W/2, 24)
    x = layers.Conv2D(channels, 1, name="half")(x)  # (N, H/2, W/2, channels)
    return layers.UpSampling2D(2, interpolation="bilinear", name="logits")(x)


def _normal(x: keras.KerasTensor, width: int, name: str, stride: int = 1) -> keras.KerasTensor:
    """Convolution, batch normalisation, ReLU."""
    start = keras.initializers.HeNormal()
    x = layers.Conv2D(
        width, 3, stride, "same", use_bias=False, kernel_initializer=start, name=name
    )(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def card(params: UnetParams, labels: list[str], threshold: float | None) -> Card:
    """Describe a network; the report's saw pixels as 0..1, the default sees them as -1..1.

    Args:
        params: what it was built from.
        labels: name of each label, background first.
        threshold: of the probability, 0..1; None where there are several categories.
    """
    scale, offset = (1 / 255, 0.0) if params.preset == "seed" else (2 / 255, -1.0)
    fit, colours = "stretch", "RGB"
    return Card(
        params.preset, params.size, labels, threshold, fit, colours, scale, offset, params.encoder
    )


def scaled(images: np.ndarray, about: Card) -> np.ndarray:
    """Return ``(N, H, W, 3)`` uint8 pixels as the float32 input that the network was trained on."""
    return images.astype(np.float32) * np.float32(about.scale) + np.float32(about.offset)


def decided(scores: np.ndarray, threshold: float | None) -> np.ndarray:
    """Return ``(..., H, W)`` uint8 labels of ``(..., H, W, C)`` scores.

    Args:
        scores: one channel: label 1 from the threshold on; several: the highest wins.
        threshold: in the unit of the scores; only read where there is one channel.
    """
    if scores.shape[-1] == 1:
        return (scores[..., 0] >= threshold).astype(np.uint8)
    return scores.argmax(axis=-1).astype(np.uint8)


def to_logits(network: keras.Model) -> keras.Model:
    """Return the network up to what a loss should see, ``(N, H, W, C)``; the weights are shared."""
    return keras.Model(network.input, network.get_layer("logits").output)


def batch_of(size: int) -> tf.TensorSpec:
    """Return what a compiled network takes: any number of inputs of one size."""
    return tf.TensorSpec((None, size, size, 3), tf.float32)


def compiled(network: keras.Model, size: int) -> Callable[[np.ndarray], tf.Tensor]:
    """Compile a network for batches of any length; three times as fast as ``Model.predict``."""
    return tf.function(
        lambda images: network(images, training=False),
        input_signature=[batch_of(size)],
        autograph=False,
    )


def save(folder: Path, network: keras.Model, about: Card) -> None:
    """Write the weights, without any optimiser state, and the card; the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"part.{WEIGHTS}"
    network.save_weights(beside)
    beside.replace(folder / WEIGHTS)
    store.write_json(folder / CARD, msgspec.to_builtins(about))


def load(folder: Path) -> tuple[keras.Model, Card]:
    """Rebuild a trained network from its folder.

    Raises:
        WeightsError: a file is missing or damaged, or the two do not belong together.
    """
    if not (folder / WEIGHTS).is_file() or not (folder / CARD).is_file():
        raise WeightsError(f"{folder} holds no trained network; run dvc repro train")
    try:
        about = msgspec.convert(store.read_json(folder / CARD), Card)
        params = UnetParams(
            preset=about.preset, init="none", size=about.size, encoder=about.encoder
        )
        network = build(params, len(about.labels) - 1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Keras only warns of weights it does not find
            network.load_weights(folder / WEIGHTS)
    except (msgspec.ValidationError, OSError, ValueError, KeyError, UserWarning) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{folder}: {reason}; run dvc repro train again") from error
    return network, about
