"""How often a tag is right, against oracles of others and arithmetic by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pipeline import accuracy, params, rules
from pipeline.errors import TableError
from pipeline.tables import TAG_ACCURACY


def tagged(names, **tags):
    """Rows of images by ``split/file``, and a boolean column a tag."""
    split, file_name = zip(*(name.split("/") for name in names), strict=True)
    return pd.DataFrame({"split": split, "file_name": file_name, **tags})


def written(where, text):
    path = where / "answers.csv"
    path.write_text(text, encoding="utf-8")
    return path


@given(st.integers(0, 60), st.integers(1, 60))
def test_the_interval_of_a_proportion_is_scipys(hits, more):
    of = hits + more
    oracle = binomtest(hits, of).proportion_ci(0.95, method="wilson")

    assert accuracy.wilson(hits, of) == pytest.approx((oracle.low, oracle.high), abs=2e-4)


def test_nothing_counted_could_be_anything():
    assert accuracy.wilson(0, 0) == (0.0, 1.0)


def test_the_bootstrap_of_the_four_cases_is_that_of_the_images():
    truth = np.arange(80) < 30
    found = (np.arange(80) >= 8) & (np.arange(80) < 35)
    rng = np.random.default_rng(7)
    drawn = rng.integers(0, 80, (4000, 80))
    scores = [accuracy.f1(found[rows], truth[rows]) for rows in drawn]

    low, high = accuracy.bootstrap(tp=22, fp=5, fn=8, tn=45)

    assert (low, high) == pytest.approx(np.quantile(scores, [0.025, 0.975]), abs=0.02)


def test_a_row_by_hand():
    found = np.array([1, 1, 1, 0, 0, 0, 0, 0], bool)
    truth = np.array([1, 1, 0, 1, 1, 0, 0, 0], bool)

    row = accuracy.score(found, truth)

    assert [row[name] for name in ("images", "truth", "found", "hits")] == [8, 4, 3, 2]
    assert (row["precision"], row["recall"], row["f1"]) == (2 / 3, 2 / 4, 4 / 7)
    assert row["f1_low"] < row["f1"] < row["f1_high"]


def test_a_tag_that_nobody_has_and_that_was_never_given_has_no_score():
    row = accuracy.score(np.zeros(5, bool), np.zeros(5, bool))

    assert np.isnan([row["precision"], row["recall"], row["f1"], row["f1_low"]]).all()


def test_answers_are_found_by_split_and_name_else_by_a_name_that_is_the_only_one(tmp_path):
    path = written(
        tmp_path,
        "split,file_name,far\ntrain,a.jpg,1\ntest,a.jpg,0\ntrain,moved.jpg,1\ntrain,none.jpg,\n",
    )
    images = tagged(
        ["train/a.jpg", "test/a.jpg", "valid/a.jpg", "valid/moved.jpg", "train/none.jpg"],
        far=[True] * 5,
    )

    known = accuracy.matched(images, accuracy.read(path))

    assert known["far"].isna().tolist() == [False, False, True, False, True]
    assert known["far"].dropna().tolist() == [True, False, True]


def test_images_without_an_answer_count_for_nothing(tmp_path):
    path = written(tmp_path, "file_name,crowd,far\na.jpg,1,\nb.jpg,,0\nunknown.jpg,1,1\n")
    images = tagged(["train/a.jpg", "train/b.jpg", "train/c.jpg"], far=[True] * 3, crowd=[True] * 3)

    table = accuracy.compare(images, accuracy.read(path)).set_index("tag")

    assert table.index.tolist() == ["far", "crowd"]  # as in the report's Table 1
    assert table["images"].tolist() == [1, 1]
    assert table["precision"].tolist() == [0, 1]
    assert list(table.reset_index()) == list(TAG_ACCURACY)


def test_the_summary_names_f1_and_answers_about_no_image(tmp_path):
    images = tagged(["train/a.jpg", "train/b.jpg"], far=[True, False], crowd=[False, False])
    answers = accuracy.read(written(tmp_path, "file_name,far,crowd\na.jpg,1,0\nlost.jpg,1,1\n"))

    said = accuracy.summary(accuracy.compare(images, answers), images, answers)

    assert said == (
        "F1 against known answers: far 1.00; 1 of 2 known answers are about no image here"
    )


def test_a_folder_without_answers_knows_nothing(tmp_path):
    (tmp_path / "none.txt").write_text("no truth")

    answers = accuracy.read(tmp_path)

    assert len(answers) == 0
    assert len(accuracy.compare(tagged(["train/a.jpg"], far=[True]), answers)) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file_name,far\na.jpg,maybe\n", "far is 'maybe'"),
        ("file_name,farr\na.jpg,1\n", "answers for no tag"),
        ("name,far\na.jpg,1\n", "lacks file_name"),
        ("file_name,far\na.jpg,1\na.jpg,0\n", "answers for 'a.jpg' more than once"),
        ("", "no CSV of answers"),
        ('file_name,far\n"a.jpg,1\n', "no CSV of answers"),
    ],
    ids=["no answer", "no tag", "no name", "twice", "empty", "open quote"],
)
def test_what_is_no_table_of_answers_is_refused(tmp_path, text, message):
    with pytest.raises(TableError, match=message):
        accuracy.read(written(tmp_path, text))


def test_answers_may_be_written_in_words_and_in_numbers(tmp_path):
    path = written(tmp_path, "file_name,far\na,1\nb,true\nc,1.0\nd, YES \ne,0\nf,False\ng,no\n")

    assert accuracy.read(path)["far"].tolist() == [True] * 4 + [False] * 3


MEASURED = {
    "people": [0, 1, 5, 2],
    "crowds": [0, 0, 0, 1],
    "largest": [0.0, 0.01, 0.2, 0.3],
    "defocus": [np.nan, -1.0, 0.0, 2.0],
    "unusual": [0.0, 0.8, 0.0, 0.75],
    "hidden": [-4.0, 1.0, 0.0, -1.0],
    "luma": [50.0, 71.0, 90.0, 10.0],
    "clipped": [0.0, 0.25, 0.3, 0.0],
    "luma_low": [10.0, 100.0, 20.0, 30.0],
    "luma_high": [200.0, 150.0, 80.0, 250.0],
    "edge": [np.nan, 1.2, 0.4, 1.0],
    "noise": [1.0, 7.0, 6.0, 2.0],
    "nearest_bits": [4, 30, 5, 0],
    "nearest_levels": [5.0, np.nan, 4.0, 0.0],
    "box": [0.9, 0.5, 1.0, 0.0],
    "loose": [1.0, np.nan, 1.5, -3.0],
    "cut": [0.0, 0.05, 0.2, 0.0],
    "chroma": [3.0, 90.0, 6.0, 50.0],
    "size_ratio": [1.0, 3.0, 4.0, 1.0],
    "bystanders": [0, 3, 0, 0],
    "missed": [0.0, 0.01, 0.2, np.nan],
    "in_front": [0.0, np.nan, 0.1, 0.0],
}


LIMITS = {  # whatever ships
    "far_below": 0.025, "crowd_from": 4, "blurred_above": 0.0, "unusual_above": 0.75,
    "occluded_above": 0.0, "dark_below": 71, "bright_above": 0.25, "contrast_below": 60,
    "soft_above": 1.0, "noisy_above": 6, "duplicate_within": 5, "cut_above": 0.05,
    "near_duplicate_within": 4, "box_above": 0.9, "loose_above": 1.0, "colour_below": 6,
    "odd_size_above": 3, "missed_above": 0.01,
}  # fmt: skip


@pytest.mark.parametrize("name", rules.RULES)
def test_a_tag_holds_where_its_value_lies_beyond_its_limit_whatever_the_rule(name):
    """What the page's slider does in the browser, from value, limit and direction alone."""
    limits = params.settings({"tag": LIMITS}).load(rules.TagParams, "tag")
    measured = pd.DataFrame(MEASURED)
    rule = rules.RULES[name]
    value, limit = rule.value(measured), rule.at(limits)
    beyond = rule.sign * value > rule.sign * limit
    if rule.direction in {"from", "within"}:
        beyond |= value == limit

    assert rules.tagged(measured, limits)[name].tolist() == beyond.tolist()
    assert set(beyond) == {True, False}
