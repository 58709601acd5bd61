"""Train DeepFillv2 on ground without objects."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import coco, holes, params, store, train_inpaint
from pipeline.deepfill import generator, layout, runtime, weights
from pipeline.parallel import progress
from pipeline.train_inpaint import HISTORY, TrainInpaintParams
from stages import live, run
from stages.live import Curve

LOGGED = ("l1", "deceit", "critic", "val_l1")


def main(  # noqa: PLR0913  # one a path
    raw: Path, valid: Path, masks: Path, inpainter: Path, history: Path, curves: Path
) -> str:
    """Read photos and masks, write the generator, its learning curve and the curve's live copy."""
    shape = layout.chosen(params.load(layout.DeepfillParams, "deepfill"))
    settings = params.load(TrainInpaintParams, "train_inpaint")
    runtime.prepare(settings.seed, settings.threads)
    images = coco.load(valid).images
    crops, outlines = read(images[images["split"] == "train"], raw, masks, settings)
    held, _ = read(images[images["split"] == "valid"], raw, masks, settings)
    examples = train_inpaint.Examples(crops, outlines, settings, settings.seed)
    checks = train_inpaint.checks(held, outlines, settings)

    trainer = train_inpaint.Trainer(generator.Generator(shape), settings)
    total = -(-settings.steps // settings.report_every)
    follow = Curve("row", total, "step", LOGGED, ("l1", "val_l1"))
    rows = live.follow(train_inpaint.fit(trainer, examples, checks), follow, curves)
    curve = HISTORY.frame(rows)

    weights.save(trainer.averaged, inpainter)
    store.write_table(history, curve, HISTORY)
    learned = f"width {shape.width}, {settings.steps} steps on {len(crops)} crops"
    if not len(held):
        return f"{learned}; no bare ground on valid to check it on"
    off = curve["val_l1"].iloc[-1] / 2  # of -1..1
    return (
        f"{learned}: {off:.4f} off in the holes of {len(held)} valid crops, "
        f"mean colour {train_inpaint.mean_colour_l1(checks) / 2:.4f}"
    )


def read(
    rows: pd.DataFrame, raw: Path, masks: Path, settings: TrainInpaintParams
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return crops without objects of these images, and the outlines of the objects in them."""
    crops, outlines = [], []
    for index, row in enumerate(progress(rows.itertuples(), "read", len(rows))):
        mask = store.read_mask(masks / row.split / f"{row.stem}.png")
        image = store.read_image(raw / row.path)
        rng = np.random.default_rng([settings.seed, index])
        crops.append(train_inpaint.bare_crops(image, mask, settings, rng))
        outlines += holes.shapes(mask, settings.smallest_outline)
    together = np.concatenate(crops) if crops else np.zeros((0, settings.crop, settings.crop, 3))
    return together.astype(np.uint8), outlines


if __name__ == "__main__":
    run(main)
