"""The one seam through which work on many images goes; no step knows where it runs."""

import ctypes
import gc
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from typing import Literal, NoReturn, TypeVar

from pipeline.errors import ParamsError, PipelineError
from pipeline.params import Params

Item = TypeVar("Item")
Result = TypeVar("Result")

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # mallopt's names for its settings, malloc.h
DEATH_SIGNAL = 1  # prctl's name for it, PR_SET_PDEATHSIG of sys/prctl.h
KEPT = 1 << 28  # bytes
TOGETHER = 16  # items that a worker takes at once, so that handing them over costs nothing


class ComputeParams(Params):
    """Where per-image work runs; results do not depend on it, so no stage declares it."""

    backend: Literal["local", "dask"]
    workers: int  # processes; 0 = one a core
    scheduler: str | None  # tcp://host:port of a Dask scheduler
    cache: str = ""  # folder of what was measured before; none = measure everything


def each(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    compute: ComputeParams,
    title: str,
    *,
    threads: bool = False,
) -> list[Result]:
    """Return ``[function(item) for item in items]``, in order, on every worker.

    Args:
        function: pure and picklable; it reads its own files and returns something small.
        items: small and picklable.
        compute: where to run.
        title: what the progress bar says.
        threads: local workers are threads, which start at once, where processes take a second;
            for work that native code does, which lets other threads run meanwhile.

    Raises:
        ParamsError: the backend is ``dask`` and no scheduler is named.
        PipelineError: a worker died, and died again at the same place.
    """
    total = len(items) if isinstance(items, Sized) else None
    return list(progress(_run(function, items, compute, threads=threads), title, total))


def some(  # noqa: PLR0913  # those of each, and how many
    function: Callable[[list[Item]], list[Result]],
    items: Sequence[Item],
    compute: ComputeParams,
    title: str,
    *,
    size: int,
    threads: bool = True,
) -> list[Result]:
    """Return what ``each`` does, for a function that is faster on ``size`` items together."""
    parts = [items[first : first + size] for first in range(0, len(items), size)]
    done = chain.from_iterable(_run(function, parts, compute, threads=threads))
    return list(progress(done, title, len(items)))


@contextmanager
def ahead(function: Callable[[], Result], compute: ComputeParams) -> Iterator[Callable[[], Result]]:
    """Begin work in a process of its own, so that this one can load and read meanwhile.

    Yields:
        What waits for the result. Where a process cannot safely be split in two, because it has
        threads or the system is not Linux, or work is to be on one core or a cluster, it does the
        work itself; so it does if the other process fails, and then raises what there is to raise.
    """
    if compute.backend != "local" or (compute.workers or cores()) == 1 or not _can_split():
        yield function
        return
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


def _can_split() -> bool:
    """Return whether this process can safely be split in two, which starts at once.

    On other systems it cannot; threads, and with them whatever they hold, would be missing.
    """
    heavy = {"tensorflow", "torch"} & set(sys.modules)
    return sys.platform == "linux" and threading.active_count() == 1 and not heavy


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


def _run(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    compute: ComputeParams,
    *,
    threads: bool,
) -> Iterator[Result]:
    workers = compute.workers or cores()
    if compute.backend == "local" and workers == 1:
        yield from map(function, items)
    elif compute.backend == "local" and threads:
        yield from _on_threads(function, list(items), workers)
    elif compute.backend == "local" and _can_split():
        yield from _to_the_end(partial(_on_copies, function, workers=workers), list(items))
    else:
        run = partial(_on_processes, function, compute=compute, workers=workers)
        yield from _to_the_end(run, list(items))


def _to_the_end(
    run: Callable[[list[Item]], Iterator[Result]], items: list[Item]
) -> Iterator[Result]:
    """Yield what ``run`` does, beginning anew where a worker process died.

    Pure work may be done again: the system ends the largest process when memory is short.

    Raises:
        PipelineError: a worker died again before anything more was done.
    """
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415  # joblib's is one

    done, died_at = 0, -1
    while True:
        try:
            for result in run(items[done:]):
                yield result
                done += 1
        except BrokenProcessPool as error:
            if died_at == done:
                raise PipelineError(
                    f"a worker died twice at the same place ({done} of {len(items)} done), most "
                    "likely for want of memory; close other programs, or set compute.workers lower"
                ) from error
            died_at = done
        else:
            return


def _on_threads(
    function: Callable[[Item], Result], items: list[Item], workers: int
) -> Iterator[Result]:
    with ThreadPoolExecutor(workers) as pool:
        for done in pool.map(partial(_all, function), _parts(items, workers)):
            yield from done


def _on_copies(
    function: Callable[[Item], Result], items: list[Item], workers: int
) -> Iterator[Result]:
    """Work in copies of this process: unlike a new one, a copy has loaded all it needs."""
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415  # where it is needed only
    from multiprocessing import get_context  # noqa: PLC0415

    parts = _parts(items, workers)
    with (
        _one_thread(),
        ProcessPoolExecutor(
            min(workers, len(parts)) or 1, get_context("fork"), _settle, (os.getpid(),)
        ) as pool,
    ):
        for done in pool.map(partial(_all, function), parts):
            yield from done


def follow(parent: int) -> None:
    """Let this process end when the one that started it does, however that ends; on Linux.

    A worker whose parent was killed would else wait for work, and hold its memory, for ever.
    """
    with suppress(AttributeError, OSError):  # another system
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it was quicker
        os._exit(1)


def _settle(parent: int) -> None:
    """Let a copy of this process keep what it has: shared objects, and memory that it freed.

    Objects that are not looked through for garbage are not copied. Pictures of one size follow
    each other: handing their memory back after each costs half of the time of measuring them.
    """
    follow(parent)
    gc.freeze()
    with suppress(AttributeError, OSError):  # another C library than GNU's
        for setting in (TRIM_THRESHOLD, MMAP_THRESHOLD):
            ctypes.CDLL(None).mallopt(setting, KEPT)


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


def _parts(items: list[Item], workers: int) -> list[list[Item]]:
    size = max(1, min(TOGETHER, len(items) // (4 * workers)))
    return [items[first : first + size] for first in range(0, len(items), size)]


def _all(function: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    return [*map(function, items)]


def _on_processes(
    function: Callable[[Item], Result], items: list[Item], compute: ComputeParams, workers: int
) -> Iterator[Result]:
    import joblib  # noqa: PLC0415  # threads need none of it, and it takes 0.1 s to load

    work = (joblib.delayed(function)(item) for item in items)
    with _backend(compute, workers):
        yield from joblib.Parallel(return_as="generator", batch_size="auto")(work)


def cores() -> int:
    """Return how many of the machine's processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux alone knows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def progress(items: Iterable[Item], title: str, total: int | None = None) -> Iterable[Item]:
    """Pass items on while a bar on the terminal counts them; silent where there is no terminal."""
    if not sys.stderr.isatty():
        return items
    from tqdm import tqdm  # noqa: PLC0415  # a run without a terminal need not load it

    tqdm.monitor_interval = (
        0  # its thread, of no use here, would keep this process from being split
    )
    return tqdm(items, desc=title, total=total, unit="image", leave=False)


@contextmanager
def _backend(compute: ComputeParams, workers: int) -> Iterator[None]:
    import joblib  # noqa: PLC0415  # as above

    if compute.backend == "local":
        with joblib.parallel_config(backend="loky", n_jobs=workers):
            yield
        return
    if not compute.scheduler:
        raise ParamsError(
            "compute.backend is dask but compute.scheduler is empty; "
            "give the scheduler's address, such as tcp://127.0.0.1:8786"
        )
    from distributed import Client  # noqa: PLC0415  # a light run must not load a cluster's code

    with Client(compute.scheduler), joblib.parallel_config(backend="dask", n_jobs=-1):
        yield
