"""Train DeepFillv2 on ground without objects."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
from torch import Tensor

from pipeline import coco, holes, params, store, train_inpaint
from pipeline.deepfill import checkpoint, layout, runtime, weights
from pipeline.deepfill.checkpoint import SHEETS, Checkpoint
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
        network, rows, line = trained(network, settings, (raw, valid, masks), (inpainter, curves))
    weights.save(network, inpainter)
    store.write_table(history, HISTORY.frame(rows), HISTORY)
    curves.mkdir(parents=True, exist_ok=True)  # DVC expects it, of no training too
    checkpoint.forget(inpainter)
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
    network: Generator,
    settings: TrainInpaintParams,
    sources: tuple[Path, Path, Path],
    written: tuple[Path, Path],
) -> tuple[Generator, list[dict], str]:
    """Train on what ``raw, valid, masks`` hold; return the generator, history and summary.

    The state is kept beside the first of ``written``, from which a killed run goes on; curves and
    sheets of samples go into the second.
    """
    (raw, valid, masks), (inpainter, curves) = sources, written
    images = coco.load(valid).images
    learned, held = (
        read(images[images["split"] == split], raw, masks, settings) for split in ("train", "valid")
    )
    bare = bool(len(learned.bare))
    crops, held = (learned.bare, held.bare) if bare else (learned.any, held.any)
    outlines = learned.outlines
    examples = train_inpaint.Examples(crops, outlines, settings, settings.seed)
    checks = train_inpaint.checks(held, outlines, settings)

    told = msgspec.json.encode([settings, network.layout])
    kept = Checkpoint(inpainter, [told, *arrays(network), crops, held, *outlines])
    trainer = train_inpaint.Trainer(network, settings)
    total = -(-settings.steps // settings.report_every)
    follow = Curve("row", total, "step", LOGGED, ("l1", "val_l1"))
    fitted = train_inpaint.fit(trainer, examples, checks, kept)
    if checks and settings.sheet_every:
        draw = partial(train_inpaint.sheet, trainer.averaged, checks)
        fitted = sheets(fitted, draw, settings.sheet_every, (kept.folder, curves))
    rows = live.follow(fitted, follow, curves)

    line = f"width {network.layout.width}, {settings.steps} steps from {settings.start}"
    line += f" on {len(crops)} crops"
    if not bare:
        line += " that hold objects, for want of bare ground"
    return trainer.averaged.cpu(), rows, f"{line}{checked(rows, checks, len(held))}"


def checked(rows: list[dict], checks: list[tuple[Tensor, Tensor]], crops: int) -> str:
    """Return the end of the summary: how far off the paintings of the valid crops are."""
    if not crops:
        return "; no crop of valid to check it on"
    off, plain = rows[-1]["val_l1"], train_inpaint.mean_colour_l1(checks)  # of -1..1
    return f": {off / 2:.4f} off in the holes of {crops} valid crops, mean colour {plain / 2:.4f}"


def arrays(network: Generator) -> list[np.ndarray]:
    """Return a network's weights, in the order of their names' appearance."""
    return [tensor.numpy() for tensor in network.state_dict().values()]


def sheets(
    rows: Iterator[dict], draw: Callable[[], np.ndarray], every: int, folders: tuple[Path, Path]
) -> Iterator[dict]:
    """Pass rows on; with those that end another ``every`` steps, write a sheet into both folders.

    A sheet that the first folder, a killed run's, already holds is not drawn again: the network has
    learnt more since.
    """
    last = 0
    for row in rows:
        if row["step"] // every > last:
            last = row["step"] // every
            kept, shown = (folder / SHEETS / f"{row['step']:07}.png" for folder in folders)
            if not kept.is_file():
                store.write_image(kept, draw())
            store.write_bytes(shown, store.read_picture(kept))
        yield row


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
