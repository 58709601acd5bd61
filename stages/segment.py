"""Segment the images of the chosen splits, at their own size."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from pipeline import coco, params, segment, store, unet
from pipeline.parallel import progress
from pipeline.segment import Segmenter, SegmentParams
from stages import run


def main(raw: Path, valid: Path, model: Path, segments: Path) -> str:
    """Read the images, write a label mask for each."""
    settings = params.load(SegmentParams, "segment")
    unet.prepare(0, settings.threads)
    segmenter = segment.load(model)
    images = coco.load(valid).images
    images = images[images["split"].isin(settings.splits)]
    found = 0
    for row, mask in progress(masks(segmenter, images, raw, settings), "segment", len(images)):
        store.write_mask(segments / row.split / f"{row.stem}.png", mask)
        found += bool(mask.any())
    return f"{len(images)} images, something found in {found}"


def masks(
    segmenter: Segmenter, images: pd.DataFrame, raw: Path, settings: SegmentParams
) -> Iterator[tuple]:
    """Yield each row of ``images`` with its label mask; a batch is read and looked at together."""
    for at in range(0, len(images), settings.batch):
        rows = images.iloc[at : at + settings.batch]
        pictures = [store.read_image(raw / path) for path in rows["path"]]
        likely = segment.probabilities(segmenter, pictures, flip=settings.flip)
        for row, map_ in zip(rows.itertuples(), likely, strict=True):
            yield row, unet.decided(map_, segmenter.card.threshold)


if __name__ == "__main__":
    run(main)
