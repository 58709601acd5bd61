"""Scratch folders of a stage beside what it writes, which its next run clears if it is killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ENDING = ".scratch"  # git and DVC pass such hidden folders over


@contextmanager
def beside(output: Path) -> Iterator[Path]:
    """Lend an empty hidden folder beside an output of this stage, and remove it in the end.

    It is locked while it is lent, and a lock ends with its process however that ends.
    """
    folder, lock = _locked(output)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def clear(output: Path) -> None:
    """Remove the folders that killed runs left beside an output, not those of runs that live."""
    for folder in sorted(output.parent.glob(f".{output.name}.*{ENDING}")):
        lock = _lock(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _locked(output: Path) -> tuple[Path, int]:
    """Make and lock a folder; anew if another run, which clears, was quicker with its lock."""
    output.parent.mkdir(parents=True, exist_ok=True)
    while True:
        made = tempfile.mkdtemp(prefix=f".{output.name}.", suffix=ENDING, dir=output.parent)
        folder = Path(made).resolve()
        lock = _lock(folder)
        if lock is not None and folder.exists():
            return folder, lock
        if lock is not None:
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """Return what holds the lock of a folder; ``None`` if another process does, or it is gone."""
    with suppress(FileNotFoundError, NotADirectoryError):
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
        else:
            return held
    return None
