import cv2
import numpy as np
import pytest
import shapely
from lite_made import make
from shapely import affinity

from pipeline import coco, outcomes, store, suspect, tables
from pipeline.outcomes import SUSPECTS
from pipeline.suspect import Seen

# The rules, whatever limit ships: that one is chosen on real photos (benchmarks.suspects).
PARAMS = suspect.SuspectParams(folds=0, above=0.2)
SIDE = 128
WIDTH, HEIGHT = 640, 480  # of the photo, which the network sees stretched


def person(x, y, size=1.0):
    """A body with head and legs, about 100 by 220 pixels of the photo."""
    parts = [
        shapely.Point(0, -90).buffer(22),
        shapely.box(-30, -70, 30, 30),
        shapely.box(-28, 20, -6, 110),
        shapely.box(6, 20, 28, 110),
        shapely.box(-52, -65, 52, -45),
    ]
    return affinity.translate(
        affinity.scale(shapely.unary_union(parts), size, size, origin=(0, 0)), x, y
    )


def seen(name, there, labelled, seed=0, held_out=True, labels=None, kinds=1):
    """A photo of the people ``there``, seen by a decent network, with the labels given."""
    blank = np.zeros((SIDE, SIDE, kinds + 1), np.float32)
    photo = Seen("train", name, WIDTH, HEIGHT, labelled, labels or [1] * len(labelled),
                 list(range(1, len(labelled) + 1)), [], blank, held_out)  # fmt: skip
    truth = np.zeros((SIDE, SIDE), np.float32)
    for shape in there:
        truth = np.maximum(truth, suspect.drawn(shape, photo))
    chance = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(chance.normal(0, 1, (SIDE, SIDE)), (0, 0), 3).astype(np.float32)
    sure = np.clip(cv2.GaussianBlur(truth, (0, 0), 1.5) * 0.94 + 0.03 + 0.3 * noise, 0.005, 0.995)
    likely = blank.copy()
    likely[..., 1], likely[..., 0] = sure, 1 - sure
    return photo._replace(likely=likely)


def people(row):
    """Two people of changing size and place."""
    first = person(150 + 7 * row, 230 + 3 * row, 0.8 + 0.04 * (row % 5))
    return [first, person(430 - 5 * row, 250, 0.9 + 0.03 * (row % 4))]


@pytest.fixture(scope="module")
def found():
    """Twenty photos, four of which are labelled wrong."""
    photos = [seen(f"{row:02}.jpg", people(row), people(row), row) for row in range(20)]
    first, second = people(3)
    photos[3] = seen("03.jpg", [first, second], [first], 3)
    first, second = people(7)
    photos[7] = seen("07.jpg", [first, second], [affinity.translate(first, 45, 20), second], 7)
    first, second = people(11)
    photos[11] = seen("11.jpg", [first, second], [first, shapely.box(*second.bounds)], 11)
    first, second = people(15)
    ghost = person(300, 100, 0.7)
    photos[15] = seen("15.jpg", [first, second], [first, second, ghost], 15)
    return suspect.score(photos, PARAMS)


def test_planted_errors_rank_before_all_sound_labels(found):
    rows = found[found["kind"] != "image"].head(5)

    told = set(zip(rows["file_name"], rows["kind"], rows["annotation_id"].fillna(0), strict=True))
    assert told == {
        ("03.jpg", "missing", 0),
        ("07.jpg", "boundary", 1),  # moved
        ("07.jpg", "missing", 0),  # what it then leaves free
        ("11.jpg", "boundary", 2),
        ("15.jpg", "extra", 3),
    }


def test_planted_errors_are_suspect_and_sound_labels_are_not(found):
    suspects = found[found["suspect"]]

    assert sorted(suspects["file_name"].unique()) == ["03.jpg", "07.jpg", "11.jpg", "15.jpg"]


def test_the_photos_with_errors_have_the_worst_quality_by_cleanlab(found):
    """The oracle is cleanlab's own score, which knows nothing of objects."""
    images = found[found["kind"] == "image"].sort_values("score", ascending=False)

    assert {"03.jpg", "15.jpg"} <= set(images["file_name"].head(4))


def test_every_object_and_image_has_one_row_of_the_documented_columns(found):
    assert list(found.columns) == list(SUSPECTS)
    drawn = found[found["annotation_id"].notna()]
    assert len(drawn) == 40
    assert (found["kind"] == "image").sum() == 20
    assert found["excess"].is_monotonic_decreasing
    assert found[["score", "expected", "excess"]].to_numpy().min() >= 0
    assert found[["score", "expected", "excess"]].to_numpy().max() <= 1


def test_a_missing_persons_box_is_where_the_person_is(found):
    row = found[found["kind"] == "missing"].iloc[0]
    left, top, right, bottom = people(3)[1].bounds

    for told, true in zip(
        row[["left", "top", "right", "bottom"]], (left, top, right, bottom), strict=True
    ):
        assert abs(told - true) <= 12  # two pixels of the network's are 10 and 7.5


def test_what_the_network_always_misses_is_not_suspect():
    """Small people that it never sees: its weakness, not the labels'."""
    small = [person(60 + 40 * row, 100, 0.25) for row in range(3)]
    photos = [seen(f"{row}.jpg", people(row), [*people(row), *small], row) for row in range(12)]

    found = suspect.score(photos, PARAMS)

    assert set(found.loc[found["annotation_id"] >= 3, "kind"]) == {"extra"}
    assert not found["suspect"].any()


def test_photos_that_were_learnt_from_are_marked_and_judged_among_themselves():
    """A network agrees with its own lessons, so what is usual there is usual nowhere else."""
    photos = [seen(f"{row}.jpg", people(row), people(row), row, row % 2 == 0) for row in range(8)]

    found = suspect.score(photos, PARAMS)

    names = {
        False: ["1.jpg", "3.jpg", "5.jpg", "7.jpg"],
        True: ["0.jpg", "2.jpg", "4.jpg", "6.jpg"],
    }
    for held_out, group in found.groupby("held_out"):
        assert sorted(group["file_name"].unique()) == names[held_out]


def test_the_wrong_category_is_told():
    photo = seen("a.jpg", people(0), people(0), labels=[1, 2], kinds=2)

    found = suspect.score([photo], PARAMS).set_index("annotation_id")

    assert found.loc[1, "kind"] == "boundary"
    assert found.loc[2, "kind"] == "category"


def test_people_within_a_crowd_region_are_not_missing():
    photo = seen("a.jpg", people(0), [])
    crowd = photo._replace(crowds=[shapely.box(0, 0, WIDTH, HEIGHT)])

    assert (suspect.score([photo], PARAMS)["kind"] == "missing").sum() == 2
    assert (suspect.score([crowd], PARAMS)["kind"] == "missing").sum() == 0


def test_no_photos_give_an_empty_table():
    assert suspect.score([], PARAMS).empty


def test_a_soft_iou_is_that_of_sets_where_probabilities_are_sure():
    """A box half covered by what is seen: intersection and union counted by hand."""
    photo = seen("a.jpg", [], [shapely.box(160, 120, 320, 240)])
    likely = np.zeros((SIDE, SIDE, 2), np.float32)
    likely[..., 0] = 1
    likely[32:64, 48:80] = [0, 1]  # the label is rows 32..63, columns 32..63 of the input

    row = suspect.score([photo._replace(likely=likely)], PARAMS).set_index("kind").loc["boundary"]

    assert row["area"] == pytest.approx(32 * 32, rel=0.07)  # cv2 draws the outline's pixels too
    # Rims of two pixels count for nothing: the core has 28 rows and columns, 14 of them seen;
    # beside it 10 columns within reach, less 2, are seen, two pixels less at their ends.
    assert 1 - row["score"] == pytest.approx(14 * 28 / (28 * 28 + 8 * 30), abs=0.04)


@pytest.mark.parametrize("count", [2, 5])
def test_folds_are_even_and_keep_versions_of_a_photo_together(count):
    groups = [f"photo{row // 3}" for row in range(60)]

    fold = suspect.folds(groups, count, seed=0)

    sizes = np.bincount(fold, minlength=count)
    assert sizes.max() - sizes.min() <= 3
    assert all(len(set(fold[row : row + 3])) == 1 for row in range(0, 60, 3))
    assert (fold == suspect.folds(groups, count, seed=0)).all()


def test_one_channel_becomes_two_that_sum_to_one():
    likely = np.random.default_rng(0).random((4, 4, 1), np.float32)

    shares = suspect.shares(likely)

    np.testing.assert_allclose(shares.sum(axis=2), 1)
    np.testing.assert_array_equal(shares[..., 1], likely[..., 0])


def dataset(names, shapes=None):
    """Photos of 50 by 40 pixels, ``split/stem``; one person in each that has a shape."""
    images, objects = [], []
    for number, name in enumerate(names, start=1):
        split, stem = name.split("/")
        images.append(
            {"split": split, "image_id": number, "file_name": f"{stem}.png", "stem": stem,
             "path": f"{name}.png", "width": 50, "height": 40, "source": stem,
             "export_split": split, "export_id": number}
        )  # fmt: skip
        if name in (shapes or {}):
            objects.append(
                {"split": split, "annotation_id": number, "image_id": number, "category_id": 1,
                 "geometry": shapes[name], "rle": None, "iscrowd": False, "export_id": number}
            )  # fmt: skip
    people = [{"category_id": 1, "name": "person", "supercategory": ""}]
    return tables.Dataset(
        tables.IMAGES.frame(images),
        tables.ANNOTATIONS.frame(objects) if objects else tables.ANNOTATIONS.empty(),
        tables.CATEGORIES.frame(people),
    )


def test_with_folds_no_train_photo_is_judged_by_a_network_that_learnt_from_it(  # noqa: PLR0915
    tmp_path, monkeypatch
):
    """Training and looking are stood in for: the rest is the stage's own work."""
    from pipeline import unet
    from pipeline.segment import Segmenter
    from stages import suspect as stage

    names = [*(f"train/{row}" for row in range(6)), "valid/6", "test/7", "train/excluded"]
    for number, name in enumerate(names, start=1):
        store.write_image(tmp_path / f"raw/{name}.png", np.full((40, 50, 3), number, np.uint8))
    coco.save(tmp_path / "valid", dataset(names))
    rows = [{"split": n.split("/")[0], "stem": n.split("/")[1], "path": f"{n}.png"} for n in names]
    chosen = [row for row in rows if row["split"] != "test" and row["stem"] != "excluded"]
    store.write_table(tmp_path / "chosen.csv", tables.CHOSEN.frame(chosen), tables.CHOSEN)
    shape = unet.UnetParams(preset="default", init="none", size=32)
    card = unet.card(shape, ["background", "person"], 0.5)
    taught, judged, loaded = [], [], []

    def teach(raw, valid, masks, table, *outs):
        taught.append(set(store.read_table(table, tables.CHOSEN)["path"]))

    def load(folder):
        lessons = taught[-1] if len(taught) > len(judged) else set()
        judged.append((lessons, set()))
        loaded.append(folder)

        def look(small):
            pixels = np.rint((small[:, 0, 0, 0] - card.offset) / card.scale).astype(int)
            judged[-1][1].update(f"{names[pixel - 1]}.png" for pixel in pixels.tolist())
            return unet.tf.zeros((len(small), 32, 32, 1))

        return Segmenter(card, look)

    monkeypatch.setattr(stage.train, "main", teach)
    monkeypatch.setattr(stage.segment, "load", load)
    (tmp_path / "params.yaml").write_text(
        "suspect: {folds: 3, above: 0.2}\ntables: {parquet_above: 0}\n"
        "segment: {splits: [train], batch: 2, flip: false, threads: 1, model: unet, tflite: null}\n"
    )
    monkeypatch.chdir(tmp_path)
    paths = [tmp_path / name for name in ("raw", "valid", "masks", "chosen.csv", "model", "s.csv")]
    (tmp_path / ".s.csv.killed.scratch").mkdir()
    said = stage.main(*paths)

    assert loaded[-1] == tmp_path / "model"
    assert all(folder.is_relative_to(tmp_path) for folder in loaded)
    assert list(tmp_path.glob(".*.scratch")) == []  # its own are gone, and a killed run's
    assert [len(lessons) for lessons, _ in judged] == [5, 5, 5, 0]  # 4 of train, 1 of valid
    assert all(not lessons & seen for lessons, seen in judged)
    assert set.union(*(seen for _, seen in judged)) == {f"{name}.png" for name in names}
    assert judged[-1][1] == {"valid/6.png", "test/7.png", "train/excluded.png"}
    assert store.read_table(tmp_path / "s.csv", outcomes.SUSPECTS)["held_out"].all()
    assert said.startswith("0 suspect labels in 0 photos")
    assert said.endswith("; s.csv as Parquet")


def test_a_ready_made_network_judges_every_photo_without_any_training(tmp_path, monkeypatch):
    """It finds red; one red figure has no label, one label lies where nothing is red."""
    from stages import suspect as stage

    names = [*(f"train/{row}" for row in range(8)), "test/unlabelled", "test/ghost"]
    place = shapely.box(10, 10, 30, 30)
    shapes = {name: place for name in names if name != "test/unlabelled"}
    for name in names:
        image = np.zeros((40, 50, 3), np.uint8)
        if name != "test/ghost":
            image[10:30, 10:30, 0] = 255
        store.write_image(tmp_path / f"raw/{name}.png", image)
    coco.save(tmp_path / "valid", dataset(names, shapes))
    rows = [{"split": n.split("/")[0], "stem": n.split("/")[1], "path": f"{n}.png"} for n in names]
    store.write_table(tmp_path / "chosen.csv", tables.CHOSEN.frame(rows[:8]), tables.CHOSEN)
    red = make(tmp_path / "red.tflite", 32, 48)
    (tmp_path / "params.yaml").write_text(
        "suspect: {folds: 3, above: 0.2}\ntables: {parquet_above: 99}\n"
        "segment: {splits: [train], batch: 4, flip: true, threads: 1, model: tflite, "
        f"tflite: {red}}}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stage.train, "main", lambda *paths: pytest.fail("it trains"))

    stage.main(*(tmp_path / n for n in ("raw", "valid", "masks", "chosen.csv", "none", "s.csv")))

    found = store.read_table(tmp_path / "s.csv", outcomes.SUSPECTS)
    assert found["held_out"].all()
    told = found.loc[found["suspect"], ["file_name", "kind"]].to_numpy().tolist()
    assert sorted(told) == [["ghost.png", "extra"], ["unlabelled.png", "missing"]]


@pytest.mark.slow
def test_folds_train_for_real_and_tell_a_label_that_one_network_has_learned_by_heart(  # noqa: PLR0915
    tmp_path,
):
    """Twelve bright squares; one train photo's label is missing. Nothing is stood in for.

    Stages are processes of their own: TensorFlow takes its number of threads once.
    """
    import msgspec
    import running
    from training import PLAIN, SHAPE, squares

    many = squares(16)
    names = [f"train/{row}" for row in range(12)] + [f"valid/{row}" for row in range(12, 16)]
    shapes = {}
    for name, image, mask in zip(names, many.images, many.masks, strict=True):
        left, top, wide, high = cv2.boundingRect(mask)
        shapes[name] = shapely.box(left * 50 / 32, top * 40 / 32, (left + wide) * 50 / 32,
                                   (top + high) * 40 / 32)  # fmt: skip
        drawn = np.zeros((40, 50), np.uint8) if name == "train/5" else cv2.resize(mask, (50, 40))
        store.write_image(tmp_path / f"raw/{name}.png", cv2.resize(image, (50, 40)))
        store.write_mask(tmp_path / f"masks/{name}.png", drawn)
    del shapes["train/5"]
    data = dataset(names, shapes)
    coco.save(tmp_path / "valid", data)
    store.write_table(tmp_path / "valid/labels.csv", data.labels, tables.LABELS)
    rows = [{"split": n.split("/")[0], "stem": n.split("/")[1], "path": f"{n}.png"} for n in names]
    store.write_table(tmp_path / "chosen.csv", tables.CHOSEN.frame(rows), tables.CHOSEN)
    learn = msgspec.structs.replace(PLAIN, fresh_epochs=30)
    segmenting = {"splits": ["train"], "batch": 4, "flip": False, "threads": 2, "model": "unet"}
    (tmp_path / "params.yaml").write_bytes(
        msgspec.yaml.encode(
            {"unet": msgspec.to_builtins(SHAPE), "train": msgspec.to_builtins(learn),
             "segment": segmenting | {"tflite": None}, "suspect": {"folds": 2, "above": 0.3},
             "tables": {"parquet_above": 99}}
        )
    )  # fmt: skip
    paths = ["raw", "valid", "masks", "chosen.csv", "model"]
    trained = running.python("-m", "stages.train", *paths, "h.csv", "live", where=tmp_path)
    assert trained.returncode == 0, trained.stderr

    done = running.python("-m", "stages.suspect", *paths, "s.csv", where=tmp_path)

    assert done.returncode == 0, done.stderr
    found = store.read_table(tmp_path / "s.csv", outcomes.SUSPECTS)
    assert found["held_out"].all()
    assert set(found["file_name"]) == {f"{row}.png" for row in range(16)}
    worst = found[found["kind"] != "image"].iloc[0]
    assert (worst["file_name"], worst["kind"]) == ("5.png", "missing")
