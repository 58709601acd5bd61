"""Segment the images of the chosen splits, at their own size."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline import (
    calibration,
    coco,
    memory,
    outcomes,
    parallel,
    params,
    segment,
    store,
    tables,
    unet,
)
from pipeline import masks as label_masks
from pipeline.errors import WeightsError
from pipeline.segment import Eye, SegmentParams
from stages import run


class Photo(NamedTuple):
    """An image to look at, by the columns of ``tables.IMAGES``."""

    split: str
    stem: str
    path: str


@dataclass
class Look:
    """Looks at images; whoever is given it reads the network when it must.

    Attributes:
        settings: which network, and how it looks.
        labels: names of the data's labels, background first.
        raw: folder of the images.
        masks: of the true masks.
        model: of the trained network.
        weights: digest of the network's files, where this was made.
        eye: the network, once it is read.
    """

    settings: SegmentParams
    labels: list[str]
    raw: Path
    masks: Path
    model: Path
    weights: bytes
    eye: Eye | None = None

    def open(self) -> Eye:
        """Return the network, which each process reads once.

        Raises:
            WeightsError: it cannot be read, or is another one than where this was made.
        """
        if self.eye is None:
            self.eye = self._read()
        return self.eye

    def _read(self) -> Eye:
        if weights(self.settings, self.model) != self.weights:
            raise WeightsError(
                f"{self.model.resolve()} holds other weights on a worker than here; let workers "
                "see the same files, see docs/cluster.md"
            )
        if self.settings.model == "unet":
            unet.prepare(0, self.settings.threads)
        return segment.eye(self.settings, self.model, self.labels)

    def __call__(self, rows: list[Photo]) -> list["Seen"]:
        """Look at some images together."""
        pictures = [store.read_image(self.raw / row.path) for row in rows]
        eye = self.open()
        names, seen = eye.labels[1:], []
        for row, likely in zip(rows, eye.look(pictures), strict=True):
            mask = unet.decided(likely, eye.threshold)
            truth = store.read_mask(self.masks / row.split / f"{row.stem}.png")
            bins = calibration.counts(likely, truth, len(names))
            seen.append(Seen(label_masks.encode(mask), bool(mask.any()), bins, names))
        return seen


class Seen(NamedTuple):
    """What is seen in one image.

    Attributes:
        png: its label mask.
        found: whether there is something.
        bins: how often probabilities came true, as ``calibration.counts``.
        names: of the network's labels 1..K.
    """

    png: bytes
    found: bool
    bins: np.ndarray
    names: list[str]


@dataclass
class Tally:
    """What is counted while masks are written."""

    names: list[str]
    found: int = 0
    bins: dict[str, np.ndarray] = field(default_factory=dict)

    def counted(self, several: Iterator[tuple[Photo, Seen]]) -> Iterator[tuple[str, bytes]]:
        """Yield the name and the PNG of each image's mask."""
        for row, seen in several:
            self.found += seen.found
            self.bins[row.split] = self.bins.get(row.split, 0) + seen.bins
            self.names = seen.names
            yield f"{row.stem}.png", seen.png


def main(  # noqa: PLR0913  # one a path
    raw: Path, valid: Path, masks: Path, model: Path, segments: Path, calibrated: Path
) -> str:
    """Read the images, write a label mask for each, and how often probabilities came true."""
    settings = params.load(SegmentParams, "segment")
    compute = params.load(parallel.ComputeParams, "compute")
    labels = store.read_table(valid / "labels.csv", tables.LABELS)["name"].tolist()
    look = Look(settings, labels, raw, masks, model, weights(settings, model))
    if compute.backend == "local":
        look.open()  # before anything else, for it may be missing
    images = coco.load(valid).images
    images = images[images["split"].isin(settings.splits)]
    rows = [Photo(*row) for row in zip(*(images[name] for name in Photo._fields), strict=True)]
    seen = parallel.heavy(
        look, rows, compute, "segment", size=settings.batch, framework="tensorflow"
    )
    counts, most = images["split"].value_counts(), params.value(int, "rasterise", "archive_above")
    tally = Tally(labels[1:])
    for split, several in groupby(zip(rows, seen, strict=True), key=lambda pair: pair[0].split):
        pictures = tally.counted(several)
        store.write_pictures(segments / split, pictures, packed=counts[split] > most)
    store.write_table(calibrated, calibration.table(tally.bins, tally.names), outcomes.CALIBRATION)
    return f"{len(images)} images, something found in {tally.found}"


def weights(settings: SegmentParams, model: Path) -> bytes:
    """Return a digest of the files of the network that is wanted."""
    files = [model / unet.WEIGHTS, model / unet.CARD]
    if settings.model != "unet":
        files = [Path(settings.tflite or "").expanduser()]
    return b"".join(map(memory.content, files))


if __name__ == "__main__":
    run(main)
