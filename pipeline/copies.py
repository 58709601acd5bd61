"""[process] Work in copies of this process: unlike a new one, a copy has loaded all it needs."""

import ctypes
import gc
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn, TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # mallopt's names for its settings, malloc.h
DEATH_SIGNAL = 1  # prctl's name for it, PR_SET_PDEATHSIG of sys/prctl.h
KEPT = 1 << 28  # bytes
TASK = "/proc/self/task/{}"  # is there while a thread is
LOOKS = 10_000  # whether threads are gone, most often at the first
BETWEEN = 0.0005  # seconds


def can_split() -> bool:
    """Return whether this process can safely be split in two, which starts at once.

    On other systems it cannot; threads, and with them whatever they hold, would be missing.
    """
    heavy = {"tensorflow", "torch"} & set(sys.modules)
    return sys.platform == "linux" and threading.active_count() == 1 and not heavy


@contextmanager
def begun(function: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """Begin work in a copy of this process, and yield what waits for the result.

    If the copy fails the work is done here, and then raises what there is to raise.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _child(function, writing)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            yield lambda: _result(pipe.read()) or function()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _child(function: Callable[[], Result], writing: int) -> NoReturn:
    """Write the result and end, whatever happens, without this program's last words."""
    try:
        content = pickle.dumps(function())
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(content)
    finally:
        os._exit(0)


def _result(content: bytes) -> object:
    try:
        return pickle.loads(content)  # our own
    except (EOFError, pickle.UnpicklingError):  # the process ended before its time
        return None


def each(function: Callable[[Part], Result], parts: list[Part], workers: int) -> Iterator[Result]:
    """Yield ``function`` of each part, in order, done by so many copies of this process.

    Raises:
        BrokenProcessPool: a copy died.
    """
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415  # where it is needed only
    from multiprocessing import get_context  # noqa: PLC0415

    with (
        _one_thread(),
        ProcessPoolExecutor(
            min(workers, len(parts)) or 1, get_context("fork"), _begin, (os.getpid(),)
        ) as pool,
    ):
        yield from pool.map(function, parts)


def _begin(parent: int) -> None:
    follow(parent)
    settle()


def follow(parent: int) -> None:
    """Let this process end when the one that started it does, however that ends; on Linux.

    A worker whose parent was killed would else wait for work, and hold its memory, for ever.
    """
    with suppress(AttributeError, OSError):  # another system
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it was quicker
        os._exit(1)


def settle() -> None:
    """Let a process that does one thing over and over keep what it has: objects, freed memory.

    Objects that are not looked through for garbage are not copied. Pictures of one size follow
    each other: handing their memory back after each costs half of the time of measuring them.
    """
    gc.freeze()
    with suppress(AttributeError, OSError):  # another C library than GNU's
        for setting in (TRIM_THRESHOLD, MMAP_THRESHOLD):
            ctypes.CDLL(None).mallopt(setting, KEPT)


def wait_for_threads(threads: list[int]) -> None:
    """Wait until threads that have ended are gone, by their native ids; on Linux.

    Python calls a thread ended when its own work is done, but then native code puts away what it
    kept for it, behind a lock that a copy of this process made at that moment would wait for, for
    ever: OpenCV's, one copy in some hundreds.
    """
    for _ in range(LOOKS):
        if not any(map(os.path.exists, map(TASK.format, threads))):
            return
        threading.Event().wait(BETWEEN)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let OpenCV's threads, if there are any, end: a copy of this process would wait for them."""
    vision = sys.modules.get("cv2")
    threads = vision.getNumThreads() if vision else 1
    if threads > 1:
        vision.setNumThreads(1)
    try:
        yield
    finally:
        if threads > 1:
            vision.setNumThreads(threads)
