import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import silhouettes

SHAPE = (200, 320)


def box(left, top, right, bottom):
    mask = np.zeros(SHAPE, np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


def figure(left=120, top=20):
    """A head, a body and two legs."""
    mask = np.zeros(SHAPE, np.uint8)
    cv2.circle(mask, (left + 30, top + 14), 13, 1, -1)
    cv2.ellipse(mask, (left + 30, top + 65), (24, 44), 0, 0, 360, 1, -1)
    cv2.ellipse(mask, (left + 20, top + 120), (9, 45), 0, 0, 360, 1, -1)
    cv2.ellipse(mask, (left + 41, top + 120), (9, 45), 0, 0, 360, 1, -1)
    return mask


def test_a_polygon_with_a_hole_is_drawn_with_the_hole():
    outer = shapely.box(20, 20, 100, 100)
    geometry = outer.difference(shapely.box(40, 40, 80, 80))

    mask = silhouettes.draw(silhouettes.rings(geometry), SHAPE, 1.0)

    assert mask[60, 60] == 0
    assert mask[30, 30] == 1
    assert mask.sum() == pytest.approx(geometry.area, rel=0.1)


@settings(max_examples=25, deadline=None)
@given(
    left=st.floats(0, 300),
    top=st.floats(0, 300),
    wide=st.floats(40, 300),
    high=st.floats(40, 300),
)
def test_a_drawn_box_covers_its_share_of_the_picture(left, top, wide, high):
    geometry = shapely.box(left, top, left + wide, top + high)

    mask = silhouettes.draw(silhouettes.rings(geometry), (300, 300), 0.5)

    assert mask.sum() == pytest.approx(geometry.area / 4, abs=wide + high + 4)


def test_lines_and_points_left_by_a_repair_draw_nothing():
    mixed = shapely.GeometryCollection([shapely.LineString([(0, 0), (9, 9)]), shapely.Point(3, 3)])

    assert silhouettes.rings(mixed) == []


def test_the_covered_share_is_of_all_people_counted_once():
    measured = silhouettes.measure([box(10, 10, 50, 60), box(30, 10, 60, 60)])

    assert measured["covered"] == 2500 / (200 * 320)


def test_nobody_has_no_shape():
    measured = silhouettes.measure([])

    assert {measured[name] for name in ("covered", *silhouettes.SHAPES)} == {0.0}


def test_a_figure_with_a_pole_across_falls_into_parts():
    whole, split = figure(), figure()
    split[:, 140:148] = 0

    assert silhouettes.measure([whole])["parts"] == 0
    assert silhouettes.measure([split])["parts"] > 0.2


def test_a_figure_behind_a_wall_ends_in_a_wide_base():
    standing, half = figure(), figure()
    half[90:] = 0

    assert silhouettes.measure([standing])["base"] < 0.5 < silhouettes.measure([half])["base"]


def test_a_figure_that_the_picture_ends_has_a_cut_but_no_base():
    low = figure(top=90)

    measured = silhouettes.measure([low])

    assert measured["cut"] > 0.02
    assert measured["base"] == 0
    assert silhouettes.measure([figure()])["cut"] == 0


def test_a_thin_link_drawn_by_a_converter_joins_no_parts():
    mask = box(40, 40, 80, 120) | box(140, 40, 180, 120)
    linked = mask | box(80, 80, 140, 81)

    assert silhouettes.measure([linked])["parts"] == pytest.approx(0.5, abs=0.02)


def test_people_who_stand_against_each_other_touch():
    apart = silhouettes.measure([box(20, 20, 60, 120), box(100, 20, 140, 120)])
    close = silhouettes.measure([box(20, 20, 60, 120), box(60, 20, 100, 120)])

    assert apart["touch"] == 0
    assert close["touch"] == pytest.approx(100 / 280, abs=0.05)


def test_mirroring_changes_no_shape():
    mask = figure()
    mask[:, 140:148] = 0
    turned = np.ascontiguousarray(mask[:, ::-1])

    one, other = silhouettes.measure([mask]), silhouettes.measure([turned])

    for name in silhouettes.SHAPES:
        assert other[name] == pytest.approx(one[name], abs=0.05), name


def test_small_bystanders_do_not_count_as_main_people():
    split = box(200, 150, 205, 160) | box(215, 150, 220, 160)

    assert silhouettes.measure([figure(), split])["parts"] == 0
