"""Nothing is said of a set that nothing is wrong with, however large and varied it is."""

import json

import numpy as np
import simplejpeg
from corpus import JSON, through, write

from pipeline import rle

SHARES = {"train": 0.7, "valid": 0.2, "test": 0.1}
NAMES = ("people", "person", "dog", "bức tượng")  # the first is Roboflow's group
HEIGHT, WIDTH = 48, 64
HABITS = {  # what Roboflow writes on purpose, and forms that are told without a complaint
    "group_category", "area_wrong", "rle_mask", "image_bare", "box_shaped",
}  # fmt: skip


def star(generator, left, side):
    """A ring around the middle of a square cell, with two decimals, closed or open."""
    corners = int(generator.integers(3, 30))
    turns = np.sort(generator.random(corners) * 0.6 / corners + np.arange(corners) / corners)
    reach = side / 2 * (0.6 + 0.35 * generator.random(corners))
    x = left + side / 2 + reach * np.cos(2 * np.pi * turns)
    y = HEIGHT / 2 + reach * np.sin(2 * np.pi * turns)
    ring = np.stack([x, y], axis=1).round(2).ravel().tolist()
    return ring + ring[:2] * int(generator.integers(2))


def annotation(generator, index):
    """One object in a cell of its own: a ring, two rings, or a mask."""
    left, kind = 20 * index + 1.0, generator.random()
    if kind < 0.15:
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[10:30, 20 * index + 2 : 20 * index + 15] = generator.random((20, 13)) < 0.9
        (rows,), (columns,) = np.nonzero(mask.any(axis=1)), np.nonzero(mask.any(axis=0))
        size = [int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)]
        box = [int(columns[0]), int(rows[0]), *size]
        return {"segmentation": rle.encode(mask), "bbox": box}
    rings = [star(generator, left, 18)]
    if kind > 0.85:
        rings = [star(generator, left, 9), star(generator, left + 9.5, 9)]
    x, y = (np.concatenate([ring[axis::2] for ring in rings]) for axis in (0, 1))
    box = [float(x.min()), float(y.min()), float(np.ptp(x)), float(np.ptp(y))]
    return {"segmentation": rings, "bbox": box}


def clean_set(folder, count):
    """Write pictures of noise, no two alike, with up to three objects each; return the folder."""
    generator = np.random.default_rng(7)
    start = 0
    for split, share in SHARES.items():
        images, annotations, pictures = [], [], {}
        for number in range(start, start + round(count * share)):
            name = f"place{number % 9}_{number:05}_jpg.rf.{number:032x}.jpg"
            noise = generator.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            pictures[f"{split}/{name}"] = simplejpeg.encode_jpeg(noise, 90, "RGB", "420")
            image = {"id": len(images), "file_name": name, "width": WIDTH, "height": HEIGHT}
            for index in range(int(generator.integers(4))):
                one = annotation(generator, index)
                one |= {"id": len(annotations), "image_id": image["id"], "iscrowd": 0}
                one |= {
                    "category_id": 1 + (number + index) % 3,
                    "area": one["bbox"][2] * one["bbox"][3],
                }
                annotations.append(one)
            images.append(image)
        start += len(images)
        categories = [
            {"id": n, "name": name, "supercategory": NAMES[0] if n else "none"}
            for n, name in enumerate(NAMES)
        ]
        said = {"images": images, "annotations": annotations, "categories": categories}
        write(folder, {f"{split}/{JSON}": json.dumps(said).encode(), **pictures})
    return folder


def test_nothing_graver_than_info_is_said_of_a_clean_set_of_2000_images(tmp_path):
    outcome = through(clean_set(tmp_path / "export", 2000), tmp_path / "out")

    assert not outcome.error
    assert {row for row in outcome.rows if row[1] != "info"} == set()
    assert {code for code, *_ in outcome.rows} <= HABITS
    assert outcome.lost == 0
    assert sum(path.startswith("masks/") for path in outcome.bytes) == 2000
