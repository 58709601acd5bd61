"""Shadows on the ground, on drawn figures and on the sample, whose plates show the truth."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import holes, shadows
from pipeline.scenes import compose
from pipeline.scenes.compose import Wish


@pytest.fixture
def scene():
    """A figure of 100 pixels on lit, slightly rough sand; a slanting shadow beside its feet."""
    rng = np.random.default_rng(0)
    image = np.full((200, 260, 3), (200, 180, 150), float) + rng.normal(0, 4, (200, 260, 1))
    person = np.zeros((200, 260), bool)
    person[50:150, 100:118] = True
    shadow = np.zeros((200, 260), np.uint8)
    cv2.fillPoly(shadow, [np.array([[100, 146], [118, 150], [170, 136], [160, 130]])], 1)
    return image, person, (shadow > 0) & ~person


def drawn(image, person, dark, light):
    image = image.copy()
    image[dark] *= light
    image[person] = (40, 60, 160)
    return np.clip(image, 0, 255).astype(np.uint8)


def test_darker_ground_of_the_same_colour_beside_the_feet_is_found(scene):
    image, person, dark = scene

    found = shadows.cast(drawn(image, person, dark, 0.6), person, 0.8)

    assert (found & dark).sum() > 0.9 * dark.sum()
    assert (found & ~cv2.dilate(dark.astype(np.uint8), np.ones((9, 9))).astype(bool)).sum() == 0
    assert not (found & person).any()


@pytest.mark.parametrize(
    "light", [(0.9, 0.5, 0.4), (1.3, 1.3, 1.3)], ids=["of another colour", "lighter"]
)
def test_what_is_no_shadow_is_left(scene, light):
    image, person, dark = scene

    assert not shadows.cast(drawn(image, person, dark, light), person, 0.8).any()


def test_a_dark_patch_that_does_not_reach_the_feet_is_left(scene):
    image, person, dark = scene
    apart = np.roll(dark, 40, axis=1)

    assert not shadows.cast(drawn(image, person, apart, 0.6), person, 0.8).any()


def test_dark_ground_all_around_is_no_shadow(scene):
    image, person, _ = scene
    everywhere = np.zeros(person.shape, bool)
    everywhere[120:] = True

    assert not shadows.cast(drawn(image, person, everywhere, 0.6), person, 0.8).any()


def test_the_reach_bounds_it_and_none_finds_none(scene):
    image, person, dark = scene
    photo = drawn(image, person, dark, 0.6)

    assert not shadows.cast(photo, person, 0.0).any()
    near = shadows.cast(photo, person, 0.2)
    assert near.any()
    assert not near[:, 118 + 20 :].any()


def test_an_object_that_ends_behind_another_has_no_feet(scene):
    image, person, dark = scene
    half = person.copy()
    half[50:90, 80:138] = True
    half[90:] = False

    assert not shadows.cast(drawn(image, half, dark, 0.6), half, 0.8).any()


def test_nothing_is_changed_and_an_empty_mask_has_no_shadow(scene):
    image, person, dark = scene
    photo = drawn(image, person, dark, 0.6)
    before = photo.copy(), person.copy()

    shadows.cast(photo, person, 0.8)

    np.testing.assert_array_equal(photo, before[0])
    np.testing.assert_array_equal(person, before[1])
    assert not shadows.cast(photo, np.zeros_like(person), 0.8).any()


def test_on_the_sample_most_that_is_found_is_shadow_and_a_good_part_of_it_is_found():
    """The plate has no person and no shadow, so photo and plate differ by just these."""
    hits = false = missed = 0
    for number in range(10):
        picture = compose.picture(
            Wish(("beach", "oldtown", "garden")[number % 3]), 320, (5, 2, number)
        )
        person = np.max(picture.silhouettes, axis=0) > 0.5
        darker = picture.plate.astype(np.float32).mean(2) - picture.photo.astype(np.float32).mean(2)
        truth = (cv2.GaussianBlur(darker, (0, 0), 1.5) > 12) & ~holes.grown(person, 0.02, 3)
        found = shadows.cast(picture.photo, person, 0.6) & ~holes.grown(person, 0.02, 3)
        hits, false = hits + (found & truth).sum(), false + (found & ~truth).sum()
        missed += (truth & ~found).sum()

    assert hits + missed > 2000
    assert hits / (hits + false) > 0.8
    assert hits / (hits + missed) > 0.55


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 10_000))
def test_any_picture_and_mask_are_taken_and_no_object_is_shadow(height, width, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    objects = cv2.blur(rng.random((height, width)), (9, 9)) > rng.random()

    found = shadows.cast(image, objects, rng.random() * 2)

    assert found.shape == objects.shape
    assert not (found & objects).any()
