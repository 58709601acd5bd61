"""[disk] What lies in ``data/raw``: annotation files, and pictures as far as they are measured."""

from __future__ import annotations

import hashlib
import os
import struct
import warnings
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import simplejpeg
from PIL import Image

from pipeline import images, shards, store
from pipeline.columns import Columns
from pipeline.errors import ExportError, ImageError
from pipeline.names import is_picture
from pipeline.quiet import quietly
from pipeline.shards import ANNOTATIONS
from pipeline.tables import SPLITS

if TYPE_CHECKING:
    import pandas as pd

ALIASES = {"val": "valid", "validation": "valid", "training": "train", "testing": "test"}
ORIENTATION = 0x0112  # the EXIF tag; 1 is upright
PNG = b"\x89PNG\r\n\x1a\n"
UNREADABLE = (  # what Pillow raises, whatever is wrong with a file
    OSError, SyntaxError, ValueError, TypeError, struct.error, Image.DecompressionBombError,
)  # fmt: skip

PROCESS_WIDE = Lock()  # the error stream and the filters of warnings are all threads'

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


def annotation_files(raw: Path) -> dict[str, list[Path]]:
    """Return the annotation files of each split that has some, in the order of ``SPLITS``.

    The split is the nearest folder of such a name; a file in none of them is train. A split's
    files lie in one folder, one of them or as many as ``shards`` knows names.

    Raises:
        ExportError: there is none, or a split has some in two folders.
    """
    found: dict[str, list[Path]] = {}
    named = (path for path in raw.rglob(shards.PATTERN) if shards.NAMED.fullmatch(path.name))
    for path in sorted(named, key=shards.order):
        split = _split(path.relative_to(raw))
        several = found.setdefault(split, [path])
        if several[0].parent != path.parent:
            raise ExportError(
                f"{raw} has two files for {split} in different folders, {several[0]} and {path}; "
                "keep one"
            )
        if path not in several:
            several.append(path)
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
    found = []
    for folder, _, names in os.walk(raw):
        below = Path(folder).relative_to(raw)
        paths = [below / name for name in names]
        found += [path.as_posix() for path in paths if is_picture(path) and (raw / path).is_file()]
    return sorted(found)


def measure(raw: Path, picture: tuple[str, bytes]) -> dict:
    """Return one picture's row of ``PICTURES``; a JPEG is decoded at reduced size only.

    Args:
        raw: the folder.
        picture: its path below, and its SHA-256 if that is known already, else nothing.
    """
    path, digest = picture
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
        "sha256": (digest or hashlib.sha256(content).digest()).hex(),
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
    turned = _has_exif(content)
    try:
        size_wh = _jpeg_size(content)
        if turned or not size_wh:
            size_wh, orientation = _described(content, turned=turned)
    except UNREADABLE:
        fault, size_wh = "unreadable", (0, 0)
    fault = "truncated" if _truncated(content) else fault
    return fault, size_wh, orientation if 1 <= orientation <= 8 else 1


def _has_exif(content: bytes) -> bool:
    """Say whether a picture may have an orientation; Pillow decodes a whole PNG to find out."""
    if not content.startswith(store.JPEG):
        return b"Exif" in content or b"eXIf" in content
    place = 2
    while (head := content[place : place + 8])[:1] == b"\xff" and head[1:2] != b"\xda":
        if head[1:2] == b"\xe1" and head[4:] == b"Exif":
            return True
        place += 2 + int.from_bytes(head[2:4])  # a segment's length counts itself
    return False


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG as libjpeg reads them, at a tenth of Pillow's cost.

    None if it is no JPEG, or so large that it may be a bomb, which is Pillow's to say.
    """
    if not content.startswith(store.JPEG):
        return None
    try:
        height, width = simplejpeg.decode_jpeg_header(content)[:2]
    except ValueError:
        return None
    return (width, height) if width * height <= Image.MAX_IMAGE_PIXELS else None


def _described(content: bytes, *, turned: bool) -> tuple[tuple[int, int], int]:
    """Return width and height, and the EXIF flag if there may be one, as Pillow reads them."""
    with PROCESS_WIDE, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of EXIF that is cut off, and of large pictures
        with Image.open(BytesIO(content)) as image:
            return image.size, int(image.getexif().get(ORIENTATION, 1)) if turned else 1


def _look(content: bytes, name: str) -> tuple[str, str]:
    """Return what is wrong with a picture as far as decoding it shows, and its hash."""
    grey, fault = images.tiny_jpeg(content), ""
    if grey is None:
        with PROCESS_WIDE, quietly():  # the decoders' own words, which name no file
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
        end = content.rfind(b"\xff\xd9")
        return end != len(content) - 2 and end < content.rfind(b"\xff\xda")
    return content.startswith(PNG) and not _ends(content)


def _ends(png: bytes) -> bool:
    """Say whether a PNG's chunks lead to its end; OpenCV makes room for whatever they claim."""
    place = len(PNG)
    while place + 8 <= len(png):
        length = int.from_bytes(png[place : place + 4])
        if png[place + 4 : place + 8] == b"IEND":
            return True
        place += 12 + length  # length, kind, content, checksum
    return False
