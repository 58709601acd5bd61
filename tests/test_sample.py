import hashlib
import json

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import params, sample, store
from stages import sample as stage

PARAMS = {
    "images": 24, "size": 160, "seed": 3, "far": 0.1, "crowd": 0.1, "blurred_background": 0.1,
    "scene_time": 0.2, "occluded": 0.2, "soft": 0.05, "train": 0.7, "valid": 0.15,
    "quality_from": 86, "quality_to": 95, "tolerance": 1.2, "jitter": 0.35,
}  # fmt: skip


def make(**changes):
    return params.convert(sample.SampleParams, {**PARAMS, **changes}, "test")


def settle(folder, workers, **changes):
    """Write a params.yaml into a folder."""
    compute = {"backend": "local", "workers": workers, "scheduler": None}
    text = msgspec.yaml.encode({"sample": {**PARAMS, **changes}, "compute": compute})
    (folder / "params.yaml").write_bytes(text)


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """One export of 24 small pictures, written by the stage."""
    folder = tmp_path_factory.mktemp("sample")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settle(folder, 1)
        stage.main(folder / "export")
    return folder / "export"


def documents(export):
    for split in ("train", "valid", "test"):
        yield split, json.loads((export / split / "_annotations.coco.json").read_bytes())


def truths(export):
    table = store.read_table(export / "truth" / "tags.csv", sample.TRUTH)
    return {row.file_name: row for row in table.itertuples()}


def ring_area(ring):
    x, y = np.array(ring).reshape(-1, 2).T
    return abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2


def shares(export):
    """Share of the picture each person covers, by file name."""
    found = {}
    for _, document in documents(export):
        names = {image["id"]: image["file_name"] for image in document["images"]}
        for annotation in document["annotations"]:
            area = sum(map(ring_area, annotation["segmentation"]))
            found.setdefault(names[annotation["image_id"]], []).append(area / 160**2)
    return found


@given(images=st.integers(8, 300), seed=st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_every_problem_has_its_exact_count(images, seed):
    wanted = make(images=images, seed=seed)
    shots = sample.plan(wanted)

    for name in (*sample.PROBLEMS, "soft"):
        assert sum(getattr(shot.wish, name) for shot in shots) == round(
            getattr(wanted, name) * images
        )


@given(images=st.integers(40, 300), seed=st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_splits_have_their_shares_and_train_knows_every_place(images, seed):
    shots = sample.plan(make(images=images, seed=seed))

    counts = {split: sum(shot.split == split for shot in shots) for split in sample.SPLITS}
    assert abs(counts["train"] - 0.7 * images) <= 8
    assert abs(counts["valid"] - 0.15 * images) <= 4
    assert {s.wish.place for s in shots if s.split == "train"} == {s.wish.place for s in shots}


@given(seed=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_most_pictures_of_every_place_show_its_usual_look(seed):
    shots = sample.plan(make(images=240, seed=seed))

    for place in {shot.wish.place for shot in shots}:
        other = [shot.wish.scene_time for shot in shots if shot.wish.place == place]
        assert 0.1 < np.mean(other) < 0.3


@given(seed=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_wishes_do_not_contradict_one_another(seed):
    for shot in sample.plan(make(images=120, seed=seed)):
        wish = shot.wish
        assert wish.far + wish.crowd + wish.blurred_background <= 1
        assert not (wish.far and wish.occluded)
        assert not (wish.soft and wish.blurred_background)


def test_names_are_those_of_roboflow_and_hold_the_md5_of_the_file(export):
    for split, document in documents(export):
        for image in document["images"]:
            name, _, rest = image["file_name"].partition("_jpg.rf.")
            content = (export / split / image["file_name"]).read_bytes()

            assert rest == hashlib.md5(content).hexdigest() + ".jpg"
            assert image["extra"]["name"] == name + ".jpg"


def test_the_json_has_the_shape_of_a_roboflow_export(export):
    for _, document in documents(export):
        assert list(document) == sorted(document)
        assert document["categories"] == [
            {"id": 0, "name": "people", "supercategory": "none"},
            {"id": 1, "name": "person", "supercategory": "people"},
        ]
        for key in ("images", "annotations"):
            assert [row["id"] for row in document[key]] == list(range(len(document[key])))
        for annotation in document["annotations"]:
            x, y, width, height = annotation["bbox"]
            points = np.concatenate([np.reshape(r, (-1, 2)) for r in annotation["segmentation"]])

            assert annotation["area"] == pytest.approx(width * height, abs=0.01)
            np.testing.assert_allclose(
                (*points.min(0), *points.max(0)), (x, y, x + width, y + height), atol=0.01
            )
            assert points.min() >= 0
            assert points.max() <= 160
            assert annotation["category_id"] == 1
            for ring in annotation["segmentation"]:
                assert ring[:2] == ring[-2:]
                assert len(ring) >= 8


def test_pictures_truth_and_plates_belong_together(export):
    truth = truths(export)
    for split, document in documents(export):
        names = [image["file_name"] for image in document["images"]]

        assert names == sorted(path.name for path in (export / split).glob("*.jpg"))
        for name in names:
            assert truth[name].split == split
            plate = store.read_image(export / "truth" / "clean" / f"{name[:-4]}.png")
            assert plate.shape == (160, 160, 3)
    assert len(truth) == len(list((export / "truth" / "clean").glob("*.png"))) == 24


def test_far_and_crowd_can_be_read_from_the_polygons_with_a_wide_gap(export):
    truth = truths(export)
    for name, people in shares(export).items():
        if truth[name].far:
            assert max(people) < 0.022
        else:
            assert max(people) > 0.06
        assert (len(people) >= 4) == bool(truth[name].crowd)


def test_every_picture_has_somebody(export):
    assert set(shares(export)) == set(truths(export))


def test_the_number_of_workers_and_a_second_run_change_no_byte(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    contents = []
    for workers in (1, 2):
        settle(tmp_path, workers, images=8, size=96)
        stage.main(tmp_path / str(workers))
        files = sorted(path for path in (tmp_path / str(workers)).rglob("*") if path.is_file())
        contents.append({f.relative_to(tmp_path / str(workers)): f.read_bytes() for f in files})

    assert contents[0] == contents[1]


def test_another_seed_gives_other_pictures():
    shots = [sample.plan(make(seed=seed))[0] for seed in (1, 2)]
    names = {sample.take(shot, make(seed=seed)).file_name for seed, shot in enumerate(shots)}

    assert len(names) == 2


def test_a_share_above_one_is_refused():
    with pytest.raises(params.ParamsError, match="far"):
        make(far=1.5)


def test_each_picture_is_the_only_one_of_its_name():
    """Versions of one picture share what stands before ``.rf.``; these are none."""
    shots = sample.plan(make(images=40))

    assert len({(shot.wish.place, shot.number) for shot in shots}) == len(shots)
