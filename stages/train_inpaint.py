"""Train DeepFillv2 on ground without objects."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from dvclive import Live
from tqdm import tqdm

from pipeline import coco, holes, params, store, train_inpaint
from pipeline.deepfill import generator, layout, runtime, weights
from pipeline.parallel import progress
from pipeline.train_inpaint import HISTORY, TrainInpaintParams
from stages import run


def main(  # noqa: PLR0913  # one a path
    raw: Path, valid: Path, masks: Path, inpainter: Path, history: Path, live: Path
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
    curve = follow(train_inpaint.fit(trainer, examples, checks), settings, live)

    weights.save(trainer.averaged, inpainter)
    store.write_table(history, curve, HISTORY)
    return (
        f"width {shape.width}, {settings.steps} steps on {len(crops)} crops: "
        f"{curve['val_l1'].iloc[-1] / 2:.4f} off in the holes of {len(held)} valid crops, "
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


def follow(rows: Iterator[dict], settings: TrainInpaintParams, live: Path) -> pd.DataFrame:
    """Log each row as it comes, on the terminal and for ``dvc plots``; return the table."""
    done = []
    total = -(-settings.steps // settings.report_every)
    bar = tqdm(rows, "train_inpaint", total, unit="row", disable=None, leave=False)
    with Live(
        str(live), save_dvc_exp=False, dvcyaml=None, report=None, monitor_system=False
    ) as log:
        for row in bar:
            done.append(row)
            bar.set_postfix(l1=f"{row['l1']:.3f}", val_l1=f"{row['val_l1']:.3f}")
            log.step = row["step"]
            for name in ("l1", "deceit", "critic", "val_l1"):
                if row[name] == row[name]:  # not NaN: nothing was held out
                    log.log_metric(name, row[name])
            log.make_summary()
    return HISTORY.frame(done)


if __name__ == "__main__":
    run(main)
