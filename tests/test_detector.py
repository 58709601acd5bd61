"""What the shipped detector says, and that its answers are read right."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline import detector, store
from pipeline.errors import ImageError, WeightsError

PEOPLE = Path(__file__).parents[2] / "shared" / "data" / "people"


def answers(*objects, cells=52):
    """Return what the network says of objects: (column, row, reach in cells, kind, score)."""
    grids = {side: np.zeros((side, side, detector.KINDS), np.float32) for side in (52, 26, 13)}
    reaches = {
        side: np.zeros((side, side, 4 * detector.STEPS), np.float32) for side in (52, 26, 13)
    }
    for column, row, reach, kind, score in objects:
        grids[cells][row, column, kind] = score
        logits = np.full((4, detector.STEPS), -50.0)
        whole = int(reach)
        logits[:, whole] = np.log(1 - (reach - whole) + 1e-30)
        if reach > whole:
            logits[:, whole + 1] = np.log(reach - whole)
        reaches[cells][row, column] = logits.reshape(-1)
    return [*grids.values(), *reaches.values()]


def test_a_box_reaches_as_far_from_its_cell_as_the_mean_of_the_distribution():
    found = detector.boxes(answers((20, 10, 2.5, 0, 0.8)), (416, 416))

    expected = np.array([20.5 - 2.5, 10.5 - 2.5, 20.5 + 2.5, 10.5 + 2.5]) * 8 / 416
    assert found.people == pytest.approx(np.array([[*expected, 0.8]]), abs=1e-4)
    assert found.things.shape == (0, 6)


def test_boxes_are_shares_of_the_picture_and_end_at_its_border():
    found = detector.boxes(answers((50, 10, 4.0, 0, 0.8)), (208, 416))

    left, top, right, bottom, _ = found.people[0]
    assert (left, right) == pytest.approx((46.5 / 52, 1.0))
    assert (top, bottom) == pytest.approx((6.5 / 26, 14.5 / 26))


def test_of_one_object_seen_twice_the_surer_box_stays_and_neighbours_do():
    found = detector.boxes(
        answers((20, 10, 4.0, 0, 0.6), (21, 10, 4.0, 0, 0.9), (40, 10, 4.0, 0, 0.3)), (416, 416)
    )

    assert found.people[:, 4] == pytest.approx([0.9, 0.3])


def test_things_keep_their_kind_and_ties_are_no_things():
    found = detector.boxes(
        answers((10, 10, 2.0, 13, 0.5), (40, 40, 2.0, detector.TIE, 0.9)), (416, 416)
    )

    assert found.things[:, 4:].tolist() == [[0.5, 13.0]]
    assert len(found.people) == 0


def test_faint_answers_are_not_kept():
    found = detector.boxes(answers((10, 10, 2.0, 0, 0.09), (30, 30, 2.0, 13, 0.14)), (416, 416))

    assert (len(found.people), len(found.things)) == (0, 0)


@pytest.mark.parametrize(("height", "width"), [(100, 400), (900, 300), (1, 5000), (416, 416)])
def test_a_picture_is_laid_whole_into_the_networks_square(height, width):
    image = np.full((height, width, 3), (250, 10, 10), np.uint8)

    shown, size = detector.square(image)

    assert shown.shape == (1, detector.SIDE, detector.SIDE, 3)
    assert shown.dtype == np.float32
    colours = shown[0] * detector.SPREAD + detector.MEAN
    inside = colours[: size[0], : size[1]]
    assert np.allclose(inside, (10, 10, 250), atol=1)  # blue comes first
    assert colours.sum() == pytest.approx(inside.sum(), rel=1e-4)  # black around
    assert max(size) == detector.SIDE


def test_nothing_is_found_in_a_plain_picture(tmp_path):
    path = tmp_path / "plain.png"
    store.write_image(path, np.full((200, 300, 3), 128, np.uint8))

    found = detector.detect(str(path))

    assert (found.people.shape, found.things.shape) == ((0, 5), (0, 6))


def test_a_broken_picture_is_named(tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff no picture")

    with pytest.raises(ImageError, match=r"broken\.jpg"):
        detector.detect(str(path))


def test_without_its_file_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(detector, "WEIGHTS", tmp_path / "gone.tflite")
    monkeypatch.setattr(detector, "_OWN", threading.local())
    with pytest.raises(WeightsError, match=r"gone\.tflite.*tag\.detector: none"):
        detector.look(np.zeros((10, 10, 3), np.uint8))


def test_what_a_photo_depends_on_is_its_bytes(tmp_path):
    store.write_image(tmp_path / "a.png", np.full((20, 30, 3), 128, np.uint8))
    store.write_image(tmp_path / "b.png", np.full((20, 30, 3), 129, np.uint8))
    (tmp_path / "c.png").write_bytes((tmp_path / "a.png").read_bytes())

    one, other, same = (
        detector.digest(str(tmp_path / name)) for name in ("a.png", "b.png", "c.png")
    )

    assert one == same
    assert one != other
    assert detector.digest(str(tmp_path / "gone.png")) == b""


@pytest.mark.skipif(not PEOPLE.is_dir(), reason="the real photos are not here")
def test_large_people_of_real_photos_are_found_and_found_again_however_it_is_stored(tmp_path):
    export = json.loads((PEOPLE / "test" / "_annotations.coco.json").read_text())
    known, found = 0, 0
    for image in export["images"][::2]:
        path = PEOPLE / "test" / image["file_name"]
        seen = detector.detect(str(path))
        size = np.array([image["width"], image["height"]] * 2)
        boxes = seen.people[seen.people[:, 4] > 0.3][:, :4] * size
        for one in export["annotations"]:
            left, top, width, height = one["bbox"]
            if one["image_id"] == image["id"] and width * height > 0.1 * size[0] * size[1]:
                known += 1
                found += any(
                    _overlap(box, (left, top, left + width, top + height)) > 0.5 for box in boxes
                )
    assert known > 15
    assert found / known > 0.85

    again = tmp_path / "same.png"
    cv2.imwrite(str(again), cv2.imread(str(path)))
    twin = detector.detect(str(again))
    assert twin.people[0, :4] == pytest.approx(seen.people[0, :4], abs=0.03)


def _overlap(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0, width) * max(0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(areas) - common)


def test_threads_do_not_share_a_network():
    """One interpreter holds one picture: two threads would see each other's, or be refused."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (60, 80, 3)).astype(np.uint8) for _ in range(4)]
    alone = [detector.look(picture)[0] for picture in pictures]

    with ThreadPoolExecutor(4) as pool:
        together = [one[0] for one in pool.map(detector.look, pictures * 6)]

    for place, found in enumerate(together):
        for one, other in zip(found, alone[place % 4], strict=True):
            np.testing.assert_array_equal(one, other)
