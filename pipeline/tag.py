"""Measure each image, name its problems: one row an image, one boolean column a tag."""

from collections import Counter, defaultdict
from functools import cache, partial
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from pipeline import (
    detector,
    likeness,
    lookalikes,
    measurements,
    memory,
    parallel,
    places,
    polygons,
    silhouettes,
    unseen,
)
from pipeline.detector import Seen
from pipeline.errors import ParamsError
from pipeline.measurements import MEASUREMENTS, Agreements, Measured, Photo
from pipeline.rules import RULES, TABLE_1, TagParams, tagged
from pipeline.tables import CHOSEN, MEASURED, SPLITS, TAGS, Dataset
from pipeline.tables import ordered as order

__all__ = [
    "RULES",
    "TABLE_1",
    "TagParams",
    "choose",
    "order",
    "run",
    "shares",
    "summary",
    "tagged",
    "told",
]

BESIDE = "data/truth"  # where the pipeline puts the answers that came with an export

# What categories of people are called.
PERSONS = frozenset(
    (
        *("person", "persons", "people", "human", "humans", "pedestrian", "pedestrians"),
        *("man", "woman", "child", "boy", "girl", "selfie", "người", "nguoi"),
    )
)

TOGETHER = 16  # images that are measured step by step, of 0.5 MB each

# Least spread within one place that counts as one ordinary difference, in images.look's order and
# units: a quarter of an aperture stop, and what white balance alone does to colours.
LOOK_SCALES = (0.25, 0.02, 0.02, 0.05)


def photos(dataset: Dataset, raw: Path, people: list[str]) -> list[Photo]:
    """Return what to measure, one an image, in the order of ``order``.

    Raises:
        ParamsError: a name in ``people`` is no category.
    """
    categories = dataset.categories
    unknown = sorted(set(people) - set(categories["name"]))
    if unknown:
        raise ParamsError(
            f"tag.people names {', '.join(unknown)}; "
            f"the categories are {', '.join(sorted(set(categories['name'])))}"
        )
    wanted = categories["category_id"][categories["name"].isin(people) | (not people)]
    chosen = dataset.annotations[dataset.annotations["category_id"].isin(wanted)]
    chosen = chosen.sort_values("annotation_id", kind="stable")
    rings = silhouettes.all_rings(chosen["geometry"].to_numpy())
    areas = polygons.areas(chosen["geometry"].to_numpy()).tolist()
    theirs: dict[tuple[str, int], tuple[list, list, list]] = defaultdict(lambda: ([], [], []))
    keys = zip(chosen["split"], chosen["image_id"], strict=True)
    for key, crowd, shape, area in zip(keys, chosen["iscrowd"], rings, areas, strict=True):
        single, sizes, many = theirs[key]
        (many if crowd else single).append(shape)
        sizes.extend([] if crowd else [area])
    rows = order(dataset.images)
    columns = (rows[name].tolist() for name in ("split", "image_id", "path", "width", "height"))
    return [
        Photo(str(raw / path), width, height, *theirs[split, number])
        for split, number, path, width, height in zip(*columns, strict=True)
    ]


def grouped(
    todo: list[Photo],
    measured: list[Measured],
    params: TagParams,
    agreements: Agreements,
    each: places.Each = map,
) -> list[str]:
    """Return the place of each image: by its file's name, else by likeness; "" alone.

    A place found by likeness is called after its first image. ``each`` does what ``map`` does,
    perhaps on several processors.
    """
    if not todo:
        return []
    alike = likeness.Likeness([one.gradients for one in measured])

    @cache
    def same(one: int, other: int) -> bool:
        sure = alike(np.array([one]), np.array([other]))[0, 0] > places.SURE
        return sure or agreements(one, other) >= params.place_corners_from

    files = [Path(photo.path).name for photo in todo]
    named = places.by_name(files, params.place_pattern)
    named = places.coherent(named, alike, params.place_photos_from, same, each)
    rest = np.flatnonzero([name == "" for name in named])
    leaders = places.by_look(alike, rest, params.place_alike_above, same, each, agreements.ready)
    several = Counter(leaders)
    for row, leader in zip(rest.tolist(), leaders, strict=True):
        named[row] = files[leader].split(".rf.")[0] if several[leader] > 1 else ""
    return named


def look(
    dataset: Dataset, todo: list[Photo], params: TagParams, compute: parallel.ComputeParams
) -> list[Seen] | None:
    """Return what the detector finds in each photo; None if there is none, or nobody to look for.

    It knows people, so it is asked where people are what is outlined: where ``tag.people`` says
    who they are, or a category is called as ``PERSONS`` are.
    """
    named = {name.lower() for name in dataset.categories["name"]}
    if params.detector == "none" or not (params.people or named & PERSONS):
        return None
    paths = [photo.path for photo in todo]
    digests = memory.digests(detector.digest, paths, compute, "look")
    return memory.Memory(compute.cache, detector.detect, Seen).each(paths, digests, compute, "look")


def table(  # noqa: PLR0913  # all that a row comes from
    dataset: Dataset,
    measured: list[Measured],
    place: list[str],
    beside: pd.DataFrame,
    params: TagParams,
    each: lookalikes.Each = map,
) -> pd.DataFrame:
    """Return one row an image: columns as ``MEASURED``, then every measurement.

    Args:
        dataset: whose images were measured.
        measured: one an image, in the order of ``order``.
        place: the same, "" for none.
        beside: the same, columns as ``unseen.UNSEEN``.
        params: how many photos make a place's usual look, what the same picture is.
        each: as of ``lookalikes.nearest``.
    """
    rows = order(dataset.images).reset_index(drop=True)
    values = np.array([one.values for one in measured]).reshape(-1, len(MEASUREMENTS))
    numbers = MEASUREMENTS.check(pd.DataFrame(values, columns=[*MEASUREMENTS]), "rows", cast=True)
    frame = pd.concat([rows[["split", "file_name", "width", "height"]], numbers], axis=1)
    frame.insert(4, "place", pd.Series(place, dtype="str"))
    looks = np.array([one.look for one in measured])
    frame["unusual"] = places.unusual(looks, place, np.array(LOOK_SCALES), params.place_photos_from)
    frame["nearest_levels"], frame["nearest_bits"] = lookalikes.nearest(
        [one.hash for one in measured],
        np.array([one.tiles for one in measured]),
        params.duplicate_within,
        each,
    )
    frame = pd.concat([frame, beside], axis=1)
    frame["size_ratio"] = _size_ratio(frame["width"] * frame["height"])
    return MEASURED.check(frame, "images")


def _size_ratio(pixels: pd.Series) -> pd.Series:
    """How many times larger or smaller than the median image, at least 1."""
    ratio = pixels / pixels.median()
    return np.maximum(ratio, 1 / ratio)


def shares(tags: pd.DataFrame) -> pd.DataFrame:
    """Count the images of each tag, columns as ``TAGS``, the five of Table 1 first."""
    rows = []
    for tag in RULES:
        found = tags.loc[tags[tag], "split"]
        counts = {split: int((found == split).sum()) for split in SPLITS}
        share = len(found) / len(tags) if len(tags) else 0.0
        rows.append({"tag": tag, "images": len(found), "share": share, **counts})
    return TAGS.frame(rows)


def summary(tags: pd.DataFrame, shares: pd.DataFrame) -> str:
    """Return one line: how many images there are, and the share of each problem of Table 1."""
    table_1 = shares[shares["tag"].isin(TABLE_1)]
    text = ", ".join(f"{row.tag} {row.share:.0%}" for row in table_1.itertuples())
    return f"{len(tags)} images: {text}"


def choose(dataset: Dataset, tags: pd.DataFrame, exclude: list[str]) -> pd.DataFrame:
    """Return the train and valid images that have none of the excluded tags, as ``CHOSEN``.

    Raises:
        ParamsError: an excluded tag does not exist, or no train image is left.
    """
    unknown = sorted(set(exclude) - set(RULES))
    if unknown:
        raise ParamsError(
            f"train.exclude names {', '.join(unknown)}; the tags are {', '.join(RULES)}"
        )
    rows = order(dataset.images).reset_index(drop=True)
    bad = tags[exclude].any(axis=1).to_numpy() if exclude else np.zeros(len(rows), bool)
    kept = rows[(rows["split"] != "test") & ~bad]
    if len(rows) and not (kept["split"] == "train").any():
        raise ParamsError(f"train.exclude {', '.join(exclude)} leaves no train image; exclude less")
    return CHOSEN.check(kept[list(CHOSEN)], "chosen")


def run(
    dataset: Dataset, raw: Path, params: TagParams, compute: parallel.ComputeParams
) -> pd.DataFrame:
    """Measure and tag every image; columns as ``MEASURED``, measurements, tags."""
    return told(dataset, photos(dataset, raw, params.people), params, compute)


def told(
    dataset: Dataset, todo: list[Photo], params: TagParams, compute: parallel.ComputeParams
) -> pd.DataFrame:
    """Return what ``run`` does, of ``photos``; the dataset may lack its annotations by now."""
    digests = memory.digests(measurements.digest, todo, compute, "tag")
    kept = memory.Memory(compute.cache, measurements.measure_all, Measured, TOGETHER)
    measured = kept.each(todo, digests, compute, "tag")
    seen = look(dataset, todo, params, compute)
    agreements = measurements.Agreements(todo, digests, compute)
    here = msgspec.structs.replace(compute, backend="local")  # threads share what they have seen
    each = partial(parallel.each, compute=here, title="places", threads=True)
    place = grouped(todo, measured, params, agreements, each)
    agreements.keep()
    if seen is None:
        beside = unseen.unknown(len(todo))
    else:
        beside = unseen.table(seen, todo, place, params.place_photos_from, each)
    return tagged(table(dataset, measured, place, beside, params, each), params)
