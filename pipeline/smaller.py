"""Photos at the size of a page: a JPEG is decoded no larger than it has to be."""

from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from pipeline import store

BEYOND = 0.25  # pixels by which a small picture may be drawn together
HALVES = (8, 4, 2)  # sizes at which libjpeg decodes for less than the whole, by its vector code


def size(size_wh: tuple[int, int], side: int) -> tuple[int, int]:
    """Return width and height of a picture no longer than ``side`` either way; never enlarged."""
    scale = min(1.0, side / max(size_wh))
    return max(1, round(size_wh[0] * scale)), max(1, round(size_wh[1] * scale))


def shrink(image: np.ndarray, side: int) -> np.ndarray:
    """Return ``(H, W, 3)`` uint8 no longer than ``side`` pixels either way; never enlarged."""
    return _to(image, size(image.shape[1::-1], side))


def read(path: Path, side: int) -> np.ndarray:
    """Read a picture as ``store.read_image`` does, of the size that ``shrink`` would give it.

    Raises:
        ImageError: the file is missing or no picture.
    """
    content = store.read_picture(path)
    image, size_wh = _reduced(content, side)
    if image is None:
        return shrink(store.decode_image(content, str(path)), side)
    return _to(image, size(size_wh, side))


def _reduced(content: bytes, side: int) -> tuple[np.ndarray | None, tuple[int, int]]:
    """Return a JPEG at a half, quarter or eighth, if that is large enough, and its own size."""
    if not content.startswith(store.JPEG):
        return None, (0, 0)
    try:
        height, width = simplejpeg.decode_jpeg_header(content)[:2]
        part = next((part for part in HALVES if _fits(height, width, part, side)), 0)
        if not part:
            return None, (0, 0)
        least = {"min_height": -(-height // part), "min_width": -(-width // part)}
        return simplejpeg.decode_jpeg(content, "RGB", **least), (width, height)
    except ValueError:  # CMYK and broken files: the whole way has other readers
        return None, (0, 0)


def _fits(height: int, width: int, part: int, side: int) -> bool:
    """Whether a part is large enough, and hardly wider than the photo: libjpeg rounds up."""
    longer = max(height, width)
    beyond = max(-height % part, -width % part) * side / longer  # pixels of the small picture
    return longer >= part * side and beyond <= BEYOND


def _to(image: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    if image.shape[1::-1] == size_wh:
        return image
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
