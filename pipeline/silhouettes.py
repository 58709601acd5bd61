"""The people of one picture as masks, and what their outlines tell: size, cuts, parts, contact."""

import cv2
import numpy as np
import shapely

BITS = 4  # cv2 draws in sixteenths of a pixel
MAIN = 0.25  # a main person has at least this share of the largest one's area
BORDER = 2  # px; an outline this near the picture's edge was cut by it
BIT = 0.02  # of a person; smaller parts are the annotator's crumbs

SHAPES = ("cut", "parts", "base", "hollow", "touch")

BLOCK = 4096  # geometries whose rings are taken together

Rings = list[list[np.ndarray]]  # polygons of one person; each its outer ring, then its holes


def rings(geometry: shapely.Geometry) -> Rings:
    """Return a (multi)polygon's rings, each ``(N, 2)`` float32 xy; small and quick to send."""
    return all_rings(np.array([geometry], dtype=object))[0]


def all_rings(geometries: np.ndarray) -> list[Rings]:
    """Return what ``rings`` does of each of ``(N,)`` geometries; a missing one has none."""
    starts = range(0, len(geometries), BLOCK)  # shapely's parts are copies
    return [one for start in starts for one in _all_rings(geometries[start : start + BLOCK])]


def _all_rings(geometries: np.ndarray) -> list[Rings]:
    parts, owner = shapely.get_parts(geometries, return_index=True)
    whole = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    parts, owner = parts[whole], owner[whole]
    lines, of_part = shapely.get_rings(parts, return_index=True)
    points = shapely.get_coordinates(lines).astype(np.float32)
    counts = shapely.get_num_coordinates(lines)
    ends = np.cumsum(counts)
    polygons: list[list[np.ndarray]] = [[] for _ in parts]
    for part, start, end in zip(of_part, ends - counts, ends, strict=True):
        polygons[part].append(points[start:end])
    found: list[Rings] = [[] for _ in geometries]
    for place, polygon in zip(owner, polygons, strict=True):
        found[place].append(polygon)
    return found


def draw(person: Rings, shape: tuple[int, int], scale: float) -> np.ndarray:
    """Return ``shape`` uint8: 1 on the person, drawn ``scale`` times as large.

    Pixels on the outline are included: right for measuring, too wide by half a pixel for truth.
    """
    mask = np.zeros(shape, np.uint8)
    for polygon in person:
        points = [np.rint((ring * scale - 0.5) * 2**BITS).astype(np.int32) for ring in polygon]
        cv2.fillPoly(mask, points, 1, shift=BITS)
    return mask


def measure(masks: list[np.ndarray]) -> dict[str, float]:
    """Measure the people of one picture together.

    Args:
        masks: ``(H, W)`` uint8 each, 1 on one person.

    Returns:
        ``covered``: share of the picture that all people cover, 0..1; and of the main people the
        worst of ``cut`` (share of the outline on the picture's border, 0..1), ``parts`` (share of
        area outside the largest part), ``base`` (width of the lowest rows by that of the widest,
        0 where the picture's border cuts), ``hollow`` (share of the convex hull not covered),
        ``touch`` (share of the surrounding pixels that are other people). Without people all are 0.
    """
    areas = np.array([cv2.countNonZero(mask) for mask in masks])
    result = dict.fromkeys(("covered", *SHAPES), 0.0)
    if not areas.any():
        return result
    union = np.bitwise_or.reduce(masks)
    result["covered"] = cv2.countNonZero(union) / union.size
    for mask, area in zip(masks, areas.tolist(), strict=True):
        if area >= MAIN * areas.max():
            one = shape(mask, union if len(masks) > 1 else None)
            result |= {name: max(result[name], value) for name, value in one.items()}
    return result


def shape(mask: np.ndarray, everyone: np.ndarray | None) -> dict[str, float]:
    """Measure one person's silhouette; keys as ``SHAPES``, see ``measure``.

    Args:
        mask: ``(H, W)`` uint8, 1 on the person, at least one pixel.
        everyone: 1 on any person; None if there is no other.
    """
    left, top, width, height = cv2.boundingRect(mask)
    cut = mask[top : top + height, left : left + width]
    padded = cv2.copyMakeBorder(cut, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    area = cv2.countNonZero(closed)
    outlines = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    hull = cv2.contourArea(cv2.convexHull(np.concatenate(outlines)))
    offset = np.array([left - 2, top - 2])
    sides = [_sides(line[:, 0] + offset, mask.shape) for line in outlines]
    lengths, outer = (np.concatenate(each) for each in zip(*sides, strict=True))
    return {
        "cut": float(lengths[outer].sum() / max(lengths.sum(), 1)),
        "parts": _apart(closed),
        "base": _base(closed[2:-2, 2:-2]) if top + height < mask.shape[0] - BORDER else 0.0,
        "hollow": float(max(0.0, 1 - area / max(hull, area))),
        "touch": 0.0 if everyone is None else _touch(mask, everyone),
    }


def _sides(points: np.ndarray, picture: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths ``(N,)`` of an outline's straight sides and which lie on the border."""
    start = cv2.approxPolyDP(points.astype(np.int32), 1.2, True)[:, 0]
    end = np.roll(start, -1, axis=0)
    last = np.array([picture[1], picture[0]]) - 1 - BORDER
    low = ((start <= BORDER) & (end <= BORDER)).any(axis=1)
    high = ((start >= last) & (end >= last)).any(axis=1)
    return np.hypot(*(end - start).T.astype(np.float64)), low | high


def _apart(mask: np.ndarray) -> float:
    """Share outside the largest part; links of one or two pixels, as converters draw, are cut."""
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    found = cv2.findContours(opened, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)[1]
    if found is None or (found[0, :, 3] < 0).sum() < 2:  # all in one, five times as quick to see
        return 0.0
    sizes = cv2.connectedComponentsWithStats(opened)[2][1:, cv2.CC_STAT_AREA]
    sizes = sizes[sizes >= BIT * sizes.sum()]
    return float(1 - sizes.max() / sizes.sum()) if len(sizes) else 0.0


def _base(mask: np.ndarray) -> float:
    rows = mask.sum(axis=1, dtype=np.float64)
    return float(rows[-max(1, round(0.03 * len(rows))) :].mean() / rows.max())


def _touch(mask: np.ndarray, everyone: np.ndarray) -> float:
    around = cv2.dilate(mask, np.ones((5, 5), np.uint8)) - mask
    return cv2.countNonZero(around & everyone) / max(1, cv2.countNonZero(around))
