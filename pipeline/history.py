"""[disk] Earlier versions of what DVC builds: named by git's commits, read from DVC's own cache.

Nothing is fetched: a version that is not in the cache of this machine is not there.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import md5  # DVC's own digest
from pathlib import Path

import msgspec
from dvc.dirs import site_cache_dir
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.scm import resolve_rev
from scmrepo.exceptions import SCMError
from scmrepo.git import Git

from pipeline.errors import PipelineError
from pipeline.whole import member

LOCK = "dvc.lock"
FOLDER = ".dir"  # ends DVC's hash of a folder


@dataclass(frozen=True)
class Commit:
    """One commit of the project's git repository.

    Attributes:
        name: its hash.
        lock: what its ``dvc.lock`` says; empty if it has none that can be read.
    """

    name: str
    lock: dict
    _scm: Git
    _below: Path  # of the project, below the git repository
    _repo: Repo

    def made(self, out: str) -> str | None:
        """Return DVC's hash of an output as it was at this commit."""
        for stage in _stages(self.lock).values():
            for one in _list(stage, "outs"):
                if one.get("path") == out:
                    return one.get("md5")
        return None

    def stage(self, name: str) -> dict:
        """Return what ``dvc.lock`` says of one stage; empty if it had not run."""
        return _stages(self.lock).get(name, {})

    def file(self, out: str) -> Path | None:
        """Return the cached file of an output; None if it is not in the cache.

        Of a folder of one file, as a large table is, it is that file.
        """
        if not (self.made(out) or "").endswith(FOLDER):
            return self._cached(self.made(out) or "")
        files = list((self.files(out) or {}).values())
        return files[0] if len(files) == 1 else None

    def files(self, out: str) -> dict[str, Path] | None:
        """Return name -> cached file of an output folder; None if it is not in the cache."""
        listing = self._cached(self.made(out) or "")
        if listing is None:
            return None
        files = {row["relpath"]: self._cached(row["md5"]) for row in _json(listing)}
        return None if None in files.values() else files

    def read(self, path: Path) -> bytes | None:
        """Return a file of the project as git has it; None if git has none."""
        return _read(self._scm, self.name, self._below / path)

    def table(self, path: Path) -> tuple[bytes, str] | None:
        """Return a table as git has it, in either form, and DVC's hash of it; None without one."""
        content = self.read(path)
        if content is not None:
            return content, md5(content).hexdigest()
        content = self.read(member(path))
        return None if content is None else (content, _listed({member(path).name: content}))

    def _cached(self, digest: str) -> Path | None:
        path = Path(self._repo.cache.local.oid_to_path(digest)) if digest else None
        return path if path and path.is_file() else None


def named(project: Path, revision: str) -> Commit | None:
    """Return the commit of a hash, tag, branch or ``dvc exp`` experiment; None if there is none."""
    try:
        repo = _opened(project)
        if not isinstance(repo.scm, Git):
            return None
        below = project.resolve().relative_to(Path(repo.scm.root_dir).resolve())
        name = resolve_rev(repo.scm, revision)
    except (DvcException, SCMError):
        return None
    content = _read(repo.scm, name, below / LOCK)
    return Commit(name, _yaml(content or b""), repo.scm, below, repo)


def digest(path: Path) -> str:
    """Return DVC's hash of a file, or of a folder: of the sorted list of its files and hashes."""
    if path.is_file():
        return md5(path.read_bytes()).hexdigest()
    files = (one for one in path.rglob("*") if one.is_file())
    return _listed({one.relative_to(path).as_posix(): one.read_bytes() for one in files})


def _listed(files: Mapping[str, bytes]) -> str:
    listed = [{"md5": md5(files[name]).hexdigest(), "relpath": name} for name in sorted(files)]
    return f"{md5(json.dumps(listed, sort_keys=True).encode()).hexdigest()}{FOLDER}"


def commits(project: Path) -> Iterator[Commit]:
    """Yield the commits that led to this state of a project, newest first, by first parents.

    Only those are yielded whose ``dvc.lock`` differs from the one after. There are none without
    git or DVC, in a new repository, and beyond the end of a shallow clone.
    """
    try:
        repo = _opened(project)
        scm = repo.scm
        if not isinstance(scm, Git):
            return
        below = project.resolve().relative_to(Path(scm.root_dir).resolve())
        last = None
        for name in scm.branch_revs("HEAD"):
            content = _read(scm, name, below / LOCK)
            if content is not None and content != last:
                yield Commit(name, _yaml(content), scm, below, repo)
            last = content
    except (DvcException, SCMError, KeyError):  # KeyError: the end of a shallow clone
        return


def _opened(project: Path) -> Repo:
    """Return DVC's view of a project.

    Raises:
        PipelineError: the disk is full on which DVC keeps tables of its own.
    """
    try:
        return Repo(str(project))
    except sqlite3.Error as error:
        raise PipelineError(
            f"DVC cannot write its own tables, most likely in {site_cache_dir()} ({error}); "
            "make room there, and run again: nothing is lost"
        ) from error


def _read(scm: Git, commit: str, path: Path) -> bytes | None:
    try:
        with scm.get_fs(commit).open(path.as_posix(), "rb") as file:
            return file.read()
    except (FileNotFoundError, IsADirectoryError):
        return None


def _yaml(content: bytes) -> dict:
    try:
        lock = msgspec.yaml.decode(content)
    except msgspec.DecodeError:
        return {}
    return lock if isinstance(lock, dict) else {}


def _json(path: Path) -> list[dict]:
    return msgspec.json.decode(path.read_bytes(), type=list[dict])


def _stages(lock: dict) -> dict[str, dict]:
    stages = lock.get("stages")
    return stages if isinstance(stages, dict) else {}


def _list(stage: dict, key: str) -> list[dict]:
    found = stage.get(key)
    return found if isinstance(found, list) else []
