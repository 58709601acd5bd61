"""One ring for several: it must draw the same pixels, by pycocotools' own hand."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_masks

from pipeline import bridges, polygons
from pipeline.drawing import Drawn, label_mask

SIZE = (40, 50)
SQUARE = shapely.box(2, 3, 30.5, 33.25)
HOLED = SQUARE.difference(shapely.box(6, 7.5, 11, 12)).difference(shapely.box(20, 20, 25.5, 29))
FAR = shapely.box(40, 5, 48, 12.5)


def drawn(rings):
    """What pycocotools draws of open rings that unite, ``(H, W)`` bool."""
    flat = [np.asarray(ring).ravel().tolist() for ring in rings]
    return coco_masks.decode(coco_masks.merge(coco_masks.frPyObjects(flat, *SIZE))) > 0


def ours(geometry):
    return label_mask([Drawn(1, geometry, None)], *SIZE) > 0


GEOMETRIES = {
    "plain": SQUARE,
    "two holes": HOLED,
    "two parts": shapely.multipolygons([SQUARE, FAR]),
    "parts and holes": shapely.multipolygons([HOLED, FAR]),
    "part in a hole": shapely.multipolygons([HOLED, shapely.box(7, 8.5, 9, 10)]),
    "hole that touches its ring": shapely.Polygon(
        [(0, 0), (20, 0), (20, 20), (0, 20)], [[(0, 0), (6, 2), (5, 8)]]
    ),
}


@pytest.mark.parametrize("name", GEOMETRIES)
def test_one_ring_covers_the_same_pixels(name):
    geometry = GEOMETRIES[name]

    np.testing.assert_array_equal(drawn([bridges.outline(geometry)]), ours(geometry))
    np.testing.assert_array_equal(drawn(bridges.keyholes(geometry)), ours(geometry))


def test_overlapping_parts_are_united_first():
    geometry = shapely.multipolygons([shapely.box(2, 2, 20, 20), shapely.box(10, 10, 30, 30)])

    np.testing.assert_array_equal(drawn([bridges.outline(geometry)]), ours(geometry))


def test_a_ring_without_holes_is_given_as_it_is():
    (ring,) = bridges.keyholes(SQUARE)

    assert ring.tolist() == [list(point) for point in SQUARE.exterior.coords[:-1]]


def test_the_shortest_bridge_is_taken():
    ring = bridges.outline(
        shapely.multipolygons([shapely.box(0, 0, 4, 4), shapely.box(6, 0, 9, 4)])
    )
    steps = np.abs(np.diff(np.concatenate([ring, ring[:1]]), axis=0)).sum(axis=1)

    assert len(ring) == 4 + 4 + 2
    assert sorted(steps.tolist()) == [2, 2, 3, 3, 4, 4, 4, 4, 4, 4]


@given(st.binary(min_size=60, max_size=60))
@settings(max_examples=40)
def test_the_outline_of_any_mask_draws_that_mask(content):
    mask = np.unpackbits(np.frombuffer(content, np.uint8)).reshape(20, 24) > 0
    if not mask.any():
        return
    whole = np.zeros(SIZE, bool)
    whole[5:25, 8:32] = mask
    geometry = polygons.trace(whole)

    np.testing.assert_array_equal(drawn([bridges.outline(geometry)]), whole)
    np.testing.assert_array_equal(drawn(bridges.keyholes(geometry)), whole)
