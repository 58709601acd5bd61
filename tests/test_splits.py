import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from pipeline import looks, splits

SHARES = {"valid": 0.2, "test": 0.2}


def images(names, split="train"):
    return pd.DataFrame(
        {
            "split": [split] * len(names),
            "path": [f"{split}/{name}" for name in names],
            "source": [splits.source(name) for name in names],
            "sha256": [name + split for name in names],
            "look": "",
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
    goes = splits.carve(table, SHARES, 6)

    assert set(goes) == {"train", "valid", "test"}
    assert (goes.groupby(table["source"]).nunique() == 1).all()


def test_same_bytes_stay_together_whatever_their_names():
    table = images([f"s{number}.jpg" for number in range(40)])
    table["sha256"] = [f"{number // 4}" for number in range(40)]
    goes = splits.carve(table, SHARES, 6)

    assert (goes.groupby(table["sha256"]).nunique() == 1).all()


@given(order=st.permutations(range(12)))
@settings(max_examples=15)
def test_only_names_decide(order):
    table = images([f"s{number}.jpg" for number in range(12)])
    shuffled = table.iloc[order]

    pd.testing.assert_series_equal(
        splits.carve(shuffled, SHARES, 6).sort_index(), splits.carve(table, SHARES, 6)
    )


def test_shares_are_of_the_giving_split():
    goes = splits.carve(images([f"s{number}.jpg" for number in range(100)]), SHARES, 6)

    assert goes.value_counts().to_dict() == {"train": 60, "valid": 20, "test": 20}


def test_splits_that_have_images_keep_them():
    table = pd.concat([images([f"s{n}.jpg" for n in range(20)]), images(["v.jpg"], "valid")])
    table = table.reset_index(drop=True)
    goes = splits.carve(table, SHARES, 6)

    assert goes[20] == "valid"
    assert goes.value_counts().to_dict() == {"train": 16, "test": 4, "valid": 1}


def test_a_test_split_alone_gives_train_the_most():
    goes = splits.carve(images([f"s{number}.jpg" for number in range(20)], "test"), SHARES, 6)

    assert goes.value_counts().to_dict() == {"train": 12, "valid": 4, "test": 4}


def test_versions_of_one_source_alone_are_parted_rather_than_leaving_no_split():
    goes = splits.carve(images([f"s_jpg.rf.{number}.jpg" for number in range(8)]), SHARES, 6)

    assert set(goes) == {"train", "valid", "test"}


@pytest.mark.parametrize(("count", "filled"), [(0, 0), (1, 1), (2, 2), (3, 3)])
def test_too_few_images_leave_splits_empty(count, filled):
    goes = splits.carve(images([f"s{number}.jpg" for number in range(count)]), SHARES, 6)

    assert goes.nunique() == filled


def test_what_is_tied_to_another_split_is_not_carved():
    table = pd.concat([images([f"s{n}.jpg" for n in range(20)]), images(["s3.jpg"], "valid")])
    table = table.reset_index(drop=True)
    table.loc[[4, 5], "look"] = table.loc[20, "look"] = "00ff00ff00ff00ff"
    goes = splits.carve(table, SHARES, 6)

    assert goes[[3, 4, 5]].tolist() == ["train"] * 3
    assert (goes == "test").sum() == 4


def test_a_large_group_is_not_carved_out_of_train():
    table = images([f"s{n}.jpg" for n in range(40)])
    table.loc[:29, "source"] = "film"
    goes = splits.carve(table, SHARES, 6)

    assert set(goes[:30]) == {"train"}
    assert set(goes) == {"train", "valid", "test"}


LOOKS = [
    ["0000000000000000", "000000000000001f", "00000000000003ff", "ffff000000000000"],
    ["0000000000000000", "aaaaaaaaaaaaaaaa", "5555555555555555", "5555555555555554"],
]


@pytest.mark.parametrize(
    ("looks", "below", "expected"),
    [
        (LOOKS[0], 6, [0, 0, 0, 1]),  # the third is tied through the second
        (LOOKS[0], 5, [0, 1, 2, 3]),
        (LOOKS[1], 6, [0, 0, 1, 1]),  # the second is the first one's mirror image
        (["", "", "", ""], 64, [0, 1, 2, 3]),
    ],
    ids=["chain", "stricter", "mirrored", "unknown"],
)
def test_groups_are_what_is_tied_even_through_others(looks, below, expected):
    table = images(["a.jpg", "b.jpg", "c.jpg", "d.jpg"]).assign(look=looks)
    group = splits.groups(table, below)

    same = [[one == other for other in group] for one in group]
    assert same == [[one == other for other in expected] for one in expected]


def test_a_leak_names_the_nearest_picture_of_an_earlier_split():
    table = images(["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"])
    table["goes"] = ["train", "train", "valid", "test", "test"]
    table["look"] = ["00", "07", "03", "0f", "ff00ff"]
    table["sha256"] = ["1", "2", "3", "4", "1"]
    found = splits.leaks(table, 6).set_index("image")

    assert found["other"].to_dict() == {2: 1, 3: 1, 4: 0}  # c differs from b in one bit
    assert found["bits"].to_dict() == {2: 1, 3: 1, 4: 0}
    assert found["why"].to_dict() == {2: "leak_alike", 3: "leak_alike", 4: "leak_same"}


@given(
    ties=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=12),
    below=st.integers(1, 8),
)
@settings(max_examples=25)
def test_splits_without_a_shared_group_have_no_leak(ties, below):
    table = images([f"s{number}.jpg" for number in range(12)])
    table["look"] = [f"{(number * 0x9E3779B97F4A7C15) % 2**64:016x}" for number in range(12)]
    for one, other in ties:
        table.loc[other, "look"] = table.loc[one, "look"]
    group = splits.groups(table, below)
    table["goes"] = (group % 3).map({0: "train", 1: "valid", 2: "test"})

    assert not len(splits.leaks(table, below))


def test_what_is_tied_to_no_other_split_is_carved_even_if_it_is_one_group():
    table = pd.concat([images(["a.jpg", "b.jpg", "c.jpg", "d.jpg"]), images(["a.jpg"], "valid")])
    table = table.reset_index(drop=True)
    table.loc[[2, 3], "source"] = "film"
    table.loc[1, "source"] = "a"

    assert splits.carve(table, SHARES, 6)[[0, 1, 2, 3]].tolist() == ["train"] * 2 + ["test"] * 2


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=60), st.integers(1, 5))
def test_what_is_tied_through_others_has_one_leader_however_the_ties_come(ties, parts):
    leads = np.arange(41)
    for part in range(parts):
        some = np.array(ties[part::parts], np.int64).reshape(-1, 2)
        leads = splits._joined(leads, some[:, 0], some[:, 1])

    graph = csr_array((np.ones(len(ties)), np.array(ties, int).reshape(-1, 2).T), (41, 41))
    _, expected = connected_components(graph, directed=False)
    assert (leads[leads] == leads).all()
    assert ((leads[:, None] == leads) == (expected[:, None] == expected)).all()


@pytest.mark.parametrize("block", [4, 1 << 20])
def test_frames_of_one_camera_are_told_their_nearest_earlier_one(monkeypatch, block):
    """All pairs are near, and are not held at once; against all compared with all."""
    monkeypatch.setattr(looks, "BLOCK", block)
    looks._few.cache_clear()
    rng = np.random.default_rng(0)
    codes = [0xF0F0 ^ int(sum(1 << int(bit) for bit in rng.integers(8, 30, 2))) for _ in range(40)]
    table = images([f"f{number:02}_jpg.rf.{number}.jpg" for number in range(40)])
    table["look"] = [f"{code:016x}" for code in codes]
    table["goes"] = [("train", "valid", "test")[number % 3] for number in range(40)]
    found = splits.leaks(table, 6).set_index("image")

    rank = {"train": 0, "valid": 1, "test": 2}
    order = sorted(range(40), key=lambda row: (rank[table["goes"][row]], table["path"][row]))
    for row in range(40):
        near = [
            ((codes[row] ^ codes[other]).bit_count(), order.index(other), other)
            for other in range(40)
            if rank[table["goes"][other]] < rank[table["goes"][row]]
        ]
        bits, _, other = min(near, default=(64, 0, 0))
        if bits < 6:
            assert (found.loc[row, "other"], found.loc[row, "bits"]) == (other, bits)
        else:
            assert row not in found.index
    assert splits.groups(table, 6).nunique() == 1
