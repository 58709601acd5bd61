"""How fast is tagging? The whole tag stage beside one bare decode of the same JPEGs.

    python -m benchmarks.tag_speed [RAW VALID [ROUNDS]]

The stage runs as DVC runs it, in a process of its own with its imports and workers and nothing
remembered (compute.cache empty). The floor decodes every picture once at full size on all cores
with simplejpeg, in threads that are already there. All take turns; medians of ROUNDS, and the
ratio of each round to its own floor, in seconds of the wall and of the processors: on a machine
that others use the second says more. With no arguments, data/raw and data/valid.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import simplejpeg

from pipeline import coco

ROOT = Path(__file__).parents[1]
ROUNDS = 5


def stage(raw: Path, valid: Path, scratch: Path) -> Callable[[], None]:
    """Return what runs the tag stage with no memory; its tables go to ``scratch``."""
    values = msgspec.yaml.decode((ROOT / "params.yaml").read_bytes())
    values["compute"] |= {"cache": "", "workers": 0, "backend": "local"}
    (scratch / "params.yaml").write_bytes(msgspec.yaml.encode(values))
    (scratch / "truth").mkdir()
    outs = [scratch / name for name in ("images.csv", "tags.csv", "right.csv", "chosen.csv")]
    words = [sys.executable, "-m", "stages.tag", raw.resolve(), scratch / "truth", valid.resolve()]
    known = os.environ | {"PYTHONPATH": str(ROOT)}

    def run() -> None:
        subprocess.run([*map(str, words), *map(str, outs)], cwd=scratch, env=known, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip

    return run


def bare(raw: Path, valid: Path) -> Callable[[], None]:
    """Return what reads and decodes every picture once, on all cores."""
    paths = [raw / path for path in coco.load(valid).images["path"]]
    pool = ThreadPoolExecutor(os.cpu_count())

    def decode(path: Path) -> None:
        simplejpeg.decode_jpeg(path.read_bytes(), "RGB")

    def run() -> None:
        list(pool.map(decode, paths, chunksize=8))

    return run


def turns(rounds: int, *several: Callable[[], None]) -> np.ndarray:
    """Return seconds, ``(rounds, len(several), 2)``: wall and processors, taking turns.

    A first turn is not counted.

    What else the machine does then slows all of them alike.
    """
    taken = np.zeros((rounds + 1, len(several), 2))
    for row in taken:
        for place, one in enumerate(several):
            start = clocks()
            one()
            row[place] = clocks() - start
    return taken[1:]


def clocks() -> np.ndarray:
    """Return the wall's time, and the processors' time of this process and its children."""
    used = os.times()
    return np.array([time.perf_counter(), sum(used[:4])])


def main(raw: Path, valid: Path, rounds: int = ROUNDS) -> None:
    """Print a row a competitor."""
    images = len(coco.load(valid).images)
    with tempfile.TemporaryDirectory() as scratch:
        taken = turns(rounds, stage(raw, valid, Path(scratch)), bare(raw, valid))
    ratios = np.median(taken / taken[:, -1:], axis=0)  # (competitors, 2)
    rates = images / np.median(taken[..., 0], axis=0)
    print(f"{images} images, {os.cpu_count()} cores, {rounds} rounds")  # noqa: T201
    for name, rate, (wall, worked) in zip(("tag stage", "bare decode"), rates, ratios, strict=True):
        print(  # noqa: T201
            f"{name:12} {rate:7.0f} images/s {wall:6.2f} decodes {worked:6.2f} of processor time"
        )


if __name__ == "__main__":
    given = sys.argv[1:]
    main(*map(Path, given[:2] or ("data/raw", "data/valid")), *map(int, given[2:]))
