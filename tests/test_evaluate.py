import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline import evaluate, tables
from pipeline.errors import MaskError

PARAMS = evaluate.EvaluateParams(resamples=200, confidence=0.95, seed=7)
SHAPE = (6, 7)
masks = arrays(np.uint8, SHAPE, elements=st.integers(0, 3))


@given(truth=masks, predicted=masks)
def test_iou_and_dice_agree_with_their_definitions_on_sets_of_pixels(truth, predicted):
    tp, fp, fn = evaluate.counts(truth=truth, predicted=predicted, labels=3).T

    for label in (1, 2, 3):
        a, b = truth == label, predicted == label
        slow_iou = (a & b).sum() / (a | b).sum() if (a | b).any() else np.nan
        slow_dice = 2 * (a & b).sum() / (a.sum() + b.sum()) if (a | b).any() else np.nan
        np.testing.assert_allclose(evaluate.iou(tp, fp, fn)[label - 1], slow_iou)
        np.testing.assert_allclose(evaluate.dice(tp, fp, fn)[label - 1], slow_dice)


@given(truth=masks, predicted=masks)
def test_swapping_truth_and_prediction_swaps_false_alarms_and_misses(truth, predicted):
    forth = evaluate.counts(truth=truth, predicted=predicted, labels=3)
    back = evaluate.counts(truth=predicted, predicted=truth, labels=3)

    np.testing.assert_array_equal(forth[:, [0, 2, 1]], back)


def test_a_mask_equals_itself_with_score_one_and_absent_labels_have_none():
    mask = np.array([[0, 1], [1, 1]], np.uint8)

    tp, fp, fn = evaluate.counts(truth=mask, predicted=mask, labels=2).T

    assert evaluate.iou(tp, fp, fn)[0] == 1
    assert np.isnan(evaluate.iou(tp, fp, fn)[1])


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
        evaluate.counts(truth=truth, predicted=predicted, labels=3)


def _counted(rows):
    names = ["split", "file_name", "label", "tp", "fp", "fn"]
    return tables.COUNTS.frame([dict(zip(names, row, strict=True)) for row in rows])


def _tagged(**tags):
    files = sorted({name for chosen in tags.values() for name in chosen} | {"a", "b", "c"})
    frame = pd.DataFrame(
        {"split": "test", "file_name": files, "width": 4, "height": 4, "place": ""}
    )
    frame = tables.MEASURED.check(frame, "images", cast=True)
    return frame.assign(**{tag: frame["file_name"].isin(chosen) for tag, chosen in tags.items()})


LABELS = tables.LABELS.frame(
    [
        {"label": 0, "category_id": 0, "name": "background"},
        {"label": 1, "category_id": 1, "name": "person"},
        {"label": 2, "category_id": 2, "name": "NA"},
    ]
)
COUNTED = _counted(
    [
        ("test", "a", 1, 6, 2, 2),  # IoU 0.6
        ("test", "a", 2, 0, 0, 0),  # in neither mask
        ("test", "b", 1, 2, 0, 8),  # IoU 0.2
        ("test", "b", 2, 5, 5, 0),  # IoU 0.5
        ("test", "c", 1, 0, 0, 0),
        ("test", "c", 2, 0, 0, 0),
    ]
)


def _row(scored, **where):
    keep = np.logical_and.reduce([scored[name] == value for name, value in where.items()])
    (row,) = scored[keep].to_dict("records")
    return row


def test_scores_of_three_images_are_those_of_arithmetic_by_hand():
    scored = evaluate.score(COUNTED, _tagged(far=["b"]), LABELS, PARAMS)

    person = _row(scored, category="person", tag="")
    assert person["images"] == 2
    assert person["iou"] == pytest.approx((0.6 + 0.2) / 2)
    assert person["iou_pooled"] == pytest.approx(8 / 20)
    assert person["dice"] == pytest.approx((12 / 16 + 4 / 12) / 2)
    assert person["precision"] == pytest.approx(8 / 10)
    assert person["recall"] == pytest.approx(8 / 18)
    assert _row(scored, category="NA", tag="")["iou"] == pytest.approx(0.5)
    assert _row(scored, category="", tag="")["iou"] == pytest.approx((0.4 + 0.5) / 2)
    assert _row(scored, category="", tag="")["images"] == 2
    assert _row(scored, category="person", tag="far")["iou"] == pytest.approx(0.2)


def test_a_tag_without_images_has_no_row():
    scored = evaluate.score(COUNTED, _tagged(far=["b"], crowd=[]), LABELS, PARAMS)

    assert set(scored["tag"]) == {"", "far"}


def test_images_in_which_nothing_is_labelled_have_no_score():
    scored = evaluate.score(COUNTED, _tagged(no_person=["c"]), LABELS, PARAMS)

    assert "no_person" not in set(scored["tag"])


@settings(max_examples=20, deadline=None)
@given(scores=st.lists(st.integers(0, 100), min_size=2, max_size=12))
def test_the_interval_holds_the_mean_and_lies_within_the_scores(scores):
    rows = [("test", f"{i}", 1, score, 100 - score, 0) for i, score in enumerate(scores)]
    tagged = pd.DataFrame(
        {"split": "test", "file_name": [row[1] for row in rows], "width": 1, "height": 1}
    ).assign(place="")

    scored = evaluate.score(_counted(rows), tagged, LABELS.iloc[:2], PARAMS)

    row = _row(scored, category="person")
    assert min(scores) / 100 - 1e-9 <= row["iou_low"] <= row["iou"] + 1e-9
    assert row["iou"] - 1e-9 <= row["iou_high"] <= max(scores) / 100 + 1e-9


def test_the_interval_is_near_the_normal_one_for_many_images():
    rng = np.random.default_rng(0)
    tp = rng.integers(0, 101, 400)
    rows = [("test", f"{i:03}", 1, int(n), 100 - int(n), 0) for i, n in enumerate(tp)]
    tagged = pd.DataFrame(
        {"split": "test", "file_name": [row[1] for row in rows], "width": 1, "height": 1}
    ).assign(place="")
    params = evaluate.EvaluateParams(resamples=2000, confidence=0.95, seed=1)

    row = _row(evaluate.score(_counted(rows), tagged, LABELS.iloc[:2], params), category="person")

    half = 1.96 * tp.std() / 100 / np.sqrt(400)
    assert row["iou_low"] == pytest.approx(tp.mean() / 100 - half, abs=0.005)
    assert row["iou_high"] == pytest.approx(tp.mean() / 100 + half, abs=0.005)


def test_metrics_are_nested_rounded_and_leave_out_what_is_absent():
    scored = evaluate.score(COUNTED, _tagged(far=["b"]), LABELS, PARAMS)
    issues = tables.ISSUES.empty()
    restored = tables.RESTORED.frame(
        [
            {"file_name": n, "kind": "clean", "method": "deepfill", "hole": 0.1}
            | {"psnr": 20.0, "ssim": s, "l1": 0.1, "seam": 1.0}
            for n, s in [("a", 0.5), ("b", 1 / 3)]
        ]
    )

    tree = evaluate.metrics(
        scored, restored, issues, _tagged(far=["b"]), pd.DataFrame({"tag": ["far"], "f1": [0.75]})
    )

    assert tree["iou"]["category"] == {"person": 0.4, "NA": 0.5}
    assert tree["iou"]["tag"] == {"far": 0.35}
    assert tree["restore"]["clean"]["deepfill"]["ssim"] == 0.416667
    assert tree["audit"] == {"images": 3, "tags": {"far": 0.333333}, "f1": {"far": 0.75}}
    assert "valid" not in tree["iou"]


def test_nothing_to_score_gives_empty_metrics():
    tree = evaluate.metrics(
        tables.IOU.empty(),
        tables.RESTORED.empty(),
        tables.ISSUES.empty(),
        _tagged(),
        tables.TAG_ACCURACY.empty(),
    )

    assert tree == {"audit": {"images": 3}}
