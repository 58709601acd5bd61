"""Compose the built-in export: pictures at the rates of the report's Table 1, and the truth."""

import hashlib
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
import numpy as np

from pipeline import store
from pipeline.columns import Columns
from pipeline.params import Params
from pipeline.scenes import annotate, compose, places
from pipeline.scenes.compose import Wish
from pipeline.tables import SPLITS

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
DATE = "2025-01-01T00:00:00+00:00"  # the same for every run: nothing here depends on the clock
LICENCE = "https://creativecommons.org/publicdomain/zero/1.0/"
DIGITS = 3  # behind the point in coordinates, as Roboflow writes them
PROBLEMS = ("far", "crowd", "blurred_background", "scene_time", "occluded")

TRUTH = Columns(
    {
        "split": ("str", "train, valid or test"),
        "file_name": ("str", "the picture's name"),
        "far": ("int64", "1 = the largest person covers under 2 % of the picture, else over 6 %"),
        "crowd": ("int64", "1 = four persons or more"),
        "blurred_background": ("int64", "1 = the scenery is out of focus, the people are not"),
        "scene_time": ("int64", "1 = another hour or season than most pictures of the place"),
        "occluded": ("int64", "1 = an object hides over a tenth of the foremost person"),
        "low_light": ("int64", "1 = taken at night"),
    }
)


class SampleParams(Params):
    """What the built-in export holds; meanings and units stand in ``params.yaml``."""

    images: Annotated[int, msgspec.Meta(ge=8)]
    size: Annotated[int, msgspec.Meta(ge=96, le=2048)]
    seed: Annotated[int, msgspec.Meta(ge=0)]
    far: Share
    crowd: Share
    blurred_background: Share
    scene_time: Share
    occluded: Share
    soft: Share
    train: Share
    valid: Share
    quality_from: Annotated[int, msgspec.Meta(ge=1, le=100)]
    quality_to: Annotated[int, msgspec.Meta(ge=1, le=100)]
    tolerance: Annotated[float, msgspec.Meta(ge=0)]
    jitter: Annotated[float, msgspec.Meta(ge=0)]


@dataclass(frozen=True)
class Shot:
    """One picture to take: its number within its place, its split and what it is to show."""

    index: int
    number: int
    split: str
    wish: Wish


@dataclass(frozen=True)
class Taken:
    """One picture, as files and records.

    Attributes:
        shot: what it was to show.
        file_name: as Roboflow names its versions; the md5 of the JPEG is part of it.
        jpeg, plate: contents of the photo and of its clean plate (PNG).
        people: the rings of each person, ``(n, 2)`` float64 pixels, closed.
        low_light: whether it was taken at night.
    """

    shot: Shot
    file_name: str
    jpeg: bytes
    plate: bytes
    people: list[list[np.ndarray]]
    low_light: bool

    def without_pixels(self) -> "Taken":
        """Return the records alone, small enough to pass between processes."""
        return replace(self, jpeg=b"", plate=b"")


def plan(params: SampleParams) -> list[Shot]:
    """Return the pictures to take, in order: exact counts of every problem, every place in train.

    A far person is never occluded, and far, crowd and blurred_background exclude one another, so
    that each truth stays plain.
    """
    rng = np.random.default_rng([params.seed, 1])
    names = sorted(places.PLACES)
    where = np.sort(np.arange(params.images) % len(names))  # one place after the other
    problems = _problems(params, where, rng)
    splits = _splits(params, where, rng)
    first = np.searchsorted(where, where)  # of the place that each picture shows
    shots = []
    for index in range(params.images):
        flags = {name: bool(problems[name][index]) for name in (*PROBLEMS, "soft")}
        wish = Wish(names[where[index]], **flags)
        shots.append(Shot(index, index - int(first[index]) + 1, splits[index], wish))
    return shots


def _problems(
    params: SampleParams, where: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return for each problem which pictures have it, ``(images,)`` bool."""
    count = {name: round(getattr(params, name) * params.images) for name in (*PROBLEMS, "soft")}
    chosen = {name: np.zeros(params.images, bool) for name in count}
    order = rng.permutation(params.images)
    start = 0
    for name in ("far", "crowd", "blurred_background"):
        chosen[name][order[start : start + count[name]]] = True
        start += count[name]
    able = rng.permutation(np.flatnonzero(~chosen["far"]))
    chosen["occluded"][able[: count["occluded"]]] = True
    taken = chosen["far"] | chosen["blurred_background"]
    chosen["soft"][rng.permutation(np.flatnonzero(~taken))[: count["soft"]]] = True
    # Spread over the places, so that each keeps the usual look that it is compared with.
    shuffled = rng.permutation(params.images)
    turn = np.array([np.sum(where[shuffled[:i]] == where[shuffled[i]]) for i in range(len(where))])
    spread = shuffled[np.argsort(turn, kind="stable")]
    chosen["scene_time"][spread[: count["scene_time"]]] = True
    return chosen


def _splits(params: SampleParams, where: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Return the split of each picture: each place is shared out by the same quotas."""
    splits = [""] * params.images
    test = max(1 - params.train - params.valid, 0)
    quota = np.array((params.train, params.valid, test))
    given = np.zeros(3)
    for place in range(int(where.max()) + 1):
        members = rng.permutation(np.flatnonzero(where == place))
        for position, index in enumerate(members):
            target = quota * (given.sum() + 1)
            chosen = 0 if position == 0 else int(np.argmax(target - given))
            given[chosen] += 1
            splits[index] = SPLITS[chosen]
    return splits


def take(shot: Shot, params: SampleParams) -> Taken:
    """Draw one picture, trace its people and encode it; depends on nothing but its arguments."""
    picture = compose.picture(shot.wish, params.size, (params.seed, 2, shot.index))
    rng = np.random.default_rng([params.seed, 3, shot.index])
    unit = params.size / 640
    quality = int(rng.integers(params.quality_from, params.quality_to + 1))
    people = [
        annotate.trace(cover, params.tolerance * unit, params.jitter * unit, rng)
        for cover in picture.silhouettes
    ]
    jpeg = store.encode_image(picture.photo, ".jpg", quality)
    digest = hashlib.md5(jpeg, usedforsecurity=False).hexdigest()
    file_name = f"{shot.wish.place}_{shot.number}_jpg.rf.{digest}.jpg"
    plate = store.encode_image(picture.plate, ".png")
    return Taken(shot, file_name, jpeg, plate, people, picture.look.dark)


def document(taken: list[Taken], size: int) -> dict:
    """Return one split's ``_annotations.coco.json`` as Roboflow writes it.

    Ids start at 0, ``area`` is that of the bounding box, rings repeat their first point, and
    category 0 is a group that no annotation uses.
    """
    images, annotations = [], []
    for image_id, one in enumerate(sorted(taken, key=lambda one: one.file_name)):
        images.append(_image(image_id, one, size))
        for rings in one.people:
            if rings:
                annotations.append(_annotation(len(annotations), image_id, rings))
    return {
        "info": {
            "year": DATE[:4],
            "version": "1",
            "description": "People in places, generated by segment-restore",
            "contributor": "",
            "url": "",
            "date_created": DATE,
        },
        "licenses": [{"id": 1, "url": LICENCE, "name": "Public Domain"}],
        "categories": [
            {"id": 0, "name": "people", "supercategory": "none"},
            {"id": 1, "name": "person", "supercategory": "people"},
        ],
        "images": images,
        "annotations": annotations,
    }


def _image(image_id: int, one: Taken, size: int) -> dict:
    return {
        "id": image_id,
        "license": 1,
        "file_name": one.file_name,
        "height": size,
        "width": size,
        "date_captured": DATE,
        "extra": {"name": f"{one.shot.wish.place}_{one.shot.number}.jpg"},
    }


def _annotation(annotation_id: int, image_id: int, rings: list[np.ndarray]) -> dict:
    rounded = [np.round(ring, DIGITS) for ring in rings]
    points = np.concatenate(rounded)
    (left, top), (right, bottom) = points.min(0), points.max(0)
    width, height = round(float(right - left), DIGITS), round(float(bottom - top), DIGITS)
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": 1,
        "bbox": [float(left), float(top), width, height],
        "area": round(width * height, DIGITS),
        "segmentation": [ring.ravel().tolist() for ring in rounded],
        "iscrowd": 0,
    }


def truth(taken: list[Taken]) -> list[dict]:
    """Return the rows of ``truth/tags.csv``, columns as ``TRUTH``, by split and file name."""
    rows = []
    for one in sorted(taken, key=lambda one: (SPLITS.index(one.shot.split), one.file_name)):
        flags = {name: int(getattr(one.shot.wish, name)) for name in PROBLEMS}
        row = {"split": one.shot.split, "file_name": one.file_name}
        rows.append({**row, **flags, "low_light": int(one.low_light)})
    return rows


def readme(taken: list[Taken]) -> str:
    """Return ``README.roboflow.txt``."""
    lines = [
        "segment-restore sample - v1",
        "==============================",
        "",
        f"{len(taken)} images, generated: no photograph and no person in them is real.",
        "People are annotated in COCO Segmentation format.",
        "",
        "No pre-processing and no augmentation was applied.",
        "The truth behind the pictures (tags, scenes without people) lies in truth/.",
        "",
    ]
    return "\n".join(lines)
