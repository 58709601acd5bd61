from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import images, lookalikes, params, rules, store

LIMITS = params.load(rules.TagParams, "tag")


def photo(seed=0, height=300, width=400):
    """A smooth colour picture without symmetry."""
    chance = np.random.default_rng(seed)
    coarse = chance.integers(0, 255, (9, 12, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def seen(image, quality=90):
    """Hash and tiles of a picture that went through a JPEG file."""
    content = store.encode_image(np.ascontiguousarray(image), ".jpg", quality)
    tiny = images.tiny(images.luma(images.small(content, "photo")))
    return images.perceptual_hash(tiny), images.tiles(tiny)


def tags(*pictures):
    """What a photo is told with others beside it: ``duplicate`` and ``near_duplicate`` of each."""
    codes, tiles = zip(*pictures, strict=True)
    levels, bits = lookalikes.nearest(list(codes), np.array(tiles), LIMITS.duplicate_within)
    same = levels <= LIMITS.duplicate_within
    return list(zip(same.tolist(), (bits <= LIMITS.near_duplicate_within).tolist(), strict=True))


SAME, NEAR, ALONE = (True, False), (False, True), (False, False)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda image: seen(image, 40), SAME),
        (lambda image: seen(cv2.resize(image, (200, 150), interpolation=cv2.INTER_AREA)), SAME),
        (lambda image: seen(image[:, ::-1]), SAME),
        (lambda image: seen(cv2.add(image, (14, 14, 14, 0))), NEAR),
        (lambda image: seen(image[6:, 8:]), NEAR),
        (lambda image: seen(photo(7)), ALONE),
    ],
    ids=["compressed", "smaller", "mirrored", "brighter", "a frame later", "another photo"],
)
def test_a_copy_is_a_duplicate_and_a_changed_picture_a_near_one(change, expected):
    others = [seen(photo(seed)) for seed in (1, 2)]

    told = tags(seen(photo(0)), change(photo(0)), *others)

    assert told[:2] == [expected] * 2
    assert told[2:] == [ALONE] * 2


def test_a_photo_may_have_a_copy_and_a_near_copy():
    image = photo(0)

    told = tags(seen(image), seen(image, 60), seen(cv2.add(image, (14, 14, 14, 0))))

    assert told == [(True, True), (True, True), (False, True)]


def test_a_picture_with_a_person_moved_is_no_copy():
    image, other = photo(0), photo(0)
    image[100:200, 50:90] = 10
    other[100:200, 300:340] = 10

    assert tags(seen(image), seen(other))[0][0] is False


@given(
    st.lists(st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 7)), max_size=7),
    st.integers(0, 5),
    st.sampled_from([1, 2, 3, 99]),
)
def test_every_pair_is_compared_in_blocks_of_any_size(codes, seed, together):
    tiles = np.random.default_rng(seed).integers(0, 9, (len(codes), 16, 16), np.uint8)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookalikes, "TOGETHER", together)
        patch.setattr(lookalikes, "PAIRS", 2)
        with ThreadPoolExecutor(3) as pool:
            levels, bits = lookalikes.nearest(codes, tiles, 6, pool.map)

    for here, one in enumerate(codes):
        apart, fewest = [np.nan], 64
        for there, other in enumerate(codes):
            if here == there:
                continue
            differ = min((one ^ other).bit_count(), (one ^ images.mirrored(other)).bit_count())
            ways = (tiles[there].astype(int), tiles[there][:, ::-1].astype(int))
            away = min(np.abs(tiles[here] - way).max() for way in ways)
            near = differ <= lookalikes.SHORT
            apart += [away] if near else []
            fewest = fewest if near and away <= 6 else min(fewest, differ)
        np.testing.assert_equal(levels[here], np.fmin.reduce(apart))
        assert bits[here] == fewest
