"""The tables that flow between the steps: their columns, and the checks that make them true.

One mapping a table is the schema check, the CSV reader's types and the README's column list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import TableError

if TYPE_CHECKING:  # pandas takes 0.2 s to load, and who only wants names need not wait for it
    import pandas as pd

SPLITS = ("train", "valid", "test")
BACKGROUND = 0
MAX_LABELS = 255  # a mask is uint8, and 0 is background


class Columns(Mapping[str, tuple[str, str]]):
    """Column name -> (pandas dtype, meaning with unit and range), in the order they are written."""

    def __init__(self, columns: dict[str, tuple[str, str]]) -> None:
        self._columns = dict(columns)

    def __getitem__(self, name: str) -> tuple[str, str]:
        return self._columns[name]

    def __iter__(self):  # noqa: ANN204  # Mapping's own
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def dtypes(self) -> dict[str, str]:
        """Return the dtype of each column."""
        return {name: dtype for name, (dtype, _) in self._columns.items()}

    def empty(self) -> pd.DataFrame:
        """Return a frame of these columns and no rows."""
        import pandas as pd  # noqa: PLC0415  # as above

        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in self.dtypes().items()})

    def frame(self, rows: list[dict]) -> pd.DataFrame:
        """Return the rows as a frame of exactly these columns and types; no rows give ``empty()``.

        Raises:
            TableError: a row lacks a column, or a value does not fit its type.
        """
        import pandas as pd  # noqa: PLC0415  # as above

        if not rows:
            return self.empty()
        return self.check(pd.DataFrame.from_records(rows), "rows", cast=True)

    def check(self, frame: pd.DataFrame, name: str, *, cast: bool = False) -> pd.DataFrame:
        """Return ``frame`` with these columns first, in order; further columns are kept after them.

        Raises:
            TableError: a column is missing or of another type; ``name`` begins the message.
        """
        missing = [column for column in self if column not in frame]
        if missing:
            raise TableError(f"{name} lacks {', '.join(missing)}; it has {', '.join(frame)}")
        if cast:
            try:
                frame = frame.astype(self.dtypes())
            except (TypeError, ValueError) as error:
                raise TableError(f"{name}: {error}") from error
        wrong = [
            f"{column} is {frame[column].dtype}, not {dtype}"
            for column, dtype in self.dtypes().items()
            if frame[column].dtype != dtype
        ]
        if wrong:
            raise TableError(f"{name}: {'; '.join(wrong)}")
        return frame[[*self, *(column for column in frame if column not in self)]]


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

HISTORY = Columns(
    {
        "epoch": ("int64", "from 1"),
        "size": ("int64", "side of the square network input, pixels"),
        "learning_rate": ("float64", "at the end of the epoch"),
        "loss": ("float64", "mean over the epoch's train batches"),
        "iou": ("float64", "of train batches, mean per image at network size, 0..1"),
        "val_loss": ("float64", "on valid"),
        "val_iou": ("float64", "on valid, mean per image at network size, 0..1"),
    }
)

COUNTS = Columns(
    {
        "split": ("str", "train, valid or test"),
        "file_name": ("str", "the picture's name"),
        "label": ("int64", "1..K"),
        "tp": ("int64", "pixels that both masks give the label"),
        "fp": ("int64", "pixels that only the prediction does"),
        "fn": ("int64", "pixels that only the truth does"),
        "edge_shared": ("int64", "pixels in the band along both masks' outlines of the label"),
        "edge_either": ("int64", "pixels in the band of either"),
    }
)

CONFUSION = Columns(
    {
        "split": ("str", "train, valid or test"),
        "truth": ("str", "category name, or background"),
        "predicted": ("str", "category name, or background"),
        "pixels": ("int64", "that truth and prediction call so"),
        "share": ("float64", "of the pixels that truth calls so, 0..1; NA if there is none"),
    }
)

CALIBRATION = Columns(
    {
        "split": ("str", "train, valid or test"),
        "category": ("str", "category name"),
        "bin_from": ("float64", "lowest probability of the bin, 0..1"),
        "bin_to": ("float64", "highest"),
        "pixels": ("int64", "whose predicted probability of the category is in the bin"),
        "predicted": ("float64", "their mean probability, 0..1; NA if there is none"),
        "observed": ("float64", "share of them that are the category, 0..1; NA if there is none"),
    }
)

IOU = Columns(
    {
        "split": ("str", "train, valid or test"),
        "category": ("str", "category name; empty = mean over categories"),
        "tag": ("str", "images with this tag only; empty = all images"),
        "images": ("int64", "images in which truth or prediction holds the category"),
        "iou": ("float64", "mean over those images, 0..1"),
        "iou_low": ("float64", "lower end of the bootstrap interval of iou"),
        "iou_high": ("float64", "upper end of the bootstrap interval of iou"),
        "iou_pooled": ("float64", "of all pixels of those images together, 0..1"),
        "dice": ("float64", "mean over those images, 0..1"),
        "precision": ("float64", "of pooled pixels, 0..1; NA if nothing was predicted"),
        "recall": ("float64", "of pooled pixels, 0..1; NA if nothing is there"),
        "boundary_iou": ("float64", "IoU of the bands along the outlines, mean over images, 0..1"),
        "boundary_iou_low": ("float64", "lower end of its bootstrap interval"),
        "boundary_iou_high": ("float64", "upper end"),
    }
)

SCORES = Columns(
    {
        "split": ("str", "train, valid or test"),
        "category": ("str", "category name; empty = mean over categories"),
        "tag": ("str", "images with this tag only; empty = all images"),
        "measure": ("str", "iou, dice, precision, recall or boundary_iou"),
        "images": ("int64", "that have the measure"),
        "mean": ("float64", "over those images, 0..1"),
        "mean_low": ("float64", "lower end of its bootstrap interval"),
        "mean_high": ("float64", "upper end"),
        "pooled": ("float64", "of all pixels of the images together, 0..1"),
        "pooled_low": ("float64", "lower end of its bootstrap interval"),
        "pooled_high": ("float64", "upper end"),
    }
)

WORST = Columns(
    {
        "split": ("str", "train, valid or test"),
        "rank": ("int64", "from 1, the lowest IoU first"),
        "file_name": ("str", "the picture's name"),
        "iou": ("float64", "mean over the categories in truth or prediction, 0..1"),
        "share": ("float64", "of the picture that the truth covers, 0..1"),
        "missed": ("float64", "share of the truth's pixels not found, 0..1; NA if there is none"),
        "invented": ("float64", "share of the predicted pixels that are wrong; NA if none"),
        "tags": ("str", "the image's problems, a space between two"),
    }
)

RIVALS = Columns(
    {
        "model": ("str", "unet (the trained one), deeplabv3_resnet101 or selfie"),
        "category": ("str", "category name; empty if the model was not run"),
        "input": ("str", "the size at which it looks, pixels"),
        "parameters": ("Int64", "how many it has; NA if it was not run"),
        "images": ("Int64", "test images in which truth or prediction holds the category"),
        "iou": ("float64", "mean over those images, 0..1"),
        "iou_low": ("float64", "lower end of its bootstrap interval"),
        "iou_high": ("float64", "upper end"),
        "iou_pooled": ("float64", "of all pixels of those images together, 0..1"),
        "boundary_iou": ("float64", "IoU of the bands along the outlines, mean over images, 0..1"),
        "boundary_iou_low": ("float64", "lower end of its bootstrap interval"),
        "boundary_iou_high": ("float64", "upper end"),
        "note": ("str", "why it was not run, or which categories it does not know"),
    }
)

LEARNING = Columns(
    {
        "share": ("float64", "of the train images that were learnt from, 0..1"),
        "images": ("int64", "how many that is; each set holds the smaller ones"),
        "epochs": ("int64", "so many that every set is learnt from for as many steps"),
        "split": ("str", "valid or test"),
        "scored": ("int64", "images in which truth or prediction holds a category"),
        "iou": ("float64", "mean over categories of the mean over those images, 0..1"),
        "iou_low": ("float64", "lower end of its bootstrap interval"),
        "iou_high": ("float64", "upper end"),
    }
)

PRELABEL = Columns(
    {
        "rank": ("int64", "from 1; the photo whose labels would teach most first"),
        "file_name": ("str", "the photo's name"),
        "score": ("float64", "uncertainty times unlike, 0..1"),
        "uncertainty": ("float64", "mean entropy of the least sure pixels, bits, 0..1"),
        "unlike": ("float64", "distance to the likest photo labelled or ranked above, 0..1"),
        "nearest": ("str", "that photo; empty if there is none"),
        "objects": ("int64", "how many were outlined"),
        "share": ("float64", "of the photo that they cover, 0..1"),
    }
)

COSTS = Columns(
    {
        "tag": ("str", "name of the problem"),
        "images": ("int64", "scored photos of valid and test (of train if there are no others)"),
        "tagged": ("int64", "how many of them have the problem"),
        "iou": ("float64", "mean IoU of the photos with the problem, 0..1"),
        "iou_low": ("float64", "lower end of its bootstrap interval"),
        "iou_high": ("float64", "upper end"),
        "rest": ("float64", "the same of the photos without it"),
        "rest_low": ("float64", "lower end of its bootstrap interval"),
        "rest_high": ("float64", "upper end"),
        "difference": ("float64", "rest less iou, split by split; NA if no split has both"),
        "difference_low": ("float64", "lower end of its bootstrap interval"),
        "difference_high": ("float64", "upper end"),
        "gain": (
            "float64",
            "share of tagged photos times difference: gained without it",
        ),
        "gain_low": ("float64", "lower end of its bootstrap interval"),
        "gain_high": ("float64", "upper end"),
        "alone": ("float64", "difference with all other problems held fixed, by regression"),
        "alone_low": ("float64", "lower end of its bootstrap interval"),
        "alone_high": ("float64", "upper end"),
        "gain_alone": ("float64", "share of tagged photos times alone"),
        "gain_alone_low": ("float64", "lower end of its bootstrap interval"),
        "gain_alone_high": ("float64", "upper end"),
    }
)

SUSPECTS = Columns(
    {
        "split": ("str", "train, valid or test"),
        "file_name": ("str", "the picture's name"),
        "annotation_id": ("Int64", "in data/valid; NA if nobody outlined it, or of the image"),
        "kind": ("str", "missing, extra, category, boundary: what is wrong; or the whole image"),
        "score": ("float64", "how far label and network differ, 0..1; see suspect.score"),
        "expected": ("float64", "what is usual for objects of that size, 0..1"),
        "excess": ("float64", "score above what is usual, 0..1; rows are sorted by it"),
        "suspect": ("bool", "the excess is above suspect.above; never of an image"),
        "held_out": ("bool", "the network that judges did not learn from this picture"),
        "area": ("float64", "pixels of the network's input"),
        "left": ("int64", "of the box around it, pixels of the picture"),
        "top": ("int64", "as left"),
        "right": ("int64", "as left, exclusive"),
        "bottom": ("int64", "as left, exclusive"),
    }
)

RESTORED = Columns(
    {
        "file_name": ("str", "the picture's name"),
        "kind": ("str", "clean: against the scene without people; transplant: hole on bare ground"),
        "method": ("str", "deepfill, telea, ns or mean"),
        "hole": ("float64", "share of the picture that was filled, 0..1"),
        "psnr": ("float64", "dB, over the hole's pixels"),
        "ssim": ("float64", "mean over the hole's pixels, -1..1"),
        "l1": ("float64", "mean absolute difference over the hole's pixels, 0..1"),
        "seam": ("float64", "steps across the hole's edge over the photo's beside it; 1 is unseen"),
        "lpips": ("float64", "as in perceived.csv; empty where it was not measured"),
    }
)

PERCEIVED = Columns(
    {
        "file_name": ("str", "the picture's name"),
        "kind": ("str", "as in restored.csv"),
        "method": ("str", "as in restored.csv"),
        "lpips": ("float64", "how different the hole looks from the truth; 0 is equal"),
    }
)

RESTORATION = Columns(
    {
        "kind": ("str", "as in restored.csv"),
        "tag": ("str", "of the images; empty: all of them"),
        "against": ("str", "the method that deepfill is compared with, on the same holes"),
        "metric": ("str", "psnr, ssim, l1, lpips, or seam: how far restored.csv's is from 1"),
        "images": ("int64", "compared"),
        "ours": ("float64", "mean of deepfill"),
        "theirs": ("float64", "mean of the other method"),
        "gain": ("float64", "how much better deepfill is; below 0 it is worse"),
        "gain_low": ("float64", "of the gain's bootstrap interval over images"),
        "gain_high": ("float64", "its other end"),
    }
)

REMAINS = Columns(
    {
        "file_name": ("str", "the picture's name"),
        "before": ("int64", "pixels of the hole that the segmenter gave to an object"),
        "after": ("int64", "of these, pixels that it still gives to one in the restored picture"),
    }
)


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
