"""Holes, ``(H, W)`` bool: where they may lie, how they grow, and the crops around them.

Boxes are ``(top, left, bottom, right)`` in pixels, the last two exclusive.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

PUBLISHED_SIDE = 256  # the brush's lengths were published for pictures of this side
Margin = Callable[[int], float]
STRIDES = 8  # a square is tried at this many places within its own side


class Box(NamedTuple):
    """A rectangle of pixels."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def longest(self) -> int:
        """The longer side, pixels."""
        return max(self.bottom - self.top, self.right - self.left)

    @property
    def slices(self) -> tuple[slice, slice]:
        """The box as an index into an array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def joined(self, other: "Box") -> "Box":
        """Return the smallest box that holds both."""
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    def meets(self, other: "Box") -> bool:
        """Tell whether the two share a pixel."""
        apart = self.bottom <= other.top or other.bottom <= self.top
        return not (apart or self.right <= other.left or other.right <= self.left)


class Patch(NamedTuple):
    """One crop to be painted, and the hole pixels that its painting is for."""

    box: Box
    objects: tuple[int, ...]  # numbers of connected parts, as ``parts`` gives them


def brush(side: int, rng: np.random.Generator) -> np.ndarray:
    """Return a free-form hole in a square: one to three zigzag strokes of a round brush.

    Args:
        side: of the square, pixels.
        rng: decides everything.

    Source:
        Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019, supplement;
        lengths scaled from 256 pixels.
    """
    canvas = np.zeros((side, side), np.uint8)
    for _ in range(rng.integers(1, 4)):
        _stroke(canvas, rng)
    return canvas > 0


def _stroke(canvas: np.ndarray, rng: np.random.Generator) -> None:
    side = len(canvas)
    radius = np.hypot(side, side) / 8
    width = max(1, round(rng.uniform(12, 40) * side / PUBLISHED_SIDE))
    turn = 2 * np.pi / 5 + rng.uniform(-1, 1, 2) * 2 * np.pi / 15
    point = rng.uniform(0, side, 2)
    for corner in range(rng.integers(4, 12)):
        angle = rng.uniform(*sorted(turn))
        angle = angle if corner % 2 else 2 * np.pi - angle
        length = np.clip(rng.normal(radius, radius / 2), 0, 2 * radius)
        reached = np.clip(point + length * np.array([np.cos(angle), np.sin(angle)]), 0, side)
        ends = [tuple(int(value) for value in end) for end in (point, reached)]
        cv2.line(canvas, ends[0], ends[1], 1, width)
        cv2.circle(canvas, ends[1], width // 2, 1, -1)
        point = reached


def parts(hole: np.ndarray) -> tuple[np.ndarray, list[Box]]:
    """Return the connected parts of a hole: ``(H, W)`` int32 numbers from 1, and each one's box."""
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(hole.astype(np.uint8))
    boxes = [
        Box(int(top), int(left), int(top + height), int(left + width))
        for left, top, width, height, _ in stats[1:count]
    ]
    return numbers, boxes


def shapes(mask: np.ndarray, smallest: int) -> list[np.ndarray]:
    """Return the outline of each connected object of a mask, cut to its box.

    Args:
        mask: ``(H, W)``, nonzero where an object is.
        smallest: objects whose box has no side of this many pixels are left out.
    """
    numbers, boxes = parts(mask > 0)
    return [
        numbers[box.slices] == number
        for number, box in enumerate(boxes, start=1)
        if box.longest >= smallest
    ]


def resized(shape: np.ndarray, factor: float) -> np.ndarray:
    """Return a shape at another scale, at least one pixel high and wide."""
    height, width = (max(1, round(side * factor)) for side in shape.shape)
    scaled = cv2.resize(shape.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return scaled >= 0.5


def placed(
    shape: np.ndarray, side: int, share: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Return a shape somewhere in a square, mirrored at random.

    Args:
        shape: ``(h, w)`` bool.
        side: of the square, pixels.
        share: range of the shape's longer side, as a share of the square's.
        rng: decides scale, place and mirroring.
    """
    scaled = resized(shape, rng.uniform(*share) * side / max(shape.shape))[:side, :side]
    if rng.random() < 0.5:
        scaled = scaled[:, ::-1]
    height, width = scaled.shape
    top, left = rng.integers(0, side - height + 1), rng.integers(0, side - width + 1)
    return _stamped((side, side), scaled, (int(top), int(left)))


def _stamped(size: tuple[int, int], shape: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
    hole = np.zeros(size, bool)
    top, left = corner
    hole[top : top + shape.shape[0], left : left + shape.shape[1]] = shape
    return hole


def grown(hole: np.ndarray, share: float, at_least: float) -> np.ndarray:
    """Return the hole with an elliptic rim around each connected part.

    Args:
        hole: ``(H, W)`` bool.
        share: of the part's diagonal, 0..1: the rim's width.
        at_least: the least width of a rim, pixels.
    """
    numbers, boxes = parts(hole)
    wider = hole.copy()
    for number, box in enumerate(boxes, start=1):
        diagonal = np.hypot(box.bottom - box.top, box.right - box.left)
        rim = round(max(share * diagonal, at_least))
        region = _around(box, rim, hole.shape)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1,) * 2)
        part = (numbers[region.slices] == number).astype(np.uint8)
        wider[region.slices] |= cv2.dilate(part, kernel) > 0
    return wider


def _around(box: Box, margin: int, size: tuple[int, int]) -> Box:
    return Box(
        max(0, box.top - margin),
        max(0, box.left - margin),
        min(size[0], box.bottom + margin),
        min(size[1], box.right + margin),
    )


def bare_squares(mask: np.ndarray, side: int) -> np.ndarray:
    """Return the top left corners of squares that hold no object, ``(K, 2)`` rows and columns.

    Args:
        mask: ``(H, W)``, nonzero where an object is.
        side: of the squares, pixels; a picture smaller than that has none.
    """
    if side > min(mask.shape):
        return np.zeros((0, 2), np.int64)
    total = cv2.integral((mask > 0).astype(np.uint8))  # (H + 1, W + 1)
    inside = total[side:, side:] - total[:-side, side:] - total[side:, :-side]
    inside = inside + total[:-side, :-side]
    step = max(1, side // STRIDES)
    return np.argwhere(inside[::step, ::step] == 0) * step


def bare_places(mask: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Return the top left corners at which a shape touches no object, ``(K, 2)``.

    Args:
        mask: ``(H, W)``, nonzero where an object is.
        shape: ``(h, w)`` bool; one larger than the picture has no place.
    """
    if shape.shape[0] > mask.shape[0] or shape.shape[1] > mask.shape[1]:
        return np.zeros((0, 2), np.int64)
    objects, stamp = (mask > 0).astype(np.float32), shape.astype(np.float32)
    touched = cv2.matchTemplate(objects, stamp, cv2.TM_CCORR)  # (H - h + 1, W - w + 1) pixels
    return np.argwhere(touched < 0.5)


def transplanted(
    mask: np.ndarray, shape: np.ndarray, smallest: int, rng: np.random.Generator
) -> np.ndarray | None:
    """Return a hole of this shape on ground without objects, as large as there is room for.

    Args:
        mask: ``(H, W)``, nonzero where an object is.
        shape: ``(h, w)`` bool.
        smallest: give up, and return None, when the longer side would be below this; pixels.
        rng: chooses among the places.
    """
    while max(shape.shape) >= smallest:
        places = bare_places(mask, shape)
        if len(places):
            top, left = places[rng.integers(len(places))]
            return _stamped(mask.shape, shape, (int(top), int(left)))
        shape = resized(shape, 0.8)
    return None


def patches(hole: np.ndarray, margin: Margin, longest: int) -> list[Patch]:
    """Return the crops that cover a hole, in the order of their first pixels.

    Parts whose crops overlap share one, unless their common box would be longer than ``longest``;
    then each is painted in its own crop, where the other's pixels are unknown too.

    Args:
        hole: ``(H, W)`` bool.
        margin: surroundings on each side, pixels, for the longer side of a box.
        longest: side of a common box, pixels.
    """
    _, boxes = parts(hole)
    groups = [(box, (number,)) for number, box in enumerate(boxes, start=1)]
    merged = True
    while merged:
        groups, merged = _merged(groups, lambda box: _crop(box, margin, hole.shape), longest)
    return [Patch(_crop(box, margin, hole.shape), numbers) for box, numbers in groups]


def _merged(groups: list, crop, longest: int) -> tuple[list, bool]:  # noqa: ANN001
    """Put each group into the first one that its crop meets; tell whether any was."""
    kept = []
    for box, numbers in groups:
        for place, (other, others) in enumerate(kept):
            if box.joined(other).longest <= longest and crop(box).meets(crop(other)):
                kept[place] = (box.joined(other), tuple(sorted(others + numbers)))
                break
        else:
            kept.append((box, numbers))
    return kept, len(kept) < len(groups)


def _crop(box: Box, margin: Margin, size: tuple[int, int]) -> Box:
    """Widen a box to a square with margins, pushed into the picture where it would leave it."""
    side = round(box.longest + 2 * margin(box.longest))
    spans = []
    for low, high, limit in ((box.top, box.bottom, size[0]), (box.left, box.right, size[1])):
        start = min(max(0, (low + high - side) // 2), max(0, limit - side))
        spans.append((start, min(limit, start + side)))
    (top, bottom), (left, right) = spans
    return Box(top, left, bottom, right)
