"""Segment the images of the chosen splits, at their own size."""

from pathlib import Path

import pandas as pd

from pipeline import coco, params, segment, store, unet
from pipeline.parallel import progress
from stages import run


def main(raw: Path, valid: Path, model: Path, segments: Path) -> str:
    """Read the images, write a label mask for each."""
    settings = params.load(segment.SegmentParams, "segment")
    unet.prepare(0, settings.threads)
    segmenter = segment.load(model)
    images = coco.load(valid).images
    images = images[images["split"].isin(settings.splits)]
    found = 0
    for rows in progress(batches(images, settings.batch), "segment"):
        pictures = [store.read_image(raw / path) for path in rows["path"]]
        likely = segment.probabilities(segmenter, pictures, flip=settings.flip)
        for row, map_ in zip(rows.itertuples(), likely, strict=True):
            mask = unet.decided(map_, segmenter.card.threshold)
            store.write_mask(segments / row.split / f"{row.stem}.png", mask)
            found += bool(mask.any())
    return f"{len(images)} images, {found} with something found"


def batches(images: pd.DataFrame, size: int) -> list[pd.DataFrame]:
    """Return the rows, ``size`` at a time."""
    return [images.iloc[at : at + size] for at in range(0, len(images), size)]


if __name__ == "__main__":
    run(main)
