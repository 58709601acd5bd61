"""What file names say: which are pictures, which are litter, and which no disk takes."""

from hashlib import sha256
from pathlib import Path, PurePosixPath

NAME_BYTES = 255  # what Linux, macOS and Windows file systems take in one name
SHORT_BYTES = 200  # of a shortened name: leaves room for what later steps append to it
JUNK = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"}
PICTURES = frozenset({
    ".avif", ".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp",
})  # fmt: skip


def on_disk(name: str) -> str:
    """Return the name under which a picture called ``name`` lies on disk.

    It is ``name`` itself unless that is longer than 255 bytes of UTF-8, which no file system
    takes, or no text at all, which no table takes; then its beginning, a digest of the whole and
    its suffix. Readers of a JSON that names pictures look them up by this.
    """
    text = name.encode("utf-8", "replace").decode("utf-8")  # half characters, foreign bytes: ?
    if len(text.encode("utf-8")) <= NAME_BYTES and text == name:
        return name
    suffix = PurePosixPath(text).suffix
    suffix = suffix if len(suffix.encode("utf-8")) <= 16 else ""  # longer: a dot in a sentence
    tail = f"~{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}{suffix}"
    head = text.encode("utf-8")[: SHORT_BYTES - len(tail.encode("utf-8"))]
    return head.decode("utf-8", "ignore") + tail


def is_junk(path: PurePosixPath | Path) -> bool:
    """Say whether a file is litter of macOS or Windows: ``._x``, ``.DS_Store``, ``Thumbs.db``."""
    return path.name.startswith("._") or not JUNK.isdisjoint(path.parts)


def is_picture(path: PurePosixPath | Path) -> bool:
    """Say whether a file's suffix is that of a picture we can read, and it is no litter."""
    return path.suffix.lower() in PICTURES and not is_junk(path)
