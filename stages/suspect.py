"""Compare every label with what a trained network sees, and list those that are probably wrong."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import coco, params, photos, segment, store, suspect, tables, unet
from pipeline.parallel import progress
from pipeline.segment import Segmenter, SegmentParams
from pipeline.suspect import Seen, SuspectParams
from stages import run, train

SEED = 0  # of the folds; which photos share one decides nothing that a user would turn


def main(  # noqa: PLR0913  # one parameter a path of dvc.yaml
    raw: Path, valid: Path, masks: Path, chosen: Path, model: Path, suspects: Path
) -> str:
    """Look at every image with the trained network, or one that never saw it; write one table."""
    settings = params.load(SuspectParams, "suspect")
    using = params.load(SegmentParams, "segment")
    dataset = coco.load(valid)
    images = tables.ordered(dataset.images).reset_index(drop=True)
    rows = store.read_table(chosen, tables.CHOSEN)
    learned = _among(images, rows[rows["split"] == "train"])
    look = partial(_look, raw=raw, using=using)

    likely: dict[int, np.ndarray] = {}
    if settings.folds > 1:
        sources = images.loc[learned, "source"]
        fold = pd.Series(suspect.folds(sources.tolist(), settings.folds, SEED), sources.index)
        for _, apart in images.loc[learned].groupby(fold):
            others = rows[~_among(rows, apart)]
            likely |= look(_trained(others, raw, valid, masks), apart)
    else:
        unet.prepare(0, using.threads)
    likely |= look(segment.load(model), images.drop(index=list(likely)))

    every = suspect.objects(dataset, images)
    seen = [
        Seen(
            **every[row],
            likely=suspect.shares(likely[row]),
            held_out=bool(settings.folds > 1 or not learned[row]),
        )
        for row in images.index
    ]
    found = suspect.score(seen, settings)
    store.write_table(suspects, found, tables.SUSPECTS)
    return suspect.summary(found)


def _among(rows: pd.DataFrame, images: pd.DataFrame) -> np.ndarray:
    """Return which rows are about one of the images, bool."""
    keys = ["split", "stem"]
    return pd.MultiIndex.from_frame(rows[keys]).isin(pd.MultiIndex.from_frame(images[keys]))


def _trained(chosen: pd.DataFrame, raw: Path, valid: Path, masks: Path) -> Segmenter:
    """Train anew on some of the chosen images, by the stage that trains."""
    with tempfile.TemporaryDirectory() as scratch:
        table, model, *logs = (Path(scratch, name) for name in ("chosen.csv", "m", "h.csv", "live"))
        store.write_table(table, chosen, tables.CHOSEN)
        train.main(raw, valid, masks, table, model, *logs)
        return segment.load(model)


def _look(
    segmenter: Segmenter, images: pd.DataFrame, raw: Path, using: SegmentParams
) -> dict[int, np.ndarray]:
    """Return ``(S, S, C)`` float32 by the row of each image: what the network sees, at its size."""
    maps = _maps(segmenter, images["path"].tolist(), raw, using)
    return dict(zip(images.index, progress(maps, "suspect", len(images)), strict=True))


def _maps(
    segmenter: Segmenter, paths: list[str], raw: Path, using: SegmentParams
) -> Iterator[np.ndarray]:
    side = segmenter.card.size
    for at in range(0, len(paths), using.batch):
        batch = paths[at : at + using.batch]
        pictures = [photos.square(store.read_image(raw / path), side) for path in batch]
        yield from segment.probabilities(segmenter, pictures, flip=using.flip)


if __name__ == "__main__":
    run(main)
