"""[process] Who does the work beside a worker of a cluster: a process such as a stage itself is.

A worker of Dask has been started by somebody else: in another folder, with NumPy and its choice of
instructions long loaded, and for months perhaps, while code and packages change on the disk. So it
only hands work on, to a process that was begun for this run: in the driver's folder and
environment, with the code as it is now. It speaks through pipes, and ends with whoever began it.
"""

import hashlib
import os
import pickle
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import BinaryIO, NoReturn

from pipeline import copies
from pipeline.errors import PipelineError

IDLE = 120  # seconds without work after which it ends: a network that nobody asks holds memory
LEFT = 75  # its exit status then, "try again" of sysexits.h
# What the results of work depend on, by the names of the package index; versions must be the same.
LIBRARIES = (
    *("ai-edge-litert", "msgspec", "numpy", "opencv-python", "opencv-python-headless", "pandas"),
    *("pillow", "pycocotools", "scikit-image", "shapely", "simplejpeg"),
)
FRAMEWORKS = ("keras", "safetensors", "tensorflow", "torch")
CODE = {".py", ".safetensors", ".tflite"}
# Instructions by which frameworks choose how to add up, as the kernel names them.
VECTORS = ("amx", "asimd", "avx", "f16c", "fma", "sse4", "sve")


def main() -> None:
    """Say what this process is, then do what is asked for; see ``serve``."""
    with os.fdopen(os.dup(1), "wb") as writing:
        os.dup2(2, 1)  # what libraries print is for a person
        serve(sys.stdin.buffer, writing, sys.argv[1])
    os._exit(0)  # at once: frameworks take their time to go


def serve(reading: BinaryIO, writing: BinaryIO, framework: str) -> None:
    """Do the work that comes until none does.

    Args:
        reading: of requests, pickles: digest of a function of a list, the function pickled or None
            if it was sent before, and the list, pickled.
        writing: ``about``, then an answer a request: a pickle of results and None, or of None and
            what was raised.
        framework: that the work brings, "" for none.
    """
    busy = threading.Event()
    threading.Thread(target=_watch, args=(busy, os.getppid()), daemon=True).start()
    _tell(writing, about(framework))
    work = _Work()
    while True:
        try:
            digest, function, items = pickle.load(reading)  # the worker's own
        except EOFError:
            return
        busy.set()
        _tell(writing, work.answer(digest, function, items))
        busy.clear()


class _Work:
    """The function that is asked for, read when it is first."""

    def __init__(self) -> None:
        self._digest, self._content, self._function = b"", b"", None

    def answer(self, digest: bytes, function: bytes | None, items: bytes) -> bytes:
        """Return results and None, pickled, or None and what was raised."""
        if function is not None:
            self._digest, self._content, self._function = digest, function, None
        try:
            return _pickled((self._get(digest)(pickle.loads(items)), None))  # the driver's
        except Exception as error:  # noqa: BLE001  # the driver is told of it, whatever it is
            return pickle.dumps((None, _sendable(error)), -1)

    def _get(self, digest: bytes) -> Callable[[list], list]:
        if digest != self._digest:
            raise RuntimeError("asked for a function that was not sent")
        if self._function is None:
            self._function = pickle.loads(self._content)  # the driver's
            copies.settle()
        return self._function


def _pickled(answer: tuple) -> bytes:
    """Pickle an answer; of what a program's own file defines, the classes with it."""
    try:
        return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001  # whatever pickle stumbles over, the other one may not
        from distributed.protocol.pickle import dumps  # noqa: PLC0415  # it takes half a second

        return dumps(answer)


def _watch(busy: threading.Event, boss: int) -> NoReturn:
    """End this process when the one that began it has ended, or wants nothing for long."""
    idle = 0
    while idle < IDLE and os.getppid() == boss:
        idle = 0 if busy.is_set() else idle + 1
        threading.Event().wait(1)
    os._exit(LEFT)


def _sendable(error: Exception) -> Exception:
    """Return what was raised, or its words if it does not survive the way."""
    if not isinstance(error, PipelineError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # our own
    except Exception:  # noqa: BLE001  # classes that pickle cannot rebuild raise anything
        return RuntimeError("".join(traceback.format_exception(error)))
    return error


def _tell(writing: BinaryIO, message: object) -> None:
    pickle.dump(message, writing, pickle.HIGHEST_PROTOCOL)
    writing.flush()


def about(framework: str) -> dict[str, str]:
    """Return what results depend on besides the work: versions, this project's code, the machine.

    Args:
        framework: that the work brings, "" for none; with one, its version and the processor's
            vector instructions count too.
    """
    names = (*LIBRARIES, *FRAMEWORKS) if framework else LIBRARIES
    facts = {name: _version(name) for name in names}
    facts["python"] = ".".join(platform.python_version_tuple()[:2])
    facts["system"] = f"{platform.system()} {platform.machine()}"
    facts["segment-restore"] = f"code {_code()}"
    if framework:
        facts["processor"] = _vectors()
    return facts


@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


@cache
def _code() -> str:
    """Return a digest of this project's code and of the weights that come with it."""
    whole = hashlib.sha256()
    for folder in (Path(__file__).parent, Path(__file__).parents[1] / "stages"):
        for path in sorted(folder.rglob("*")):
            if path.suffix in CODE:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                name = path.relative_to(folder.parent).as_posix()
                whole.update(f"{name} {content}\n".encode())
    return whole.hexdigest()[:12]


def _vectors() -> str:
    """Return the processor's vector instructions, where the system tells; else nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return " ".join(sorted({flag for flag in flags.split() if flag.startswith(VECTORS)}))
