"""A ready-made network that finds people, as a ``.tflite`` file such as MediaPipe's, by LiteRT.

The file says its input's size. It is taken to see pixels as 0..1 and to answer with one channel,
how likely each is a person, 0..1: that is what MediaPipe's selfie segmenters do.

Source: https://ai.google.dev/edge/mediapipe/solutions/vision/image_segmenter
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from pipeline.errors import ImageError, WeightsError
from pipeline.quiet import quietly

THRESHOLD = 0.5  # probability from which a pixel is a person
WEIGHTS = (np.float32, np.float16, np.int8)  # in which parameters are kept


@dataclass(frozen=True)
class Finder:
    """A network ready to look.

    Attributes:
        interpreter: of LiteRT, its tensors allocated.
        height: of what it sees, pixels.
        width: of what it sees, pixels.
        parameters: numbers in its constant tensors.
    """

    interpreter: Interpreter
    height: int
    width: int
    parameters: int


def load(path: Path, threads: int) -> Finder:
    """Read a network.

    Args:
        path: the ``.tflite`` file.
        threads: of LiteRT, 1 or more.

    Raises:
        WeightsError: there is no file, it is no such network, or one of another kind.
    """
    if not path.is_file():
        raise WeightsError(f"{path} is not a file; give the path of a .tflite network, or null")
    try:
        with quietly():
            interpreter = Interpreter(str(path), num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WeightsError(f"{path} is no TensorFlow Lite network: {reason}") from error
    (entry, *further), (answer, *_) = (
        interpreter.get_input_details(),
        interpreter.get_output_details(),
    )
    shape, given = entry["shape"].tolist(), answer["shape"].tolist()
    kinds = {entry["dtype"], answer["dtype"]}
    fits = len(shape) == 4 and shape[0] == 1 and shape[3] == 3 and given[-1] == 1
    if further or not fits or kinds != {np.float32}:
        raise WeightsError(
            f"{path} takes {shape} and gives {given} of {sorted(kind.__name__ for kind in kinds)}; "
            "expected one float32 picture (1, H, W, 3) in and one channel of probabilities out, "
            "as MediaPipe's selfie_segmenter.tflite has"
        )
    return Finder(interpreter, shape[1], shape[2], _parameters(interpreter))


def _parameters(interpreter: Interpreter) -> int:
    """Count the numbers in constant tensors: those that no operation writes and no user gives."""
    written = {entry["index"] for entry in interpreter.get_input_details()}
    for operation in interpreter._get_ops_details():  # nothing public says it
        written |= set(operation["outputs"].tolist())
    return sum(
        int(np.prod(tensor["shape"]))
        for tensor in interpreter.get_tensor_details()
        if tensor["index"] not in written and tensor["dtype"] in WEIGHTS
    )


def probability(finder: Finder, image: np.ndarray, *, flip: bool = False) -> np.ndarray:
    """Return how likely each pixel is a person, ``(H, W)`` float32, 0..1, at the picture's size.

    Args:
        finder: of ``load``.
        image: ``(H, W, 3)`` uint8 RGB, of any size; it is stretched.
        flip: average with the mirror image.

    Raises:
        ImageError: ``image`` is not ``(H, W, 3)`` uint8.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(f"expected (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
    height, width = image.shape[:2]
    shrinks = height >= finder.height and width >= finder.width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    seen = cv2.resize(image, (finder.width, finder.height), interpolation=method)
    plain = seen.astype(np.float32) / 255
    likely = _look(finder, plain)
    if flip:
        likely = (likely + _look(finder, plain[:, ::-1])[:, ::-1]) / 2
    grown = cv2.resize(likely, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(grown, 0, 1)


def _look(finder: Finder, plain: np.ndarray) -> np.ndarray:
    entry = finder.interpreter.get_input_details()[0]["index"]
    answer = finder.interpreter.get_output_details()[0]["index"]
    finder.interpreter.set_tensor(entry, np.ascontiguousarray(plain[None]))
    finder.interpreter.invoke()
    likely = finder.interpreter.get_tensor(answer)
    return np.ascontiguousarray(likely.reshape(likely.shape[1:3]))


def maps(likely: np.ndarray, labels: list[int], known: int) -> np.ndarray:
    """Return probabilities in the form the U-Net gives them.

    Args:
        likely: ``(H, W)`` float32, of a person.
        labels: which labels are people; the first one gets them.
        known: K, number of labels without background.

    Returns:
        ``(H, W, 1)`` float32 for one label; else ``(H, W, K + 1)``, background first.
    """
    if known == 1:
        return likely[..., None]
    spread = np.zeros((*likely.shape, known + 1), np.float32)
    spread[..., 0], spread[..., labels[0]] = 1 - likely, likely
    return spread
