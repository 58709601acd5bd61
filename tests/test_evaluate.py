from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import evaluate, outcomes, parallel, scoring, store, tables

PARAMS = scoring.EvaluateParams(resamples=200, confidence=0.95, seed=7, worst=10)


def _counted(rows):
    """Rows of split, file, label, tp, fp, fn and perhaps the two counts of the outlines."""
    names = list(outcomes.COUNTS)
    return outcomes.COUNTS.frame(
        [dict(zip(names, (*row, 0, 0)[: len(names)], strict=True)) for row in rows]
    )


def score(*arguments):
    return evaluate.headlines(evaluate.scores(*arguments))


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
        ("test", "a", 1, 6, 2, 2, 3, 4),  # IoU 0.6, of the outlines' bands 0.75
        ("test", "a", 2, 0, 0, 0),  # in neither mask
        ("test", "b", 1, 2, 0, 8, 1, 10),  # IoU 0.2, of the bands 0.1
        ("test", "b", 2, 5, 5, 0, 2, 8),  # IoU 0.5, of the bands 0.25
        ("test", "c", 1, 0, 0, 0),
        ("test", "c", 2, 0, 0, 0),
    ]
)


def _row(scored, **where):
    keep = np.logical_and.reduce([scored[name] == value for name, value in where.items()])
    (row,) = scored[keep].to_dict("records")
    return row


def test_scores_of_three_images_are_those_of_arithmetic_by_hand():
    scored = score(COUNTED, _tagged(far=["b"]), LABELS, PARAMS)

    person = _row(scored, category="person", tag="")
    assert person["images"] == 2
    assert person["iou"] == pytest.approx((0.6 + 0.2) / 2)
    assert person["iou_pooled"] == pytest.approx(8 / 20)
    assert person["dice"] == pytest.approx((12 / 16 + 4 / 12) / 2)
    assert person["precision"] == pytest.approx(8 / 10)
    assert person["recall"] == pytest.approx(8 / 18)
    assert person["boundary_iou"] == pytest.approx((0.75 + 0.1) / 2)
    assert _row(scored, category="NA", tag="")["iou"] == pytest.approx(0.5)
    assert _row(scored, category="", tag="")["iou"] == pytest.approx((0.4 + 0.5) / 2)
    assert _row(scored, category="", tag="")["images"] == 2
    assert _row(scored, category="person", tag="far")["iou"] == pytest.approx(0.2)


def test_every_measure_has_a_mean_over_images_and_a_pooled_value_with_intervals():
    every = evaluate.scores(COUNTED, _tagged(), LABELS, PARAMS)

    expected = {  # by hand from COUNTED: (images, mean, pooled)
        "iou": (2, (0.6 + 0.2) / 2, 8 / 20),
        "dice": (2, (12 / 16 + 4 / 12) / 2, 16 / 28),
        "precision": (2, (6 / 8 + 2 / 2) / 2, 8 / 10),
        "recall": (2, (6 / 8 + 2 / 10) / 2, 8 / 18),
        "boundary_iou": (2, (3 / 4 + 1 / 10) / 2, 4 / 14),
    }
    for measure, (images, mean, pooled) in expected.items():
        row = _row(every, category="person", tag="", measure=measure)
        assert row["images"] == images
        assert (row["mean"], row["pooled"]) == (pytest.approx(mean), pytest.approx(pooled))
        for kind in ("mean", "pooled"):
            assert row[f"{kind}_low"] <= row[kind] + 1e-9
            assert row[kind] <= row[f"{kind}_high"] + 1e-9
    # Precision of NA rests on b alone; c, where nothing is and nothing was found, has no score.
    assert _row(every, category="NA", tag="", measure="precision")["images"] == 1


def test_a_category_that_is_nowhere_has_no_row_and_does_not_lower_the_mean():
    counted = _counted([("test", "a", 1, 6, 2, 2, 3, 4), ("test", "a", 2, 0, 0, 0, 0, 0)])
    every = evaluate.scores(counted, _tagged(), LABELS, PARAMS)

    assert set(every["category"]) == {"", "person"}
    for measure in scoring.MEASURES:
        mean = _row(every, category="", tag="", measure=measure)
        alone = _row(every, category="person", tag="", measure=measure)
        for column in ("images", "mean", "mean_low", "mean_high", "pooled"):
            assert mean[column] == alone[column]


def test_a_category_that_is_missed_everywhere_scores_zero_and_has_no_precision():
    counted = _counted([("test", "a", 1, 0, 0, 9, 0, 5)])
    every = evaluate.scores(counted, _tagged(), LABELS, PARAMS)

    assert _row(every, category="person", tag="", measure="iou")["mean"] == 0
    assert _row(every, category="person", tag="", measure="boundary_iou")["mean"] == 0
    precision = _row(every, category="person", tag="", measure="precision")
    assert precision["images"] == 0
    assert np.isnan(precision["mean"])


def test_the_worst_images_come_first_with_their_tags():
    tagged = _tagged(far=["b"], crowd=["a", "b"])
    worst = evaluate.worst(COUNTED, tagged, 5)

    assert worst["file_name"].tolist() == ["b", "a"]  # c has no score
    first = worst.iloc[0]
    assert first["rank"] == 1
    assert first["iou"] == pytest.approx((0.2 + 0.5) / 2)
    assert first["share"] == pytest.approx((10 + 5) / 16)
    assert first["missed"] == pytest.approx(8 / 15)
    assert first["invented"] == pytest.approx(5 / 12)
    assert first["tags"].split() == ["far", "crowd"]
    assert len(evaluate.worst(COUNTED, tagged, 1)) == 1
    assert evaluate.worst(COUNTED, tagged, 0).empty


def test_the_confusion_table_has_every_pair_and_shares_of_the_truth():
    pairs = {"test": Counter({(0, 0): 90, (0, 1): 10, (1, 1): 30, (1, 2): 10})}

    table = evaluate.confusion(pairs, LABELS)

    assert len(table) == 9
    assert table["pixels"].sum() == 140
    shares = table.set_index(["truth", "predicted"])["share"]
    assert shares["background", "person"] == pytest.approx(0.1)
    assert shares["person", "NA"] == pytest.approx(0.25)
    assert np.isnan(shares["NA", "NA"])  # no pixel is NA: no share, not 0
    assert evaluate.confusion({}, LABELS).empty


def test_a_tag_without_images_has_no_row():
    scored = score(COUNTED, _tagged(far=["b"], crowd=[]), LABELS, PARAMS)

    assert set(scored["tag"]) == {"", "far"}


def test_images_in_which_nothing_is_labelled_have_no_score():
    scored = score(COUNTED, _tagged(no_person=["c"]), LABELS, PARAMS)

    assert "no_person" not in set(scored["tag"])


@settings(max_examples=20, deadline=None)
@given(scores=st.lists(st.integers(0, 100), min_size=2, max_size=12))
def test_the_interval_holds_the_mean_and_lies_within_the_scores(scores):
    rows = [("test", f"{i}", 1, score, 100 - score, 0) for i, score in enumerate(scores)]
    tagged = pd.DataFrame(
        {"split": "test", "file_name": [row[1] for row in rows], "width": 1, "height": 1}
    ).assign(place="")

    scored = score(_counted(rows), tagged, LABELS.iloc[:2], PARAMS)

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
    params = scoring.EvaluateParams(resamples=2000, confidence=0.95, seed=1, worst=0)

    row = _row(score(_counted(rows), tagged, LABELS.iloc[:2], params), category="person")

    half = 1.96 * tp.std() / 100 / np.sqrt(400)
    assert row["iou_low"] == pytest.approx(tp.mean() / 100 - half, abs=0.005)
    assert row["iou_high"] == pytest.approx(tp.mean() / 100 + half, abs=0.005)


def test_metrics_are_nested_rounded_and_leave_out_what_is_absent():
    scored = score(COUNTED, _tagged(far=["b"]), LABELS, PARAMS)
    issues = tables.ISSUES.empty()
    restored = outcomes.RESTORED.frame(
        [
            {"file_name": n, "kind": "clean", "method": "deepfill", "hole": 0.1}
            | {"psnr": 20.0, "ssim": s, "l1": 0.1, "seam": 1.0, "lpips": np.nan}
            for n, s in [("a", 0.5), ("b", 1 / 3)]
        ]
    )

    tree = evaluate.metrics(
        scored,
        restored,
        issues,
        _tagged(far=["b"]),
        pd.DataFrame({"tag": ["far"], "f1": [0.75]}),
        outcomes.CALIBRATION.empty(),
    )

    assert tree["iou"]["category"] == {"person": 0.4, "NA": 0.5}
    assert tree["iou"]["tag"] == {"far": 0.35}
    assert tree["iou"]["boundary"] == 0.3375  # the mean of 0.425 and 0.25
    assert tree["restore"]["clean"]["deepfill"]["ssim"] == 0.416667
    assert tree["audit"] == {"images": 3, "tags": {"far": 0.333333}, "f1": {"far": 0.75}}
    assert "valid" not in tree["iou"]


def test_dvc_does_not_take_a_metric_for_a_file_that_it_could_not_read():
    from dvc.utils import errored_revisions

    finding = {"split": "test", "file_name": "a", "image_id": 1, "annotation_id": None}
    finding |= {"code": "x", "value": 0.0, "limit": 0.0, "action": "kept"}
    bins = {"split": "test", "category": "a", "bin_from": 0.0, "bin_to": 1.0, "pixels": 9}
    tree = evaluate.metrics(
        outcomes.IOU.empty(),
        outcomes.RESTORED.empty(),
        tables.ISSUES.frame([finding | {"severity": one} for one in ("error", "info", "error")]),
        _tagged(),
        tables.TAG_ACCURACY.empty(),
        outcomes.CALIBRATION.frame([bins | {"predicted": 0.5, "observed": 0.75}]),
    )

    assert tree["audit"]["issues"] == {"errors": 2, "notes": 1}
    assert tree["calibration"]["ece"] == 0.25
    assert errored_revisions({"": {"data": {"reports/metrics.json": {"data": tree}}}}) == []


def test_nothing_to_score_gives_empty_metrics():
    tree = evaluate.metrics(
        outcomes.IOU.empty(),
        outcomes.RESTORED.empty(),
        tables.ISSUES.empty(),
        _tagged(),
        tables.TAG_ACCURACY.empty(),
        outcomes.CALIBRATION.empty(),
    )

    assert tree == {"audit": {"images": 3}}


def test_what_was_perceived_joins_the_scores_of_its_filling_and_no_other(tmp_path):
    from stages import evaluate as stage

    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    for name in ("truth", "photo", "filled"):
        store.write_image(tmp_path / f"{name}.png", image)
    hole = np.zeros((40, 40), np.uint8)
    hole[9:20, 9:20] = 1
    store.write_mask(tmp_path / "hole.png", hole)
    work = {name: tmp_path / f"{name}.png" for name in ("truth", "photo", "filled", "hole")}
    work |= {"file_name": "a", "kind": "clean", "baselines": []}
    rows = [("a", "clean", "deepfill", 0.25), ("a", "transplant", "telea", 0.5)]
    perceived = outcomes.PERCEIVED.frame(
        [dict(zip(outcomes.PERCEIVED, row, strict=True)) for row in rows]
    )
    one = parallel.ComputeParams(backend="local", workers=1, scheduler=None)

    table = stage._restored([work], perceived, one).set_index("method")

    assert table["lpips"].dropna().to_dict() == {"deepfill": 0.25}
    assert set(table.index) == {"deepfill", "telea", "ns", "mean"}
