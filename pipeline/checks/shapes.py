"""Checks of one object's outline: its box and area as written, soundness, place, size."""

from dataclasses import replace

import numpy as np
import shapely

from pipeline import drawing, polygons, rle
from pipeline.checks.base import Found, Tables, check

NUMBERS = {int, float}
LARGEST = 1e300  # beyond it, sums and products overflow
THIN = 2  # pixels of mean width; what is wider holds the centre of a pixel


@check("annotations", "info", "repaired")
def bbox_missing(tables: Tables) -> Found:
    """``bbox`` is not four finite numbers of a size; it is measured."""
    return Found(tables.annotations.index[np.isnan(boxes(tables)).any(axis=1)])


@check("annotations", "info", "repaired")
def bbox_wrong(tables: Tables) -> Found:
    """``bbox`` is not the object's; value = pixels by which x, y, width or height is off."""
    off = abs(_sized(boxes(tables)) - _sized(_bounds(tables))).max(axis=1)
    limit = tables.params.bbox_off_above
    return Found(tables.annotations.index[off > limit], off[off > limit], limit)


@check("annotations", "info", "repaired")
def bbox_outside(tables: Tables) -> Found:
    """``bbox`` sticks out of the image; value = pixels. It is measured."""
    annotations = tables.annotations
    left, top, right, bottom = boxes(tables).T
    width, height = annotations["image_width"], annotations["image_height"]
    out = np.nan_to_num(np.max([-left, -top, right - width, bottom - height], axis=0))
    far = (out > tables.params.outside_above) & (width > 0).to_numpy()
    return Found(annotations.index[far], out[far], tables.params.outside_above)


@check("annotations", "warning", "repaired")
def ring_without_area(tables: Tables) -> Found:
    """All points of a ring are on a line; value = square pixels."""
    geometries = _geometries(tables)
    rows, left = [], []
    for first in range(0, len(geometries), polygons.BLOCK):  # all parts at once take much memory
        parts, owner = shapely.get_parts(
            geometries[first : first + polygons.BLOCK], return_index=True
        )
        thin = shapely.area(parts) == 0  # of a ring like an 8 too, so look closer
        thin[thin] = shapely.area(shapely.convex_hull(parts[thin])) == 0
        for row in np.unique(owner[thin]).tolist():
            rows.append(first + row)
            left.append(_one(parts[(owner == row) & ~thin]))
    return _reshaped(tables, np.array(rows, dtype=np.int64), left, (0, 0))


@check("annotations", "warning", "repaired")
def self_crossing(tables: Tables) -> Found:
    """A ring crosses or touches itself; value = share of its area that repair adds or takes."""
    geometries = _geometries(tables)
    rows = np.flatnonzero(polygons.unsound(geometries))
    left = [polygons.repair(geometries[row]) for row in rows]
    before = shapely.area(geometries[rows])
    after = shapely.area(np.array(left, dtype=object))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(before > 0, abs(after - before) / before, np.nan)
    return _reshaped(tables, rows, left, (value, 0))


@check("annotations", "info", "repaired")
def area_wrong(tables: Tables) -> Found:
    """``area`` is not the object's (Roboflow writes that of the box); value = share it is off."""
    written = np.array([_number(one) for one in tables.annotations["area"]], dtype=float)
    area = polygons.areas(_geometries(tables))
    with np.errstate(divide="ignore", invalid="ignore"):
        off = abs(written - area) / area
    limit = tables.params.area_off_above
    wrong = ~(off <= limit) & (area > 0)
    return Found(tables.annotations.index[wrong], off[wrong], limit)


def let_go(tables: Tables) -> Tables:
    """Return tables without the boxes and areas that were written: they have been compared."""
    annotations = tables.annotations.drop(columns=["bbox", "area"], errors="ignore")
    return replace(tables, annotations=annotations)


@check("annotations", "error", "dropped")
def outside_wholly(tables: Tables) -> Found:
    """No part of an object lies in its image; value = pixels by which it sticks out."""
    annotations = tables.annotations
    out = _beyond(tables)
    suspect = np.flatnonzero(out > 0)
    clipped = _clipped(tables, suspect)
    gone = suspect[[one is None for one in clipped]]
    return Found(annotations.index[gone], out[gone], 0)


@check("annotations", "warning", "repaired")
def outside_partly(tables: Tables) -> Found:
    """An object sticks out of its image and is cut off there; value = pixels."""
    out, limit = _beyond(tables), tables.params.outside_above
    rows = np.flatnonzero(out > limit)
    return _reshaped(tables, rows, _clipped(tables, rows), (out[rows], limit))


@check("annotations", "info", "kept")
def points_repeated(tables: Tables) -> Found:
    """Points lie on the one before them, which changes nothing; value = how many."""
    repeated = polygons.repeated_points(_rings(tables))
    return Found(tables.annotations.index[repeated > 0], repeated[repeated > 0], 0)


@check("annotations", "info", "kept")
def spike(tables: Tables) -> Found:
    """The outline turns back on itself; value = its sharpest angle, degrees."""
    angle, limit = polygons.sharpest(_rings(tables)), tables.params.spike_below
    return Found(tables.annotations.index[angle < limit], angle[angle < limit], limit)


@check("annotations", "info", "kept")
def box_shaped(tables: Tables) -> Found:
    """All corners of the outline are its box's: a box, or half of one; value = how many."""
    corners = polygons.box_corners(_rings(tables))
    return Found(tables.annotations.index[corners > 0], corners[corners > 0])


@check("annotations", "warning", "kept")
def annotation_tiny(tables: Tables) -> Found:
    """An object is too small to learn from; value = square pixels."""
    areas, limit = polygons.areas(_geometries(tables)), tables.params.tiny_below
    return Found(tables.annotations.index[areas < limit], areas[areas < limit], limit)


@check("annotations", "warning", "kept")
def annotation_unseen(tables: Tables) -> Found:
    """An object lies between the centres of pixels, so no mask shows it; value = square pixels."""
    geometries = _rings(tables)
    with np.errstate(invalid="ignore"):
        thin = 2 * shapely.area(geometries) < THIN * shapely.length(geometries)
    suspect = np.flatnonzero(thin & (tables.annotations["image_width"] > 0).to_numpy())
    about = tables.annotations.iloc[suspect]
    frames = [
        drawing.Frame([drawing.Drawn(1, row.geometry, None)], row.image_height, row.image_width)
        for row in about.itertuples()
    ]
    drawn = np.bincount(drawing.runs(frames).owner, minlength=len(frames)) if frames else suspect
    rows = suspect[drawn == 0]
    return Found(tables.annotations.index[rows], shapely.area(geometries[rows]))


@check("annotations", "warning", "kept")
def ring_within(tables: Tables) -> Found:
    """A ring lies within another one of its object: no hole, for rings unite; value = how many."""
    within = polygons.parts_within(_rings(tables))
    return Found(tables.annotations.index[within > 0], within[within > 0])


def _geometries(tables: Tables) -> np.ndarray:
    return tables.annotations["geometry"].to_numpy()


def _rings(tables: Tables) -> np.ndarray:
    """Return the geometries of objects that are rings, None for those that are masks."""
    masks = [one is not None for one in tables.annotations["rle"]]
    return np.where(np.array(masks, dtype=bool), None, _geometries(tables))


def _one(parts: np.ndarray) -> shapely.Geometry | None:
    if len(parts) < 2:
        return parts[0] if len(parts) else None
    return shapely.multipolygons(parts)


def _beyond(tables: Tables) -> np.ndarray:
    annotations = tables.annotations
    width, height = annotations["image_width"], annotations["image_height"]
    out = polygons.beyond(_geometries(tables), height.to_numpy(), width.to_numpy())
    return np.where(width.to_numpy() > 0, out, 0)


def _clipped(tables: Tables, rows: np.ndarray) -> list[shapely.Geometry | None]:
    about = tables.annotations.iloc[rows]
    return [
        polygons.clip(row.geometry, row.image_height, row.image_width) for row in about.itertuples()
    ]


def _reshaped(tables: Tables, rows: np.ndarray, left: list, crossed: tuple) -> Found:
    """Return the finding that gives rows new geometries, as masks where they have holes."""
    annotations = tables.annotations
    about, masks = annotations.iloc[rows], list(annotations["rle"].iloc[rows])
    for place, holes in enumerate(polygons.has_holes(np.array(left, dtype=object))):
        size = int(about["image_height"].iloc[place]), int(about["image_width"].iloc[place])
        if holes and min(size) > 0:
            masks[place] = rle.encode(drawing.object_mask(left[place], *size))
            left[place] = rle.outline(masks[place])
    gone = np.array([one is None or one.is_empty for one in left], dtype=bool)
    after = tables.put("annotations", about.index, geometry=left, rle=masks)
    return Found(about.index, crossed[0], crossed[1], after, gone)


def boxes(tables: Tables) -> np.ndarray:
    """Return ``(N, 4)`` left, top, right, bottom as written; NaN where it is no box."""
    written = tables.annotations["bbox"].tolist()
    four = [
        type(one) is list and len(one) == 4 and NUMBERS.issuperset(map(type, one))
        for one in written
    ]
    boxes = np.full((len(written), 4), np.nan)
    boxes[four] = _numbers([one for one, known in zip(written, four, strict=True) if known])
    boxes[~((abs(boxes) <= LARGEST).all(axis=1) & (boxes[:, 2:] >= 0).all(axis=1))] = np.nan
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _numbers(boxes: list[list[float]]) -> np.ndarray:
    try:
        return np.array(boxes, dtype=float).reshape(-1, 4)
    except OverflowError:  # a whole number too large for a float
        return np.array([[_number(one) for one in box] for box in boxes])


def _bounds(tables: Tables) -> np.ndarray:
    return shapely.bounds(_geometries(tables)).reshape(-1, 4)


def _sized(boxes: np.ndarray) -> np.ndarray:
    """Return left, top, width, height of left, top, right, bottom."""
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > LARGEST:
        return np.nan
    return float(value)
