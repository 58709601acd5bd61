"""Objects -> pixels, by pycocotools' convention: a 3 × 3 square is 9 pixels.

Only the object's own box is worked on. The result is bit for bit that of ``annToMask``, since
corners are rounded in the frame of the whole image and crossings by the same arithmetic.

Source: ``rleFrPoly`` of https://github.com/cocodataset/cocoapi
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely

from pipeline import rle

SUBPIXELS = 5  # to a pixel's side, as in rleFrPoly; they decide which pixels a boundary takes
MIDDLE = 2  # the subpixel that a pixel's centre lies in


class Patch(NamedTuple):
    """One object's mask within its own box.

    Attributes:
        mask: ``(h, w)`` bool; ``(0, 0)`` if the object has no pixel.
        top: row of the image that holds the mask's first row.
        left: column of the image that holds the mask's first column.
    """

    mask: np.ndarray
    top: int
    left: int

    @property
    def where(self) -> tuple[slice, slice]:
        """The box as an index into an array of the image's size."""
        height, width = self.mask.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


NOTHING = Patch(np.zeros((0, 0), dtype=bool), 0, 0)


class Drawn(NamedTuple):
    """What one annotation puts into a label mask.

    Attributes:
        label: value in the mask, 1..255.
        geometry: shapely Polygon or MultiPolygon, pixels of the image.
        rle: compressed COCO RLE, which is drawn instead of the geometry, or None.
    """

    label: int
    geometry: shapely.Geometry
    rle: dict | None


def label_mask(objects: Sequence[Drawn], height: int, width: int) -> np.ndarray:
    """Draw all objects of an image; where two overlap, the one of fewer pixels is seen.

    Of two objects of the same size the lower label is seen, so their order never matters.

    Args:
        objects: in any order.
        height: of the image, pixels.
        width: of the image, pixels.

    Returns:
        ``(height, width)`` uint8, 0 where there is nothing.
    """
    mask = np.zeros((height, width), dtype=np.uint8)
    drawn = patches(objects, height, width)
    sizes = [np.count_nonzero(patch.mask) for patch in drawn]
    for index in sorted(range(len(objects)), key=lambda i: (-sizes[i], -objects[i].label)):
        patch = drawn[index]
        mask[patch.where][patch.mask] = objects[index].label
    return mask


def object_mask(geometry: shapely.Geometry, encoded: dict | None, height: int, width: int) -> Patch:
    """Draw one object inside its own box; as ``patches``, which is faster for several."""
    return patches([Drawn(1, geometry, encoded)], height, width)[0]


def patches(objects: Sequence[Drawn], height: int, width: int) -> list[Patch]:
    """Draw each object inside its own box.

    Args:
        objects: a geometry's coordinates are finite; its parts unite, a part's holes stay open;
            an RLE is of the image's size.
        height: of the image, pixels.
        width: of the image, pixels.
    """
    shapes = [one.geometry if one.rle is None else None for one in objects]
    parts, owner = shapely.get_parts(np.array(shapes, dtype=object), return_index=True)
    drawn: list[list[Patch]] = [[] for _ in objects]
    for index, patch in zip(owner.tolist(), _parts(parts, height, width), strict=True):
        drawn[index].append(patch)
    return [
        _join(several) if one.rle is None else _trimmed(rle.decode(one.rle))
        for one, several in zip(objects, drawn, strict=True)
    ]


def full(patch: Patch, height: int, width: int) -> np.ndarray:
    """Return a patch as a mask of the image's size, ``(height, width)`` bool."""
    mask = np.zeros((height, width), dtype=bool)
    mask[patch.where] = patch.mask
    return mask


def _trimmed(mask: np.ndarray) -> Patch:
    (rows,), (columns,) = np.nonzero(mask.any(axis=1)), np.nonzero(mask.any(axis=0))
    if not len(rows):
        return NOTHING
    top, left = int(rows[0]), int(columns[0])
    return Patch(mask[top : rows[-1] + 1, left : columns[-1] + 1], top, left)


def _join(parts: list[Patch]) -> Patch:
    parts = [part for part in parts if part.mask.size]
    if len(parts) < 2:
        return parts[0] if parts else NOTHING
    top, left = min(part.top for part in parts), min(part.left for part in parts)
    bottom = max(part.where[0].stop for part in parts)
    right = max(part.where[1].stop for part in parts)
    joined = np.zeros((bottom - top, right - left), dtype=bool)
    for part in parts:
        joined[Patch(part.mask, part.top - top, part.left - left).where] |= part.mask
    return Patch(joined, top, left)


def _parts(polygons: np.ndarray, height: int, width: int) -> list[Patch]:
    """Draw polygons: a pixel is inside if a ray up its column crosses the rings an odd time."""
    part, column, row = _crossings(polygons)
    seen = (column >= 0) & (column < width)
    part, column, row = part[seen], column[seen], np.clip(row[seen], 0, height)
    order = np.lexsort([row, column, part])
    part, column, row = part[order], column[order], row[order]
    bounds = np.searchsorted(part, np.arange(len(polygons) + 1)).tolist()
    return [
        _filled(column[first:last], row[first:last]) for first, last in itertools.pairwise(bounds)
    ]


def _filled(column: np.ndarray, row: np.ndarray) -> Patch:
    """Draw down the columns, one after the other; every crossing turns the pen on or off."""
    if not len(column):
        return NOTHING
    left, top = int(column[0]), int(row.min())
    wide, high = int(column[-1]) + 1 - left, int(row.max()) - top
    turns = (column - left) * high + (row - top)
    lengths = np.diff(turns, prepend=0, append=wide * high)
    pen = np.zeros(len(lengths), dtype=bool)
    pen[1::2] = True
    return Patch(np.repeat(pen, lengths).reshape(wide, high).T, top, left)


def _crossings(polygons: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where rings cross the columns' centre lines: polygon, column, first row below."""
    rings, of_polygon = shapely.get_rings(polygons, return_index=True)
    points, of_ring = shapely.get_coordinates(rings, return_index=True)
    rounded = (SUBPIXELS * points + 0.5).astype(np.int64)  # towards zero, as a cast in C
    same = of_ring[1:] == of_ring[:-1]  # rings are closed: the last point repeats the first
    start, end, owner = rounded[:-1][same], rounded[1:][same], of_polygon[of_ring[1:][same]]
    run, rise = np.abs(end - start).T
    wide = run >= rise
    swap = np.where(wide, start[:, 0] > end[:, 0], start[:, 1] > end[:, 1])[:, None]
    start, end = np.where(swap, end, start), np.where(swap, start, end)
    edge, u, v = _wide_crossings(start[wide], end[wide])
    edge_high, u_high, v_high = _high_crossings(start[~wide], end[~wide])
    return (
        np.concatenate([owner[wide][edge], owner[~wide][edge_high]]),
        (np.concatenate([u, u_high]) - MIDDLE) // SUBPIXELS,
        -((MIDDLE - np.concatenate([v, v_high])) // SUBPIXELS),
    )


def _wide_crossings(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return edge, u, v: the subpixels just left of the centre lines that wide edges cross."""
    first = start[:, 0] + (MIDDLE - start[:, 0]) % SUBPIXELS
    edge, step = _steps(np.maximum(-((first - end[:, 0]) // SUBPIXELS), 0))
    u = first[edge] + SUBPIXELS * step
    slope = (end[edge, 1] - start[edge, 1]) / (end[edge, 0] - start[edge, 0])
    along = u - start[edge, 0]
    here = (start[edge, 1] + slope * along + 0.5).astype(np.int64)
    beyond = (start[edge, 1] + slope * (along + 1) + 0.5).astype(np.int64)
    return edge, u, np.minimum(here, beyond)


def _high_crossings(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return edge, u, v: the subpixels just left of the centre lines that high edges cross."""
    rise = end[:, 1] - start[:, 1]
    edge, step = _steps(rise + 1)
    slope = ((end[:, 0] - start[:, 0]) / rise)[edge]
    u = (start[edge, 0] + slope * step + 0.5).astype(np.int64)
    left = np.minimum(u[:-1], u[1:])
    crossed = (u[:-1] != u[1:]) & (edge[:-1] == edge[1:]) & (left % SUBPIXELS == MIDDLE)
    return edge[:-1][crossed], left[crossed], (start[edge, 1] + step)[:-1][crossed]


def _steps(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for counts 2, 3 the owners 0 0 1 1 1 and their steps 0 1 0 1 2."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner]
