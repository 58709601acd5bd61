"""Fill the objects of each test image, and holes on bare ground where the truth is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch import nn

from pipeline import (
    anatomy,
    baselines,
    coco,
    fidelity,
    holes,
    inpaint,
    memory,
    parallel,
    params,
    store,
)
from pipeline.deepfill import runtime
from pipeline.deepfill import weights as files
from pipeline.deepfill.generator import Generator
from pipeline.errors import WeightsError
from pipeline.inpaint import InpaintParams
from stages import run, weighing

OURS = "deepfill"  # its name among the painters
SIDE = 256  # pixels, of the picture that the paper describes its network with


class Photo(NamedTuple):
    """An image to restore, by the columns of ``tables.IMAGES``, and its number in the split."""

    index: int
    split: str
    stem: str
    path: str


class Done(NamedTuple):
    """Of an image the share to fill; of its transplant how far off it is, and a plain filling."""

    covered: float
    off: float | None = None
    plain: float | None = None


@dataclass
class Paint:
    """Restores images and writes them; whoever is given it reads the networks when it must.

    Attributes:
        settings: which networks, and how they paint.
        labels: to remove.
        outlines: of objects, as holes of transplants.
        raw: folder of the images.
        masks: of the true masks.
        segments: of the predicted ones.
        inpainter: of the trained network.
        filled: where restored images go.
        transplanted: where those with a transplanted hole go.
        weights: digest of the networks' files, where this was made.
        painters: the networks, once they are read.
    """

    settings: InpaintParams
    labels: list[int]
    outlines: list[np.ndarray]
    raw: Path
    masks: Path
    segments: Path
    inpainter: Path
    filled: Path
    transplanted: Path
    weights: bytes
    painters: dict[str, nn.Module] | None = None

    def open(self) -> dict[str, nn.Module]:
        """Return the networks, which each process reads once.

        Raises:
            WeightsError: one cannot be read, or is another one than where this was made.
        """
        if self.painters is None:
            self.painters = self._read()
        return self.painters

    def _read(self) -> dict[str, nn.Module]:
        if weights(self.settings, self.inpainter) != self.weights:
            raise WeightsError(
                "inpaint.weights, or those of inpaint.baselines, are others on a worker than here; "
                "let workers see the same files, see docs/cluster.md"
            )
        runtime.prepare(self.settings.seed, self.settings.threads)
        ours = files.load(weighing.place(self.settings, self.inpainter))
        return {OURS: ours} | others(self.settings)

    def __call__(self, rows: list[Photo]) -> list[tuple]:
        """Restore images, one after the other; return the values of ``Done``.

        A class of a program's own file does not go from one process to another.
        """
        return [tuple(self.restore(row)) for row in rows]

    def restore(self, row: Photo) -> Done:
        """Write an image restored and, if there is room, the same with a transplanted hole."""
        settings, painters = self.settings, self.open()
        image = store.read_image(self.raw / row.path)
        truth = read_mask(self.masks, row)
        masks = chosen(truth, self.segments, row, settings)
        hole = inpaint.hole_of(masks, self.labels, settings, image)
        covered = float(hole.mean())
        if hole.all():  # nothing is known to paint from: the photo stays as it is
            hole = np.zeros_like(hole)
        paint(painters, self.filled / "test" / f"{row.stem}.png", (image, hole), settings)
        rng = np.random.default_rng([settings.seed, row.index])
        spot = inpaint.transplant(truth, self.outlines, settings, rng)
        if spot is None:
            return Done(covered)
        place = self.transplanted / "test" / f"{row.stem}.png"
        painted = paint(painters, place, (image, spot), settings)
        plain = fidelity.l1(image, fidelity.mean_colour(image, spot), spot)
        return Done(covered, fidelity.l1(image, painted, spot), plain)


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
    compute = params.load(parallel.ComputeParams, "compute")
    runtime.prepare(settings.seed, settings.threads)
    painters = {OURS: load(settings, inpainter, filled / "weights.json")} | others(settings)
    dataset = coco.load(valid)
    images = dataset.images[dataset.images["split"] == "test"]
    labels = inpaint.removed_labels(dataset.labels, settings.remove)
    columns = (images[name] for name in Photo._fields[1:])
    rows = [Photo(*row) for row in zip(range(len(images)), *columns, strict=True)]
    folders = (raw, masks, segments, inpainter, filled, transplanted)
    outlines, digest = shapes(rows, masks, settings), weights(settings, inpainter)
    work = Paint(settings, labels, outlines, *folders, digest)
    if compute.backend == "local":
        work.painters = painters  # no need to read them again
    for folder in (filled, transplanted):  # DVC expects its outputs, even of an empty test split
        (folder / "test").mkdir(parents=True, exist_ok=True)
    done = parallel.heavy(work, rows, compute, "inpaint", size=1, framework="torch")
    return summary([Done(*one) for one in done])


def weights(settings: InpaintParams, trained: Path) -> bytes:
    """Return a digest of the files of all networks that paint."""
    ours = weighing.place(settings, trained)
    paths = [ours / files.FILE if ours.is_dir() else ours]
    paths += [Path(path).expanduser() for path in _beside(settings).values() if path]
    return b"".join(map(memory.content, paths))


def others(settings: InpaintParams) -> dict[str, nn.Module]:
    """Return the painters beside ours."""
    return baselines.load(_beside(settings))


def _beside(settings: InpaintParams) -> dict[str, str | None]:
    return msgspec.to_builtins(settings.baselines)


def load(settings: InpaintParams, trained: Path, card: Path) -> Generator:
    """Return the network to paint with; write the card and layers by which the report shows it."""
    generator = weighing.load(settings, trained)
    said = {"source": settings.weights} | msgspec.to_builtins(generator.layout)
    store.write_json(card, {"weights": said})
    with torch.inference_mode(), anatomy.watched(generator) as layers:
        generator(torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, 1, SIDE, SIDE))
    anatomy.write(card.parent, layers)
    return generator


def summary(done: list[Done]) -> str:
    """Return the stage's one line."""
    covered = [one.covered for one in done]
    moved = [one for one in done if one.off is not None]
    line = f"{len(done)} images, {mean(covered):.1%} of their pixels to fill"
    if whole := covered.count(1):
        line += f", {whole} left as they are because the mask is the whole picture"
    if not moved:
        return f"{line}; no room for a transplant in any"
    off, plain = ([getattr(one, name) for one in moved] for name in ("off", "plain"))
    return (
        f"{line}; {len(moved)} transplants (no room in {len(done) - len(moved)}): "
        f"{mean(off):.4f} off, mean colour {mean(plain):.4f}"
    )


def shapes(rows: list[Photo], masks: Path, settings: InpaintParams) -> list[np.ndarray]:
    """Return the outlines of the objects in these images' masks."""
    outlines = []
    for row in rows:
        outlines += holes.shapes(read_mask(masks, row), settings.transplant_least)
    return outlines


def chosen(
    truth: np.ndarray, segments: Path, row: Photo, settings: InpaintParams
) -> list[np.ndarray]:
    """Return the label masks that ``inpaint.mask`` asks for."""
    predicted = [] if settings.mask == "annotated" else [read_mask(segments, row)]
    return predicted if settings.mask == "predicted" else [*predicted, truth]


def read_mask(folder: Path, row: Photo) -> np.ndarray:
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
