"""Where the sun throws shadows: one direction for everybody in a photo, found by trying.

The sun is so far away that the shadow of everything that stands upright falls the same way: what is
``h`` above the foot lies ``lean * h`` beside it and ``flat * h`` above it in the picture (below it,
where ``flat`` is negative: the light comes from behind). So a figure's outline, laid on the ground
by one pair of numbers, must cover ground that is darker than the ground right beside it, for all
figures at once; the pair for which it does so best is the sun's.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from pipeline import holes

SIDE = 120  # a figure is looked at no higher than this, pixels
FARTHEST = 1.9  # of the height: how far beside a figure its shadow may end
FOOT = 0.03  # of the height: the ground that a figure stands on is above its lowest point
LEANS = tuple(np.arange(-6, 7) * 0.3)  # tried first, and between the best of them
FLATS = (0.12, 0.2, 0.32, -0.2)
FINER = tuple((lean, flat) for lean in (-0.15, 0.0, 0.15) for flat in (0.8, 1.0, 1.25))
BEST = 3  # of the first trials, that are refined
SMOOTHED = (0.01, 0.02)  # of the height, down and across: texture that is averaged away
PENUMBRA = 0.02  # of the height: rim of a shadow that counts for neither side
BESIDE = 0.05  # of the height: the ground that a shadow is compared with lies within this
NEAR = 0.06  # of the height: deviation of the mean of that ground
LEAST = 0.004  # of the squared height; what shows less of its shadow says nothing
FULL = 0.06  # of the squared height: an area from which on a larger one tells no more
CONTRAST = 0.09  # mean logarithm of the light beside a shadow over that in it
SHARE = 0.75  # of a shadow's pixels that are darker by DARKER than the ground beside
DARKER = 0.05  # logarithm
TINT = 0.12  # mean difference of that logarithm between the three colours
SHADED = 0.03  # logarithm: what is not that much darker is left out of a shadow
BLACK = 4.0  # grey levels added before a logarithm, below which noise rules


class Fall(NamedTuple):
    """Where a point of height 1 has its shadow: to the right of the foot, and above it."""

    lean: float
    flat: float


class Figure(NamedTuple):
    """An upright object and its surroundings, made smaller.

    Attributes:
        box: of the surroundings, pixels of the photo.
        own: ``(h, w)`` float32, 1 where the object is.
        known: ``(h, w)`` bool, where there is no object.
        light: ``(h, w, 3)`` float32, logarithm of smoothed grey levels.
        height: of the object, pixels here.
        foot: row on which it stands.
    """

    box: holes.Box
    own: np.ndarray
    known: np.ndarray
    light: np.ndarray
    height: float
    foot: float


def figure(image: np.ndarray, objects: np.ndarray, own: np.ndarray, box: holes.Box) -> Figure:
    """Cut a figure out of a photo.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        objects: ``(H, W)`` bool, every object.
        own: ``(h, w)`` bool: the figure within its box.
        box: of the figure.
    """
    height = box.bottom - box.top
    beside = round(FARTHEST * height)
    around = holes.Box(
        max(0, box.top),
        max(0, box.left - beside),
        min(len(objects), box.bottom + height // 2),
        min(objects.shape[1], box.right + beside),
    )
    factor = min(1.0, SIDE / height)
    size_wh = (
        max(1, round((around.right - around.left) * factor)),
        max(1, round((around.bottom - around.top) * factor)),
    )
    alone = np.zeros((around.bottom - around.top, around.right - around.left), np.float32)
    alone[:height, box.left - around.left : box.right - around.left] = own
    small, mine, taken = (
        cv2.resize(part.astype(np.float32), size_wh, interpolation=cv2.INTER_AREA)
        for part in (image[around.slices], alone, objects[around.slices])
    )
    known = taken <= 0.02
    smooth = mean(small, known, tuple(share * height * factor for share in SMOOTHED))
    height = height * factor
    return Figure(around, mine, known, np.log(smooth + BLACK), height, (1 - FOOT) * height)


def fall(figures: Sequence[Figure]) -> Fall | None:
    """Return where the shadows of all figures fall, or None if no direction stands out."""
    tried = {at: _judged(figures, at) for at in _grid()}
    best = sorted(tried, key=lambda at: -tried[at])[:BEST]
    for lean, flat in best:
        for more, times in FINER:
            at = Fall(lean + more, flat * times)
            if at not in tried:
                tried[at] = _judged(figures, at)
    best = max(tried, key=tried.get)
    return best if tried[best] > 0 else None


def shadow(one: Figure, at: Fall) -> np.ndarray:
    """Return the ground in a figure's shadow, ``(h, w)`` bool at the figure's own scale."""
    cast, window = _cast(one, at)
    found = np.zeros(one.own.shape, bool)
    if not cast.size:
        return found
    _, ring = _sides(one, cast, window)
    beside = mean(one.light[window.slices], ring, (NEAR * one.height,) * 2)
    darker = (beside - one.light[window.slices]).mean(2)
    darker = cv2.GaussianBlur(darker, (0, 0), max(0.5, 0.012 * one.height))
    found[window.slices] = (cast > 0.25) & (darker > SHADED)
    return found & one.known


def mean(image: np.ndarray, known: np.ndarray, sigma: tuple[float, float]) -> np.ndarray:
    """Return the Gaussian mean of known pixels, ``(h, w, 3)`` float32; sigma down and across."""
    down, across = (max(0.7, value) for value in sigma)
    share = known.astype(np.float32)
    weight = cv2.GaussianBlur(share, (0, 0), across, sigmaY=down)[..., None]
    total = cv2.GaussianBlur(image * share[..., None], (0, 0), across, sigmaY=down)
    return total / np.maximum(weight, 1e-3)


def _grid() -> Iterable[Fall]:
    return (Fall(float(lean), flat) for lean in LEANS for flat in FLATS)


def _judged(figures: Sequence[Figure], at: Fall) -> float:
    """Return how much darker shadows there would be than the ground beside; 0 if they are none."""
    seen = np.array([found for one in figures if (found := _contrast(one, at)) is not None])
    if not len(seen):
        return 0.0
    weights = np.sqrt(seen[:, 0]) / np.sqrt(seen[:, 0]).sum()
    contrast, share, tint = weights @ seen[:, 1:]
    if contrast < CONTRAST or share < SHARE or tint > TINT:
        return 0.0
    return float(contrast * np.sqrt(min(1.0, seen[:, 0].mean() / FULL)))


def _contrast(one: Figure, at: Fall) -> tuple[float, float, float, float] | None:
    """Return area, contrast, share of darker pixels and tint of a figure's shadow, if it shows."""
    cast, window = _cast(one, at)
    if not cast.size:
        return None
    inside = (cast > 0.5) & one.known[window.slices]
    least = LEAST * one.height**2
    if inside.sum() < least:
        return None
    _, ring = _sides(one, cast, window)
    light, sigma = one.light[window.slices], (NEAR * one.height,) * 2
    weight = cv2.GaussianBlur(ring.astype(np.float32), (0, 0), sigma[0])
    inside &= weight > 0.02
    if inside.sum() < least:
        return None
    apart = (mean(light, ring, sigma) - light)[inside]  # (n, 3)
    darker = apart.mean(1)
    return (
        inside.sum() / one.height**2,
        float(np.clip(darker, -0.4, 0.8).mean()),
        float((darker > DARKER).mean()),
        float((apart.max(1) - apart.min(1)).mean()),
    )


def _cast(one: Figure, at: Fall) -> tuple[np.ndarray, holes.Box]:
    """Lay a figure on the ground: ``(h, w)`` float32 of a window, and the window around it."""
    columns = np.flatnonzero(one.own.any(0))
    ends = (columns[0], columns[-1] + 1)
    margin = round(3 * NEAR * one.height)
    beside = sorted((0.0, at.lean * one.height))
    above = sorted((one.foot, one.foot - at.flat * one.height))
    window = holes.Box(
        max(0, int(above[0]) - margin),
        max(0, int(ends[0] + beside[0]) - margin),
        min(len(one.own), int(above[1]) + margin),
        min(one.own.shape[1], int(ends[1] + beside[1]) + margin),
    )
    if window.bottom <= window.top or window.right <= window.left:
        return np.zeros((0, 0), np.float32), window
    standing = one.own[: max(1, int(np.ceil(one.foot)))]
    # Where a point of the ground has its shadow from: the row, and the column, of the figure.
    slope = 1 / at.flat
    row = one.foot - slope * (one.foot - window.top)
    column = window.left - at.lean * slope * (one.foot - window.top)
    matrix = np.array([[1, at.lean * slope, column], [0, slope, row]], np.float32)
    size_wh = (window.right - window.left, window.bottom - window.top)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(standing, matrix, size_wh, flags=flags), window


def _sides(one: Figure, cast: np.ndarray, window: holes.Box) -> tuple[np.ndarray, np.ndarray]:
    """Return the shadow with its penumbra, and the known ground beside it."""
    near = cv2.dilate((cast > 0.2).astype(np.uint8), disc(PENUMBRA * one.height))
    wider = cv2.dilate(near, disc(BESIDE * one.height, least=2))
    return near > 0, (wider > 0) & (near == 0) & one.known[window.slices]


def disc(radius: float, least: int = 1) -> np.ndarray:
    """Return a round kernel."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(least, round(radius)) + 1,) * 2)
