"""The benchmark of the U-Net: its rows are parameters that exist, its scores are overlaps."""

import numpy as np
import pytest
from test_segment import dataset

from benchmarks import runs, second_look, sizes
from pipeline import coco, params, store
from pipeline.recipes import TrainParams
from pipeline.segment import SegmentParams
from pipeline.unet import UnetParams

SECTIONS = {"unet": UnetParams, "train": TrainParams, "segment": SegmentParams}


@pytest.mark.parametrize("row", runs.ROWS)
def test_a_row_changes_parameters_that_exist(row):
    settings = runs._settings(runs.ROWS[row])

    plain = runs._settings({})
    assert set(runs.ROWS[row]) <= set(SECTIONS)
    for name, kind in SECTIONS.items():
        params.convert(kind, settings[name], row)
    assert (settings == plain) == (row == "default")


def test_the_score_of_a_split_is_the_mean_overlap_of_its_images(tmp_path):
    coco.save(tmp_path / "data/valid", dataset({"test": (4, 4), "valid": (2, 2)}))
    truth, found = np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    truth[:, :2], found[:, 1:] = 1, 1  # 4 pixels shared of 16
    store.write_mask(tmp_path / "data/masks/test/a.png", truth)
    store.write_mask(tmp_path / "data/segments/test/a.png", found)
    for kind in ("masks", "segments"):
        store.write_mask(tmp_path / f"data/{kind}/valid/a.png", np.zeros((2, 2), np.uint8))

    assert runs.overlap(tmp_path, "test") == pytest.approx(0.25)
    assert np.isnan(runs.overlap(tmp_path, "valid"))


class Red:
    """Finds what is red, at whatever size it looks."""

    card = type("Card", (), {"size": 32})

    def __call__(self, image, size):
        return image[..., 0].astype(np.float32) / 255

    tiles = second_look.Looker.tiles


@pytest.mark.parametrize("shape", [(40, 60), (33, 31)])
def test_tiles_are_laid_back_where_they_were_cut(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)

    np.testing.assert_allclose(Red().tiles(image), image[..., 0] / 255, atol=1e-5)


def test_two_masks_overlap_by_hand():
    truth, found = np.zeros((2, 4), bool), np.zeros((2, 4), bool)
    truth[:, :2], found[0] = True, True

    assert second_look.overlap(truth, found) == pytest.approx(2 / 6)
    assert np.isnan(second_look.overlap(truth & False, found & False))


def test_people_are_parted_by_their_height_in_the_picture():
    content = {
        "images": [{"id": 5, "height": 100}, {"id": 6, "height": 200}],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 9, "bbox": [0, 0, 5, 70]},
            {"id": 2, "image_id": 6, "category_id": 9, "bbox": [0, 0, 5, 70]},
        ],
        "categories": [{"id": 9, "name": "person"}],
    }

    made = sizes.parted(content, 0.7)

    assert [one["category_id"] for one in made["annotations"]] == [1, 2]
    assert [one["name"] for one in made["categories"]] == ["near person", "far person"]
    assert content["annotations"][0]["category_id"] == 9
