"""Predictions as outlines to correct, and which photo to take first."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import lite_made
import msgspec
import numpy as np
import pytest
import shapely
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools.coco import COCO

from pipeline import coco, drawing, outcomes, params, prelabel, store, tables
from pipeline.errors import ExportError, ImageError
from pipeline.prelabel import Found, PrelabelParams

ROOT = Path(__file__).parents[1]
USUAL = PrelabelParams(tolerance=1.5, like=0.97, smallest=0.0005, unsure=0.05)


def blobs(seed, height=120, width=160, count=5):
    """Ellipses with ragged outlines and holes, as networks draw them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    mask = np.zeros((height, width), bool)
    for _ in range(count):
        cy, cx = rng.uniform(0, height), rng.uniform(0, width)
        ry, rx = rng.uniform(3, height / 3), rng.uniform(3, width / 4)
        rough = 1 + 0.15 * np.sin(5 * np.arctan2(y - cy, x - cx) + rng.uniform(0, 6))
        far = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2
        mask |= far < rough
        mask &= ~(far < 0.1)
    return mask.astype(np.uint8)


def drawn(found, shape):
    objects = [drawing.Drawn(label, outline, None) for label, outline in found]
    return drawing.label_mask(objects, *shape)


def iou(one, other):
    return (one & other).sum() / max((one | other).sum(), 1)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    tolerance=st.sampled_from([0.0, 1.5, 4.0]),
    smallest=st.sampled_from([0.0, 0.01]),
)
def test_outlines_drawn_again_are_the_mask_but_for_a_few_hundredths(seed, tolerance, smallest):
    mask = blobs(seed)
    limits = PrelabelParams(tolerance=tolerance, like=0.97, smallest=smallest, unsure=0.05)

    found = prelabel.objects(mask, limits)

    assert all(outline.is_valid for _, outline in found)
    assert iou(drawn(found, mask.shape) > 0, mask > 0) >= 0.97
    if tolerance == smallest == 0:
        np.testing.assert_array_equal(drawn(found, mask.shape), mask)


def test_outlines_have_far_fewer_points_than_the_mask_has_edges():
    mask = np.zeros((200, 200), np.uint8)
    y, x = np.mgrid[:200, :200]
    mask[(y - 100) ** 2 + (x - 100) ** 2 < 80**2] = 1

    ((_, outline),) = prelabel.objects(mask, USUAL)

    exact = prelabel.objects(mask, msgspec.structs.replace(USUAL, tolerance=0.0))[0][1]
    assert shapely.get_num_coordinates(outline) < shapely.get_num_coordinates(exact) / 5
    assert iou(drawing.object_mask(outline, 200, 200), mask > 0) >= 0.97


def test_a_hole_stays_a_hole_and_specks_are_neither_objects_nor_holes():
    mask = np.zeros((100, 100), np.uint8)
    mask[10:60, 10:60] = 2
    mask[20:40, 20:40] = 0  # 4 % of the picture
    mask[50:52, 50:52] = 0  # 0.04 %
    mask[90:92, 90:92] = 1

    ((label, outline),) = prelabel.objects(mask, USUAL)

    assert label == 2
    assert len(outline.interiors) == 1
    again = drawing.object_mask(outline, 100, 100)
    assert not again[30, 30]
    assert again[51, 51]


def test_specks_are_kept_where_they_are_all_that_was_found():
    mask = np.zeros((100, 100), np.uint8)
    mask[40:42, 40:42] = 1

    ((label, outline),) = prelabel.objects(mask, USUAL)

    assert (label, outline.area) == (1, 4)


def test_objects_that_do_not_touch_are_several_and_of_several_labels():
    mask = np.zeros((60, 60), np.uint8)
    mask[5:15, 5:15], mask[30:50, 30:50], mask[30:40, 5:15] = 1, 1, 3

    found = prelabel.objects(mask, USUAL)

    assert [label for label, _ in found] == [1, 1, 3]
    assert found[0][1].area > found[1][1].area
    assert prelabel.objects(np.zeros((9, 9), np.uint8), USUAL) == []


@pytest.mark.parametrize(
    ("likely", "bits"),
    [
        (np.zeros((10, 10, 1)), 0),
        (np.ones((10, 10, 1)), 0),
        (np.full((10, 10, 1), 0.5), 1),
        (np.full((10, 10, 4), 0.25), 1),
        (np.full((10, 10, 1), 0.11), 0.4999),  # -0.11 log2 0.11 - 0.89 log2 0.89
    ],
    ids=["sure of nothing", "sure of people", "a coin's toss", "any of four", "one in nine"],
)
def test_doubt_is_measured_in_bits(likely, bits):
    assert prelabel.uncertainty(likely.astype(np.float32), 0.05) == pytest.approx(bits, abs=1e-3)


def test_doubt_counts_where_it_is_greatest_whatever_the_size_of_the_objects():
    likely = np.zeros((100, 100, 1), np.float32)
    likely[:5] = 0.5  # 5 % of the pixels

    assert prelabel.uncertainty(likely, 0.05) == pytest.approx(1, abs=1e-4)
    assert prelabel.uncertainty(likely, 0.1) == pytest.approx(0.5, abs=1e-4)


def scene(seed, size=(90, 120)):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (5, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC))


def found(name, seed, doubt):
    return Found(name, 90, 120, [(1, shapely.box(0, 0, 12, 9))], doubt, prelabel.looks(scene(seed)))


def test_a_photo_that_is_labelled_already_teaches_nothing():
    labelled = np.stack([prelabel.looks(scene(seed)) for seed in (1, 2, 3)])
    photos = [found("known.jpg", 2, 0.9), found("new.jpg", 9, 0.5)]

    table = prelabel.rank(photos, labelled, ["1.jpg", "2.jpg", "3.jpg"])

    assert table["file_name"].tolist() == ["new.jpg", "known.jpg"]
    assert table["unlike"].iloc[1] == pytest.approx(0, abs=1e-5)
    assert table["nearest"].iloc[1] == "2.jpg"
    assert table["share"].tolist() == [pytest.approx(0.01)] * 2


def test_of_equally_new_photos_the_doubtful_one_comes_first_and_its_twin_last():
    labelled = np.stack([prelabel.looks(scene(seed)) for seed in (1, 2)])
    photos = [
        found("sure.jpg", 7, 0.2), found("twin.jpg", 8, 0.85), found("doubt.jpg", 8, 0.9),
    ]  # fmt: skip

    table = prelabel.rank(photos, labelled, ["1.jpg", "2.jpg"])

    assert table["file_name"].tolist() == ["doubt.jpg", "sure.jpg", "twin.jpg"]
    assert table["nearest"].iloc[2] == "doubt.jpg"
    assert table["score"].is_monotonic_decreasing
    np.testing.assert_allclose(table["score"], table["uncertainty"] * table["unlike"])


def test_without_anything_labelled_photos_are_unlike_each_other():
    photos = [found(f"{seed}.jpg", seed, 0.5) for seed in (4, 5)]

    table = prelabel.rank(photos, np.empty((0, 0), np.float32), [])

    assert table["unlike"].iloc[0] == 1
    assert table["nearest"].tolist()[0] == ""
    assert prelabel.rank([], np.empty((0, 0), np.float32), []).equals(outcomes.PRELABEL.empty())


@pytest.fixture(scope="module")
def red(tmp_path_factory):
    return lite_made.make(tmp_path_factory.mktemp("lite") / "red.tflite", 96, 96)


@pytest.fixture
def project(tmp_path, red):
    """Photos of red people, one turned by EXIF, and settings that find red."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, name in enumerate(("one.png", "one.jpg", "none.jpg", "con người.jpg")):
        image = np.full((96, 128, 3), (0, 60 + 20 * number, 90), np.uint8)
        if name != "none.jpg":
            image[20:70, 30:60] = (255, 0, 0)
            image[35:50, 38:52] = (0, 60, 90)  # a hole
        Image.fromarray(image).save(photos / name, quality=95)
    turned = Image.Exif()
    turned[0x0112] = 6  # shown a quarter to the right
    image = np.full((96, 128, 3), (0, 60, 90), np.uint8)
    image[10:50, 70:120] = (255, 0, 0)
    Image.fromarray(image).save(photos / "turned.jpg", quality=95, exif=turned)
    (photos / "broken.jpg").write_bytes(b"no picture")
    sections = yaml.safe_load(params.SHIPPED.read_text("utf-8"))
    sections["segment"] |= {"model": "tflite", "tflite": str(red), "flip": False}
    sections["compute"] |= {"workers": 1}
    (tmp_path / "params.yaml").write_bytes(msgspec.yaml.encode(sections))
    return tmp_path


def run(where, *words):
    code = "from stages.cli import main; main()"
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(where)}
    return subprocess.run(
        [sys.executable, "-c", code, "prelabel", *map(str, words)],
        cwd=where, env=environment, capture_output=True, text=True,
    )  # fmt: skip


def test_a_folder_becomes_a_zip_whose_masks_are_the_predictions(project):
    done = run(project, "photos", "-o", "labels.zip")

    assert done.returncode == 0, done.stderr
    assert "broken.jpg is left out" in done.stdout
    assert "5 photos with 4 objects as coco in labels.zip" in done.stdout
    assert "label these first" in done.stdout
    with zipfile.ZipFile(project / "labels.zip") as archive:
        archive.extractall(project / "out")
        ranking = list(csv.DictReader(io.StringIO(archive.read("ranking.csv").decode())))
    assert [row["rank"] for row in ranking] == ["1", "2", "3", "4", "5"]
    assert {row["file_name"]: row["objects"] for row in ranking}["none.jpg"] == "0"

    told = COCO(project / "out/train/_annotations.coco.json")
    assert {row["name"] for row in told.loadCats(told.getCatIds())} == {"person"}
    names = {row["file_name"]: row for row in told.imgs.values()}
    assert set(names) == {"one.jpg", "one.2.png", "none.jpg", "con người.jpg", "turned.jpg"}
    for name, row in names.items():
        picture = np.asarray(Image.open(project / "out/train" / name).convert("RGB")).astype(int)
        assert picture.shape == (row["height"], row["width"], 3)
        person = picture[..., 0] > 150
        objects = [told.annToMask(one) for one in told.imgToAnns[row["id"]]]
        mask = np.any(objects, axis=0) if objects else np.zeros_like(person)
        assert iou(mask > 0, person) >= 0.93 or not (person.any() or mask.any())
    assert names["turned.jpg"]["height"] == 128  # it was turned, pixels and all


@pytest.mark.parametrize("kind", ["cvat", "yolo", "labelstudio"])
def test_the_other_tools_have_their_own_layout(project, kind):
    done = run(project, "photos", "-o", "labels.zip", "--format", kind)

    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(project / "labels.zip") as archive:
        names = archive.namelist()
    expected = {
        "cvat": "annotations/instances_train.json", "yolo": "data.yaml",
        "labelstudio": "tasks.json",
    }  # fmt: skip
    assert expected[kind] in names
    assert "ranking.csv" in names
    assert sum(name.endswith((".jpg", ".png")) for name in names) == 5


def test_what_is_labelled_already_comes_last_and_two_runs_give_the_same_bytes(project):
    from stages import prelabelling

    photo = store.read_photo(project / "photos/one.png")
    store.write_image(project / "raw/a.png", photo)
    store.write_image(project / "raw/b.png", np.ascontiguousarray(photo[::-1, :, ::-1]))
    images = [
        {"split": "train", "image_id": n, "file_name": f"{s}.png", "path": f"{s}.png", "stem": s,
         "width": 128, "height": 96, "source": s, "export_split": "train", "export_id": n}
        for n, s in enumerate("ab", start=1)
    ]  # fmt: skip
    category = [{"category_id": 1, "name": "Tourist", "supercategory": ""}]
    dataset = tables.Dataset(
        tables.IMAGES.frame(images), tables.ANNOTATIONS.empty(), tables.CATEGORIES.frame(category)
    )
    coco.save(project / "valid", dataset)
    store.write_table(project / "valid/labels.csv", dataset.labels, tables.LABELS)

    words = ("photos", "--dataset", "valid", "--pictures", "raw", "-o")
    first, _ = run(project, *words, "1.zip"), run(project, *words, "2.zip")

    assert first.returncode == 0, first.stderr
    assert (project / "1.zip").read_bytes() == (project / "2.zip").read_bytes()
    assert "the 2 labelled pictures" in first.stdout
    with zipfile.ZipFile(project / "1.zip") as archive:
        ranking = list(csv.DictReader(io.StringIO(archive.read("ranking.csv").decode())))
        told = json.loads(archive.read("train/_annotations.coco.json"))
    known = next(row for row in ranking if row["file_name"] == "one.png")
    assert float(known["unlike"]) == pytest.approx(0, abs=1e-5)
    assert known["nearest"] == "a.png"
    assert [row["name"] for row in told["categories"]] == ["Tourist"]
    assert prelabelling.TOP == 10


def test_without_a_trained_model_it_says_what_to_run(tmp_path):
    (tmp_path / "photos").mkdir()
    done = run(tmp_path, "photos")

    assert done.returncode == 1
    assert done.stderr.strip() == (
        "segment-restore: no trained model at data/model; "
        "run `dvc repro train` in the project first, or name another"
    )


def test_a_folder_without_photos_and_an_unknown_format_are_refused(project, monkeypatch):
    from stages import prelabelling

    monkeypatch.chdir(project)
    (project / "empty").mkdir()
    with pytest.raises(ImageError, match="no picture in"):
        prelabelling.write(Path("empty"), Path("x.zip"), "coco", Path("m"), (Path("v"), Path("r")))
    with pytest.raises(ExportError, match="choose coco, cvat, yolo, labelstudio"):
        prelabelling.write(Path("photos"), Path("x.zip"), "voc", Path("m"), (Path("v"), Path("r")))
