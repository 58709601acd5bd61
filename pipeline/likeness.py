"""How alike pictures are in structure, whatever the light, and which are the likest of many."""

from collections.abc import Callable

import numpy as np

Alike = Callable[[np.ndarray, np.ndarray], np.ndarray]  # as ``Likeness``

LEVELS = 480  # a gradient's length in whole numbers; sums over 64 cells stay below 2 ** 24
TOGETHER = 2048  # photos that are compared with as many at once, 16 MB an array


class Likeness:
    """How alike the structure of any two pictures is where neither is hidden by people.

    Gradients are rounded to whole numbers, whose sums float32 holds exactly in any order: the
    likeness of two does not depend on which others are asked for with them, nor on the processor.

    Args:
        gradients: ``(N, 64, bins)`` float32, as ``images.gradients``; hidden cells are 0.
    """

    def __init__(self, gradients: np.ndarray) -> None:
        count, self._cells, _ = gradients.shape
        centred = np.rint(LEVELS * (gradients - gradients.mean(axis=2, keepdims=True)))
        self._seen = gradients.any(axis=2).astype(np.float32)
        self._power = (centred**2).sum(axis=2)
        self._flat = centred.reshape(count, -1)

    def __call__(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return ``(len(rows), len(columns))`` float32, cosine -1..1.

        It is 0 where two pictures share fewer than a quarter of their cells, and -1 of a picture
        with itself, so that it is like no other less.
        """
        seen, theirs = self._seen[rows], self._seen[columns].T
        power = (self._power[rows] @ theirs) * (seen @ self._power[columns].T)
        result = self._flat[rows] @ self._flat[columns].T
        result /= np.maximum(np.sqrt(power, out=power), 1.0, out=power)
        result *= seen @ theirs >= self._cells / 4
        result[rows[:, None] == columns] = -1
        return result


def likest(alike: Alike, rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``count`` likest of each photo among the others; of equal ones the first.

    Every pair is compared once, and counts for both.

    Args:
        alike: as ``Likeness``.
        rows: ``(N,)`` int, ascending, which photos there are.
        count: 1 or more.

    Returns:
        ``(N, count)`` int of ``rows``, the likest first, and float32, how alike they are; -1 and
        minus infinity where there are not as many.
    """
    near = np.full((len(rows), count), -1, np.intp)
    values = np.full((len(rows), count), -np.inf, np.float32)

    def add(some: slice, others: slice, block: np.ndarray) -> None:
        columns, best = largest(block, count)
        known = np.hstack([near[some], rows[others][columns]])
        columns, values[some] = largest(np.hstack([values[some], best]), count)
        near[some] = np.take_along_axis(known, columns, axis=1)

    blocks = [slice(start, start + TOGETHER) for start in range(0, len(rows), TOGETHER)]
    for place, some in enumerate(blocks):
        for others in blocks[place:]:
            block = alike(rows[some], rows[others])
            if others != some:
                add(others, some, block.T.copy())
            add(some, others, block)
    return np.where(np.isneginf(values), -1, near), values


def largest(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and values of the ``count`` largest of each row, the largest first.

    Of equal ones the first counts. Fewer columns give fewer. ``values`` is changed.
    """
    count = min(count, values.shape[1])
    columns = np.empty((len(values), count), np.intp)
    found = np.empty((len(values), count), values.dtype)
    for place in range(count):
        best = values.argmax(axis=1)[:, None]
        columns[:, place] = best[:, 0]
        found[:, place] = np.take_along_axis(values, best, axis=1)[:, 0]
        np.put_along_axis(values, best, -np.inf, axis=1)
    return columns, found
