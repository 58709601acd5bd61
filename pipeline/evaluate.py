"""Counts of pixels -> scores with intervals; the worst images; the headline metrics of a run.

Counts come first and every score derives from them with no model run. A label in neither mask
has no score: not 0 and not 1.
"""

from collections import Counter

import numpy as np
import pandas as pd

from pipeline import calibration, outcomes, scoring, tables
from pipeline.scoring import EvaluateParams

HEADLINE = "test"  # the split whose scores stand at the top of metrics.json
# `dvc metrics show` takes a key called "error" for a file that it could not read.
COUNTED_AS = {"error": "errors", "warning": "warnings", "info": "notes"}


def scores(
    counted: pd.DataFrame, tagged: pd.DataFrame, labels: pd.DataFrame, params: EvaluateParams
) -> pd.DataFrame:
    """Score every split x category x tag.

    Args:
        counted: columns as ``outcomes.COUNTS``.
        tagged: columns as ``tables.MEASURED``, then one boolean column a tag.
        labels: columns as ``tables.LABELS``.
        params: of the intervals.

    Returns:
        Columns as ``outcomes.SCORES``; rows of one split together, all images before each tag, the
        mean over categories before each category. A group without images has no row, a category
        that is in no image of a group neither.
    """
    names = labels.loc[labels["label"] > 0].set_index("label")["name"].sort_index()
    tags = tag_names(tagged)
    keys = tagged.set_index(["split", "file_name"])
    rows = []
    for split in tables.SPLITS:
        part = counted[counted["split"] == split]
        if part.empty:
            continue
        cube = _cube(part, names.index)  # (5, images, K)
        files = part["file_name"].unique()
        for tag in ["", *tags]:
            has = _has(keys, split, files, tag)
            if has.any():
                rows += _group(cube[:, has], {"split": split, "tag": tag}, names, params)
    return outcomes.SCORES.frame(rows)


def headlines(scored: pd.DataFrame) -> pd.DataFrame:
    """Return the scores that most readers want, a row a group; columns as ``outcomes.IOU``.

    Args:
        scored: columns as ``outcomes.SCORES``.
    """
    group = ["split", "category", "tag"]
    of = {name: rows.set_index(group) for name, rows in scored.groupby("measure", sort=False)}
    if not of:
        return outcomes.IOU.empty()
    overlap, bands = of["iou"], of["boundary_iou"]
    wide = pd.DataFrame(
        {
            "images": overlap["images"],
            "iou": overlap["mean"],
            "iou_low": overlap["mean_low"],
            "iou_high": overlap["mean_high"],
            "iou_pooled": overlap["pooled"],
            "dice": of["dice"]["mean"],
            "precision": of["precision"]["pooled"],
            "recall": of["recall"]["pooled"],
            "boundary_iou": bands["mean"],
            "boundary_iou_low": bands["mean_low"],
            "boundary_iou_high": bands["mean_high"],
        }
    )
    return outcomes.IOU.check(wide.reset_index(), "scores", cast=True)


def confusion(pairs: dict[str, Counter], labels: pd.DataFrame) -> pd.DataFrame:
    """Table which labels are taken for which.

    Args:
        pairs: by split, pixels of each pair (label of the truth, label predicted).
        labels: columns as ``tables.LABELS``.

    Returns:
        Columns as ``outcomes.CONFUSION``: every pair of each split, in order of label.
    """
    names = labels.sort_values("label")[["label", "name"]].itertuples(index=False)
    known = [(int(label), name) for label, name in names]
    rows = []
    for split in tables.SPLITS:
        pixels = pairs.get(split, Counter())
        for label, name in known if pixels else []:
            whole = sum(pixels[label, other] for other, _ in known)
            rows += [
                {"split": split, "truth": name, "predicted": other_name}
                | {"pixels": pixels[label, other]}
                | {"share": pixels[label, other] / whole if whole else np.nan}
                for other, other_name in known
            ]
    return outcomes.CONFUSION.frame(rows)


def worst(counted: pd.DataFrame, tagged: pd.DataFrame, count: int) -> pd.DataFrame:
    """List the images of lowest IoU of each split, with what is known against them.

    Args:
        counted: columns as ``outcomes.COUNTS``.
        tagged: columns as ``tables.MEASURED``, then one boolean column a tag.
        count: of images a split, at most.

    Returns:
        Columns as ``outcomes.WORST``. Images in which nothing is and nothing was found have no IoU
        and are not among them.
    """
    union = counted["tp"] + counted["fp"] + counted["fn"]
    touched = counted.assign(iou=scoring.ratio(counted["tp"], union))[union > 0]
    key = ["split", "file_name"]
    sums = {name: (name, "sum") for name in ("tp", "fp", "fn")}
    each = touched.groupby(key, sort=False).agg(iou=("iou", "mean"), **sums).reset_index()
    each = each.sort_values(["iou", "file_name"], kind="stable")
    known = {(row["split"], row["file_name"]): row for row in tagged.to_dict("records")}
    tags = tag_names(tagged)
    rows = []
    for split in tables.SPLITS:
        lowest = each[each["split"] == split].head(count)
        for rank, row in enumerate(lowest.itertuples(), start=1):
            about = known.get((split, row.file_name), {})
            rows.append(_poor(row, rank, about, tags))
    return outcomes.WORST.frame(rows)


def _poor(row: object, rank: int, about: dict, tags: list[str]) -> dict:
    there, said = row.tp + row.fn, row.tp + row.fp
    area = about.get("width", 0) * about.get("height", 0)
    return {
        "split": row.split,
        "rank": rank,
        "file_name": row.file_name,
        "iou": row.iou,
        "share": there / area if area else np.nan,
        "missed": row.fn / there if there else np.nan,
        "invented": row.fp / said if said else np.nan,
        "tags": " ".join(tag for tag in tags if about.get(tag)),
    }


def tag_names(tagged: pd.DataFrame) -> list[str]:
    """Return the names of the boolean columns."""
    return [name for name in tagged if tagged[name].dtype == bool]


def metrics(  # noqa: PLR0913  # one a table
    scored: pd.DataFrame,
    restored: pd.DataFrame,
    issues: pd.DataFrame,
    tagged: pd.DataFrame,
    accuracy: pd.DataFrame,
    calibrated: pd.DataFrame,
) -> dict:
    """The headline numbers, nested; six digits; what is absent is left out.

    Args:
        scored: columns as ``outcomes.IOU``.
        restored: columns as ``outcomes.RESTORED``.
        issues: columns as ``tables.ISSUES``.
        tagged: columns as ``tables.MEASURED``, then one boolean column a tag.
        accuracy: columns as ``tables.TAG_ACCURACY``.
        calibrated: columns as ``outcomes.CALIBRATION``.
    """
    test = scored[scored["split"] == HEADLINE]
    overall = scored[(scored["tag"] == "") & (scored["category"] == "")].set_index("split")
    tree: dict = {"iou": {}, "restore": {}, "audit": {"images": len(tagged)}}
    if HEADLINE in overall.index:
        row = overall.loc[HEADLINE]
        tree["iou"] |= {"mean": row["iou"], "low": row["iou_low"], "high": row["iou_high"]}
        tree["iou"] |= {"pooled": row["iou_pooled"], "boundary": row["boundary_iou"]}
    for split in ("train", "valid"):
        if split in overall.index:
            tree["iou"][split] = {"mean": overall.loc[split, "iou"]}
    by_category = test[(test["tag"] == "") & (test["category"] != "")]
    by_tag = test[(test["tag"] != "") & (test["category"] == "")]
    tree["iou"]["category"] = dict(zip(by_category["category"], by_category["iou"], strict=True))
    tree["iou"]["tag"] = dict(zip(by_tag["tag"], by_tag["iou"], strict=True))
    for (kind, method), group in restored.groupby(["kind", "method"]):
        means = group[["psnr", "ssim", "l1", "lpips"]].mean()
        tree["restore"].setdefault(kind, {})[method] = means.to_dict()
    counts = issues["severity"].map(COUNTED_AS).value_counts().sort_index()
    tree["audit"]["issues"] = counts.to_dict()
    tags = tag_names(tagged)
    tree["audit"]["tags"] = {tag: float(tagged[tag].mean()) for tag in tags if len(tagged)}
    tree["audit"]["f1"] = dict(zip(accuracy["tag"], accuracy["f1"], strict=True))
    tree["calibration"] = {"ece": calibration.error(calibrated, HEADLINE)}
    return _tidy(tree)


def _cube(part: pd.DataFrame, labels: pd.Index) -> np.ndarray:
    """Counts of one split as ``(5, images, K)`` float64, images in order of appearance."""
    files = part["file_name"].unique()
    wide = part.pivot(index="file_name", columns="label", values=list(scoring.COUNTED))
    wide = wide.reindex(index=files).fillna(0)
    kinds = [wide[kind].reindex(columns=labels, fill_value=0) for kind in scoring.COUNTED]
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
    """Rows of ``outcomes.SCORES`` for one set of images: the mean over categories, then each."""
    found = scoring.summary(cube, params)
    present = found.images[0] > 0  # the first measure is IoU, which every label that is there has
    order = [(len(names), ""), *enumerate(names)]
    return [
        where
        | {"category": name, "measure": measure, "images": found.images[row, place]}
        | {
            f"{kind}{end}": ends[which, row, place]
            for which, kind in enumerate(("mean", "pooled"))
            for end, ends in (("", found.value), ("_low", found.low), ("_high", found.high))
        }
        for place, name in order
        if present[place]
        for row, measure in enumerate(scoring.MEASURES)
    ]


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
