"""Work in a process of its own, so that TensorFlow and PyTorch never share one."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar

from pipeline import copies
from pipeline.errors import PipelineError

Given = ParamSpec("Given")
Item = TypeVar("Item")
Result = TypeVar("Result")


def apart(work: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """Return ``work(*given, **named)``, done in a fresh process.

    Args:
        work: a function of a module; it imports its framework itself.
        given: picklable.
        named: picklable.

    Raises:
        PipelineError: the process raised one, or died.
    """
    context = get_context("spawn")
    with ProcessPoolExecutor(1, context, copies.follow, (os.getpid(),)) as pool:
        try:
            return pool.submit(work, *given, **named).result()
        except BrokenProcessPool as error:
            raise _died(work) from error


def each_apart(
    work: Callable[[list[Item], object], Iterable[Item]],
    items: list[Item],
    given: object,
    lost: Callable[[Item, str], Item],
) -> list[Item]:
    """Return what ``work(items, given)`` yields, done in a fresh process that may die on an item.

    The system ends a process that wants more memory than there is. The item that it was at is then
    tried once more alone, since what was read ahead may have been too much; if that process dies
    too, the item is lost, and another process goes on with the rest.

    Args:
        work: a function of a module that yields one result an item, in order.
        items: picklable, as ``given`` and the results are.
        given: what ``work`` needs besides.
        lost: makes an item's result out of it and a message.

    Raises:
        PipelineError: the work raised one, or its process dies whatever it is given.
    """
    done: list[Item] = []
    sound = False  # whether a process lives as long as it is given nothing to do
    while len(done) < len(items):
        results, _ = _until_death(work, items[len(done) :], given)
        done += results
        if len(done) == len(items):
            break
        item = items[len(done)]
        alone, _ = _until_death(work, [item], given)
        if not alone and not done and not sound:
            _, sound = _until_death(work, [], given)
            if not sound:
                raise _died(work)
        done += alone or [lost(item, str(_died(work)))]
    return done


def _until_death(
    work: Callable[[list[Item], object], Iterable[Item]], items: list[Item], given: object
) -> tuple[list[Item], bool]:
    """Return the results of a process, all of them or those before it died, and if it lived."""
    context = get_context("spawn")
    reading, writing = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(writing, work, items, given), daemon=True)
    process.start()
    writing.close()  # or the end of the other process would not be seen
    try:
        results = list(_told(reading))
    finally:
        reading.close()
        process.join()
    return results, process.exitcode == 0


def _told(reading: Connection) -> Iterator[Item]:
    while True:
        try:
            result, error = reading.recv()
        except (EOFError, OSError):
            return
        if error is not None:
            raise error
        yield result


def _tell(
    writing: Connection,
    work: Callable[[list[Item], object], Iterable[Item]],
    items: list[Item],
    given: object,
) -> None:
    """Send each result as soon as it is there, or what was raised."""
    try:
        for result in work(items, given):
            writing.send((result, None))
    except PipelineError as error:
        writing.send((None, error))


def _died(work: Callable) -> PipelineError:
    return PipelineError(
        f"{work.__name__} died, most likely for want of memory; close other programs, "
        "or give smaller pictures"
    )
