import cv2
import msgspec
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline import augment, pasting, photos
from pipeline.augment import STILL
from pipeline.photos import Photos

SIDE = 64
STAY = np.array([[1.0, 0, 0], [0, 1.0, 0]])
GROUND, PERSON, OTHER = 40, 200, 120  # grey levels of this photo, of the pasted people, around them


def pair(mask, ground, thing):
    """A picture of flat grey, objects of another."""
    grey = np.where(mask > 0, thing, ground).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2), mask


def empty():
    return pair(np.zeros((SIDE, SIDE), np.uint8), GROUND, PERSON)


def ring():
    """Two parts, one with a hole."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[8:40, 8:40], mask[48:60, 20:30] = 1, 1
    mask[18:30, 18:30] = 0
    return mask


def inner(where, by=4):
    return cv2.erode(where.astype(np.uint8), np.ones((2 * by + 1,) * 2, np.uint8)) > 0


def body(seed=0):
    """A lopsided object of some hundred pixels."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    left, top = rng.integers(10, 25, 2)
    mask[top : top + 30, left : left + 12] = 1
    mask[top + 8 : top + 14, left - 6 : left + 22] = 1
    return mask


def test_all_parts_are_pasted_and_holes_stay_holes():
    image, mask = pasting.paste(empty(), pair(ring(), OTHER, PERSON), STAY)

    np.testing.assert_array_equal(mask, ring())
    assert (image[inner(mask > 0)] == PERSON).all()
    assert (image[inner(mask == 0)] == GROUND).all()  # the hole too: nothing of the other's ground
    assert (image[22:26, 22:26] == GROUND).all()


def test_the_edge_of_what_is_pasted_is_soft():
    image, mask = pasting.paste(empty(), pair(ring(), PERSON, PERSON), STAY)

    row = image[24, :9, 0].astype(int)  # across the left edge, at column 8
    assert (np.diff(row) >= 0).all()
    assert 0 < np.abs(np.diff(row)).max() < PERSON - GROUND
    assert mask[24, :9].tolist() == [0] * 8 + [1]


def test_what_is_pasted_covers_what_was_there_and_keeps_its_label():
    below = np.zeros((SIDE, SIDE), np.uint8)
    below[:, :20] = 1

    _, mask = pasting.paste(pair(below, GROUND, 90), pair(2 * ring(), OTHER, PERSON), STAY)

    assert (mask == 2).sum() == (ring() > 0).sum()
    np.testing.assert_array_equal(mask == 1, (below == 1) & (ring() == 0))


def test_nothing_outside_the_picture_is_pasted():
    away = np.array([[1.0, 0, 200], [0, 1.0, 0]])
    below = empty()

    image, mask = pasting.paste(below, pair(ring(), OTHER, PERSON), away)

    np.testing.assert_array_equal(image, below[0])
    assert not mask.any()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), most=st.sampled_from([0.2, 0.5, 0.9]))
def test_no_more_of_an_object_is_hidden_than_is_said(seed, most):
    before = body(seed)

    _, mask = pasting.hide(pair(before, GROUND, PERSON), empty(), most, np.random.default_rng(seed))

    assert set(np.unique(mask)) <= {0, 1}
    assert (mask <= before).all()  # nothing is added
    assert (before.sum() - mask.sum()) <= most * before.sum()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_hides_an_object_is_scenery_and_never_another_person(seed):
    """The other picture is half people, painted in a grey that nothing else has."""
    people = np.zeros((SIDE, SIDE), np.uint8)
    people[:, : SIDE // 2] = 1
    before = body(seed)

    image, mask = pasting.hide(
        pair(before, GROUND, PERSON), pair(people, OTHER, 255), 0.6, np.random.default_rng(seed)
    )

    hidden = (before > 0) & (mask == 0)
    assume(hidden.any())
    assert image.max() <= PERSON
    assert (image[inner(hidden, 3)] == OTHER).all()
    assert (image[inner(mask > 0, 3)] == PERSON).all()


def test_something_is_nearly_always_hidden():
    counts = [
        (body(seed) > pasting.hide(pair(body(seed), GROUND, PERSON), empty(), 0.6, chance)[1]).sum()
        for seed in range(50)
        for chance in [np.random.default_rng(seed)]
    ]

    assert np.mean(np.array(counts) > 0) > 0.9


def test_without_an_object_or_scenery_nothing_is_hidden():
    full = np.ones((SIDE, SIDE), np.uint8)

    for below, other in ((empty(), empty()), (pair(body(), 0, 1), pair(full, 0, 1))):
        image, mask = pasting.hide(below, other, 0.6, np.random.default_rng(0))
        np.testing.assert_array_equal(image, below[0])
        np.testing.assert_array_equal(mask, below[1])


def many():
    rng = np.random.default_rng(0)
    masks = np.stack([body(seed) for seed in range(6)])
    images = rng.integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)
    return Photos(images, masks)


LAID = msgspec.structs.replace(
    STILL, paste=0.7, paste_from=0.5, paste_to=1.2, hide=0.7, hide_most=0.5
)


def test_what_is_laid_on_is_the_same_in_any_batch_and_twice():
    chosen = np.arange(6)

    first = photos.variations(many(), chosen, 48, LAID, [0, 3])
    again = photos.variations(many(), chosen, 48, LAID, [0, 3])
    alone = photos.variations(many(), chosen[4:5], 48, LAID, [0, 3])

    for one, other, single in zip(first, again, alone, strict=True):
        assert one.tobytes() == other.tobytes()
        assert one[4].tobytes() == single[0].tobytes()


def test_pasting_adds_objects_and_hiding_takes_of_them():
    whole = photos.variations(many(), np.arange(6), 48, STILL, [0, 1])[1]

    for changed, more in ((msgspec.structs.replace(LAID, hide=0, paste=1), True),
                          (msgspec.structs.replace(LAID, paste=0, hide=1), False)):  # fmt: skip
        masks = photos.variations(many(), np.arange(6), 48, changed, [0, 1])[1]
        grew = (masks > whole).any()
        shrank = (masks < whole).any()
        assert (grew, shrank) == (more, not more)


def test_off_the_other_variations_stay_what_they_were():
    """Chance is drawn for what is on alone."""
    moves = msgspec.structs.replace(STILL, flip=0.5, scale_from=0.7, rotate=20, noise=1,
                                    noise_sigma=0.1)  # fmt: skip
    some = many()

    together = photos.variations(some, np.arange(6), 48, moves, [0, 1])
    apart = [
        augment.vary(image, mask, 48, moves, np.random.default_rng([0, 1, at]))
        for at, (image, mask) in enumerate(zip(some.images, some.masks, strict=True))
    ]

    np.testing.assert_array_equal(together[0], np.stack([image for image, _ in apart]))
    np.testing.assert_array_equal(together[1], np.stack([mask for _, mask in apart]))
