import json
import subprocess
import sys
from pathlib import Path

import lite_made
import msgspec
import numpy as np
import pytest

from pipeline import coco, outcomes, params, rivals, scoring, store, tables
from pipeline.errors import ParamsError, WeightsError
from pipeline.rivals import DEEPLAB, OURS, SELFIE, Entrant
from pipeline.tables import Dataset

ROOT = Path(__file__).parents[1]
DRAWING = scoring.EvaluateParams(resamples=50, confidence=0.95, seed=0, worst=1)
OFF = {"weights": None, "sha256": None, "selfie": None, "size": 64, "threads": 1}


def test_each_model_has_a_row_a_category_it_knows_and_the_same_measures():
    cube = np.zeros((5, 2, 2))
    cube[:, :, 0] = [[6, 2], [2, 0], [2, 8], [3, 1], [4, 10]]  # IoU 0.6 and 0.2, 0.75 and 0.1
    cube[:, 0, 1] = [5, 5, 0, 2, 8]
    entrants = [
        Entrant(OURS, "64×64", 100, (1, 2)),
        Entrant(DEEPLAB, "shorter side 64", 200, (1,), rivals.unknown(["person", "hat"], (1,))),
        Entrant(SELFIE, note="not run: give compare.selfie"),
    ]

    table = rivals.table(entrants, {OURS: cube, DEEPLAB: cube}, ["person", "hat"], DRAWING)

    assert table[["model", "category"]].to_numpy().tolist() == [
        [OURS, "person"], [OURS, "hat"], [DEEPLAB, "person"], [SELFIE, ""],
    ]  # fmt: skip
    first, _, other, absent = table.to_dict("records")
    assert first["iou"] == other["iou"] == pytest.approx(0.4)
    assert first["iou_pooled"] == pytest.approx(8 / 20)
    assert first["boundary_iou"] == pytest.approx((0.75 + 0.1) / 2)
    assert first["iou_low"] <= first["iou"] <= first["iou_high"]
    assert other["note"] == "does not know: hat"
    assert absent["note"] == "not run: give compare.selfie"
    assert np.isnan(absent["iou"])
    assert table["parameters"].isna().tolist() == [False, False, False, True]


def test_nothing_run_is_a_table_of_reasons_and_not_of_zeros():
    table = rivals.table([Entrant(SELFIE, note="not run: give it")], {}, ["person"], DRAWING)

    assert table["note"].tolist() == ["not run: give it"]
    assert table[["iou", "iou_pooled", "boundary_iou"]].isna().all(axis=None)


def test_a_checksum_that_is_none_is_refused(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(json.dumps({"compare": OFF | {"sha256": "586e9e4e"}}))

    with pytest.raises(ParamsError, match="sha256"):
        params.load(rivals.CompareParams, "compare", path)


def picture(person):
    image = np.zeros((40, 60, 3), np.uint8)
    image[person, 0] = 255
    return image


MODEL = """
import sys
from pathlib import Path
from pipeline import unet
shape = unet.UnetParams(preset="seed", size=32, init="none")
card = unet.card(shape, ["background", "People"], 0.5)
unet.save(Path(sys.argv[1]), unet.build(shape, 1), card)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An untrained U-Net, made in TensorFlow's own process."""
    folder = tmp_path_factory.mktemp("unet")
    words = [sys.executable, "-c", MODEL, str(folder)]
    subprocess.run(words, check=True, capture_output=True, cwd=ROOT)
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch, model):
    """Two test photos of red people, of whom the U-Net's masks found all and none."""
    images, names = [], ("all", "none")
    for number, stem in enumerate(names, start=1):
        images.append({
            "split": "test", "image_id": number, "file_name": f"{stem}.png",
            "path": f"test/{stem}.png", "stem": stem, "width": 60, "height": 40, "source": stem,
            "export_split": "test", "export_id": number,
        })  # fmt: skip
        person = np.zeros((40, 60), bool)
        person[10:30, 10:40] = True
        store.write_image(tmp_path / f"raw/test/{stem}.png", picture(person))
        store.write_mask(tmp_path / f"masks/test/{stem}.png", person.astype(np.uint8))
        found = person & (stem == "all")
        store.write_mask(tmp_path / f"segments/test/{stem}.png", found.astype(np.uint8))
    category = [{"category_id": 1, "name": "People", "supercategory": ""}]
    dataset = Dataset(
        tables.IMAGES.frame(images), tables.ANNOTATIONS.empty(), tables.CATEGORIES.frame(category)
    )
    coco.save(tmp_path / "valid", dataset)
    store.write_table(tmp_path / "valid/labels.csv", dataset.labels, tables.LABELS)
    (tmp_path / "model").symlink_to(model)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(where, segmented="unet", **compare):
    from stages import rivals as stage

    sections = {
        "compare": OFF | compare,
        "segment": {"model": segmented},
        "evaluate": msgspec.to_builtins(DRAWING),
        "compute": {"backend": "local", "workers": 1, "scheduler": None},
        "download": {"attempts": 1, "stalled_after": 1, "finished_within": 1, "folder": "kept"},
    }
    (where / "params.yaml").write_bytes(msgspec.yaml.encode(sections))
    names = ("raw", "valid", "masks", "segments", "model", "rivals", "rivals.csv")
    line = stage.main(*(where / name for name in names))
    return line, store.read_table(where / "rivals.csv", outcomes.RIVALS)


def test_without_weights_the_stage_says_what_to_give(project):
    line, table = run(project)

    notes = dict(zip(table["model"], table["note"], strict=True))
    assert notes == {
        OURS: "",
        DEEPLAB: "not run: give compare.weights",
        SELFIE: "not run: give compare.selfie",
    }
    ours = table.iloc[0]
    assert (ours["iou"], ours["iou_pooled"]) == (0.5, 0.5)  # one photo right, one missed
    assert ours["parameters"] == 3_823_409  # the report's network
    assert ours["input"] == "32×32"
    assert (project / "rivals").is_dir()
    assert "unet 0.500" in line


def test_the_selfie_segmenter_is_run_on_the_same_photos_and_its_masks_are_written(project):
    path = lite_made.make(project / "red.tflite", 40, 60)

    _, table = run(project, selfie=str(path))

    row = table[table["model"] == SELFIE].iloc[0]
    assert row["iou"] == 1.0  # at its own size the red is found exactly
    assert row["images"] == 2
    assert row["category"] == "People"
    assert row["input"] == "40×60"
    for stem in ("all", "none"):
        mask = store.read_mask(project / f"rivals/{SELFIE}/test/{stem}.png")
        np.testing.assert_array_equal(mask, store.read_mask(project / f"masks/test/{stem}.png"))


def test_deeplab_is_run_from_a_file_of_the_public_layout(project):
    import torch

    from pipeline import deeplab

    network = deeplab.DeepLab(helper=False)
    with torch.no_grad():
        network.classifier[4].weight.zero_()
        network.classifier[4].bias.copy_(torch.arange(21) == 15)  # a person everywhere
    torch.save(network.state_dict(), project / "weights.pth")

    _, table = run(project, weights="weights.pth")

    row = table[table["model"] == DEEPLAB].iloc[0]
    assert row["iou"] == pytest.approx(20 * 30 / (40 * 60))
    assert row["parameters"] == 58_630_997
    assert row["input"] == "shorter side 64"
    mask = store.read_mask(Path(f"rivals/{DEEPLAB}/test/all.png"))
    assert mask.shape == (40, 60)
    assert (mask == 1).all()


def test_weights_with_another_checksum_are_refused_before_they_are_read(project):
    (project / "weights.pth").write_bytes(b"something else")

    with pytest.raises(WeightsError, match="not the file that sha256 names"):
        run(project, weights="weights.pth", sha256="0" * 64)
    with pytest.raises(WeightsError, match="no sha256"):
        run(project, weights="https://example.org/weights.pth")


def test_masks_of_a_ready_made_network_are_not_shown_as_the_trained_ones(project):
    _, table = run(project, segmented="tflite")

    assert table["iou"].isna().all()
    assert table["note"].tolist()[0] == "not run: segment.model is tflite"
