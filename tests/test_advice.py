"""What to do next: each rule alone, on numbers made for it."""

import pandas as pd
import pytest

from pipeline import advice, outcomes, prose, tables, words
from pipeline.restorers import Compared
from pipeline.run import LEAKS, Run

SAY = words.load("en")
NOTHING = SAY("advice.nothing", worth=advice.WORTH)


def run_with(**parts):
    empty = tables.Dataset(
        tables.IMAGES.empty(), tables.ANNOTATIONS.empty(), tables.CATEGORIES.empty()
    )
    plain = {"issues": tables.ISSUES.empty(), "measured": tables.MEASURED.empty()}
    return Run(dataset=empty, tags=tables.TAGS.empty(), **plain | parts)


def iou(split, value, half, images=40):
    row = dict.fromkeys(outcomes.IOU, 0.5) | {"split": split, "category": "", "tag": ""}
    return row | {"images": images, "iou": value, "iou_low": value - half, "iou_high": value + half}


def told(run, compared=()):
    return advice.steps(SAY, run, list(compared))


def cost(tag, gain, low, tagged=5):
    plain = dict.fromkeys(outcomes.COSTS, 0.1) | {"tag": tag, "images": 20, "tagged": tagged}
    return plain | {"gain": gain, "gain_low": low, "gain_high": gain + 0.01}


def test_without_numbers_nothing_is_advised():
    assert told(run_with()) == [NOTHING]


def test_lost_annotations_are_advised_and_notes_are_not():
    row = dict.fromkeys(tables.ISSUES) | {"split": "", "file_name": "", "code": "x"}
    rows = [
        row | {"severity": severity, "action": action}
        for severity, action in (
            ("error", "dropped"), ("warning", "dropped"), ("info", "dropped"), ("error", "kept"),
        )
    ]  # fmt: skip
    (sentence,) = told(run_with(issues=tables.ISSUES.frame(rows)))

    assert "the 2 annotations that were dropped" in sentence


def test_more_photos_are_advised_by_the_root_law():
    # 40 photos give +-0.1; +-0.05 takes four times as many
    (sentence,) = told(run_with(iou=outcomes.IOU.frame([iou("test", 0.8, 0.1)])))

    assert sentence == SAY("advice.interval", split="test", n=120, goal=0.05)


@pytest.mark.parametrize("half", [0.049, 0.6], ids=["narrow enough", "hopelessly wide"])
def test_no_photos_are_asked_for_where_they_would_not_help(half):
    run = run_with(iou=outcomes.IOU.frame([iou("test", 0.8, half)]))

    assert told(run) == [NOTHING]


def test_a_network_that_learnt_by_heart_is_told():
    rows = [iou("train", 0.9, 0.01), iou("test", 0.9 - prose.GAP - 0.01, 0.01)]
    (sentence,) = told(run_with(iou=outcomes.IOU.frame(rows)))

    assert "scores 0.06 higher" in sentence


def test_only_a_cost_that_is_more_than_chance_is_told_and_the_dearest_one():
    rows = [cost("crowd", 0.09, -0.01), cost("far", 0.03, 0.01), cost("occluded", 0.02, 0.01)]
    (sentence,) = told(run_with(costs=outcomes.COSTS.frame(rows)))

    assert "“Subject too far away”" in sentence
    assert "0.030 (0.010 to 0.040)" in sentence
    assert "the 5 scored ones" in sentence


@pytest.mark.parametrize(
    "row", [("far", 0.03, 0.01, 4), ("far", 0.004, 0.001, 9)], ids=["few photos", "hardly anything"]
)
def test_no_photos_are_asked_for_because_of_a_cost_of_few_photos_or_of_next_to_nothing(row):
    assert told(run_with(costs=outcomes.COSTS.frame([cost(*row)]))) == [NOTHING]


@pytest.mark.parametrize(("low", "said"), [(0.71, True), (0.69, False)])
def test_another_network_is_advised_if_its_interval_lies_above_ours(low, said):
    row = dict.fromkeys(outcomes.RIVALS, 0.5) | {"category": "person", "input": "", "note": ""}
    row |= {"parameters": 1, "images": 9}
    rows = [
        row | {"model": "unet", "iou": 0.6, "iou_low": 0.5, "iou_high": 0.7},
        row | {"model": "selfie", "iou": 0.8, "iou_low": low, "iou_high": 0.9},
    ]
    sentences = told(run_with(rivals=outcomes.RIVALS.frame(rows)))

    assert ("MediaPipe" in sentences[0]) == said


@pytest.mark.parametrize(
    ("low", "key"), [(0.61, "learning"), (0.59, "learnt")], ids=["rising", "flat"]
)
def test_the_learning_curve_says_whether_more_photos_help(low, key):
    row = {"share": 1.0, "epochs": 3, "split": "test", "scored": 9, "iou_high": 0.9}
    rows = [
        row | {"images": 50, "iou": 0.6, "iou_low": 0.5},
        row | {"images": 100, "iou": 0.7, "iou_low": low},
    ]
    (sentence,) = told(run_with(learning=outcomes.LEARNING.frame(rows)))

    assert sentence == SAY(f"advice.{key}", n=100)


@pytest.mark.parametrize(("ours", "said"), [(19.0, True), (19.9, False), (22.0, False)])
def test_a_restorer_that_a_simple_method_beats_is_told(ours, said):
    rows = pd.DataFrame({"method": ["deepfill", "telea"], "psnr": [ours, 20.0]})
    sentences = told(run_with(), [Compared("clean", rows)])

    assert ("a simple method is 1.0 dB better" in sentences[0]) == said


def test_leaks_and_doubted_labels_are_counted():
    tie = {"file_name": "a", "split": "test", "other": "b", "other_split": "train",
           "why": "leak_same", "bits": 0}  # fmt: skip
    doubt = dict.fromkeys(outcomes.SUSPECTS, 0.5) | {"split": "test", "file_name": "a"}
    doubt |= {"annotation_id": 1, "kind": "extra", "suspect": True, "held_out": True}
    doubt |= dict.fromkeys(("left", "top", "right", "bottom"), 1)
    run = run_with(
        leaks=LEAKS.frame([tie]),
        suspects=outcomes.SUSPECTS.frame([doubt, doubt | {"suspect": False}]),
    )

    assert told(run) == [SAY("advice.leaks", n=1), SAY("advice.suspects", n=1)]
