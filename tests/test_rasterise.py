import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from exports import LIMITS, NASTY, SHARED, content, examine, sheets, write
from pycocotools import mask as cocomask

from pipeline import coco, drawing, rasterise, store
from pipeline.errors import ExportError, TableError
from stages import rasterise as stage

ROOT = Path(__file__).parents[1]
SQUARE = [[2, 2, 6, 2, 6, 6, 2, 6]]


def test_each_image_gets_a_mask_whose_labels_are_the_categories(make_dataset):
    dataset = make_dataset([SQUARE, [[8, 2, 10, 2, 10, 4, 8, 4]]], category_ids=[1, 3])
    (sheet,) = sheets(dataset)
    mask = rasterise.label_mask(sheet)

    assert sheet.name == "train/a.png"
    assert (mask.shape, mask.dtype) == ((16, 20), np.uint8)
    assert np.bincount(mask.ravel()).tolist() == [320 - 16 - 4, 16, 0, 4]


def test_an_image_without_objects_gets_an_empty_mask_beside_others(make_dataset):
    dataset = make_dataset([SQUARE])
    more = dataset.images.assign(image_id=2, stem="b")
    import pandas as pd

    wider = type(dataset)(pd.concat([dataset.images, more], ignore_index=True),
                          dataset.annotations, dataset.categories)  # fmt: skip

    assert [len(sheet.objects) for sheet in sheets(wider)] == [1, 0]


def test_boxes_alone_stop_with_the_cure(make_dataset):
    with pytest.raises(ExportError, match='export the version from Roboflow as "COCO Segm'):
        sheets(make_dataset([]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image_id": 7}, "unknown image 7"),
        ({"category_id": 0}, "not as we write it"),
        ({"category_id": 256}, "not as we write it"),
        ({"segmentation": "none"}, "not as we write it"),
        ({"segmentation": [[1, 2, 3]]}, "train of data/valid"),
        ({"segmentation": {"size": [16, 20], "counts": "0"}}, "runs add up to 0 pixels"),
    ],
)
def test_what_validate_never_writes_is_refused_with_the_cure(make_dataset, tmp_path, change, said):
    coco.save(tmp_path, make_dataset([SQUARE]))
    content = json.loads((tmp_path / "train.json").read_text())
    content["annotations"][0] |= change
    (tmp_path / "train.json").write_text(json.dumps(content))

    with pytest.raises(TableError, match=f"(?s){said}.*run "):
        rasterise.load(tmp_path)


def test_to_draw_masks_no_table_is_made():
    code = "import stages.rasterise, sys; print('pandas' in sys.modules, 'joblib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)

    assert (done.stdout.split(), done.stderr) == (["False", "False"], "")


@pytest.mark.parametrize("name", NASTY)
def test_what_validate_keeps_of_a_nasty_polygon_is_what_pycocotools_draws_of_it(tmp_path, name):
    segmentation, left = NASTY[name]
    train = content(1, "a")
    train["annotations"][0]["segmentation"] = segmentation
    _, found = examine(write(tmp_path, train=train, valid=content(1, "b"), test=content(1, "c")))
    mask = rasterise.label_mask(sheets(found.dataset)[0])

    assert mask.any() == left
    assert (found.dataset.annotations["split"] == "train").any() == left
    if left and name != "half outside":
        several = segmentation if isinstance(segmentation, list) else None
        encoded = cocomask.merge(cocomask.frPyObjects(several, 16, 20)) if several else segmentation
        np.testing.assert_array_equal(mask, cocomask.decode(encoded))


def parameters(folder, most, workers=1):
    (folder / "params.yaml").write_text(
        f"compute: {{backend: local, workers: {workers}, scheduler: null}}\n"
        f"rasterise: {{archive_above: {most}}}\n"
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_a_large_split_is_one_archive_of_the_same_masks(tmp_path, monkeypatch, workers):
    _, found = examine(
        write(tmp_path / "raw", train=content(5), valid=content(2, "b"), test=content(1, "c"))
    )
    coco.save(tmp_path / "valid", found.dataset)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stage, "HELD", 2)
    parameters(tmp_path, 20000)
    summary = stage.main(Path("valid"), Path("plain"))
    parameters(tmp_path, 2, workers)

    assert stage.main(Path("valid"), Path("packed")) == summary
    assert sorted(path.name for path in Path("packed").iterdir()) == ["test", "train.zip", "valid"]
    masks = sorted(Path("plain/train").iterdir())
    with zipfile.ZipFile("packed/train.zip") as archive:
        assert archive.namelist() == [path.name for path in masks]
        assert {one.compress_type for one in archive.infolist()} == {zipfile.ZIP_STORED}
        assert [archive.read(path.name) for path in masks] == [path.read_bytes() for path in masks]
    for path in masks:
        there = store.read_mask(Path("packed/train") / path.name)
        np.testing.assert_array_equal(there, store.read_mask(path))
    before = Path("packed/train.zip").read_bytes()
    stage.main(Path("valid"), Path("packed"))
    assert Path("packed/train.zip").read_bytes() == before
    parameters(tmp_path, 20000)
    stage.main(Path("valid"), Path("packed"))  # and back
    assert not Path("packed/train.zip").exists()
    assert len(list(Path("packed/train").iterdir())) == 5


def test_the_stage_writes_a_palette_png_that_reads_back(tmp_path, monkeypatch):
    _, found = examine(
        write(tmp_path / "raw", train=content(3), valid=content(1, "b"), test=content(1, "c"))
    )
    coco.save(tmp_path / "valid", found.dataset)
    parameters(tmp_path, 20000)
    monkeypatch.chdir(tmp_path)
    summary = stage.main(Path("valid"), Path("masks"))

    assert summary.startswith("5 masks of 5 annotations")
    assert store.read_mask(next((tmp_path / "masks" / "train").glob("*.png"))).sum() == 100


@pytest.mark.skipif(not (SHARED / "people").is_dir(), reason="the shared export is not here")
def test_real_annotations_are_drawn_as_by_pycocotools():
    _, found = examine(SHARED / "people", LIMITS)
    repaired = set(zip(found.repairs["split"], found.repairs["annotation_id"], strict=True))
    sizes = {(i.split, i.image_id): (i.height, i.width) for i in found.dataset.images.itertuples()}
    raw = {
        (split, one["id"]): one["segmentation"]
        for split in ("valid", "test")
        for one in json.loads((SHARED / "people" / split / "_annotations.coco.json").read_text())[
            "annotations"
        ]
    }
    compared = 0
    for row in found.dataset.annotations.itertuples():
        key = (row.split, row.export_id)
        if key in raw and key not in repaired:
            height, width = sizes[row.split, row.image_id]
            one = drawing.Drawn(1, row.geometry, row.rle)
            sheet = rasterise.Sheet("", [one], height, width)
            theirs = cocomask.merge(cocomask.frPyObjects(raw[key], height, width))
            np.testing.assert_array_equal(rasterise.label_mask(sheet), cocomask.decode(theirs))
            compared += 1

    assert compared > 100
