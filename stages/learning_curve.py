"""Train on nested shares of the train images, and table how IoU grows with them."""

import os
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from pipeline import coco, learning_curve, outcomes, parallel, params, scoring, store, tables
from pipeline.learning_curve import SPLITS, LearningCurveParams
from stages import run, scratch
from stages.apart import apart


def main(raw: Path, valid: Path, masks: Path, chosen: Path, table: Path) -> str:
    """Write a row a share and judged split; no shares, no training and no rows."""
    settings = params.load(LearningCurveParams, "learning_curve")
    rows: list[dict] = []
    scratch.clear(table)
    if settings.shares:
        told = store.read_table(chosen, tables.CHOSEN)
        images = coco.load(valid).images
        for share in sorted(set(settings.shares)):
            fewer = learning_curve.subset(told, share, settings.seed)
            with scratch.beside(table) as folder:
                rows += _point(share, told, fewer, images, _Paths(raw, valid, masks, folder))
    store.write_table(table, outcomes.LEARNING.frame(rows), outcomes.LEARNING)
    if not rows:
        return "no shares in learning_curve.shares, nothing trained"
    return f"{len(settings.shares)} trainings, a row each and judged split"


class _Paths:
    """Where a training reads and writes, whatever the working directory."""

    def __init__(self, raw: Path, valid: Path, masks: Path, folder: Path) -> None:
        self.raw, self.valid, self.masks = (path.resolve() for path in (raw, valid, masks))
        self.scratch = folder.resolve()
        self.chosen, self.model = self.scratch / "chosen.csv", self.scratch / "model"
        self.segments, self.history = self.scratch / "segments", self.scratch / "history.csv"


def _point(
    share: float, told: pd.DataFrame, fewer: pd.DataFrame, images: pd.DataFrame, paths: _Paths
) -> list[dict]:
    """Train on one set, segment, and return a row of ``outcomes.LEARNING`` a judged split."""
    train, whole = ((frame["split"] == "train").sum() for frame in (fewer, told))
    usual = params.settings().sections
    usual = usual | {"unet": _absolute(usual["unet"])}
    epochs = {
        name: learning_curve.epochs(usual["train"][name], int(train), int(whole))
        for name in ("epochs", "fresh_epochs")
    }
    changed = {
        "train": usual["train"] | epochs,
        "segment": usual["segment"] | {"splits": list(SPLITS), "model": "unet"},
    }
    store.write_table(paths.chosen, fewer, tables.CHOSEN)
    store.write_bytes(paths.scratch / "params.yaml", msgspec.yaml.encode(usual | changed))
    apart(_train, paths)
    apart(_segment, paths)

    compute = params.load(parallel.ComputeParams, "compute")
    drawing = params.load(scoring.EvaluateParams, "evaluate")
    labels = len(store.read_table(paths.valid / "labels.csv", tables.LABELS)) - 1
    trained = store.read_table(paths.history, outcomes.HISTORY)
    about = {"share": share, "images": int(train), "epochs": len(trained)}
    rows = []
    for split in SPLITS:
        stems = images.loc[images["split"] == split, "stem"].tolist()
        count = partial(_count, paths=paths, split=split, labels=labels)
        found = parallel.each(count, stems, compute, "count pixels")
        if found:
            cube = np.stack(found).transpose(2, 0, 1)
            rows.append(learning_curve.row(cube, about | {"split": split}, drawing))
    return rows


def _absolute(section: dict) -> dict:
    """Return a section whose relative paths hold in another working directory too."""
    return {
        key: str(Path(value).resolve())
        if isinstance(value, str) and Path(value).exists()
        else value
        for key, value in section.items()
    }


def _train(paths: _Paths) -> str:
    """Train as the stage does; TensorFlow's process."""
    from stages import train  # noqa: PLC0415  # TensorFlow, here alone

    os.chdir(paths.scratch)  # where its params.yaml lies
    return train.main(
        paths.raw,
        paths.valid,
        paths.masks,
        paths.chosen,
        paths.model,
        paths.history,
        paths.scratch / "live",
    )


def _segment(paths: _Paths) -> str:
    """Segment as the stage does; another process, for threads are set once."""
    from stages import segment  # noqa: PLC0415  # TensorFlow, here alone

    os.chdir(paths.scratch)
    return segment.main(
        paths.raw,
        paths.valid,
        paths.masks,
        paths.model,
        paths.segments,
        paths.scratch / "calibration.csv",
    )


def _count(stem: str, paths: _Paths, split: str, labels: int) -> np.ndarray:
    return scoring.counts(
        truth=store.read_mask(paths.masks / split / f"{stem}.png"),
        predicted=store.read_mask(paths.segments / split / f"{stem}.png"),
        labels=labels,
    )


if __name__ == "__main__":
    run(main)
