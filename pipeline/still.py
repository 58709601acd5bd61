"""[disk] What a detector takes for a person and shows again in other photos of the place.

Nobody stands in the same spot on several days: that is a lantern, a statue, a poster.
"""

from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from pipeline import images, store

AROUND = 0.3  # of a box's size, on each side: what stands there is known by its surroundings too
MOVED = 0.08  # of the longer side: how far two photographers' frames differ
ALIKE = 0.55  # correlation from which it is the same, whatever the light
LEAST = 3  # pixels of a box's sides; less shows nothing
TIMES = 2  # other photos that must show it
COMPARED = 24  # of the place's photos, at most


class Site(NamedTuple):
    """Photos of one place, and boxes in them.

    Attributes:
        paths: of the photos.
        boxes: a photo each: ``(N, 4)`` left, top, right, bottom as shares of the picture, 0..1.
    """

    paths: list[str]
    boxes: list[np.ndarray]


def still(site: Site) -> list[np.ndarray]:
    """Return which boxes of each photo show what stands there always, ``(N,)`` bool; reads files.

    Raises:
        ImageError: a file is missing or no picture.
    """
    result = [np.zeros(len(one), bool) for one in site.boxes]
    asking = [row for row, one in enumerate(site.boxes) if len(one)]
    if not asking or len(site.paths) <= TIMES:
        return result
    rows = range(0, len(site.paths), -(-len(site.paths) // COMPARED))
    seen = {row: _grey(site.paths[row]) for row in rows}
    for row in asking:  # one after the other: a place may have more photos than fit the memory
        here = seen[row] if row in seen else _grey(site.paths[row])
        others = [other for place, other in seen.items() if place != row]
        for place, box in enumerate(site.boxes[row]):
            alike = (1 for other in others if likeness(here, box, other) > ALIKE)
            result[row][place] = sum(islice(alike, TIMES)) == TIMES  # the rest need no look
    return result


def likeness(one: np.ndarray, box: np.ndarray, other: np.ndarray) -> float:
    """Return how well what is in a box of one picture is found near its place in another, -1..1.

    Where to look is told by the box with its surroundings, by normalised cross-correlation; how
    like it is, by the correlation of what is inside the box alone, else whoever passes before the
    same wall would be like another. 0 where the box does not fit.

    Args:
        one: ``(H, W)`` uint8, grey.
        box: left, top, right, bottom as shares of the picture.
        other: ``(H', W')`` uint8, grey, as large or nearly.
    """
    height, width = one.shape
    size = np.array([width, height])
    low, high = box[:2], box[2:4]
    spare = (high - low) * AROUND
    start, end = _pixels(low - spare, size), _pixels(high + spare, size)
    inner_start, inner_end = _pixels(low, size) - start, _pixels(high, size) - start
    reach = round(MOVED * max(height, width))
    patch = one[start[1] : end[1], start[0] : end[0]]
    from_x, from_y = np.maximum(start - reach, 0)
    near = other[from_y : end[1] + reach, from_x : end[0] + reach]
    if min(inner_end - inner_start) < LEAST or (np.array(near.shape) < patch.shape).any():
        return 0.0
    at = np.nan_to_num(cv2.matchTemplate(near, patch, cv2.TM_CCOEFF_NORMED))
    x, y = cv2.minMaxLoc(at)[3]
    (left, top), (right, bottom) = inner_start, inner_end
    found = near[y + top : y + bottom, x + left : x + right]
    return _correlation(patch[top:bottom, left:right], found)


def _pixels(shares: np.ndarray, size: np.ndarray) -> np.ndarray:
    return np.rint(shares.clip(0, 1) * size).astype(int)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    first, second = (each - each.mean() for each in (one, other))
    norm = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / norm) if norm > 0 else 0.0


def _grey(path: str) -> np.ndarray:
    return images.luma(images.small(store.read_picture(Path(path)), path))
