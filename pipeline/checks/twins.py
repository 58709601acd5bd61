"""Checks of what is there twice, objects and pictures, and of splits that are not there."""

from collections import defaultdict
from hashlib import blake2b

import numpy as np
import pandas as pd
import shapely

from pipeline import drawing, polygons, splits
from pipeline.checks.base import Found, Tables, check, tuples
from pipeline.said import spelt


def outline(tables: Tables) -> Tables:
    """Add to the annotations ``outline``: a number that only those of equal outlines share."""
    geometries, digests = tables.annotations["geometry"].to_numpy(), []
    for first in range(0, len(geometries), polygons.BLOCK):  # all written at once take much memory
        written = shapely.to_wkb(geometries[first : first + polygons.BLOCK])
        digests += [blake2b(one, digest_size=16).digest() for one in written]
    number = pd.factorize(np.array(digests, dtype=object))[0]
    return tables.with_columns("annotations", outline=number)


@check("annotations", "warning", "dropped")
def annotation_twice(tables: Tables) -> Found:
    """Another annotation of the image has the same category and outline."""
    return Found(_alike(tables, ["category"]))


@check("annotations", "error", "kept")
def annotation_conflict(tables: Tables) -> Found:
    """Another annotation of the image has the same outline and another category."""
    return Found(_alike(tables, []))


@check("annotations", "warning", "kept")
def annotation_overlap(tables: Tables) -> Found:
    """Another object of the category covers nearly the same ground; value = their IoU."""
    annotations, limit = tables.annotations, tables.params.overlap_above
    geometries = annotations["geometry"].to_numpy()
    same = annotations.groupby(["split", "image_key", "category"], sort=False).ngroup()
    one, other = polygons.near(geometries, same.to_numpy())
    areas = polygons.areas(geometries)
    alike = np.minimum(areas[one], areas[other]) > limit * np.maximum(areas[one], areas[other])
    found: dict[int, float] = defaultdict(float)
    for first, later in zip(one[alike].tolist(), other[alike].tolist(), strict=True):
        iou = polygons.iou(geometries[first], geometries[later])
        if iou > limit:
            found[later] = max(found[later], iou)
    rows = sorted(found)
    return Found(annotations.index[rows], [found[row] for row in rows], limit)


@check("annotations", "info", "kept")
def annotation_hidden(tables: Tables) -> Found:
    """Smaller objects lie on all pixels of an object, so no mask shows it; value = its pixels."""
    annotations = tables.annotations
    image = annotations.groupby(["split", "image_key"], sort=False).ngroup().to_numpy()
    asked = np.zeros(len(annotations), dtype=bool)
    asked[_covered(annotations["geometry"].to_numpy(), image)] = True
    asked &= (annotations["image_width"] > 0).to_numpy()
    there = np.flatnonzero(np.isin(image, image[asked]))
    there = there[np.argsort(image[there], kind="stable")]
    labels = dict.fromkeys(spelt(name).casefold() for name in tables.categories["name"])
    number = {name: label for label, name in enumerate(labels, 1)}
    about = annotations.assign(image=image, label=annotations["category"].map(number)).iloc[there]
    objects = defaultdict(list)
    for which, row in zip(
        tuples(about, "image", "image_height", "image_width"),
        tuples(about, "label", "geometry", "rle"),
        strict=True,
    ):
        objects[which].append(drawing.Drawn(*row))
    frames = [drawing.Frame(several, *size) for (_, *size), several in objects.items()]
    pixels = drawing.hidden(frames, asked[there])
    return Found(annotations.index[there[pixels > 0]], pixels[pixels > 0])


@check("images", "warning", "kept")
def image_twice(tables: Tables) -> Found:
    """Another picture of the split has the same bytes."""
    images = tables.images
    return Found(images.index[images.duplicated(["goes", "sha256"])])


@check("splits", "warning", "moved")
def split_carved(tables: Tables) -> Found:
    """The export lacks a split; images of another one form it. value = images moved."""
    images, limits = tables.images, tables.params
    shares = {"valid": limits.valid_share, "test": limits.test_share}
    goes = splits.carve(images, shares, limits.likeness_below)
    moved = goes[goes != images["split"]].value_counts()
    rows = tables.splits.index[tables.splits["split"].isin(moved.index)]
    value = moved.reindex(tables.splits.loc[rows, "split"]).to_numpy()
    return Found(rows, value, tables=tables.with_columns("images", goes=goes))


@check("splits", "warning", "kept")
def split_empty(tables: Tables) -> Found:
    """A split has no images, and there are too few to form it; value = images there are."""
    full = set(tables.images["goes"])
    rows = tables.splits.index[~tables.splits["split"].isin(full)]
    return Found(rows, len(tables.images))


def _covered(geometries: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return the rows of objects that smaller ones of their image may cover, by areas and boxes."""
    one, other = polygons.near(geometries, image)
    area, edge = polygons.areas(geometries), shapely.length(geometries) + 1
    least, most = area - edge, area + edge  # pixels; a boundary's length is more than it decides
    above, below = np.concatenate([one, other]), np.concatenate([other, one])
    smaller = least[above] <= most[below]
    above, below = above[smaller], below[smaller]
    bounds = shapely.bounds(geometries).reshape(-1, 4)
    low = np.maximum(bounds[above, :2], bounds[below, :2]) - 1  # a pixel each side for rounding
    high = np.minimum(bounds[above, 2:], bounds[below, 2:]) + 1
    covering, reach = np.zeros(len(geometries)), np.full((len(geometries), 4), np.inf)
    np.add.at(covering, below, np.minimum(most[above], (high - low).prod(axis=1)))
    np.minimum.at(reach, below, np.concatenate([low, -high], axis=1))
    rows = np.flatnonzero((covering > 0) & (covering >= least))
    beyond = [
        area[row] - shapely.clip_by_rect(geometries[row], left, top, -right, -bottom).area
        for row, (left, top, right, bottom) in zip(rows, reach[rows].tolist(), strict=True)
    ]
    return rows[np.array(beyond) <= 2 * edge[rows]]


def _alike(tables: Tables, columns: list[str]) -> pd.Index:
    annotations = tables.annotations
    keys = annotations[["outline", "split", "image_key", *columns]]
    several = keys[annotations["outline"].duplicated(keep=False)]
    return several.index[several.duplicated()]
