import cv2
import numpy as np
import pytest

from pipeline import padding


def photo(mean=120, shape=(160, 320)):
    """Noise of a camera around a grey level."""
    level = np.random.default_rng(0).normal(mean, 6, shape)
    return np.clip(level, 0, 255).astype(np.uint8)


def test_black_bars_above_and_below_are_found():
    grey = photo()
    grey[:30] = grey[-20:] = 0

    found = padding.bars(grey)

    assert found[:30].all()
    assert found[-20:].all()
    assert not found[30:-20].any()
    assert padding.luma(grey, found) == pytest.approx(120, abs=1)


def test_the_corners_of_a_turned_photo_are_found():
    turn = cv2.getRotationMatrix2D((160, 80), 8, 1)
    grey = cv2.warpAffine(photo(), turn, (320, 160), borderValue=30)

    found = padding.bars(grey)

    assert found[0, 0] == found[-1, -1] == 1
    assert found[80, 160] == 0
    assert 0.02 < found.mean() < 0.3


def test_a_dark_photo_has_grain_and_no_bars():
    assert not padding.bars(photo(12)).any()


def test_bright_plain_ground_is_no_bar():
    assert not padding.bars(np.full((40, 60), 200, np.uint8)).any()


def test_of_a_wholly_black_picture_the_mean_is_its_own():
    black = np.zeros((40, 60), np.uint8)

    assert padding.luma(black, padding.bars(black)) == 0
