import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from pipeline import holes

masks = arrays(
    np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.integers(0, 2)
)


def drawn(*rows):
    return np.array([[pixel != "." for pixel in row] for row in rows])


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_brushed_hole_is_the_same_for_the_same_seed_and_leaves_ground():
    for seed in range(20):
        hole = holes.brush(64, rng(seed))

        assert hole.shape == (64, 64)
        assert hole.dtype == bool
        assert 0 < hole.mean() < 1
        np.testing.assert_array_equal(hole, holes.brush(64, rng(seed)))


def test_an_outline_is_cut_to_its_box_and_holds_no_neighbour():
    mask = drawn(
        "11....",
        ".1..1.",
        "....1.",
    ).astype(np.uint8)

    found = holes.shapes(mask, smallest=2)

    np.testing.assert_array_equal(found[0], drawn("11", ".1"))
    np.testing.assert_array_equal(found[1], drawn("1", "1"))


def test_outlines_smaller_than_asked_are_left_out():
    assert holes.shapes(drawn("1..", "..."), smallest=2) == []


@given(st.integers(0, 1000), st.floats(0.1, 1.0))
def test_a_placed_outline_lies_inside_its_square_at_the_asked_size(seed, share):
    hole = holes.placed(np.ones((30, 10), bool), 64, (share, share), rng(seed))

    _, (box,) = holes.parts(hole)
    assert hole.shape == (64, 64)
    assert box.longest == pytest.approx(share * 64, abs=1)


@settings(deadline=None)
@given(masks, st.floats(0, 0.5), st.integers(0, 5))
def test_a_grown_hole_contains_the_hole_and_stays_within_its_rim(mask, share, least):
    hole = mask > 0

    wider = holes.grown(hole, share, least)

    assert wider[hole].all()
    if hole.any():
        away = ndimage.distance_transform_edt(~hole)
        widest = max(share * np.hypot(*hole.shape), least) + 1
        assert away[wider].max() <= widest


def test_each_part_grows_by_its_own_size():
    hole = np.zeros((100, 200), bool)
    hole[30:70, 20:60] = True  # diagonal 56.6, so a rim of 6
    hole[50, 150] = True  # a single pixel, so the least rim of 2

    wider = holes.grown(hole, 0.1, 2)

    _, (large, small) = holes.parts(wider)
    assert large == (24, 14, 76, 66)
    assert small == (48, 148, 53, 153)


@given(masks, st.integers(1, 12))
def test_a_bare_square_holds_no_object(mask, side):
    for top, left in holes.bare_squares(mask, side):
        square = mask[top : top + side, left : left + side]

        assert square.shape == (side, side)
        assert not square.any()


def test_a_bare_picture_is_tried_everywhere():
    corners = holes.bare_squares(np.zeros((10, 12), np.uint8), 4)

    assert {tuple(corner) for corner in corners} == {(y, x) for y in range(7) for x in range(9)}


@given(masks, arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_bare_places_are_exactly_those_where_the_outline_touches_nothing(mask, shape):
    found = {tuple(place) for place in holes.bare_places(mask, shape)}

    height, width = shape.shape
    expected = {
        (top, left)
        for top in range(mask.shape[0] - height + 1)
        for left in range(mask.shape[1] - width + 1)
        if not mask[top : top + height, left : left + width][shape].any()
    }
    assert found == expected


def test_a_transplant_shrinks_until_there_is_room():
    mask = np.ones((60, 60), np.uint8)
    mask[10:40, 10:40] = 0

    hole = holes.transplanted(mask, np.ones((50, 50), bool), 8, rng())

    assert hole.any()
    assert not (hole & (mask > 0)).any()


def test_a_full_picture_has_no_room_for_a_transplant():
    assert holes.transplanted(np.ones((40, 40), np.uint8), np.ones((20, 9), bool), 8, rng()) is None


def half(side):
    return side / 2


def test_neighbours_whose_crops_overlap_share_one():
    hole = np.zeros((100, 200), bool)
    hole[40:60, 20:40] = hole[40:60, 50:70] = hole[40:60, 160:180] = True

    near, far = holes.patches(hole, half, longest=80)

    assert near.objects == (1, 2)
    assert far.objects == (3,)
    assert near.box == (0, 0, 100, 100)  # 50 wide, 25 of margin, pushed into the picture


def test_neighbours_too_large_to_share_a_crop_keep_their_own():
    hole = np.zeros((100, 200), bool)
    hole[40:60, 20:40] = hole[40:60, 50:70] = True

    assert [patch.objects for patch in holes.patches(hole, half, longest=40)] == [
        (1,),
        (2,),
    ]


@settings(deadline=None)
@given(masks, st.floats(0.1, 2), st.integers(1, 50))
def test_every_hole_pixel_belongs_to_exactly_one_crop_that_covers_it(mask, margin, longest):
    hole = mask > 0
    numbers, boxes = holes.parts(hole)

    patches = holes.patches(hole, lambda side: margin * side, longest)

    owners = sorted(number for patch in patches for number in patch.objects)
    assert owners == list(range(1, len(boxes) + 1))
    for patch in patches:
        outside = np.isin(numbers, patch.objects)
        outside[patch.box.slices] = False
        assert not outside.any()
