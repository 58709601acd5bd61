"""Count pixels, score each category and tag, and score the restorations."""

from functools import partial
from pathlib import Path

import pandas as pd

from pipeline import coco, evaluate, fidelity, parallel, params, restoration, store, tables
from stages import run


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
    remains: Path,
    counts: Path,
    iou: Path,
    restored: Path,
    compared: Path,
    metrics: Path,
) -> str:
    """Read both masks of every image and both pictures of every hole, write five tables."""
    images = coco.load(valid).images
    labels = store.read_table(valid / "labels.csv", tables.LABELS)
    tags = store.read_table(tagged, tables.MEASURED)
    compute = params.load(parallel.ComputeParams, "compute")

    counted = _counted(images, masks, segments, len(labels) - 1, compute)
    store.write_table(counts, counted, tables.COUNTS)
    settings = params.load(evaluate.EvaluateParams, "evaluate")
    scored = evaluate.score(counted, tags, labels, settings)
    store.write_table(iou, scored, tables.IOU)

    work = _holes(images, "clean", truth / "clean", filled, raw)
    work += _holes(images, "transplant", None, transplanted, raw)
    table = _restored(work, compute)
    store.write_table(restored, table, tables.RESTORED)
    drawn = (settings.resamples, settings.confidence, settings.seed)
    gains = restoration.compare(table, tags, *drawn)
    store.write_table(compared, gains, tables.RESTORATION)

    accuracy = store.read_table(right, tables.TAG_ACCURACY)
    tree = evaluate.metrics(scored, table, store.read_table(issues, tables.ISSUES), tags, accuracy)
    if more := restoration.metrics(gains, store.read_table(remains, tables.REMAINS), tags):
        tree["restore"] = tree.get("restore", {}) | more
    store.write_json(metrics, tree)
    return _headline(tree)


def _restored(work: list[dict], compute: parallel.ComputeParams) -> pd.DataFrame:
    rows = parallel.each(_compare, work, compute, "score restorations")
    return tables.RESTORED.frame([row for several in rows for row in several])


def _counted(
    images: pd.DataFrame, masks: Path, segments: Path, labels: int, compute: parallel.ComputeParams
) -> pd.DataFrame:
    """Count every image that has a predicted mask."""
    work = [
        (image.split, image.stem, image.file_name)
        for image in images.itertuples()
        if (segments / image.split / f"{image.stem}.png").is_file()
    ]
    count = partial(_count, masks=masks, segments=segments, labels=labels)
    rows = parallel.each(count, work, compute, "count pixels")
    return tables.COUNTS.frame([row for several in rows for row in several])


def _count(image: tuple[str, str, str], masks: Path, segments: Path, labels: int) -> list[dict]:
    split, stem, file_name = image
    counted = evaluate.counts(
        truth=store.read_mask(masks / split / f"{stem}.png"),
        predicted=store.read_mask(segments / split / f"{stem}.png"),
        labels=labels,
    )
    return [
        {"split": split, "file_name": file_name, "label": label, "tp": tp, "fp": fp, "fn": fn}
        for label, (tp, fp, fn) in enumerate(counted.tolist(), start=1)
    ]


def _holes(
    images: pd.DataFrame, kind: str, plates: Path | None, filled: Path, raw: Path
) -> list[dict]:
    """List the holes whose truth is known: on a plate, or in the photo itself."""
    work = []
    for image in images[images["split"] == "test"].itertuples():
        photo = raw / image.path
        # A plate bears the export's own stem, which validate may have made unique.
        plate = plates / f"{Path(image.file_name).stem}.png" if plates else photo
        hole = filled / "holes" / f"{image.stem}.png"
        if plate.is_file() and hole.is_file():
            work.append(
                {"file_name": image.file_name, "kind": kind, "photo": photo, "truth": plate}
                | {"hole": hole, "filled": filled / "test" / f"{image.stem}.png"}
            )
    return work


def _compare(work: dict) -> list[dict]:
    """Score our filling and the baselines of one hole; an empty hole gives no rows."""
    hole = store.read_mask(work["hole"]) > 0
    if not hole.any():
        return []
    photo, truth = store.read_image(work["photo"]), store.read_image(work["truth"])
    fillings = {"deepfill": store.read_image(work["filled"])}
    fillings |= {name: fill(photo, hole) for name, fill in fidelity.BASELINES.items()}
    about = {"file_name": work["file_name"], "kind": work["kind"], "hole": float(hole.mean())}
    return [
        about
        | {"method": method, "seam": fidelity.seam(filling, hole)}
        | fidelity.scores(truth, filling, hole)
        for method, filling in fillings.items()
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
