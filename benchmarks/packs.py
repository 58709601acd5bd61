"""What an archive a split is worth: DVC and our own reading, beside a file an image.

`python -m benchmarks.packs --images 20000`: masks of `benchmarks.made`'s kind, 640 pixels square,
as a folder and as an archive of the same bytes; `dvc add`, `dvc checkout` into an empty place (by
copy, from a cache on the same disk), and reading every mask once by `store.read_mask`. Seconds are
medians of turns taken one after the other; the ratio is to the folder.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from benchmarks import made
from pipeline import masks, packs, store

KINDS = (False, True)  # packed or not
DRAWN = 200  # masks that differ


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    pictures = [(f"{n:06}.png", content) for n, content in enumerate(drawn(asked.images))]
    size = sum(len(content) for _, content in pictures) / len(pictures)
    say(f"{asked.images} masks of {made.SIDE} pixels square, {size:.0f} bytes each")
    with tempfile.TemporaryDirectory() as scratch:
        forms = {
            packed: Form(Path(scratch, str(packed)), packed=packed) for packed in (False, True)
        }
        for title in ("write", "add", "checkout", "read"):
            seconds: dict[bool, list[float]] = {packed: [] for packed in KINDS}
            for _ in range(asked.repeats):
                for packed, form in forms.items():
                    seconds[packed].append(timed(lambda f=form, t=title: f.do(t, pictures)))
            files, archive = (statistics.median(seconds[packed]) for packed in KINDS)
            say(f"  {title:10}{files:8.2f} s as files {archive:8.2f} s as an archive"
                f" {files / archive:7.1f} x")  # fmt: skip


class Form:
    """A DVC repository of its own, with the masks in one form or the other."""

    def __init__(self, folder: Path, *, packed: bool) -> None:
        self.folder, self.packed = folder, packed
        folder.mkdir()
        self._dvc("init", "--no-scm")
        self._dvc("config", "cache.type", "copy")

    def do(self, title: str, pictures: list[tuple[str, bytes]]) -> None:
        """Take one of the steps; each needs those before it."""
        split = self.folder / "masks" / "train"
        if title == "write":
            store.write_pictures(split, pictures, packed=self.packed)
        elif title == "add":
            shutil.rmtree(self.folder / ".dvc/cache", ignore_errors=True)
            self._dvc("add", "masks")
        elif title == "checkout":
            shutil.rmtree(self.folder / "masks")
            self._dvc("checkout")
        else:
            packs._listed.cache_clear()  # as a program that has just begun
            for name, _ in pictures:
                store.read_mask(split / name)

    def _dvc(self, *words: str) -> None:
        command = [sys.executable, "-m", "dvc", *words, "-q"]
        subprocess.run(command, cwd=self.folder, check=True)


def drawn(count: int) -> list[bytes]:
    """Return masks as PNGs; some are the same but for their names, none the same file."""
    chance = np.random.default_rng(0)
    known = []
    for _ in range(min(DRAWN, count)):
        mask = np.zeros((made.SIDE, made.SIDE), np.uint8)
        for label in (1, 2, 3):
            points = chance.integers(0, made.SIDE, (12, 2)).astype(np.int32)
            cv2.fillPoly(mask, [cv2.convexHull(points)], label)
        known.append(mask)
    contents = []
    for number in range(count):
        mask = known[number % len(known)].copy()
        mask[0, :32] = [number >> bit & 1 for bit in range(32)]
        contents.append(masks.encode(mask))
    return contents


def timed(function: Callable[[], None]) -> float:
    """Return the seconds that a function takes."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201  # a benchmark's result


if __name__ == "__main__":
    main()
