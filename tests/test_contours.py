import cv2
import numpy as np
import pytest

from pipeline import contours

SIZE = (300, 300)
NO_BARS = np.zeros((75, 75), np.uint8)


def ring(*points):
    return np.array(points, np.float32)


def box(left, top, right, bottom):
    return [[ring((left, top), (right, top), (right, bottom), (left, bottom))]]


def figure(cut=None):
    """A head, a body and two legs, 130 px wide at most; ``cut`` is taken out of its mask."""
    mask = np.zeros(SIZE, np.uint8)
    cv2.circle(mask, (150, 50), 26, 1, -1)
    cv2.ellipse(mask, (150, 130), (46, 80), 0, 0, 360, 1, -1)
    cv2.ellipse(mask, (130, 215), (17, 70), 0, 0, 360, 1, -1)
    cv2.ellipse(mask, (170, 215), (17, 70), 0, 0, 360, 1, -1)
    if cut:
        mask[cut] = 0
    lines = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    return [[line[:, 0].astype(np.float32) + 0.5] for line in lines]


def measured(person, others=(), size=SIZE, bars=NO_BARS):
    one = contours.drawn(person, list(others))
    values = contours.measure(one, size, bars, 1 + len(others))
    return dict(zip(contours.FEATURES, values.tolist(), strict=True))


def scaled(person, factor):
    return [[line * factor for line in polygon] for polygon in person]


def test_a_box_in_the_open_has_four_square_corners_and_nothing_missing():
    found = measured(box(100, 60, 180, 240))

    assert (found["square"], found["pieces"], found["parts"], found["cut"]) == (4, 1, 0, 0)
    assert found["hollow"] == pytest.approx(0, abs=0.03)
    assert found["longest"] == pytest.approx(1, abs=0.03)
    assert found["under"] == pytest.approx(80 / 180, abs=0.03)
    assert found["flat"] == 1
    assert [found[f"wide_{band}"] for band in range(6)] == pytest.approx([1] * 6)


def test_numbers_do_not_depend_on_the_size_of_the_picture():
    small = measured(figure())
    large = measured(scaled(figure(), 4), size=(1200, 1200))

    for name in contours.FEATURES:
        assert large[name] == pytest.approx(small[name], abs=0.06), name


def test_a_pole_across_leaves_two_parts_and_a_tall_gap():
    whole, split = measured(figure()), measured(figure(np.s_[:, 140:152]))

    assert (whole["pieces"], split["pieces"]) == (1, 2)
    assert split["parts"] == pytest.approx(0.5, abs=0.1)
    assert split["gap_high"] > whole["gap_high"] + 0.3
    assert split["uprights"] > whole["uprights"] + 0.1


def test_a_table_before_the_legs_leaves_a_long_level_lower_side():
    standing, seated = measured(figure()), measured(figure(np.s_[150:]))

    assert seated["under"] > standing["under"] + 0.3
    assert seated["ends"] == 1


def test_a_side_that_the_picture_cuts_is_no_straight_side():
    shown = measured(figure(np.s_[150:]), size=(150, 300))

    assert shown["ends"] == 0
    assert shown["under"] < 0.1
    assert shown["cut"] > 0.1


def test_a_side_along_dark_bars_is_cut_as_by_the_picture():
    bars = NO_BARS.copy()
    bars[38:] = 1  # the lower half, at a quarter of the size

    assert measured(figure(np.s_[150:]))["cut"] == 0
    assert measured(figure(np.s_[150:]), bars=bars)["cut"] > 0.1


def test_people_who_stand_close_touch():
    alone, close = (
        measured(box(50, 50, 100, 250)),
        measured(box(50, 50, 100, 250), [box(100, 50, 150, 250)]),
    )

    assert alone["touch"] == 0
    assert close["touch"] == pytest.approx(200 / 500, abs=0.08)
    assert close["people"] == 2


@pytest.mark.parametrize(
    "person",
    [
        box(5, 5, 5.2, 5.2),
        box(0, 0, 300, 1),
        box(2, 2, 3, 300),
        box(9, 9, 9, 200),
        box(9, 9, 200, 9),
        box(7, 7, 7, 7),
    ],
)
def test_specks_and_lines_are_measured_too(person):
    assert np.isfinite(list(measured(person).values())).all()
