"""[disk] Measurements that are kept: the same picture is measured once by the same code.

A result is found by a key, the SHA-256 of everything it depends on: the picture's bytes, what else
the function is given, the source of all modules the function uses, and the libraries' versions. So
nothing has to be cleared, ever. Results do not depend on what is kept: an entry that is damaged,
or a file that is no database, is as good as none, and a folder that cannot be written is passed
over. Writers of several processes are kept apart by SQLite.
"""

import ast
import hashlib
import importlib
import importlib.util
import inspect
import platform
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from pipeline import parallel
from pipeline.parallel import ComputeParams

Item = TypeVar("Item")

FILE = "measurements.sqlite"
MOST = 1 << 30  # bytes of results that are kept, some 250,000 photos; the longest unused go first
BLOCK = 2048  # items after which results are written, so that a run that is killed keeps most
FEW = 16  # items that are measured, one by one, before other processes have started
ASKED = 500  # keys a query; SQLite takes 999 at least
PATIENCE = 10.0  # seconds to wait for another process that writes
MARK = 16  # bytes of the checksum before each result
LIBRARIES = ("numpy", "opencv-python", "opencv-python-headless", "pillow", "shapely", "simplejpeg")
SCHEMA = """
create table if not exists kept (key blob primary key, result blob not null);
create table if not exists used (key blob primary key, turn integer not null, size integer not null)
without rowid;
"""


class Memory:
    """What is kept in one folder; an empty name keeps nothing.

    Args:
        folder: ``compute.cache``; ``~`` is the home folder.
        function: whose results these are; a change of its code, or of code it uses, forgets them.
        kind: the results' type, as ``msgspec`` knows types; arrays are ``numpy.ndarray``.
        size: if not 0, the function takes and gives lists, of so many at most.
    """

    def __init__(self, folder: str, function: Callable, kind: object, size: int = 0) -> None:
        self._function = function
        self._size = size
        self._path = Path(folder).expanduser() / FILE if folder else None
        self._origin = b""
        try:
            self._origin = _origin(function) if folder else b""
        except OSError:  # installed without its source, so a change of code would not be noticed
            self._path = None
        self._decoder = msgspec.msgpack.Decoder(kind, dec_hook=_array)

    def each(
        self,
        items: Sequence[Item],
        digests: Sequence[bytes],
        compute: ComputeParams,
        title: str,
        *,
        threads: bool = False,
    ) -> list:
        """Return what ``parallel.each`` does, measuring only what is not known yet.

        Args:
            items: as of ``parallel.each``.
            digests: of all that each item's result depends on; empty = measure in any case.
            compute: where to run.
            title: what the progress bar says.
            threads: as of ``parallel.each``.
        """
        known = self.get(digests)
        self.put({}, list(known))
        missing = [row for row, digest in enumerate(digests) if digest not in known]
        few = compute.backend == "local" and len(missing) <= FEW
        where = msgspec.structs.replace(compute, workers=1) if few else compute
        fresh = [items[row] for row in missing]
        results = parallel.stream(
            self._function, fresh, where, title, size=self._size, threads=threads
        )
        done: dict[int, object] = {}
        for start in range(0, len(missing), BLOCK):
            rows = missing[start : start + BLOCK]
            done |= zip(rows, results, strict=False)  # which has more than this block's
            self.put({digests[row]: done[row] for row in rows})
        return [done[row] if row in done else known[digest] for row, digest in enumerate(digests)]

    def get(self, digests: Sequence[bytes]) -> dict[bytes, object]:
        """Return what is known, by the digest of what it was made from."""
        keys = {key: digest for key, digest in self._keys(digests)}
        known: dict[bytes, object] = {}

        def look(base: sqlite3.Connection) -> None:
            for key, result in _select(base, list(keys)):
                with suppress(ValueError, TypeError):  # msgspec's errors are ValueErrors
                    known[keys[key]] = self._decode(key, result)

        self._with(look)
        return known

    def put(self, new: dict[bytes, object], again: Sequence[bytes] = ()) -> None:
        """Keep new results, and note which older ones were of use ``again``."""
        rows = [(key, self._encode(key, new[digest])) for key, digest in self._keys(new)]
        touched = [key for key, _ in self._keys(again)]
        if rows or touched:
            self._with(lambda base: _write(base, rows, touched))

    def _keys(self, digests: Sequence[bytes] | dict) -> list[tuple[bytes, bytes]]:
        return [(self._key(digest), digest) for digest in digests if digest]

    def _key(self, digest: bytes) -> bytes:
        return hashlib.sha256(self._origin + digest).digest()

    def _encode(self, key: bytes, result: object) -> bytes:
        text = msgspec.msgpack.encode(result, enc_hook=_plain)
        return _mark(key, text) + text

    def _decode(self, key: bytes, result: bytes) -> object:
        mark, text = result[:MARK], result[MARK:]
        if mark != _mark(key, text):
            raise ValueError("damaged")
        return self._decoder.decode(text)

    def _with(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Do some work on the database; where it cannot be done, it is as if nothing were kept."""
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, PATIENCE, isolation_level=None)) as base:
                base.execute("pragma synchronous = off")  # what a power cut spoils is begun anew
                base.executescript(SCHEMA)
                work(base)
        except (sqlite3.OperationalError, OSError):  # locked for too long, read-only, full
            pass
        except sqlite3.DatabaseError:  # no database, or a damaged one
            for path in (self._path.with_name(f"{FILE}-journal"), self._path):
                with suppress(OSError):
                    path.unlink()


def digests(
    digest: Callable[[Item], bytes], items: Sequence[Item], compute: ComputeParams, title: str
) -> list[bytes]:
    """Return what each item's result depends on, as a digest; empty ones if nothing is kept."""
    if not compute.cache:
        return [b""] * len(items)
    return parallel.each(digest, items, compute, f"{title}: reading", threads=True)


def content(path: Path) -> bytes:
    """Return a file's SHA-256; nothing if it cannot be read, for whoever measures it says so.

    A file that was read before in this process, and which was not written since, is not again.
    """
    try:
        told = path.stat()
        return _content(path, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
    except OSError:
        return b""


@lru_cache(maxsize=1 << 18)
def _content(path: Path, *_: int) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _select(base: sqlite3.Connection, keys: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for start in range(0, len(keys), ASKED):
        some = keys[start : start + ASKED]
        marks = ",".join("?" * len(some))
        yield from base.execute(f"select key, result from kept where key in ({marks})", some)


def _write(base: sqlite3.Connection, rows: list[tuple[bytes, bytes]], again: list[bytes]) -> None:
    base.execute("begin immediate")
    turn = base.execute("select coalesce(max(turn), 0) + 1 from used").fetchone()[0]
    base.executemany("insert or replace into kept values (?, ?)", rows)
    sizes = [(key, turn, len(result)) for key, result in rows]
    base.executemany("insert or replace into used values (?, ?, ?)", sizes)
    touched = [(turn, key) for key in again]
    base.executemany("update used set turn = ? where key = ?", touched)
    _bound(base)
    base.execute("commit")


def _bound(base: sqlite3.Connection) -> None:
    """Forget what was of no use for longest, until ``MOST`` bytes are left."""
    total = base.execute("select coalesce(sum(size), 0) from used").fetchone()[0]
    if total <= MOST:
        return
    gone = []
    for key, size in base.execute("select key, size from used order by turn, key"):
        if total <= MOST:
            break
        gone.append((key,))
        total -= size
    base.executemany("delete from kept where key = ?", gone)
    base.executemany("delete from used where key = ?", gone)


def _mark(key: bytes, text: bytes) -> bytes:
    return hashlib.blake2b(key + text, digest_size=MARK).digest()


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes()
    raise TypeError(f"cannot keep a {type(value).__name__}")


def _array(kind: type, value: object) -> object:
    if kind is not np.ndarray:
        raise TypeError(f"cannot read a {kind}")
    dtype, shape, content = value
    return np.frombuffer(content, np.dtype(dtype)).reshape(shape)


def _origin(function: Callable) -> bytes:
    """Return a digest of the code that a function runs, ours and the libraries'."""
    while hasattr(function, "func"):  # a partial, or what is cached
        function = function.func
    whole = hashlib.sha256(f"{function.__module__}.{function.__qualname__}".encode())
    for name in sorted(_reached(function.__module__)):
        whole.update(f"\0{name}\0{inspect.getsource(importlib.import_module(name))}".encode())
    for name in LIBRARIES:
        whole.update(f"\0{name} {_version(name)}".encode())
    whole.update(platform.machine().encode())
    return whole.digest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # another build of the same library, such as opencv-python
        return ""


@cache
def _reached(name: str) -> frozenset[str]:
    """Return the modules of this package that a module uses, itself included.

    How work is handed around and kept is left out: no result depends on it, and a cluster's code
    cannot be loaded where none is installed.
    """
    reached, waiting = set(), {name}
    while waiting:
        here = waiting.pop()
        reached.add(here)
        waiting |= _imported(here) - reached - {__name__, parallel.__name__}
    return frozenset(reached)


def _imported(name: str) -> set[str]:
    tree = ast.parse(inspect.getsource(importlib.import_module(name)))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipeline"):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {node.module} | {one for one in names if _is_module(one)}
    return found - {"pipeline"}


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a name within a module
        return False
