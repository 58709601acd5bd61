"""The tables of a dataset and of its audit: their columns, and the checks that make them true.

One mapping a table is the schema check, the CSV reader's types and the list in docs/tables.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec

from pipeline.columns import Columns
from pipeline.errors import TableError
from pipeline.params import Params

if TYPE_CHECKING:  # pandas takes 0.2 s to load, and who only wants names need not wait for it
    import pandas as pd

SPLITS = ("train", "valid", "test")
BACKGROUND = 0
MAX_LABELS = 255  # a mask is uint8, and 0 is background


IMAGES = Columns(
    {
        "split": ("str", "train, valid or test; after carving, not the export's own"),
        "image_id": ("int64", "from 1 within the split"),
        "file_name": ("str", "the picture's name, without folders"),
        "path": ("str", "the picture below data/raw, with / on every system"),
        "stem": ("str", "name of everything derived from the picture; unique within the split"),
        "width": ("int64", "pixels, of the file itself"),
        "height": ("int64", "pixels, of the file itself"),
        "source": ("str", "name of the picture that Roboflow made this version from"),
        "export_split": ("str", "the folder it came from"),
        "export_id": ("Int64", "its id in the export; NA if that was not a whole number"),
    }
)

ANNOTATIONS = Columns(
    {
        "split": ("str", "as images"),
        "image_id": ("int64", "into images, within the split"),
        "annotation_id": ("int64", "from 1 within the split"),
        "category_id": ("int64", "into categories"),
        "iscrowd": ("bool", "a region of many objects; drawn, and flagged"),
        "geometry": ("object", "shapely Polygon or MultiPolygon, pixels; parts may overlap"),
        "rle": ("object", "compressed COCO RLE dict where the mask was one, else None"),
        "export_id": ("Int64", "its id in the export; NA if that was not a whole number"),
    }
)

CATEGORIES = Columns(
    {
        "category_id": ("int64", "from 1; also the label in the masks"),
        "name": ("str", "as in the export, trimmed"),
        "supercategory": ("str", "as in the export"),
    }
)

LABELS = Columns(
    {
        "label": ("int64", "value in the masks; 0 is background"),
        "category_id": ("int64", "into categories; 0 for background"),
        "name": ("str", "category name"),
    }
)

SHARD = "shard"  # of ISSUES, last, if a split has several annotation files: which, below data/raw

ISSUES = Columns(
    {
        "split": ("str", "folder of the export; empty if the finding is the whole export's"),
        "image_id": ("Int64", "the export's own id; NA if not about one image"),
        "file_name": ("str", "the picture; empty if not about one image"),
        "annotation_id": ("Int64", "the export's own id; NA if not about one annotation"),
        "code": ("str", "what was found; README lists the codes"),
        "severity": ("str", "error, warning or info"),
        "value": ("float64", "what was measured, in the code's unit; NA if nothing was"),
        "limit": ("float64", "the bound it crossed, in the same unit; NA if there is none"),
        "action": ("str", "what was done: kept, repaired, dropped, merged, moved"),
    }
)

CHANGES = Columns(
    {
        "kind": ("str", "what changed; one of compare.KINDS, which says what the rest means"),
        "split": ("str", "as now, or as before if it is gone; empty if about a category"),
        "file_name": ("str", "the picture, as now or before; empty if about a category"),
        "annotation_id": ("Int64", "in data/valid, as now or before; NA if not about an object"),
        "category": ("str", "its name now, or before; empty if about an image"),
        "value": ("float64", "IoU of the old and the new mask, 0..1, or objects of an image"),
        "before": ("str", "what it was; empty if nothing was"),
        "after": ("str", "what it is; empty if nothing is"),
    }
)

SINCE = Columns(
    {
        "against": ("str", "run: an earlier run; data: the last one on another data/valid"),
        "version": ("str", "its commit, seven digits"),
        "what": ("str", "a metric's path in metrics.json; iou.paired: of photos in both; or photo"),
        "split": ("str", "of iou.paired and photo; else empty"),
        "file_name": ("str", "the picture's name now; empty if not about one"),
        "images": ("Int64", "of iou.paired: how many both runs scored; NA of a metric"),
        "before": ("float64", "in the earlier run; NA if it had none"),
        "after": ("float64", "in this run; NA if it has none"),
        "change": ("float64", "after less before"),
        "low": ("float64", "of iou.paired: lower end of the change's bootstrap interval"),
        "high": ("float64", "upper end"),
    }
)

CHOSEN = Columns(
    {
        "split": ("str", "train or valid"),
        "stem": ("str", "into data/masks/<split>"),
        "path": ("str", "the picture below data/raw"),
    }
)

MEASURED = Columns(
    {
        "split": ("str", "train, valid or test"),
        "file_name": ("str", "the picture's name"),
        "width": ("int64", "pixels"),
        "height": ("int64", "pixels"),
        "place": ("str", "where it was taken, by tag.place_pattern or by likeness; may be empty"),
    }
)

TAGS = Columns(
    {
        "tag": ("str", "name of the problem"),
        "images": ("int64", "how many have it"),
        "share": ("float64", "of all images, 0..1"),
        "train": ("int64", "how many in train"),
        "valid": ("int64", "how many in valid"),
        "test": ("int64", "how many in test"),
    }
)

TAG_ACCURACY = Columns(
    {
        "tag": ("str", "name of the problem"),
        "images": ("int64", "whose answer is known"),
        "truth": ("int64", "how many of them have the problem"),
        "found": ("int64", "how many of them were tagged"),
        "hits": ("int64", "how many were tagged and have it"),
        "precision": ("float64", "hits by found, 0..1; NA if nothing was tagged"),
        "precision_low": ("float64", "lower end of its 95 % interval (Wilson)"),
        "precision_high": ("float64", "upper end"),
        "recall": ("float64", "hits by truth, 0..1; NA if none has it"),
        "recall_low": ("float64", "lower end of its 95 % interval (Wilson)"),
        "recall_high": ("float64", "upper end"),
        "f1": ("float64", "harmonic mean of the two, 0..1; NA if none has it and none was tagged"),
        "f1_low": ("float64", "lower end of its 95 % interval (bootstrap over images)"),
        "f1_high": ("float64", "upper end"),
    }
)


class TableParams(Params):
    """The section ``tables``."""

    parquet_above: Annotated[int, msgspec.Meta(ge=0)]  # rows


@dataclass(frozen=True)
class Export:
    """An export as it was read: raw values, no promises but the columns.

    Attributes:
        images: ``split, export_id, file_name, path, width, height`` as the JSON has them.
        annotations: ``split, export_id, image_id, category_id, bbox, area, iscrowd,
            segmentation``, the last as ``decoding.segmentation`` takes it, or as ``outlines.read``
            gives it.
        categories: ``split, export_id, name, supercategory``.
        issues: what was already wrong when reading, columns as ``ISSUES``.
    """

    images: pd.DataFrame
    annotations: pd.DataFrame
    categories: pd.DataFrame
    issues: pd.DataFrame


@dataclass(frozen=True)
class Dataset:
    """Checked images, annotations and categories; only ``validate`` and ``store`` make one.

    Raises:
        TableError: a column is missing or mistyped, a key is repeated, or points nowhere.
    """

    images: pd.DataFrame  # columns as IMAGES
    annotations: pd.DataFrame  # columns as ANNOTATIONS
    categories: pd.DataFrame  # columns as CATEGORIES

    def __post_init__(self) -> None:
        IMAGES.check(self.images, "images")
        ANNOTATIONS.check(self.annotations, "annotations")
        CATEGORIES.check(self.categories, "categories")
        _unique(self.images, ["split", "image_id"], "images")
        _unique(self.images, ["split", "stem"], "images")
        _unique(self.annotations, ["split", "annotation_id"], "annotations")
        _unique(self.categories, ["category_id"], "categories")
        _known(self.annotations, self.images, ["split", "image_id"], "image")
        _known(self.annotations, self.categories, ["category_id"], "category")

    @property
    def labels(self) -> pd.DataFrame:
        """The mask's labels, columns as ``LABELS``, background first."""
        ordered = self.categories.sort_values("category_id")
        rows = [{"label": BACKGROUND, "category_id": 0, "name": "background"}]
        for label, category in enumerate(ordered.itertuples(), start=1):
            rows.append(
                {"label": label, "category_id": category.category_id, "name": category.name}
            )
        return LABELS.frame(rows)


def ordered(images: pd.DataFrame) -> pd.DataFrame:
    """Return images sorted by split (train, valid, test), then file name."""
    ranked = images.assign(split_order=images["split"].map(SPLITS.index))
    ranked = ranked.sort_values(["split_order", "file_name"])
    return ranked[images.columns]


def _unique(frame: pd.DataFrame, key: list[str], name: str) -> None:
    twice = frame[frame.duplicated(key)]
    if len(twice):
        example = dict(zip(key, twice[key].iloc[0], strict=True))
        raise TableError(f"{name} holds {example} more than once; run validate again")


def _known(child: pd.DataFrame, parent: pd.DataFrame, key: list[str], name: str) -> None:
    known = set(zip(*(parent[column].tolist() for column in key), strict=True))
    pairs = zip(*(child[column].tolist() for column in key), strict=True)
    if lost := next((pair for pair in pairs if pair not in known), None):
        example = dict(zip(key, lost, strict=True))
        raise TableError(f"annotations name an unknown {name} {example}; run validate again")
