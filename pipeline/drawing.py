"""Objects -> pixels, by pycocotools' convention: a 3 × 3 square is 9 pixels.

An object is runs of pixels down the columns, as in COCO's run-length encoding. They are bit for
bit those of ``annToMask``: corners are rounded in the frame of the whole image, and edges followed
by the same arithmetic, but only where they cross a column's centre line, which is where it counts,
and for all edges of several images at once.

Source: ``rleFrPoly`` of https://github.com/cocodataset/cocoapi
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import shapely

from pipeline import rle

SUBPIXELS = 5  # to a pixel's side, as in rleFrPoly; they decide which pixels a boundary takes
MIDDLE = 2  # the subpixel that a pixel's centre lies in
BITS = 20  # of a row's or a column's number; no picture is a million pixels wide
LOW = (1 << BITS) - 1
FEW = 16  # images; their objects' edges together still fit a processor's own memory


class Drawn(NamedTuple):
    """What one annotation puts into a label mask.

    Attributes:
        label: value in the mask, 1..255.
        geometry: shapely Polygon or MultiPolygon, pixels of the image; its coordinates are finite,
            its parts unite, a part's holes stay open.
        rle: compressed COCO RLE of the image's size, drawn instead of the geometry, or None.
    """

    label: int
    geometry: shapely.Geometry
    rle: dict | None


class Frame(NamedTuple):
    """An image that is drawn into.

    Attributes:
        objects: in any order.
        height: pixels.
        width: pixels.
    """

    objects: Sequence[Drawn]
    height: int
    width: int


class Runs(NamedTuple):
    """The pixels of several objects, counted down each column of their image in turn.

    Attributes:
        owner: ``(N,)`` int64, not falling: which object.
        first: ``(N,)`` int64, where a run begins.
        after: ``(N,)`` int64, where it has ended; runs of one object do not overlap.
    """

    owner: np.ndarray
    first: np.ndarray
    after: np.ndarray


def label_masks(frames: Sequence[Frame]) -> Iterator[np.ndarray]:
    """Draw all objects of each image; where two overlap, the one of fewer pixels is seen.

    Of two objects of the same size the lower label is seen, so their order never matters. A few
    images at a time are fastest: 16 small ones take half the time of one by one.

    Yields:
        For each image ``(height, width)`` uint8, 0 where there is nothing.

    Raises:
        ValueError: an RLE is broken or not of its image's size.
    """
    counts = [len(frame.objects) for frame in frames]
    owner, first, after = runs(frames)
    sizes = np.bincount(owner, after - first, sum(counts)).tolist()
    bounds = np.searchsorted(owner, np.arange(sum(counts) + 1)).tolist()
    first, after = first.tolist(), after.tolist()
    start = 0
    for frame, count in zip(frames, counts, strict=True):
        canvas = np.zeros((frame.width, frame.height), dtype=np.uint8)
        pixels = memoryview(canvas.reshape(-1))  # slices of it are filled twice as fast as arrays'
        for index in _order(frame, sizes[start : start + count]):
            here = slice(*bounds[start + index : start + index + 2])
            longest = frame.height * (1 if frame.objects[index].rle is None else frame.width)
            ink = memoryview(bytes([frame.objects[index].label]) * longest)
            for begun, ended in zip(first[here], after[here], strict=True):
                pixels[begun:ended] = ink[: ended - begun]
        start += count
        yield cv2.transpose(canvas)


def hidden(frames: Sequence[Frame], asked: np.ndarray) -> np.ndarray:
    """Return which objects have pixels of which their image's mask shows none.

    Args:
        frames: the images.
        asked: ``(N,)`` bool, about which of all their objects; others are found False.

    Returns:
        ``(N,)`` int64, how many pixels each such object has, 0 for all others.

    Raises:
        ValueError: as ``label_masks``.
    """
    found, start = [np.zeros(0, np.int64)], 0
    for begun in range(0, len(frames), FEW):
        several = frames[begun : begun + FEW]
        end = start + sum(len(frame.objects) for frame in several)
        found.append(_hidden(several, asked[start:end]))
        start = end
    return np.concatenate(found)


def _hidden(frames: Sequence[Frame], asked: np.ndarray) -> np.ndarray:
    found, start = np.zeros(len(asked), dtype=np.int64), 0
    owner, first, after = runs(frames)
    sizes = np.bincount(owner, after - first, len(asked)).astype(np.int64)
    bounds = np.searchsorted(owner, np.arange(len(asked) + 1)).tolist()
    for frame in frames:
        count = len(frame.objects)
        order = [start + i for i in _order(frame, sizes[start : start + count].tolist())]
        for place, index in enumerate(order):
            if asked[index] and sizes[index] and order[place + 1 :]:
                here = slice(bounds[index], bounds[index + 1])
                above = [slice(bounds[i], bounds[i + 1]) for i in order[place + 1 :]]
                begin, end = (np.concatenate([one[i] for i in above]) for one in (first, after))
                found[index] = sizes[index] * _cover(begin, end, first[here], after[here])
        start += count
    return found


def _order(frame: Frame, sizes: list[float]) -> list[int]:
    """Return an image's objects in the order in which they are drawn over each other."""
    return sorted(range(len(sizes)), key=lambda i: (-sizes[i], -frame.objects[i].label))


def _cover(above: np.ndarray, until: np.ndarray, first: np.ndarray, after: np.ndarray) -> bool:
    """Say whether runs that begin ``above`` and end before ``until`` cover all of some others."""
    if not len(above) or first[0] < above.min():
        return False
    order = np.argsort(above, kind="stable")
    above, reach = above[order], np.maximum.accumulate(until[order])
    begin = np.flatnonzero(np.append(True, above[1:] > reach[:-1]))  # of each stretch without gaps
    stretch = np.searchsorted(above[begin], first, side="right") - 1
    end = reach[np.append(begin[1:], len(above))[stretch] - 1]
    return bool(((stretch >= 0) & (after <= end)).all())


def label_mask(objects: Sequence[Drawn], height: int, width: int) -> np.ndarray:
    """Draw one image's objects as ``label_masks`` does, ``(height, width)`` uint8."""
    return next(label_masks([Frame(objects, height, width)]))


def object_mask(geometry: shapely.Geometry, height: int, width: int) -> np.ndarray:
    """Draw one object, ``(height, width)`` bool."""
    return label_mask([Drawn(1, geometry, None)], height, width) > 0


def runs(frames: Sequence[Frame]) -> Runs:
    """Return the pixels of all objects of all images, which are numbered through.

    Raises:
        ValueError: an RLE is broken or not of its image's size.
    """
    objects = [one for frame in frames for one in frame.objects]
    counts = [len(frame.objects) for frame in frames]
    height = np.repeat([frame.height for frame in frames], counts).astype(np.int64)
    width = np.repeat([frame.width for frame in frames], counts).astype(np.int64)
    shapes = np.array([one.geometry if one.rle is None else None for one in objects], dtype=object)
    several = [_outlined(shapes, height, width)]
    for index, one in enumerate(objects):
        if one.rle is not None:
            first, after = rle.spans(one.rle)
            several.append(Runs(np.full(len(first), index), first, after))
    if len(several) == 1:
        return several[0]
    owner, first, after = (np.concatenate(parts) for parts in zip(*several, strict=True))
    order = np.argsort(owner, kind="stable")
    return Runs(owner[order], first[order], after[order])


def _outlined(shapes: np.ndarray, height: np.ndarray, width: np.ndarray) -> Runs:
    """Draw geometries: a pixel is inside a part if a ray up its column crosses it an odd time."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    part, column, row = _crossings(parts, width[owner])
    row = np.clip(row, 0, height[owner[part]])
    turns = np.sort(part << 2 * BITS | column << BITS | row)  # as one number, it sorts fast
    turns += (owner - np.arange(len(owner)))[turns >> 2 * BITS] << 2 * BITS  # part -> object
    first, after = turns[0::2], turns[1::2]
    order = np.argsort(first, kind="stable")
    first, after = first[order], after[order]
    first[1:] = np.maximum(first[1:], np.maximum.accumulate(after)[:-1])  # where parts overlap
    inked = first < after
    first, after = first[inked], after[inked]
    index = first >> 2 * BITS
    begin = (first >> BITS & LOW) * height[index]
    return Runs(index, begin + (first & LOW), begin + (after & LOW))


def _crossings(polygons: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return where rings cross the columns' centre lines: polygon, column, first row below.

    Args:
        polygons: ``(N,)`` object.
        width: ``(N,)`` int64, of each polygon's image; only columns within are looked at.
    """
    rings, of_polygon = shapely.get_rings(polygons, return_index=True)
    points, of_ring = shapely.get_coordinates(rings, return_index=True)
    x, y = (SUBPIXELS * points.T + 0.5).astype(np.int64)  # towards zero, as a cast in C
    start = np.flatnonzero(of_ring[1:] == of_ring[:-1])  # closed: the last repeats the first
    polygon = of_polygon[of_ring[start]]
    edge, u = _lines(x[start], x[start + 1], SUBPIXELS * width[polygon])
    start = start[edge]
    wide = np.abs(x[start + 1] - x[start]) >= np.abs(y[start + 1] - y[start])
    v = np.empty(len(u), dtype=np.int64)
    for chosen, meet in ((wide, _meet_wide), (~wide, _meet_high)):
        one = start[chosen]
        v[chosen] = meet(u[chosen], x[one], y[one], x[one + 1], y[one + 1])
    return polygon[edge], u // SUBPIXELS, -((MIDDLE - v) // SUBPIXELS)


def _lines(one: np.ndarray, other: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return edge, u: the subpixels just left of the centre lines between two x, from 0 to end."""
    low, high = np.maximum(np.minimum(one, other), 0), np.minimum(np.maximum(one, other), end)
    first = low + (MIDDLE - low) % SUBPIXELS
    counts = np.maximum(-((first - high) // SUBPIXELS), 0)
    edge = np.repeat(np.arange(len(counts)), counts)
    step = np.arange(len(edge)) - (np.cumsum(counts) - counts)[edge]
    return edge, first[edge] + SUBPIXELS * step


def _meet_wide(
    u: np.ndarray, x0: np.ndarray, y0: np.ndarray, x1: np.ndarray, y1: np.ndarray
) -> np.ndarray:
    """Return v, where edges at least as wide as high are between the subpixels u and u + 1."""
    slope = (y1 - y0) / (x1 - x0)
    back = x0 > x1  # edges are followed from left to right
    along, y = u - np.where(back, x1, x0), np.where(back, y1, y0)
    here = (y + slope * along + 0.5).astype(np.int64)
    beyond = (y + slope * (along + 1) + 0.5).astype(np.int64)
    return np.minimum(here, beyond)


def _meet_high(
    u: np.ndarray, x0: np.ndarray, y0: np.ndarray, x1: np.ndarray, y1: np.ndarray
) -> np.ndarray:
    """Return v, where edges higher than wide are just before they leave u or u + 1 downwards."""
    slope = (x1 - x0) / (y1 - y0)
    back = y0 > y1  # edges are followed from top to bottom
    x, y = np.where(back, x1, x0), np.where(back, y1, y0)
    step = np.floor((u + 0.5 - x) / slope)
    for _ in range(2):  # rounding may put the first step beyond by one, never by more
        step += ((x + slope * step + 0.5).astype(np.int64) > u) != (slope > 0)
    return y + step.astype(np.int64) - 1
