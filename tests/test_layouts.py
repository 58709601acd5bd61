import re
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from pipeline import foreign, layouts
from pipeline.errors import PullError

pytestmark = pytest.mark.filterwarnings("ignore:__array__")  # of pycocotools, under NumPy 2
SHARED = Path(__file__).parents[2] / "shared" / "data"
COCO = b'{"images": [], "annotations": [], "categories": []}'
NAME = "_annotations.coco.json"


def lay(folder, *names, **contents):
    """Make files: JSON is COCO, everything else its own name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(COCO if name.endswith(".json") else name.encode())
    return folder


def found(folder):
    """Split -> (its annotations below the folder, where its pictures will lie)."""
    layout = layouts.find(folder, foreign.READERS)
    return {
        split.name: (
            " ".join(path.relative_to(folder).as_posix() for path in split.annotations),
            [place for _, place in split.files],
        )
        for split in layout.splits
    }


@pytest.mark.parametrize("wrap", ["", "export", "people.v3/people", "a/b/c"])
def test_an_export_is_found_through_the_folders_that_wrap_it(tmp_path, wrap):
    root = lay(tmp_path / wrap, f"train/{NAME}", "train/a.jpg", f"test/{NAME}", "test/b.jpg")

    assert layouts.find(tmp_path).root == root
    assert [split.name for split in layouts.find(tmp_path).splits] == ["train", "test"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            [f"train/{NAME}", "train/images/a.jpg"],
            {"train": (f"train/{NAME}", ["images/a.jpg"])},
        ),
        (
            [f"train/Images/{NAME}", "train/Images/a.jpg"],
            {"train": (f"train/Images/{NAME}", ["Images/a.jpg"])},
        ),
        (
            [f"train/{NAME}", "train/Images/a.jpg", "train/Masks/a.jpg"],
            {"train": (f"train/{NAME}", ["Images/a.jpg"])},
        ),
        (
            ["Train/instances.json", "Train/a.JPG", f"val/{NAME}", "val/b.png"],
            {"train": ("Train/instances.json", ["a.JPG"]), "valid": (f"val/{NAME}", ["b.png"])},
        ),
        (
            [f"{s}/{NAME}" for s in ("training", "validation", "testing")],
            {
                "train": (f"training/{NAME}", []),
                "valid": (f"validation/{NAME}", []),
                "test": (f"testing/{NAME}", []),
            },
        ),
        (
            [
                "annotations/instances_train2017.json",
                "annotations/instances_val2017.json",
                "annotations/captions_train2017.json",
                "annotations/person_keypoints_val2017.json",
                "train2017/a.jpg",
                "val2017/b.jpg",
            ],
            {
                "train": ("annotations/instances_train2017.json", ["a.jpg"]),
                "valid": ("annotations/instances_val2017.json", ["b.jpg"]),
            },
        ),
        (
            [
                "annotations/train.json",
                "annotations/test.json",
                "images/train/a.jpg",
                "images/b.png",
            ],
            {
                "train": ("annotations/train.json", ["a.jpg"]),
                "test": ("annotations/test.json", ["b.png", "train/a.jpg"]),
            },
        ),
        (
            ["train.json", "train/a.jpg", "valid.json", "valid/b.jpg"],
            {"train": ("train.json", ["a.jpg"]), "valid": ("valid.json", ["b.jpg"])},
        ),
        (
            [NAME, "images/a.jpg", "truth/clean/a.png"],
            {"train": (NAME, ["images/a.jpg"])},
        ),
        (
            ["annotations/instances_default.json", "images/a.jpg"],  # CVAT's
            {"train": ("annotations/instances_default.json", ["images/a.jpg"])},
        ),
        (
            [*(f"train/_annotations.coco.{n}.json" for n in (10, 2, 1)), f"train/{NAME}"],
            {
                "train": (
                    f"train/{NAME} "
                    + " ".join(f"train/_annotations.coco.{n}.json" for n in (1, 2, 10)),
                    [],
                )
            },
        ),
        (
            ["train/_annotations.coco.a.json", "train/_annotations.coco.b.json", "train/x.jpg"],
            {"train": ("train/_annotations.coco.a.json train/_annotations.coco.b.json", ["x.jpg"])},
        ),
        (
            ["train/annotations/b.json", "train/annotations/a.json", "train/images/x.jpg"],
            {"train": ("train/annotations/a.json train/annotations/b.json", ["images/x.jpg"])},
        ),
        (
            [
                "annotations/train/1.json",
                "annotations/train/0.json",
                "annotations/val/0.json",
                "train2017/a.jpg",
            ],
            {
                "train": ("annotations/train/0.json annotations/train/1.json", ["a.jpg"]),
                "valid": ("annotations/val/0.json", ["train2017/a.jpg"]),
            },
        ),
        (
            [f"annotations/instances_train-{n:05}-of-00003.json" for n in range(3)],
            {
                "train": (
                    " ".join(f"annotations/instances_train-{n:05}-of-00003.json" for n in range(3)),
                    [],
                )
            },
        ),
        (
            ["_annotations.coco.1.json", "_annotations.coco.2.json", "images/a.jpg"],
            {"train": ("_annotations.coco.1.json _annotations.coco.2.json", ["images/a.jpg"])},
        ),
        (
            ["annotations/part-0.json", "annotations/part-1.json", "images/a.jpg"],
            {"train": ("annotations/part-0.json annotations/part-1.json", ["images/a.jpg"])},
        ),
    ],
    ids=lambda value: " ".join(value)[:70] if isinstance(value, list) else "",
)
def test_each_way_to_lay_out_coco_is_understood(tmp_path, files, expected):
    assert found(lay(tmp_path, *files)) == expected


def test_json_that_is_not_coco_is_passed_over(tmp_path):
    lay(tmp_path, "train/coco.json", "train/a.jpg")
    (tmp_path / "train" / "other.json").write_text('{"images": []}')
    (tmp_path / "train" / "broken.json").write_text('{"images": [')

    assert found(tmp_path) == {"train": ("train/coco.json", ["a.jpg"])}


def test_broken_json_of_roboflows_name_is_left_to_validate(tmp_path):
    lay(tmp_path, f"train/{NAME}")
    (tmp_path / "train" / NAME).write_bytes(b"{")

    assert found(tmp_path) == {"train": (f"train/{NAME}", [])}


def test_a_broken_shard_is_not_passed_over(tmp_path):
    lay(tmp_path, "train/annotations/1.json", "train/annotations/2.json")
    (tmp_path / "train/annotations/3.json").write_bytes(COCO[:-1])

    with pytest.raises(PullError, match="3.json, which is no JSON"):
        found(tmp_path)


def test_litter_and_hidden_folders_are_passed_over(tmp_path):
    lay(tmp_path, f"train/{NAME}", "train/._a.jpg", "train/.cache/b.jpg", "__MACOSX/train/x.json")

    assert found(tmp_path) == {"train": (f"train/{NAME}", [])}


def test_links_are_followed_and_a_folder_that_holds_itself_is_read_once(tmp_path):
    lay(tmp_path / "cache", "a.jpg")
    lay(tmp_path / "export", f"train/{NAME}")
    train = tmp_path / "export" / "train"
    (train / "a.jpg").symlink_to(tmp_path / "cache" / "a.jpg")
    (train / "gone.jpg").symlink_to(tmp_path / "cache" / "gone.jpg")
    (train / "again").symlink_to(train)

    assert found(tmp_path / "export") == {"train": (f"train/{NAME}", ["a.jpg"])}


def test_notes_and_truth_are_found_beside_the_splits(tmp_path):
    lay(tmp_path, f"train/{NAME}", "README.roboflow.txt", "LICENSE", "notes.txt", "truth/tags.csv")

    layout = layouts.find(tmp_path)

    assert [path.name for path in layout.notes] == ["LICENSE", "README.roboflow.txt"]
    assert layout.truth == tmp_path / "truth"


def test_pictures_that_no_split_with_annotations_holds_are_told(tmp_path):
    lay(tmp_path, f"train/{NAME}", "train/a.jpg", "test/b.jpg", "truth/clean/a.png")

    assert layouts.find(tmp_path).left_out == ("test/b.jpg",)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "found nothing"),
        (["a.txt", "b.md"], "found a.txt, b.md"),
        ([f"{n}.dat" for n in range(8)], "0.dat, 1.dat, 2.dat, 3.dat, 4.dat and 3 more"),
        (["train/a.jpg", "train/a.xml"], "the format Pascal VOC; in Roboflow choose .* 'COCO Seg"),
        (["train/x.tfrecord"], "the format TFRecord"),
        (["train/_annotations.csv"], "the format CSV"),
        ([f"one/train/{NAME}", f"two/train/{NAME}"], "holds 2 exports: one, two; give one of"),
        ([f"val/{NAME}", f"valid/{NAME}"], "holds the split 'valid' 2 times; keep one"),
        (["train/a.json", "train/b.json"], f"holds 2 annotation files: a.json, b.json; .* {NAME}"),
        ([f"a/b/c/d/e/train/{NAME}"], "is no export"),
        (
            [f"train/{NAME}", "train/_annotations.coco.old.json"],
            "train holds _annotations.coco.json, _annotations.coco.old.json: copies or shards?",
        ),
        (
            [f"train/{NAME}", "train/annotations/a.json", "train/annotations/b.json"],
            f"train holds 3 annotation files: {NAME}, annotations/a.json",
        ),
        ([f"train/a/{NAME}", f"train/b/{NAME}"], "train holds 2 annotation files"),
        (
            [f"train/_annotations.coco.{n}-of-4.json" for n in (1, 2, 4)],
            r"train holds 3 .* lacks 1 .* _annotations\.coco\.3-of-4\.json; bring",
        ),
        (
            ["annotations/instances_train2014.json", "annotations/instances_train2017.json"],
            "holds the split 'train' 2 times",
        ),
        (["annotations/cats.json", "annotations/dogs.json"], "is no export"),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else "",
)
def test_a_folder_that_is_not_one_export_is_refused_with_one_line(tmp_path, files, said):
    with pytest.raises(PullError, match=f"^{re.escape(str(tmp_path))}.*{said}") as caught:
        found(lay(tmp_path, *files))
    assert "\n" not in str(caught.value)


# YOLO and pictures of masks


def picture(path, size_wh=(20, 10)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size_wh).save(path)


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def read(folder):
    """Split -> its COCO."""
    layout = layouts.find(folder, foreign.READERS)
    return {split.name: msgspec.json.decode(split.annotations) for split in layout.splits}


def objects(coco):
    """(picture, category, segmentation) of every object."""
    pictures = {image["id"]: image["file_name"] for image in coco["images"]}
    names = {category["id"]: category["name"] for category in coco["categories"]}
    return [
        (pictures[a["image_id"]], names[a["category_id"]], a["segmentation"])
        for a in coco["annotations"]
    ]


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("{}/images/a.png", "{}/labels/a.txt"),  # Roboflow
        ("images/{}/a.png", "labels/{}/a.txt"),  # Ultralytics
        ("wrapped/{}/images/a.png", "wrapped/{}/labels/a.txt"),
        ("{}/a.png", "{}/a.txt"),
    ],
)
def test_yolo_polygons_become_coco_polygons_in_pixels(tmp_path, image, label):
    for split in ("train", "val"):
        picture(tmp_path / image.format(split))
        text(tmp_path / label.format(split), "1 0.5 0 1 1 0 1\n\n0 .25 .5 .5 .5 .5 1\n")
    root = tmp_path / "wrapped" if image.startswith("wrapped") else tmp_path
    text(root / "data.yaml", "names: [dog, person]\n")

    for split in read(tmp_path).values():
        place = "images/a.png" if image.startswith(("{}/images", "wrapped")) else "a.png"
        assert objects(split) == [
            (place, "person", [[10.0, 0.0, 20.0, 10.0, 0.0, 10.0]]),
            (place, "dog", [[5.0, 5.0, 10.0, 5.0, 10.0, 10.0]]),
        ]
        assert split["annotations"][0]["bbox"] == [0, 0, 20, 10]
    assert set(read(tmp_path)) == {"train", "valid"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"data.yaml": "names: {0: cat, 3: person}"}, "person"),
        ({"classes.txt": "a\nb\nc\nperson\n"}, "person"),
        ({}, "class_4"),
        ({"data.yaml": "nc: 4"}, "class_4"),
        ({"data.yaml": "names: 7"}, "class_4"),
    ],
    ids=str,
)
def test_yolo_classes_are_named_as_their_list_does(tmp_path, names, expected):
    picture(tmp_path / "images" / "a.png")
    text(tmp_path / "labels" / "a.txt", "3 0 0 1 0 1 1")
    for name, content in names.items():
        text(tmp_path / name, content)

    assert objects(read(tmp_path)["train"])[0][1] == expected


def test_a_yolo_box_is_an_object_without_a_polygon_and_a_picture_may_hold_none(tmp_path):
    picture(tmp_path / "images" / "a.png")
    picture(tmp_path / "images" / "b.png")
    text(tmp_path / "labels" / "a.txt", "0 0.5 0.5 0.5 0.2")

    coco = read(tmp_path)["train"]

    assert objects(coco) == [("images/a.png", "class_1", [])]
    assert coco["annotations"][0]["bbox"] == [5, 4, 10, 2]
    assert [image["file_name"] for image in coco["images"]] == ["images/a.png", "images/b.png"]


@pytest.mark.parametrize(
    "line", ["person 0 0 1 0 1 1", "0 0 0 x", "-1 0 0 1 1 0 1", "1e99 0 0", "nan 0"]
)
def test_a_yolo_line_that_is_not_numbers_is_named(tmp_path, line):
    picture(tmp_path / "images" / "a.png")
    text(tmp_path / "labels" / "a.txt", f"0 0 0 1 0 1 1\n{line}")

    with pytest.raises(PullError, match=r"a\.txt, line 2: expected a class and numbers"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("line", "segmentation"),
    [
        ("0", []),
        ("0 0.5", [[10.0]]),
        ("0 0 0 1 0 nan 1", [[0.0, 0.0, 20.0, 0.0, None, 10.0]]),
        ("0 0 0 1 0 1", [[0.0, 0.0, 20.0, 0.0, 20.0]]),
    ],
)
def test_what_is_wrong_with_a_yolo_polygon_is_left_to_validate(tmp_path, line, segmentation):
    picture(tmp_path / "images" / "a.png")
    text(tmp_path / "labels" / "a.txt", line)

    assert objects(read(tmp_path)["train"]) == [("images/a.png", "class_1", segmentation)]


def drawn(coco, size_hw):
    """The union of a COCO file's masks by name, by pycocotools."""
    canvas = {}
    for _, name, segmentation in objects(coco):
        rle = {**segmentation, "counts": segmentation["counts"].encode()}
        canvas[name] = canvas.get(name, np.zeros(size_hw, bool)) | (coco_mask.decode(rle) > 0)
    return canvas


@given(
    labels=st.lists(st.integers(0, 3), min_size=24, max_size=24),
    mode=st.sampled_from(["L", "P"]),
)
@settings(deadline=None, max_examples=30)
def test_masks_become_objects_that_draw_the_same_masks(tmp_path_factory, labels, mode):
    mask = np.array(labels, np.uint8).reshape(4, 6)
    folder = tmp_path_factory.mktemp("masks")
    picture(folder / "train" / "a.jpg", (6, 4))
    image = Image.fromarray(mask, mode="P") if mode == "P" else Image.fromarray(mask)
    if mode == "P":
        image.putpalette(bytes(range(256)) * 3)
    image.save(folder / "train" / "a_mask.png")
    text(
        folder / "train" / "_classes.csv", "Pixel Value, Class\n0, background\n1, person\n2, dog\n"
    )

    coco = read(folder)["train"]

    names = {1: "person", 2: "dog", 3: "class_3"}
    expected = {names[value]: mask == value for value in np.unique(mask) if value}
    assert {k: v.tolist() for k, v in drawn(coco, (4, 6)).items()} == {
        k: v.tolist() for k, v in expected.items()
    }
    count = sum(cv2.connectedComponents((mask == v).astype(np.uint8))[0] - 1 for v in (1, 2, 3))
    assert len(coco["annotations"]) == count
    assert [image["file_name"] for image in coco["images"]] == ["a.jpg"]


def test_pascal_voc_masks_are_read_by_its_lists_and_its_border_is_no_category(tmp_path):
    for stem in ("a", "b", "c"):
        picture(tmp_path / "VOC" / "JPEGImages" / f"{stem}.jpg", (3, 1))
    for stem in ("a", "b"):
        image = Image.fromarray(np.array([[0, 15, 255]], np.uint8), mode="P")
        image.putpalette(bytes(768))
        path = tmp_path / "VOC" / "SegmentationClass" / f"{stem}.png"
        path.parent.mkdir(exist_ok=True)
        image.save(path)
    for name, stems in {"train": "a\n", "val": "b\nc\n", "trainval": "a\nb\n"}.items():
        text(tmp_path / "VOC" / "ImageSets" / "Segmentation" / f"{name}.txt", stems)

    splits = read(tmp_path)

    assert {name: len(split["images"]) for name, split in splits.items()} == {
        "train": 1,
        "valid": 1,
    }
    assert {k: v.tolist() for k, v in drawn(splits["train"], (1, 3)).items()} == {
        "class_15": [[False, True, False]]
    }
    assert layouts.find(tmp_path, foreign.READERS).left_out == ("JPEGImages/c.jpg",)


def test_colours_of_masks_are_named_by_cvats_label_map(tmp_path):
    picture(tmp_path / "images" / "a.jpg", (3, 1))
    (tmp_path / "masks").mkdir()
    colours = np.array([[[0, 0, 0], [128, 0, 0], [224, 224, 192]]], np.uint8)
    Image.fromarray(colours).save(tmp_path / "masks" / "a.png")
    text(
        tmp_path / "labelmap.txt", "# label:color_rgb:parts:actions\nbg:0,0,0::\nperson:128,0,0::\n"
    )

    coco = read(tmp_path)["train"]

    assert {k: v.tolist() for k, v in drawn(coco, (1, 3)).items()} == {
        "person": [[False, True, False]]
    }


def test_a_mask_that_cannot_be_read_is_named(tmp_path):
    picture(tmp_path / "train" / "a.jpg")
    text(tmp_path / "train" / "a_mask.png", "?")

    with pytest.raises(PullError, match=r"a_mask\.png is a mask that cannot be read"):
        read(tmp_path)


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared exports")
def test_coco_wins_where_an_export_holds_masks_too(tmp_path):
    layout = layouts.find(SHARED / "zoo" / "tooth", foreign.READERS)

    assert [path.name for split in layout.splits for path in split.annotations] == [NAME, NAME]
    assert all(place.startswith("Images/") for split in layout.splits for _, place in split.files)
