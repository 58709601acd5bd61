"""Bad inputs, one planted defect each, and what must be said of each; tables, no tests.

A case changes a sound export of three splits and names every row of severity error or warning
that must then be in ``issues.csv`` (or, for a code that only informs, the rows of that code), or
the one line with which the run must end. ``through`` takes any export all the way.
"""

import io
import json
import struct
import zlib
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from exports import LIMITS
from PIL import Image

from pipeline import (
    checks,
    coco,
    looking,
    parallel,
    pull,
    rasterise,
    roboflow_pin,
    store,
    tables,
    validate,
)
from pipeline.errors import PipelineError

HEIGHT, WIDTH = 16, 20
FIVE = [2.0, 2.0, 12.0, 2.0, 14.0, 8.0, 12.0, 12.0, 2.0, 12.0]  # 110 square pixels
THREE = [15.0, 9.0, 19.0, 10.0, 19.0, 15.0]  # 10 square pixels
NAN, INFINITE = float("nan"), float("inf")
UNKNOWN = 9_000_000  # an id that nothing has
JSON = "_annotations.coco.json"
LETTER = {"train": "t", "valid": "v", "test": "e"}
NOTHING = ("", None, None)
ACCOUNT = roboflow_pin.Account(None, lambda done, total: None)
HERE = parallel.ComputeParams(backend="local", workers=1, scheduler=None)
BOUNDS = pull.PullParams(
    export="", unpacked_at_most=0.01, attempts=1, stalled_after=1.0, finished_within=5.0
)


def name(split: str, number: int) -> str:
    return f"{LETTER[split]}{number}_jpg.rf.{number:04d}.png"


def noise(seed: int, size: tuple[int, ...] = (HEIGHT, WIDTH, 3), most: int = 256) -> np.ndarray:
    kind = np.uint8 if most == 256 else np.uint16
    return np.random.default_rng(seed).integers(0, most, size, dtype=kind)


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def split_of(split: str) -> dict:
    """Three images of two objects each; nothing is wrong, and no two pictures are alike."""
    images = [
        {"id": n, "file_name": name(split, n), "width": WIDTH, "height": HEIGHT} for n in range(3)
    ]
    shared = {"category_id": 1, "iscrowd": 0}
    annotations = []
    for n in range(3):
        five = {"bbox": [2, 2, 12, 10], "area": 110, "segmentation": [list(FIVE)]}
        three = {"bbox": [15, 9, 4, 6], "area": 10, "segmentation": [list(THREE)]}
        annotations += [
            {"id": 2 * n, "image_id": n, **shared, **five},
            {"id": 2 * n + 1, "image_id": n, **shared, **three},
        ]
    categories = [
        {"id": 0, "name": "people", "supercategory": "none"},
        {"id": 1, "name": "person", "supercategory": "people"},
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


class Box:
    """A sound export in memory, for a case to break: JSON as dictionaries, files as bytes."""

    def __init__(self) -> None:
        self.coco = {split: split_of(split) for split in LETTER}
        self.files = {
            f"{split}/{name(split, n)}": png(noise(7 * n + ord(letter)))
            for split, letter in LETTER.items()
            for n in range(3)
        }

    @property
    def train(self) -> dict:
        return self.coco["train"]

    def files_of_all(self) -> dict[str, bytes]:
        """Return path -> bytes of the whole export."""
        texts = {f"{s}/{JSON}": json.dumps(said).encode() for s, said in self.coco.items()}
        return {**texts, **self.files}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@dataclass(frozen=True)
class Outcome:
    """What became of an export.

    Attributes:
        error: the one line with which the run ended; nothing if it did not.
        rows: ``(code, severity, split, image_id, annotation_id)`` of every finding, counted.
        lost: annotations of the export that are neither kept nor dropped in a row.
        bytes: path -> bytes of all that was written.
    """

    error: str = ""
    rows: Counter = field(default_factory=Counter)
    lost: int = 0
    bytes: dict = field(default_factory=dict)


def through(export: Path, where: Path, limits: checks.ValidateParams = LIMITS) -> Outcome:
    """Pull, validate and rasterise an export; only a PipelineError may end that."""
    folder, valid = where / "raw", where / "valid"
    try:
        pull.pull(export, folder, where / "truth", BOUNDS, ACCOUNT)
        _, found = validate.run(folder, limits, partial(looking.rows, folder, HERE))
        coco.save(valid, found.dataset)
        store.write_table(valid / "repairs.csv", found.repairs, checks.REPAIRS)
        store.write_table(valid / "leaks.csv", found.leaks, checks.LEAKS)
        store.write_table(valid / "resplit.csv", found.resplit, checks.RESPLIT)
        store.write_table(valid / "issues.csv", found.issues, tables.ISSUES)
        issues = store.read_table(valid / "issues.csv", tables.ISSUES)
        validate.refuse(found, [])
        for sheet in rasterise.load(valid):
            mask = rasterise.label_mask(sheet)
            store.write_mask(where / "masks" / sheet.name, mask)
    except PipelineError as error:
        return Outcome(error=str(error))
    written = sorted(path for path in where.rglob("*") if path.is_file())
    return Outcome(
        rows=Counter(
            (row.code, row.severity, row.split, _plain(row.image_id), _plain(row.annotation_id))
            for row in issues.itertuples()
        ),
        lost=_given(folder) - len(found.dataset.annotations) - _dropped(issues),
        bytes={path.relative_to(where).as_posix(): path.read_bytes() for path in written},
    )


def _given(folder: Path) -> int:
    """Count the annotations that the JSON files hold, as Python's own reader sees them."""
    count = 0
    for path in folder.rglob("_annotations.coco*.json"):
        try:
            said = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            continue  # a row of its own says that the file cannot be read
        records = said.get("annotations") if isinstance(said, dict) else None
        count += len(records) if isinstance(records, list) else 0
    return count


def _dropped(issues: pd.DataFrame) -> int:
    about = {check.code for check in checks.CHECKS if check.about == "annotations"}
    return int((issues["code"].isin(about) & (issues["action"] == "dropped")).sum())


def _plain(number: object) -> int | None:
    return None if pd.isna(number) else int(number)


# What a case may change, and the rows it must give


def of_image(code: str, image: int | None = 0, split: str = "train") -> tuple:
    return code, split, image, None


def of_object(code: str, annotation: int | None = 0, image: int | None = 0) -> tuple:
    return code, "train", image, annotation


def of_split(code: str, split: str = "train") -> tuple:
    return code, split, None, None


def image(**values):
    return lambda box: box.train["images"][0].update(values)


def without_image(*keys):
    return lambda box: [box.train["images"][0].pop(key) for key in keys]


def annotation(**values):
    return lambda box: box.train["annotations"][0].update(values)


def without(*keys):
    return lambda box: [box.train["annotations"][0].pop(key) for key in keys]


def outline(*rings):
    return annotation(segmentation=[list(ring) for ring in rings])


def measured(*rings):
    """Rings whose box is that of the outline, so that it is not found wrong."""
    points = np.array([number for ring in rings for number in ring], float).reshape(-1, 2)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    box = [float(number) for number in (left, top, right - left, bottom - top)]
    return annotation(segmentation=[list(ring) for ring in rings], bbox=box)


def mask(counts, size=(HEIGHT, WIDTH)):
    return annotation(segmentation={"size": list(size), "counts": counts})


def extra(kind, **values):
    """Append a record that is like the first object, or like the last record of another kind."""

    def plant(box):
        like = box.train[kind][0 if kind == "annotations" else -1]
        box.train[kind].append({**json.loads(json.dumps(like)), **values})

    return plant


def append(kind, record):
    return lambda box: box.train[kind].append(record)


def several(*changes):
    return lambda box: [change(box) for change in changes]


def everywhere(kind, **values):
    def plant(box):
        for said in box.coco.values():
            said[kind].append({**said[kind][-1], **values})

    return plant


def second_picture(file_name, **values):
    """A further picture of train with a record of id 7, and the first object in it."""

    def plant(box):
        box.files[f"train/{file_name}"] = png(noise(99))
        box.train["images"].append({**box.train["images"][0], "id": 7, "file_name": file_name})
        box.train["images"][-1].update(values)
        box.train["annotations"][0]["image_id"] = 7

    return plant


def renamed(file_name, stored=None):
    """Call the first picture of train otherwise, in its record and, if given, on the disk."""

    def plant(box):
        content = box.files.pop(f"train/{name('train', 0)}")
        box.files[f"train/{stored or file_name}"] = content
        box.train["images"][0]["file_name"] = file_name

    return plant


def picture(content, suffix=".png"):
    """Put other bytes in place of the first picture of train; None takes the file away."""

    def plant(box):
        old = box.files.pop(f"train/{name('train', 0)}")
        new = content(old) if callable(content) else content
        stem = name("train", 0).removesuffix(".png")
        if new is not None:
            box.files[f"train/{stem}{suffix}"] = new
        box.train["images"][0]["file_name"] = f"{stem}{suffix}"

    return plant


def encoded(kind, mode="RGB", *, most=256, frames=1, **options):
    """The bytes of a picture as Pillow writes them; of 16 bits a channel where most is 2**16."""
    made = Image.fromarray(noise(5))
    if most > 256:
        made = Image.fromarray(noise(5, (HEIGHT, WIDTH), most))
    if mode == "F":
        made = Image.fromarray(noise(5, (HEIGHT, WIDTH)).astype(np.float32))
    elif most == 256:
        made = made.convert(mode)
    if frames > 1:
        options |= {"save_all": True, "append_images": [made.transpose(0)]}
    text = io.BytesIO()
    made.save(text, kind, **options)
    return text.getvalue()


def chunk(kind, content):
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def hollow_png(width, height):
    """A PNG whose header promises pixels that do not come."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded("JPEG", exif=exif, quality=95)


def blank(content, start, length=30):
    """Zeros in place of some bytes, from a share of the file on."""
    first = int(len(content) * start)
    return content[:first] + bytes(length) + content[first + length :]
