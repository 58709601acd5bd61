"""The one seam through which work on many images goes; no step knows where it runs."""

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Annotated, Literal, TypeVar

from msgspec import Meta

from pipeline import copies
from pipeline.errors import PipelineError
from pipeline.params import Params

Item = TypeVar("Item")
Result = TypeVar("Result")
Framework = Literal["", "tensorflow", "torch"]

TOGETHER = 16  # items that a worker takes at once, so that handing them over costs nothing
SENT = 128  # items that are sent to a cluster at once, which costs some milliseconds;
SLOW = 16  # of heavy work, which takes longer


class ComputeParams(Params):
    """Where per-image work runs; results do not depend on it, so no stage declares it."""

    backend: Literal["local", "dask"]
    workers: Annotated[int, Meta(ge=0)]  # at work at a time; 0 = one a core, or all of a cluster
    scheduler: str | None  # tcp://host:port of a Dask scheduler
    patience: Annotated[float, Meta(gt=0)] = 60.0  # seconds that a cluster may be without workers
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
        PipelineError: a worker died, and died again at the same place; or the cluster is gone.
    """
    return list(stream(function, items, compute, title, threads=threads))


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
    return list(stream(function, items, compute, title, size=size, threads=threads))


def stream(  # noqa: PLR0913  # those of some
    function: Callable,
    items: Iterable[Item],
    compute: ComputeParams,
    title: str,
    *,
    size: int = 0,
    threads: bool = False,
) -> Iterator[Result]:
    """Yield what ``each`` returns, or ``some`` if there is a ``size``, as it comes; in order."""
    total = len(items) if isinstance(items, Sized) else None
    if size:
        parts = [items[first : first + size] for first in range(0, len(items), size)]
        done = chain.from_iterable(_run(function, parts, compute, size=size, threads=threads))
    else:
        done = _run(function, items, compute, threads=threads)
    yield from progress(done, title, total)


def heavy(  # noqa: PLR0913  # those of some
    function: Callable[[list[Item]], list[Result]],
    items: Sequence[Item],
    compute: ComputeParams,
    title: str,
    *,
    size: int,
    framework: Framework,
) -> Iterator[Result]:
    """Yield what ``some`` returns, as it comes, of work whose framework has threads of its own.

    Here it is done by this process, one part after the other. On a cluster each worker does it in
    a process that has loaded this framework and not the other, and does this work only: what
    ``function`` keeps after a part, such as a network, is there at the next one.

    Args:
        function: of ``size`` items, always the same ones together, since a framework's sums may
            depend on that; pure and picklable.
        items: small and picklable.
        compute: where to run.
        title: what the progress bar says.
        size: 1 or more.
        framework: what the function imports.

    Raises:
        ParamsError, PipelineError: as ``each``.
    """
    parts = [items[first : first + size] for first in range(0, len(items), size)]
    if compute.backend == "local":
        done = map(function, parts)
    else:
        done = _on_cluster(function, parts, compute, SLOW // size, framework)
    yield from progress(chain.from_iterable(done), title, len(items))


@contextmanager
def ahead(function: Callable[[], Result], compute: ComputeParams) -> Iterator[Callable[[], Result]]:
    """Begin work elsewhere, so that this process can load and read meanwhile.

    Yields:
        What waits for the result. Elsewhere is a copy of this process, or the cluster. Where a
        process cannot safely be split in two, because it has threads or the system is not Linux,
        or work is to be on one core, it does the work itself; so it does if the copy fails, and
        then raises what there is to raise.
    """
    if compute.backend == "dask":
        from pipeline import cluster  # noqa: PLC0415  # as below

        with cluster.begun(function) as waiting:
            yield waiting
    elif (compute.workers or cores()) == 1 or not copies.can_split():
        yield function
    else:
        with copies.begun(function) as waiting:
            yield waiting


def _run(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    compute: ComputeParams,
    *,
    size: int = 1,
    threads: bool,
) -> Iterator[Result]:
    workers = compute.workers or cores()
    if compute.backend == "dask":
        yield from _on_cluster(function, items, compute, SENT // size)
    elif workers == 1:
        yield from map(function, items)
    elif threads:
        yield from _on_threads(function, list(items), workers)
    elif copies.can_split():
        yield from _to_the_end(partial(_on_copies, function, workers=workers), list(items))
    else:
        yield from _to_the_end(partial(_on_processes, function, workers=workers), list(items))


def _on_cluster(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    compute: ComputeParams,
    most: int,
    framework: Framework = "",
) -> Iterator[Result]:
    from pipeline import cluster  # noqa: PLC0415  # a light run must not load a cluster's code

    work = partial(_all, function)
    for done in cluster.each(work, items, compute, max(1, most), framework):
        yield from done


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
    threads: list[int] = []
    begin = partial(_note_thread, threads)
    try:
        with ThreadPoolExecutor(workers, initializer=begin) as pool:
            for done in pool.map(partial(_all, function), _parts(items, workers)):
                yield from done
    finally:  # a copy of this process may be made next, whatever happened
        copies.wait_for_threads(threads)


def _note_thread(threads: list[int]) -> None:
    threads.append(threading.get_native_id())


def _on_copies(
    function: Callable[[Item], Result], items: list[Item], workers: int
) -> Iterator[Result]:
    for done in copies.each(partial(_all, function), _parts(items, workers), workers):
        yield from done


def _parts(items: list[Item], workers: int) -> list[list[Item]]:
    size = max(1, min(TOGETHER, len(items) // (4 * workers)))
    return [items[first : first + size] for first in range(0, len(items), size)]


def _all(function: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    return [*map(function, items)]


def _on_processes(
    function: Callable[[Item], Result], items: list[Item], workers: int
) -> Iterator[Result]:
    import joblib  # noqa: PLC0415  # threads need none of it, and it takes 0.1 s to load

    work = (joblib.delayed(function)(item) for item in items)
    # Linux ends them with the thread that starts them, and only the main one is there to the end.
    main = threading.current_thread() is threading.main_thread()
    begin = {"initializer": copies.follow, "initargs": (os.getpid(),)} if main else {}
    with joblib.parallel_config(backend="loky", n_jobs=workers, **begin):
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
