"""Train DeepFillv2 on ground without objects."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline import coco, holes, params, store, train_inpaint
from pipeline.deepfill import layout, runtime, weights
from pipeline.deepfill.generator import Generator
from pipeline.errors import ParamsError
from pipeline.parallel import progress
from pipeline.train_inpaint import HISTORY, TrainInpaintParams
from stages import live, run
from stages.live import Curve

LOGGED = ("l1", "deceit", "critic", "val_l1")


def main(  # noqa: PLR0913  # one a path
    raw: Path, valid: Path, masks: Path, inpainter: Path, history: Path, curves: Path
) -> str:
    """Read photos and masks, write the generator, its learning curve and the curve's live copy."""
    settings = params.load(TrainInpaintParams, "train_inpaint")
    runtime.prepare(settings.seed, settings.threads)
    network = begun(settings, params.load(layout.DeepfillParams, "deepfill"))
    rows, line = [], f"the {settings.start} weights, width {network.layout.width}, as they are"
    if settings.steps:
        network, rows, line = trained(network, settings, (raw, valid, masks), curves)
    weights.save(network, inpainter)
    store.write_table(history, HISTORY.frame(rows), HISTORY)
    if not rows:  # DVC expects the folder all the same
        curves.mkdir(parents=True, exist_ok=True)
    return line


def begun(settings: TrainInpaintParams, shape: layout.DeepfillParams) -> Generator:
    """Return the generator that training starts from.

    Raises:
        ParamsError: it would start from nothing and learn nothing.
        WeightsError: the named weights are missing or damaged.
    """
    if settings.start != "none":
        return weights.load(weights.located(settings.start, Path("trained")))
    if not settings.steps:
        raise ParamsError(
            "train_inpaint.from is none and train_inpaint.steps is 0: nothing would be learnt; "
            "start from embedded, or give it steps (180 take two minutes)"
        )
    return Generator(layout.chosen(shape))


def trained(
    network: Generator, settings: TrainInpaintParams, folders: tuple[Path, Path, Path], curves: Path
) -> tuple[Generator, list[dict], str]:
    """Train on what ``raw, valid, masks`` hold; return the generator, history and summary."""
    raw, valid, masks = folders
    images = coco.load(valid).images
    learned, held = (
        read(images[images["split"] == split], raw, masks, settings) for split in ("train", "valid")
    )
    bare = bool(len(learned.bare))
    crops, held = (learned.bare, held.bare) if bare else (learned.any, held.any)
    outlines = learned.outlines
    examples = train_inpaint.Examples(crops, outlines, settings, settings.seed)
    checks = train_inpaint.checks(held, outlines, settings)

    trainer = train_inpaint.Trainer(network, settings)
    total = -(-settings.steps // settings.report_every)
    follow = Curve("row", total, "step", LOGGED, ("l1", "val_l1"))
    rows = live.follow(train_inpaint.fit(trainer, examples, checks), follow, curves)

    line = f"width {network.layout.width}, {settings.steps} steps from {settings.start}"
    line += f" on {len(crops)} crops"
    if not bare:
        line += " that hold objects, for want of bare ground"
    if not len(held):
        return trainer.averaged, rows, f"{line}; no crop of valid to check it on"
    off = rows[-1]["val_l1"] / 2  # of -1..1
    line += f": {off:.4f} off in the holes of {len(held)} valid crops, "
    line += f"mean colour {train_inpaint.mean_colour_l1(checks) / 2:.4f}"
    return trainer.averaged, rows, line


class Ground(NamedTuple):
    """Crops to learn from, ``(N, S, S, 3)`` uint8, and the outlines of the objects.

    ``any`` holds crops that may show objects, for exports in which no ground is bare: better a
    generator that has seen too much than none.
    """

    bare: np.ndarray
    any: np.ndarray
    outlines: list[np.ndarray]


def read(rows: pd.DataFrame, raw: Path, masks: Path, settings: TrainInpaintParams) -> Ground:
    """Return what these images offer to learn from; ``any`` is empty where ``bare`` is not."""
    ground = Ground([], [], [])
    for index, row in enumerate(progress(rows.itertuples(), "read", len(rows))):
        mask = store.read_mask(masks / row.split / f"{row.stem}.png")
        image = store.read_image(raw / row.path)
        for crops, avoided in ((ground.bare, mask), (ground.any, np.zeros_like(mask))):
            rng = np.random.default_rng([settings.seed, index])
            crops.append(train_inpaint.bare_crops(image, avoided, settings, rng))
        ground.outlines.extend(holes.shapes(mask, settings.smallest_outline))
    none = np.zeros((0, settings.crop, settings.crop, 3), np.uint8)
    bare, every = (np.concatenate([none, *crops]) for crops in (ground.bare, ground.any))
    return Ground(bare, none if len(bare) else every, ground.outlines)


if __name__ == "__main__":
    run(main)
