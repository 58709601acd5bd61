"""Put right what a DVC that was killed left half written, so that `dvc repro` can go on.

DVC writes dvc.lock and its table of readers and writers in place. Whoever is killed in the midst of
that leaves a part of the file, at which the next `dvc repro` stops with a message about YAML.
"""

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from pipeline import store
from pipeline.errors import PipelineError
from stages import run

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}(\.dir)?$")]
STAGE = re.compile(r"^  \S+:$", re.MULTILINE)  # a stage's name, as DVC indents it


class Entry(msgspec.Struct):
    """A file or folder in ``dvc.lock``."""

    path: str
    hash: Literal["md5"] | UnsetType = UNSET  # may be missing, but not be there and hold nothing
    md5: Digest | UnsetType = UNSET
    size: int | UnsetType = UNSET
    nfiles: int | UnsetType = UNSET
    isexec: bool | UnsetType = UNSET


class Stage(msgspec.Struct):
    """What ``dvc.lock`` says of a stage."""

    cmd: str
    deps: list[Entry] = []
    params: dict[str, dict[str, Any]] = {}
    outs: list[Entry] = []


class Lock(msgspec.Struct):
    """What ``dvc.lock`` holds."""

    schema: str
    stages: dict[str, Stage]


def main(project: Path) -> str:
    """Mend the project in this folder; while DVC is at work in it, nothing is touched."""
    if not (project / ".dvc").is_dir():
        raise PipelineError(f"{project} holds no .dvc: give the folder in which dvc init was run")
    with _alone(project / ".dvc/tmp/lock") as alone:
        if not alone:
            return "DVC is at work here; nothing was looked at"
        said = [*_readers(project / ".dvc/tmp/rwlock"), *_lock(project / "dvc.lock")]
    return "; ".join(said) or "DVC's files are whole"


def whole(text: str) -> bool:
    """Return whether this is a ``dvc.lock`` that DVC can read."""
    try:
        msgspec.yaml.decode(text.encode(), type=Lock)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return False
    return True


def mended(text: str) -> str:
    """Return the stages of a ``dvc.lock`` that are whole; empty if none is.

    The last stage may have been cut off within a checksum, which nothing shows. DVC takes it from
    its run cache, or runs it again: both give what it had.
    """
    starts = [found.start() for found in STAGE.finditer(text)]
    kept = (text[:start] for start in reversed(starts[1:]))
    return next(filter(whole, kept), "")


def _lock(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    if text is None or whole(text):
        return
    kept = mended(text)
    if kept:
        store.write_bytes(path, kept.encode())
    else:
        path.unlink()
    count = len(STAGE.findall(kept))
    yield f"{path} was half written: {count} stages of it are kept, DVC knows the others' results"


def _readers(path: Path) -> Iterator[str]:
    """Remove the table of who reads and writes, if it is no table: nobody does."""
    try:
        if isinstance(json.loads(path.read_bytes()), dict):
            return
    except FileNotFoundError:
        return
    except ValueError:
        pass
    path.unlink()
    yield f"{path} was half written and is removed"


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Hold DVC's own lock of a project, and say whether it could be had."""
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


if __name__ == "__main__":
    run(main)
