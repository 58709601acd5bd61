"""Checks of what is there twice, objects and pictures, and of splits that are not there."""

from collections import defaultdict

import numpy as np
import pandas as pd
import shapely

from pipeline import polygons, splits
from pipeline.checks.base import Found, Tables, check


def outline(tables: Tables) -> Tables:
    """Add to the annotations ``outline``: a number that only those of equal outlines share."""
    written = shapely.to_wkb(tables.annotations["geometry"].to_numpy())
    return tables.with_columns("annotations", outline=pd.factorize(written)[0])


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


def _alike(tables: Tables, columns: list[str]) -> pd.Index:
    annotations = tables.annotations
    keys = annotations[["outline", "split", "image_key", *columns]]
    several = keys[annotations["outline"].duplicated(keep=False)]
    return several.index[several.duplicated()]
