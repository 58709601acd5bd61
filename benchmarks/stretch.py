"""An export as Roboflow's step "Resize" gives it: photos of any shape stretched to one square.

    python -m benchmarks.stretch EXPORT OUT [--side 640] [--fit]
    python -m benchmarks.tags OUT TRUTH.csv

EXPORT is a folder of splits with ``_annotations.coco.json`` whose outlines are rings, such as the
real photos; OUT gets pictures and outlines, stretched alike. With ``--fit`` photos keep their shape
and their longer side becomes the square's, as Roboflow's "fit within" does. Tags should not depend
on it: nobody who labelled the photos saw them stretched.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from pipeline import store
from pipeline.tables import SPLITS

FILE = "_annotations.coco.json"
QUALITY = 90  # of JPEG, 1..100


def factors(width: int, height: int, side: int, *, fit: bool) -> tuple[float, float]:
    """Return by how much width and height change."""
    both = side / max(width, height)
    return (both, both) if fit else (side / width, side / height)


def outline(rings: list[list[float]], by: tuple[float, float]) -> list[list[float]]:
    """Return COCO's rings ``[x, y, x, y, ...]`` stretched."""
    return [(np.reshape(ring, (-1, 2)) * by).ravel().tolist() for ring in rings]


def stretched(content: dict, side: int, *, fit: bool) -> dict:
    """Return COCO's content with images and annotations of the new sizes."""
    by = {
        one["id"]: factors(one["width"], one["height"], side, fit=fit) for one in content["images"]
    }
    images = [
        one | {name: round(one[name] * factor) for name, factor in
               zip(("width", "height"), by[one["id"]], strict=True)}
        for one in content["images"]
    ]  # fmt: skip
    objects = [
        one | {
            "segmentation": outline(one["segmentation"], by[one["image_id"]]),
            "bbox": (np.array(one["bbox"]) * (by[one["image_id"]] * 2)).tolist(),
            "area": one["area"] * by[one["image_id"]][0] * by[one["image_id"]][1],
        }
        for one in content["annotations"]
    ]  # fmt: skip
    return content | {"images": images, "annotations": objects}


def main() -> None:
    """Write the export."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.stretch")
    asked.add_argument("export", type=Path)
    asked.add_argument("out", type=Path)
    asked.add_argument("--side", type=int, default=640)
    asked.add_argument("--fit", action="store_true")
    said = asked.parse_args()
    for split in SPLITS:
        content = store.read_json(said.export / split / FILE)
        after = stretched(content, said.side, fit=said.fit)
        store.write_json(said.out / split / FILE, after)
        for one in after["images"]:
            picture = cv2.imread(str(said.export / split / one["file_name"]))
            small = cv2.resize(picture, (one["width"], one["height"]), interpolation=cv2.INTER_AREA)
            target = str(said.out / split / one["file_name"])
            cv2.imwrite(target, small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


if __name__ == "__main__":
    main()
