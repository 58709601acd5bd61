"""What the report's tables and pictures show, taken from the frames: rows and choices, no words."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import shapely

from pipeline.anatomy import Layer
from pipeline.columns import Columns
from pipeline.outcomes import (
    CALIBRATION,
    CONFUSION,
    COSTS,
    COUNTS,
    HISTORY,
    IOU,
    LEARNING,
    REMAINS,
    RESTORATION,
    RESTORED,
    RIVALS,
    SCORES,
    SUSPECTS,
    WORST,
)
from pipeline.tables import CHANGES, SINCE, SPLITS, TAG_ACCURACY, Dataset

# Table 1 of the student report this pipeline grew from, in its order, to stand beside ours.
REPORTED = {
    "far": 0.03,
    "crowd": 0.08,
    "blurred_background": 0.06,
    "scene_time": 0.20,
    "occluded": 0.12,
}
FILLING = Columns(  # of history_inpaint.csv, which has more
    {
        "step": ("int64", "from 1"),
        "l1": ("float64", "mean absolute difference in the holes, pictures in -1..1"),
        "val_l1": ("float64", "the same on the valid split; NA if there is none"),
    }
)
LEAKS = Columns(  # of data/valid/leaks.csv
    {
        "file_name": ("str", "a picture that may have been learnt from already"),
        "split": ("str", "where it lies"),
        "other": ("str", "the picture of an earlier split that it is tied to"),
        "other_split": ("str", "where that one lies"),
        "why": ("str", "leak_same, leak_source or leak_alike"),
        "bits": ("int64", "of 64 in which the looks differ"),
    }
)
SEVERITIES = ("error", "warning", "info")
MODEST = 1 / 3  # of the picture: larger objects leave too little scene to show a restoration
SEEN = 0.01  # of the picture: where less is removed, there is nothing to see
RESTORING = ("psnr", "ssim", "l1", "lpips")
METHODS = ("deepfill", "telea", "ns", "mean")
ENOUGH = 5  # photos: the bootstrap of fewer draws intervals far too narrow, so none is judged by
EXAMPLES = 3  # file names shown beside an issue's code


@dataclass(frozen=True)
class Run:
    """All tables of a run; an audit has the first four, ``accuracy`` and ``leaks`` only.

    Attributes:
        dataset: as validated.
        issues: columns as ``tables.ISSUES``.
        measured: columns as ``tables.MEASURED``, then measurements, then a boolean column a tag.
        tags: columns as ``tables.TAGS``.
        history: columns as ``outcomes.HISTORY``.
        filling: columns as ``FILLING``: how the restorer learnt.
        counts: columns as ``outcomes.COUNTS``.
        iou: columns as ``outcomes.IOU``.
        restored: columns as ``outcomes.RESTORED``.
        costs: columns as ``outcomes.COSTS``.
        suspects: columns as ``outcomes.SUSPECTS``.
        gains: columns as ``outcomes.RESTORATION``.
        remains: columns as ``outcomes.REMAINS``.
        refilled: stems of the test photos that were restored.
        transplanted: stems of the test photos with a transplanted hole.
        accuracy: columns as ``tables.TAG_ACCURACY``.
        leaks: columns as ``LEAKS``.
        answers: true tags, as ``accuracy.read`` gives them.
        doubted: ``suspect.above``, if ``measured`` has ``suspect_label`` (see ``doubts.joined``).
        scores: columns as ``outcomes.SCORES``.
        confusion: columns as ``outcomes.CONFUSION``.
        calibration: columns as ``outcomes.CALIBRATION``.
        worst: columns as ``outcomes.WORST``.
        rivals: columns as ``outcomes.RIVALS``.
        learning: columns as ``outcomes.LEARNING``.
        changes: columns as ``tables.CHANGES``.
        since: columns as ``tables.SINCE``.
        provenance: ``packages``, ``parameters``, ``seeds`` and ``weights`` as ``provenance`` gives.
        layers: of each network, by the same name.
        cards: what each trained network says of itself, by its name; plain values.
    """

    dataset: Dataset
    issues: pd.DataFrame
    measured: pd.DataFrame
    tags: pd.DataFrame
    history: pd.DataFrame = field(default_factory=HISTORY.empty)
    filling: pd.DataFrame = field(default_factory=FILLING.empty)
    counts: pd.DataFrame = field(default_factory=COUNTS.empty)
    iou: pd.DataFrame = field(default_factory=IOU.empty)
    restored: pd.DataFrame = field(default_factory=RESTORED.empty)
    costs: pd.DataFrame = field(default_factory=COSTS.empty)
    suspects: pd.DataFrame = field(default_factory=SUSPECTS.empty)
    gains: pd.DataFrame = field(default_factory=RESTORATION.empty)
    remains: pd.DataFrame = field(default_factory=REMAINS.empty)
    refilled: frozenset[str] = frozenset()
    transplanted: frozenset[str] = frozenset()
    accuracy: pd.DataFrame = field(default_factory=TAG_ACCURACY.empty)
    leaks: pd.DataFrame = field(default_factory=LEAKS.empty)
    answers: pd.DataFrame = field(default_factory=pd.DataFrame)
    doubted: float | None = None
    scores: pd.DataFrame = field(default_factory=SCORES.empty)
    confusion: pd.DataFrame = field(default_factory=CONFUSION.empty)
    calibration: pd.DataFrame = field(default_factory=CALIBRATION.empty)
    worst: pd.DataFrame = field(default_factory=WORST.empty)
    rivals: pd.DataFrame = field(default_factory=RIVALS.empty)
    learning: pd.DataFrame = field(default_factory=LEARNING.empty)
    changes: pd.DataFrame = field(default_factory=CHANGES.empty)
    since: pd.DataFrame = field(default_factory=SINCE.empty)
    cards: dict[str, dict] = field(default_factory=dict)
    layers: dict[str, list[Layer]] = field(default_factory=dict)
    provenance: dict[str, list] = field(default_factory=dict)


@dataclass(frozen=True)
class Compared:
    """Mean restoration scores of one kind of hole, columns ``method, holes`` and ``RESTORING``."""

    kind: str
    rows: pd.DataFrame

    def gain(self) -> float | None:
        """Return PSNR of deepfill above the best simple method, dB; ``None`` if one is absent."""
        psnr = self.rows.set_index("method")["psnr"]
        best = self.best()
        if "deepfill" not in psnr or best is None:
            return None
        return float(psnr["deepfill"] - psnr[best])

    def best(self) -> str | None:
        """Return the simple method of highest PSNR; ``None`` if there is none."""
        simple = self.rows.set_index("method")["psnr"].drop("deepfill", errors="ignore").dropna()
        return None if simple.empty else str(simple.idxmax())


def per_split(dataset: Dataset) -> list[dict]:
    """Return ``split, images, annotations`` of each split that holds images."""
    images = dataset.images["split"].value_counts()
    annotations = dataset.annotations["split"].value_counts()
    return [
        {
            "split": split,
            "images": int(images[split]),
            "annotations": int(annotations.get(split, 0)),
        }
        for split in SPLITS
        if split in images
    ]


def fingerprint(dataset: Dataset) -> str:
    """Return twelve hexadecimal digits that change when an image, outline or category does."""
    digest = hashlib.sha256()
    for frame in (dataset.images, dataset.annotations, dataset.categories):
        plain = frame.drop(columns=["geometry"], errors="ignore")
        digest.update(plain.to_csv(index=False).encode("utf-8", "surrogatepass"))
    for outline in shapely.to_wkb(dataset.annotations["geometry"].to_numpy()):
        digest.update(outline or b"")
    return digest.hexdigest()[:12]


def photos(dataset: Dataset, measured: pd.DataFrame, tags: list[str]) -> pd.DataFrame:
    """Return ``split, file_name, path, stem, area`` and a boolean column a tag, one row an image.

    Images that were not measured have no tags.
    """
    keys = ["split", "file_name"]
    known = [tag for tag in tags if tag in measured]
    tagged = measured.drop_duplicates(keys)[[*keys, *known]]
    images = dataset.images.assign(area=dataset.images["width"] * dataset.images["height"])
    joined = images[[*keys, "path", "stem", "area"]].merge(tagged, on=keys, how="left")
    return joined.assign(**{tag: joined[tag].eq(True) if tag in known else False for tag in tags})


def scored(photos: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Return ``photos`` with ``iou``, ``share`` and ``removed``, worst first.

    ``iou`` is the mean over the labels that truth or prediction holds, so photos where both are
    empty are left out; ``share`` is how much of the picture the truth covers and
    ``removed`` how much the prediction does, 0..1.
    """
    touched = counts.assign(union=counts["tp"] + counts["fp"] + counts["fn"])
    touched = touched[touched["union"] > 0]
    touched = touched.assign(
        iou=touched["tp"] / touched["union"],
        truth=touched["tp"] + touched["fn"],
        drawn=touched["tp"] + touched["fp"],
    )
    each = touched.groupby(["split", "file_name"], sort=True)
    means = each.agg(iou=("iou", "mean"), truth=("truth", "sum"), drawn=("drawn", "sum"))
    joined = photos.merge(means.reset_index(), on=["split", "file_name"])
    joined = joined.assign(
        share=joined["truth"] / joined["area"], removed=joined["drawn"] / joined["area"]
    )
    return joined.sort_values(["split", "iou", "file_name"], kind="stable", ignore_index=True)


def judged_split(frame: pd.DataFrame) -> str | None:
    """Return the split to judge by: test, else valid, else train; ``None`` without rows."""
    present = set(frame["split"])
    return next((split for split in reversed(SPLITS) if split in present), None)


def best_median_worst(ranked: pd.DataFrame, count: int) -> dict[str, pd.DataFrame]:
    """Return ``count`` rows each from the end, middle and start of ``ranked``, none twice.

    Fewer than ``3 * count`` rows are shared out evenly, the best first.
    """
    best, rest = _take_last(ranked, min(count, -(-len(ranked) // 3)))
    worst = rest.head(min(count, len(rest) // 2))
    between = rest.iloc[len(worst) :]
    start = max(0, (len(between) - count) // 2)
    return {"best": best, "median": between.iloc[start : start + count], "worst": worst}


def spread(ranked: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return ``count`` rows evenly spaced from first to last; all if there are no more."""
    if len(ranked) <= count:
        return ranked
    return ranked.iloc[np.linspace(0, len(ranked) - 1, count).round().astype(int)]


def problems(tags: pd.DataFrame) -> list[dict]:
    """Return Table 1: the report's five problems in its order, then the others by share."""
    rows = tags.assign(reported=tags["tag"].map(REPORTED))
    order = {tag: place for place, tag in enumerate(REPORTED)}
    rows = rows.assign(place=rows["tag"].map(order).fillna(len(order)))
    rows = rows.sort_values(["place", "share", "tag"], ascending=[True, False, True])
    return [
        row | {"reported": None if np.isnan(row["reported"]) else row["reported"]}
        for row in rows.drop(columns="place").to_dict("records")
    ]


def accuracies(accuracy: pd.DataFrame) -> dict[str, dict]:
    """Return the row of each tag whose true answers are known, by tag."""
    return {row["tag"]: row for row in accuracy.to_dict("records")}


def issue_codes(issues: pd.DataFrame) -> list[dict]:
    """Return a row a code: ``code, severity, count, images, actions, examples``, gravest first."""
    rows = []
    for (severity, code), found in issues.groupby(["severity", "code"], sort=True):
        names = found.loc[found["file_name"] != "", "file_name"]
        rows.append(
            {
                "code": code,
                "severity": severity,
                "count": len(found),
                "images": int(names.nunique()),
                "actions": sorted(set(found["action"]) - {""}),
                "examples": sorted(set(names))[:EXAMPLES],
            }
        )
    rank = {severity: place for place, severity in enumerate(SEVERITIES)}
    return sorted(rows, key=lambda row: (rank.get(row["severity"], 9), -row["count"], row["code"]))


def severities(issues: pd.DataFrame) -> dict[str, int]:
    """Return how many findings there are of each severity, gravest first."""
    counts = issues["severity"].value_counts()
    return {severity: int(counts.get(severity, 0)) for severity in SEVERITIES}


def overall(iou: pd.DataFrame) -> dict[str, dict]:
    """Return the row of all images and the mean over categories, by split."""
    rows = iou[(iou["category"] == "") & (iou["tag"] == "")]
    return {row["split"]: row for row in rows.to_dict("records")}


def categories(iou: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of single categories over all images, in the file's order, split within."""
    return iou[(iou["category"] != "") & (iou["tag"] == "")]


def costs(iou: pd.DataFrame, split: str) -> pd.DataFrame:
    """Return the rows of one split a tag, mean over categories, lowest IoU first."""
    rows = iou[(iou["split"] == split) & (iou["category"] == "") & (iou["tag"] != "")]
    return rows.dropna(subset="iou").sort_values(["iou", "tag"])


def crossed(iou: pd.DataFrame, split: str, rows: int) -> dict | None:
    """Return IoU of each category in the photos of each tag: ``tags`` and ``rows``.

    A row has ``category``, its row of all photos and a row or ``None`` a tag. Of more categories
    than ``rows`` those of most photos are returned; ``None`` of fewer than two, which say nothing
    that their mean does not.
    """
    scored = iou[(iou["split"] == split) & (iou["category"] != "")].dropna(subset="iou")
    whole = scored[scored["tag"] == ""].sort_values("images", ascending=False, kind="stable")
    if len(whole) < 2:
        return None
    tags = list(dict.fromkeys(scored.loc[scored["tag"] != "", "tag"]))
    found = {(row["category"], row["tag"]): row for row in scored.to_dict("records")}
    names = whole["category"].head(rows)
    return {
        "tags": tags,
        "rows": [
            {
                "category": name,
                "all": found[name, ""],
                "cells": [found.get((name, tag)) for tag in tags],
            }
            for name in names
        ],
    }


def prices(costs: pd.DataFrame) -> list[dict]:
    """Return the rows of ``outcomes.COSTS`` whose gain is known, the largest first."""
    known = costs.dropna(subset="gain").sort_values(["gain", "tag"], ascending=[False, True])
    return known.to_dict("records")


def doubted(suspects: pd.DataFrame) -> pd.DataFrame:
    """Return ``split, file_name, kinds, excess, held_out`` of photos with suspect labels.

    ``kinds`` lists what is suspect, each kind once, the gravest first; rows likewise.
    """
    rows = suspects[suspects["suspect"]].sort_values("excess", ascending=False, kind="stable")
    each = rows.groupby(["split", "file_name"], sort=False)
    return each.agg(
        kinds=("kind", lambda kinds: list(dict.fromkeys(kinds))),
        excess=("excess", "max"),
        held_out=("held_out", "first"),
    ).reset_index()


def costly(iou: pd.DataFrame, split: str) -> tuple[list[dict], list[dict]]:
    """Return the tags whose whole interval lies below that of all images, lowest first.

    Those of ``ENOUGH`` images first, then those of fewer, of whom it is not to be believed.
    """
    whole = overall(iou).get(split)
    if whole is None:
        return [], []
    rows = costs(iou, split)
    rows = rows[rows["iou_high"] < whole["iou_low"]]
    many = rows["images"] >= ENOUGH
    return rows[many].to_dict("records"), rows[~many].to_dict("records")


def restorations(restored: pd.DataFrame) -> list[Compared]:
    """Return the mean scores of each kind of hole, methods in the order of ``METHODS``."""
    compared = []
    for kind, rows in restored.groupby("kind", sort=True):
        finite = rows.replace([np.inf, -np.inf], np.nan)
        means = finite.groupby("method")[list(RESTORING)].mean()
        means.insert(0, "holes", rows.groupby("method").size())
        order = [name for name in METHODS if name in means.index]
        order += sorted(set(means.index) - set(METHODS))
        compared.append(Compared(str(kind), means.loc[order].reset_index()))
    return compared


def gains(table: pd.DataFrame) -> list[dict]:
    """Return ``kind``, ``metrics`` and ``rows`` of the comparisons over all images.

    A row has ``against``, ``images`` and ``cells``: a row of ``table`` or ``None`` a metric. The
    mean colour is left out, it is too easy.
    """
    whole = table[(table["tag"] == "") & (table["against"] != "mean")]
    found = []
    for kind, rows in whole.groupby("kind", sort=True):
        metrics = list(dict.fromkeys(rows["metric"]))
        each = {(row["against"], row["metric"]): row for row in rows.to_dict("records")}
        names = rows.groupby("against", sort=False)["images"].max()
        found.append(
            {
                "kind": kind,
                "metrics": metrics,
                "rows": [
                    {"against": name, "images": int(images)}
                    | {"cells": [each.get((name, metric)) for metric in metrics]}
                    for name, images in names.items()
                ],
            }
        )
    return found


def _take_last(frame: pd.DataFrame, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    cut = len(frame) - count
    return frame.iloc[cut:].iloc[::-1], frame.iloc[:cut]
