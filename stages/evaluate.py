"""Count pixels, score each category and tag, and score the restorations."""

from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import (
    coco,
    costs,
    evaluate,
    fidelity,
    outcomes,
    parallel,
    params,
    restoration,
    scoring,
    store,
    tables,
)
from stages import fillings, run


def main(  # noqa: PLR0913  # one parameter a path of dvc.yaml
    raw: Path,
    truth: Path,
    valid: Path,
    masks: Path,
    segments: Path,
    filled: Path,
    transplanted: Path,
    tagged: Path,
    right: Path,
    issues: Path,
    suspects: Path,
    calibrated: Path,
    remains: Path,
    perceived: Path,
    counts: Path,
    scores: Path,
    iou: Path,
    cost: Path,
    confusion: Path,
    worst: Path,
    restored: Path,
    compared: Path,
    metrics: Path,
) -> str:
    """Read both masks of every image and both pictures of every hole, write the tables."""
    images = coco.load(valid).images
    labels = store.read_table(valid / "labels.csv", tables.LABELS)
    tags = store.read_table(tagged, tables.MEASURED)
    compute = params.load(parallel.ComputeParams, "compute")
    settings = params.load(scoring.EvaluateParams, "evaluate")
    drawn = (settings.resamples, settings.confidence, settings.seed)

    counted, pairs = _counted(images, masks, segments, len(labels) - 1, compute)
    every = evaluate.scores(counted, tags, labels, settings)
    scored, costly = evaluate.headlines(every), costs.table(counted, tags, *drawn)
    work = fillings.holes(images, raw, truth / "clean", (filled, transplanted))
    table = _restored(work, store.read_table(perceived, outcomes.PERCEIVED), compute)
    gains = restoration.compare(table, tags, *drawn)
    above = params.load(tables.TableParams, "tables").parquet_above
    store.write_table(counts, counted, outcomes.COUNTS, above)
    store.write_table(restored, table, outcomes.RESTORED, above)
    for path, frame, columns in (
        (scores, every, outcomes.SCORES),
        (iou, scored, outcomes.IOU),
        (cost, costly, outcomes.COSTS),
        (confusion, evaluate.confusion(pairs, labels), outcomes.CONFUSION),
        (worst, evaluate.worst(counted, tags, settings.worst), outcomes.WORST),
        (compared, gains, outcomes.RESTORATION),
    ):
        store.write_table(path, frame, columns)

    tree = evaluate.metrics(
        scored,
        table,
        store.read_table(issues, tables.ISSUES),
        tags,
        store.read_table(right, tables.TAG_ACCURACY),
        store.read_table(calibrated, outcomes.CALIBRATION),
    )
    tree["audit"] |= costs.metrics(costly, store.read_table(suspects, outcomes.SUSPECTS))
    if more := restoration.metrics(gains, store.read_table(remains, outcomes.REMAINS), tags):
        tree["restore"] = tree.get("restore", {}) | more
    store.write_json(metrics, tree)
    return _headline(tree) + store.as_parquet(counts, restored)


def _restored(
    work: list[dict], perceived: pd.DataFrame, compute: parallel.ComputeParams
) -> pd.DataFrame:
    """Score every filling; what ``perceive`` measured of it joins in, NaN if it did not."""
    scored = parallel.each(_compare, work, compute, "score restorations")
    rows = [row for several in scored for row in several]
    keys = ["file_name", "kind", "method"]
    looks = perceived.set_index(keys)["lpips"]
    for row in rows:
        row["lpips"] = looks.get(tuple(row[key] for key in keys), np.nan)
    return outcomes.RESTORED.frame(rows)


def _counted(
    images: pd.DataFrame, masks: Path, segments: Path, labels: int, compute: parallel.ComputeParams
) -> tuple[pd.DataFrame, dict[str, Counter]]:
    """Count every image that has a predicted mask: by label, and by split each pair of labels."""
    work = [
        (image.split, image.stem, image.file_name)
        for image in images.itertuples()
        if store.is_there(segments / image.split / f"{image.stem}.png")
    ]
    count = partial(_count, masks=masks, segments=segments, labels=labels)
    found = parallel.each(count, work, compute, "count pixels")
    pairs: dict[str, Counter] = {}
    for (split, *_), (_, taken) in zip(work, found, strict=True):
        pairs.setdefault(split, Counter()).update(taken)
    return outcomes.COUNTS.frame([row for rows, _ in found for row in rows]), pairs


def _count(
    image: tuple[str, str, str], masks: Path, segments: Path, labels: int
) -> tuple[list[dict], dict[tuple[int, int], int]]:
    split, stem, file_name = image
    truth = store.read_mask(masks / split / f"{stem}.png")
    predicted = store.read_mask(segments / split / f"{stem}.png")
    taken = scoring.confusion(truth=truth, predicted=predicted, labels=labels)
    rows = [
        {"split": split, "file_name": file_name, "label": label}
        | dict(zip(scoring.COUNTED, counted, strict=True))
        for label, counted in enumerate(scoring.tally(taken, truth, predicted).tolist(), start=1)
    ]
    return rows, {tuple(pair): int(taken[tuple(pair)]) for pair in np.argwhere(taken).tolist()}


def _compare(work: dict) -> list[dict]:
    """Score our filling and the baselines of one hole; an empty hole gives no rows."""
    truth, hole, made = fillings.read(work)
    about = {"file_name": work["file_name"], "kind": work["kind"], "hole": float(hole.mean())}
    return [
        about
        | {"method": method, "seam": fidelity.seam(filling, hole)}
        | fidelity.scores(truth, filling, hole)
        for method, filling in made.items()
    ]


def _headline(tree: dict) -> str:
    parts = []
    if "mean" in tree.get("iou", {}):
        parts.append("test IoU {mean:.3f} ({low:.3f} to {high:.3f})".format(**tree["iou"]))
    for kind, methods in tree.get("restore", {}).items():
        if "deepfill" in methods:
            parts.append(f"{kind} holes restored at SSIM {methods['deepfill']['ssim']:.3f}")
    if remaining := tree.get("restore", {}).get("remaining"):
        parts.append(f"{remaining['share']:.1%} of the removed still found")
    return ", ".join(parts) or "nothing to score: the test split is empty"


if __name__ == "__main__":
    run(main)
