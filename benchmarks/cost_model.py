"""What images cost: a model of seconds and memory, fitted to runs, and what a cluster would take.

Seconds of a stage over ``n`` images on ``w`` processes are taken to be

    start + n (serial + parallel / w) + pairs

none of them negative, fitted by least squares of the relative errors. ``serial`` is what only one
process does. ``pairs`` is what grows faster than the images, comparing them with each other; it
is measured by itself (benchmarks/comparing.py), for a fit would take noise for it, and grows with
the power that its algorithm has.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

POWERS = {"alike": 1.5, "copies": 2, "tied": 2}  # of the images
PART_OF = {"alike": "tag", "copies": "tag", "tied": "validate"}
ON_THREADS = {"copies"}  # of the driver's own machine
STAGES = ("validate", "rasterise", "tag")


class Run(NamedTuple):
    """One stage, measured.

    Attributes:
        backend: local or dask.
        workers: processes.
        detector: none or embedded.
        images: how many.
        stage: of ``STAGES``, or a comparison by itself, of ``POWERS``.
        wall: seconds.
        own: seconds of processors, of the stage's own process.
        used: seconds of processors, of all.
        driver: MB at most, of the stage's own process.
        worker: MB at most, of any other.
    """

    backend: str
    workers: int
    detector: str
    images: int
    stage: str
    wall: float
    own: float
    used: float
    driver: float
    worker: float


class Cost(NamedTuple):
    """The seconds of a stage, as this module says; ``off`` is the root mean square error, 0.."""

    start: float
    serial: float
    parallel: float
    off: float


class Memory(NamedTuple):
    """Peak of a stage's own process: MB to begin with, and MB an image; ``off`` as in ``Cost``."""

    start: float
    image: float
    off: float


def compared(runs: Sequence[Run], kind: str, images: float, threads: float) -> float:
    """Return the seconds of one comparison of so many images: as measured, else by its power."""
    here = sorted((run.images, run.used) for run in runs if run.stage == kind)
    if not here:
        return 0.0
    near = min(here, key=lambda one: abs(np.log(one[0] / images)))
    used = near[1] * (images / near[0]) ** POWERS[kind]
    return used / threads if kind in ON_THREADS else used


def seconds(runs: Sequence[Run], stage: str) -> Cost:
    """Fit the runs of one stage, of several sizes and numbers of processes."""
    here = [run for run in runs if run.stage == stage]
    pairs = [
        sum(compared(runs, kind, run.images, run.workers)
            for kind, where in PART_OF.items() if where == stage)
        for run in here
    ]  # fmt: skip
    images, workers = (
        np.array([getattr(run, name) for run in here], float) for name in ("images", "workers")
    )
    columns = [np.ones(len(here)), images, images / workers]
    found, off = _fitted(columns, np.array([run.wall for run in here]), np.array(pairs))
    return Cost(*found, off)


def memory(runs: Iterable[Run]) -> Memory:
    """Fit the peaks of one stage's own process."""
    runs = list(runs)
    columns = [np.ones(len(runs)), np.array([one.images for one in runs], float)]
    found, off = _fitted(columns, np.array([one.driver for one in runs]), np.zeros(len(runs)))
    return Memory(*found, off)


def _fitted(
    columns: list[np.ndarray], values: np.ndarray, known: np.ndarray
) -> tuple[list[float], float]:
    """Return one factor a column, none negative, and the root mean square of relative errors.

    ``known`` is a part of the values that needs no fit.
    """
    relative = np.stack(columns, axis=1) / values[:, None]
    scale = np.abs(relative).max(axis=0)  # columns differ by six powers of ten
    wanted = 1 - known / values
    found, _ = nnls(relative / scale, wanted)
    off = relative / scale @ found - wanted
    return (found / scale).tolist(), float(np.sqrt(np.mean(off**2)))
