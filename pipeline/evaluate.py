"""Masks -> counts of pixels -> scores with intervals; the headline metrics of a run.

Counts come first and every score derives from them with no model run. A label in neither mask
has no score: not 0 and not 1.
"""

from typing import Annotated

import msgspec
import numpy as np
import pandas as pd

from pipeline import tables
from pipeline.errors import MaskError
from pipeline.params import Params

HEADLINE = "test"  # the split whose scores stand at the top of metrics.json
CHUNK = 64  # bootstrap resamples held at once; bounds memory at 64 weights an image


class EvaluateParams(Params):
    """How the intervals are drawn."""

    resamples: Annotated[int, msgspec.Meta(ge=1)]  # bootstrap resamples of the images
    confidence: Annotated[float, msgspec.Meta(gt=0, lt=1)]  # of the interval, 0..1
    seed: int


def counts(*, truth: np.ndarray, predicted: np.ndarray, labels: int) -> np.ndarray:
    """Count the pixels on which two masks agree and differ.

    Args:
        truth: ``(H, W)`` uint8.
        predicted: ``(H, W)`` uint8.
        labels: K; the masks hold 0..K.

    Returns:
        ``(K, 3)`` int64: tp, fp, fn of the labels 1..K.

    Raises:
        MaskError: the sizes differ, or a mask holds a label above K.
    """
    if truth.shape != predicted.shape:
        raise MaskError(
            f"truth is {truth.shape} but prediction is {predicted.shape}; "
            "resize the prediction to the image first"
        )
    largest = int(max(truth.max(initial=0), predicted.max(initial=0)))
    if largest > labels:
        raise MaskError(f"a mask holds label {largest} but labels.csv ends at {labels}")
    side = labels + 1
    pairs = truth.ravel().astype(np.int64) * side + predicted.ravel()
    confusion = np.bincount(pairs, minlength=side * side).reshape(side, side)  # truth x predicted
    agree = np.diag(confusion)
    both = np.stack([agree, confusion.sum(axis=0) - agree, confusion.sum(axis=1) - agree], axis=1)
    return both[1:]


def iou(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> np.ndarray:
    """Intersection over union; NaN where a label is in neither mask. float64, any shape."""
    return _ratio(tp, tp + fp + fn)


def dice(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> np.ndarray:
    """Twice the intersection over the sum of areas; NaN where both are empty."""
    return _ratio(2 * tp, 2 * tp + fp + fn)


def score(
    counted: pd.DataFrame, tagged: pd.DataFrame, labels: pd.DataFrame, params: EvaluateParams
) -> pd.DataFrame:
    """Score every split x category x tag.

    Args:
        counted: columns as ``tables.COUNTS``.
        tagged: columns as ``tables.MEASURED``, then one boolean column a tag.
        labels: columns as ``tables.LABELS``.
        params: of the intervals.

    Returns:
        Columns as ``tables.IOU``; rows of one split together, all images before each tag, the
        mean over categories before each category. A group without images has no row.
    """
    names = labels.loc[labels["label"] > 0].set_index("label")["name"].sort_index()
    tags = [name for name in tagged if tagged[name].dtype == bool]
    keys = tagged.set_index(["split", "file_name"])
    rows = []
    for split in tables.SPLITS:
        part = counted[counted["split"] == split]
        if part.empty:
            continue
        cube = _cube(part, names.index)  # (3, images, K)
        files = part["file_name"].unique()
        for tag in ["", *tags]:
            has = _has(keys, split, files, tag)
            if has.any():
                rows += _group(cube[:, has], {"split": split, "tag": tag}, names, params)
    return tables.IOU.frame(rows)


def metrics(
    scored: pd.DataFrame,
    restored: pd.DataFrame,
    issues: pd.DataFrame,
    tagged: pd.DataFrame,
    accuracy: pd.DataFrame,
) -> dict:
    """The headline numbers, nested; six digits; what is absent is left out.

    Args:
        scored: columns as ``tables.IOU``.
        restored: columns as ``tables.RESTORED``.
        issues: columns as ``tables.ISSUES``.
        tagged: columns as ``tables.MEASURED``, then one boolean column a tag.
        accuracy: columns as ``tables.TAG_ACCURACY``.
    """
    test = scored[scored["split"] == HEADLINE]
    overall = scored[(scored["tag"] == "") & (scored["category"] == "")].set_index("split")
    tree: dict = {"iou": {}, "restore": {}, "audit": {"images": len(tagged)}}
    if HEADLINE in overall.index:
        row = overall.loc[HEADLINE]
        tree["iou"] |= {"mean": row["iou"], "low": row["iou_low"], "high": row["iou_high"]}
        tree["iou"]["pooled"] = row["iou_pooled"]
    for split in ("train", "valid"):
        if split in overall.index:
            tree["iou"][split] = {"mean": overall.loc[split, "iou"]}
    by_category = test[(test["tag"] == "") & (test["category"] != "")]
    by_tag = test[(test["tag"] != "") & (test["category"] == "")]
    tree["iou"]["category"] = dict(zip(by_category["category"], by_category["iou"], strict=True))
    tree["iou"]["tag"] = dict(zip(by_tag["tag"], by_tag["iou"], strict=True))
    for (kind, method), group in restored.groupby(["kind", "method"]):
        means = group[["psnr", "ssim", "l1"]].mean()
        tree["restore"].setdefault(kind, {})[method] = means.to_dict()
    tree["audit"]["issues"] = issues["severity"].value_counts().sort_index().to_dict()
    tags = [name for name in tagged if tagged[name].dtype == bool]
    tree["audit"]["tags"] = {tag: float(tagged[tag].mean()) for tag in tags if len(tagged)}
    tree["audit"]["f1"] = dict(zip(accuracy["tag"], accuracy["f1"], strict=True))
    return _tidy(tree)


def _cube(part: pd.DataFrame, labels: pd.Index) -> np.ndarray:
    """Counts of one split as ``(3, images, K)`` float64, images in order of appearance."""
    files = part["file_name"].unique()
    wide = part.pivot(index="file_name", columns="label", values=["tp", "fp", "fn"])
    wide = wide.reindex(index=files).fillna(0)
    kinds = [wide[kind].reindex(columns=labels, fill_value=0) for kind in ("tp", "fp", "fn")]
    return np.stack([kind.to_numpy(float) for kind in kinds])


def _has(keys: pd.DataFrame, split: str, files: np.ndarray, tag: str) -> np.ndarray:
    """Which of the files have the tag, ``(images,)`` bool; all of them if it is empty."""
    if not tag:
        return np.ones(len(files), bool)
    index = pd.MultiIndex.from_product([[split], files])
    return keys[tag].reindex(index, fill_value=False).to_numpy(bool)


def _group(
    cube: np.ndarray, where: dict[str, str], names: pd.Series, params: EvaluateParams
) -> list[dict]:
    """Rows of ``tables.IOU`` for one set of images: the mean over categories, then each."""
    each = iou(*cube)  # (images, K)
    low, high = _interval(each, params)
    tp, fp, fn = cube.sum(axis=1)
    columns = {
        "images": (~np.isnan(each)).sum(axis=0),
        "iou": _mean(each),
        "iou_pooled": iou(tp, fp, fn),
        "dice": _mean(dice(*cube)),
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
    }
    present = columns["images"] > 0
    if not present.any():
        return []
    rows = [
        where
        | {"category": name, "iou_low": low[k], "iou_high": high[k]}
        | {key: values[k] for key, values in columns.items()}
        for k, name in enumerate(names)
        if present[k]
    ]
    overall = {key: float(_mean(values[present])) for key, values in columns.items()}
    overall["images"] = int((~np.isnan(each)).any(axis=1).sum())
    return [where | {"category": "", "iou_low": low[-1], "iou_high": high[-1]} | overall, *rows]


def _interval(each: np.ndarray, params: EvaluateParams) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap over images of each category's mean, and last of their mean.

    Args:
        each: ``(images, K)``, NaN where a category is absent.
        params: resamples, confidence and seed.

    Returns:
        Low and high, each ``(K + 1,)``; NaN for a category in no image.

    Source:
        Efron and Tibshirani, "An introduction to the bootstrap", 1993, section 13.3.
    """
    rng = np.random.default_rng(params.seed)
    images = len(each)
    known, values = ~np.isnan(each), np.nan_to_num(each)
    means = []
    for start in range(0, params.resamples, CHUNK):
        many = min(CHUNK, params.resamples - start)
        weights = rng.multinomial(images, np.full(images, 1 / images), size=many)  # (many, images)
        categories = _ratio(weights @ values, weights @ known)  # (many, K)
        means.append(np.column_stack([categories, _mean(categories.T)]))
    drawn = np.concatenate(means)
    tail = (1 - params.confidence) / 2
    ends = np.full((2, drawn.shape[1]), np.nan)
    for k in range(drawn.shape[1]):
        column = drawn[~np.isnan(drawn[:, k]), k]
        if len(column):
            ends[:, k] = np.quantile(column, [tail, 1 - tail])
    return ends[0], ends[1]


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0).sum(axis=0), known.sum(axis=0))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole != 0)


def _tidy(tree: dict) -> dict:
    """Round to six digits, and leave out NaN and what became empty."""
    tidy = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            if branch := _tidy(value):
                tidy[key] = branch
        elif isinstance(value, int):
            tidy[key] = value
        elif not np.isnan(value):
            tidy[key] = round(float(value), 6)
    return tidy
