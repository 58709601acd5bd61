"""Checks of what stands under ``segmentation``, up to the point where it can be drawn."""

import math
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pipeline import polygons, rle
from pipeline.checks import shapes
from pipeline.checks.base import MANY, Found, Tables, check
from pipeline.outlines import AT_ONCE, CORNERS, HUGE, Outline
from pipeline.said import whole

NUMBERS = {int, float}


@check("annotations", "error", "repaired")
def segmentation_empty(tables: Tables) -> Found:
    """An annotation has a box but no outline; by ``validate.boxes`` the box stands for one."""
    found = _where(tables, lambda one: one is None or _nothing(one))
    if tables.params.boxes == "drop":
        return replace(found, dropped=np.ones(len(found.rows), dtype=bool))
    places = tables.annotations.index.get_indexer(found.rows)
    corners = shapes.boxes(tables)[places]
    flat = ~(corners[:, 2:] > corners[:, :2]).all(axis=1)  # so is what is no box: NaN
    left, top, right, bottom = corners.T
    rings = np.stack([left, top, right, top, right, bottom, left, bottom], axis=1)
    drawn = [[ring] for ring in rings.tolist()]
    return replace(
        found, tables=tables.put("annotations", found.rows, segmentation=drawn), dropped=flat
    )


@check("annotations", "error", "dropped")
def segmentation_wrong(tables: Tables) -> Found:
    """What should be rings or RLE is neither."""
    return _where(tables, lambda one: not isinstance(one, dict) and not _listed(one))


@check("annotations", "warning", "repaired")
def segmentation_flat(tables: Tables) -> Found:
    """One ring stands there by itself instead of in a list of rings."""
    found = _where(tables, lambda one: isinstance(one, list) and not isinstance(one[0], list))
    rings = [[one] for one in tables.annotations.loc[found.rows, "segmentation"]]
    return Found(found.rows, tables=tables.put("annotations", found.rows, segmentation=rings))


@check("annotations", "error", "dropped")
def coordinates_wrong(tables: Tables) -> Found:
    """A coordinate is no finite number; value = how many."""
    return _counted(tables, lambda rings: sum(map(_bad, rings)))


@check("annotations", "error", "dropped")
def coordinates_huge(tables: Tables) -> Found:
    """A coordinate lies beyond any picture; value = the largest, pixels."""
    return _counted(tables, _huge, HUGE)


@check("annotations", "error", "dropped")
def coordinates_odd(tables: Tables) -> Found:
    """A ring has an odd count of numbers, so x and y cannot be told apart; value = the count."""
    return _counted(tables, lambda rings: next((len(ring) for ring in rings if len(ring) % 2), 0))


@check("annotations", "warning", "repaired")
def ring_short(tables: Tables) -> Found:
    """A ring has too few different points to surround anything; value = how many it has."""

    def lacking(rings: list) -> int:
        return max(0, CORNERS - min(map(polygons.distinct_points, rings)))

    found = _counted(tables, lacking)
    left = [
        [ring for ring in rings if polygons.distinct_points(ring) >= CORNERS]
        for rings in tables.annotations.loc[found.rows, "segmentation"]
    ]
    after = tables.put("annotations", found.rows, segmentation=left)
    gone = np.array([not rings for rings in left], dtype=bool)
    return Found(found.rows, CORNERS - np.asarray(found.value), CORNERS, after, gone)


@check("annotations", "error", "dropped")
def rle_wrong(tables: Tables) -> Found:
    """RLE lacks its size or its counts, or the counts cannot be read."""
    return _where(tables, lambda one: isinstance(one, dict) and _runs(one) is None)


@check("annotations", "error", "dropped")
def rle_size(tables: Tables) -> Found:
    """RLE is not of the image's size; value = pixels it covers, limit = the image's."""
    annotations = tables.annotations
    masks = [isinstance(one, dict) for one in annotations["segmentation"]]
    about = annotations[np.array(masks, dtype=bool)]
    wrong, covered, pixels = [], [], []
    for row in about.itertuples():
        pixels.append(row.image_height * row.image_width)
        covered.append(_runs(row.segmentation).sum())
        same = _size(row.segmentation) == [row.image_height, row.image_width]
        wrong.append(not same or covered[-1] != pixels[-1] or covered[-1] > MANY)
    bad = np.array(wrong, dtype=bool)
    return Found(about.index[bad], np.array(covered)[bad], np.array(pixels)[bad])


@check("annotations", "error", "dropped")
def rle_empty(tables: Tables) -> Found:
    """RLE covers no pixel."""
    return _where(tables, lambda one: isinstance(one, dict) and not _runs(one)[1::2].sum())


@check("annotations", "info", "repaired")
def rle_uncompressed(tables: Tables) -> Found:
    """RLE is written as a list of numbers, and is written as text from here on."""
    found = _where(tables, lambda one: isinstance(one, dict) and isinstance(one["counts"], list))
    masks = [
        {"size": _size(one), "counts": rle.text(_runs(one), _size(one))}
        for one in tables.annotations.loc[found.rows, "segmentation"]
    ]
    return Found(found.rows, tables=tables.put("annotations", found.rows, segmentation=masks))


@check("annotations", "info", "kept")
def rle_mask(tables: Tables) -> Found:
    """An object is a mask (RLE) instead of rings."""
    return _where(tables, lambda one: isinstance(one, dict))


def build(tables: Tables) -> Tables:
    """Return tables whose annotations have geometry and RLE instead of a segmentation."""
    written = tables.annotations["segmentation"].tolist()
    rest = replace(tables, annotations=tables.annotations.drop(columns="segmentation"))
    del tables  # nobody else has the numbers now: as they go, geometry takes their place
    geometry = np.full(len(written), None, dtype=object)
    masks, closed = geometry.copy(), np.ones(len(written), dtype=bool)
    for first in range(0, len(written), AT_ONCE):
        here = slice(first, first + AT_ONCE)
        rings = [_rings(one) for one in written[here]]
        geometry[here] = polygons.from_rings(rings)
        closed[here] = [
            one.closed if isinstance(one, Outline) else polygons.is_closed(several)
            for one, several in zip(written[here], rings, strict=True)
        ]
        for place, one in enumerate(written[here], first):
            if isinstance(one, dict):
                masks[place] = {"size": _size(one), "counts": one["counts"]}
                geometry[place] = rle.outline(masks[place])
        written[here] = [None] * len(rings)
    built = rest.annotations.assign(geometry=geometry, rle=masks, closed=closed)
    return replace(rest, annotations=built)


def _where(tables: Tables, true: Callable[[object], bool]) -> Found:
    """Return the annotations of which something is true; it is of no ``Outline``."""
    segmentations = tables.annotations["segmentation"]
    found = [not isinstance(one, Outline) and true(one) for one in segmentations]
    return Found(segmentations.index[np.array(found, dtype=bool)])


def _counted(tables: Tables, measure: Callable[[list], float], limit: float = np.nan) -> Found:
    """Return the annotations of rings whose measure is not 0, with it; of an ``Outline`` it is."""
    segmentations = tables.annotations["segmentation"]
    values = np.array(
        [0 if isinstance(one, dict | Outline) else measure(one) for one in segmentations],
        dtype=float,
    )
    return Found(segmentations.index[values != 0], values[values != 0], limit)


def _rings(segmentation: object) -> list:
    """Return the rings of an object that has some."""
    if isinstance(segmentation, Outline):
        return segmentation.rings
    return [] if isinstance(segmentation, dict) else segmentation


def _nothing(segmentation: object) -> bool:
    return isinstance(segmentation, list | dict) and (
        not segmentation
        or (isinstance(segmentation, list) and all(one == [] for one in segmentation))
    )


def _listed(segmentation: object) -> bool:
    """Whether it is a list of lists, or a list without lists."""
    if not isinstance(segmentation, list):
        return False
    return len({isinstance(one, list) for one in segmentation}) == 1


def _bad(ring: list) -> int:
    """Return how many of a ring's coordinates are no finite number."""
    if set(map(type, ring)) <= NUMBERS:
        try:
            if math.isfinite(sum(ring)):
                return 0
        except OverflowError:  # a whole number too large for a float is `coordinates_huge`
            return 0
    return sum(type(one) not in NUMBERS or not abs(one) < math.inf for one in ring)


def _huge(rings: list) -> float:
    """Return the largest coordinate if it is beyond any picture, else 0."""
    largest = max((max(max(ring), -min(ring)) for ring in rings if ring), default=0)
    return min(largest, sys.float_info.max) if largest > HUGE else 0


def _size(mask: dict) -> list[int]:
    """Return a sound RLE's height and width; 16.0 and "16" are 16."""
    return [whole(number) for number in mask["size"]]


def _runs(mask: dict) -> np.ndarray | None:
    """Return the runs of an RLE of either kind, or None if it is none."""
    size, counts = mask.get("size"), mask.get("counts")
    if not isinstance(size, list) or len(size) != 2 or any((whole(one) or 0) < 1 for one in size):
        return None
    if isinstance(counts, list):
        numbers = [whole(one) for one in counts]
        if not numbers or any(one is None or one < 0 for one in numbers) or sum(numbers) >= 2**62:
            return None
        return np.array(numbers, dtype=np.int64)
    try:
        return rle.runs(counts) if isinstance(counts, str) else None
    except ValueError:
        return None
