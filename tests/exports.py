"""Exports made for tests: sound ones, and the polygons that break others."""

from pathlib import Path

import cv2
import msgspec
import numpy as np

from pipeline import coco, rasterise, raw, reading, rle, store, validate
from pipeline.checks import ValidateParams

SHARED = Path(__file__).parents[2] / "shared" / "data"
LIMITS = ValidateParams(
    valid_share=0.2,
    test_share=0.2,
    outside_above=0.5,
    tiny_below=4.0,
    bbox_off_above=5.0,
    area_off_above=0.25,
    overlap_above=0.9,
    spike_below=0.5,
    likeness_below=6,
    name_above=100,
    boxes="drop",
    resplit="propose",
    previous=None,
    fail_on=[],
)
SQUARE = [2.0, 2.0, 12.0, 2.0, 12.0, 12.0, 2.0, 12.0, 2.0, 2.0]
NASTY = {  # name -> segmentation in an image of 20 x 16, and whether anything of it is left
    "bow-tie": ([[2, 2, 12, 12, 12, 2, 2, 12]], True),
    "two points": ([[2, 2, 12, 12]], False),
    "zero area": ([[2, 2, 6, 6, 12, 12]], False),
    "duplicate points": ([[2, 2, 2, 2, 12, 2, 12, 12, 12, 12, 2, 12]], True),
    "hole cut open": (
        [[1, 1, 13, 1, 13, 13, 1, 13, 1, 7, 4, 7, 4, 9, 9, 9, 9, 4, 4, 4, 4, 7, 1, 7]],
        True,
    ),
    "island in a hole": (
        [[0, 0, 14, 0, 14, 1, 1, 1, 1, 13, 14, 13, 14, 14, 0, 14], [5, 5, 8, 5, 8, 8]],
        True,
    ),
    "outside the image": ([[30, 30, 40, 30, 40, 40]], False),
    "half outside": ([[-5, 3, 8, 3, 8, 9, -5, 9]], True),
    "parts of unequal length": ([[1, 1, 5, 1, 5, 5], [8, 8, 12, 8, 12, 12, 10, 14, 8, 12]], True),
    "overlapping parts": ([[1, 1, 9, 1, 9, 9, 1, 9], [5, 5, 14, 5, 14, 14, 5, 14]], True),
    "spiral": ([[2, 2, 12, 2, 12, 12, 4, 12, 4, 4, 10, 4, 10, 10, 3, 10, 3, 3, 2, 3]], True),
    "rle": (rle.encode(np.pad(np.ones((4, 5), bool), ((3, 9), (2, 13)))), True),
}


def write(folder, **contents):
    """Write an export, one COCO dictionary a split, with a picture for each image; return it."""
    for split, one in contents.items():
        store.write_json(folder / split / raw.ANNOTATIONS, one)
        for image in one["images"]:
            draw_picture(folder / split / image["file_name"])
    return folder


def content(count=2, prefix="p", annotations=True):
    """A sound export of one split in Roboflow's shape: an unused group and one category."""
    images = [
        {"id": i, "file_name": f"{prefix}{i}_jpg.rf.{i:04d}.png", "width": 20, "height": 16}
        for i in range(count)
    ]
    objects = [
        {
            "id": i,
            "image_id": i,
            "category_id": 1,
            "bbox": [2, 2, 10, 10],
            "area": 100,
            "iscrowd": 0,
            "segmentation": [list(SQUARE)],
        }
        for i in range(count)
    ]
    categories = [
        {"id": 0, "name": "people", "supercategory": "none"},
        {"id": 1, "name": "person", "supercategory": "people"},
    ]
    return {
        "images": images,
        "annotations": objects if annotations else [],
        "categories": categories,
    }


def draw_picture(path, size=(16, 20)):
    """Write noise that only its name decides, as no two pictures are alike."""
    seed = sum(path.name.encode()) * 1000 + len(path.name) + sum(path.parent.name.encode())
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    path.write_bytes(cv2.imencode(".png", noise)[1].tobytes())


def examine(folder, limits=LIMITS):
    """Validate a folder as the stage does."""
    files = [
        (split, path.relative_to(folder).as_posix(), path.read_bytes())
        for split, paths in raw.annotation_files(folder).items()
        for path in paths
    ]
    pictures = raw.pictures(raw.measure(folder, (path, b"")) for path in raw.picture_paths(folder))
    export = reading.read(files)
    return export, validate.sound(export, pictures, limits)


def judge(files, limits=LIMITS):
    """Validate annotation files, ``(split, path, bytes)``, whose pictures are all there."""
    export = reading.read(files)
    names = {path for path in export.images["path"] if isinstance(path, str)}
    pictures = raw.pictures(
        {"path": path, "fault": "", "width": 20, "height": 16, "orientation": 1,
         "sha256": path, "look": ""}
        for path in sorted(names)
    )  # fmt: skip
    return export, validate.sound(export, pictures, limits)


def sheets(dataset):
    """What masks are drawn from, as a run has it: by way of what ``coco.save`` writes."""
    written = msgspec.json.encode(coco.to_coco(dataset))
    return rasterise.sheets(msgspec.json.decode(written, type=dict[str, rasterise.Split]))
