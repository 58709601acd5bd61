"""Which image, object and category of one version of a dataset is which of another version."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import shapely
from pycocotools import mask as coco_masks

from pipeline import rle
from pipeline.drawing import Drawn, label_mask
from pipeline.tables import Dataset

SAME_FROM = 0.3  # IoU; objects that share less ground are two, such as a person and a neighbour
PAIRS = ("one", "other")


def images(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Pair images: by split and stem, by path, by name, then by source; by one only if unique.

    The later ones find a picture that went to another split, and one that Roboflow gave another
    name by making its version anew.

    Returns:
        Columns ``one, other``: labels of rows of ``before`` and ``after``, a row a pair.
    """
    found = []
    for keys in (["split", "stem"], ["path"], ["file_name"], ["source"]):
        pairs = _unique(before, after, keys)
        found.append(pairs)
        before, after = before.drop(pairs["one"]), after.drop(pairs["other"])
    return pd.concat(found, ignore_index=True)


def annotations(before: Dataset, after: Dataset, pairs: pd.DataFrame) -> pd.DataFrame:
    """Pair the objects of paired images: those of one outline first, then by their masks.

    Of the others those of most common ground are paired first, from an IoU of ``SAME_FROM``; of
    equal ones those of one category.

    Args:
        before: the earlier version.
        after: the later one.
        pairs: as ``images`` gives them.

    Returns:
        Columns ``one, other`` into the annotations and ``iou`` of their masks, 0..1, a row a pair.
        Where an image has another size the earlier outline is scaled to it.
    """
    old = _beside(before, before.images.loc[pairs["one"]], pairs.index)
    new = _beside(after, after.images.loc[pairs["other"]], pairs.index)
    scaled = _resized(before.images.loc[pairs["one"]], after.images.loc[pairs["other"]])
    found = []
    for keys in (["pair", "written", "name"], ["pair", "written"]):
        old_left, new_left = (_numbered(frame, keys) for frame in (old, new))
        same = _unique(
            old_left[~old_left["pair"].map(scaled).astype(bool)], new_left, [*keys, "number"]
        )
        found.append(same.assign(iou=1.0))
        old, new = old.drop(same["one"]), new.drop(same["other"])
    left = new.groupby("pair")
    for pair, rows in old.groupby("pair"):
        if pair in left.groups:
            one = before.images.loc[pairs.loc[pair, "one"]]
            other = after.images.loc[pairs.loc[pair, "other"]]
            found.append(_by_mask(rows, left.get_group(pair), one, other))
    return pd.concat(found, ignore_index=True)


def renamed(before: Dataset, after: Dataset, pairs: pd.DataFrame) -> dict[str, str]:
    """Return earlier -> later name of categories that have another name now.

    Most of the paired objects of such a category, and of its new name, are each other's. One
    without objects is renamed if its place in the table and its supercategory are the same.

    Args:
        before: the earlier version.
        after: the later one.
        pairs: as ``annotations`` gives them.
    """
    old = _names(before)[pairs["one"]].to_numpy()
    new = _names(after)[pairs["other"]].to_numpy()
    gone = set(before.categories["name"]) - set(after.categories["name"])
    come = set(after.categories["name"]) - set(before.categories["name"])
    counts = pd.crosstab(old, new)
    found = {}
    for name in sorted(gone):
        if name not in counts.index:
            continue
        other = counts.loc[name].idxmax()
        times = counts.loc[name, other]
        if other in come and 2 * times > counts.loc[name].sum() and 2 * times > counts[other].sum():
            found[name] = other
    left = after.categories[~after.categories["name"].isin(set(found.values()) | set(new))]
    for row in before.categories.itertuples():
        there = left[(left["category_id"] == row.category_id) & left["name"].isin(come)]
        there = there[there["supercategory"] == row.supercategory]["name"].tolist()
        if row.name in gone and row.name not in {*found, *old} and there:
            found[row.name] = there[0]
    return found


def _unique(before: pd.DataFrame, after: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Pair rows of equal keys, where both have just one such row and the key says something."""
    sides = []
    for frame, side in zip((before, after), PAIRS, strict=True):
        told = frame[(frame[keys] != "").all(axis=1) & ~frame.duplicated(keys, keep=False)]
        sides.append(told[keys].assign(**{side: told.index}))
    return sides[0].merge(sides[1], on=keys)[list(PAIRS)]


def _numbered(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Tell objects that lie on each other apart by their order."""
    return frame.assign(number=frame.groupby(keys).cumcount())


def _beside(dataset: Dataset, images: pd.DataFrame, pair: pd.Index) -> pd.DataFrame:
    """Return the annotations of paired images with ``pair``, category ``name``, ``written``."""
    keys = images[["split", "image_id"]].assign(pair=pair.to_numpy())
    annotations = dataset.annotations
    beside = annotations.reset_index().merge(keys, on=["split", "image_id"]).set_index("index")
    written = shapely.to_wkb(beside["geometry"].to_numpy())
    counts = [one["counts"] if one else "" for one in beside["rle"]]
    return beside.assign(
        name=_names(dataset)[beside.index],
        written=list(zip(written, counts, strict=True)),
    )


def _names(dataset: Dataset) -> pd.Series:
    """Return the category name of each annotation."""
    names = dict(zip(dataset.categories["category_id"], dataset.categories["name"], strict=True))
    return dataset.annotations["category_id"].map(names).astype("object")


def _resized(before: pd.DataFrame, after: pd.DataFrame) -> dict[int, bool]:
    sides = ["width", "height"]
    return dict(enumerate((before[sides].to_numpy() != after[sides].to_numpy()).any(axis=1)))


def _by_mask(old: pd.DataFrame, new: pd.DataFrame, one: object, other: object) -> pd.DataFrame:
    """Pair the objects of one image by the IoU of their masks."""
    scale = np.array([other.width / one.width, other.height / one.height])
    resized = (scale != 1).any()
    outlines = [shapely.transform(shape, lambda xy: xy * scale) for shape in old["geometry"]]
    masks = [None if resized else said for said in old["rle"]]
    first = _masks(zip(outlines, masks, strict=True), other)
    second = _masks(zip(new["geometry"], new["rle"], strict=True), other)
    iou = np.asarray(coco_masks.iou(first, second, [0] * len(second)))
    kind = old["name"].to_numpy()[:, None] != new["name"].to_numpy()[None]
    rows, columns = np.nonzero(iou >= SAME_FROM)
    order = np.lexsort([columns, rows, kind[rows, columns], -iou[rows, columns]])
    pairs, used = [], (set(), set())
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in used[0] and column not in used[1]:
            used[0].add(row)
            used[1].add(column)
            pairs.append((old.index[row], new.index[column], float(iou[row, column])))
    return pd.DataFrame(pairs, columns=[*PAIRS, "iou"])


def _masks(objects: Iterable[tuple], image: object) -> list[rle.Rle]:
    size = image.height, image.width
    return [rle.encode(label_mask([Drawn(1, *one)], *size)) for one in objects]
