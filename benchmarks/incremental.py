"""What do ten pictures more cost? An export is measured with an empty memory, again, and grown.

    python -m benchmarks.incremental [IMAGES]

The pictures are drawn here: textured JPEG of 640 x 640 with two outlines each. Seconds are of the
wall and of the processors, which says more on a machine that others use; ratios are within one run
on one machine. Ten pictures alone, with nothing known, are what ten more should cost beside the
reading of all the others.
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks import tag_speed
from pipeline import looking, memory, params, raw, store, tag, validate
from pipeline.checks import ValidateParams
from pipeline.parallel import ComputeParams
from pipeline.rules import TagParams

IMAGES = 400
MORE = 10
SIDE = 640


def grow(export: Path, first: int, last: int) -> None:
    """Add the pictures ``first`` to ``last`` (exclusive) to an export of one split."""
    path = export / "train" / raw.ANNOTATIONS
    whole = (
        store.read_json(path)
        if path.exists()
        else {"images": [], "annotations": [], "categories": [{"id": 1, "name": "person"}]}
    )
    for number in range(first, last):
        rng = np.random.default_rng(number)
        coarse = rng.integers(0, 255, (20, 20, 3), np.uint8)
        image = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        image = cv2.add(image, rng.integers(0, 40, image.shape, np.uint8))
        name = f"p{number}.jpg"
        store.write_image(export / "train" / name, image)
        whole["images"].append({"id": number, "file_name": name, "width": SIDE, "height": SIDE})
        for one in range(2):
            angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
            radius = 60 + 20 * np.sin(3 * angle + number)
            middle = np.array([160 + 300 * one, 320])
            ring = middle + np.stack([radius * np.cos(angle), 2 * radius * np.sin(angle)], axis=1)
            whole["annotations"].append(
                {"id": 2 * number + one, "image_id": number, "category_id": 1, "iscrowd": 0}
                | {"segmentation": [ring.ravel().tolist()]}
            )
    store.write_json(path, whole)


def seconds(export: Path, cache: str) -> np.ndarray:
    """Return how long checking the pictures and tagging them takes: wall, processors."""
    compute = ComputeParams(backend="local", workers=0, scheduler=None, cache=cache)
    start = tag_speed.clocks()
    limits = params.load(ValidateParams, "validate")
    _, sound = validate.run(export, limits, partial(looking.rows, export, compute))
    tag.run(sound.dataset, export, params.load(TagParams, "tag"), compute)
    return tag_speed.clocks() - start


def main(images: int = IMAGES) -> None:
    """Print the seconds of each state and the ratio of measuring everything to it."""
    with tempfile.TemporaryDirectory() as scratch:
        export, few, cache = (Path(scratch, name) for name in ("export", "few", "cache"))
        grow(few, 0, MORE)
        states = {f"{MORE} alone": seconds(few, "")}
        grow(export, 0, images)
        states["empty memory"] = whole = seconds(export, str(cache))
        memory._content.cache_clear()  # each state as in a process of its own
        states["everything known"] = seconds(export, str(cache))
        memory._content.cache_clear()
        grow(export, images, images + MORE)
        states[f"{MORE} more"] = seconds(export, str(cache))
        for name, taken in states.items():
            print(  # noqa: T201
                f"{images} images, {name:18}"
                f"{taken[0]:8.2f} s {whole[0] / taken[0]:6.1f}x, processors"
                f"{taken[1]:8.2f} s {whole[1] / taken[1]:6.1f}x"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
