"""[disk] What a ready-made network sees in a photo: people, outlined or not, and things.

NanoDet, 8-bit, as it comes with the package (``weights/nanodet.json`` says from where): it knows
the 80 kinds of COCO and looks at a square of ``SIDE`` pixels. It runs by LiteRT, without
TensorFlow, some 12 ms a photo on one core.

Sources: NanoDet, https://github.com/RangiLyu/nanodet (Apache-2.0); how its answers are boxes:
Li et al., "Generalized Focal Loss", NeurIPS 2020, https://arxiv.org/abs/2006.04388, equation 6.
"""

import hashlib
import threading
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg

from pipeline import memory, store
from pipeline.errors import WeightsError
from pipeline.quiet import quietly

WEIGHTS = Path(__file__).with_name("weights") / "nanodet.tflite"
SIDE = 416  # of the square the network sees, pixels
KINDS = 80  # of COCO; the first is person
TIE = 27  # COCO's number, from 0, of a kind that is always worn and hides nobody
STEPS = 11  # a side's distance is a distribution over 0..10 cells
MEAN = np.array([103.53, 116.28, 123.675], np.float32)  # of blue, green, red: as it was trained
SPREAD = np.array([57.375, 57.12, 58.395], np.float32)
SHADES = ((np.arange(256, dtype=np.float32)[:, None] - MEAN) / SPREAD)[None]  # of every level
PERSON_FROM = 0.1  # score; fainter people are not kept
THING_FROM = 0.15  # score, of everything else
SAME = 0.5  # overlap (IoU) from which two boxes are one object

_OWN = threading.local()


class Seen(NamedTuple):
    """What was found in one photo; shares are of its width and height.

    Attributes:
        people: ``(N, 5)`` float32: left, top, right, bottom (shares, 0..1) and score, 0..1.
        things: ``(M, 6)`` float32: the same of what is no person, then COCO's number of the kind.
    """

    people: np.ndarray
    things: np.ndarray


def detect(path: str) -> Seen:
    """Look at one photo; reads its file.

    Raises:
        ImageError: the file is missing or no picture.
        WeightsError: the network's file is missing or damaged.
    """
    image = picture(store.read_picture(Path(path)), path)
    return boxes(*look(image))


def digest(path: str) -> bytes:
    """Return a SHA-256 of all that ``detect`` depends on; nothing if a file cannot be read."""
    content = memory.content(Path(path))
    return hashlib.sha256(_weights() + content).digest() if content else b""


def look(image: np.ndarray) -> tuple[list[np.ndarray], tuple[int, int]]:
    """Run the network.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.

    Returns:
        its six answers, and height and width of the picture in the network's square.
    """
    shown, size = square(image)
    network = _network()
    network.set_tensor(network.get_input_details()[0]["index"], shown)
    network.invoke()
    return [network.get_tensor(one["index"])[0] for one in network.get_output_details()], size


def square(image: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Return a picture as the network sees it, and its height and width there.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.

    Returns:
        ``(1, SIDE, SIDE, 3)`` float32, blue, green, red, the picture in the upper left, and black.
    """
    scale = SIDE / max(image.shape[:2])
    high, wide = (max(1, round(side * scale)) for side in image.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    shown = np.zeros((SIDE, SIDE, 3), np.uint8)
    small = cv2.resize(image, (wide, high), interpolation=how)
    shown[:high, :wide] = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    return cv2.LUT(shown, SHADES)[None], (high, wide)


def boxes(answers: list[np.ndarray], size: tuple[int, int]) -> Seen:
    """Read the network's answers.

    Args:
        answers: a grid of cells each: ``(S, S, 80)`` scores, and ``(S, S, 44)`` logits of how far
            left, top, right and bottom of a box lie from the cell's middle, for three ``S``.
        size: height and width of the picture in the network's square, pixels.
    """
    scores = {len(one): one.reshape(-1, KINDS) for one in answers if one.shape[-1] == KINDS}
    reaches = {len(one): one.reshape(-1, 4, STEPS) for one in answers if one.shape[-1] != KINDS}
    found, of_kind = [], []
    for cells, score in scores.items():
        kept = np.flatnonzero(score.max(axis=1) > PERSON_FROM)
        far = np.exp(reaches[cells][kept] - reaches[cells][kept].max(axis=2, keepdims=True))
        reach = far @ np.arange(STEPS) / far.sum(axis=2)
        middle = np.stack([kept % cells, kept // cells], axis=1) + 0.5
        corners = np.concatenate([middle - reach[:, :2], middle + reach[:, 2:]], axis=1)
        found.append(corners * (SIDE / cells))
        of_kind.append(score[kept])
    corners, score = np.concatenate(found), np.concatenate(of_kind)
    things = score.copy()
    things[:, [0, TIE]] = 0
    kind = things.argmax(axis=1)
    whole = np.array([size[1], size[0]] * 2)
    shares = np.clip(corners / whole, 0, 1)
    people = _best(corners, score[:, 0], PERSON_FROM)
    other = _best(corners, things.max(axis=1), THING_FROM)
    return Seen(
        np.column_stack([shares[people], score[people, 0]]).astype(np.float32),
        np.column_stack([shares[other], things[other].max(axis=1), kind[other]]).astype(np.float32),
    )


def _best(corners: np.ndarray, score: np.ndarray, least: float) -> np.ndarray:
    """Return which boxes stay when each hides the fainter ones of the same object, best first."""
    spans = np.column_stack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    kept = cv2.dnn.NMSBoxes(spans.tolist(), score.tolist(), least, SAME) if len(score) else ()
    return np.array(kept, np.int64).reshape(-1)


def picture(content: bytes, name: str) -> np.ndarray:
    """Decode a picture, ``(H, W, 3)`` uint8 RGB; a JPEG at the smallest eighth the network needs.

    Raises:
        ImageError: the bytes are no picture; ``name`` begins the message.
    """
    if content.startswith(store.JPEG):
        try:
            height, width = simplejpeg.decode_jpeg_header(content)[:2]
            scale = min(1.0, SIDE / max(height, width))
            least = {"min_height": int(height * scale), "min_width": int(width * scale)}
            return simplejpeg.decode_jpeg(content, "RGB", **least)
        except ValueError:
            pass  # CMYK and broken files: the store knows them
    return store.decode_image(content, name)


@cache
def _weights() -> bytes:
    return hashlib.sha256(_content()).digest()


def _content() -> bytes:
    try:
        return WEIGHTS.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"{WEIGHTS} cannot be read ({error.strerror}); install the package anew, "
            "or set tag.detector: none"
        ) from error


def _network():  # noqa: ANN202  # ai_edge_litert's Interpreter, imported only where one is wanted
    """Return this thread's own network: one interpreter holds one picture at a time."""
    if not hasattr(_OWN, "network"):
        _OWN.network = _made()
    return _OWN.network


def _made():  # noqa: ANN202  # as above
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

    try:
        with quietly():
            network = Interpreter(model_content=_content(), num_threads=1)
            network.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise WeightsError(f"{WEIGHTS} is damaged; install the package anew: {error}") from error
    return network
