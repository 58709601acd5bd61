import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import splits

SHARES = {"valid": 0.2, "test": 0.2}


def images(names, split="train"):
    return pd.DataFrame(
        {
            "split": [split] * len(names),
            "path": [f"{split}/{name}" for name in names],
            "source": [splits.source(name) for name in names],
            "sha256": [name + split for name in names],
        }
    )


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("CTT_87_jpg.rf.0123456789abcdef.jpg", "CTT_87_jpg"),
        ("folder/a.b_png.rf.77_rotated.jpg", "a.b_png"),
        ("plain.photo.jpg", "plain.photo"),
        ("no suffix", "no suffix"),
        (".jpg", ".jpg"),
        (7, ""),
    ],
)
def test_the_source_is_what_stands_before_roboflows_mark(name, source):
    assert splits.source(name) == source


@given(
    sources=st.lists(st.integers(0, 30), min_size=3, max_size=60).filter(lambda s: len(set(s)) > 2)
)
@settings(max_examples=25)
def test_versions_of_one_source_stay_together_and_no_split_is_empty(sources):
    names = [f"s{source}_jpg.rf.{number}.jpg" for number, source in enumerate(sources)]
    table = images(names)
    goes = splits.carve(table, SHARES)

    assert set(goes) == {"train", "valid", "test"}
    assert (goes.groupby(table["source"]).nunique() == 1).all()


def test_same_bytes_stay_together_whatever_their_names():
    table = images([f"s{number}.jpg" for number in range(40)])
    table["sha256"] = [f"{number // 4}" for number in range(40)]
    goes = splits.carve(table, SHARES)

    assert (goes.groupby(table["sha256"]).nunique() == 1).all()


@given(order=st.permutations(range(12)))
@settings(max_examples=15)
def test_only_names_decide(order):
    table = images([f"s{number}.jpg" for number in range(12)])
    shuffled = table.iloc[order]

    pd.testing.assert_series_equal(
        splits.carve(shuffled, SHARES).sort_index(), splits.carve(table, SHARES)
    )


def test_shares_are_of_the_giving_split():
    goes = splits.carve(images([f"s{number}.jpg" for number in range(100)]), SHARES)

    assert goes.value_counts().to_dict() == {"train": 60, "valid": 20, "test": 20}


def test_splits_that_have_images_keep_them():
    table = pd.concat([images([f"s{n}.jpg" for n in range(20)]), images(["v.jpg"], "valid")])
    table = table.reset_index(drop=True)
    goes = splits.carve(table, SHARES)

    assert goes[20] == "valid"
    assert goes.value_counts().to_dict() == {"train": 16, "test": 4, "valid": 1}


def test_a_test_split_alone_gives_train_the_most():
    goes = splits.carve(images([f"s{number}.jpg" for number in range(20)], "test"), SHARES)

    assert goes.value_counts().to_dict() == {"train": 12, "valid": 4, "test": 4}


def test_versions_of_one_source_alone_are_parted_rather_than_leaving_no_split():
    goes = splits.carve(images([f"s_jpg.rf.{number}.jpg" for number in range(8)]), SHARES)

    assert set(goes) == {"train", "valid", "test"}


@pytest.mark.parametrize(("count", "filled"), [(0, 0), (1, 1), (2, 2), (3, 3)])
def test_too_few_images_leave_splits_empty(count, filled):
    goes = splits.carve(images([f"s{number}.jpg" for number in range(count)]), SHARES)

    assert goes.nunique() == filled
