"""Compare what we paint with what a checkpoint's own program painted, case by case."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from pipeline import inpaint, params, store
from pipeline.deepfill import parity, runtime, weights
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.parity import Case, Difference
from pipeline.errors import MaskError
from stages import weighing

FUSED = {" fused": True, " not fused": False}


class Judged:
    """The cases of a folder, compared one by one while this is gone through, a line for each.

    Of weights from TensorFlow both kinds of attention are tried, for their sources disagree.

    Attributes:
        good: whether none so far is different.
    """

    def __init__(self, folder: Path, name: str, sha256: str | None) -> None:
        """Load the weights and find the cases.

        Raises:
            WeightsError: as ``weighing.load``.
            ImageError: there is no case.
        """
        settings = params.load(inpaint.InpaintParams, "inpaint")
        settings = msgspec.structs.replace(settings, weights=name, sha256=sha256)
        runtime.prepare(settings.seed, settings.threads)
        path = weighing.place(settings, Path("data/inpainter"))
        network = weighing.licensed(weights.load(path))
        self.good, self._cases, self._ways = True, parity.cases(folder), {"": network}
        if network.layout.corners:
            self._ways = {way: weights.load(path, fuse=on) for way, on in FUSED.items()}

    def __iter__(self) -> Iterator[str]:
        counts = dict.fromkeys(parity.VERDICTS, 0)
        for case in self._cases:
            told = {way: compared(network, case) for way, network in self._ways.items()}
            for way, one in told.items():
                off = f"largest difference {one.largest}, mean {one.mean:.3f} of 255"
                yield f"{case.name}{way}: {off}: {one.verdict}"
            counts[min(told.values(), key=lambda one: one.mean).verdict] += 1
            self.good = counts["different"] == 0
        parts = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        yield f"{len(self._cases)} cases: {parts}"


def compared(network: Generator, case: Case) -> Difference:
    """Paint one case and compare."""
    image, output = store.read_photo(case.raw), store.read_photo(case.output)
    hole = np.asarray(store.read_photo(case.mask)).max(axis=2) > parity.WHITE
    if hole.shape != image.shape[:2]:
        raise MaskError(f"{case.mask} is {hole.shape}, but {case.raw} is {image.shape[:2]}")
    return parity.difference(parity.painted(network, image, hole), output, hole)
