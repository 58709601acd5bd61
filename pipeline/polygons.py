"""Rings -> geometry: build, name what is unsound, repair, clip; over arrays of objects.

A ring is COCO's flat list ``[x0, y0, x1, y1, ...]`` in pixels; its first point may be repeated at
the end or not. The parts of one object may overlap or abut: together they are the object.
"""

from collections.abc import Sequence

import numpy as np
import shapely

Ring = Sequence[float]


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
    points = np.concatenate([np.asarray(ring, dtype=float).reshape(-1, 2) for ring in flat])
    of_ring = np.repeat(np.arange(len(flat)), [len(ring) // 2 for ring in flat])
    parts = shapely.polygons(shapely.linearrings(points, indices=of_ring))
    of_object = np.repeat(np.arange(len(objects)), counts)
    single = counts[of_object] == 1
    built[of_object[single]] = parts[single]
    if not single.all():
        shapely.multipolygons(parts[~single], indices=of_object[~single], out=built)
    return built


def to_rings(geometry: shapely.Geometry, *, closed: bool = True) -> list[list[float]]:
    """Return the outer ring of each part, in order; holes cannot be said this way.

    Args:
        geometry: Polygon or MultiPolygon.
        closed: repeat each ring's first point at its end, as Roboflow does.
    """
    last = None if closed else -1
    parts = shapely.get_parts(geometry)
    return [
        shapely.get_coordinates(ring)[:last].ravel().tolist()
        for ring in shapely.get_exterior_ring(parts)
    ]


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
    several = shapely.get_num_geometries(geometries) > 1
    joined = geometries.copy()
    joined[several] = [shapely.union_all(shapely.get_parts(one)) for one in geometries[several]]
    return np.nan_to_num(shapely.area(joined))


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
