"""Put right what DVC itself does not notice or cannot read, so that `dvc repro` can go on.

DVC writes dvc.lock and its table of readers and writers in place. Whoever is killed in the midst of
that leaves a part of the file, at which the next `dvc repro` stops with a message about YAML.

DVC also trusts a file of its cache that is write-protected, as all are, without reading it: what a
failing disk made of it would be handed out as the result. Here those that are about to be handed
out are compared with their checksums, and removed if they are others: DVC then builds them anew.

And it writes .gitignore in place, once a stage has run: where the disk was full, the line of an
output may be missing from then on, and Git would take the output for a file of its own.
"""

import fcntl
import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import file_digest  # md5 is DVC's own
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

    cmd: str | list[str]
    deps: list[Entry] = []
    params: dict[str, dict[str, Any]] = {}
    outs: list[Entry] = []


class Lock(msgspec.Struct):
    """What ``dvc.lock`` holds."""

    schema: str
    stages: dict[str, Stage]


class How(msgspec.Struct):
    """How ``dvc.yaml`` says that an output is kept."""

    cache: bool = True


class Planned(msgspec.Struct):
    """What ``dvc.yaml`` says of a stage's outputs; metrics are Git's here."""

    outs: list[str | dict[str, How]] = []


class Plan(msgspec.Struct):
    """What ``dvc.yaml`` says of outputs."""

    stages: dict[str, Planned] = {}


def main(project: Path) -> str:
    """Mend the project in this folder; while DVC is at work in it, nothing is touched."""
    if not (project / ".dvc").is_dir():
        raise PipelineError(f"{project} holds no .dvc: give the folder in which dvc init was run")
    with alone(project / ".dvc/tmp/lock") as free:
        if not free:
            return "DVC is at work here; nothing was looked at"
        said = [*_readers(project / ".dvc/tmp/rwlock"), *_lock(project / "dvc.lock")]
        said += _ignored(project)
        for path in (project / ".dvc/cache/files/md5").glob("**/.*.tmp"):  # DVC tries its links
            path.unlink()
        if gone := missing(project):
            cache = Cache(project)
            found = cleared(cache.of(gone))
            # DVC lays a cached file over one that a stage has just written, too.
            said += found and [*found, *cleared(cache.every())]
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


def missing(project: Path) -> list[str]:
    """Return the checksums of outputs in ``dvc.lock`` that are not there: the cache's to give."""
    path = project / "dvc.lock"
    lock = msgspec.yaml.decode(path.read_bytes(), type=Lock) if path.is_file() else None
    outs = [out for stage in lock.stages.values() for out in stage.outs] if lock else []
    gone = [out.md5 for out in outs if not (project / out.path).exists()]
    return [digest for digest in gone if digest is not UNSET]


class Cache:
    """DVC's cache of a project, wherever its settings say that it is."""

    def __init__(self, project: Path) -> None:
        from dvc.repo import Repo  # noqa: PLC0415  # takes a second, and is seldom needed

        self._local = Repo(str(project)).cache.local

    def every(self) -> list[Path]:
        """Return all files that are kept."""
        return sorted(Path(self._local.path).glob("[0-9a-f][0-9a-f]/*"))

    def of(self, outs: Iterable[str]) -> list[Path]:
        """Return the files of outputs, by their checksums, and those of folders' contents."""
        found = [Path(self._local.oid_to_path(digest)) for digest in outs]
        for listing in [path for path in found if path.suffix == ".dir" and _is_whole(path)]:
            rows = json.loads(listing.read_bytes()) if listing.is_file() else []
            found += [Path(self._local.oid_to_path(row["md5"])) for row in rows]
        return sorted(set(found))


def cleared(paths: list[Path]) -> list[str]:
    """Remove those files of the cache whose content is another; return what there is to say."""
    with ThreadPoolExecutor() as pool:  # hashing lets other threads run
        sound = list(pool.map(_is_whole, paths))
    damaged = [path for path, is_sound in zip(paths, sound, strict=True) if not is_sound]
    for path in damaged:
        path.unlink()
    if not damaged:
        return []
    return [
        f"{len(damaged)} damaged files of DVC's cache are removed, to be built anew: "
        + ", ".join(map(str, damaged[:3]))
    ]


def _is_whole(path: Path) -> bool:
    """Return whether a file of the cache is what its name says; one that is missing is no lie."""
    if not path.is_file():
        return True
    with path.open("rb") as file:
        return file_digest(file, "md5").hexdigest() == path.parent.name + path.stem


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


def _ignored(project: Path) -> Iterator[str]:
    """Give each cached output that is there, and that Git does not ignore, its line."""
    try:
        plan = msgspec.yaml.decode((project / "dvc.yaml").read_bytes(), type=Plan)
    except (FileNotFoundError, msgspec.DecodeError, msgspec.ValidationError):
        return  # DVC says what is wrong with it
    named = [
        out if isinstance(out, dict) else {out: How()}
        for stage in plan.stages.values()
        for out in stage.outs
    ]
    kept = [name for one in named for name, how in one.items() if how.cache]
    there = [name for name in kept if (project / name).exists()]
    for out in map(project.joinpath, _not_ignored(project, there)):
        file = out.with_name(".gitignore")
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        end = "\n" if text and not text.endswith("\n") else ""
        store.write_bytes(file, f"{text}{end}/{out.name}\n".encode())
        yield f"{file} had lost its line of {out.name}, which is there again"


def _not_ignored(project: Path, names: list[str]) -> list[str]:
    """Return those paths that Git would take for its own; none where there is no Git."""
    words = ["git", "check-ignore", "--no-index", "-z", "--stdin"]
    try:
        done = subprocess.run(  # the words are ours
            words, cwd=project, input="\0".join(names).encode(), capture_output=True, check=False
        )
    except FileNotFoundError:
        return []
    ignored = set(done.stdout.decode().split("\0"))
    return [name for name in names if name not in ignored] if done.returncode in {0, 1} else []


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
def alone(path: Path) -> Iterator[bool]:
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
