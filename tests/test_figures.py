"""The explaining figures, counted again by hand."""

import json

import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline import figures, outcomes, store, tables
from pipeline.pictures import Folders, Shot
from pipeline.plates import Plates
from pipeline.run import Run

SIDE = 40  # pixels, of every photo here


@pytest.fixture
def folders(tmp_path):
    return Folders(*(tmp_path / name for name in ("raw", "masks", "segments")))


def image(split, n):
    name = f"{split}{n}"
    return {"split": split, "image_id": n, "file_name": f"{name}.png", "path": f"{name}.png",
            "stem": name, "width": SIDE, "height": SIDE, "source": name, "export_split": split,
            "export_id": n}  # fmt: skip


def annotation(split, n, geometry, rle=None, number=1):
    return {"split": split, "image_id": n, "annotation_id": number, "category_id": 1,
            "iscrowd": False, "geometry": geometry, "rle": rle, "export_id": n}  # fmt: skip


def run_of(images, annotations, counts=()):
    dataset = tables.Dataset(
        tables.IMAGES.frame(images),
        tables.ANNOTATIONS.frame(annotations),
        tables.CATEGORIES.frame([{"category_id": 1, "name": "person", "supercategory": ""}]),
    )
    measured = pd.DataFrame(
        [{key: one[key] for key in ("split", "file_name", "width", "height")} for one in images]
    ).assign(place="")
    return Run(
        dataset=dataset,
        issues=tables.ISSUES.empty(),
        measured=measured,
        tags=tables.TAGS.empty(),
        counts=outcomes.COUNTS.frame(list(counts)),
    )


def square(left, top, side):
    return shapely.box(left, top, left + side, top + side)


def test_the_record_is_the_object_nearest_a_fifth_of_its_photo_in_the_judged_split():
    fifth = square(3, 4, 18)  # 324 of 1600 pixels
    run = run_of(
        [image("train", 1), image("test", 1)],
        [
            annotation("train", 1, square(0, 0, 17.9)),
            annotation("test", 1, square(0, 0, 5), number=1),
            annotation("test", 1, fifth, number=2),
            annotation("test", 1, square(0, 0, 36), number=3),
        ],
    )
    found = figures.record(run)
    said = json.loads(found.text)

    assert (found.example.file_name, found.category) == ("test1.png", "person")
    assert (said["id"], said["bbox"], said["area"]) == (2, [3.0, 4.0, 18.0, 18.0], 324.0)
    ring = np.reshape(said["segmentation"][0], (-1, 2))
    assert shapely.Polygon(ring).equals(fifth)
    assert len(found.points) == 4  # the last corner is the first


def test_outlines_that_cannot_be_shown_as_points_are_passed_over():
    many = shapely.Point(20, 20).buffer(15, quad_segs=100)
    parts = shapely.MultiPolygon([square(0, 0, 10), square(20, 20, 10)])
    code = {"size": [SIDE, SIDE], "counts": "x"}
    run = run_of(
        [image("test", 1)],
        [
            annotation("test", 1, many, number=1),
            annotation("test", 1, parts, number=2),
            annotation("test", 1, square(0, 0, 18), rle=code, number=3),
        ],
    )

    assert figures.record(run) is None
    assert figures.masked(None, net=True) is None


def test_a_piece_of_the_mask_holds_its_pixels_and_the_outline(folders):
    run = run_of([image("test", 1)], [annotation("test", 1, square(10, 10, 18))])
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[10:28, 10:28] = 1
    store.write_mask(folders.masks / "test" / "test1.png", mask)
    found = figures.record(run)
    piece = figures.grid(found, folders)

    drawn = np.zeros((figures.CELLS, figures.CELLS), np.uint8)
    for x, y, length in piece.bars:
        drawn[y, x : x + length] = 1
    rows = slice(piece.top, piece.top + figures.CELLS)
    np.testing.assert_array_equal(drawn, mask[rows, piece.left : piece.left + figures.CELLS])
    assert 0 < drawn.sum() < drawn.size
    assert f"{10 - piece.left:.2f} {10 - piece.top:.2f}" in piece.path


def test_without_masks_there_is_no_piece(folders):
    run = run_of([image("test", 1)], [annotation("test", 1, square(10, 10, 18))])

    assert figures.grid(figures.record(run), folders) is None
    assert figures.overlap(run, folders) is None


def test_iou_is_counted_on_the_photo_of_median_iou(folders):
    counts = []
    for n, wide in ((1, 20), (2, 15), (3, 10)):  # of 20 columns that are the object
        truth, predicted = np.zeros((2, SIDE, SIDE), np.uint8)
        truth[:, :20] = 1
        predicted[:, 20 - wide : 21] = 1  # one column too many
        for folder, drawn in ((folders.masks, truth), (folders.segments, predicted)):
            store.write_mask(folder / "test" / f"test{n}.png", drawn)
        tp, fn = wide * SIDE, (20 - wide) * SIDE
        row = {"split": "test", "file_name": f"test{n}.png", "label": 1, "tp": tp, "fp": SIDE}
        counts.append(row | {"fn": fn, "edge_shared": 0, "edge_either": 1})
    images = [image("test", n) for n in (1, 2, 3)]
    found = figures.overlap(
        run_of(images, [annotation("test", 1, square(0, 0, 9))], counts), folders
    )

    assert found.example.file_name == "test2.png"
    assert (found.tp, found.fp, found.fn) == (15 * SIDE, SIDE, 5 * SIDE)
    assert found.either == 21 * SIDE
    assert found.iou == pytest.approx(15 / 21)
    assert [shot.kind for shot in found.example.shots] == list(figures.SETS)


def test_the_four_sets_are_drawn_where_they_are(folders):
    truth, predicted = np.zeros((2, SIDE, SIDE), np.uint8)
    truth[:, :20], predicted[:, 10:30] = 1, 1
    store.write_image(folders.raw / "a.png", np.full((SIDE, SIDE, 3), 90, np.uint8))
    store.write_mask(folders.masks / "test" / "a.png", truth)
    store.write_mask(folders.segments / "test" / "a.png", predicted)
    drawer = Plates(folders, folders.raw, 1, SIDE, SIDE, None)

    coloured = {}
    for kind in figures.SETS:
        drawn = drawer.draw(Shot(kind, "test", "a", "a.png", "a.png"), SIDE).astype(int)
        coloured[kind] = np.ptp(drawn, axis=2)[0] > 30  # grey elsewhere
    columns = np.arange(SIDE)

    np.testing.assert_array_equal(coloured["iou_truth"], columns < 20)
    np.testing.assert_array_equal(coloured["iou_predicted"], (columns >= 10) & (columns < 30))
    np.testing.assert_array_equal(coloured["iou_shared"], (columns >= 10) & (columns < 20))
    np.testing.assert_array_equal(coloured["iou_either"], columns < 30)


def test_what_the_network_is_given_is_seen_as_squares(folders):
    rng = np.random.default_rng(1)
    store.write_image(folders.raw / "a.png", rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8))
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, :20] = 1
    store.write_mask(folders.masks / "test" / "a.png", mask)
    drawer = Plates(folders, folders.raw, 1, 32, 32, 8)
    photo, target = (
        drawer.draw(Shot(kind, "test", "a", "a.png", "a.png"), 32) for kind in ("input", "target")
    )

    assert photo.shape == target.shape == (32, 32, 3)
    np.testing.assert_array_equal(photo, photo[::4, ::4].repeat(4, axis=0).repeat(4, axis=1))
    np.testing.assert_array_equal(target[:, :16], 255)
    np.testing.assert_array_equal(target[:, 16:], 0)
