"""[disk] A file, or a folder, that is there whole or not at all, whatever happens meanwhile."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import TableError


@contextmanager
def whole(path: Path, *, table: bool = False) -> Iterator[Path]:
    """Give a neighbour to write, which takes ``path``'s place at the end; else nothing of it stays.

    Args:
        path: of the file; its folder is made.
        table: the neighbour may also be made a folder, and may follow one: a table has both forms.

    Raises:
        TableError: ``path`` is a folder, and not one that a table is kept in.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path, "part")
    try:
        yield beside
        if table and (beside.is_dir() or path.is_dir()):
            _swap(beside, path)
        else:
            beside.replace(path)
    except OSError as error:
        # Of a full disk Python does not say where.
        if error.filename is None or str(error.filename).startswith(str(beside)):
            error.filename = str(path)
        raise
    finally:  # a disk that is full needs the room
        _remove(beside)


def member(path: Path) -> Path:
    """Return the one file of a table that is a folder: ``images.csv/images.parquet``."""
    return path / f"{path.stem}.parquet"


def _beside(path: Path, suffix: str) -> Path:
    """Return a hidden neighbour's name, of 255 bytes at most, as a name may have."""
    start = path.name.encode("utf-8", "surrogatepass")[:100].decode("utf-8", "ignore")
    return path.with_name(f".{start}.{os.getpid()}.{suffix}")


def _swap(beside: Path, path: Path) -> None:
    """Rename a file over a folder or the other way round, which no system does in one step."""
    if path.is_dir():
        strange = sorted({one.name for one in path.iterdir()} - {member(path).name})
        if strange:
            raise TableError(f"{path} is a folder of other files, {strange[0]}; move it away")
    aside = _beside(path, "old")
    _remove(aside)
    if path.exists():
        path.rename(aside)
    try:
        beside.rename(path)
    except OSError:
        if aside.exists():
            aside.rename(path)
        raise
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
