"""What changed between two versions: planted one by one, then through DVC's own history."""

import copy
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely
from exports import content

from pipeline import coco, compare, rle, store, tables
from pipeline.errors import TableError
from stages import compare as stage

ROOT = Path(__file__).parents[1]
FAR = [[13.0, 10.0, 18.0, 10.0, 18.0, 15.0, 13.0, 15.0]]


def version(**splits):
    """A dataset of COCO dictionaries as ``coco.save`` writes them, ids from 1."""
    said = {}
    for split in tables.SPLITS:
        said[split] = copy.deepcopy(splits.get(split)) or content(0)
        for kind in ("images", "annotations"):
            for place, one in enumerate(said[split][kind], 1):
                one["id"] = place
        for one in said[split]["annotations"]:
            one["image_id"] += one.pop("shift", 1)
            one.setdefault("export_id", 0)
        for one in said[split]["images"]:
            name = one["file_name"]
            one |= {"path": f"{split}/{name}", "stem": name.rpartition(".")[0]}
            one |= {"source": name.partition("_jpg")[0], "export_split": split, "export_id": 0}
        said[split]["categories"] = said["train"]["categories"]
    return coco.from_coco(said)


def base():
    train, valid = content(3, "a"), content(2, "b")
    train["categories"] = [
        {"id": 1, "name": "person", "supercategory": ""},
        {"id": 2, "name": "dog", "supercategory": ""},
    ]
    train["annotations"].append({**train["annotations"][0], "segmentation": copy.deepcopy(FAR)})
    return {"train": train, "valid": valid, "test": content(1, "c")}


def told(after, before=None):
    """Rows as (kind, split, file_name, annotation_id, category, value, before, after)."""
    rows = compare.changes(version(**(before or base())), version(**after))
    plain = rows.astype(object).where(rows.notna(), None)
    return list(plain.itertuples(index=False, name=None))


def test_the_same_dataset_has_no_changes():
    assert told(base()) == []


def test_added_and_removed_images_are_told_with_their_objects():
    after = base()
    after["valid"] = content(3, "b")

    row = ("image_added", "valid", "b2_jpg.rf.0002.png", None, "", 1.0, "", "")
    assert told(after) == [row]
    assert told(base(), after) == [("image_removed", *row[1:])]


def test_an_image_in_another_split_was_moved_and_its_objects_are_the_same():
    after = base()
    after["valid"] = content(1, "b")
    moved = content(2, "b")
    after["test"]["images"].append(moved["images"][1])
    after["test"]["annotations"].append({**moved["annotations"][1], "shift": 1})

    assert told(after) == [
        ("image_moved", "test", "b1_jpg.rf.0001.png", None, "", None, "valid", "test")
    ]


def test_a_picture_of_the_same_source_was_renamed():
    after = base()
    after["test"]["images"][0]["file_name"] = "c0_jpg.rf.ffff.png"

    assert told(after) == [
        (
            "image_renamed", "test", "c0_jpg.rf.ffff.png", None, "", None,
            "c0_jpg.rf.0000.png", "c0_jpg.rf.ffff.png",
        )
    ]  # fmt: skip


def test_a_picture_of_another_size_keeps_its_objects():
    after = base()
    after["test"]["images"][0] |= {"width": 40, "height": 32}
    ring = after["test"]["annotations"][0]["segmentation"][0]
    after["test"]["annotations"][0]["segmentation"] = [[2 * number for number in ring]]

    assert told(after) == [
        ("image_resized", "test", "c0_jpg.rf.0000.png", None, "", None, "20x16", "40x32")
    ]


def test_added_and_removed_objects_are_told():
    after = base()
    after["train"]["annotations"].pop()

    row = ("annotation_removed", "train", "a0_jpg.rf.0000.png", 4, "person", None, "", "")
    assert told(after) == [row]
    assert told(base(), after) == [("annotation_added", *row[1:])]


def test_an_edited_object_has_the_iou_of_its_masks():
    after = base()
    ring = after["train"]["annotations"][1]["segmentation"][0]
    after["train"]["annotations"][1]["segmentation"] = [[number + 2 for number in ring]]

    assert told(after) == [
        (
            "annotation_edited", "train", "a1_jpg.rf.0001.png", 2, "person",
            pytest.approx(64 / 136), "100", "100",
        )
    ]  # fmt: skip


def test_an_outline_that_moves_within_its_pixels_is_the_same():
    after = base()
    after["train"]["annotations"][1]["segmentation"][0][0] += 0.01

    assert told(after) == []


def test_an_outline_that_is_now_a_mask_is_the_same():
    after = base()
    mask = np.zeros((16, 20), bool)
    mask[2:12, 2:12] = True
    after["train"]["annotations"][1]["segmentation"] = rle.encode(mask)

    assert told(after) == []


def test_an_object_elsewhere_is_another_object():
    after = base()
    after["train"]["annotations"][2]["segmentation"] = copy.deepcopy(FAR)

    assert [row[0] for row in told(after)] == ["annotation_removed", "annotation_added"]


def test_an_object_of_another_category_was_relabelled():
    after = base()
    after["train"]["annotations"][1]["category_id"] = 2

    assert told(after) == [
        ("annotation_relabelled", "train", "a1_jpg.rf.0001.png", 2, "dog", 1.0, "person", "dog")
    ]


def test_of_objects_on_each_other_those_of_one_category_are_the_same():
    before = base()
    for category in (2, 1):
        twin = {**before["train"]["annotations"][1], "category_id": category}
        before["train"]["annotations"].append(twin)
    after = copy.deepcopy(before)
    after["train"]["annotations"].insert(0, after["train"]["annotations"].pop())

    assert told(after, before) == []


def test_a_category_with_the_same_objects_was_renamed_and_its_objects_were_not_touched():
    after = base()
    after["train"]["categories"][0]["name"] = "human"

    assert told(after) == [("category_renamed", "", "", None, "human", None, "person", "human")]


def test_a_category_without_objects_was_renamed_if_its_place_is_the_same():
    after = base()
    after["train"]["categories"][1]["name"] = "cat"

    assert told(after) == [("category_renamed", "", "", None, "cat", None, "dog", "cat")]


def test_categories_come_and_go_and_keep_their_objects_when_their_ids_shift():
    after = base()
    after["train"]["categories"] = [
        {"id": 1, "name": "bird", "supercategory": "animals"},
        {"id": 2, "name": "person", "supercategory": ""},
    ]
    for split in after.values():
        for one in split["annotations"]:
            one["category_id"] = 2

    assert [row[0] + " " + row[4] for row in told(after)] == [
        "category_removed dog", "category_added bird",
    ]  # fmt: skip


def test_every_kind_is_explained_and_ordered():
    dataset = version(**base())
    empty = version(train={**content(0), "categories": base()["train"]["categories"]})
    kinds = compare.changes(dataset, empty)["kind"].tolist()

    assert kinds == ["image_removed"] * 6
    assert compare.summary(compare.changes(dataset, empty)) == "6 × image removed"


def test_an_empty_dataset_can_be_compared_with_itself():
    empty = version()

    assert not len(compare.changes(empty, empty))


def test_masks_with_holes_are_compared_by_pixels():
    before = base()
    holed = shapely.box(2, 2, 12, 12).difference(shapely.box(5, 5, 8, 8))
    dataset = version(**before)
    geometry = dataset.annotations["geometry"].to_numpy().copy()
    geometry[1] = holed
    from dataclasses import replace

    other = replace(dataset, annotations=dataset.annotations.assign(geometry=geometry))

    (row,) = compare.changes(dataset, other).itertuples()
    assert (row.before, row.after, row.value) == ("100", "91", pytest.approx(0.91))


def grid(prefix, count):
    """Pictures of 100 x 100 with nine squares each, of two categories."""
    said = content(count, prefix)
    said["categories"] = base()["train"]["categories"]
    for image in said["images"]:
        image |= {"width": 100, "height": 100}
    said["annotations"] = [
        {**said["annotations"][image], "category_id": 1 + cell % 2, "segmentation": [
            [x, y, x + 20, y, x + 20, y + 20, x, y + 20]
        ]}
        for image in range(count)
        for cell in range(9)
        for x, y in [(5 + 30 * (cell % 3), 5 + 30 * (cell // 3))]
    ]  # fmt: skip
    return said


def edit(said, chance):
    """Change objects and images at random; return how many rows of each kind that gives."""
    counts, kept = Counter(), []
    for one in said["annotations"]:
        what = chance.choice(["", "", "removed", "edited", "relabelled"])
        counts[f"annotation_{what}"] += bool(what)
        if what == "edited":
            one["segmentation"] = [[number + 3 for number in one["segmentation"][0]]]
        if what == "relabelled":
            one["category_id"] = 3 - one["category_id"]
        kept += [] if what == "removed" else [one]
    said["annotations"] = kept
    for image in said["images"]:
        if chance.random() < 0.3:
            image["file_name"] = image["file_name"].replace(".rf.", ".rf.new")
            counts["image_renamed"] += 1
    chance.shuffle(said["images"])
    return counts


@pytest.mark.parametrize("seed", range(4))
def test_all_of_many_edits_are_found_and_nothing_else(seed):
    chance = random.Random(seed)
    before = {"train": grid("a", 6), "valid": grid("b", 2), "test": grid("c", 2)}
    after = copy.deepcopy(before)
    expected = sum((edit(said, chance) for said in after.values()), Counter())
    for said in after.values():  # ids follow the order of the shuffled images
        place = {one["id"]: number for number, one in enumerate(said["images"])}
        for one in said["annotations"]:
            one["image_id"] = place[one["image_id"]]
    rows = compare.changes(version(**before), version(**after))

    assert Counter(rows["kind"]) == +expected
    edited = rows[rows["kind"] == "annotation_edited"]
    assert edited["value"].to_numpy() == pytest.approx(17 * 17 / (800 - 17 * 17))


# Through DVC

ENVIRONMENT = {**os.environ, "DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(ROOT)}
ENVIRONMENT["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
TABLES = "tables: {parquet_above: 1000}\n"
PIPELINE = """stages:
  validate:
    cmd: cp -r made data/valid
    deps: [made]
    outs: [data/valid]
  compare:
    cmd: python -m stages.compare data/valid reports/changes.csv
    deps: [data/valid]
    params: [validate.previous, tables]
    outs:
      - reports/changes.csv:
          cache: false
"""


class Project:
    """A repository whose dataset is what ``put`` says."""

    def __init__(self, where):
        self.where = where

    def run(self, *words):
        done = subprocess.run(
            words, cwd=self.where, env=ENVIRONMENT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def put(self, splits):
        coco.save(self.where / "made", version(**splits))

    def repro(self, *words):
        """What the stage says."""
        said = self.run("dvc", "repro", *words)
        return said.partition("\ncompare: ")[2].partition("\n")[0]

    def commit(self, what="-A"):
        self.run("git", "add", what)
        name = ["-c", "user.name=test", "-c", "user.email=test@test"]
        self.run("git", *name, "commit", "-q", "-m", "a version")

    @property
    def lock(self):
        return (self.where / "dvc.lock").read_text(encoding="utf-8")

    @property
    def kinds(self):
        table = store.read_table(self.where / "reports/changes.csv", tables.CHANGES)
        return table["kind"].tolist()


def edited():
    after = base()
    after["train"]["annotations"].pop()
    return after


@pytest.fixture(scope="module", params=["csv", "parquet"])
def project(request, tmp_path_factory):
    """A project whose first version is built and committed, its table small or large."""
    if shutil.which("dvc", path=ENVIRONMENT["PATH"]) is None:
        pytest.skip("dvc is not installed")
    project = Project(tmp_path_factory.mktemp("history") / "project")
    (project.where / "data").mkdir(parents=True)
    (project.where / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
    tables = TABLES.replace("1000", "0") if request.param == "parquet" else TABLES
    text = "validate: {previous: null}\n" + tables
    (project.where / "params.yaml").write_text(text, encoding="utf-8")
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    project.put(base())
    assert project.repro() == "no earlier dataset to compare with"
    project.commit()
    return project


def test_the_last_commits_dataset_is_compared_and_a_forced_run_changes_nothing(project):
    first = project.lock
    assert project.repro("-f").startswith("as committed for this dataset in ")
    assert project.lock == first
    assert project.kinds == []

    project.put(edited())
    assert project.repro().startswith("1 × annotation removed since ")
    second = project.lock
    project.repro("-f")
    assert project.lock == second
    assert project.kinds == ["annotation_removed"]

    project.commit()
    assert project.repro("-f").startswith("as committed for this dataset in ")
    assert project.lock == second


def test_a_lock_committed_without_its_table_is_compared_with_the_version_before(project):
    project.put({**base(), "valid": content(1, "b")})
    project.repro()
    lock = project.lock
    project.commit("dvc.lock")

    assert project.repro("-f").startswith("1 × image removed, 1 × annotation added since ")
    assert project.lock == lock
    project.commit()


def test_a_clone_comes_to_the_same_lock_and_says_what_it_cannot_compare(project, tmp_path):
    clone = Project(tmp_path)
    clone.run("git", "clone", "-q", str(project.where), ".")
    assert clone.repro("-f").startswith("as committed for this dataset in ")
    assert clone.lock == project.lock

    shutil.rmtree(clone.where / ".dvc/cache")
    clone.put(edited())
    assert clone.repro().endswith("is not in DVC's cache: nothing to compare")
    assert clone.kinds == []


def test_a_named_folder_is_compared_with_and_a_wrong_one_is_told(tmp_path, monkeypatch):
    for name, splits in (("old", base()), ("new", edited())):
        coco.save(tmp_path / name, version(**splits))
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("validate: {previous: old}\n" + TABLES, encoding="utf-8")

    assert stage.main(Path("new"), Path("changes.csv")) == "1 × annotation removed since old"
    once = Path("changes.csv").read_bytes()
    stage.main(Path("new"), Path("changes.csv"))
    assert Path("changes.csv").read_bytes() == once

    Path("params.yaml").write_text("validate: {previous: nowhere}\n" + TABLES, encoding="utf-8")
    with pytest.raises(TableError, match="nowhere"):
        stage.main(Path("new"), Path("changes.csv"))


def test_without_git_there_is_nothing_to_compare(tmp_path, monkeypatch):
    coco.save(tmp_path / "valid", version(**base()))
    (tmp_path / "params.yaml").write_text("validate: {previous: null}\n" + TABLES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert stage.main(Path("valid"), Path("changes.csv")) == "no earlier dataset to compare with"
    assert json.loads(Path("valid/train.json").read_text())["images"]
