import lite_made
import msgspec
import numpy as np
import pytest

from pipeline import coco, outcomes, segment, store, tables, unet
from pipeline.errors import ImageError, ParamsError, WeightsError
from pipeline.segment import Segmenter, SegmentParams
from pipeline.tables import Dataset
from pipeline.unet import UnetParams

unet.prepare(seed=0, threads=2)  # the first in a process decides the threads

SHAPE = UnetParams(preset="default", init="none", size=32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("model")
    unet.save(where, unet.build(SHAPE, 1), unet.card(SHAPE, ["background", "person"], 0.5))
    return where


@pytest.fixture(scope="module")
def segmenter(folder):
    return segment.load(folder)


def bright(network_input):
    """A stand-in for a network: the person is where the red channel is."""

    class Tensor:
        def numpy(self):
            return (network_input[..., :1] + 1) / 2

    return Tensor()


def picture(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(32, 32), (31, 77), (300, 17), (1, 1)], ids=str)
def test_a_mask_has_the_size_of_its_picture(segmenter, size):
    mask = segment.predict(segmenter, picture(*size))

    assert mask.shape == size
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {0, 1}


def test_pictures_of_several_sizes_share_a_batch(segmenter):
    pictures = [picture(40, 50), picture(64, 33)]

    together = segment.probabilities(segmenter, pictures)

    for image, likely in zip(pictures, together, strict=True):
        alone = segment.probabilities(segmenter, [image])[0]
        np.testing.assert_allclose(likely, alone, atol=1e-5)


def test_several_categories_have_a_probability_each():
    network = unet.build(SHAPE, 5)
    card = unet.card(SHAPE, ["background", *"abcde"], None)
    many = Segmenter(card, unet.compiled(network, 32))

    likely = segment.probabilities(many, [picture(41, 20)])[0]

    assert likely.shape == (41, 20, 6)
    np.testing.assert_allclose(likely.sum(axis=-1), 1, atol=1e-5)
    np.testing.assert_array_equal(
        segment.predict(many, picture(41, 20)), likely.argmax(axis=-1).astype(np.uint8)
    )


def test_averaging_with_the_mirror_image_makes_the_answer_symmetric(segmenter):
    image = picture(32, 32)

    ahead = segment.probabilities(segmenter, [image], flip=True)[0]
    mirrored = segment.probabilities(segmenter, [image[:, ::-1].copy()], flip=True)[0]

    np.testing.assert_allclose(mirrored[:, ::-1], ahead, atol=1e-5)


def test_the_mask_lies_where_the_picture_says():
    card = unet.card(SHAPE, ["background", "person"], 0.5)
    image = np.zeros((64, 128, 3), np.uint8)
    image[16:48, 32:64, 0] = 255

    mask = segment.predict(Segmenter(card, bright), image, flip=True)

    drawn = image[..., 0] > 0
    assert (mask[drawn] == 1).mean() > 0.95
    assert (mask[~drawn] == 0).mean() > 0.98


def test_the_threshold_of_the_card_decides():
    card = unet.card(SHAPE, ["background", "person"], 0.9)
    image = np.full((8, 8, 3), 200, np.uint8)  # 200 / 255 = 0.78

    assert not segment.predict(Segmenter(card, bright), image).any()


def test_without_a_trained_network_it_says_what_to_run(tmp_path):
    with pytest.raises(WeightsError, match="run dvc repro train"):
        segment.load(tmp_path / "model")


def test_a_grey_picture_is_refused(segmenter):
    with pytest.raises(ImageError, match="RGB"):
        segment.predict(segmenter, np.zeros((8, 8), np.uint8))


def test_no_pictures_give_no_masks(segmenter):
    assert segment.probabilities(segmenter, []) == []


def dataset(sizes):
    """A dataset of one picture a split, without annotations."""
    images = [
        {
            "split": split, "image_id": 1, "file_name": "a.png", "path": f"{split}/a.png",
            "stem": "a", "width": width, "height": height, "source": "a",
            "export_split": split, "export_id": 1,
        }
        for split, (height, width) in sizes.items()
    ]  # fmt: skip
    category = [{"category_id": 1, "name": "person", "supercategory": "people"}]
    return Dataset(
        tables.IMAGES.frame(images),
        tables.ANNOTATIONS.empty(),
        tables.CATEGORIES.frame(category),
    )


@pytest.mark.parametrize("most", [20000, 0])
def test_the_stage_writes_a_mask_of_each_chosen_picture_at_its_size(
    folder, tmp_path, monkeypatch, most
):
    from stages.segment import main

    sizes = {"train": (20, 30), "valid": (33, 47), "test": (64, 40)}
    coco.save(tmp_path / "valid", dataset(sizes))
    for split, size in sizes.items():
        store.write_image(tmp_path / "raw" / split / "a.png", picture(*size))
        store.write_mask(tmp_path / "masks" / split / "a.png", np.ones(size, np.uint8))
    section = {"splits": ["valid", "test"], "batch": 2, "flip": True, "threads": 2}
    section |= {"model": "unet", "tflite": None}
    compute = {"backend": "local", "workers": 1, "scheduler": None}
    settings = {"segment": section, "rasterise": {"archive_above": most}, "compute": compute}
    (tmp_path / "params.yaml").write_bytes(msgspec.yaml.encode(settings))
    monkeypatch.chdir(tmp_path)

    line = main(
        *(tmp_path / name for name in ("raw", "valid", "masks")),
        folder,
        tmp_path / "segments",
        tmp_path / "calibration.csv",
    )

    written = sorted(path.name for path in (tmp_path / "segments").iterdir())
    paths = [tmp_path / "segments" / split / "a.png" for split in ("test", "valid", "train")]
    assert line.startswith("2 images")
    assert written == (["test", "valid"] if most else ["test.zip", "valid.zip"])
    assert [store.is_there(path) for path in paths] == [True, True, False]
    assert [store.read_mask(path).shape for path in paths[:2]] == [(64, 40), (33, 47)]
    bins = store.read_table(tmp_path / "calibration.csv", outcomes.CALIBRATION)
    assert bins.groupby("split")["pixels"].sum().to_dict() == {"test": 64 * 40, "valid": 33 * 47}
    assert set(bins["observed"].dropna()) == {1.0}  # all of each picture is a person


@pytest.fixture(scope="module")
def red(tmp_path_factory):
    return lite_made.make(tmp_path_factory.mktemp("lite") / "red.tflite", 32, 32)


def ready(path, **changed):
    section = {"splits": ["test"], "batch": 1, "flip": False, "threads": 1, "model": "tflite"}
    return SegmentParams(**(section | {"tflite": path} | changed))


def test_a_ready_made_network_finds_people_without_a_trained_one(red, tmp_path):
    image = np.zeros((32, 32, 3), np.uint8)
    image[8:20, 4:16, 0] = 255

    eye = segment.eye(ready(str(red)), tmp_path / "none", ["background", "person"])
    (likely,) = eye.look([image])

    np.testing.assert_array_equal(unet.decided(likely, eye.threshold), image[..., 0] // 255)


def test_a_ready_made_network_gives_people_their_label_of_several(red, tmp_path):
    image = np.zeros((32, 32, 3), np.uint8)
    image[8:20, 4:16, 0] = 255

    eye = segment.eye(ready(str(red)), tmp_path / "none", ["background", "dog", "Người"])
    (likely,) = eye.look([image])

    assert likely.shape == (32, 32, 3)
    np.testing.assert_array_equal(unet.decided(likely, eye.threshold), 2 * (image[..., 0] // 255))


@pytest.mark.parametrize(
    ("path", "labels", "message"),
    [
        (None, ["background", "person"], "segment.tflite is empty"),
        ("x.tflite", ["background", "statue"], "the categories are statue"),
    ],
    ids=["no file named", "no person among the categories"],
)
def test_a_ready_made_network_that_cannot_serve_is_refused(path, labels, message, tmp_path):
    with pytest.raises(ParamsError, match=message):
        segment.eye(ready(path), tmp_path, labels)
