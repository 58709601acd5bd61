"""Draw scenes for pre-training: a photo, its mask of people and the scene without them.

    python -m pretraining.scenes FOLDER --first 0 --count 6000

A scene depends on its number alone, so that several processes, or a run that was cut short, give
the same files. Problems are far more frequent than in the built-in sample: weights that have seen
many far, hidden and crowded people cope with them later.
"""

import argparse
from pathlib import Path

import joblib
import numpy as np

from pipeline import store
from pipeline.scenes import compose, places
from pipeline.scenes.compose import Wish

SIZE = 320  # side of a scene, pixels: half the sample's, a third of the time
SEED = 7_001  # no seed of the sample: its pictures stay unseen
QUALITY = 95  # of JPEG
RATES = {"scene_time": 0.45, "occluded": 0.28, "soft": 0.05}
FILES = {"photo": "jpg", "plate": "jpg", "mask": "png"}
KINDS = {"far": 0.10, "crowd": 0.20, "blurred_background": 0.12}  # one at most


def wish(number: int) -> Wish:
    """Return what a scene of this number shows."""
    rng = np.random.default_rng([SEED, 1, number])
    names = sorted(places.PLACES)
    kind = rng.choice([*KINDS, ""], p=[*KINDS.values(), 1 - sum(KINDS.values())])
    flags = {name: bool(rng.random() < share) for name, share in RATES.items()}
    if kind:
        flags[str(kind)] = True
    if kind == "far":
        flags["occluded"] = False
    if kind in ("far", "blurred_background"):
        flags["soft"] = False
    return Wish(names[number % len(names)], **flags)


def draw(number: int, folder: Path) -> None:
    """Draw and write one scene, unless it is there."""
    paths = [folder / kind / f"{number:06d}.{ending}" for kind, ending in FILES.items()]
    if paths[-1].exists():
        return
    picture = compose.picture(wish(number), SIZE, (SEED, 2, number))
    people = np.max(picture.silhouettes, axis=0) > 0.5
    photo, plate = (
        store.encode_image(image, ".jpg", QUALITY) for image in (picture.photo, picture.plate)
    )
    for path, content in zip(paths[:2], (photo, plate), strict=True):
        store.write_bytes(path, content)
    store.write_mask(paths[2], people.astype(np.uint8))  # last: its being there says all is done


def main() -> None:
    """Draw the scenes that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=6000)
    args = parser.parse_args()
    numbers = range(args.first, args.first + args.count)
    joblib.Parallel(-1, batch_size=20)(joblib.delayed(draw)(n, args.folder) for n in numbers)


if __name__ == "__main__":
    main()
