from itertools import pairwise

import msgspec
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline import coco, learning_curve, outcomes, params, scoring, store, tables
from pipeline.errors import ParamsError
from pipeline.tables import Dataset


def chosen(train, valid=2):
    rows = [
        {"split": split, "stem": f"{n:03}", "path": f"{split}/{n:03}.png"}
        for split, many in (("train", train), ("valid", valid))
        for n in range(many)
    ]
    return tables.CHOSEN.frame(rows)


def _stems(frame):
    return set(frame.loc[frame["split"] == "train", "stem"])


@given(
    train=st.integers(1, 40),
    shares=st.lists(st.floats(0.01, 1), min_size=2, max_size=4).map(sorted),
    seed=st.integers(0, 5),
)
def test_each_set_holds_the_smaller_ones_and_all_valid_rows(train, shares, seed):
    told = chosen(train)
    sets = [learning_curve.subset(told, share, seed) for share in shares]

    for smaller, larger in pairwise(sets):
        assert _stems(smaller) <= _stems(larger)
    for share, fewer in zip(shares, sets, strict=True):
        assert len(_stems(fewer)) == max(1, round(share * train))
        assert (fewer["split"] == "valid").sum() == 2
        assert fewer["stem"].tolist() == told.loc[fewer.index, "stem"].tolist()
    assert learning_curve.subset(told, 1.0, seed).equals(told)


def test_another_seed_takes_other_images():
    told = chosen(40)

    assert _stems(learning_curve.subset(told, 0.5, 0)) != _stems(
        learning_curve.subset(told, 0.5, 1)
    )


def test_every_set_is_learnt_from_for_as_many_steps():
    assert learning_curve.epochs(36, 100, 100) == 36
    assert learning_curve.epochs(36, 25, 100) == 144
    assert learning_curve.epochs(10, 30, 100) == 34  # 33.3 times


def test_a_row_is_the_mean_over_images_with_its_interval():
    cube = np.array([[[6.0], [2.0]], [[2.0], [0.0]], [[2.0], [8.0]], [[0.0]] * 2, [[0.0]] * 2])
    about = {"share": 0.5, "images": 10, "epochs": 4, "split": "test"}
    settings = scoring.EvaluateParams(resamples=50, confidence=0.9, seed=0, worst=0)

    row = learning_curve.row(cube, about, settings)

    assert outcomes.LEARNING.frame([row])["iou"].tolist() == [pytest.approx(0.4)]
    assert row["scored"] == 2
    assert 0.2 <= row["iou_low"] <= row["iou_high"] <= 0.6


@pytest.mark.parametrize("share", [0, 1.5, -0.1])
def test_a_share_of_nothing_or_of_more_than_there_is_is_refused(tmp_path, share):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump({"learning_curve": {"shares": [share], "seed": 0}}))

    with pytest.raises(ParamsError, match="learning_curve"):
        params.load(learning_curve.LearningCurveParams, "learning_curve", path)


@pytest.fixture
def project(tmp_path, monkeypatch):
    images = []
    for split, many in (("train", 4), ("valid", 2), ("test", 2)):
        for n in range(many):
            stem = f"{n:03}"
            rng = np.random.default_rng([n, many])
            image = rng.integers(0, 99, (48, 48, 3), np.uint8)
            mask = np.zeros((48, 48), np.uint8)
            mask[8:40, 12:30] = 1
            image[mask > 0] += 120
            store.write_image(tmp_path / f"raw/{split}/{stem}.png", image)
            store.write_mask(tmp_path / f"masks/{split}/{stem}.png", mask)
            images.append({
                "split": split, "image_id": n + 1, "file_name": f"{stem}.png",
                "path": f"{split}/{stem}.png", "stem": stem, "width": 48, "height": 48,
                "source": stem, "export_split": split, "export_id": n,
            })  # fmt: skip
    dataset = Dataset(
        tables.IMAGES.frame(images),
        tables.ANNOTATIONS.empty(),
        tables.CATEGORIES.frame([{"category_id": 1, "name": "person", "supercategory": ""}]),
    )
    coco.save(tmp_path / "valid", dataset)
    store.write_table(tmp_path / "valid/labels.csv", dataset.labels, tables.LABELS)
    store.write_table(tmp_path / "chosen.csv", chosen(4), tables.CHOSEN)
    sections = yaml.safe_load(params.SHIPPED.read_text("utf-8"))
    sections["compute"] |= {"workers": 1}
    sections["unet"] |= {"preset": "seed", "size": 32}
    sections["train"] |= {"fresh_epochs": 1, "fresh_steps": 0, "batch": 2}
    sections["evaluate"] |= {"resamples": 20}
    monkeypatch.chdir(tmp_path)
    return tmp_path, sections


def _run(where, sections, shares):
    from stages import learning_curve as stage

    sections["learning_curve"] |= {"shares": shares}
    (where / "params.yaml").write_bytes(msgspec.yaml.encode(sections))
    names = ("raw", "valid", "masks", "chosen.csv", "learning_curve.csv")
    line = stage.main(*(where / name for name in names))
    return line, store.read_table(where / "learning_curve.csv", outcomes.LEARNING)


def test_the_stage_trains_on_a_share_and_scores_both_held_splits(project):
    (project[0] / ".learning_curve.csv.killed.scratch").mkdir()
    _, table = _run(*project, [0.5])

    assert list(project[0].glob(".*.scratch")) == []  # its own is gone, and a killed run's
    assert table["split"].tolist() == ["valid", "test"]
    assert set(table["images"]) == {2}
    assert set(table["epochs"]) == {2}  # half the photos, twice as often
    assert table["scored"].tolist() == [2, 2]
    assert table["iou"].between(0, 1).all()


def test_without_shares_nothing_is_trained(project):
    line, table = _run(*project, [])

    assert "nothing trained" in line
    pd.testing.assert_frame_equal(table, outcomes.LEARNING.empty())
