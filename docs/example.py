"""Draw docs/example.jpg from the last run: photo, true mask, predicted mask, restored scene.

Run from the project's root after ``dvc repro``: ``python docs/example.py``.
"""

from pathlib import Path

import cv2
import numpy as np

from pipeline import coco, masks, store

SIDE = 320  # pixels of one picture
STEMS = ("pagoda_29", "garden_5")  # two test photos of the built-in sample


def row(image) -> np.ndarray:  # noqa: ANN001  # a row of the dataset's images
    """Return the four pictures of one photo side by side, ``(SIDE, 4 * SIDE, 3)`` uint8."""
    photo = store.read_image(Path("data/raw") / image.path)
    name = f"test/{image.stem}.png"
    drawn = [
        masks.overlay(photo, store.read_mask(Path(folder) / name))
        for folder in ("data/masks", "data/segments")
    ]
    filled = store.read_image(Path("data/filled") / name)
    four = [photo, *drawn, filled]
    return np.hstack([cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in four])


if __name__ == "__main__":
    images = coco.load(Path("data/valid")).images
    named = images["stem"].str.match(rf"(?:{'|'.join(STEMS)})_jpg")
    test = images[(images["split"] == "test") & named]
    store.write_image(Path("docs/example.jpg"), np.vstack([row(one) for one in test.itertuples()]))
