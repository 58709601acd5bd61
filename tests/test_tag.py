from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline import coco, measurements, params, places, store, tag, unseen
from pipeline.errors import ImageError, ParamsError
from pipeline.parallel import ComputeParams
from pipeline.tables import ANNOTATIONS, CATEGORIES, CHOSEN, IMAGES, MEASURED, TAGS, Dataset
from stages import tag as stage

LIMITS = params.load(tag.TagParams, "tag")
LOCAL = ComputeParams(backend="local", workers=1, scheduler=None)
PEOPLE = Path(__file__).parents[2] / "shared" / "data" / "people"


def dataset(names, annotations=(), categories=("person",)):
    """Images by ``split/file``; annotations as (row of its image, category, geometry, crowd)."""
    split = [name.split("/")[0] for name in names]
    rows = pd.DataFrame(
        {
            "split": split,
            "image_id": range(1, len(names) + 1),
            "file_name": [name.split("/")[1] for name in names],
            "path": list(names),
            "stem": [Path(name).stem for name in names],
            "width": 320,
            "height": 240,
            "source": [Path(name).stem for name in names],
            "export_split": split,
            "export_id": range(len(names)),
        }
    )
    frame = ANNOTATIONS.empty()
    if annotations:
        frame = pd.DataFrame(
            {
                "split": [split[row] for row, *_ in annotations],
                "image_id": [row + 1 for row, *_ in annotations],
                "annotation_id": range(1, len(annotations) + 1),
                "category_id": [category for _, category, *_ in annotations],
                "iscrowd": [crowd for *_, crowd in annotations],
                "geometry": pd.Series([shape for _, _, shape, _ in annotations], dtype="object"),
                "rle": pd.Series([None] * len(annotations), dtype="object"),
                "export_id": range(len(annotations)),
            }
        ).astype(ANNOTATIONS.dtypes())
    kinds = [
        {"category_id": row, "name": name, "supercategory": ""}
        for row, name in enumerate(categories, start=1)
    ]
    return Dataset(rows.astype(IMAGES.dtypes()), frame, CATEGORIES.frame(kinds))


def measured(**values):
    """One image without a problem, but for the values given."""
    fine = {
        "split": "train",
        "people": 1,
        "crowds": 0,
        "largest": 0.2,
        "defocus": -9.0,
        "unusual": 0.0,
        "hidden": -9.0,
        "luma": 120.0,
        "luma_low": 20.0,
        "luma_high": 230.0,
        "clipped": 0.0,
        "edge": 0.5,
        "noise": 1.0,
        "nearest_bits": 30,
        "nearest_levels": float("nan"),
        "box": 0.6,
        "loose": -3.0,
        "cut": 0.0,
        "chroma": 90.0,
        "size_ratio": 1.0,
        "bystanders": 0,
        "missed": 0.0,
        "in_front": 0.0,
    }
    return pd.DataFrame([fine | values])


def names_of(frame):
    row = tag.tagged(frame, LIMITS).iloc[0]
    return {name for name in tag.RULES if row[name]}


def test_an_image_without_a_problem_has_no_tag():
    assert names_of(measured()) == set()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"largest": LIMITS.far_below - 1e-6}, {"far"}),
        ({"people": LIMITS.crowd_from}, {"crowd"}),
        ({"crowds": 1}, {"crowd"}),
        ({"people": 2, "bystanders": LIMITS.crowd_from - 2}, {"crowd"}),
        ({"people": 2, "bystanders": LIMITS.crowd_from - 3}, set()),
        ({"missed": LIMITS.missed_above + 1e-6}, {"missed_person"}),
        ({"missed": float("nan")}, set()),
        ({"defocus": LIMITS.blurred_above + 1e-6}, {"blurred_background"}),
        ({"defocus": float("nan")}, set()),
        ({"unusual": LIMITS.unusual_above + 1e-6}, {"scene_time"}),
        ({"hidden": LIMITS.occluded_above + 1e-6}, {"occluded"}),
        ({"hidden": LIMITS.occluded_above - 1}, set()),
        ({"hidden": LIMITS.occluded_above - 1, "in_front": 0.05}, {"occluded"}),
        ({"hidden": 0.3 + 1e-6, "in_front": float("nan")}, {"occluded"}),  # nobody looked
        ({"hidden": 0.3 - 1e-6, "in_front": float("nan")}, set()),
        ({"hidden": float("nan"), "in_front": 0.5}, set()),  # no main person
        ({"luma": LIMITS.dark_below - 1e-6}, {"low_light"}),
        ({"clipped": LIMITS.bright_above + 1e-6}, {"over_exposed"}),
        ({"luma_low": 100, "luma_high": 99 + LIMITS.contrast_below}, {"low_contrast"}),
        ({"edge": LIMITS.soft_above + 1e-6}, {"whole_blur"}),
        ({"edge": float("nan")}, set()),
        ({"noise": LIMITS.noisy_above + 1e-6}, {"noisy"}),
        ({"nearest_levels": LIMITS.duplicate_within}, {"duplicate"}),
        ({"nearest_levels": LIMITS.duplicate_within + 1e-6}, set()),
        ({"nearest_bits": LIMITS.near_duplicate_within}, {"near_duplicate"}),
        ({"box": LIMITS.box_above + 1e-6}, {"box_like"}),
        ({"loose": LIMITS.loose_above + 1e-6}, {"loose_polygon"}),
        ({"loose": float("nan")}, set()),
        ({"people": 0, "largest": 0.0}, {"no_person"}),
        ({"cut": LIMITS.cut_above + 1e-6}, {"cut_off"}),
        ({"chroma": LIMITS.colour_below - 1e-6}, {"greyscale"}),
        ({"size_ratio": LIMITS.odd_size_above + 1e-6}, {"odd_size"}),
    ],
    ids=str,
)
def test_a_tag_is_one_measurement_beyond_its_limit(values, expected):
    assert names_of(measured(**values)) == expected


def test_shares_are_counts_over_all_images_with_table_1_first():
    frame = pd.concat([measured(split=split) for split in ("train", "train", "valid", "test")])
    frame["largest"] = [0.001, 0.2, 0.001, 0.2]

    shares = tag.shares(tag.tagged(frame, LIMITS))

    assert shares["tag"].tolist()[:5] == list(tag.TABLE_1)
    assert list(shares.columns) == list(TAGS)
    assert shares.iloc[0].tolist() == ["far", 2, 0.5, 1, 1, 0]


def test_shares_of_an_export_without_images_are_zero():
    shares = tag.shares(tag.tagged(measured().iloc[:0], LIMITS))

    assert (shares["share"] == 0).all()


def test_images_are_in_order_of_split_then_name():
    rows = tag.order(dataset(["test/a.jpg", "valid/b.jpg", "train/z.jpg", "train/c.jpg"]).images)

    assert rows["path"].tolist() == ["train/c.jpg", "train/z.jpg", "valid/b.jpg", "test/a.jpg"]


def test_nothing_excluded_chooses_every_train_and_valid_image_whatever_the_tags():
    data = dataset(["train/a.jpg", "valid/b.jpg", "test/c.jpg"])
    quiet = pd.concat([measured()] * 3)
    loud = pd.concat([measured(largest=0.0, luma=0.0, edge=9.0)] * 3)

    chosen = [tag.choose(data, tag.tagged(frame, LIMITS), []) for frame in (quiet, loud)]

    assert chosen[0].equals(chosen[1])
    assert list(chosen[0].columns) == list(CHOSEN)
    assert chosen[0]["path"].tolist() == ["train/a.jpg", "valid/b.jpg"]


def test_excluded_tags_keep_their_images_from_training():
    data = dataset(["train/b.jpg", "train/a.jpg", "valid/c.jpg"])
    tags = tag.tagged(pd.concat([measured(), measured(luma=1), measured()]), LIMITS)

    assert tag.choose(data, tags, ["low_light"])["stem"].tolist() == ["a", "c"]


@pytest.mark.parametrize(
    ("exclude", "message"),
    [(["dark"], "names dark; the tags are far"), (["low_light"], "leaves no train image")],
)
def test_what_cannot_be_excluded_is_said(exclude, message):
    tags = tag.tagged(measured(luma=1), LIMITS)

    with pytest.raises(ParamsError, match=message):
        tag.choose(dataset(["train/a.jpg"]), tags, exclude)


def test_only_the_named_categories_are_people():
    dog, person = shapely.box(0, 0, 50, 50), shapely.box(100, 0, 200, 200)
    data = dataset(
        ["train/a.jpg"],
        [(0, 1, dog, False), (0, 2, person, False), (0, 2, person, True)],
        ("dog", "person"),
    )

    every, some = tag.photos(data, Path(), [])[0], tag.photos(data, Path(), ["person"])[0]

    assert (len(every.people), len(every.crowds)) == (2, 1)
    assert (len(some.people), len(some.crowds)) == (1, 1)
    with pytest.raises(ParamsError, match="names cat; the categories are dog, person"):
        tag.photos(data, Path(), ["cat"])


def test_the_people_of_each_image_are_its_own_in_the_order_of_their_ids():
    inner = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(3, 3), (6, 3), (6, 6)]])
    both = shapely.MultiPolygon([inner, shapely.box(20, 20, 24, 30)])
    data = dataset(
        ["train/a.jpg", "valid/b.jpg", "test/c.jpg"],
        [(1, 1, shapely.box(1, 1, 3, 2), False), (0, 1, both, False), (1, 1, both, True)],
    )
    data.annotations["annotation_id"] = [2, 1, 1]

    first, second, third = tag.photos(data, Path("raw"), [])

    assert (first.path, first.width, first.height) == ("raw/train/a.jpg", 320, 240)
    assert [[len(ring) for ring in part] for part in first.people[0]] == [[5, 4], [5]]
    assert first.people[0][1][0].tolist() == [[24, 20], [24, 30], [20, 30], [20, 20], [24, 20]]
    assert first.people[0][0][0].dtype == np.float32
    assert first.areas == [9 * 9 - 4.5 + 40]
    assert (len(second.people), second.areas, len(second.crowds)) == (1, [2.0], 1)
    assert (third.people, third.areas, third.crowds) == ([], [], [])


@pytest.fixture
def export(tmp_path):
    """Three pictures on disk, one without people and grey, and their dataset."""
    chance = np.random.default_rng(0)
    for name, tint in (("train/b", 1.0), ("train/a", 1.0), ("test/c", 0.0)):
        image = chance.integers(0, 255, (24, 32, 3)).astype(np.float32)
        grey = image.mean(axis=2, keepdims=True)
        small = (grey + tint * (image - grey)).astype(np.uint8)
        big = np.kron(small, np.ones((10, 10, 1), np.uint8))
        store.write_image(tmp_path / f"{name}.png", big)
    shape = shapely.box(100, 40, 180, 200)
    data = dataset(
        ["train/b.png", "train/a.png", "test/c.png"], [(0, 1, shape, False), (1, 1, shape, False)]
    )
    return tmp_path, data


def test_one_row_an_image_with_its_measurements_and_a_boolean_for_each_tag(export):
    raw, data = export

    found = tag.run(data, raw, LIMITS, LOCAL)

    assert list(found.columns[: len(MEASURED)]) == list(MEASURED)
    assert list(found.columns[-len(tag.RULES) :]) == list(tag.RULES)
    assert (found.dtypes[list(tag.RULES)] == "bool").all()
    assert found["file_name"].tolist() == ["a.png", "b.png", "c.png"]
    assert found["no_person"].tolist() == [False, False, True]
    assert found["greyscale"].tolist() == [False, False, True]
    assert found["largest"].tolist() == [80 * 160 / (240 * 320)] * 2 + [0]


def test_images_are_measured_together_as_they_are_alone(export):
    raw, data = export
    todo = tag.photos(data, raw, [])

    together = measurements.measure_all(todo)

    for one, photo in zip(together, todo, strict=True):
        alone = measurements.measure(photo)
        np.testing.assert_equal(one.numbers, alone.numbers)
        assert list(one.numbers) == list(measurements.MEASUREMENTS)
        assert one.hash == alone.hash
        for kind in ("gradients", "look", "tiles"):
            np.testing.assert_array_equal(getattr(one, kind), getattr(alone, kind))


def test_a_missing_picture_stops_with_its_name(export):
    raw, data = export
    (raw / "train/b.png").write_bytes(b"")

    with pytest.raises(ImageError, match=r"b\.png"):
        tag.run(data, raw, LIMITS, LOCAL)


def test_an_export_without_images_gives_empty_tables():
    found = tag.run(dataset([]), Path(), LIMITS, LOCAL)

    assert len(found) == 0
    assert set(tag.RULES) <= set(found)
    assert len(tag.choose(dataset([]), found, [])) == 0


def test_the_stage_writes_the_same_bytes_twice_and_chosen_does_not_depend_on_limits(
    export, tmp_path, monkeypatch
):
    raw, data = export
    coco.save(tmp_path / "valid", data)
    monkeypatch.chdir(tmp_path)
    section = {name: getattr(LIMITS, name) for name in tag.TagParams.__struct_fields__}
    written = []
    for dark in (65, 65, 200):
        everything = {
            "compute": {"backend": "local", "workers": 1, "scheduler": None},
            "train": {"exclude": [], "epochs": 3},
            "tag": section | {"dark_below": dark},
            "tables": {"parquet_above": 99},
        }
        Path("params.yaml").write_bytes(msgspec.yaml.encode(everything))
        out = [tmp_path / name for name in ("images.csv", "tags.csv", "right.csv", "chosen.csv")]
        (tmp_path / "truth").mkdir(exist_ok=True)
        line = stage.main(raw, tmp_path / "truth", tmp_path / "valid", *out)
        written.append([path.read_bytes() for path in out])

    everything["tables"]["parquet_above"] = 0
    Path("params.yaml").write_bytes(msgspec.yaml.encode(everything))
    packed = [tmp_path / "packed" / path.name for path in out]
    said = stage.main(raw, tmp_path / "truth", tmp_path / "valid", *packed)
    assert said == f"{line}; images.csv, chosen.csv as Parquet"
    assert [path.is_dir() for path in packed] == [True, False, False, True]
    assert packed[1].read_bytes() == out[1].read_bytes()
    for one, other, columns in ((out[0], packed[0], MEASURED), (out[3], packed[3], CHOSEN)):
        frames = [store.read_table(path, columns) for path in (one, other)]
        pd.testing.assert_frame_equal(*frames, check_exact=True)
    assert line.startswith("3 images: far 0%")
    assert written[0] == written[1]
    assert written[0][0] != written[2][0]
    assert written[0][3] == written[2][3]


@pytest.mark.skipif(not PEOPLE.is_dir(), reason="the labelled photos are not here")
def test_tags_of_labelled_photos_are_mostly_right():
    truth = pd.read_csv(PEOPLE / "tags_truth.csv").set_index(["split", "file_name"])
    found = _people().set_index(["split", "file_name"])

    floors = {
        "far": 0.9,
        "blurred_background": 0.9,
        "low_light": 0.65,
        "crowd": 0.45,
        "occluded": 0.45,
    }
    for name, floor in floors.items():
        known = truth[name].dropna()
        right, said = known.to_numpy(bool), found.loc[known.index, name].to_numpy(bool)
        assert 2 * (right & said).sum() / (right.sum() + said.sum()) >= floor, name


def _people():
    rows, every = [], []
    for split in ("train", "valid", "test"):
        written = store.read_json(PEOPLE / split / "_annotations.coco.json")
        by_image = {}
        for one in written["annotations"]:
            by_image.setdefault(one["image_id"], []).append(one)
        for image in written["images"]:
            path = PEOPLE / split / image["file_name"]
            theirs = by_image.get(image["id"], [])
            people = [_rings(one["segmentation"]) for one in theirs]
            areas = [one["area"] for one in theirs]
            photo = measurements.Photo(
                str(path), image["width"], image["height"], people, areas, []
            )
            rows.append({"split": split, "file_name": image["file_name"], "unusual": 0.0})
            every.append(measurements.measure(photo))
    frame = pd.DataFrame([one.numbers for one in every])
    frame = frame.assign(nearest_bits=64, nearest_levels=np.nan).join(unseen.unknown(len(frame)))
    return tag.tagged(pd.DataFrame(rows).join(frame).assign(size_ratio=1.0), LIMITS)


def _rings(segmentation):
    return [[np.array(ring, np.float32).reshape(-1, 2)] for ring in segmentation]


def test_a_place_is_found_by_likeness_where_no_name_tells_it(tmp_path):
    chance = np.random.default_rng(5)
    scene = np.kron(chance.integers(0, 255, (40, 60, 3)), np.ones((10, 10, 1))).astype(np.uint8)
    other = np.kron(chance.integers(0, 255, (40, 60, 3)), np.ones((10, 10, 1))).astype(np.uint8)
    for name, image in (("x", scene[:300, :400]), ("y", scene[8:308, 12:412]), ("z", other)):
        store.write_image(tmp_path / f"train/{name}.png", image[:300, :400])
    data = dataset(["train/x.png", "train/y.png", "train/z.png"])
    todo = tag.photos(data, tmp_path, [])

    compute = ComputeParams(backend="local", workers=1, scheduler=None)
    agreements = measurements.Agreements(todo, [b""] * len(todo), compute)
    measured = [measurements.measure(photo) for photo in todo]

    found = tag.grouped(todo, measured, LIMITS, agreements)

    assert found == ["x.png", "x.png", ""]
    assert places.by_name(["x.png"], LIMITS.place_pattern) == [""]
