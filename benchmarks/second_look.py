"""Would a closer look find small people? A trained network looks at photos at other sizes too.

    python -m benchmarks.second_look [--data data] [--tags reports/images.csv]

A trained network is needed (`dvc repro train`). Of the photos of valid and test that it never saw,
printed for each way of looking, the mirror image always averaged in: the mean IoU at the photos'
own sizes by split, of photos tagged far and of the others, and how much better it is than the
shipped way, with the paired 95 % bootstrap interval. ``tiles`` are 2 x 2, overlapping by a quarter,
each seen as large as the whole photo is.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from pipeline import coco, photos, store, tables, unet

THREADS = 2
RESAMPLES = 2000
OVERLAP = 0.25  # of a tile's side
LARGER = (224, 320)  # pixels; multiples of 32
USUAL = "as shipped"


class Looker:
    """A trained network that looks at any size, each compiled once."""

    def __init__(self, model: Path) -> None:
        self.network, self.card = unet.load(model)
        self._compiled: dict[int, Callable] = {}

    def __call__(self, image: np.ndarray, size: int) -> np.ndarray:
        """Return ``(H, W)`` float32, 0..1, of an ``(H, W, 3)`` uint8 picture."""
        if size not in self._compiled:
            self._compiled[size] = unet.compiled(self.network, size)
        small = unet.scaled(photos.square(image, size)[None], self.card)
        ahead, back = (
            self._compiled[size](np.ascontiguousarray(one)).numpy()[0, ..., 0]
            for one in (small, small[:, :, ::-1])
        )
        likely = (ahead + back[:, ::-1]) / 2
        return cv2.resize(likely, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    def tiles(self, image: np.ndarray) -> np.ndarray:
        """Return the same from four overlapping tiles, blended where they overlap."""
        height, width = image.shape[:2]
        high, wide = (round(side / (2 - OVERLAP)) for side in (height, width))
        rise, run = (np.hanning(side + 2)[1:-1] for side in (high, wide))
        weight = np.outer(rise, run).astype(np.float32) + 1e-3
        total, weights = np.zeros((2, height, width), np.float32)
        for top in (0, height - high):
            for left in (0, width - wide):
                part = (slice(top, top + high), slice(left, left + wide))
                total[part] += weight * self(np.ascontiguousarray(image[part]), self.card.size)
                weights[part] += weight
        return total / weights


def ways(look: Looker, image: np.ndarray) -> dict[str, np.ndarray]:
    """Return what each way of looking finds, ``(H, W)`` float32."""
    usual = look(image, look.card.size)
    larger = {size: look(image, size) for size in LARGER}
    tiles = look.tiles(image)
    both = {f"with {size} px": (usual + likely) / 2 for size, likely in larger.items()}
    return {
        USUAL: usual,
        **{f"{size} px": likely for size, likely in larger.items()},
        **both,
        "all three sizes": (usual + sum(larger.values())) / (1 + len(larger)),
        "tiles": tiles,
        "with tiles": (usual + tiles) / 2,
        "the surer of it and tiles": np.maximum(usual, tiles),
    }


def overlap(truth: np.ndarray, found: np.ndarray) -> float:
    """Return the IoU of two ``(H, W)`` bool masks; NaN if both are empty."""
    either = (truth | found).sum()
    return float((truth & found).sum() / either) if either else np.nan


def measure(data: Path, tags: Path) -> pd.DataFrame:
    """Return a row a photo: its split, whether it is far, and the IoU of each way."""
    look = Looker(data / "model")
    images = coco.load(data / "valid").images
    far = store.read_table(tags, tables.MEASURED).set_index(["split", "file_name"])["far"]
    rows = []
    for photo in images[images["split"] != "train"].itertuples():
        image = store.read_image(data / "raw" / photo.path)
        truth = store.read_mask(data / "masks" / photo.split / f"{photo.stem}.png") > 0
        row = {"split": photo.split, "far": bool(far[photo.split, photo.file_name])}
        for name, likely in ways(look, image).items():
            row[name] = overlap(truth, likely >= look.card.threshold)
        rows.append(row)
    return pd.DataFrame(rows)


def table(scored: pd.DataFrame) -> list[str]:
    """Return the lines of the table."""
    groups = {split: scored["split"] == split for split in ("valid", "test")}
    groups |= {"far": scored["far"], "others": ~scored["far"]}
    names = " | ".join(f"{name} ({here.sum()})" for name, here in groups.items())
    lines = [f"| Way | {names} | gain |", "|---" * (len(groups) + 2) + "|"]
    for way in scored.columns.drop(["split", "far"]):
        means = " | ".join(f"{scored.loc[here, way].mean():.3f}" for here in groups.values())
        gain = (scored[way] - scored[USUAL]).dropna().to_numpy()
        drawn = np.random.default_rng(0).choice(gain, (RESAMPLES, len(gain))).mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        lines.append(f"| {way} | {means} | {gain.mean():+.4f} ({low:+.4f} to {high:+.4f}) |")
    return lines


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.second_look")
    asked.add_argument("--data", type=Path, default=Path("data"))
    asked.add_argument("--tags", type=Path, default=Path("reports/images.csv"))
    said = asked.parse_args()
    unet.prepare(0, THREADS)
    for line in table(measure(said.data, said.tags)):
        print(line)  # noqa: T201


if __name__ == "__main__":
    main()
