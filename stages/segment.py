"""Segment the images of the chosen splits, at their own size."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import calibration, coco, params, segment, store, tables, unet
from pipeline import masks as label_masks
from pipeline.parallel import progress
from pipeline.segment import Eye, SegmentParams
from stages import run


def main(  # noqa: PLR0913  # one a path
    raw: Path, valid: Path, masks: Path, model: Path, segments: Path, calibrated: Path
) -> str:
    """Read the images, write a label mask for each, and how often probabilities came true."""
    settings = params.load(SegmentParams, "segment")
    labels = store.read_table(valid / "labels.csv", tables.LABELS)["name"].tolist()
    if settings.model == "unet":
        unet.prepare(0, settings.threads)
    eye = segment.eye(settings, model, labels)
    images = coco.load(valid).images
    images = images[images["split"].isin(settings.splits)]
    counts, most = images["split"].value_counts(), params.value(int, "rasterise", "archive_above")
    tally = Tally(masks, eye.labels[1:])
    stream = progress(maps(eye, images, raw, settings), "segment", len(images))
    for split, seen in groupby(stream, key=lambda pair: pair[0].split):
        pictures = decided(seen, eye, tally)
        store.write_pictures(segments / split, pictures, packed=counts[split] > most)
    table = calibration.table(tally.counted, tally.names)
    store.write_table(calibrated, table, tables.CALIBRATION)
    return f"{len(images)} images, something found in {tally.found}"


@dataclass
class Tally:
    """What is counted while masks are written: something found, and how often it came true."""

    masks: Path
    names: list[str]
    found: int = 0
    counted: dict[str, np.ndarray] = field(default_factory=dict)

    def count(self, row: tuple, likely: np.ndarray, mask: np.ndarray) -> None:
        """Count one image."""
        self.found += bool(mask.any())
        truth = store.read_mask(self.masks / row.split / f"{row.stem}.png")
        bins = calibration.counts(likely, truth, len(self.names))
        self.counted[row.split] = self.counted.get(row.split, 0) + bins


def decided(seen: Iterable[tuple], eye: Eye, tally: Tally) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the PNG of each image's mask."""
    for row, likely in seen:
        mask = unet.decided(likely, eye.threshold)
        tally.count(row, likely, mask)
        yield f"{row.stem}.png", label_masks.encode(mask)


def maps(eye: Eye, images: pd.DataFrame, raw: Path, settings: SegmentParams) -> Iterator[tuple]:
    """Yield each row of ``images`` with its probabilities; a batch is looked at together."""
    for at in range(0, len(images), settings.batch):
        rows = images.iloc[at : at + settings.batch]
        pictures = [store.read_image(raw / path) for path in rows["path"]]
        yield from zip(rows.itertuples(), eye.look(pictures), strict=True)


if __name__ == "__main__":
    run(main)
