"""Batches made ahead of the step that wants them, on threads, in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(make: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """Yield ``make(item)`` of each item, in order, while the next ones are being made.

    Args:
        make: leaves the interpreter to others while it works, as OpenCV and NumPy do; the result
            may not depend on the thread or the moment.
        items: looked at as they are needed.
        threads: at work; twice as many results are held at most.
    """
    left = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque(pool.submit(make, item) for item in islice(left, 2 * threads))
        try:
            while waiting:
                done = waiting.popleft()
                yield done.result()
                waiting.extend(pool.submit(make, item) for item in islice(left, 1))
        finally:
            for future in waiting:
                future.cancel()
