import sys
from pathlib import Path

import numpy as np
import pytest
from exports import examine, sheets
from pycocotools.coco import COCO

from pipeline import coco, rasterise
from pipeline.tables import SPLITS


@pytest.fixture(scope="module")
def ingest():
    """The benchmark's own module; benchmarks are no part of the package."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    try:
        from benchmarks import ingest

        yield ingest
    finally:
        sys.path.pop(0)


@pytest.fixture(scope="module")
def sound(ingest, tmp_path_factory):
    """A generated export of some images and what is found in it."""
    return examine(ingest.made.export(tmp_path_factory.mktemp("made"), 60))[1]


def test_nothing_graver_than_info_is_found_in_a_generated_export(sound):
    graver = sound.issues[sound.issues["severity"] != "info"]

    assert graver[["code", "file_name"]].to_numpy().tolist() == []
    assert len(sound.dataset.images) == 60


def test_whole_masks_of_a_generated_export_are_those_that_pycocotools_merges(
    ingest, sound, tmp_path
):
    coco.save(tmp_path, sound.dataset)
    theirs = {split: COCO(str(tmp_path / f"{split}.json")) for split in SPLITS}
    images = sound.dataset.images

    masks = rasterise.label_masks(sheets(sound.dataset))
    for mask, split, image in zip(masks, images["split"], images["image_id"], strict=True):
        np.testing.assert_array_equal(mask, ingest.merged(theirs[split], image))


def test_a_repeated_annotation_file_has_so_many_times_the_records(ingest):
    content = ingest.made.records(np.random.default_rng(0), 5)
    said = b"".join(ingest.made.repeated(content, 3))

    export = coco.read({"train": ("train/a.json", said)})
    assert export.images["export_id"].tolist() == list(range(15))
    assert export.images["file_name"].is_unique
    assert export.annotations["export_id"].is_unique
    assert set(export.annotations["image_id"]) <= set(range(15))
    assert len(export.annotations) == 3 * len(content["annotations"])
