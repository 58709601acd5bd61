"""How much of the shadows that people cast is found, how much else, and what painting them gains.

    python -m benchmarks.shadows [--paint N]

Of the built-in sample, after `dvc repro rasterise`: the plates in data/truth/clean have no people
and no shadows, so a shadow is where the plate is lighter than the photo. The limits in
pipeline/shadows.py and sunlight.py were chosen on valid, test and every third photo of train; a
sample of another seed is the check (`sample.seed: 7`, 100 images: precision 0.74, 0.73 and 0.75,
recall 0.65, 0.54 and 0.66 of train, valid and test). With --paint, the first N
photos of train in which something is found are restored twice, with shadow and without, and
compared with the plate where either a shadow is or one was found.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from pipeline import coco, holes, inpaint, params, shadows, store
from pipeline.deepfill import runtime
from pipeline.inpaint import InpaintParams
from pipeline.parallel import progress
from pipeline.tables import SPLITS
from stages import weighing

DARKER = 12  # grey levels by which a shadow is darker than the plate
DATA = Path("data")


def truth(photo: np.ndarray, plate: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Return the true shadow outside the hole, ``(H, W)`` bool."""
    darker = (plate.astype(np.float32) - photo.astype(np.float32)).mean(2)
    return (cv2.GaussianBlur(darker, (0, 0), 2) > DARKER) & ~hole


def main() -> None:
    """Print a line a split, and what painting gains."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paint", type=int, default=0)
    wanted = parser.parse_args().paint
    settings = params.load(InpaintParams, "inpaint")
    images = coco.load(DATA / "valid").images
    cases = []
    for split in SPLITS:
        rows = images[images["split"] == split]
        right = false = missed = 0
        for row in progress(rows.itertuples(), split, len(rows)):
            photo = store.read_image(DATA / "raw" / row.path)
            plate = store.read_image(DATA / "truth/clean" / f"{Path(row.file_name).stem}.png")
            people = store.read_mask(DATA / "masks" / split / f"{row.stem}.png") > 0
            hole = holes.grown(people, settings.grow, settings.grow_least)
            real = truth(photo, plate, hole)
            found = shadows.cast(photo, people, settings.shadow_reach) & ~hole
            right, false = right + (real & found).sum(), false + (found & ~real).sum()
            missed += (real & ~found).sum()
            if split == "train" and found.any() and len(cases) < wanted:
                cases.append((photo, plate, hole, found, real | found))
        precision, recall = right / (right + false), right / (right + missed)
        print(f"{split:6} {len(rows):4} photos: precision {precision:.2f}, recall {recall:.2f}")  # noqa: T201
    if cases:
        print(painted(cases, settings))  # noqa: T201


def painted(cases: list[tuple[np.ndarray, ...]], settings: InpaintParams) -> str:
    """Return how far from the plate the ground is with its shadows taken out and with them left."""
    runtime.prepare(settings.seed, settings.threads)
    generator = weighing.load(settings, DATA / "inpainter")
    off: dict[str, list[float]] = {"out": [], "left": []}
    for photo, plate, hole, found, where in progress(cases, "paint", len(cases)):
        for name, cut in (("out", hole | found), ("left", hole)):
            filled = inpaint.fill(generator, photo, cut, settings)
            off[name].append(np.abs(filled[where].astype(float) - plate[where]).mean() / 255)
    better = np.mean(np.array(off["out"]) < off["left"])
    return (
        f"{len(cases)} photos of train painted: mean error {np.mean(off['out']):.4f} with shadows "
        f"taken out, {np.mean(off['left']):.4f} with them left; better in {better:.0%}"
    )


if __name__ == "__main__":
    main()
