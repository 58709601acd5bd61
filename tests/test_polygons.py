import numpy as np
import pytest
import shapely
from exports import NASTY
from hypothesis import given
from hypothesis import strategies as st

from pipeline import drawing, polygons

RINGS = {name: rings for name, (rings, _) in NASTY.items() if name not in {"rle", "two points"}}
numbers = st.integers(0, 16).map(float)
rings = st.lists(numbers, min_size=6, max_size=14).map(lambda xs: xs[: len(xs) // 2 * 2])


def build(several):
    return polygons.from_rings([several])[0]


def drawn(geometry):
    return drawing.object_mask(geometry, 20, 20)


@pytest.mark.parametrize("several", RINGS.values(), ids=RINGS)
def test_coordinates_and_their_order_stay_as_given(several):
    back = polygons.to_rings(build(several), closed=False)

    assert back == [[float(one) for one in ring] for ring in several]


def test_no_rings_give_no_geometry():
    assert polygons.from_rings([[], [[0, 0, 1, 0, 1, 1]], []])[[0, 2]].tolist() == [None, None]
    assert polygons.from_rings([]).shape == (0,)


@given(several=st.lists(rings, min_size=1, max_size=3))
def test_repair_gives_sound_parts_and_is_done_once(several):
    repaired = polygons.repair(build(several))

    if repaired is not None:
        assert not polygons.unsound(np.array([repaired])).any()
        assert shapely.equals_exact(polygons.repair(repaired), repaired)


@given(ring=rings)
def test_repair_covers_what_an_odd_number_of_turns_surrounds(ring):
    repaired = polygons.repair(build([ring]))

    before, after = drawn(build([ring])), np.zeros((20, 20), bool)
    if repaired is not None:
        after = drawn(repaired)
    edge = shapely.box(0, 0, 1, 1)  # pixels whose middle is near the outline may go either way
    different = np.argwhere(before != after)
    outline = shapely.LineString(np.reshape([*ring, *ring[:2]], (-1, 2)))
    assert all(
        outline.distance(shapely.transform(edge, lambda xy, at=(x, y): xy + np.array(at))) == 0
        for y, x in different
    )


def test_sound_parts_are_not_touched_by_repair_and_clip():
    several = [[1, 1, 5, 1, 5, 5, 1, 5], [4, 4, 9, 4, 9, 9], [2, 2, 12, 12, 12, 2, 2, 12]]
    repaired = shapely.get_parts(polygons.repair(build(several)))
    clipped = shapely.get_parts(polygons.clip(build(several[:2]), 10, 10))

    for part, ring in zip([*repaired[:2], *clipped], several[:2] * 2, strict=True):
        assert shapely.get_coordinates(part).ravel().tolist() == [*ring, *ring[:2]]


def test_make_valid_keeps_both_halves_of_an_eight():
    assert polygons.repair(build(NASTY["bow-tie"][0])).area == 50


@given(several=st.lists(rings, min_size=1, max_size=2), height=st.integers(1, 16))
def test_clipping_is_what_lies_within(several, height):
    sound = polygons.repair(build(several))
    clipped = None if sound is None else polygons.clip(sound, height, 12)

    if clipped is not None:
        frame = shapely.box(0, 0, 12, height)
        assert frame.buffer(1e-9).covers(clipped)
        expected = shapely.intersection(shapely.union_all(shapely.get_parts(sound)), frame).area
        assert polygons.areas(np.array([clipped])) == pytest.approx(expected)


def test_ground_under_two_parts_counts_once():
    overlapping = build(NASTY["overlapping parts"][0])

    assert polygons.areas(np.array([overlapping, None]))[0] == 64 + 81 - 16


def test_sharpest_angle_repeated_points_and_box_corners_are_measured():
    several = np.array(
        [
            build([[0, 0, 4, 0, 4, 4, 0, 4]]),
            build([[0, 0, 4, 0, 4, 4]]),
            build([[0, 0, 4, 0, 4, 0, 4, 4, 4, 8, 4, 4, 0, 4]]),
            None,
        ]
    )

    np.testing.assert_allclose(polygons.sharpest(several), [90, 45, 0, 180])
    assert polygons.repeated_points(several).tolist() == [0, 0, 1, 0]
    assert polygons.box_corners(several).tolist() == [4, 3, 0, 0]


def test_sticking_out_is_measured_on_all_four_sides():
    boxes = [(-3, 2, 5, 5), (2, -4, 5, 5), (2, 2, 25, 5), (2, 2, 5, 22), (0, 0, 20, 16)]
    geometries = np.array([shapely.box(*box) for box in boxes])

    assert polygons.beyond(geometries, np.full(5, 16), np.full(5, 20)).tolist() == [3, 4, 5, 6, 0]


def boxes(several):
    """Each object from boxes given as left, top, width, height."""
    parts = [[shapely.box(x, y, x + w, y + h) for x, y, w, h in one] for one in several]
    objects = [one[0] if len(one) == 1 else shapely.MultiPolygon(one) for one in parts]
    built = np.full(len(objects) + 1, None, dtype=object)  # the last is missing
    built[:-1] = objects
    return built, parts


box = st.tuples(*[st.integers(-3, 9)] * 2, *[st.integers(1, 6)] * 2)
some = st.lists(st.lists(box, min_size=1, max_size=4), min_size=1, max_size=5)


@given(several=some)
def test_parts_count_once_in_areas_and_those_within_another_are_counted(several):
    geometries, parts = boxes(several)

    union = [shapely.union_all(one).area for one in parts]
    within = [
        sum(
            any(a.within(b) and (i > j or not a.equals(b)) for j, b in enumerate(one) if i != j)
            for i, a in enumerate(one)
        )
        for one in parts
    ]
    np.testing.assert_allclose(polygons.areas(geometries), [*union, 0])
    assert polygons.parts_within(geometries).tolist() == [*within, 0]


@given(several=some, groups=st.randoms(use_true_random=False))
def test_near_are_all_pairs_of_a_group_that_meet(several, groups):
    geometries = boxes(several)[0][:-1]
    group = np.array([groups.randrange(3) for _ in geometries])

    pairs = set(zip(*(one.tolist() for one in polygons.near(geometries, group)), strict=True))

    count = range(len(geometries))
    same = {(i, j) for i in count for j in count if i < j and group[i] == group[j]}
    meet = {(i, j) for i, j in same if geometries[i].intersects(geometries[j])}
    assert meet <= pairs <= same
