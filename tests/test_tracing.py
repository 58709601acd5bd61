import cv2
import numpy as np
import pytest
import shapely
from shapely import affinity

from pipeline import params, rules, silhouettes, tracing

LIMITS = params.load(rules.TagParams, "tag")
SIZE = (320, 320)


def blob(corners=120, size=1.0):
    """A star-like figure of about 90 by 180 pixels with soft arms, in the middle."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = size * (60 + 14 * np.sin(5 * angle))
    return shapely.Polygon(
        np.stack([160 + 0.7 * radius * np.cos(angle), 160 + 1.5 * radius * np.sin(angle)], axis=1)
    )


@pytest.fixture
def picture():
    """A figure brighter than a textured ground, ``(320, 320)`` uint8."""
    chance = np.random.default_rng(3)
    ground = cv2.resize(chance.integers(60, 110, (80, 80), np.uint8), SIZE).astype(np.float32)
    mask = silhouettes.draw(silhouettes.rings(blob()), SIZE, 1.0).astype(np.float32)
    soft = cv2.GaussianBlur(mask, (0, 0), 0.8)
    return (ground * (1 - soft) + (ground + 90) * soft).astype(np.uint8)


def measured(picture, *shapes):
    people = [silhouettes.rings(shape) for shape in shapes]
    return tracing.measure(people, [shape.area for shape in shapes], picture, 1.0)


def test_a_careful_outline_is_neither_loose_nor_a_box(picture):
    found = measured(picture, blob())

    assert found["loose"] < LIMITS.loose_above - 2
    assert found["box"] < LIMITS.box_above - 0.1
    assert found["on_edge"] > 0.5


@pytest.mark.parametrize(
    "change",
    [
        lambda shape: shape.buffer(9),
        lambda shape: shape.buffer(-9),
        lambda shape: affinity.translate(shape, 6, 6),
        lambda shape: shape.buffer(7).simplify(14),
        lambda shape: affinity.scale(blob(8), 1.05, 1.05),
        lambda shape: shapely.box(*shape.bounds),
    ],
    ids=["too wide", "too narrow", "shifted", "wide, of few corners", "eight corners", "a box"],
)
def test_a_careless_outline_is_loose(picture, change):
    assert measured(picture, change(blob()))["loose"] > LIMITS.loose_above


@pytest.mark.parametrize("turn", [0, 10, 45])
def test_a_box_is_one_however_it_is_turned_and_a_person_in_it_is_not(picture, turn):
    box = affinity.rotate(shapely.box(100, 100, 180, 260), turn)

    assert measured(picture, box)["box"] == pytest.approx(1, abs=0.01)
    assert measured(picture, blob())["box"] == pytest.approx(
        blob().area / shapely.oriented_envelope(blob()).area, abs=0.02
    )


def test_the_share_of_a_turned_triangle_is_a_half(picture):
    triangle = affinity.rotate(shapely.Polygon([(100, 100), (200, 100), (100, 180)]), 31)

    assert measured(picture, triangle)["box"] == pytest.approx(0.5, abs=0.01)


def test_one_careless_outline_of_several_is_told(picture):
    wide = affinity.translate(blob(8, 0.8), -90, -60)

    assert measured(picture, blob(), wide)["loose"] == measured(picture, wide)["loose"]


def test_sides_along_the_picture_border_are_not_the_annotators(picture):
    """A person cut by the picture has one long side there, however carefully outlined."""
    whole = blob()
    cut = affinity.translate(whole, 160, 0).intersection(shapely.box(0, 0, 320, 320))

    sides = measured(picture, cut)["side"] * np.sqrt(cut.area)
    assert sides < 10 < cut.length / 20


def test_small_people_and_nobody_are_not_judged(picture):
    small = affinity.scale(blob(8), 0.1, 0.1)

    for found in (measured(picture, small), measured(picture)):
        assert np.isnan([found["side"], found["on_edge"], found["loose"]]).all()
    assert measured(picture)["box"] == 0


def test_the_photo_may_be_larger_than_the_picture_that_is_measured(picture):
    people, area = [silhouettes.rings(affinity.scale(blob(), 3, 3, origin=(0, 0)))], blob().area

    found = tracing.measure(people, [9 * area], picture, 1 / 3)

    assert found["side"] == pytest.approx(measured(picture, blob())["side"])
    assert found["loose"] < LIMITS.loose_above - 2
