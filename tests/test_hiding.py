import numpy as np
import pytest
from test_contours import NO_BARS, SIZE, box, figure, scaled

from pipeline import hiding


def hidden(people, areas=None):
    return hiding.hidden(people, areas or [20000.0] * len(people), SIZE, NO_BARS)


@pytest.mark.parametrize(
    "cut",
    [np.s_[:, 140:152], np.s_[150:], np.s_[190:], np.s_[120:, 160:]],
    ids=["a pole across", "a table before the waist", "a wall before the legs", "a box at a side"],
)
def test_a_figure_looks_more_hidden_with_something_in_front(cut):
    assert hidden([figure(cut)]) > hidden([figure()]) + 1


def test_the_likeliest_of_the_main_people_decides():
    people = [figure(), figure(np.s_[:, 140:152])]

    assert hidden(people) == hidden(people[::-1])
    assert hidden(people) > hidden([figure(), figure()]) + 1


def test_who_is_small_beside_the_largest_does_not_count():
    people, areas = [figure(), scaled(figure(np.s_[:, 140:152]), 0.2)], [20000.0, 800.0]

    assert hiding.main_people(areas, SIZE) == [0]
    assert hidden(people, areas) == pytest.approx(hidden([figure()]), abs=1.5)


def test_nothing_is_said_of_people_far_off_and_of_nobody():
    assert np.isnan(hidden([]))
    assert np.isnan(hidden([box(10, 10, 20, 40)], [300.0]))


def test_mirroring_hardly_changes_what_is_said():
    person = figure(np.s_[150:])
    turned = [[np.array([[300, 0]], np.float32) + line * [-1, 1] for line in one] for one in person]

    assert hidden([[[line.astype(np.float32) for line in one] for one in turned]]) == pytest.approx(
        hidden([person]), abs=1.0
    )


@pytest.mark.parametrize("width", [0.75, 4 / 3])
def test_who_is_whole_is_not_hidden_by_being_stretched_and_who_is_behind_stays_so(width):
    size = SIZE[0], width * SIZE[1]
    whole, behind = (hiding.squeezed(figure(cut), width) for cut in (None, np.s_[:, 140:152]))
    said = [hiding.hidden([one], [width * 20000.0], size, NO_BARS) for one in (whole, behind)]

    assert said[0] < 0 < said[1]


def test_in_doubt_the_middle_of_several_widths_counts(monkeypatch):
    asked = []

    def odds(rows):
        asked.append(rows)
        return np.array([(3.0, 9.0, -1.0, 2.0)[len(asked) - 1]])

    monkeypatch.setattr(hiding, "FOREST", odds)
    assert hidden([figure()]) == 2.0
    asked.clear()
    monkeypatch.setattr(hiding, "DOUBT", 3.0)
    assert hidden([figure()]) == 3.0


def test_a_width_is_a_factor_of_x_alone():
    (((ring,),),) = [hiding.squeezed([[np.array([[2, 3], [4, 9]], np.float32)]], 1.5)]

    assert ring.tolist() == [[3, 3], [6, 9]]
