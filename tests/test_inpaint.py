import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import holes, inpaint, params
from pipeline.deepfill import blend, weights
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.layout import Layout
from pipeline.errors import ImageError, MaskError, ParamsError

VALUES = {
    "weights": "trained",
    "sha256": None,
    "precision": "float32",
    "baselines": {"partial": None, "deepfill1": None, "lama": None},
    "mask": "predicted",
    "remove": [],
    "grow": 0.02,
    "grow_least": 2,
    "shadow": True,
    "shadow_reach": 0.6,
    "feather": 2,
    "grain": 0.0,
    "margin": 0.5,
    "margin_least": 0,
    "hole_side": 32,
    "merge_side": 48,
    "batch": 2,
    "threads": 1,
    "seed": 0,
    "transplant_least": 8,
}


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    torch.set_num_threads(1)  # tests run beside each other


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return Generator(Layout(width=4, fill="smooth")).eval()


def chosen(**changed):
    return params.convert(inpaint.InpaintParams, VALUES | changed, "test")


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def red(images, cut, *, near_only):
    """Stand in for the generator: paint everything red."""
    del near_only
    painting = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1).expand_as(images)
    return painting, painting


def grey(images, cut, *, near_only):
    """Stand in for the generator: paint everything grey."""
    del cut, near_only
    return torch.zeros_like(images), torch.zeros_like(images)


@settings(deadline=None, max_examples=25)
@given(st.integers(9, 70), st.integers(9, 70), st.integers(0, 10_000))
def test_known_pixels_come_back_bit_identical_and_the_hidden_ones_are_never_read(
    generator, height, width, seed
):
    rng = np.random.default_rng(seed)
    image = noise(height, width, seed)
    hole = np.zeros((height, width), bool)
    for _ in range(rng.integers(1, 4)):
        top, left = rng.integers(0, height), rng.integers(0, width)
        hole[top : top + rng.integers(1, 30), left : left + rng.integers(1, 30)] = True
    hole[rng.integers(height), rng.integers(width)] = hole[0, 0] = False
    before = image.copy()
    changed = np.where(hole[..., None], noise(height, width, seed + 1), image)

    filled = inpaint.fill(generator, image, hole, chosen())

    np.testing.assert_array_equal(filled[~hole], image[~hole])
    np.testing.assert_array_equal(filled, inpaint.fill(generator, changed, hole, chosen()))
    np.testing.assert_array_equal(image, before)
    assert filled.dtype == np.uint8


@pytest.mark.parametrize("merge_side", [16, 400], ids=["own crops", "one crop"])
@pytest.mark.parametrize("hole_side", [16, 400], ids=["scaled", "as it is"])
def test_every_pixel_of_every_hole_is_painted_and_no_other(merge_side, hole_side):
    image = np.full((120, 170, 3), 200, np.uint8)
    hole = np.zeros((120, 170), bool)
    hole[30:90, 40:60] = hole[35:95, 64:84] = hole[0:9, 160:170] = hole[50, 100] = True
    settings = chosen(merge_side=merge_side, hole_side=hole_side, feather=0)

    filled = inpaint.fill(red, image, hole, settings)

    # A little of the surroundings may be mixed into an enlarged painting's edge.
    np.testing.assert_array_equal((filled != 200).any(-1), hole)


def test_a_painting_fades_in_from_the_surroundings():
    image = np.full((60, 60, 3), 200, np.uint8)
    hole = np.zeros((60, 60), bool)
    hole[20:40, 20:40] = True

    green = inpaint.fill(red, image, hole, chosen(feather=3))[30, 18:30, 1]

    assert list(green[:2]) == [200, 200]
    assert all(np.diff(green[2:6].astype(int)) < 0)
    assert not green[6:].any()


def test_a_painting_lands_where_it_belongs_when_scaled():
    ramp = np.linspace(0, 250, 200).astype(np.uint8)
    image = np.repeat(np.repeat(ramp[None, :, None], 120, 0), 3, 2)
    hole = np.zeros((120, 200), bool)
    hole[30:90, 70:130] = True

    def exact(images, cut, *, near_only):
        """Paint the ramp: its known columns tell each column's value."""
        del near_only
        known = (1 - cut).bool().expand_as(images)
        column = torch.where(known, images, -9.0).amax((1, 2), keepdim=True)
        return column.expand_as(images), column.expand_as(images)

    filled = inpaint.fill(exact, image, hole, chosen(hole_side=30, feather=0))

    assert np.abs(filled.astype(int) - image).max() <= 3


def test_an_empty_hole_gives_the_image_back(generator):
    image = noise(20, 20)

    filled = inpaint.fill(generator, image, np.zeros((20, 20), bool), chosen())

    np.testing.assert_array_equal(filled, image)
    assert filled is not image


def test_a_picture_that_is_all_hole_is_refused(generator):
    with pytest.raises(ImageError, match="nothing is left"):
        inpaint.fill(generator, noise(20, 20), np.ones((20, 20), bool), chosen())


def test_a_hole_of_another_size_or_kind_is_refused(generator):
    with pytest.raises(MaskError, match="bool array of the image's size"):
        inpaint.fill(generator, noise(20, 20), np.zeros((20, 21), bool), chosen())
    with pytest.raises(MaskError, match="bool array of the image's size"):
        inpaint.fill(generator, noise(20, 20), np.zeros((20, 20), np.uint8), chosen())


def test_a_grey_picture_is_refused(generator):
    with pytest.raises(ImageError, match="uint8 RGB"):
        inpaint.fill(generator, noise(20, 20)[..., 0], np.zeros((20, 20), bool), chosen())


def test_crops_are_painted_in_batches_and_never_more_than_asked():
    image, hole = noise(200, 200), np.zeros((200, 200), bool)
    for top in (10, 90, 170):
        for left in (10, 90, 170):
            hole[top : top + 8, left : left + 8] = True
    sizes = []

    def counting(images, cut, *, near_only):
        sizes.append(len(images))
        return red(images, cut, near_only=near_only)

    inpaint.fill(counting, image, hole, chosen(batch=4))

    assert sizes == [4, 4, 1]


LABELS = pd.DataFrame({"label": [0, 1, 2], "name": ["background", "person", "dog"]})


def test_no_name_removes_every_category_and_names_remove_theirs():
    assert inpaint.removed_labels(LABELS, []) == [1, 2]
    assert inpaint.removed_labels(LABELS, ["dog"]) == [2]


def test_an_unknown_category_is_refused_with_those_there_are():
    with pytest.raises(ParamsError, match="'cat'; the categories are 'person', 'dog'"):
        inpaint.removed_labels(LABELS, ["cat"])


def test_the_hole_unites_the_masks_and_grows():
    first, second = np.zeros((2, 30, 30), np.uint8)
    first[5, 5], second[20, 20], second[25, 5] = 1, 1, 2

    hole = inpaint.hole_of([first, second], [1], chosen(grow=0.0, grow_least=1))

    _, boxes = holes.parts(hole)
    assert boxes == [(4, 4, 7, 7), (19, 19, 22, 22)]


def test_masks_of_different_size_are_refused():
    with pytest.raises(MaskError, match="must be of the picture's size"):
        inpaint.hole_of([np.zeros((3, 3), np.uint8), np.zeros((3, 4), np.uint8)], [1], chosen())


def test_a_transplant_keeps_clear_of_grown_objects():
    mask = np.zeros((100, 100), np.uint8)
    mask[20:80, 10:30] = 3
    settings = chosen(grow=0.1, grow_least=4)
    objects = inpaint.hole_of([mask], [3], settings)

    for seed in range(10):
        hole = inpaint.transplant(
            mask, [mask[20:80, 10:30] > 0], settings, np.random.default_rng(seed)
        )

        assert hole.any()
        assert not (hole & objects).any()


def test_there_is_no_transplant_without_outlines_or_room():
    rng = np.random.default_rng(0)

    assert inpaint.transplant(np.zeros((50, 50), np.uint8), [], chosen(), rng) is None
    full = np.ones((50, 50), np.uint8)
    assert inpaint.transplant(full, [np.ones((20, 20), bool)], chosen(), rng) is None


def test_embedded_or_trained_weights_or_a_path_are_the_source(tmp_path):
    assert inpaint.source(chosen(), tmp_path) == tmp_path
    assert inpaint.source(chosen(weights="embedded"), tmp_path) == weights.EMBEDDED
    assert str(inpaint.source(chosen(weights="my.safetensors"), tmp_path)) == "my.safetensors"


def test_the_shadow_belongs_to_the_hole_if_wanted():
    image = np.full((120, 160, 3), 200, np.uint8)
    mask = np.zeros((120, 160), np.uint8)
    mask[20:90, 60:74] = 1
    image[84:92, 74:100] = 120
    image[mask > 0] = (30, 60, 90)

    without, with_it = (
        inpaint.hole_of([mask], [1], chosen(shadow=on), image) for on in (False, True)
    )

    np.testing.assert_array_equal(without, inpaint.hole_of([mask], [1], chosen()))
    assert with_it[84:92, 80:98].all()
    assert not without[84:92, 80:98].any()
    np.testing.assert_array_equal(with_it & without, without)


@pytest.mark.parametrize(("side", "seen"), [(30, 30 + 2 * 40), (64, 32 + 2 * 40)])
def test_the_network_sees_the_least_margin_at_its_own_scale(side, seen):
    """Within 152 pixels, what the convolutions paint does not depend on the rest of the photo."""
    image, hole = noise(400, 400), np.zeros((400, 400), bool)
    hole[150 : 150 + side, 150 : 150 + side] = True
    shapes = []

    def looking(images, cut, *, near_only):
        shapes.append(images.shape[2:])
        return red(images, cut, near_only=near_only)

    inpaint.fill(looking, image, hole, chosen(margin=0.1, margin_least=40, hole_side=32))

    assert shapes == [(-(-seen // 8) * 8,) * 2]


def test_grain_is_the_deviation_of_the_noise_whatever_the_texture():
    rng = np.random.default_rng(0)
    for sigma in (2.0, 6.0):
        ramp = np.linspace(60, 180, 200)[None, :, None].repeat(200, 0)
        ramp[100:, ::2] += 40  # half of the picture is strongly textured
        noisy = ramp + rng.normal(0, sigma, (200, 200, 1))
        photo = np.clip(np.rint(noisy), 0, 255).astype(np.uint8).repeat(3, 2)

        assert blend.grain(photo, np.zeros((200, 200), bool)) == pytest.approx(sigma, rel=0.2)


def test_a_photo_without_noise_has_no_grain():
    assert blend.grain(np.full((50, 50, 3), 90, np.uint8), np.zeros((50, 50), bool)) == 0


def test_grain_is_laid_over_the_painting_alone_and_is_the_same_each_time():
    image = np.clip(np.random.default_rng(0).normal(120, 5, (90, 90, 1)), 0, 255)
    image = image.astype(np.uint8).repeat(3, 2)
    hole = np.zeros((90, 90), bool)
    hole[30:60, 30:60] = True
    settings = chosen(grain=1.0, feather=0)

    filled = inpaint.fill(grey, image, hole, settings)

    np.testing.assert_array_equal(filled, inpaint.fill(grey, image, hole, settings))
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    assert filled[hole].std() == pytest.approx(5, rel=0.25)
    assert inpaint.fill(grey, image, hole, chosen(feather=0))[hole].std() == 0
