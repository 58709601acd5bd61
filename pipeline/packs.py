"""[disk] Pictures in an archive: ``masks/train.zip`` stands for the folder ``masks/train``.

Tens of thousands of small files are slow to copy, hash and check out; one file is not.
"""

import zipfile
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import ImageError

HEADER = 30  # bytes before a member's name, https://pkware.cachefly.net/webdocs/APPNOTE, 4.3.7
OPEN = 8  # archives whose lists of members are kept: three splits of masks and of segments


class Place(NamedTuple):
    """Where a member's bytes lie in its archive."""

    header: int
    size: int
    crc: int
    stored: bool


def of(folder: Path) -> Path:
    """Return the archive that may stand for a folder."""
    return folder.with_name(f"{folder.name}.zip")


def read(path: Path) -> bytes | None:
    """Return the bytes of a picture of a folder that is an archive; None if it is not there.

    Raises:
        ImageError: the archive is damaged.
    """
    archive = of(path.parent)
    place = members(path.parent).get(path.name)
    if place is None:
        return None
    if not place.stored:  # a person packed it anew
        with zipfile.ZipFile(archive) as opened:
            return opened.read(path.name)
    with archive.open("rb") as file:
        file.seek(place.header)
        head = file.read(HEADER)
        file.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), 1)
        content = file.read(place.size)
    if zlib.crc32(content) != place.crc:
        raise ImageError(f"{path.name} of {archive} is damaged; run dvc repro")
    return content


def members(folder: Path) -> Mapping[str, Place]:
    """Return what the archive of a folder holds, by name; nothing if there is none.

    Raises:
        ImageError: the archive is damaged.
    """
    archive = of(folder)
    try:
        status = archive.stat()
    except OSError:
        return {}
    return _listed(str(archive), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=OPEN)
def _listed(archive: str, changed: int, size: int) -> dict[str, Place]:  # the key
    try:
        with zipfile.ZipFile(archive) as opened:
            return {
                one.filename: Place(
                    one.header_offset,
                    one.file_size,
                    one.CRC,
                    one.compress_type == zipfile.ZIP_STORED,
                )
                for one in opened.infolist()
            }
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise ImageError(f"{archive} cannot be read: {error}; run dvc repro") from error
