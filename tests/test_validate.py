import copy
import gc
import json
from pathlib import Path

import exports
import msgspec
import numpy as np
import pandas as pd
import pytest
from exports import LIMITS, NASTY, SHARED, content, examine, write
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import checks, coco, outlines, raw, reading, store, tables, validate
from pipeline.errors import ExportError
from stages import validate as stage

LIST = ("train", "valid", "test")
GROWING = {
    "repairs.csv": checks.REPAIRS,
    "leaks.csv": checks.LEAKS,
    "resplit.csv": checks.RESPLIT,
    "issues.csv": tables.ISSUES,
}


def sound_splits(count=3):
    return {split: content(count, prefix) for split, prefix in zip(LIST, "abc", strict=True)}


def said_by(splits):
    """The annotation files of COCO dictionaries by their split."""
    return [(s, f"{s}/a.json", json.dumps(said).encode()) for s, said in splits.items()]


def judge(splits, limits=LIMITS):
    """Validate COCO dictionaries whose pictures are all there."""
    return exports.judge(said_by(splits), limits)


def rows(found, **values):
    chosen = np.ones(len(found.issues), bool)
    for column, value in values.items():
        chosen &= found.issues[column].to_numpy() == value
    return found.issues[chosen]


def accounted(export, found):
    """Annotations kept, and those with a row that says they were dropped."""
    codes = {check.code for check in validate.checks.CHECKS if check.about == "annotations"}
    dropped = found.issues["code"].isin(codes) & (found.issues["action"] == "dropped")
    return len(found.dataset.annotations), int(dropped.sum()), len(export.annotations)


@given(order=st.permutations(range(12)))
@settings(max_examples=4)
def test_the_order_of_records_does_not_matter(order):
    splits = {"train": content(12, "a"), "valid": content(2, "b"), "test": content(2, "c")}
    splits["train"]["annotations"][3]["segmentation"] = NASTY["bow-tie"][0]
    splits["train"]["annotations"][5]["segmentation"] = []
    _, first = judge(splits)
    for kind in ("images", "annotations"):
        splits["train"][kind] = [splits["train"][kind][index] for index in order]
    _, second = judge(splits)

    assert coco.to_coco(first.dataset) == coco.to_coco(second.dataset)
    assert first.issues.equals(second.issues)


@pytest.mark.parametrize("name", NASTY)
def test_what_is_kept_is_kept_unchanged_the_second_time(name):
    splits = sound_splits(1)
    splits["train"]["annotations"][0]["segmentation"] = copy.deepcopy(NASTY[name][0])
    once = coco.to_coco(judge(splits)[1].dataset)
    _, again = judge(once)

    assert not len(again.repairs)
    assert not rows(again, severity="error").size
    segmentations = [
        [one["segmentation"] for one in said["train"]["annotations"]]
        for said in (once, coco.to_coco(again.dataset))
    ]
    assert segmentations[0] == segmentations[1]


def test_sound_rings_are_written_as_the_export_has_them():
    splits = sound_splits()
    open_ring, closed_ring = [[2, 2, 9.125, 2, 9, 9]], [[2, 2, 9, 2.5, 9, 9, 2, 2]]
    splits["train"]["annotations"][0]["segmentation"] = open_ring
    splits["train"]["annotations"][1]["segmentation"] = closed_ring
    _, found = judge(splits)

    written = coco.to_coco(found.dataset)["train"]["annotations"]
    assert [one["segmentation"] for one in written[:2]] == [open_ring, closed_ring]


def test_an_object_with_a_hole_becomes_a_mask_and_its_repair_is_told():
    splits = sound_splits()
    splits["train"]["annotations"][0]["segmentation"] = NASTY["hole cut open"][0]
    _, found = judge(splits)
    first = found.dataset.annotations.iloc[0]
    repair = found.repairs.iloc[0]

    assert first["rle"]["size"] == [16, 20]
    assert first["geometry"].area == 144 - 25
    assert (repair["code"], repair["area_after"]) == ("self_crossing", 119)
    assert repair["annotation_id"] == 0


def test_a_missing_split_is_carved_and_said():
    splits = {"train": content(20, "a")}
    _, found = judge(splits)

    carved = rows(found, code="split_carved")
    assert carved["split"].tolist() == ["valid", "test"]
    assert carved["value"].tolist() == [4, 4]
    counts = found.dataset.images["split"].value_counts().to_dict()
    assert counts == {"train": 12, "valid": 4, "test": 4}
    assert set(found.dataset.images["export_split"]) == {"train"}
    assert (found.dataset.annotations.groupby("split").size() == [4, 12, 4]).all()


def test_too_few_images_for_all_splits_are_said():
    _, found = judge({"train": content(1, "a")})

    assert rows(found, code="split_empty")["split"].tolist() == ["valid", "test"]


def test_stems_are_unique_on_any_file_system():
    splits = sound_splits(4)
    for image, name in zip(
        splits["train"]["images"], ["a.png", "A.jpg", "a.jpg", "a-2.png"], strict=True
    ):
        image["file_name"] = name
    _, found = judge(splits)

    stems = found.dataset.images.query("split == 'train'")["stem"]
    assert stems.str.casefold().is_unique


def test_findings_on_the_category_table_of_every_split_are_one_row():
    _, found = judge(sound_splits())

    assert rows(found, code="group_category")["split"].tolist() == [""]


def test_codes_of_fail_on_stop_the_run_and_unknown_ones_are_refused():
    splits = sound_splits()
    splits["train"]["annotations"][0]["segmentation"] = []
    _, found = judge(splits)

    validate.refuse(found, [])
    with pytest.raises(ExportError, match="1 × segmentation_empty"):
        validate.refuse(found, ["leak_same", "segmentation_empty"])
    with pytest.raises(ExportError, match="fail_on names segmentation_emtpy"):
        validate.refuse(found, ["segmentation_emtpy"])


def test_an_export_without_usable_pictures_is_refused_with_the_reason():
    splits = sound_splits()
    found = validate.sound(reading.read(said_by(splits)), raw.pictures([]), LIMITS)

    with pytest.raises(ExportError, match="9 × image_missing"):
        validate.refuse(found, [])


def test_more_categories_than_labels_are_refused():
    splits = sound_splits()
    splits["train"]["categories"] += [
        {"id": n, "name": f"c{n}", "supercategory": ""} for n in range(2, 300)
    ]
    with pytest.raises(ExportError, match="299 categories"):
        judge(splits)


def test_the_summary_counts_what_was_kept_and_found():
    splits = sound_splits()
    splits["train"]["annotations"][0]["segmentation"] = []
    export, found = judge(splits)

    said = validate.summary(export, found)
    assert said.startswith("9 images of 9, 8 annotations of 9 kept; 1 error (1 × segmentation_emp")
    assert "validate.boxes: outline" in said


@pytest.mark.parametrize(
    ("bbox", "kept"),
    [
        ([2, 3, 8.5, 4], True), ([2, 3, 0, 4], False), ([2, 3], False), (None, False),
        ([2, 3, "8", 4], False), ([2, 3, -8, 4], False),
    ],
)  # fmt: skip
def test_boxes_without_outlines_stand_for_them_if_that_is_wished(bbox, kept):
    splits = sound_splits()
    splits["train"]["annotations"][0] |= {"segmentation": [], "bbox": bbox}
    export, found = judge(splits, msgspec.structs.replace(LIMITS, boxes="outline"))

    (row,) = rows(found, code="segmentation_empty").itertuples()
    left = found.dataset.annotations
    assert row.action == ("repaired" if kept else "dropped")
    assert len(left) == 8 + kept
    assert ("validate.boxes" in validate.summary(export, found)) is not kept
    if kept:
        x, y, width, height = bbox
        bounds = [one.bounds for one in left["geometry"]]
        assert (x, y, x + width, y + height) in bounds
        assert len(rows(found, code="box_shaped"))


def test_the_stage_writes_the_same_bytes_each_time(tmp_path, monkeypatch):
    write(tmp_path / "raw", **sound_splits())
    settings_ = {"validate": msgspec.to_builtins(LIMITS), "tables": {"parquet_above": 99},
                 "compute": {"backend": "local", "workers": 1, "scheduler": None}}  # fmt: skip
    (tmp_path / "params.yaml").write_bytes(msgspec.yaml.encode(settings_))
    monkeypatch.chdir(tmp_path)
    written = []
    for name in ("a", "b"):
        stage.main(Path("raw"), Path(name), Path(name, "issues.csv"))
        written.append({path.name: path.read_bytes() for path in Path(name).iterdir()})

    assert written[0] == written[1]
    assert set(written[0]) == {
        *(f"{s}.json" for s in LIST),
        "labels.csv",
        "issues.csv",
        "repairs.csv",
        "leaks.csv",
        "resplit.csv",
    }


def test_tables_that_grow_with_the_export_are_parquet_above_a_size(tmp_path, monkeypatch):
    splits = sound_splits()
    splits["train"]["annotations"][0]["segmentation"][0][0] = -9.5  # cut off at the border
    write(tmp_path / "raw", **splits)
    monkeypatch.chdir(tmp_path)
    said = {}
    for above in (99, 0):
        settings_ = {"validate": msgspec.to_builtins(LIMITS), "tables": {"parquet_above": above},
                     "compute": {"backend": "local", "workers": 1, "scheduler": None}}  # fmt: skip
        Path("params.yaml").write_bytes(msgspec.yaml.encode(settings_))
        said[above] = stage.main(Path("raw"), Path(f"v{above}"), Path(f"v{above}", "issues.csv"))

    packed = {path.name for path in Path("v0").iterdir() if path.is_dir()}
    assert {"issues.csv", "repairs.csv"} <= packed <= set(GROWING)
    assert (
        said[0] == f"{said[99]}; {', '.join(name for name in GROWING if name in packed)} as Parquet"
    )
    for name, columns in GROWING.items():
        tables_ = [store.read_table(Path(f"v{above}", name), columns) for above in (99, 0)]
        pd.testing.assert_frame_equal(*tables_, check_exact=True)
    for name in (*(f"{split}.json" for split in LIST), "labels.csv"):
        assert Path("v0", name).read_bytes() == Path("v99", name).read_bytes()


def test_outlines_as_numbers_are_gone_once_they_are_geometry(tmp_path, monkeypatch):
    """Half of the memory of a large export would be numbers that nobody needs any more."""
    seen = []

    def look(tables):
        seen.append(sum(isinstance(one, outlines.Block) for one in gc.get_objects()))
        return tables

    at = validate.checks.STEPS.index(validate.checks.build)
    steps = (look, *validate.checks.STEPS[: at + 1], look, *validate.checks.STEPS[at + 1 :])
    monkeypatch.setattr(validate.checks, "STEPS", steps)
    write(tmp_path, **sound_splits())

    export, _ = validate.run(
        tmp_path,
        LIMITS,
        lambda: [raw.measure(tmp_path, (path, b"")) for path in raw.picture_paths(tmp_path)],
    )

    assert seen == [3, 0]  # one of each split's file
    assert len(export.annotations) == 9


def test_an_export_without_annotation_file_is_refused_with_the_cure(tmp_path):
    with pytest.raises(ExportError, match="COCO Segmentation"):
        raw.annotation_files(tmp_path)


def test_two_annotation_files_of_one_split_are_refused(tmp_path):
    write(tmp_path, **{"valid": content(1), "val": content(1)})

    with pytest.raises(ExportError, match="two files for valid"):
        raw.annotation_files(tmp_path)


def test_pictures_are_listed_in_one_order_without_a_macs_shadows(tmp_path):
    for name in ("b/x.JPG", "a/y.png", "a/._y.png", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert raw.picture_paths(tmp_path) == ["a/y.png", "b/x.JPG"]


@pytest.mark.skipif(not (SHARED / "people").is_dir(), reason="the shared export is not here")
def test_real_person_polygons_lose_nothing():
    export, found = examine(SHARED / "people", LIMITS)

    assert len(found.dataset.images) == 293
    assert accounted(export, found) == (488, 0, 488)
    assert len(rows(found, code="self_crossing")) == 23
    assert not len(rows(found, severity="error"))
