import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline import scoring
from pipeline.errors import MaskError

SHAPE = (6, 7)
masks = arrays(np.uint8, SHAPE, elements=st.integers(0, 3))


@given(truth=masks, predicted=masks)
def test_iou_agrees_with_its_definition_on_sets_of_pixels(truth, predicted):
    tp, fp, fn = scoring.counts(truth=truth, predicted=predicted, labels=3)[:, :3].T

    for label in (1, 2, 3):
        a, b = truth == label, predicted == label
        slow_iou = (a & b).sum() / (a | b).sum() if (a | b).any() else np.nan
        np.testing.assert_allclose(scoring.iou(tp, fp, fn)[label - 1], slow_iou)


@given(truth=masks, predicted=masks)
def test_swapping_truth_and_prediction_swaps_false_alarms_and_misses(truth, predicted):
    forth = scoring.counts(truth=truth, predicted=predicted, labels=3)
    back = scoring.counts(truth=predicted, predicted=truth, labels=3)

    np.testing.assert_array_equal(forth[:, [0, 2, 1, 3, 4]], back)


def test_a_mask_equals_itself_with_score_one_and_absent_labels_have_none():
    mask = np.array([[0, 1], [1, 1]], np.uint8)

    tp, fp, fn = scoring.counts(truth=mask, predicted=mask, labels=2)[:, :3].T

    assert scoring.iou(tp, fp, fn)[0] == 1
    assert np.isnan(scoring.iou(tp, fp, fn)[1])


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        (np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8), "resize the prediction"),
        (np.full((2, 2), 4, np.uint8), np.zeros((2, 2), np.uint8), "label 4"),
    ],
    ids=["of another size", "of an unknown label"],
)
def test_masks_that_cannot_be_compared_are_refused(truth, predicted, message):
    with pytest.raises(MaskError, match=message):
        scoring.counts(truth=truth, predicted=predicted, labels=3)


def _eroded(mask, times):
    """Boundary IoU's own definition: a 3 × 3 square takes a layer off, again and again."""
    padded = np.pad(mask.astype(np.uint8), 1)
    inner = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=times)
    return mask & (inner[1:-1, 1:-1] == 0)


@given(
    mask=arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24))),
    width=st.integers(1, 5),
)
def test_the_band_along_an_outline_is_what_repeated_erosion_takes_off(mask, width):
    np.testing.assert_array_equal(scoring.edge(mask, width), _eroded(mask, width))


def test_the_bands_of_two_squares_are_those_of_arithmetic_by_hand():
    truth, predicted = np.zeros((60, 80), np.uint8), np.zeros((60, 80), np.uint8)
    truth[10:30, 10:30] = 1  # 20 × 20; the diagonal is 100, so bands are 2 wide: 400 - 256
    predicted[10:30, 12:32] = 1

    (row,) = scoring.counts(truth=truth, predicted=predicted, labels=1)

    # Bands share columns 12..27 of the two top and two bottom rows (each with columns up to 29
    # there: 18 × 4), and of the 16 rows between nothing: left bands are 10, 11 against 12, 13,
    # right ones 28, 29 against 30, 31.
    assert scoring.edge_width(60, 80) == 2
    assert row[3] == 18 * 4
    assert row[4] == 2 * (400 - 256) - 18 * 4


def test_the_width_of_the_band_is_two_percent_of_the_diagonal_and_never_nothing():
    assert scoring.edge_width(480, 640) == 16
    assert scoring.edge_width(5, 5) == 1


def test_summaries_of_no_label_are_not_numbers_and_of_one_image_have_no_width():
    cube = np.array([[[4.0, 0.0]], [[0.0, 0.0]], [[4.0, 0.0]], [[1.0, 0.0]], [[2.0, 0.0]]])
    settings = scoring.EvaluateParams(resamples=70, confidence=0.9, seed=1, worst=0)

    found = scoring.summary(cube, settings)

    iou = scoring.MEASURES.index("iou")
    assert found.value[0, iou, 0] == found.low[0, iou, 0] == found.high[0, iou, 0] == 0.5
    assert np.isnan(found.value[:, :, 1]).all()
    np.testing.assert_array_equal(found.images[iou], [1, 0, 1])
    np.testing.assert_array_equal(found.value[..., 2], found.value[..., 0])


def test_the_pooled_interval_is_near_that_of_the_delta_method_for_many_images():
    rng = np.random.default_rng(3)
    whole = rng.integers(50, 150, 500).astype(float)
    part = np.floor(whole * rng.uniform(0.4, 0.9, 500))
    cube = np.zeros((5, 500, 1))
    cube[0, :, 0], cube[1, :, 0] = part, whole - part
    settings = scoring.EvaluateParams(resamples=3000, confidence=0.95, seed=1, worst=0)

    found = scoring.summary(cube, settings)

    value = part.sum() / whole.sum()
    half = 1.96 * (part - value * whole).std() / whole.mean() / np.sqrt(500)
    assert found.value[1, 0, 0] == pytest.approx(value)
    assert found.low[1, 0, 0] == pytest.approx(value - half, abs=half / 5)
    assert found.high[1, 0, 0] == pytest.approx(value + half, abs=half / 5)
