"""Measure each image, name its problems: one row an image, one boolean column a tag."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import pandas as pd

from pipeline import images, measurements, parallel, places, polygons, silhouettes
from pipeline.errors import ParamsError
from pipeline.measurements import MEASUREMENTS, Measured, Photo
from pipeline.params import Params
from pipeline.tables import CHOSEN, MEASURED, SPLITS, TAGS, Dataset

TABLE_1 = ("far", "crowd", "blurred_background", "scene_time", "occluded")

# Least spread within one place that counts as one ordinary difference, in images.look's order and
# units: a quarter of an aperture stop, and what white balance alone does to colours.
LOOK_SCALES = (0.25, 0.02, 0.02, 0.05)

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Level = Annotated[float, msgspec.Meta(ge=0, le=255)]
Positive = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class TagParams(Params):
    """Which measurement beyond which limit is a problem."""

    people: list[str]  # names of the categories that are people; none = all are
    place_pattern: str  # regular expression; its first group is the place
    place_alike_above: Share  # likeness from which two photos are looked at for one place
    place_corners_from: Count  # corners that agree in two photos of one place
    place_photos_from: Count  # fewest photos of a place
    far_below: Share  # share of the picture
    crowd_from: Count  # people
    blurred_above: float  # log-odds
    unusual_above: Positive  # ordinary differences
    occluded_above: float  # log-odds
    dark_below: Level  # grey levels
    bright_above: Share  # share of clipped pixels
    contrast_below: Level  # grey levels
    soft_above: Positive  # pixels at working size
    noisy_above: Level  # grey levels
    duplicate_within: Annotated[int, msgspec.Meta(ge=-1, le=63)]  # bits of 63
    cut_above: Share  # share of the outline
    colour_below: Level  # grey levels
    odd_size_above: Annotated[float, msgspec.Meta(ge=1)]  # times the median


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
    groups = dict(list(chosen.groupby(["split", "image_id"])))
    nobody = chosen.iloc[:0]
    result = []
    for row in order(dataset.images).itertuples():
        theirs = groups.get((row.split, row.image_id), nobody)
        theirs = theirs.sort_values("annotation_id")
        single, many = (
            theirs["geometry"][theirs["iscrowd"] == crowd].to_numpy() for crowd in (False, True)
        )
        result.append(
            Photo(
                path=str(raw / row.path),
                width=row.width,
                height=row.height,
                people=[silhouettes.rings(shape) for shape in single],
                areas=polygons.areas(single).tolist(),
                crowds=[silhouettes.rings(shape) for shape in many],
            )
        )
    return result


def order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return images sorted by split (train, valid, test), then file name."""
    split = pd.Categorical(frame["split"], SPLITS, ordered=True)
    return frame.assign(split_order=split).sort_values(["split_order", "file_name"])[frame.columns]


def grouped(todo: list[Photo], measured: list[Measured], params: TagParams) -> list[str]:
    """Return the place of each image: by its file's name, else by likeness; "" alone.

    A place found by likeness is called after its first image.
    """
    if not todo:
        return []
    alike = places.likeness(np.array([one.gradients for one in measured]))
    seen = cache(lambda row: measurements.corners(todo[row]))
    same = cache(
        lambda one, other: places.agreeing(seen(one), seen(other)) >= params.place_corners_from
    )
    files = [Path(photo.path).name for photo in todo]
    named = places.by_name(files, params.place_pattern)
    named = places.coherent(named, alike, params.place_photos_from, same)
    rest = np.array([name == "" for name in named])
    alike[~rest] = alike[:, ~rest] = -1
    leaders = places.by_look(alike, params.place_alike_above, same)
    return [
        name or (files[leader].split(".rf.")[0] if leaders.count(leader) > 1 else "")
        for name, leader in zip(named, leaders, strict=True)
    ]


def table(
    dataset: Dataset, measured: list[Measured], place: list[str], members: int
) -> pd.DataFrame:
    """Return one row an image: columns as ``MEASURED``, then every measurement.

    Args:
        dataset: whose images were measured.
        measured: one an image, in the order of ``order``.
        place: the same, "" for none.
        members: fewest photos that make a place's usual look.
    """
    rows = order(dataset.images).reset_index(drop=True)
    numbers = MEASUREMENTS.frame([one.numbers for one in measured])
    frame = pd.concat([rows[["split", "file_name", "width", "height"]], numbers], axis=1)
    frame.insert(4, "place", pd.Series(place, dtype="str"))
    looks = np.array([one.look for one in measured])
    frame["unusual"] = places.unusual(looks, place, np.array(LOOK_SCALES), members)
    frame["nearest_bits"] = images.nearest_bits([one.hash for one in measured])
    frame["size_ratio"] = _size_ratio(frame["width"] * frame["height"])
    return MEASURED.check(frame, "images")


def _size_ratio(pixels: pd.Series) -> pd.Series:
    """How many times larger or smaller than the median image, at least 1."""
    ratio = pixels / pixels.median()
    return np.maximum(ratio, 1 / ratio)


RULES: dict[str, Callable[[pd.DataFrame, TagParams], pd.Series]] = {
    "far": lambda of, limit: (of["people"] > 0) & (of["largest"] < limit.far_below),
    "crowd": lambda of, limit: (of["people"] >= limit.crowd_from) | (of["crowds"] > 0),
    "blurred_background": lambda of, limit: of["defocus"] > limit.blurred_above,
    "scene_time": lambda of, limit: of["unusual"] > limit.unusual_above,
    "occluded": lambda of, limit: of["hidden"] > limit.occluded_above,
    "low_light": lambda of, limit: of["luma"] < limit.dark_below,
    "over_exposed": lambda of, limit: of["clipped"] > limit.bright_above,
    "low_contrast": lambda of, limit: of["luma_high"] - of["luma_low"] < limit.contrast_below,
    "whole_blur": lambda of, limit: of["edge"] > limit.soft_above,
    "noisy": lambda of, limit: of["noise"] > limit.noisy_above,
    "duplicate": lambda of, limit: of["nearest_bits"] <= limit.duplicate_within,
    "no_person": lambda of, limit: of["people"] + of["crowds"] == 0,
    "cut_off": lambda of, limit: of["cut"] > limit.cut_above,
    "greyscale": lambda of, limit: of["chroma"] < limit.colour_below,
    "odd_size": lambda of, limit: of["size_ratio"] > limit.odd_size_above,
}


def tagged(measured: pd.DataFrame, params: TagParams) -> pd.DataFrame:
    """Return the measurements with one boolean column a tag after them; unknown (NaN) is False."""
    return measured.assign(**{tag: rule(measured, params) for tag, rule in RULES.items()})


def shares(tags: pd.DataFrame) -> pd.DataFrame:
    """Count the images of each tag, columns as ``TAGS``, the five of Table 1 first."""
    rows = []
    for tag in RULES:
        found = tags.loc[tags[tag], "split"]
        counts = {split: int((found == split).sum()) for split in SPLITS}
        share = len(found) / len(tags) if len(tags) else 0.0
        rows.append({"tag": tag, "images": len(found), "share": share, **counts})
    return TAGS.frame(rows)


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
    todo = photos(dataset, raw, params.people)
    measured = parallel.each(measurements.measure, todo, compute, "tag")
    place = grouped(todo, measured, params)
    return tagged(table(dataset, measured, place, params.place_photos_from), params)
