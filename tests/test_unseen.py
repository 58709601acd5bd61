"""People nobody outlined, things in front, and what only looks like somebody."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from pipeline import detector, silhouettes, still, store, unseen
from pipeline.detector import Seen
from pipeline.measurements import Photo

PEOPLE = Path(__file__).parents[2] / "shared" / "data" / "people"


def ring(left, top, right, bottom):
    """Return one person outlined as a box, in pixels."""
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return [[np.array(corners, np.float32)]]


def photo(*people, crowds=(), path="none.jpg"):
    """Return a photo of 1000 x 1000 pixels."""
    areas = [
        float(np.ptp(one[0][0][:, 0]) * np.ptp(one[0][0][:, 1])) if one else 0.0 for one in people
    ]
    return Photo(path, 1000, 1000, list(people), areas, list(crowds))


def seen(*boxes, things=()):
    return Seen(
        np.array(boxes, np.float32).reshape(-1, 5), np.array(things, np.float32).reshape(-1, 6)
    )


def table(one, what):
    return unseen.table([one], [what], [""], 5, map).iloc[0]


@given(st.lists(st.floats(0, 1), max_size=7))
def test_the_number_at_even_odds_is_that_of_all_outcomes(odds):
    tail = np.zeros(len(odds) + 1)
    for outcome in itertools.product((0, 1), repeat=len(odds)):
        chance = np.prod([p if yes else 1 - p for p, yes in zip(odds, outcome, strict=True)])
        tail[: sum(outcome) + 1] += chance

    number = unseen.median(np.array(odds))

    assert tail[number] >= 0.5 - 1e-6
    assert number == len(odds) or tail[number + 1] < 0.5 + 1e-6


def test_a_detection_is_as_likely_as_not_at_even_and_surer_with_its_score():
    found = unseen.probability(np.array([0.0, 0.2, unseen.EVEN, 0.7, 1.0]))

    assert found[2] == pytest.approx(0.5)
    assert (np.diff(found) > 0).all()
    assert ((found >= 0) & (found <= 1)).all()


def test_whom_somebody_outlined_is_no_bystander():
    who = ring(100, 100, 300, 900)

    found = table(seen((0.1, 0.12, 0.31, 0.9, 0.95)), photo(who))

    assert found.tolist() == [0, 0.0, 0.0]


def test_whom_nobody_outlined_is_one_and_large_ones_are_missed():
    who = ring(100, 100, 300, 900)

    found = table(seen((0.1, 0.1, 0.3, 0.9, 0.9), (0.6, 0.2, 0.8, 0.9, 0.9)), photo(who))

    assert found["bystanders"] == 1
    assert found["missed"] == pytest.approx(0.2 * 0.7)


def test_a_person_far_behind_is_told_from_the_one_in_front():
    who = ring(100, 100, 500, 900)

    small = table(seen((0.2, 0.3, 0.25, 0.45, 0.9)), photo(who))
    part = table(seen((0.1, 0.1, 0.5, 0.5, 0.9)), photo(who))  # the upper half of the same person

    assert (small["bystanders"], part["bystanders"]) == (1, 0)


def test_a_region_of_many_explains_everybody_in_it():
    crowd = ring(0, 0, 1000, 400)

    found = table(seen((0.1, 0.1, 0.12, 0.2, 0.9)), photo(crowds=[crowd]))

    assert found["bystanders"] == 0


def test_an_outline_without_rings_explains_nobody():
    assert table(seen((0.1, 0.1, 0.3, 0.9, 0.9)), photo([]))["bystanders"] == 1


def test_faint_detections_count_together():
    faint = [(0.1 * place, 0.1, 0.1 * place + 0.05, 0.3, 0.35) for place in range(8)]
    chance = unseen.probability(np.array([0.35]))[0]

    number = table(seen(*faint), photo())["bystanders"]

    assert abs(number - 8 * chance) <= 1  # a binomial's median lies within one of its mean


def test_a_thing_hides_as_much_of_a_person_as_lies_in_its_box_and_on_nobody():
    # a person of 400 x 800 px with a notch of 200 x 200 px in the left side
    corners = [(100, 100), (500, 100), (500, 900), (100, 900), (100, 600), (300, 600), (300, 400)]
    who = [[np.array([*corners, (100, 400)], np.float32)]]
    thing = (0.05, 0.4, 0.3, 0.6, 0.8, 24)

    found = unseen.in_front(np.array([thing], np.float32), photo(who)._replace(areas=[2.8e5]))

    assert found == pytest.approx(0.8 * 200 * 200 / (400 * 800), rel=0.1)  # drawn wide


@pytest.mark.parametrize(
    "thing",
    [
        (0.6, 0.4, 0.9, 0.6, 0.8, 24),  # beside
        (0.1, 0.1, 0.5, 0.35, 0.8, 24),  # in the box, but the person is all there
        (0.05, 0.4, 0.3, 0.6, 0.19, 24),  # too faint
        (0.05, 0.4, 0.3, 0.6, 0.8, 56),  # a chair, that one sits on
    ],
)
def test_other_things_hide_nothing(thing):
    corners = [(100, 100), (500, 100), (500, 900), (100, 900), (100, 600), (300, 600), (300, 400)]
    who = [[np.array([*corners, (100, 400)], np.float32)]]

    assert unseen.in_front(np.array([thing], np.float32), photo(who)._replace(areas=[2.8e5])) == (
        pytest.approx(0, abs=0.01)
    )


def test_where_another_person_stands_no_thing_hides():
    corners = [(100, 100), (500, 100), (500, 900), (100, 900), (100, 600), (300, 600), (300, 400)]
    who = [[np.array([*corners, (100, 400)], np.float32)]]
    thing = np.array([(0.05, 0.4, 0.3, 0.6, 0.8, 24)], np.float32)

    both = photo(who, ring(90, 390, 310, 610))._replace(areas=[2.8e5, 4.8e4])

    assert unseen.in_front(thing, both) == pytest.approx(0, abs=0.01)


def test_without_a_detector_nothing_is_known():
    found = unseen.unknown(2)

    assert found["bystanders"].tolist() == [0, 0]
    assert found[["missed", "in_front"]].isna().all(axis=None)
    assert dict(found.dtypes.astype(str)) == unseen.UNSEEN


def frames(folder, count, lantern):
    """Write photos of one place, each with noise of its own, a lantern if told, and a walker."""
    rng = np.random.default_rng(3)
    ground = rng.integers(0, 255, (30, 40, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    post = rng.integers(0, 255, (12, 4, 3), np.uint8).repeat(5, 0).repeat(5, 1)
    paths, boxes = [], []
    for number in range(count):
        shift = rng.integers(-6, 7, 2)
        image = np.roll(ground, shift, (0, 1)).astype(float)
        if lantern:
            top, left = 80 + shift[0], 60 + shift[1]
            image[top : top + 60, left : left + 20] = post
        walker = rng.integers(0, 255, (12, 4, 3), np.uint8).repeat(5, 0).repeat(5, 1)
        across = 150 + 20 * number
        image[90:150, across : across + 20] = walker
        light = (image * rng.uniform(0.5, 1) + rng.normal(0, 4, image.shape)).clip(0, 255)
        paths.append(str(folder / f"{number}.png"))
        store.write_image(Path(paths[-1]), light.astype(np.uint8))
        found = [(across / 320, 90 / 240, (across + 20) / 320, 150 / 240)]
        if lantern:
            found.append((left / 320, top / 240, (left + 20) / 320, (top + 60) / 240))
        boxes.append(np.array(found))
    return still.Site(paths, boxes)


def test_what_stands_in_many_photos_of_a_place_stands_still_and_walkers_do_not(tmp_path):
    site = frames(tmp_path, 6, lantern=True)

    found = still.still(site)

    assert [one.tolist() for one in found] == [[False, True]] * 6


def test_a_few_photos_do_not_tell_what_stands_still(tmp_path):
    site = frames(tmp_path, 2, lantern=True)

    assert [one.tolist() for one in still.still(site)] == [[False, False]] * 2


def test_a_lantern_is_no_bystander(tmp_path):
    site = frames(tmp_path, 6, lantern=True)
    every = [
        Seen(
            np.column_stack([boxes, np.full(len(boxes), 0.95)]).astype(np.float32), np.zeros((0, 6))
        )
        for boxes in site.boxes
    ]
    photos = [photo(path=path) for path in site.paths]

    alone = unseen.table(every, photos, [""] * 6, 5, map)
    together = unseen.table(every, photos, ["gate"] * 6, 5, map)

    assert alone["bystanders"].tolist() == [2] * 6
    assert together["bystanders"].tolist() == [1] * 6


@pytest.mark.skipif(not PEOPLE.is_dir(), reason="the real photos are not here")
def test_an_outline_that_is_taken_away_is_missed():
    export = json.loads((PEOPLE / "train" / "_annotations.coco.json").read_text())
    asked, told, wrong = 0, 0, 0
    for number, image in enumerate(export["images"]):
        theirs = [one for one in export["annotations"] if one["image_id"] == image["id"]]
        whole = image["width"] * image["height"]
        large = [one for one in theirs if one["area"] > 0.05 * whole]
        if len(theirs) not in {1, 2, 3} or not large or number % 4:
            continue
        people = [
            [[np.array(part, np.float32).reshape(-1, 2)] for part in one["segmentation"]]
            for one in theirs
        ]
        found = detector.detect(str(PEOPLE / "train" / image["file_name"]))
        areas = [float(one["area"]) for one in theirs]
        lost = theirs.index(large[0])
        given = Photo("", image["width"], image["height"], people, areas, [])
        less = given._replace(
            people=people[:lost] + people[lost + 1 :], areas=areas[:lost] + areas[lost + 1 :]
        )
        asked += 1
        wrong += table(found, given)["missed"] > 0.03
        told += table(found, less)["missed"] > 0.03
    assert asked >= 10
    assert told / asked > 0.4
    assert wrong / asked < 0.1


def test_people_drawn_by_hand_are_measured_as_those_of_a_dataset():
    shape = shapely.box(100, 100, 300, 900)
    who = silhouettes.rings(shape)

    assert table(seen((0.1, 0.1, 0.3, 0.9, 0.9)), photo(who))["bystanders"] == 0
