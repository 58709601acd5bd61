"""Several rings as one, for formats that know a single outline: joined by bridges of no width.

A bridge is walked there and back. Programs that fill by the even-odd rule, as pycocotools and
OpenCV do, cross it twice and so not at all: the one ring covers the same pixels.
"""

import numpy as np
import shapely

BLOCK = 1 << 20  # distances that are measured at once, 8 MB


def keyholes(geometry: shapely.Geometry) -> list[np.ndarray]:
    """Return one open ring for each part of a Polygon or MultiPolygon, its holes joined to it.

    Returns:
        ``(N, 2)`` x, y each; the first point is not repeated at the end. A part without holes is
        its outer ring as it is.
    """
    return [_joined(_rings(part)) for part in shapely.get_parts(geometry)]


def outline(geometry: shapely.Geometry) -> np.ndarray:
    """Return one open ring, ``(N, 2)`` x, y, for all parts of a geometry and their holes.

    Parts that overlap are united first: what two of them cover would else count as outside.
    """
    parts = shapely.get_parts(geometry)
    if len(parts) > 1:
        parts = shapely.get_parts(shapely.union_all(parts))
    return _joined([ring for part in parts for ring in _rings(part)])


def _rings(part: shapely.Polygon) -> list[np.ndarray]:
    rings = [part.exterior, *part.interiors]
    return [shapely.get_coordinates(ring)[:-1] for ring in rings]


def _joined(rings: list[np.ndarray]) -> np.ndarray:
    """Join rings one by one, always the one that has the shortest bridge to those joined before.

    Bridges run from corner to corner. Time grows with the square of the number of points.
    """
    if len(rings) == 1:
        return rings[0]
    points = rings[0]
    after = np.roll(np.arange(len(points)), -1)  # the point that follows each in the walk
    waiting = {number: _nearest(points, 0, ring) for number, ring in enumerate(rings) if number}
    while waiting:
        number = min(waiting, key=lambda one: (waiting[one][0], one))
        _, here, there = waiting.pop(number)
        first = len(points)
        # Around the ring from its bridgehead and back there, then back where the bridge began.
        walk = [np.roll(rings[number], -there, axis=0), rings[number][[there]], points[[here]]]
        points = np.concatenate([points, *walk])
        links = np.arange(first + 1, len(points) + 1)
        links[-1], after[here] = after[here], first
        after = np.concatenate([after, links])
        for other, known in waiting.items():
            waiting[other] = min(known, _nearest(rings[number], first, rings[other], there))
    order = [0]
    while after[order[-1]]:
        order.append(int(after[order[-1]]))
    return points[order]


def _nearest(
    points: np.ndarray, first: int, ring: np.ndarray, turn: int = 0
) -> tuple[float, int, int]:
    """Return the least squared distance, and the places of the two points that have it.

    Args:
        points: ``(N, 2)`` of a ring that is joined already.
        first: place of its bridgehead in the walk.
        ring: ``(M, 2)`` of one that waits.
        turn: which of ``points`` is the bridgehead.
    """
    least, rows = (np.inf, 0, 0), max(1, BLOCK // len(ring))
    for start in range(0, len(points), rows):
        x, y = (
            np.subtract.outer(points[start : start + rows, axis], ring[:, axis]) for axis in (0, 1)
        )
        distance = x * x + y * y
        one, other = divmod(int(distance.argmin()), len(ring))
        least = min(least, (float(distance[one, other]), start + one, other))
    return least[0], first + (least[1] - turn) % len(points), least[2]
