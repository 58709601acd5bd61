"""Several categories, rare ones and ones that are nowhere, from training to the scores."""

import msgspec
import numpy as np
import pytest
import yaml

from pipeline import coco, evaluate, losses, outcomes, params, scoring, store, tables, unet
from pipeline.tables import Dataset

unet.prepare(seed=0, threads=2)  # the first in a process decides the threads

NAMES = ("dog", "cat", "unicorn")  # common, rare, and nowhere
HEIGHT, WIDTH = 48, 64
DRAWING = scoring.EvaluateParams(resamples=50, confidence=0.95, seed=0, worst=5)


def scene(number):
    """Green dogs in every photo, a small red cat in every fourth, on noise."""
    rng = np.random.default_rng(number)
    image = rng.integers(0, 70, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    top, left = rng.integers(2, 20), rng.integers(2, 16)
    mask[top : top + 26, left : left + 26] = 1
    if number % 4 == 0:
        mask[36:46, 50:62] = 2
    image[mask == 1, 1] = 220
    image[mask == 2, 0] = 220
    return image, mask


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Trained, segmented and counted by the stages themselves."""
    from stages import segment as segment_stage
    from stages import train as train_stage

    where = tmp_path_factory.mktemp("categories")
    images, chosen = [], []
    for split, many in (("train", 24), ("valid", 8), ("test", 8)):
        for n in range(many):
            image, mask = scene(n + 100 * len(split))
            store.write_image(where / f"raw/{split}/{n}.png", image)
            store.write_mask(where / f"masks/{split}/{n}.png", mask)
            chosen.append({"split": split, "stem": str(n), "path": f"{split}/{n}.png"})
            images.append({
                "split": split, "image_id": n + 1, "file_name": f"{n}.png",
                "path": f"{split}/{n}.png", "stem": str(n), "width": WIDTH, "height": HEIGHT,
                "source": str(n), "export_split": split, "export_id": n,
            })  # fmt: skip
    categories = [
        {"category_id": n, "name": name, "supercategory": ""}
        for n, name in enumerate(NAMES, start=1)
    ]
    dataset = Dataset(
        tables.IMAGES.frame(images),
        tables.ANNOTATIONS.empty(),
        tables.CATEGORIES.frame(categories),
    )
    coco.save(where / "valid", dataset)
    store.write_table(where / "valid/labels.csv", dataset.labels, tables.LABELS)
    rows = tables.CHOSEN.frame([row for row in chosen if row["split"] != "test"])
    store.write_table(where / "chosen.csv", rows, tables.CHOSEN)
    sections = yaml.safe_load(params.SHIPPED.read_text("utf-8"))
    sections["unet"] |= {"size": 64}
    sections["train"] |= {
        "fresh_epochs": 16,
        "fresh_steps": 0,
        "batch": 8,
        "small_size": 64,
        "fresh_rate": 0.002,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        (where / "params.yaml").write_bytes(msgspec.yaml.encode(sections))
        train_stage.main(
            *(where / name for name in ("raw", "valid", "masks", "chosen.csv", "model")),
            where / "history.csv",
            where / "live",
        )
        segment_stage.main(
            *(where / name for name in ("raw", "valid", "masks", "model", "segments")),
            where / "calibration.csv",
        )
    return where, dataset


@pytest.fixture(scope="module")
def scored(project):
    where, dataset = project
    rows = []
    for image in dataset.images.itertuples():
        place = f"{image.split}/{image.stem}.png"
        counted = scoring.counts(
            truth=store.read_mask(where / "masks" / place),
            predicted=store.read_mask(where / "segments" / place),
            labels=len(NAMES),
        )
        rows += [
            {"split": image.split, "file_name": image.file_name, "label": label}
            | dict(zip(scoring.COUNTED, count, strict=True))
            for label, count in enumerate(counted.tolist(), start=1)
        ]
    tagged = dataset.images[["split", "file_name", "width", "height"]].assign(place="")
    return evaluate.headlines(
        evaluate.scores(outcomes.COUNTS.frame(rows), tagged, dataset.labels, DRAWING)
    )


def _iou(scored, split, category):
    (value,) = scored.loc[(scored["split"] == split) & (scored["category"] == category), "iou"]
    return value


def test_common_and_rare_categories_are_both_learnt(scored):
    assert _iou(scored, "test", "dog") > 0.8
    assert _iou(scored, "test", "cat") > 0.5


def test_a_category_that_is_nowhere_has_no_score_and_takes_none_from_the_mean(scored):
    for split in tables.SPLITS:
        there = scored.loc[scored["split"] == split, "category"]
        assert set(there) == {"", "dog", "cat"}
        mean = (_iou(scored, split, "dog") + _iou(scored, split, "cat")) / 2
        assert _iou(scored, split, "") == pytest.approx(mean)


def test_images_without_a_category_do_not_count_against_it(scored):
    cats = scored[(scored["split"] == "test") & (scored["category"] == "cat")].iloc[0]

    assert 2 <= cats["images"] < 8  # two photos hold a cat; others only where one was invented


def test_the_networks_probabilities_sum_to_one_and_none_is_of_what_is_nowhere(project):
    bins = store.read_table(project[0] / "calibration.csv", outcomes.CALIBRATION)
    unicorn = bins[(bins["category"] == "unicorn") & (bins["pixels"] > 0)]

    assert (unicorn["observed"] == 0).all()
    assert (unicorn["predicted"] * unicorn["pixels"]).sum() / unicorn["pixels"].sum() < 0.1
    by_split = bins.groupby("split")["pixels"].sum()
    assert by_split.to_dict() == {
        split: many * HEIGHT * WIDTH * len(NAMES)
        for split, many in (("test", 8), ("train", 24), ("valid", 8))
    }


@pytest.mark.parametrize("balance", [0, 0.5, 1])
def test_categories_that_are_nowhere_take_no_weight_from_the_others(balance):
    drawn = np.array([[[0] * 90 + [1] * 10]], np.uint8)

    two, five = (losses.label_weights(drawn, labels, balance) for labels in (2, 5))

    np.testing.assert_allclose(five[:2], two, rtol=1e-6)
    assert (two * [0.9, 0.1]).sum() == pytest.approx(1, rel=1e-5)
    assert five[2:].max() <= five[1]  # a label without a pixel weighs as the rarest does
    if balance == 1:
        assert two[0] * 0.9 == pytest.approx(two[1] * 0.1)


def test_of_no_pixel_at_all_every_label_weighs_one():
    weights = losses.label_weights(np.empty((0, 4, 4), np.uint8), 3, 0.5)

    assert weights.tolist() == [1, 1, 1]
