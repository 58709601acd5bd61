"""A trained network and pictures of any size -> their label masks, at the pictures' own size."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import cv2
import msgspec
import numpy as np

from pipeline import photos, tflite, unet, voc
from pipeline.errors import ParamsError
from pipeline.params import Params
from pipeline.quiet import quietly
from pipeline.unet import Card

with quietly():
    import tensorflow as tf


class SegmentParams(Params):
    """How the trained network is used."""

    splits: list[Literal["train", "valid", "test"]]  # whose images to segment
    batch: Annotated[int, msgspec.Meta(ge=1)]  # images at a time
    flip: bool  # average with the mirror image: a little better, twice the time
    threads: Annotated[int, msgspec.Meta(ge=1)]  # of TensorFlow, or of LiteRT
    model: Literal["unet", "tflite"]  # the trained network, or a ready-made one
    tflite: str | None  # path of the ready-made network; read with model: tflite only


@dataclass(frozen=True)
class Segmenter:
    """A trained network, ready to look.

    Attributes:
        card: what it was trained for.
        look: ``(N, S, S, 3)`` float32 -> ``(N, S, S, C)`` float32, compiled.
    """

    card: Card
    look: Callable[[np.ndarray], tf.Tensor]


def load(folder: Path) -> Segmenter:
    """Read the network that training wrote, ``data/model``.

    Raises:
        WeightsError: the folder holds no network, or a damaged one.
    """
    network, card = unet.load(folder)
    return Segmenter(card, unet.compiled(network, card.size))


def predict(segmenter: Segmenter, image: np.ndarray, *, flip: bool = False) -> np.ndarray:
    """Return the labels of one picture, ``(H, W)`` uint8.

    Args:
        segmenter: of ``load``.
        image: ``(H, W, 3)`` uint8 RGB, of any size.
        flip: average with the mirror image.

    Raises:
        ImageError: ``image`` is not ``(H, W, 3)`` uint8.
    """
    likely = probabilities(segmenter, [image], flip=flip)[0]
    return unet.decided(likely, segmenter.card.threshold)


def probabilities(
    segmenter: Segmenter, images: list[np.ndarray], *, flip: bool = False
) -> list[np.ndarray]:
    """Return how likely each label is at each pixel, at each picture's own size.

    The network's map is enlarged before anything is decided: an outline then runs between the
    network's pixels, where enlarged labels would show its squares.

    Args:
        segmenter: of ``load``.
        images: ``(H, W, 3)`` uint8 RGB each, of any sizes.
        flip: average with the mirror images.

    Returns:
        ``(H, W, C)`` float32 each, 0..1; ``C`` is 1 for one category, else the number of labels.

    Raises:
        ImageError: an image is not ``(H, W, 3)`` uint8.
    """
    if not images:
        return []
    card = segmenter.card
    small = unet.scaled(np.stack([photos.square(image, card.size) for image in images]), card)
    likely = segmenter.look(small).numpy()  # (N, S, S, C)
    if flip:
        mirrored = segmenter.look(small[:, :, ::-1]).numpy()
        likely = (likely + mirrored[:, :, ::-1]) / 2
    return [enlarged(map_, *image.shape[:2]) for map_, image in zip(likely, images, strict=True)]


def enlarged(likely: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize ``(S, S, C)`` float32 to ``(height, width, C)``, bilinear."""
    channels = [
        cv2.resize(channel, (width, height), interpolation=cv2.INTER_LINEAR)
        for channel in np.moveaxis(likely, -1, 0)  # cv2 takes four channels at most
    ]
    return np.stack(channels, axis=-1)


@dataclass(frozen=True)
class Eye:
    """What finds the categories, whichever network it is.

    Attributes:
        look: ``(H, W, 3)`` uint8 pictures of any sizes -> what ``probabilities`` gives.
        labels: name of each label, background first.
        threshold: as ``unet.decided`` takes it.
        side: of the square, pixels, in which it sees all that it can.
    """

    look: Callable[[list[np.ndarray]], list[np.ndarray]]
    labels: list[str]
    threshold: float | None
    side: int

    def find(self, image: np.ndarray) -> np.ndarray:
        """Return the labels of one picture, ``(H, W)`` uint8."""
        (likely,) = self.look([image])
        return unet.decided(likely, self.threshold)


def eye(settings: SegmentParams, model: Path, labels: list[str]) -> Eye:
    """Read the network that the settings name.

    Args:
        settings: which it is.
        model: folder of the trained one.
        labels: names to give to what a ready-made one finds, background first.

    Raises:
        ParamsError: a ready-made one is wanted and not named, or no label is a person.
        WeightsError: the network cannot be read.
    """
    if settings.model == "unet":
        trained = load(model)

        def look(images: list[np.ndarray]) -> list[np.ndarray]:
            return probabilities(trained, images, flip=settings.flip)

        return Eye(look, trained.card.labels, trained.card.threshold, trained.card.size)
    return _ready(settings, labels)


def _ready(settings: SegmentParams, labels: list[str]) -> Eye:
    if not settings.tflite:
        raise ParamsError(
            "segment.model is tflite but segment.tflite is empty; "
            "give it the path of a network such as MediaPipe's selfie_segmenter.tflite"
        )
    people, known = voc.people(labels[1:]), len(labels) - 1
    if not people:
        raise ParamsError(
            f"segment.model: tflite finds people, but the categories are {', '.join(labels[1:])}; "
            "set segment.model to unet, or call the category person"
        )
    finder = tflite.load(Path(settings.tflite).expanduser(), settings.threads)

    def look(images: list[np.ndarray]) -> list[np.ndarray]:
        likely = (tflite.probability(finder, image, flip=settings.flip) for image in images)
        return [tflite.maps(one, people, known) for one in likely]

    threshold = tflite.THRESHOLD if known == 1 else None
    return Eye(look, labels, threshold, max(finder.height, finder.width))
