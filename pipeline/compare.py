"""Two versions of a dataset -> what changed from one to the other."""

import numpy as np
import pandas as pd

from pipeline import pairing
from pipeline.drawing import Drawn, label_mask
from pipeline.tables import CHANGES, SPLITS, Dataset

Previous = str | None  # validate.previous: a folder, or nothing for the version of the last commit
KINDS = {  # what a row can say, in the table's order
    "category_renamed": "before, after: its names; what else is the same is no change",
    "category_removed": "category: its name",
    "category_added": "category: its name",
    "image_moved": "before, after: its splits",
    "image_renamed": "before, after: its names; of the same source",
    "image_resized": "before, after: its width x height",
    "image_removed": "value: objects it had",
    "image_added": "value: objects it has",
    "annotation_relabelled": "before, after: its categories; value: IoU of its masks",
    "annotation_edited": "before, after: pixels of its masks; value: their IoU",
    "annotation_removed": "an object of an image that is still there",
    "annotation_added": "an object of an image that was there",
}
SCALED_BELOW = 0.9  # IoU; in a picture of another size an outline this much like it is the same


def changes(before: Dataset, after: Dataset) -> pd.DataFrame:
    """Return what changed from one version to another, columns as ``CHANGES``.

    Images are paired by split and stem, path, name or source, objects by their outlines and masks
    (``pairing``). An object is edited if its mask is another: an outline that moved within its
    pixels is the same. Objects of images that were added or removed have no rows of their own.

    Returns:
        Rows by ``KINDS``, split, picture, annotation and category; none if all is the same.
    """
    pairs = pairing.images(before.images, after.images)
    objects = pairing.annotations(before, after, pairs)
    renamed = pairing.renamed(before, after, objects)
    rows = [
        *_categories(before, after, renamed),
        *_images(before, after, pairs),
        *_lone(before, pairs["one"], objects["one"], "removed"),
        *_lone(after, pairs["other"], objects["other"], "added"),
        *_objects(before, after, objects, renamed),
    ]
    whole = [{**_NOTHING, **row} for row in rows]
    frame = CHANGES.frame(whole)
    ranks = frame.assign(
        kind_rank=frame["kind"].map(list(KINDS).index),
        split_rank=frame["split"].map(["", *SPLITS].index),
    )
    by = ["kind_rank", "split_rank", "file_name", "annotation_id", "category", "before"]
    return ranks.sort_values(by, ignore_index=True)[list(CHANGES)]


def summary(rows: pd.DataFrame) -> str:
    """Return one line: how many rows of each kind there are."""
    counts = rows["kind"].value_counts()
    said = [f"{counts[kind]} × {kind.replace('_', ' ')}" for kind in KINDS if kind in counts]
    return ", ".join(said) or "nothing changed"


_NOTHING = {"split": "", "file_name": "", "annotation_id": None, "category": "", "value": np.nan,
            "before": "", "after": ""}  # fmt: skip


def _categories(before: Dataset, after: Dataset, renamed: dict[str, str]) -> list[dict]:
    old, new = before.categories["name"], after.categories["name"]
    rows = [
        {"kind": "category_renamed", "category": later, "before": name, "after": later}
        for name, later in renamed.items()
    ]
    gone, come = set(old) - set(new) - set(renamed), set(new) - set(old) - set(renamed.values())
    rows += [{"kind": "category_removed", "category": name} for name in gone]
    return rows + [{"kind": "category_added", "category": name} for name in come]


def _images(before: Dataset, after: Dataset, pairs: pd.DataFrame) -> list[dict]:
    """Return the rows of images that are in both versions."""
    rows = []
    old = before.images.loc[pairs["one"]].itertuples()
    new = after.images.loc[pairs["other"]].itertuples()
    for one, other in zip(old, new, strict=True):
        sizes = [f"{image.width}x{image.height}" for image in (one, other)]
        told = {
            "image_moved": (one.split, other.split),
            "image_renamed": (one.file_name, other.file_name),
            "image_resized": tuple(sizes),
        }
        about = {"split": other.split, "file_name": other.file_name}
        rows += [
            {**about, "kind": kind, "before": was, "after": now}
            for kind, (was, now) in told.items()
            if was != now
        ]
    return rows


def _lone(dataset: Dataset, paired: pd.Series, objects: pd.Series, what: str) -> list[dict]:
    """Return the rows of images, and of objects of paired images, that are in one version only."""
    images = dataset.images.drop(paired)
    counts = dataset.annotations.groupby(["split", "image_id"]).size()
    rows = [
        {
            "kind": f"image_{what}",
            "split": image.split,
            "file_name": image.file_name,
            "value": float(counts.get((image.split, image.image_id), 0)),
        }
        for image in images.itertuples()
    ]
    known = dataset.images.loc[paired, ["split", "image_id", "file_name"]]
    left = dataset.annotations.drop(objects).merge(known, on=["split", "image_id"])
    return rows + [{**row, "kind": f"annotation_{what}"} for row in _about(left, dataset)]


def _objects(
    before: Dataset, after: Dataset, objects: pd.DataFrame, renamed: dict[str, str]
) -> list[dict]:
    """Return the rows of objects that are in both versions."""
    sides = ["split", "image_id", "file_name", "width", "height"]
    old, new = (
        one.annotations.loc[objects[side]]
        .merge(one.images[sides], on=["split", "image_id"], how="left")
        .assign(name=_names(one, objects[side]))
        for one, side in ((before, "one"), (after, "other"))
    )
    was = old["name"].replace(renamed)
    resized = (old["width"] != new["width"]) | (old["height"] != new["height"])
    edited = objects["iou"] < np.where(resized, SCALED_BELOW, 1)
    relabelled = was != new["name"]
    rows = []
    for place in np.flatnonzero(edited | relabelled):
        kind = "annotation_relabelled" if relabelled[place] else "annotation_edited"
        told = [
            frame.loc[place, "name"] if relabelled[place] else str(_pixels(frame.loc[place]))
            for frame in (old, new)
        ]
        (about,) = _about(new.loc[[place]], after)
        value = float(objects.loc[place, "iou"])
        rows.append({**about, "kind": kind, "value": value, "before": told[0], "after": told[1]})
    return rows


def _about(annotations: pd.DataFrame, dataset: Dataset) -> list[dict]:
    names = dict(zip(dataset.categories["category_id"], dataset.categories["name"], strict=True))
    return [
        {
            "split": row.split,
            "file_name": row.file_name,
            "annotation_id": row.annotation_id,
            "category": names[row.category_id],
        }
        for row in annotations.itertuples()
    ]


def _names(dataset: Dataset, rows: pd.Series) -> list[str]:
    names = dict(zip(dataset.categories["category_id"], dataset.categories["name"], strict=True))
    return dataset.annotations.loc[rows, "category_id"].map(names).tolist()


def _pixels(row: pd.Series) -> int:
    drawn = Drawn(1, row["geometry"], row["rle"])
    return int(np.count_nonzero(label_mask([drawn], row["height"], row["width"])))
