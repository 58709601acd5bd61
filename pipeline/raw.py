"""[disk] What lies in ``data/raw``: annotation files, and pictures as far as they are measured."""

import hashlib
import struct
import warnings
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import pandas as pd
import simplejpeg
from PIL import Image

from pipeline import images, store
from pipeline.errors import ExportError, ImageError
from pipeline.names import is_picture
from pipeline.quiet import quietly
from pipeline.tables import SPLITS, Columns

ANNOTATIONS = "_annotations.coco.json"
ALIASES = {"val": "valid", "validation": "valid", "training": "train", "testing": "test"}
ORIENTATION = 0x0112  # the EXIF tag; 1 is upright
UNREADABLE = (  # what Pillow raises, whatever is wrong with a file
    OSError, SyntaxError, ValueError, TypeError, struct.error, Image.DecompressionBombError,
)  # fmt: skip

PICTURES = Columns(
    {
        "path": ("str", "below the folder, with / on every system"),
        "fault": ("str", "empty, unreadable, truncated or damaged; nothing if there is none"),
        "width": ("int64", "pixels as they lie in the file; 0 if unreadable"),
        "height": ("int64", "pixels as they lie in the file; 0 if unreadable"),
        "orientation": ("int64", "EXIF flag, 1..8; 1 is upright"),
        "sha256": ("str", "of the file's bytes, hexadecimal"),
        "look": ("str", "perceptual hash, 16 hexadecimal digits; nothing if unreadable"),
    }
)


def annotation_files(raw: Path) -> dict[str, Path]:
    """Return the annotation file of each split that has one, in the order of ``SPLITS``.

    The split is the nearest folder of such a name; a file in none of them is train.

    Raises:
        ExportError: there is none, or a split has two.
    """
    found: dict[str, Path] = {}
    for path in sorted(raw.rglob(ANNOTATIONS)):
        split = _split(path.relative_to(raw))
        if split in found:
            raise ExportError(
                f"{raw} has two files for {split}, {found[split]} and {path}; keep one"
            )
        found[split] = path
    if not found:
        raise ExportError(
            f'{raw} holds no {ANNOTATIONS}; export the version from Roboflow as "COCO Segmentation"'
        )
    return {split: found[split] for split in SPLITS if split in found}


def read(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        ExportError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror}") from error


def picture_paths(raw: Path) -> list[str]:
    """Return the paths of all pictures below a folder, sorted, with / on every system."""
    return sorted(
        path.relative_to(raw).as_posix()
        for path in raw.rglob("*")
        if is_picture(path.relative_to(raw)) and path.is_file()
    )


def measure(raw: Path, path: str) -> dict:
    """Return one picture's row of ``PICTURES``; a JPEG is decoded at reduced size only."""
    content = read(raw / path)
    fault, size_wh, orientation = _header(content)
    look = ""
    if not fault:
        fault, look = _look(content, path)
    if fault == "unreadable":
        size_wh = (0, 0)  # what cannot be shown has no size to judge outlines by
    return {
        "path": path,
        "fault": fault,
        "width": size_wh[0],
        "height": size_wh[1],
        "orientation": orientation,
        "sha256": hashlib.sha256(content).hexdigest(),
        "look": look,
    }


def pictures(rows: Iterable[dict]) -> pd.DataFrame:
    """Return rows of ``measure`` as a frame, columns as ``PICTURES``."""
    return PICTURES.frame(list(rows))


def _split(path: Path) -> str:
    for folder in reversed(path.parts[:-1]):
        name = ALIASES.get(folder.lower(), folder.lower())
        if name in SPLITS:
            return name
    return "train"


def _header(content: bytes) -> tuple[str, tuple[int, int], int]:
    """Return what is wrong with a file as far as its ends show, width and height, orientation."""
    if not content:
        return "empty", (0, 0), 1
    fault, size_wh, orientation = "", (0, 0), 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of EXIF that is cut off, and of large pictures
            with Image.open(BytesIO(content)) as image:
                size_wh = image.size
                if b"Exif" in content or b"eXIf" in content:  # else a PNG is decoded in vain
                    orientation = int(image.getexif().get(ORIENTATION, 1))
    except UNREADABLE:
        fault = "unreadable"
    fault = "truncated" if _truncated(content) else fault
    return fault, size_wh, orientation if 1 <= orientation <= 8 else 1


def _look(content: bytes, name: str) -> tuple[str, str]:
    """Return what is wrong with a picture as far as decoding it shows, and its hash."""
    image, fault = images.reduced(content), ""
    if image is None:
        with quietly():  # the decoders' own words, which name no file
            try:
                image = store.decode_image(content, name)
            except ImageError:
                return "unreadable", ""
        fault = "damaged" if content.startswith(store.JPEG) and not _four_inks(content) else ""
    grey = images.tiny(images.luma(images.fit(image)))
    return fault, f"{images.perceptual_hash(grey):016x}"


def _four_inks(jpeg: bytes) -> bool:
    """Say whether a JPEG is CMYK, which simplejpeg leaves to others."""
    try:
        return simplejpeg.decode_jpeg_header(jpeg)[2] in {"CMYK", "YCCK"}
    except ValueError:
        return False


def _truncated(content: bytes) -> bool:
    """A JPEG's scan can hold neither of these markers, so the end must follow the last start."""
    if content.startswith(b"\xff\xd8"):
        return content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda")
    return content.startswith(b"\x89PNG") and b"IEND" not in content[-64:]
