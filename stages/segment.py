"""Segment the images of the chosen splits, at their own size."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from pipeline import calibration, coco, params, segment, store, tables, unet
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
    found, counted = 0, {}
    names = eye.labels[1:]
    for row, likely in progress(maps(eye, images, raw, settings), "segment", len(images)):
        mask = unet.decided(likely, eye.threshold)
        store.write_mask(segments / row.split / f"{row.stem}.png", mask)
        found += bool(mask.any())
        truth = store.read_mask(masks / row.split / f"{row.stem}.png")
        bins = calibration.counts(likely, truth, len(names))
        counted[row.split] = counted.get(row.split, 0) + bins
    store.write_table(calibrated, calibration.table(counted, names), tables.CALIBRATION)
    return f"{len(images)} images, something found in {found}"


def maps(eye: Eye, images: pd.DataFrame, raw: Path, settings: SegmentParams) -> Iterator[tuple]:
    """Yield each row of ``images`` with its probabilities; a batch is looked at together."""
    for at in range(0, len(images), settings.batch):
        rows = images.iloc[at : at + settings.batch]
        pictures = [store.read_image(raw / path) for path in rows["path"]]
        yield from zip(rows.itertuples(), eye.look(pictures), strict=True)


if __name__ == "__main__":
    run(main)
