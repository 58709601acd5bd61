import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import costs, outcomes

HOW = {"resamples": 300, "confidence": 0.95, "seed": 5}


def run(rows):
    """Counts and tags of photos given as (split, IoU in per cent, tags)."""
    names = sorted({tag for *_, tags in rows for tag in tags} | {"never"})
    rest = dict.fromkeys(outcomes.COUNTS, 0) | {"label": 1}
    counted = [
        rest | {"split": split, "file_name": f"{row}.jpg", "tp": iou, "fp": 100 - iou}
        for row, (split, iou, _) in enumerate(rows)
    ]
    tagged = [
        {"split": split, "file_name": f"{row}.jpg", "width": 9, "height": 9, "place": ""}
        | {name: name in tags for name in names}
        for row, (split, _, tags) in enumerate(rows)
    ]
    return outcomes.COUNTS.frame(counted), pd.DataFrame(tagged)


def priced(rows, **how):
    return costs.table(*run(rows), **(HOW | how)).set_index("tag")


def test_the_gain_is_the_share_of_tagged_photos_times_the_difference():
    found = priced([("test", 80, ()), ("test", 60, ()), ("test", 40, ("far",)), ("test", 20, ())])

    row = found.loc["far"]
    assert row["iou"] == pytest.approx(0.4)
    assert row["rest"] == pytest.approx((0.8 + 0.6 + 0.2) / 3)
    assert row["difference"] == pytest.approx(0.16 / 1.2)
    assert row["gain"] == pytest.approx(0.16 / 1.2 / 4)
    assert (row["images"], row["tagged"]) == (4, 1)
    assert "never" not in found.index


def test_splits_are_compared_each_by_itself():
    """All of an easy split lacks the problem: that it scores high says nothing of the problem."""
    hard = [("test", 30, ("far",)), ("test", 40, ())] * 3
    easy = [("valid", 90, ())] * 6

    row = priced(hard + easy).loc["far"]

    assert row["difference"] == pytest.approx(0.1)
    assert row["gain"] == pytest.approx(0.1 * 3 / 12)


def test_photos_that_were_learnt_from_count_only_where_there_are_no_others():
    learnt = [("train", 99, ("far",)), ("train", 99, ())]

    both = priced([*learnt, ("test", 30, ("far",)), ("test", 50, ())])
    alone = priced(learnt)

    assert (both.loc["far", "images"], both.loc["far", "difference"]) == (2, pytest.approx(0.2))
    assert (alone.loc["far", "images"], alone.loc["far", "difference"]) == (2, pytest.approx(0.0))


def test_a_problem_that_only_comes_along_costs_little_with_the_others_held_fixed():
    """Crowds are often far; only being far costs, 0.3 each time."""
    rows = []
    for row in range(200):
        far, crowd = row % 4 == 0, row % 8 == 0 or row % 10 == 1
        tags = [name for name, has in (("far", far), ("crowd", crowd)) if has]
        rows.append(("test", 80 - 30 * far, tags))

    found = priced(rows)

    assert found.loc["crowd", "difference"] > 0.1
    assert found.loc["crowd", "alone"] == pytest.approx(0.0, abs=0.02)
    assert found.loc["far", "alone"] == pytest.approx(0.3, abs=0.02)


def test_the_regression_agrees_with_least_squares_of_numpy():
    chance = np.random.default_rng(2)
    rows = [
        (("valid", "test")[row % 2], int(chance.integers(10, 90)),
         [name for name in ("far", "crowd", "dark") if chance.random() < 0.4])
        for row in range(60)
    ]  # fmt: skip
    tags = ["crowd", "dark", "far"]
    design = np.array([[tag in has for tag in tags] + [split == "test", split == "valid"]
                       for split, _, has in rows], float)  # fmt: skip
    iou = np.array([value / 100 for _, value, _ in rows])
    pull = np.hstack([np.eye(3), np.zeros((3, 2))])  # one pseudo-photo a tag that says 0
    slow = np.linalg.lstsq(np.vstack([design, pull]), np.append(iou, [0] * 3), rcond=None)[0]

    found = priced(rows)

    np.testing.assert_allclose(-found.loc[tags, "alone"], slow[:3], atol=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_intervals_hold_the_estimate_and_tighten_with_photos(seed):
    chance = np.random.default_rng(seed)

    def rows(count):
        return [
            ("test", int(np.clip(60 - 20 * (row % 3 == 0) + chance.normal(0, 10), 0, 100)),
             ("far",) if row % 3 == 0 else ())
            for row in range(count)
        ]  # fmt: skip

    few, many = priced(rows(30)).loc["far"], priced(rows(480)).loc["far"]

    for row in (few, many):
        for name in ("iou", "rest", "difference", "gain", "alone", "gain_alone"):
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
    assert many["gain_high"] - many["gain_low"] < few["gain_high"] - few["gain_low"]


def test_a_problem_of_every_photo_has_a_share_and_no_price():
    row = priced([("test", 50, ("far",)), ("test", 60, ("far",))]).loc["far"]

    assert row["iou"] == pytest.approx(0.55)
    assert np.isnan([row["difference"], row["gain"], row["gain_low"]]).all()


def test_nothing_scored_gives_an_empty_table():
    counted, tagged = run([("test", 50, ("far",))])

    assert costs.table(counted.head(0), tagged, **HOW).empty
    empty = counted.assign(tp=0, fp=0, fn=0)
    assert costs.table(empty, tagged, **HOW).empty


def test_the_same_seed_gives_the_same_intervals():
    rows = [("test", value, ("far",) if value % 2 else ()) for value in range(40, 60)]

    assert priced(rows).equals(priced(rows))
    assert not priced(rows).equals(priced(rows, seed=6))


def test_metrics_are_gains_and_counts_of_suspects_without_what_is_absent():
    found = costs.table(*run([("test", 80, ()), ("test", 40, ("far",))]), **HOW)
    row = dict.fromkeys(outcomes.SUSPECTS, 0) | {"split": "test", "file_name": "a"}
    suspects = outcomes.SUSPECTS.frame(
        [row | {"kind": kind, "suspect": sure} for kind, sure in
         (("missing", True), ("missing", True), ("extra", False))]
    )  # fmt: skip

    assert costs.metrics(found, suspects) == {"gain": {"far": 0.2}, "suspects": {"missing": 2}}
    assert costs.metrics(found.head(0), suspects.head(0)) == {}
