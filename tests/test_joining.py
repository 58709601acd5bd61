"""An export in shards is the export in one file; what shards cannot agree on is a row."""

import copy
import json
import zipfile
from pathlib import Path

import exports
import numpy as np
import pytest
from exports import NASTY, content, draw_picture, write
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import auditing, coco, joining, pull, reading, roboflow_pin
from pipeline.joining import Part
from stages import validate as stage

COLUMNS = {
    "images": ("export_id", "file_name"),
    "annotations": ("export_id", "image_id", "category_id"),
    "categories": ("export_id", "name", "supercategory"),
}


def whole_export(count, defects):
    """One split of images with two objects each, some of them spoilt."""
    said = content(count, "a")
    said["categories"].append({"id": 2, "name": "dog", "supercategory": "people"})
    second = copy.deepcopy(said["annotations"])
    for one in second:
        one["segmentation"] = [[number + 3 for number in one["segmentation"][0][:8]]]
        one["bbox"], one["category_id"] = [5, 5, 10, 10], 2
    said["annotations"] = [one for pair in zip(said["annotations"], second, strict=True)
                           for one in pair]  # fmt: skip
    for number, one in enumerate(said["annotations"]):
        one["id"] = number
    for number, name in defects.items():
        spoil(said["annotations"][number % len(said["annotations"])], name)
    return said


def spoil(annotation, name):
    if name in NASTY:
        annotation["segmentation"] = NASTY[name][0]
    elif name == "text id":
        annotation["id"] = str(annotation["id"])
    else:
        annotation[name] = 77  # category_id, iscrowd, area: what nobody knows


def cut(said, bounds, *, renumber):
    """Return the same as shards, at these images; each counts from 0 if it is to renumber."""
    shards = []
    for first, end in zip([0, *bounds], [*bounds, len(said["images"])], strict=True):
        images = copy.deepcopy(said["images"][first:end])
        ids = {one["id"] for one in images}
        objects = [copy.deepcopy(a) for a in said["annotations"] if a["image_id"] in ids]
        if renumber:
            least = int(objects[0]["id"]) if objects else 0
            for one in images:
                one["id"] -= first
            for one in objects:
                one["image_id"] -= first
                one["id"] = type(one["id"])(int(one["id"]) - least)
        shards.append({"images": images, "annotations": objects,
                       "categories": copy.deepcopy(said["categories"])})  # fmt: skip
    return shards


def judge(*shards, **others):
    """Validate shards of train, and other splits, whose pictures are all there."""
    files = [
        ("train", f"train/_annotations.coco.{n}.json", json.dumps(one).encode())
        for n, one in enumerate(shards)
    ]
    files += [(name, f"{name}/a.json", json.dumps(said).encode()) for name, said in others.items()]
    return exports.judge(files)[1]


def written(found):
    """All that ``data/valid`` would hold, as text."""
    return (
        json.dumps(coco.to_coco(found.dataset), sort_keys=True),
        found.repairs.to_csv(),
        found.leaks.to_csv(),
        found.resplit.to_csv(),
    )


def findings(found, *, ids=True):
    """The rows of issues, without the place in a file if shards number it otherwise."""
    places = ["shard"] if ids else ["shard", "image_id", "annotation_id"]
    rows = found.issues.drop(columns=places, errors="ignore")
    return sorted(map(repr, rows.itertuples(index=False)))


def codes(found):
    return found.issues[found.issues["severity"] != "info"]["code"].tolist()


defects = st.dictionaries(
    st.integers(0, 40),
    st.sampled_from([*sorted(NASTY), "text id", "category_id", "iscrowd", "area"]),
    max_size=6,
)


@given(defects=defects, bounds=st.sets(st.integers(1, 8), max_size=4), renumber=st.booleans())
@settings(max_examples=25)
def test_shards_give_the_same_dataset_and_findings_as_one_file(defects, bounds, renumber):
    said, others = whole_export(9, defects), {"valid": content(2, "b"), "test": content(2, "c")}
    shards = cut(said, sorted(bounds), renumber=renumber)

    one, many = judge(said, **others), judge(*shards, **others)

    assert written(many) == written(one)
    assert findings(many, ids=not renumber) == findings(one, ids=not renumber)


def test_a_finding_names_its_shard_and_the_ids_there():
    shards = cut(whole_export(4, {5: "bow-tie"}), [2], renumber=True)

    found = judge(*shards, valid=content(1, "b"))

    row = found.issues[found.issues["code"] == "self_crossing"].iloc[0]
    assert row["shard"] == "train/_annotations.coco.1.json"
    assert (row["image_id"], row["annotation_id"]) == (0, 1)
    assert found.issues.columns[-1] == "shard"
    assert "shard" not in judge(content(2)).issues


def test_a_picture_that_two_shards_list_is_one_image_with_the_objects_of_both():
    first, second = content(2, "a"), content(2, "a")
    for one in second["images"]:  # the same pictures under each other's ids
        one["id"] = 1 - one["id"]
    second["annotations"][0]["segmentation"] = [[1.0, 1, 5, 1, 5, 5, 1, 5]]
    second["annotations"][1]["segmentation"] = [[6.0, 1, 9, 1, 9, 5, 6, 5]]
    for one, box in zip(second["annotations"], ([1, 1, 4, 4], [6, 1, 3, 4]), strict=True):
        one["bbox"] = box

    found = judge(first, second, valid=content(1, "b"), test=content(1, "c"))

    train = found.dataset.annotations[found.dataset.annotations["split"] == "train"]
    assert train.groupby("image_id").size().tolist() == [2, 2]
    last = train[train["image_id"] == 2].iloc[-1]
    assert last["geometry"].bounds == (1, 1, 5, 5)  # the second shard calls that picture 0
    twice = found.issues[found.issues["code"] == "image_file_twice"]
    assert twice["shard"].tolist() == ["train/_annotations.coco.1.json"] * 2
    assert twice["action"].tolist() == ["merged"] * 2


def test_the_same_object_in_two_shards_is_told_and_left_out_once():
    found = judge(content(2, "a"), content(2, "a"), valid=content(1, "b"), test=content(1, "c"))

    assert sorted(codes(found)) == ["annotation_twice"] * 2 + ["image_file_twice"] * 2
    assert (found.dataset.annotations["split"] == "train").sum() == 2


def test_an_image_and_its_objects_may_be_in_different_shards():
    said = content(3, "a")
    images = {"images": said["images"], "categories": said["categories"]}
    objects = {"annotations": said["annotations"]}

    found = judge(images, objects, valid=content(1, "b"), test=content(1, "c"))

    assert codes(found) == []
    assert (found.dataset.annotations["split"] == "train").sum() == 3


def test_where_shards_number_from_nought_an_object_of_no_image_of_its_shard_is_an_orphan():
    first, second = cut(content(6, "a"), [3], renumber=True)
    second["annotations"][0]["image_id"] = 3

    found = judge(first, second, valid=content(1, "b"), test=content(1, "c"))

    row = found.issues[found.issues["code"] == "annotation_orphan"].iloc[0]
    assert (row["shard"], row["value"]) == ("train/_annotations.coco.1.json", 3)


def test_categories_of_one_name_are_one_whatever_shards_call_them():
    first, second = cut(content(4, "a"), [2], renumber=False)
    second["categories"] = [{"id": 7, "name": "person", "supercategory": "people"},
                            {"id": 1, "name": "dog", "supercategory": "people"}]  # fmt: skip
    second["annotations"][0]["category_id"] = 7

    found = judge(first, second, valid=content(1, "b"), test=content(1, "c"))

    names = dict(found.dataset.categories[["category_id", "name"]].itertuples(index=False))
    train = found.dataset.annotations[found.dataset.annotations["split"] == "train"]
    assert [names[one] for one in train["category_id"]] == ["person", "person", "person", "dog"]
    rows = found.issues[found.issues["code"] == "category_renumbered"]
    assert rows[["shard", "value"]].to_numpy().tolist() == [
        ["train/_annotations.coco.1.json", 1.0], ["train/_annotations.coco.1.json", 7.0],
    ]  # fmt: skip


def test_a_category_that_only_another_shard_knows_is_unknown_where_shards_differ():
    first, second = cut(content(4, "a"), [2], renumber=False)
    second["categories"] = [{"id": 7, "name": "person", "supercategory": "people"}]

    found = judge(first, second, valid=content(1, "b"), test=content(1, "c"))

    rows = found.issues[found.issues["code"] == "category_unknown"]
    assert rows["value"].tolist() == [1.0, 1.0]
    assert set(rows["shard"]) == {"train/_annotations.coco.1.json"}


def test_an_unreadable_shard_is_a_row_and_the_others_are_read():
    said = json.dumps(content(2)).encode()
    export = reading.read([("train", "train/a.json", said), ("train", "train/b.json", said[:-1])])

    assert len(export.images) == 2
    row = export.issues.iloc[0]
    assert (row["code"], row["shard"]) == ("json_unreadable", "train/b.json")


def test_a_shard_without_any_list_is_told():
    said = json.dumps(content(2)).encode()
    export = reading.read([("train", "train/a.json", said), ("train", "train/b.json", b"{}")])

    assert (
        export.issues[["code", "shard"]].to_numpy().tolist()
        == [["list_missing", "train/b.json"]] * 3
    )


def part(**lists):
    tables = {
        key: {name: [one.get("id" if name == "export_id" else name) for one in lists.get(key, [])]
              for name in names}
        for key, names in COLUMNS.items()
    }  # fmt: skip
    return Part("train", "train/a.json", **tables, lacks=frozenset())


ids = st.integers(-3, 12) | st.none() | st.sampled_from(["4", 5.0, 2**53 - 1, -(2**53) + 1, [1]])
images = st.lists(st.fixed_dictionaries({"id": ids, "file_name": st.sampled_from("abcdef")}),
                  max_size=5)  # fmt: skip
objects = st.lists(st.fixed_dictionaries({"id": ids, "image_id": ids, "category_id": ids}),
                   max_size=5)  # fmt: skip
categories = st.lists(
    st.fixed_dictionaries({
        "id": ids, "name": st.sampled_from(["x", "y", " x ", "", None]), "supercategory": st.none(),
    }),
    max_size=4,
)  # fmt: skip


@given(st.lists(st.tuples(images, objects, categories), min_size=1, max_size=4))
@settings(max_examples=200)
def test_ids_of_a_split_stand_for_what_each_file_means(files):
    parts = [part(images=i, annotations=a, categories=c) for i, a, c in files]
    split, _ = joining.joined(parts)

    whole = joining.whole
    assert len(split.images["key"]) == sum(len(i) for i, _, _ in files)
    pictures = {}
    for key, name in zip(split.images["key"], split.images["file_name"], strict=True):
        pictures.setdefault(key, set()).add(name)
    named = {}
    for key, name in zip(split.categories["key"], split.categories["name"], strict=True):
        named.setdefault(key, set()).add(joining.spelt(name))
    place = 0
    for i, a, c in files:
        for one in a:
            key = split.annotations["image_key"][place]
            meant = {
                image["file_name"] for image in i if whole(image["id"]) == whole(one["image_id"])
            }
            if whole(one["image_id"]) is None:
                assert key is None
            else:
                assert meant <= pictures.get(key, set())
            meant = {joining.spelt(x["name"]) for x in c
                     if whole(x["id"]) == whole(one["category_id"]) is not None}  # fmt: skip
            if len(meant) == 1 and meant != {""}:
                assert meant <= named[split.annotations["category_key"][place]]
            place += 1
    known = [key for key in split.annotations["key"] if key is not None]
    assert len(set(known)) == sum(len({whole(x["id"]) for x in a} - {None}) for _, a, _ in files)


def test_the_stage_and_the_audit_read_shards_of_a_zip_as_one_file(tmp_path):
    said = whole_export(6, {9: "bow-tie"})
    others = {"valid": content(2, "b"), "test": content(2, "c")}
    one = write(tmp_path / "one", train=said, **others)
    many = write(tmp_path / "many", **others)
    for n, shard in enumerate(cut(said, [2, 4], renumber=True)):
        path = many / "train" / "annotations" / f"part-{n}-of-3.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(shard))
    for image in said["images"]:
        draw_picture(many / "train" / image["file_name"])
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as packed:
        for path in sorted(many.rglob("*.*")):
            packed.write(path, path.relative_to(many))

    for name, export in (("a", one), ("b", tmp_path / "many.zip")):
        limits = auditing.params.settings(None).load(pull.PullParams, "pull")
        account = roboflow_pin.Account(None, lambda done, total: None)
        pull.pull(export, tmp_path / name / "raw", tmp_path / name / "truth", limits, account)
        stage.main(tmp_path / name / "raw", tmp_path / name / "valid", tmp_path / name / "i.csv")

    files = sorted(path.name for path in (tmp_path / "a/valid").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "b/valid").iterdir())
    for name in files:
        there = [(tmp_path / which / "valid" / name).read_bytes() for which in "ab"]
        assert there[0] == there[1], name
    assert sorted(path.name for path in (tmp_path / "b/raw/train").glob("*.json")) == [
        f"_annotations.coco.part-{n}-of-3.json" for n in range(3)
    ]
    audit = auditing.audit(tmp_path / "many.zip", {"tag.detector": "none"})
    assert len(audit.images) == 10
    assert "train/_annotations.coco.part-2-of-3.json" in audit.issues["shard"].tolist()
    page = audit.write(tmp_path / "page")
    assert page.is_file()
    assert ",shard\n" in Path(tmp_path / "page/issues.csv").read_text().splitlines(True)[0]


@pytest.mark.parametrize("renumber", [False, True])
def test_the_order_in_which_shards_are_named_does_not_decide(renumber):
    said = content(4, "a")
    shards = cut(said, [2], renumber=renumber)
    others = {"valid": content(1, "b"), "test": content(1, "c")}

    first, second = judge(*shards, **others), judge(*reversed(shards), **others)

    names = [found.dataset.images["file_name"].tolist() for found in (first, second)]
    assert names[0] == names[1]
    areas = [
        np.array([one.area for one in found.dataset.annotations["geometry"]])
        for found in (first, second)
    ]
    assert (areas[0] == areas[1]).all()
