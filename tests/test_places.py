import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import params, places, tag
from pipeline.errors import ParamsError

PATTERN = params.load(tag.TagParams, "tag").place_pattern
NOBODY = np.zeros((240, 320), np.uint8)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("CTT_87_jpg.rf.0123.jpg", "ctt"),
        ("ctt2_201_jpg.rf.0123.jpg", "ctt2"),
        ("cr_126_jpg.rf.0123.jpg", "cr"),
        ("lakeside_12_jpg.rf.0123.jpg", "lakeside"),
        ("old_town_3_jpg.rf.0123.jpg", "old_town"),
        ("IMG_0718_jpg.rf.0123.jpg", ""),
        ("DSC_0041.jpg", ""),
        ("PXL_20240501_101500.jpg", ""),
        ("frame_00012.jpg", ""),
        ("000000000049.jpg", ""),
        ("holiday.jpg", ""),
    ],
)
def test_the_shipped_pattern_reads_places_and_no_camera_names(name, place):
    assert places.by_name([name], PATTERN) == [place]


@pytest.mark.parametrize("pattern", ["(", "[a-z]+_"], ids=["broken", "without a group"])
def test_a_pattern_that_cannot_name_a_place_is_refused(pattern):
    with pytest.raises(ParamsError, match="place_pattern"):
        places.by_name(["a_1.jpg"], pattern)


def view(seed, shift=0, gain=1.0):
    """A picture of a place: shapes from a seed, moved by ``shift`` px and lit by ``gain``."""
    chance = np.random.default_rng(seed)
    image = np.full((300, 400), 90, np.uint8)
    for _ in range(120):
        centre = chance.integers(0, 400), chance.integers(0, 300)
        size = int(chance.integers(6, 30))
        level = int(chance.integers(0, 256))
        corner = (int(centre[0]) + size, int(centre[1]) + int(chance.integers(4, 30)))
        cv2.rectangle(image, tuple(map(int, centre)), corner, level, -1)
    seen = image[20 : 20 + 240, 30 + shift : 30 + shift + 320]
    return np.clip(seen * gain, 0, 255).astype(np.uint8)


def test_a_place_is_known_again_from_aside_and_in_poor_light():
    first, again, other = (
        places.corners(grey, NOBODY) for grey in (view(1), view(1, shift=25, gain=0.35), view(2))
    )

    assert places.agreeing(first, again) > 30
    assert places.agreeing(first, other) < 12


def test_corners_that_are_turned_are_others():
    """A picture on its side shows nothing of the upright one: cameras are held upright."""
    one = places.corners(view(1), NOBODY)
    turned = places.corners(np.ascontiguousarray(np.rot90(view(1))), NOBODY.T)

    assert places.agreeing(one, one) > 100
    assert places.agreeing(one, turned) < 12


def test_a_plain_wall_agrees_with_nothing():
    wall = places.corners(np.full((240, 320), 128, np.uint8), NOBODY)

    assert len(wall.codes) == 0
    assert places.agreeing(wall, wall) == 0


def test_no_corner_lies_on_people():
    person = NOBODY.copy()
    person[:, 100:200] = 1

    points = places.corners(view(3), person).points

    assert not ((points[:, 0] > 101) & (points[:, 0] < 198)).any()


def told(matrix):
    """Likeness as a table tells it."""
    return lambda rows, columns: matrix[np.ix_(rows, columns)]


def test_a_name_stays_a_place_only_if_its_photos_show_one():
    names = ["lake"] * 5 + ["holiday"] * 5 + ["yard"] * 2
    alike = np.zeros((12, 12), np.float32)

    kept = places.coherent(names, told(alike), 3, lambda one, other: max(one, other) < 5)

    assert kept == ["lake"] * 5 + [""] * 7


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=14))
def test_groups_by_look_are_the_connected_pictures(edges):
    same = {frozenset(edge) for edge in edges}
    alike = np.full((12, 12), -1, np.float32)
    for one, other in edges:
        alike[one, other] = alike[other, one] = 0.9
    np.fill_diagonal(alike, -1)

    rows = np.arange(1, 12)

    ready, looked = [], []

    def verify(*pair):
        looked.append(pair)
        return frozenset(pair) in same

    found = places.by_look(told(alike), rows, 0.5, verify, ready=ready.extend)

    assert set(looked) <= set(ready)
    leaders = dict(zip(rows.tolist(), found, strict=True))
    listed = {frozenset(pair) for pair in places.shortlist(told(alike), rows, 0.5)[0]}
    for one, other in (tuple(pair) for pair in same & listed if len(pair) == 2):
        assert leaders[one] == leaders[other]
    assert all(leaders[leader] == leader <= row for row, leader in leaders.items())


def test_pictures_that_are_surely_alike_are_joined_unseen():
    alike = np.full((4, 4), -1, np.float32)
    alike[0, 1] = alike[1, 0] = 0.97
    alike[2, 3] = alike[3, 2] = 0.8
    looked = []

    found = places.by_look(told(alike), np.arange(4), 0.5, lambda *pair: bool(looked.append(pair)))

    assert (found, looked) == ([0, 0, 2, 3], [(2, 3)])


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40), st.integers(1, 9))
def test_rounds_keep_what_is_linked_together_and_what_is_likest_first(edges, most):
    pairs = sorted({(min(edge), max(edge)) for edge in edges if edge[0] != edge[1]})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "ROUND", most)
        rounds = list(places._rounds(pairs))

    assert sorted(pair for part in rounds for pair in part) == pairs
    assert all(part == sorted(part) for part in rounds)  # as they came
    rows = [{row for pair in part for row in pair} for part in rounds]
    assert sum(map(len, rows)) == len(set().union(*rows))  # no photo is needed again
    for part, photos in zip(rounds, rows, strict=True):
        linked = places._Groups(photos)
        for pair in part:
            linked.join(*pair)
        assert len(photos) <= most or len({linked.first(row) for row in photos}) == 1


def looks(*photos):
    """Four cells and two channels a photo, every cell as the photo's."""
    return np.repeat(np.array(photos, float)[:, None, :], 4, axis=1)


def test_one_night_photo_among_days_is_unusual_and_the_days_are_not():
    seen = looks([0.5, 0.1], [0.52, 0.1], [0.48, 0.12], [0.1, -0.1], [0.9, 0.0])

    found = places.unusual(seen, ["lake"] * 4 + [""], np.array([0.1, 0.1]), 3)

    assert found[3] == pytest.approx(np.sqrt((3.9**2 + 2.0**2) / 2))
    assert found[:3].max() < 0.5
    assert found[4] == 0


def test_an_object_in_front_of_some_cells_makes_no_photo_unusual():
    seen = looks(*[[0.5, 0.1]] * 5)
    seen[2, 0] = (-3, 0.9)

    assert places.unusual(seen, ["lake"] * 5, np.array([0.1, 0.1]), 3).max() == 0


def test_cells_that_people_hide_are_left_out():
    seen = looks(*[[0.5, 0.1]] * 4, [1.5, 0.1])
    seen[0] = np.nan
    seen[4, :2] = np.nan

    found = places.unusual(seen, ["lake"] * 5, np.array([0.1, 0.1]), 3)

    assert found[0] == 0
    assert found[4] == pytest.approx(np.sqrt(10**2 / 2))


def test_where_every_day_differs_one_more_difference_is_usual():
    steady = looks(*[[0.50, 0], [0.51, 0], [0.49, 0], [0.5, 0], [0.9, 0]])
    varied = looks(*[[0.1, 0], [0.5, 0], [0.9, 0], [0.3, 0], [0.9, 0]])

    scores = [places.unusual(one, ["a"] * 5, np.full(2, 0.05), 3)[4] for one in (steady, varied)]

    assert scores[1] < scores[0] / 3


def test_a_place_of_few_photos_has_no_usual_look():
    seen = looks([1, 0], [0, 1], [0, 0])

    assert places.unusual(seen, ["a", "a", "b"], np.ones(2), 3).tolist() == [0, 0, 0]


def test_snow_that_lightens_half_the_cells_and_greys_the_others_is_unusual():
    seen = looks(*[[0.5, 0.1]] * 5)
    seen[4, :2, 0] += 0.4
    seen[4, 2:, 1] += 0.4

    found = places.unusual(seen, ["lake"] * 5, np.array([0.1, 0.1]), 3)

    assert found[4] == pytest.approx(np.sqrt(4**2 / 2))
    assert found[:4].max() == 0
