"""[disk] Unpack a zip that anybody may have made: bounded, and never outside its folder."""

import errno
import re
import shutil
import stat
import struct
import zipfile
import zlib
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from pipeline.errors import PullError
from pipeline.names import is_junk, on_disk
from pipeline.parallel import progress

CHUNK = 1 << 20  # bytes held in memory at a time
DAMAGED = (
    zipfile.BadZipFile, zlib.error, LZMAError, EOFError, struct.error, ValueError, OverflowError
)  # fmt: skip
OTHER_KINDS = {  # how files begin that are taken for a zip -> what they are
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"<": "an HTML or XML page",
    b"{": "JSON text",
}


def unpack(archive: Path, into: Path, limit: int) -> None:
    """Unpack a zip's files, without macOS' and Windows' own litter.

    Names are read as UTF-8 where they can be, backslashes as folders, and names too long for
    a file system are shortened as by ``names.on_disk``. A file that is in the zip twice with the
    same content is written once.

    Args:
        archive: the zip.
        into: the folder to fill; it is made.
        limit: bytes that all files together may hold; counted as they come out, so a zip that
            lies about its sizes stops here too.

    Raises:
        PullError: the file is no zip, is damaged, encrypted or too large, or a member is a
            link, leads outside the folder, or is there twice with different content.
        OSError: the disk is full, or the folder cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            plan = _plan(opened.infolist(), archive.name, limit)
            _room(sum(info.file_size for info in plan.values()), into, archive.name)
            left = limit
            for place, info in progress(plan.items(), "unpacking", len(plan)):
                left -= _write(opened, info, into / place, left)
                if left < 0:
                    raise PullError(_too_large(archive.name, limit))
    except DAMAGED as error:
        raise PullError(_damaged(archive, error)) from error
    except OSError as error:
        if error.errno in {None, errno.EINVAL}:  # bad bzip2 data; an offset before the start
            raise PullError(_damaged(archive, error)) from error
        raise
    except NotImplementedError as error:
        raise PullError(
            f"{archive.name} is compressed in a way that cannot be read ({error}); "
            "pack it again as an ordinary zip, or give the unpacked folder"
        ) from error


def _plan(members: list[zipfile.ZipInfo], archive: str, limit: int) -> dict[str, zipfile.ZipInfo]:
    """Return where each file goes; refuse the whole zip if one member is not to be trusted."""
    plan: dict[str, zipfile.ZipInfo] = {}
    for info in members:
        place = _place(info, archive)
        if info.filename.endswith(("/", "\\")) or is_junk(place):
            continue
        _trusted(info, archive)
        known = plan.setdefault(str(place), info)
        if (known.CRC, known.file_size) != (info.CRC, info.file_size):
            raise PullError(
                f"{archive} holds {str(place)!r} twice, with different content; "
                "pack it again from a folder"
            )
    declared = sum(info.file_size for info in plan.values())
    if declared > limit:
        raise PullError(_too_large(archive, limit))
    if not plan:
        raise PullError(f"{archive} is an empty zip; export the dataset again")
    return plan


def _place(info: zipfile.ZipInfo, archive: str) -> PurePosixPath:
    """Return a member's path below the target; refuse one that is absolute or climbs."""
    name = _unicode(info).replace("\\", "/")
    place = PurePosixPath(*map(on_disk, PurePosixPath(name).parts))
    if place.is_absolute() or re.match("[A-Za-z]:/", name) or ".." in place.parts:
        raise PullError(
            f"{archive} holds {name[:100]!r}, which leads outside its folder; "
            "an export never does, so do not trust this file"
        )
    return place


def _unicode(info: zipfile.ZipInfo) -> str:
    """Return the name as UTF-8 where a packer wrote that without saying so, as macOS' does."""
    if info.flag_bits & 0x800:  # the name is declared to be UTF-8
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _trusted(info: zipfile.ZipInfo, archive: str) -> None:
    """Refuse links, devices and encrypted files."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:  # 0: packed where there are no such attributes
        raise PullError(
            f"{archive} holds {info.filename[:100]!r}, which is a link or a device; "
            "pack it again with the files themselves"
        )
    if info.flag_bits & 0x1:
        raise PullError(f"{archive} is encrypted; pack it again without a password")


def _room(needed: int, into: Path, archive: str) -> None:
    into.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(into).free < needed:
        raise OSError(errno.ENOSPC, f"unpacking {archive} takes {needed:,} bytes")


def _write(opened: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, left: int) -> int:
    """Unpack one file and return its size, or what was read when it grew past ``left``.

    Its checksum is compared as its last byte is read.
    """
    size = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(info) as source, path.open("wb") as target:
            while chunk := source.read(CHUNK):
                size += len(chunk)
                if size > left:
                    return size
                target.write(chunk)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise PullError(
            f"{info.filename[:100]!r} is both a file and a folder in {Path(opened.filename).name}; "
            "pack it again from a folder"
        ) from error
    return size


def _too_large(archive: str, limit: int) -> str:
    return (
        f"{archive} unpacks to more than {limit / 1e9:g} GB; "
        "if you trust it, raise pull.unpacked_at_most"
    )


def _damaged(archive: Path, error: Exception) -> str:
    with archive.open("rb") as file:
        start = file.read(16).lstrip()
    for magic, kind in OTHER_KINDS.items():
        if start.startswith(magic):
            cure = "unpack it and give the folder" if "archive" in kind else "download it again"
            return f"{archive.name} is {kind}, not a zip; {cure}"
    if not start:
        return f"{archive.name} is empty; download it again"
    return f"{archive.name} is a damaged or truncated zip ({error}); download it again"
