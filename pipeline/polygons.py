"""Rings -> geometry: build, name what is unsound, repair, clip; over arrays of objects.

A ring is COCO's flat list ``[x0, y0, x1, y1, ...]`` in pixels; its first point may be repeated at
the end or not. The parts of one object may overlap or abut: together they are the object.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import NamedTuple

import numpy as np
import shapely

Ring = Sequence[float]
BLOCK = 4096  # geometries
HALF_OFF = 1e-6  # of a box's area, far more than rounding leaves of a half or a whole


def _in_blocks(measure: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Measure some geometries at a time: all points of all of them at once fill the memory."""

    @wraps(measure)
    def measured(geometries: np.ndarray) -> np.ndarray:
        firsts = range(0, max(1, len(geometries)), BLOCK)
        return np.concatenate([measure(geometries[first : first + BLOCK]) for first in firsts])

    return measured


class _Sides(NamedTuple):
    """Sides of rings: begin and way along each axis, pixels, and ring and geometry, by number."""

    x: np.ndarray
    y: np.ndarray
    right: np.ndarray
    down: np.ndarray
    ring: np.ndarray
    owner: np.ndarray


def from_rings(objects: Sequence[Sequence[Ring]]) -> np.ndarray:
    """Return one geometry an object, coordinates and order as given.

    Args:
        objects: the rings of each object; each ring has an even count of at least six numbers.

    Returns:
        ``(N,)`` object: a Polygon for one ring, a MultiPolygon for more, None for none. Nothing
        is checked: a geometry may be invalid, and the parts of a MultiPolygon may overlap.
    """
    counts = np.array([len(rings) for rings in objects], dtype=int)
    built = np.full(len(objects), None, dtype=object)
    if not counts.sum():
        return built
    flat = [ring for rings in objects for ring in rings]
    lengths = np.array([len(ring) for ring in flat])
    numbers = np.concatenate([np.asarray(ring, dtype=float) for ring in flat])
    points, of_ring = numbers.reshape(-1, 2), np.repeat(np.arange(len(flat)), lengths // 2)
    parts = shapely.polygons(shapely.linearrings(points, indices=of_ring))
    of_object = np.repeat(np.arange(len(objects)), counts)
    single = counts[of_object] == 1
    built[of_object[single]] = parts[single]
    if not single.all():
        shapely.multipolygons(parts[~single], indices=of_object[~single], out=built)
    return built


def to_rings(geometry: shapely.Geometry, *, closed: bool = True) -> list[list[float]]:
    """Return one geometry's rings; as ``all_rings``, which is faster for several."""
    return all_rings(np.array([geometry], dtype=object), [closed])[0]


def all_rings(geometries: np.ndarray, closed: Sequence[bool]) -> list[list[list[float]]]:
    """Return the outer ring of each part, in order; holes cannot be said this way.

    Args:
        geometries: ``(N,)`` object, Polygons and MultiPolygons; a missing one has no rings.
        closed: ``(N,)``, repeat each ring's first point at its end, as Roboflow does.
    """
    parts, owner = shapely.get_parts(geometries, return_index=True)
    points, of_ring = shapely.get_coordinates(shapely.get_exterior_ring(parts), return_index=True)
    bounds = (2 * np.searchsorted(of_ring, np.arange(len(parts) + 1))).tolist()
    numbers = points.ravel().tolist()
    rings: list[list[list[float]]] = [[] for _ in geometries]
    for index, first, after in zip(owner.tolist(), bounds, bounds[1:], strict=False):
        rings[index].append(numbers[first : after if closed[index] else after - 2])
    return rings


def is_closed(rings: Sequence[Ring]) -> bool:
    """Return whether every ring repeats its first point at its end."""
    return all(list(ring[:2]) == list(ring[-2:]) for ring in rings)


def has_holes(geometries: np.ndarray) -> np.ndarray:
    """Return ``(N,)`` bool: some part has a hole; False where the geometry is missing."""
    parts, of_object = shapely.get_parts(geometries, return_index=True)
    holes = shapely.get_num_interior_rings(parts)
    return np.bincount(of_object, weights=holes, minlength=len(geometries)) > 0


def areas(geometries: np.ndarray) -> np.ndarray:
    """Return ``(N,)`` float64 square pixels; ground under several parts counts once.

    A missing geometry has 0. Parts must be valid, each by itself.
    """
    parts, owner = _several(geometries)
    crowded = np.unique(owner[near(parts, owner)[0]])
    joined = geometries.copy()
    joined[crowded] = [shapely.union_all(shapely.get_parts(one)) for one in geometries[crowded]]
    return np.nan_to_num(shapely.area(joined))


def near(geometries: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of one group whose boxes, in whole pixels, meet.

    Args:
        geometries: ``(N,)`` object, none missing.
        groups: ``(N,)`` int, 0 or more.

    Returns:
        Two ``(M,)`` int64 of places, the first below the second; sorted.
    """
    left, top, right, bottom = shapely.bounds(geometries).reshape(-1, 4).T
    if not len(left):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    left, right = np.floor(left), np.ceil(right)
    aside = groups * (right.max() - left.min() + 1)  # groups lie side by side, apart
    boxes = shapely.box(left + aside, top, right + aside, bottom)
    one, other = shapely.STRtree(boxes).query(boxes)
    one, other = one[one < other], other[one < other]
    order = np.lexsort([other, one])
    return one[order], other[order]


def iou(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """Return the intersection over the union of two sound geometries' ground, 0..1."""
    first, second = (shapely.union_all(shapely.get_parts(each)) for each in (one, other))
    shared = first.intersection(second).area
    return shared / (first.area + second.area - shared)


def trace(mask: np.ndarray, left: int = 0, top: int = 0) -> shapely.Geometry:
    """Return the outline of a mask along its pixels' edges; its area is the count of pixels.

    Args:
        mask: ``(H, W)`` bool or 0/1.
        left: x of the mask's first column in the image.
        top: y of the mask's first row in the image.

    Returns:
        A valid Polygon or MultiPolygon, holes included; an empty Polygon for an empty mask.
    """
    inside = np.pad(np.asarray(mask, dtype=bool), 1)
    upper, lower = inside[:-1], inside[1:]
    here = upper[:, :-1] ^ upper[:, 1:] ^ lower[:, :-1] ^ lower[:, 1:]  # one or three pixels meet
    touch = (upper[:, :-1] == lower[:, 1:]) & (upper[:, 1:] == lower[:, :-1])
    touch &= upper[:, :-1] ^ upper[:, 1:]  # two pixels meet at their corners only
    corners = np.argwhere(here | touch)  # (M, 2) y, x
    corners = np.repeat(corners, 1 + touch[tuple(corners.T)], axis=0)
    if not len(corners):
        return shapely.Polygon()
    # Along each row, and each column, the outline runs from every odd corner to the next one.
    by_column = corners[np.lexsort(corners.T)]
    edges = np.concatenate([corners, by_column])[:, ::-1].reshape(-1, 2, 2)
    faces = shapely.get_parts(shapely.polygonize(shapely.linestrings(edges)))
    offset = np.array([left, top])
    x, y = shapely.get_coordinates(shapely.point_on_surface(faces)).astype(int).T
    faces = shapely.transform(faces[inside[1:, 1:][y, x]], lambda xy: xy + offset)
    return faces[0] if len(faces) == 1 else shapely.multipolygons(faces)


def distinct_points(ring: Ring) -> int:
    """Return how many different points a ring has."""
    return len(set(zip(ring[0::2], ring[1::2], strict=True)))


@_in_blocks
def unsound(geometries: np.ndarray) -> np.ndarray:
    """Return ``(N,)`` bool: some part crosses or touches itself; False where missing."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    return np.bincount(owner, weights=~shapely.is_valid(parts), minlength=len(geometries)) > 0


def repair(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """Return the same ground with sound parts, or None if it covers none.

    A part that crosses itself covers what an odd number of its turns surround, as when it is
    drawn. Sound parts stay as they are, and so does what is repaired once.
    """
    parts = shapely.get_parts(geometry)
    return _joined([part if part.is_valid else shapely.make_valid(part) for part in parts])


def parts_within(geometries: np.ndarray) -> np.ndarray:
    """Return ``(N,)`` int: parts that lie in another one; of two that are equal, the later does."""
    parts, owner = _several(geometries)
    one, other = near(parts, owner)
    later = shapely.covered_by(parts[other], parts[one])
    sooner = shapely.covered_by(parts[one], parts[other]) & ~later
    within = np.unique(np.concatenate([one[sooner], other[later]]))
    return np.bincount(owner[within], minlength=len(geometries))


def clip(geometry: shapely.Geometry, height: int, width: int) -> shapely.Geometry | None:
    """Return what of a sound geometry lies in the image, or None; a part within stays as it is."""
    frame = shapely.box(0, 0, width, height)
    parts = shapely.get_parts(geometry)
    return _joined([part if frame.covers(part) else frame.intersection(part) for part in parts])


def beyond(geometries: np.ndarray, heights: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Return ``(N,)`` by how many pixels each geometry sticks out of its image; 0 if not."""
    left, top, right, bottom = shapely.bounds(geometries).reshape(-1, 4).T
    out = np.stack([-left, -top, right - widths, bottom - heights])
    return np.nan_to_num(np.maximum(out.max(axis=0), 0))


@_in_blocks
def repeated_points(geometries: np.ndarray) -> np.ndarray:
    """Return ``(N,)`` int: points that lie on the one before them, but for a ring's closing one."""
    sides = _sides(geometries)
    same = (sides.right == 0) & (sides.down == 0)
    return np.bincount(sides.owner[same], minlength=len(geometries))


@_in_blocks
def sharpest(geometries: np.ndarray) -> np.ndarray:
    """Return ``(N,)`` float64: the smallest angle of a geometry's corners, degrees, 0..180.

    0 is an outline that runs back on itself; 180 if there is no geometry.
    """
    sides = _sides(geometries)
    real = np.flatnonzero((sides.right != 0) | (sides.down != 0))
    right, down, ring = sides.right[real], sides.down[real], sides.ring[real]
    first = np.flatnonzero(np.diff(ring, prepend=-1))
    before = np.arange(len(ring)) - 1
    before[first] = np.append(first[1:], len(ring))[: len(first)] - 1
    back, up = -right[before], -down[before]
    angle = np.degrees(np.arctan2(np.abs(back * down - up * right), back * right + up * down))
    smallest = np.full(len(geometries), 180.0)
    np.minimum.at(smallest, sides.owner[real], angle)
    return smallest


@_in_blocks
def box_corners(geometries: np.ndarray) -> np.ndarray:
    """Return ``(N,)`` int: how many corners a geometry has if all are its bounds' corners, else 0.

    That is 4 for an upright rectangle and 3 for half of one.
    """
    bounds = shapely.bounds(geometries).reshape(-1, 4)
    box = (bounds[:, 2] - bounds[:, 0]) * (bounds[:, 3] - bounds[:, 1])
    corners = np.zeros(len(geometries), dtype=int)
    with np.errstate(invalid="ignore"):  # through corners alone go whole halves of the box
        halves = 2 * shapely.area(geometries) / np.maximum(box, np.finfo(float).tiny)
        halved = np.abs(halves - np.round(halves)) < HALF_OFF
    places = np.flatnonzero(halved & (shapely.get_num_geometries(geometries) == 1))
    sides = _sides(geometries[places])
    left, top, right, bottom = bounds[places][sides.owner].T
    inside = (sides.x != left) & (sides.x != right) | (sides.y != top) & (sides.y != bottom)
    count = np.bincount(sides.owner, minlength=len(places))
    others = np.bincount(sides.owner, weights=inside, minlength=len(places))
    corners[places] = np.where(others == 0, count, 0)
    return corners


def _sides(geometries: np.ndarray) -> _Sides:
    """Return the sides of all outer rings."""
    parts, of_part = shapely.get_parts(geometries, return_index=True)
    if shapely.get_num_interior_rings(parts).any():
        parts = shapely.get_exterior_ring(parts)
    points, ring = shapely.get_coordinates(parts, return_index=True)
    x, y = np.ascontiguousarray(points.T)
    start = np.flatnonzero(ring[1:] == ring[:-1])
    ring = ring[start]
    return _Sides(x[start], y[start], np.diff(x)[start], np.diff(y)[start], ring, of_part[ring])


def _several(geometries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the parts of geometries that have several, and each part's geometry."""
    places = np.flatnonzero(shapely.get_num_geometries(geometries) > 1)
    parts, owner = shapely.get_parts(geometries[places], return_index=True)
    return parts, places[owner]


def _joined(pieces: list[shapely.Geometry]) -> shapely.Geometry | None:
    """Return the pieces' polygons as one geometry; lines and points cover no ground."""
    flat = [part for piece in pieces for part in _polygons(piece)]
    if len(flat) < 2:
        return flat[0] if flat else None
    return shapely.multipolygons(flat)


def _polygons(geometry: shapely.Geometry) -> list[shapely.Polygon]:
    parts = shapely.get_parts(geometry)
    if isinstance(geometry, shapely.GeometryCollection):
        parts = shapely.get_parts(parts)
    return [part for part in parts if part.geom_type == "Polygon" and part.area > 0]
