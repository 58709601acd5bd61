"""Compare every label with what a trained network sees, and list those that are probably wrong."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import coco, outcomes, params, photos, segment, store, suspect, tables, unet
from pipeline.parallel import progress
from pipeline.segment import Eye, SegmentParams
from pipeline.suspect import Seen, SuspectParams
from stages import run, scratch, train

SEED = 0  # of the folds; which photos share one decides nothing that a user would turn


def main(  # noqa: PLR0913  # one parameter a path of dvc.yaml
    raw: Path, valid: Path, masks: Path, chosen: Path, model: Path, suspects: Path
) -> str:
    """Look at every image with the trained network, or one that never saw it; write one table."""
    settings = params.load(SuspectParams, "suspect")
    using = params.load(SegmentParams, "segment")
    dataset = coco.load(valid)
    scratch.clear(suspects)
    images = tables.ordered(dataset.images).reset_index(drop=True)
    rows = store.read_table(chosen, tables.CHOSEN)
    learned = _among(images, rows[rows["split"] == "train"])
    see = partial(segment.eye, using, labels=dataset.labels["name"].tolist())
    likely: dict[int, np.ndarray] = {}
    ready_made = using.model != "unet"  # has learned from none of these photos
    if settings.folds > 1 and not ready_made:
        sources = images.loc[learned, "source"]
        fold = pd.Series(suspect.folds(sources.tolist(), settings.folds, SEED), sources.index)
        for _, apart in images.loc[learned].groupby(fold):
            others = rows[~_among(rows, apart)]
            with scratch.beside(suspects) as folder:
                other = _trained(others, raw, valid, masks, folder)
                likely |= _look(see(other), apart, raw, using.batch)
    elif not ready_made:
        unet.prepare(0, using.threads)
    likely |= _look(see(model), images.drop(index=list(likely)), raw, using.batch)

    every = suspect.objects(dataset, images)
    seen = [
        Seen(
            **every[row],
            likely=suspect.shares(likely[row]),
            held_out=bool(ready_made or settings.folds > 1 or not learned[row]),
        )
        for row in images.index
    ]
    found = suspect.score(seen, settings)
    _write(suspects, found)
    return suspect.summary(found) + store.as_parquet(suspects)


def _write(path: Path, found: pd.DataFrame) -> None:
    above = params.load(tables.TableParams, "tables").parquet_above
    store.write_table(path, found, outcomes.SUSPECTS, above)


def _among(rows: pd.DataFrame, images: pd.DataFrame) -> np.ndarray:
    """Return which rows are about one of the images, bool."""
    keys = ["split", "stem"]
    return pd.MultiIndex.from_frame(rows[keys]).isin(pd.MultiIndex.from_frame(images[keys]))


def _trained(chosen: pd.DataFrame, raw: Path, valid: Path, masks: Path, folder: Path) -> Path:
    """Train anew on some of the chosen images, by the stage that trains; return the network."""
    table, model, *logs = (folder / name for name in ("chosen.csv", "m", "h.csv", "live"))
    store.write_table(table, chosen, tables.CHOSEN)
    train.main(raw, valid, masks, table, model, *logs)
    return model


def _look(eye: Eye, images: pd.DataFrame, raw: Path, batch: int) -> dict[int, np.ndarray]:
    """Return ``(S, S, C)`` float32 by the row of each image: what the network sees, at its size."""
    maps = _maps(eye, images["path"].tolist(), raw, batch)
    return dict(zip(images.index, progress(maps, "suspect", len(images)), strict=True))


def _maps(eye: Eye, paths: list[str], raw: Path, batch: int) -> Iterator[np.ndarray]:
    for at in range(0, len(paths), batch):
        some = paths[at : at + batch]
        yield from eye.look(
            [photos.square(store.read_image(raw / path), eye.side) for path in some]
        )


if __name__ == "__main__":
    run(main)
