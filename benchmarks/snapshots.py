"""Generated photos of places by the hundred thousand, no two alike, with people outlined in them.

They are made for speed of making, a millisecond each, and for what grows with a data set: every
place is one ground of patches, seen from slightly different spots in light of another hour, half of
the places are named by their files, people are outlined by some forty points.
"""

from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import cv2
import msgspec
import numpy as np
import simplejpeg

from pipeline import raw
from pipeline.tables import SPLITS

SIZES = ((240, 320), (320, 240), (256, 256), (192, 320))  # height and width, a place's own
WHOLE = 400  # side of a place's ground, pixels
REACH = 20  # pixels by which two photographers' spots differ
PATCHES = 90  # of a ground: walls, windows, what has corners
ODD_HOURS = 0.2  # share of photos that are taken at another time of day
PEOPLE = (0.05, 0.55, 0.2, 0.12, 0.05, 0.03)  # how often there are 0, 1, 2 .. of them
POINTS = 20  # a side of an outline
QUALITY = 80
TOGETHER = 500  # photos a task
CATEGORIES = [{"id": 0, "name": "people", "supercategory": "none"},
              {"id": 1, "name": "person", "supercategory": "people"}]  # fmt: skip


class Task(NamedTuple):
    """Photos ``first`` to ``last`` (exclusive) of ``images`` altogether."""

    first: int
    last: int
    images: int


def export(folder: Path, images: int, workers: int = 2) -> Path:
    """Write an export in Roboflow's layout; return its folder.

    Places and the photos of each are as many as the root of ``images``. Each photo is decided by
    its number and by ``images`` alone.
    """
    for split in SPLITS:
        (folder / split).mkdir(parents=True, exist_ok=True)
    starts = range(0, images, TOGETHER)
    tasks = [Task(start, min(images, start + TOGETHER), images) for start in starts]
    records = {split: ([], []) for split in SPLITS}
    with ProcessPoolExecutor(workers) as pool:
        for part in pool.map(partial(_write, folder), tasks):
            for split, image, objects in part:
                records[split][0].append(image)
                records[split][1].extend(objects)
    for split, (listed, objects) in records.items():
        numbered = [one | {"id": number} for number, one in enumerate(objects)]
        content = {"info": {}, "licenses": [], "categories": CATEGORIES,
                   "images": listed, "annotations": numbered}  # fmt: skip
        (folder / split / raw.ANNOTATIONS).write_bytes(msgspec.json.encode(content))
    return folder


def _write(folder: Path, task: Task) -> list[tuple[str, dict, list[dict]]]:
    """Write some photos; return each one's split and records."""
    cv2.setNumThreads(1)
    found = []
    for number in range(task.first, task.last):
        chance = np.random.default_rng([task.images, number])
        place = number % max(1, round(task.images**0.5))
        split = str(chance.choice(SPLITS, p=(0.7, 0.15, 0.15)))
        pixels, people = photo(chance, place)
        name = f"{_named(place, number)}_jpg.rf.{chance.bytes(16).hex()}.jpg"
        jpeg = simplejpeg.encode_jpeg(pixels, QUALITY, "RGB", "420")
        (folder / split / name).write_bytes(jpeg)
        height, width = pixels.shape[:2]
        image = {"id": number, "license": 1, "file_name": name, "height": height, "width": width,
                 "date_captured": "2024-05-01T10:00:00+00:00"}  # fmt: skip
        found.append((split, image, [_record(ring, number) for ring in people]))
    return found


def _named(place: int, number: int) -> str:
    """Return a file's name as far as a person gave it: half of the places are in their names."""
    if place % 2:
        return f"IMG_{number:06}"
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(place))
    return f"corner{letters}_{number}"


def photo(chance: np.random.Generator, place: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return a photo of a place, ``(H, W, 3)`` uint8 RGB, and the outlines of the people in it."""
    height, width = SIZES[place % len(SIZES)]
    spare = np.array([WHOLE - height, WHOLE - width]) // 2
    y, x = spare + chance.integers(-REACH, REACH + 1, 2)
    pixels = _ground(place)[y : y + height, x : x + width]
    odd = chance.random() < ODD_HOURS
    light = chance.uniform(0.25, 0.6) if odd else chance.uniform(0.85, 1.15)
    tint = chance.uniform(0.75, 1.25, 3) if odd else chance.uniform(0.97, 1.03, 3)
    shade = chance.uniform(0.8, 1.2, (3, 4)).astype(np.float32)
    shade = cv2.resize(shade, (width, height)) * np.float32(light)
    lit = cv2.multiply(
        pixels, cv2.merge([shade * np.float32(one) for one in tint]), dtype=cv2.CV_8U
    )
    people = [
        _person(chance, lit, middle)
        for middle in np.linspace(0, 1, 2 * int(chance.choice(len(PEOPLE), p=PEOPLE)) + 1)[1::2]
    ]
    grain = chance.integers(0, 9, (height, width, 3), np.uint8)
    return cv2.add(lit, grain), people


@cache
def _ground(place: int) -> np.ndarray:
    """Return the scenery of a place, ``(WHOLE, WHOLE, 3)`` uint8: light, patches and texture."""
    chance = np.random.default_rng([7, place])
    coarse = chance.integers(40, 216, (5, 5, 3), np.uint8)
    whole = cv2.resize(coarse, (WHOLE, WHOLE), interpolation=cv2.INTER_CUBIC)
    for _ in range(PATCHES):
        (left, top), size = chance.integers(-20, WHOLE, 2), chance.integers(6, 70, 2)
        colour = chance.integers(20, 236, 3).tolist()
        right, bottom = int(left + size[0]), int(top + size[1])
        cv2.rectangle(whole, (int(left), int(top)), (right, bottom), colour, -1)
    fine = cv2.resize(chance.integers(0, 50, (WHOLE // 2, WHOLE // 2, 3), np.uint8), (WHOLE, WHOLE))
    return cv2.add(whole, fine)


def _person(chance: np.random.Generator, image: np.ndarray, middle: float) -> np.ndarray:
    """Draw somebody into a picture, changed in place; return the outline, ``(N, 2)`` xy pixels."""
    height, width = image.shape[:2]
    tall = height * chance.uniform(0.25, 0.8)
    down = np.linspace(0, 1, POINTS)
    half = np.where(down < 0.2, 0.7 * np.sqrt(np.maximum(down * (0.2 - down), 0)) + 0.02, 0.11)
    half = tall * (half + chance.uniform(0, 0.02, POINTS) - 0.04 * (down > 0.55))
    foot = chance.uniform(max(tall, 0.6 * height), height - 1)
    across = np.concatenate([middle * width - half, (middle * width + half)[::-1]])
    along = foot - tall + tall * np.concatenate([down, down[::-1]])
    ring = np.stack([across.clip(0, width), along.clip(0, height)], axis=1).round(2)
    mask = cv2.fillPoly(np.zeros((height, width), np.uint8), [np.rint(ring).astype(np.int32)], 255)
    coarse = chance.integers(10, 246, (6, 2, 3), np.uint8)
    cloth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.copyTo(cloth, mask, image)
    return ring


def _record(ring: np.ndarray, image: int) -> dict:
    (x, y), (wide, high) = ring.min(axis=0).tolist(), np.ptp(ring, axis=0).tolist()
    return {"image_id": image, "category_id": 1, "iscrowd": 0,
            "bbox": [round(one, 3) for one in (x, y, wide, high)],
            "area": round(wide * high, 3),  # as Roboflow writes it
            "segmentation": [ring.ravel().tolist()]}  # fmt: skip
