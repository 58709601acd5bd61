"""The direction in which shadows fall, on drawn figures whose shadows are laid by hand."""

import cv2
import numpy as np
import pytest

from pipeline import holes, shadows, sunlight

SIZE = (300, 640)


def figure(x, foot, height):
    """A head, a body and two legs, ``(H, W)`` bool."""
    drawn = np.zeros(SIZE, np.uint8)
    head, hip, half = foot - round(0.9 * height), foot - round(0.45 * height), height // 8
    cv2.circle(drawn, (x, head), height // 10, 1, -1)
    cv2.rectangle(drawn, (x - half, foot - round(0.8 * height)), (x + half, hip), 1, -1)
    for side in (-1, 1):
        leg = x + side * half // 2
        cv2.rectangle(drawn, (leg - height // 24, hip), (leg + height // 24, foot), 1, -1)
    return drawn > 0


def laid(person, foot, lean, flat):
    """Every pixel of a figure put where its shadow falls, one by one."""
    shadow = np.zeros(SIZE, np.uint8)
    for y, x in zip(*np.nonzero(person), strict=True):
        for part in np.linspace(0, 1, 4):
            up = foot - y - part
            row, column = round(foot - flat * up), round(x + lean * up)
            if 0 <= row < SIZE[0] and 0 <= column < SIZE[1]:
                shadow[row, column] = 1
    return cv2.morphologyEx(shadow, cv2.MORPH_CLOSE, np.ones((3, 3))) > 0


def scene(people, lean=None, flat=0.2, rough=12.0, seed=0):
    """A photo of figures on rough ground, half of it path and half grass; their true shadow."""
    rng = np.random.default_rng(seed)
    ground = np.full((*SIZE, 3), (90.0, 140.0, 70.0))
    ground[:, SIZE[1] // 2 :] = (190, 180, 160)
    ground *= 1 + cv2.GaussianBlur(rng.normal(0, rough / 40, SIZE), (0, 0), 1.5)[..., None]
    objects, dark = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    for x, foot, height in people:
        person = figure(x, foot, height)
        objects |= person
        if lean is not None:
            dark |= laid(person, foot, lean, flat)
    light = cv2.GaussianBlur(np.where(dark, 0.6, 1.0), (0, 0), 1.5)
    photo = ground * light[..., None]
    photo[objects] = (60, 60, 160)
    return np.clip(photo, 0, 255).astype(np.uint8), objects, dark & ~objects


def seen(photo, objects):
    numbers, boxes = holes.parts(objects)
    return [
        sunlight.figure(photo, objects, numbers[box.slices] == number, box)
        for number, box in enumerate(boxes, start=1)
    ]


PAIR = [(200, 250, 150), (420, 220, 110)]


@pytest.mark.parametrize(("lean", "flat"), [(0.9, 0.2), (-1.2, 0.3), (0.3, -0.25), (-0.6, 0.12)])
def test_the_direction_is_found_where_figures_cast_it(lean, flat):
    found = sunlight.fall(seen(*scene(PAIR, lean, flat)[:2]))

    assert found is not None
    tip, true = complex(*found), complex(lean, flat)
    assert abs(np.angle(tip / true, deg=True)) < 6
    assert 0.7 < abs(tip / true) < 1.4


def test_its_shadow_lies_on_the_true_one_and_crosses_from_grass_to_path():
    photo, objects, dark = scene([(260, 250, 150)], 0.9)

    found = shadows.cast(photo, objects, 1.8)

    assert (found & dark).sum() > 0.65 * dark.sum()
    assert (found & ~cv2.dilate(dark.astype(np.uint8), np.ones((7, 7))).astype(bool)).sum() == 0


@pytest.mark.parametrize("seed", range(4))
def test_without_shadows_no_direction_stands_out(seed):
    assert sunlight.fall(seen(*scene(PAIR, seed=seed)[:2])) is None


def test_a_direction_that_only_one_of_two_confirms_is_none():
    """The dark strip beside the one is ground; the sun would have laid the other's shadow too."""
    photo, objects, _ = scene(PAIR)
    strip = laid(figure(*PAIR[1]), PAIR[1][1], 0.9, 0.2) & ~objects
    photo[strip] = photo[strip] * 0.6

    assert sunlight.fall(seen(photo, objects)) is None
    alone = figure(*PAIR[1])
    assert sunlight.fall(seen(photo, alone)) is not None


def test_once_the_direction_is_known_dark_ground_elsewhere_is_left():
    photo, objects, dark = scene([(260, 250, 150)], 0.9)
    patch = np.zeros(SIZE, np.uint8)
    cv2.fillPoly(patch, [np.array([[245, 252], [258, 246], [170, 225], [150, 240]])], 1)
    patch = (patch > 0) & ~objects
    photo[patch] = photo[patch] * 0.6

    found = shadows.cast(photo, objects, 1.8)

    assert (found & dark).sum() > 0.7 * dark.sum()
    far = patch & (np.arange(SIZE[1]) < 200)[None]
    assert (found & far).sum() < 0.05 * far.sum()


def test_nobody_whose_feet_are_below_the_picture_says_where_the_sun_is():
    photo, objects, dark = scene([(260, 250, 150)], 0.9)
    cut = 240  # the shadow of what is above is still to be seen

    assert dark[:cut].sum() > 300
    near = shadows.cast(photo[:cut], objects[:cut], 0.6)
    np.testing.assert_array_equal(shadows.cast(photo[:cut], objects[:cut], 1.8), near)


def test_figures_at_the_pictures_edge_and_of_one_row_are_no_failure():
    photo, _, _ = scene([])
    for box in (holes.Box(0, 0, 40, 8), holes.Box(280, 620, 300, 640), holes.Box(0, 0, 300, 640)):
        objects = np.zeros(SIZE, bool)
        objects[box.slices] = True
        own = np.ones((box.bottom - box.top, box.right - box.left), bool)

        assert sunlight.fall([sunlight.figure(photo, objects, own, box)]) is None
