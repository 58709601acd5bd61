"""Generated exports for benchmarks: nothing is wrong with them, and they may be of any size.

They are like the real ones at hand: 640 pixels square, a fifth of a byte a pixel as JPEG, three
objects an image, some forty points an object, one object in seven of two parts.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import simplejpeg

from pipeline import raw

SIDE = 640  # pixels
SHARES = {"train": 0.7, "valid": 0.15, "test": 0.15}
CATEGORIES = [
    {"id": 0, "name": "things", "supercategory": "none"},
    *({"id": i, "name": name, "supercategory": "things"} for i, name in enumerate("abc", 1)),
]


def export(folder: Path, images: int, pictures: int | None = None) -> Path:
    """Write an export in Roboflow's layout; return its folder.

    Args:
        folder: where to.
        images: how many, in all splits together.
        pictures: how many of a split's are different; its others show the same under another
            name and with other bytes. None: all.
    """
    chance = np.random.default_rng(0)
    ground = _ground(chance)
    for split, share in SHARES.items():
        content = records(chance, round(images * share), split)
        (folder / split).mkdir(parents=True, exist_ok=True)
        (folder / split / raw.ANNOTATIONS).write_bytes(msgspec.json.encode(content))
        different = len(content["images"]) if pictures is None else round(pictures * share)
        drawn = [_picture(chance, ground) for _ in range(min(different, len(content["images"])))]
        for number, image in enumerate(content["images"]):
            said = f"{split} {number}".encode()  # a JPEG's comment
            jpeg = drawn[number % len(drawn)]
            comment = b"\xff\xfe" + (2 + len(said)).to_bytes(2) + said
            (folder / split / image["file_name"]).write_bytes(jpeg[:2] + comment + jpeg[2:])
    return folder


def records(chance: np.random.Generator, images: int, split: str = "train") -> dict:
    """Return one split's annotation file."""
    listed = [
        {"id": i, "license": 1, "file_name": f"{split}{i:06}_jpg.rf.{i:032x}.jpg",
         "height": SIDE, "width": SIDE, "date_captured": "2024-05-01T10:00:00+00:00"}
        for i in range(images)
    ]  # fmt: skip
    counts = chance.poisson(3, images)
    owners = np.repeat(np.arange(images), counts).tolist()
    objects = [_object(chance, i, owner) for i, owner in enumerate(owners)]
    return {"info": {}, "licenses": [], "categories": CATEGORIES,
            "images": listed, "annotations": objects}  # fmt: skip


def repeated(content: dict, times: int) -> Iterator[bytes]:
    """Yield an annotation file of so many times the records, in pieces of JSON."""
    images, objects = content["images"], content["annotations"]
    yield b'{"categories":' + msgspec.json.encode(content["categories"])
    for key, rows in (("images", images), ("annotations", objects)):
        for time in range(times):
            yield b"," if time else f',"{key}":['.encode()
            shifted = [
                row | {"id": row["id"] + time * len(rows)}
                | ({"image_id": row["image_id"] + time * len(images)} if "bbox" in row else
                   {"file_name": f"{time:03}{row['file_name']}"})
                for row in rows
            ]  # fmt: skip
            yield msgspec.json.encode(shifted)[1:-1]
        yield b"]"
    yield b"}"


def _object(chance: np.random.Generator, number: int, image: int) -> dict:
    parts = 1 + (chance.random() < 1 / 7)
    middle = np.array([[SIDE / 4, SIDE / 2], [3 * SIDE / 4, SIDE / 2]])[:parts]  # they do not meet
    reach = SIDE / 2 / parts
    rings = [_ring(chance, place if parts > 1 else [SIDE / 2] * 2, reach) for place in middle]
    points = np.concatenate(rings)
    (x, y), (wide, high) = points.min(axis=0).tolist(), np.ptp(points, axis=0).tolist()
    return {
        "id": number,
        "image_id": image,
        "category_id": int(chance.integers(1, len(CATEGORIES))),
        "bbox": [round(one, 3) for one in (x, y, wide, high)],
        "area": round(wide * high, 3),  # as Roboflow writes it
        "segmentation": [ring.ravel().tolist() for ring in rings],
        "iscrowd": 0,
    }


def _ring(chance: np.random.Generator, middle: list[float], reach: float) -> np.ndarray:
    """Return a closed ring of 20 to 60 points that stays within ``reach`` of a place."""
    count, radius = int(chance.integers(20, 60)), chance.uniform(20, min(140, reach / 2))
    place = middle + chance.uniform(-1, 1, 2) * (reach - radius)
    angle = 2 * np.pi * (np.arange(count) + chance.uniform(0, 0.8, count)) / count
    away = radius * chance.uniform(0.6, 1, count)
    points = place + np.stack([away * np.cos(angle), away * np.sin(angle)], axis=1)
    return np.concatenate([points, points[:1]]).round(3)


def _ground(chance: np.random.Generator, side: int = 2048) -> np.ndarray:
    """Return noise of every size, as textures have it, ``(side, side, 3)`` float32."""
    ground, step = np.zeros((side, side, 3), dtype=np.float32), 64
    while step <= side:
        noise = chance.normal(size=(step, step, 3)).astype(np.float32)
        ground += cv2.resize(noise, (side, side)) * 45 * (64 / step) ** 0.8
        step *= 2
    return ground


def _picture(chance: np.random.Generator, ground: np.ndarray) -> bytes:
    """Return a JPEG that is like no other: light of its own on a piece of the ground."""
    y, x = chance.integers(0, len(ground) - SIDE, 2)
    light = chance.uniform(40, 215, (6, 6, 3)).astype(np.float32)
    lit = cv2.resize(light, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    pixels = np.clip(lit + ground[y : y + SIDE, x : x + SIDE], 0, 255).astype(np.uint8)
    return simplejpeg.encode_jpeg(pixels, 85, "RGB", "420")
