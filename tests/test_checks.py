import json
from pathlib import Path

import pytest
from exports import LIMITS, SQUARE, content, draw_picture, examine, write

from pipeline.checks import CHECKS

NAN = float("nan")


def image(number=0, **values):
    """Return what changes one image record."""
    return lambda export: export["images"][number].update(values)


def annotation(number=0, **values):
    """Return what changes one annotation."""
    return lambda export: export["annotations"][number].update(values)


def outline(*rings):
    return annotation(segmentation=[list(ring) for ring in rings])


def extra(kind, **values):
    """Return what appends a record that is like the last one but for some values."""
    return lambda export: export[kind].append({**export[kind][-1], **values})


def append(kind, record):
    return lambda export: export[kind].append(record)


def without(key):
    return lambda export: export["annotations"][0].pop(key)


def several(*changes):
    return lambda export: [change(export) for change in changes]


def rle(counts, size=(16, 20)):
    return annotation(segmentation={"size": list(size), "counts": counts})


ONE = 9_000_000  # an id that nothing has
DEFECTS = {  # name -> the defect, planted in train; the code; how many rows
    "image that is no object": (append("images", 7), "image_malformed", 1),
    "image without id": (image(id=None), "image_malformed", 1),
    "image id that is true": (image(id=True), "image_malformed", 1),
    "image without name": (image(file_name=None), "image_malformed", 1),
    "image name that is a number": (image(file_name=12), "image_malformed", 1),
    "image name of blanks": (image(file_name="  "), "image_malformed", 1),
    "image id as text": (image(id="0"), "image_id_wrong", 1),
    "image id as fraction": (image(id=0.0), "image_id_wrong", 1),
    "path up and out": (image(file_name="../../../etc/passwd.png"), "image_path_outside", 1),
    "absolute path": (image(file_name="/etc/passwd.png"), "image_path_outside", 1),
    "path with a drive": (image(file_name="C:\\a.png"), "image_path_outside", 1),
    "long file name": (extra("images", id=7, file_name="x" * 150 + ".png"), "file_name_long", 1),
    "two records of one picture": (extra("images", id=ONE), "image_file_twice", 1),
    "one id for two pictures": (extra("images", file_name="other.png"), "image_id_twice", 2),
    "annotation that is no object": (append("annotations", []), "annotation_malformed", 1),
    "annotation of no image": (annotation(image_id=None), "annotation_malformed", 1),
    "annotation of no category": (annotation(category_id=[1]), "annotation_malformed", 1),
    "annotation without id": (annotation(id=None), "annotation_id_wrong", 1),
    "annotation id as text": (annotation(id="x"), "annotation_id_wrong", 1),
    "image reference as text": (annotation(image_id="0"), "annotation_id_wrong", 1),
    "annotation id twice": (annotation(id=1), "annotation_id_twice", 1),
    "unknown image": (annotation(image_id=ONE), "annotation_orphan", 1),
    "iscrowd of two": (annotation(iscrowd=2), "iscrowd_wrong", 1),
    "iscrowd missing": (without("iscrowd"), "iscrowd_wrong", 1),
    "crowd": (annotation(iscrowd=1), "iscrowd_set", 1),
    "category that is no object": (append("categories", None), "category_malformed", 1),
    "category without name": (extra("categories", id=7, name=" "), "category_malformed", 1),
    "category without id": (extra("categories", id=None, name="b"), "category_malformed", 1),
    "category id twice": (extra("categories", name="dog"), "category_id_twice", 2),
    "category name twice": (extra("categories", id=7), "category_name_twice", 1),
    "category name in blanks": (
        extra("categories", id=7, name=" person"), "category_name_twice", 1
    ),
    "category name in capitals": (
        extra("categories", id=7, name="PERSON"), "category_name_alike", 1
    ),
    "unknown category": (annotation(category_id=ONE), "category_unknown", 1),
    "unused category": (extra("categories", id=7, name="dog"), "category_unused", 1),
    "group category": (lambda e: None, "group_category", 1),
    "wrong width": (image(width=21), "image_size_wrong", 1),
    "height missing": (image(height=None), "image_size_wrong", 1),
    "size that is no number": (image(width=NAN), "image_size_wrong", 1),
    "image without annotations": (lambda e: e["annotations"].pop(), "image_bare", 1),
    "box only": (annotation(segmentation=[]), "segmentation_empty", 1),
    "segmentation null": (annotation(segmentation=None), "segmentation_empty", 1),
    "one empty ring": (annotation(segmentation=[[]]), "segmentation_empty", 1),
    "segmentation missing": (without("segmentation"), "segmentation_empty", 1),
    "segmentation as text": (annotation(segmentation="1 2 3"), "segmentation_wrong", 1),
    "segmentation as number": (annotation(segmentation=7), "segmentation_wrong", 1),
    "numbers beside rings": (annotation(segmentation=[1, [2, 3]]), "segmentation_wrong", 1),
    "flat list": (annotation(segmentation=SQUARE), "segmentation_flat", 1),
    "NaN vertex": (outline([NAN, *SQUARE[1:]]), "coordinates_wrong", 1),
    "infinite vertex": (outline([float("-inf"), *SQUARE[1:]]), "coordinates_wrong", 1),
    "null vertex": (outline([None, *SQUARE[1:]]), "coordinates_wrong", 1),
    "text vertex": (outline(["2", *SQUARE[1:]]), "coordinates_wrong", 1),
    "nested points": (outline([[2, 2], [12, 2], [12, 12]]), "coordinates_wrong", 1),
    "huge vertex": (outline([1e300, *SQUARE[1:]]), "coordinates_huge", 1),
    "huge whole number": (outline([10**400, *SQUARE[1:]]), "coordinates_huge", 1),
    "odd count": (outline(SQUARE[:-1]), "coordinates_odd", 1),
    "two points": (outline(SQUARE[:4]), "ring_short", 1),
    "one point four times": (outline([3, 3] * 4), "ring_short", 1),
    "short second ring": (outline(SQUARE, [1, 1, 2, 2]), "ring_short", 1),
    "ring on a line": (outline([2, 2, 4, 4, 9, 9]), "ring_without_area", 1),
    "bow-tie": (outline([2, 2, 12, 12, 12, 2, 2, 12]), "self_crossing", 1),
    "spike": (outline([2, 2, 12, 2, 12, 12, 12, 15, 12, 12, 2, 12]), "spike", 1),
    "near spike": (outline([2, 2, 12, 2, 12, 12, 12, 15, 11.99, 12, 2, 12]), "spike", 1),
    "repeated point": (outline([2, 2, 2, 2, 12, 2, 12, 12, 2, 12]), "points_repeated", 1),
    "partly outside": (outline([-4, 2, 12, 2, 12, 12, -4, 12]), "outside_partly", 1),
    "wholly outside": (outline([40, 2, 50, 2, 50, 12, 40, 12]), "outside_wholly", 1),
    "outside by a corner": (outline([19, 17, 21, 15.5, 21, 17]), "outside_wholly", 1),
    "bbox of another place": (annotation(bbox=[9, 2, 10, 10]), "bbox_wrong", 1),
    "bbox outside": (annotation(bbox=[-9, 2, 10, 10]), "bbox_outside", 1),
    "bbox negative": (annotation(bbox=[2, 2, -10, 10]), "bbox_missing", 1),
    "bbox of three numbers": (annotation(bbox=[2, 2, 10]), "bbox_missing", 1),
    "bbox with NaN": (annotation(bbox=[2, 2, NAN, 10]), "bbox_missing", 1),
    "area of another object": (annotation(area=7), "area_wrong", 1),
    "area missing": (annotation(area=None), "area_wrong", 1),
    "tiny object": (outline([2, 2, 3, 2, 3, 3]), "annotation_tiny", 1),
    "exact duplicate": (extra("annotations", id=7), "annotation_twice", 1),
    "duplicate of another category": (
        several(extra("categories", id=2, name="dog"), extra("annotations", id=7, category_id=2)),
        "annotation_conflict",
        1,
    ),
    "near duplicate": (
        extra("annotations", id=7, segmentation=[[2, 2, 12, 2, 12, 12, 2, 12.1]]),
        "annotation_overlap",
        1,
    ),
    "upright box": (lambda e: None, "box_shaped", 2),
    "rle": (rle("0b94b`4"), "rle_mask", 0),
    "rle without counts": (annotation(segmentation={"size": [16, 20]}), "rle_wrong", 1),
    "rle without size": (annotation(segmentation={"counts": [320]}), "rle_wrong", 1),
    "rle of negative size": (rle([320], size=(-16, -20)), "rle_wrong", 1),
    "rle with broken counts": (rle("\u00e9"), "rle_wrong", 1),
    "rle cut off": (rle("oo"), "rle_wrong", 1),
    "rle with a negative run": (rle([10, -5, 315]), "rle_wrong", 1),
    "rle of another size": (rle([10, 5, 95], size=(10, 11)), "rle_size", 1),
    "rle too short": (rle([10, 5]), "rle_size", 1),
    "rle too long": (rle([10, 5, 10**6]), "rle_size", 1),
    "rle without pixels": (rle([320]), "rle_empty", 1),
    "uncompressed rle": (rle([20, 40, 260]), "rle_uncompressed", 1),
}  # fmt: skip


def codes(found, code):
    return found.issues[found.issues["code"] == code]


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_named(tmp_path, name):
    plant, code, rows = DEFECTS[name]
    train = content(prefix="t")
    plant(train)
    for one in ("train", "valid", "test"):
        for record in content(prefix=one[0])["images"]:
            (tmp_path / one).mkdir(exist_ok=True)
            draw_picture(tmp_path / one / record["file_name"])
    splits = {"train": train, "valid": content(prefix="v"), "test": content(prefix="e")}
    for split, said in splits.items():
        (tmp_path / split / "_annotations.coco.json").write_text(json.dumps(said))
    _, found = examine(tmp_path)
    rows_found = codes(found, code)
    of_train = rows_found[rows_found["split"].isin(["train", ""])]

    assert len(of_train) == rows
    severity = next(check.severity for check in CHECKS if check.code == code)
    assert set(rows_found["severity"]) <= {severity}


def test_a_sound_export_has_no_error_and_no_warning(tmp_path):
    folder = write(tmp_path, train=content(9, "a"), valid=content(5, "b"), test=content(4, "c"))
    _, found = examine(folder)

    assert set(found.issues["severity"]) == {"info"}


def zeros_within(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    return bytes(content)


PICTURES = {
    "missing": (Path.unlink, "image_missing"),
    "empty": (lambda path: path.write_bytes(b""), "image_empty"),
    "text": (lambda path: path.write_text("no picture"), "image_unreadable"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-200]), "image_truncated"),
    "header only": (lambda path: path.write_bytes(path.read_bytes()[:60]), "image_truncated"),
    "zeros within": (lambda path: path.write_bytes(zeros_within(path)), "image_unreadable"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_broken_picture_is_named_and_set_aside_with_its_annotations(tmp_path, name):
    folder = write(tmp_path, train=content(3, "a"), valid=content(2, "b"), test=content(2, "c"))
    harm, code = PICTURES[name]
    harm(sorted((folder / "train").glob("*.png"))[0])
    _, found = examine(folder)

    assert len(codes(found, code)) == 1
    assert len(codes(found, "image_dropped")) == 1
    assert len(found.dataset.images) == 6


def test_same_bytes_are_named_within_a_split_and_across_splits(tmp_path):
    folder = write(tmp_path, train=content(3, "a"), valid=content(2, "b"), test=content(2, "c"))
    a0, a1, *_ = sorted((folder / "train").glob("*.png"))
    a1.write_bytes(a0.read_bytes())
    b0 = sorted((folder / "valid").glob("*.png"))[0]
    b0.write_bytes(a0.read_bytes())
    _, found = examine(folder)

    assert codes(found, "image_twice")["file_name"].tolist() == [a1.name]
    assert codes(found, "leak_same")["file_name"].tolist() == [b0.name]


def test_versions_of_one_source_in_two_splits_are_named(tmp_path):
    train, valid = content(2, "a"), content(2, "b")
    valid["images"][0]["file_name"] = "a1_jpg.rf.ffff.png"
    folder = write(tmp_path, train=train, valid=valid, test=content(1, "c"))
    _, found = examine(folder)

    assert codes(found, "leak_source")["file_name"].tolist() == ["a1_jpg.rf.ffff.png"]


def test_a_mirrored_picture_in_another_split_is_named(tmp_path):
    import cv2

    folder = write(tmp_path, train=content(2, "a"), valid=content(2, "b"), test=content(2, "c"))
    a0, b0 = (sorted((folder / split).glob("*.png"))[0] for split in ("train", "valid"))
    cv2.imwrite(str(b0), cv2.imread(str(a0))[:, ::-1])
    _, found = examine(folder)

    assert codes(found, "leak_alike")["file_name"].tolist() == [b0.name]


def test_a_picture_asking_to_be_turned_is_named(tmp_path):
    from PIL import Image

    folder = write(tmp_path, train=content(2, "a"), valid=content(1, "b"), test=content(1, "c"))
    a0 = sorted((folder / "train").glob("*.png"))[0]
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(a0) as picture:
        picture.save(a0, exif=exif)
    _, found = examine(folder)

    assert codes(found, "image_rotated")["value"].tolist() == [6]


def test_pictures_in_a_subfolder_are_found_and_named(tmp_path):
    folder = write(tmp_path, train=content(2, "a"), valid=content(1, "b"), test=content(1, "c"))
    (folder / "train" / "images").mkdir()
    for path in sorted((folder / "train").glob("*.png")):
        path.rename(path.parent / "images" / path.name)
    draw_picture(folder / "train" / "images" / "stray.png")
    _, found = examine(folder)

    assert len(found.dataset.images) == 4
    assert len(codes(found, "image_elsewhere")) == 2
    assert codes(found, "image_unlisted")["file_name"].tolist() == ["stray.png"]


def test_tables_that_differ_between_splits_are_joined_by_name(tmp_path):
    valid = content(2, "b")
    valid["categories"][1]["id"] = 5
    for one in valid["annotations"]:
        one["category_id"] = 5
    folder = write(tmp_path, train=content(2, "a"), valid=valid, test=content(2, "c"))
    _, found = examine(folder)

    assert codes(found, "categories_differ")["value"].tolist() == [5]
    assert found.dataset.categories["name"].tolist() == ["person"]
    assert len(found.dataset.annotations) == 6


def test_every_check_has_its_own_code_and_says_what_it_means():
    assert len({check.code for check in CHECKS}) == len(CHECKS)
    assert all(len(check.meaning) > 15 for check in CHECKS)


def test_limits_are_those_that_rows_show(tmp_path):
    train = content(1, "a")
    annotation(segmentation=[[2, 2, 4, 2, 4, 3.5, 2, 3.5]])(train)
    folder = write(tmp_path, train=train, valid=content(1, "b"), test=content(1, "c"))
    row = codes(examine(folder)[1], "annotation_tiny").iloc[0]

    assert (row["value"], row["limit"]) == (3.0, LIMITS.tiny_below)
