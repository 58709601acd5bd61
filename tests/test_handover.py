"""What is handed to other tools, read back: by pycocotools, by Roboflow's SDK and by ourselves."""

import copy
import hashlib
import json
import zipfile
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import yaml
from exports import NASTY, SHARED, SQUARE, content, examine, write
from pycocotools.coco import COCO

from pipeline import coco, handover, labelstudio, pull
from pipeline.errors import ExportError, TableError
from stages import exporting

LIMITS = pull.PullParams(
    export="", unpacked_at_most=1.0, attempts=1, stalled_after=1.0, finished_within=1.0
)
ODD = ["con người.png", "a b&c'd\"é.png", "50% #1;x.png"]


@pytest.fixture
def made(tmp_path):
    """A repaired dataset of every nasty outline, two categories and odd names; its folders."""
    train, valid = content(len(NASTY) + 1, "a"), content(3, "b")
    train["annotations"].pop()  # the last picture has no object
    train["categories"].append({"id": 2, "name": "chó: \"x\" & 'y'", "supercategory": "zoo"})
    for record, (said, _) in zip(train["annotations"], NASTY.values(), strict=True):
        record["segmentation"] = copy.deepcopy(said)
        record["category_id"] = 1 + record["id"] % 2
    train["annotations"][0]["iscrowd"] = 1
    for image, name in zip(valid["images"], ODD, strict=True):
        image["file_name"] = name
    raw = write(tmp_path / "raw", train=train, valid=valid, test=content(2, "c"))
    (raw / "README.roboflow.txt").write_text("CC BY 4.0", encoding="utf-8")
    _, found = examine(raw)
    coco.save(tmp_path / "valid", found.dataset)
    return SimpleNamespace(dataset=found.dataset, raw=raw, valid=tmp_path / "valid", at=tmp_path)


def packed(made, kind):
    """The unpacked zip of a format."""
    out = made.at / f"{kind}.zip"
    exporting.export(made.valid, made.raw, kind, out)
    with zipfile.ZipFile(out) as archive:
        archive.extractall(made.at / kind)
    return made.at / kind


def masks(dataset):
    """Split and picture's bytes' name -> masks with their category names, largest first."""
    names = dict(zip(dataset.categories["category_id"], dataset.categories["name"], strict=True))
    found = {}
    for split in ("train", "valid", "test"):
        for image, annotations in handover.per_image(dataset, split):
            drawn = [(names[one.category_id], handover.mask(one, image)) for one in annotations]
            found[split, image.stem] = sorted(drawn, key=lambda one: (one[0], one[1].tobytes()))
    return found


def same(one, other):
    assert one.keys() == other.keys()
    for key, drawn in one.items():
        assert [name for name, _ in drawn] == [name for name, _ in other[key]], key
        for (_, first), (_, second) in zip(drawn, other[key], strict=True):
            np.testing.assert_array_equal(first, second, str(key))


@pytest.mark.parametrize("kind", ["coco", "cvat", "yolo"])
def test_our_own_reader_reads_the_same_masks_back(made, kind):
    packed(made, kind)
    pull.pull(made.at / f"{kind}.zip", made.at / "back", made.at / "truth", LIMITS, None)
    _, found = examine(made.at / "back")

    same(masks(made.dataset), masks(found.dataset))
    if kind != "yolo":  # it has no crowds
        assert found.dataset.annotations["iscrowd"].sum() == 1


@pytest.mark.parametrize(
    ("kind", "name"),
    [("coco", "{}/_annotations.coco.json"), ("cvat", "annotations/instances_{}.json")],
)
def test_pycocotools_draws_the_same_masks(made, kind, name, capsys):
    folder = packed(made, kind)
    found = {}
    for split in ("train", "valid", "test"):
        read = COCO(str(folder / name.format(split)))
        for image in read.imgs.values():
            said = read.loadAnns(read.getAnnIds(imgIds=image["id"]))
            assert all(one["area"] == read.annToMask(one).sum() for one in said)
            drawn = [
                (read.cats[one["category_id"]]["name"], read.annToMask(one) > 0) for one in said
            ]
            stem = image["file_name"].rpartition(".")[0]
            found[split, stem] = sorted(drawn, key=lambda one: (one[0], one[1].tobytes()))
    capsys.readouterr()

    same(masks(made.dataset), found)
    assert sorted(read.cats) == [1, 2]


def test_roboflow_gets_polygons_only_and_cvat_masks_where_there_are_holes(made):
    for kind, name in (("coco", "train/_annotations.coco.json"),
                       ("cvat", "annotations/instances_train.json")):  # fmt: skip
        said = json.loads((packed(made, kind) / name).read_text(encoding="utf-8"))["annotations"]
        encoded = [one for one in said if isinstance(one["segmentation"], dict)]

        assert bool(encoded) == (kind == "cvat")


def test_roboflows_own_uploader_finds_each_pictures_annotation_and_split(made):
    from roboflow.util.folderparser import parsefolder

    for kind in ("coco", "yolo"):
        found = parsefolder(str(packed(made, kind)))["images"]
        splits = [one["split"] for one in found]

        assert all(one.get("annotationfile") for one in found)
        assert {split: splits.count(split) for split in set(splits)} == {
            "train": len(NASTY) + 1, "valid": 3, "test": 2,
        }  # fmt: skip


def test_the_pictures_keep_their_bytes_and_the_licence_goes_with_them(made):
    folder = packed(made, "coco")

    for image in made.dataset.images.itertuples():
        given = folder / image.split / image.file_name
        assert given.read_bytes() == (made.raw / image.path).read_bytes()
    assert (folder / "README.roboflow.txt").read_text(encoding="utf-8") == "CC BY 4.0"


def test_yolos_list_of_names_is_read_as_it_is(made):
    folder = packed(made, "yolo")
    told = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))

    assert told["names"] == made.dataset.categories["name"].tolist()
    assert (told["train"], told["val"], told["test"]) == (
        "train/images", "valid/images", "test/images",
    )  # fmt: skip
    for path in folder.rglob("labels/*.txt"):
        numbers = [line.split()[1:] for line in path.read_text().splitlines()]
        assert all(0 <= float(one) <= 1 and "e" not in one for line in numbers for one in line)
        assert all(len(line) >= 6 and len(line) % 2 == 0 for line in numbers)


def bits(content):
    """Decode Label Studio's runs bit by bit, as its rle-pack does."""
    text, place = "".join(f"{one:08b}" for one in content), 0

    def take(count):
        nonlocal place
        place += count
        return int(text[place - count : place], 2)

    count, word = take(32), take(5) + 1
    sizes = [take(4) + 1 for _ in range(4)]
    values = []
    while len(values) < count:
        run, length = take(1), take(sizes[take(2)]) + 1
        values += [take(word)] * length if run else [take(word) for _ in range(length)]
    return np.array(values)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (16, 20), (150, 200)])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_a_brush_region_is_the_mask(size, share):
    mask = np.random.default_rng(1).random(size) < share
    values = bits(labelstudio.brush(mask)).reshape(*size, 4)

    np.testing.assert_array_equal(values, np.repeat(255 * mask[..., None], 4, axis=2))


def test_label_studio_shows_every_object(made):
    from pycocotools import mask as coco_masks

    folder = packed(made, "labelstudio")
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    names, found = set(made.dataset.categories["name"]), {}
    for task in tasks:
        address = task["data"]["image"]
        assert address.isascii()
        place = next(p for p in folder.rglob("*.png") if address.endswith(quoted(p, folder)))
        drawn = []
        for region in task["annotations"][0]["result"]:
            height, width = region["original_height"], region["original_width"]
            value, (name,) = region["value"], region["value"][region["type"]]
            if region["type"] == "brushlabels":
                mask = bits(value["rle"]).reshape(height, width, 4)[..., 0] > 0
            else:
                points = np.array(value["points"]) / 100 * [width, height]
                (said,) = coco_masks.frPyObjects([points.ravel().tolist()], height, width)
                mask = coco_masks.decode(said) > 0
            assert name in names
            drawn.append((name, mask))
        found[task["data"]["split"], place.stem] = sorted(
            drawn, key=lambda one: (one[0], one[1].tobytes())
        )

    same(masks(made.dataset), found)


def quoted(path, folder):
    from urllib.parse import quote

    return "?d=" + quote(path.relative_to(folder).as_posix())


def test_the_labelling_interface_names_every_category(made):
    from xml.etree import ElementTree

    tree = ElementTree.parse(packed(made, "labelstudio") / "labels.xml")
    for kind in ("PolygonLabels", "BrushLabels"):
        (labels,) = tree.iter(kind)
        assert [one.get("value") for one in labels] == made.dataset.categories["name"].tolist()


@pytest.mark.parametrize("kind", exporting.FORMATS)
def test_the_same_dataset_gives_the_same_bytes(made, kind):
    sums = []
    for name in ("one.zip", "two.zip"):
        exporting.export(made.valid, made.raw, kind, made.at / name)
        sums.append(hashlib.sha256((made.at / name).read_bytes()).hexdigest())
        for path in made.raw.rglob("*.png"):
            path.touch()

    assert sums[0] == sums[1]


def test_two_pictures_of_one_name_but_for_the_suffix_keep_their_labels_apart(tmp_path):
    train = content(2, "a")
    for image, name in zip(train["images"], ("a.png", "a.jpg"), strict=True):
        image["file_name"] = name
    train["annotations"][1]["segmentation"] = [[1, 1, 5, 1, 5, 5]]
    raw = write(tmp_path / "raw", train=train, valid=content(1, "b"), test=content(1, "c"))
    _, found = examine(raw)
    texts = handover.yolo(found.dataset).texts

    labels = [texts[name] for name in sorted(texts) if name.startswith("train/labels")]
    assert len(set(labels)) == 2


def test_a_split_without_pictures_is_left_out(tmp_path):
    raw = write(tmp_path, train=content(1, "a"))
    _, found = examine(raw)

    assert list(handover.roboflow(found.dataset).texts) == ["train/_annotations.coco.json"]
    told = msgspec.yaml.decode(handover.yolo(found.dataset).texts["data.yaml"])
    assert set(told) == {"train", "nc", "names"}


def test_a_mistake_is_told_with_the_cure_and_leaves_no_zip(made):
    out = made.at / "out.zip"
    cases = {
        "choose coco, cvat, yolo": (made.valid, made.raw, "voc", out),
        "run dvc repro": (made.at, made.raw, "coco", out),
        "17 of 18 pictures are not in": (made.valid, made.at / "few", "coco", out),
        "cannot be written": (made.valid, made.raw, "coco", made.raw),
        "cannot be read": (made.valid / "train.json", made.raw, "coco", out),
        "is no folder": (made.valid, made.at / "none", "coco", out),
    }
    image = made.dataset.images.iloc[0]
    (made.at / "few" / image.path).parent.mkdir(parents=True)
    (made.at / "few" / image.path).write_bytes(b"x")

    for message, words in cases.items():
        with pytest.raises((ExportError, TableError), match=message):
            exporting.export(*words)
    assert not out.exists()
    assert not list(made.at.glob(".*.part"))


@pytest.mark.skipif(not (SHARED / "zoo").is_dir(), reason="the shared exports are not here")
@pytest.mark.parametrize(
    "name", ["cat_multipart", pytest.param("borrat_rle", marks=pytest.mark.slow)]
)
def test_real_masks_come_back_pixel_by_pixel(tmp_path, name):
    raw = SHARED / "zoo" / name
    _, found = examine(raw)
    coco.save(tmp_path / "valid", found.dataset)
    exporting.export(tmp_path / "valid", raw, "yolo", tmp_path / "x.zip")
    pull.pull(tmp_path / "x.zip", tmp_path / "back", tmp_path / "truth", LIMITS, None)
    _, again = examine(tmp_path / "back")

    assert len(found.dataset.annotations) > 30
    same(masks(found.dataset), masks(again.dataset))


def test_a_picture_that_asks_to_be_turned_does_not_any_more(made):
    from PIL import Image

    image = made.dataset.images.iloc[0]
    path = made.raw / image.path
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as picture:
        pixels = np.array(picture)
        picture.save(path, exif=exif)

    with Image.open(packed(made, "coco") / image.split / image.file_name) as given:
        np.testing.assert_array_equal(np.array(given), pixels)
        assert given.getexif()[0x0112] == 1


def test_a_square_is_written_as_it_is_drawn(made):
    said = json.loads((packed(made, "coco") / "test/_annotations.coco.json").read_text())

    assert said["annotations"][0]["segmentation"] == [SQUARE[:-2]]
    assert said["annotations"][0]["area"] == 100
    assert said["annotations"][0]["bbox"] == [2, 2, 10, 10]
    assert said["images"][0] == {
        "id": 1, "file_name": "c0_jpg.rf.0000.png", "width": 20, "height": 16,
    }  # fmt: skip


@pytest.mark.parametrize("side", [20, 333, 640, 4097])
def test_a_corner_at_an_odd_tenth_is_rounded_as_it_was(side):
    """pycocotools takes ``int(5 x + 0.5)``, which turns at 0.1, 0.3 and so on."""
    points = np.arange(1, 10 * side, 2, dtype=float)[:, None] / 10
    shares = handover._shares(points, np.array([side]))
    read = [float(handover._written(one)) * side for one in shares.ravel().tolist()]

    turned = (5 * np.array(read) + 0.5).astype(int) == (5 * points.ravel() + 0.5).astype(int)
    assert turned.all()
    assert np.abs(np.array(read) - points.ravel()).max() < 1e-9


@pytest.mark.parametrize("kind", ["coco", "cvat"])
def test_a_dataset_that_went_out_and_came_back_has_no_changes(made, kind):
    from pipeline import compare

    packed(made, kind)
    pull.pull(made.at / f"{kind}.zip", made.at / "back", made.at / "truth", LIMITS, None)
    _, found = examine(made.at / "back")

    rows = compare.changes(made.dataset, found.dataset)
    assert rows.to_dict("records") == []
