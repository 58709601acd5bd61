"""Fill the objects of each test image, and holes on bare ground where the truth is known."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
import torch
from torch import nn

from pipeline import anatomy, baselines, coco, fidelity, holes, inpaint, params, store
from pipeline.deepfill import runtime
from pipeline.deepfill.generator import Generator
from pipeline.inpaint import InpaintParams
from pipeline.parallel import progress
from stages import run, weighing

OURS = "deepfill"  # its name among the painters
SIDE = 256  # pixels, of the picture that the paper describes its network with


def main(  # noqa: PLR0913  # one a path
    raw: Path,
    valid: Path,
    masks: Path,
    segments: Path,
    inpainter: Path,
    filled: Path,
    transplanted: Path,
) -> str:
    """Read the test split; write each image restored, each with a transplanted hole, and holes."""
    settings = params.load(InpaintParams, "inpaint")
    runtime.prepare(settings.seed, settings.threads)
    painters = {OURS: load(settings, inpainter, filled / "weights.json")}
    painters |= baselines.load(msgspec.to_builtins(settings.baselines))
    dataset = coco.load(valid)
    rows = dataset.images[dataset.images["split"] == "test"]
    labels = inpaint.removed_labels(dataset.labels, settings.remove)
    outlines = shapes(rows, masks, settings)
    for folder in (filled, transplanted):  # DVC expects its outputs, even of an empty test split
        (folder / "test").mkdir(parents=True, exist_ok=True)
    done = Tally([], [], [])
    for index, row in enumerate(progress(rows.itertuples(), "inpaint", len(rows))):
        image = store.read_image(raw / row.path)
        truth = read_mask(masks, row)
        hole = inpaint.hole_of(chosen(truth, segments, row, settings), labels, settings, image)
        done.covered.append(hole.mean())
        if hole.all():  # nothing is known to paint from: the photo stays as it is
            hole = np.zeros_like(hole)
        paint(painters, filled / "test" / f"{row.stem}.png", (image, hole), settings)
        rng = np.random.default_rng([settings.seed, index])
        spot = inpaint.transplant(truth, outlines, settings, rng)
        if spot is not None:
            place = transplanted / "test" / f"{row.stem}.png"
            painted = paint(painters, place, (image, spot), settings)
            done.off.append(fidelity.l1(image, painted, spot))
            done.plain.append(fidelity.l1(image, fidelity.mean_colour(image, spot), spot))
    return summary(done)


def load(settings: InpaintParams, trained: Path, card: Path) -> Generator:
    """Return the network to paint with; write the card and layers by which the report shows it."""
    generator = weighing.load(settings, trained)
    said = {"source": settings.weights} | msgspec.to_builtins(generator.layout)
    store.write_json(card, {"weights": said})
    with torch.inference_mode(), anatomy.watched(generator) as layers:
        generator(torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, 1, SIDE, SIDE))
    anatomy.write(card.parent, layers)
    return generator


class Tally(NamedTuple):
    """Of each image the share to fill; of each transplant how far off it is, and a plain one."""

    covered: list[float]
    off: list[float]
    plain: list[float]


def summary(done: Tally) -> str:
    """Return the stage's one line."""
    line = f"{len(done.covered)} images, {mean(done.covered):.1%} of their pixels to fill"
    if whole := done.covered.count(1):
        line += f", {whole} left as they are because the mask is the whole picture"
    if not done.off:
        return f"{line}; no room for a transplant in any"
    return (
        f"{line}; {len(done.off)} transplants (no room in {len(done.covered) - len(done.off)}): "
        f"{mean(done.off):.4f} off, mean colour {mean(done.plain):.4f}"
    )


def shapes(rows: pd.DataFrame, masks: Path, settings: InpaintParams) -> list[np.ndarray]:
    """Return the outlines of the objects in these images' masks."""
    outlines = []
    for row in rows.itertuples():
        outlines += holes.shapes(read_mask(masks, row), settings.transplant_least)
    return outlines


def chosen(
    truth: np.ndarray, segments: Path, row: pd.Series, settings: InpaintParams
) -> list[np.ndarray]:
    """Return the label masks that ``inpaint.mask`` asks for."""
    predicted = [] if settings.mask == "annotated" else [read_mask(segments, row)]
    return predicted if settings.mask == "predicted" else [*predicted, truth]


def read_mask(folder: Path, row: pd.Series) -> np.ndarray:
    """Read the label mask of an image."""
    return store.read_mask(folder / row.split / f"{row.stem}.png")


def paint(
    painters: Mapping[str, nn.Module],
    path: Path,
    scene: tuple[np.ndarray, np.ndarray],
    settings: InpaintParams,
) -> np.ndarray:
    """Fill the hole of a picture with each painter, write what they make, and return ours.

    Beside the folder of ours are ``holes``, masks of 0 and 1, and ``baselines``, a folder each.
    """
    image, hole = scene
    folder = path.parents[1]
    store.write_mask(folder / "holes" / path.name, hole.astype(np.uint8))
    made = {
        name: inpaint.fill(painter, image, hole, settings) for name, painter in painters.items()
    }
    for name, picture in made.items():
        place = path if name == OURS else folder / "baselines" / name / path.name
        store.write_image(place, picture)
    return made[OURS]


def mean(values: list[float]) -> float:
    """Return the mean, 0 of nothing."""
    return float(np.mean(values)) if values else 0.0


if __name__ == "__main__":
    run(main)
