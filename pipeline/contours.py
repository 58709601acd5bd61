"""What the outline of one person looks like, whatever the person's size: numbers for ``hiding``.

The outline is drawn ``SIDE`` pixels tall or wide, so that a limit in pixels means a share of the
person and the cost does not depend on the picture.
"""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from pipeline.silhouettes import Rings, draw

SIDE = 96  # px, the longer side that a person is drawn at
RIM = 8  # px of free ground around
BORDER = 2.5  # px; an outline this near the picture's edge was cut by it
WIDTHS = (3, 5, 9, 17)  # px of the gaps that are closed and of the limbs that are opened
CRUMB = 0.01  # of a person; smaller parts and holes are the annotator's crumbs
TOLERANCE = 1.1  # px that a side may stray from straight
STRAIGHT = 6  # px from which a side counts as straight
LEVEL = 12  # degrees from the horizontal or vertical
BANDS = 6  # slices of the height in which the width is measured

FEATURES = (
    *("parts", "pieces", "holes", "hole_count", "hollow", "length", "rough"),
    *(f"close_{width}" for width in WIDTHS),
    *(f"open_{width}" for width in WIDTHS),
    *("cut", "longest", "level", "upright", "levels", "uprights", "straight"),
    *("under", "over", "unders", "unders_high", "uprights_low", "square", "sharp"),
    *("base", "ends", *(f"wide_{band}" for band in range(BANDS))),
    *("runs_top", "runs_middle", "runs_low", "stacked", "flat", "ragged", "tall", "uneven"),
    *("gap", "gap_long", "gap_wide", "gap_high", "gaps"),
    *("touch", "amid", "people"),
)


class Drawn(NamedTuple):
    """One person at ``SIDE`` pixels.

    Attributes:
        mask: ``(H, W)`` uint8, 1 on the person, thin slits closed, ``RIM`` pixels free around.
        corner: xy of pixel (0, 0) in the picture, pixels of the annotation.
        scale: pixels here for each pixel of the annotation.
        around: 1 on other people.
    """

    mask: np.ndarray
    corner: np.ndarray
    scale: float
    around: np.ndarray


def drawn(person: Rings, others: list[Rings]) -> Drawn:
    """Draw one person, and what of the others lies around."""
    points = np.concatenate([ring for polygon in person for ring in polygon])
    low, high = points.min(axis=0), points.max(axis=0)
    scale = SIDE / max(float((high - low).max()), 1.0)
    corner = low - RIM / scale
    shape = tuple(np.maximum(np.ceil((high - low)[::-1] * scale), 1).astype(int) + 2 * RIM)

    def moved(rings: Rings) -> Rings:
        return [[ring - corner for ring in polygon] for polygon in rings]

    mask = cv2.morphologyEx(draw(moved(person), shape, scale), cv2.MORPH_CLOSE, _square(3))
    around = np.zeros(shape, np.uint8)
    for other in others:
        around |= draw(moved(other), shape, scale)
    return Drawn(mask, corner, scale, around & (1 - mask))


def measure(one: Drawn, size: tuple[int, int], bars: np.ndarray, people: int) -> np.ndarray:
    """Measure one outline.

    Args:
        one: as ``drawn`` gives it.
        size: height and width of the picture, pixels of the annotation.
        bars: ``(h, w)`` uint8, the whole picture at any size; not 0 where it is padding.
        people: how many there are in the picture.

    Returns:
        ``(len(FEATURES),)`` float64, in their order. Shares of the person's area: parts, holes,
        close, open, gap. Shares of ``SIDE``: longest, level, upright, under, over, gap_long.
        Shares of the outline: cut, levels, uprights, straight, touch. The rest are counts and
        ratios, see the functions below.
    """
    area = float(max(cv2.countNonZero(one.mask), 1))
    found, family = cv2.findContours(one.mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    rings = [ring for ring, kin in zip(found, family[0], strict=True) if kin[3] < 0]
    holes = [
        cv2.contourArea(ring) for ring, kin in zip(found, family[0], strict=True) if kin[3] >= 0
    ]
    hull = cv2.convexHull(np.concatenate(rings))
    opened = _changed(one.mask, cv2.MORPH_OPEN, WIDTHS[0])
    closed = _changed(one.mask, cv2.MORPH_CLOSE, WIDTHS[-1])
    length = sum(cv2.arcLength(ring, True) for ring in rings)
    plain = sum(cv2.arcLength(cv2.approxPolyDP(ring, 3, True), True) for ring in rings)
    values = {
        **_pieces(opened),
        "holes": sum(holes) / area,
        "hole_count": sum(hole > CRUMB / 3 * area for hole in holes),
        "hollow": max(0.0, 1 - area / max(cv2.contourArea(hull), area)),
        "length": length / np.sqrt(area),
        "rough": length / max(plain, 1.0),
        **_widths(one.mask, opened, closed, area),
        **_sides(one, rings, size, bars),
        **_rows(one, size),
        **_gaps(one.mask, closed, area),
        **_company(one, hull),
        "people": min(people, BANDS),
    }
    return np.array([values[name] for name in FEATURES], dtype=np.float64)


@cache
def _square(side: int) -> np.ndarray:
    return np.ones((side, side), np.uint8)


def _pieces(opened: np.ndarray) -> dict[str, float]:
    """``parts``: share outside the largest part; ``pieces``: how many parts there are."""
    if len(cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]) == 1:
        return {"parts": 0.0, "pieces": 1}  # most people; twice as quick to see
    sizes = cv2.connectedComponentsWithStats(opened)[2][1:, cv2.CC_STAT_AREA]
    whole = max(int(sizes.sum()), 1)
    return {
        "parts": 1 - sizes.max(initial=0) / whole,
        "pieces": int((sizes >= CRUMB * whole).sum()),
    }


def _widths(
    mask: np.ndarray, opened: np.ndarray, closed: np.ndarray, area: float
) -> dict[str, float]:
    """What closing gaps of each width adds, and opening limbs of each width takes away."""
    result = {}
    for width in WIDTHS:
        less = opened if width == WIDTHS[0] else _changed(mask, cv2.MORPH_OPEN, width)
        more = closed if width == WIDTHS[-1] else _changed(mask, cv2.MORPH_CLOSE, width)
        result[f"close_{width}"] = cv2.countNonZero(more) / area - 1
        result[f"open_{width}"] = 1 - cv2.countNonZero(less) / area
    return result


def _changed(mask: np.ndarray, how: int, width: int) -> np.ndarray:
    return cv2.morphologyEx(mask, how, _square(width))


def _sides(
    one: Drawn, rings: list[np.ndarray], size: tuple[int, int], bars: np.ndarray
) -> dict[str, float]:
    """Straight sides that the picture did not cut; ``under`` is the person's lower side.

    ``under`` and ``over`` are the longest level sides, ``unders`` all lower ones as a share of the
    width, ``unders_high`` those above the feet, ``uprights_low`` those of the lower half as a
    share of ``SIDE``, ``square`` and ``sharp`` count corners of about and up to 90 degrees.
    """
    corners = [cv2.approxPolyDP(ring, TOLERANCE, True)[:, 0] for ring in rings]
    start = np.concatenate(corners).astype(np.float64)
    end = np.concatenate([part for ring in corners for part in (ring[1:], ring[:1])])
    along = end - start
    length = np.hypot(along[:, 0], along[:, 1])
    turns = _turns(along, length, np.cumsum([len(ring) for ring in corners]))
    # OpenCV's outer rings run counter-clockwise on the screen, so the ground is to the right
    out = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(length, 1e-6)[:, None]
    free = ~_ended(one, start, end, out, size, bars)
    tilt = np.degrees(np.arctan2(np.abs(along[:, 1]), np.abs(along[:, 0])))
    level, upright, long = free & (tilt < LEVEL), free & (tilt > 90 - LEVEL), length >= STRAIGHT
    middle = (start + end)[:, 1] / 2
    lower, upper = level & (out[:, 1] > 0), level & (out[:, 1] < 0)
    height, width = (side - 2 * RIM for side in one.mask.shape)
    whole = max(length.sum(), 1.0)

    def longest(of: np.ndarray) -> float:
        return length[of].max(initial=0.0) / SIDE

    return {
        "cut": length[~free].sum() / whole,
        "longest": longest(free),
        "level": longest(level),
        "upright": longest(upright),
        "levels": length[level & long].sum() / whole,
        "uprights": length[upright & long].sum() / whole,
        "straight": length[free & (length >= 2 * STRAIGHT)].sum() / whole,
        "under": longest(lower),
        "over": longest(upper),
        "unders": length[lower].sum() / max(width, 1),
        "unders_high": length[lower & (middle < RIM + 0.9 * height)].sum() / max(width, 1),
        "uprights_low": length[upright & long & (middle > RIM + 0.5 * height)].sum() / SIDE,
        "square": np.count_nonzero(np.abs(turns) < 0.34),  # within 20 degrees of 90
        "sharp": np.count_nonzero(turns < 0.5),
    }


def _turns(along: np.ndarray, length: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Return the cosine of the turn between each side and the one before; 1 where one is short.

    Args:
        along: ``(N, 2)``, the sides of one ring after the other.
        length: ``(N,)``, theirs.
        stops: where each ring ends.
    """
    before = np.arange(-1, len(along) - 1)
    before[np.concatenate([[0], stops[:-1]])] = stops - 1
    both = length * length[before]
    cosine = (along * along[before]).sum(axis=1) / np.maximum(both, 1e-6)
    return np.where(np.minimum(length, length[before]) >= STRAIGHT, cosine, 1.0)


def _ended(  # noqa: PLR0913  # one side's geometry
    one: Drawn,
    start: np.ndarray,
    end: np.ndarray,
    out: np.ndarray,
    size: tuple[int, int],
    bars: np.ndarray,
) -> np.ndarray:
    """Return which sides lie where the picture, or its content inside padding, ends."""
    shift, last = one.corner * one.scale, np.array(size[::-1]) * one.scale - 1 - BORDER
    first, second = start + shift, end + shift
    cut = ((first <= BORDER) & (second <= BORDER)) | ((first >= last) & (second >= last))
    beside = ((first + second) / 2 + 3 * out) * (bars.shape[1] / (size[1] * one.scale))
    where = np.clip(np.rint(beside).astype(np.intp), 0, np.array(bars.shape[::-1]) - 1)
    return cut.any(axis=1) | (bars[where[:, 1], where[:, 0]] > 0)


def _rows(one: Drawn, size: tuple[int, int]) -> dict[str, float]:
    """Widths from head to feet, in shares of the widest row, and how often a line is cut.

    ``ends``: 1 if the lowest row lies inside the picture; ``runs``, ``stacked``: stretches of the
    person on one row or column; ``flat``: share of columns that end at the lowest row; ``ragged``:
    spread of where columns end; ``uneven``: 1 - IoU with the mirrored outline.
    """
    body = np.ascontiguousarray(one.mask[RIM:-RIM, RIM:-RIM])
    height, width = body.shape
    rows = cv2.reduce(body, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0].astype(np.float64)
    wide = max(rows.max(), 1.0)
    runs = body[:, 0] + (body[:, 1:] > body[:, :-1]).sum(axis=1)
    stacks = np.count_nonzero(body[0]) + np.count_nonzero(body[1:] > body[:-1])
    lowest = height - np.argmax(body[::-1], axis=0)[body.any(axis=0)]
    lowest = lowest if len(lowest) else np.array([height])  # a line may be drawn beside it
    mirrored = np.count_nonzero(body & body[:, ::-1])
    bottom = one.corner[1] * one.scale + RIM + height
    first = np.arange(BANDS) * height // BANDS
    bands = np.add.reduceat(rows, first) / np.maximum(np.diff(np.append(first, height)), 1) / wide
    thirds = [0, (height - 1) // 3, (height - 1) * 2 // 3, height - 1]
    top, middle, low = (runs[start : end + 1].mean() for start, end in pairwise(thirds))
    return {
        "base": rows[-max(1, round(0.03 * height)) :].mean() / wide,
        "ends": float(bottom < size[0] * one.scale - BORDER),
        **{f"wide_{band}": bands[band] for band in range(BANDS)},
        "runs_top": top,
        "runs_middle": middle,
        "runs_low": low,
        "stacked": stacks / width,
        "flat": np.count_nonzero(lowest >= height - max(2, 0.03 * height)) / len(lowest),
        "ragged": float(lowest.std() / SIDE),
        "tall": float(np.log(height / max(width, 1))),
        "uneven": 1 - mirrored / max(2 * rows.sum() - mirrored, 1),
    }


def _gaps(mask: np.ndarray, closed: np.ndarray, area: float) -> dict[str, float]:
    """The largest gap between parts or limbs: its area, extent and how many there are."""
    gap = cv2.morphologyEx(closed - mask, cv2.MORPH_OPEN, _square(2))
    if not cv2.countNonZero(gap):
        return dict.fromkeys(("gap", "gap_long", "gap_wide", "gap_high", "gaps"), 0.0)
    stats = cv2.connectedComponentsWithStats(gap)[2][1:]
    sizes = stats[:, cv2.CC_STAT_AREA]
    wide, high = stats[sizes.argmax(), [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].tolist()
    height, width = (max(side - 2 * RIM, 1) for side in mask.shape)
    return {
        "gap": sizes.max() / area,
        "gap_long": max(wide, high) / SIDE,
        "gap_wide": wide / width,
        "gap_high": high / height,
        "gaps": int((sizes > CRUMB / 2 * area).sum()),
    }


def _company(one: Drawn, hull: np.ndarray) -> dict[str, float]:
    """``touch``: share of the near ground that is other people; ``amid``: share of the hull."""
    if not one.around.any():
        return {"touch": 0.0, "amid": 0.0}
    near = cv2.dilate(one.mask, _square(5)) - one.mask
    inside = cv2.fillConvexPoly(np.zeros_like(one.mask), hull, 1)
    return {
        "touch": cv2.countNonZero(near & one.around) / max(cv2.countNonZero(near), 1),
        "amid": cv2.countNonZero(inside & one.around) / max(cv2.countNonZero(inside), 1),
    }
