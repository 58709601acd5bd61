"""What grows faster than the images: comparing each with the others. One comparison, measured.

    python -m benchmarks.comparing alike|copies|tied IMAGES

Prints seconds of the wall and of the processors for random features of so many images, on one
worker: ``alike`` groups photos by place, ``copies`` seeks near copies (both in tag), ``tied`` seeks
pictures that are tied across splits (validate).
"""

import sys
import time
from collections.abc import Callable

import numpy as np

import stages  # noqa: F401  # what it sets for the stages' processes
from pipeline import images, likeness, lookalikes, looks, params, places
from pipeline.checks import ValidateParams
from pipeline.rules import TagParams


def alike(count: int) -> Callable[[], object]:
    """Return what seeks the likest of photos of no place, the costliest case."""
    chance = np.random.default_rng(0)
    shape = (count, images.HOG_CELLS**2, images.HOG_BINS)
    cells = chance.random(shape, np.float32)
    cells /= np.linalg.norm(cells, axis=2, keepdims=True)
    known = likeness.Likeness(cells)
    return lambda: likeness.likest(known, np.arange(count), places.NEIGHBOURS)


def copies(count: int) -> Callable[[], object]:
    """Return what seeks near copies."""
    chance = np.random.default_rng(0)
    codes = chance.integers(0, 2**63, count).tolist()
    tiles = chance.integers(0, 256, (count, images.TILES, images.TILES), np.uint8)
    within = params.load(TagParams, "tag").duplicate_within
    return lambda: lookalikes.nearest(codes, tiles, within)


def tied(count: int) -> Callable[[], object]:
    """Return what seeks pictures that look alike."""
    codes = np.unique(np.random.default_rng(0).integers(0, 2**63, count, dtype=np.uint64))
    below = params.load(ValidateParams, "validate").likeness_below
    return lambda: looks.near(codes, below)


KINDS = {one.__name__: one for one in (alike, copies, tied)}


def main(kind: str, count: int) -> None:
    """Print the seconds of one comparison."""
    work = KINDS[kind](count)
    wall, used = time.perf_counter(), time.process_time()
    work()
    print(time.perf_counter() - wall, time.process_time() - used)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
