import cv2
import numpy as np
import pytest
import shapely
from exports import examine, sheets
from pycocotools.coco import COCO

from pipeline import coco, rasterise, reading, store
from pipeline.tables import SPLITS


@pytest.fixture(scope="module")
def ingest():
    from benchmarks import ingest

    return ingest


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

    export = reading.read([("train", "train/a.json", said)])
    assert export.images["export_id"].tolist() == list(range(15))
    assert export.images["file_name"].is_unique
    assert export.annotations["export_id"].is_unique
    assert set(export.annotations["image_id"]) <= set(range(15))
    assert len(export.annotations) == 3 * len(content["annotations"])


@pytest.mark.parametrize("fuse", [True, False])
def test_the_published_attention_that_is_timed_gives_what_ours_gives(ingest, fuse):
    import torch

    from benchmarks import inpaint as timed
    from pipeline.deepfill.attention import ContextualAttention
    from pipeline.deepfill.layout import Layout

    torch.set_num_threads(1)  # tests run beside each other
    torch.manual_seed(0)
    features, hole = torch.randn(1, 6, 20, 28) / 2, torch.zeros(1, 1, 80, 112)
    hole[..., 20:50, 30:61] = 1
    layout = Layout(width=4, fuse=fuse)

    ours, published = (
        kind(layout)(features, hole, near_only=False)
        for kind in (ContextualAttention, timed.PublishedAttention)
    )

    torch.testing.assert_close(published, ours, atol=1e-5, rtol=0)


def test_the_area_under_the_roc_curve_counts_pairs_in_order_and_ties_half():
    from benchmarks import outlines

    assert outlines.auc(np.array([2, 3]), np.array([1, 2])) == (1 + 0.5 + 1 + 1) / 4


@pytest.mark.parametrize("way", ["box", "grown", "hull", "ten corners"])
def test_spoilt_outlines_cover_what_was_drawn_or_nearly(way):
    from benchmarks import outlines

    shape = shapely.Polygon([(10, 10), (60, 15), (40, 40), (55, 90), (12, 80)])

    spoilt = outlines.WAYS[way](shape, np.sqrt(shape.area), 0.0)

    assert spoilt.area > shape.area
    assert spoilt.intersection(shape).area > 0.85 * shape.area


def test_planted_photos_have_the_tag_they_were_made_for(tmp_path):
    from benchmarks import peers_tags

    chance = np.random.default_rng(0)
    lines = ["split,file_name,low_light,whole_blur"]
    for number in range(30):
        image = cv2.resize(chance.integers(0, 255, (9, 12, 3), np.uint8), (120, 90))
        store.write_image(tmp_path / f"people/train/{number:02}.jpg", image)
        lines.append(f"train,{number:02}.jpg,{int(number == 0)},0")
    (tmp_path / "people/tags_truth.csv").write_text("\n".join(lines))

    truth = peers_tags.plant(tmp_path / "people", tmp_path / "planted")

    counts = truth[list(peers_tags.CHANGES)].sum()
    assert (counts[["duplicate", "near_duplicate"]] == 4).all()  # both copies of two photos
    assert (counts.drop(["duplicate", "near_duplicate"]) == 2).all()
    assert len(truth) == 29 + 4  # the dark one is left out
    written = {path.name for path in (tmp_path / "planted/train").glob("*.jpg")}
    assert written == set(truth["file_name"])


def test_a_stretched_export_shows_the_same_shares_of_its_pictures():
    from benchmarks import stretch

    ring = [10.0, 20.0, 60.0, 20.0, 60.0, 80.0]
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 200, "height": 100}],
        "annotations": [
            {"id": 1, "image_id": 1, "segmentation": [ring], "bbox": [10, 20, 50, 60], "area": 1500}
        ],
    }
    after = stretch.stretched(content, 400, fit=False)

    (image,), (one,) = after["images"], after["annotations"]
    assert (image["width"], image["height"]) == (400, 400)
    points = np.reshape(one["segmentation"][0], (-1, 2)) / 400
    assert points == pytest.approx(np.reshape(ring, (-1, 2)) / (200, 100))
    assert one["area"] / 400**2 == pytest.approx(1500 / (200 * 100))
    assert one["bbox"] == [20, 80, 100, 240]
    fitted = stretch.stretched(content, 400, fit=True)["images"][0]
    assert (fitted["width"], fitted["height"]) == (400, 200)
