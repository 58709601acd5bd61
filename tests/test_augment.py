import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import augment, photos
from pipeline.augment import STILL
from pipeline.errors import ImageError, MaskError
from pipeline.photos import Photos

MOVES = msgspec.structs.replace(
    STILL, flip=0.5, scale_from=0.7, scale_to=1.5, aspect=0.2, rotate=30, shift=0.2
)
LOOKS = msgspec.structs.replace(
    STILL, brightness=0.2, contrast=0.4, tint=0.2, saturation=0.5, grey=0.3, blur=0.5,
    blur_sigma=1.5, noise=0.5, noise_sigma=0.05,
)  # fmt: skip


def blob(side=96):
    """A lopsided mask, painted into its picture: white where it is, black elsewhere."""
    mask = np.zeros((side, side), np.uint8)
    mask[side // 8 : side // 2, side // 4 : side // 3] = 1
    mask[side // 3 : side // 2, side // 4 : side - 9] = 1
    return np.repeat(mask[..., None] * 255, 3, axis=2), mask


@pytest.mark.parametrize("size", [48, 96, 130], ids=["shrunk", "same size", "enlarged"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_mask_moves_with_the_picture(size, seed):
    image, mask = blob()

    moved, labels = augment.vary(image, mask, size, MOVES, np.random.default_rng(seed))

    assert moved.shape == (size, size, 3)
    assert labels.shape == (size, size)
    painted = moved[..., 0] >= 128
    edge = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    assert (painted == (labels > 0))[~edge].all()


@given(seed=st.integers(0, 10_000))
def test_the_mask_gains_no_label_by_moving(seed):
    mask = np.zeros((40, 40), np.uint8)
    mask[5:20, 5:20], mask[20:35, 10:30] = 3, 7

    _, labels = augment.vary(blob(40)[0], mask, 40, MOVES, np.random.default_rng(seed))

    assert set(np.unique(labels)) <= {0, 3, 7}


def test_without_variation_a_picture_stays_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    mask = (image[..., 0] > 90).astype(np.uint8)

    same, labels = augment.vary(image, mask, 64, STILL, np.random.default_rng(1))

    np.testing.assert_array_equal(same, image)
    np.testing.assert_array_equal(labels, mask)


def test_a_certain_flip_mirrors_left_and_right():
    image, mask = blob(64)
    flip = msgspec.structs.replace(STILL, flip=1)

    mirrored, labels = augment.vary(image, mask, 64, flip, np.random.default_rng(0))

    np.testing.assert_array_equal(mirrored, image[:, ::-1])
    np.testing.assert_array_equal(labels, mask[:, ::-1])


@given(seed=st.integers(0, 10_000))
def test_scale_stays_within_its_limits(seed):
    limits = msgspec.structs.replace(MOVES, aspect=0)

    matrix = augment.placement(200, 100, limits, np.random.default_rng(seed))

    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2]))) * 2
    assert 0.7 - 1e-9 <= scale <= 1.5 + 1e-9


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_another_light_leaves_shape_and_type(seed):
    image = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)

    other = augment.recolour(image, LOOKS, np.random.default_rng(seed))

    assert other.shape == image.shape
    assert other.dtype == np.uint8


def test_a_certain_grey_has_three_equal_channels():
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    grey = msgspec.structs.replace(STILL, grey=1)

    other = augment.recolour(image, grey, np.random.default_rng(0)).astype(int)

    expected = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(int)
    assert abs(other - expected[..., None]).max() <= 1


def test_a_photos_variation_does_not_depend_on_its_batch():
    rng = np.random.default_rng(0)
    many = Photos(
        rng.integers(0, 256, (6, 48, 48, 3), dtype=np.uint8),
        rng.integers(0, 2, (6, 48, 48), dtype=np.uint8),
    )

    together, _ = photos.variations(many, np.arange(6), 32, MOVES, [0, 3])
    alone, _ = photos.variations(many, np.array([4]), 32, MOVES, [0, 3])
    later, _ = photos.variations(many, np.array([4]), 32, MOVES, [0, 4])

    np.testing.assert_array_equal(together[4], alone[0])
    assert (alone != later).any()


@given(images=st.integers(1, 70), batch=st.integers(1, 20), epoch=st.integers(0, 5))
def test_an_epoch_shows_every_photo_once_in_even_steps(images, batch, epoch):
    steps = photos.batches(images, batch, [0, epoch])

    lengths = [len(step) for step in steps]
    assert sorted(np.concatenate(steps)) == list(range(images))
    assert max(lengths) <= batch
    assert max(lengths) - min(lengths) <= 1


def test_a_shrunk_mask_holds_the_label_that_fills_most_of_a_pixel():
    mask = np.array([[0, 0, 5, 5], [0, 5, 5, 5], [2, 2, 0, 0], [2, 5, 0, 0]], np.uint8)

    assert photos.shrink(mask, 2).tolist() == [[0, 5], [2, 0]]


def test_a_picture_and_mask_of_different_size_are_refused():
    with pytest.raises(MaskError, match=r"\(8, 9\).*\(9, 8\)"):
        photos.photo(np.zeros((8, 9, 3), np.uint8), np.zeros((9, 8), np.uint8), 4)


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))],
    ids=["grey", "four channels", "float"],
)
def test_what_is_no_rgb_picture_is_refused(image):
    with pytest.raises(ImageError, match="store.read_image"):
        photos.square(image, 4)


def test_no_photos_are_still_a_table_of_photos():
    none = photos.stack([], 32)

    assert len(none) == 0
    assert photos.resized(none, 16).images.shape == (0, 16, 16, 3)
