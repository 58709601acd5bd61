"""How alike pictures are in structure, whatever the light, and which are the likest of many."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

Alike = Callable[[np.ndarray, np.ndarray], np.ndarray]  # as ``Likeness``

LEVELS = 480  # a gradient's length in whole numbers; sums over 64 cells stay below 2 ** 24
TOGETHER = 2048  # photos that are compared with as many at once, 16 MB an array
EXACT = (
    16384  # photos of which all pairs are compared, in six seconds; of more only the likely ones
)
LISTS = 4  # lists a photo is in, of those that group the likely ones


class Likeness:
    """How alike the structure of any two pictures is where neither is hidden by people.

    Gradients are rounded to whole numbers, whose sums float32 holds exactly in any order: the
    likeness of two does not depend on which others are asked for with them, nor on the processor.

    Args:
        gradients: ``(64, bins)`` float32 each, as ``images.gradients``; hidden cells are 0.
    """

    def __init__(self, gradients: Sequence[np.ndarray]) -> None:
        count, (self._cells, bins) = len(gradients), np.shape(gradients[0])
        self._seen = np.empty((count, self._cells), bool)
        self._power = np.empty((count, self._cells), np.float32)
        self._flat = np.empty((count, self._cells * bins), np.int16)  # half the memory, as exact
        for first in range(0, count, TOGETHER):
            some = slice(first, first + TOGETHER)
            part = np.asarray(gradients[some])
            centred = np.rint(LEVELS * (part - part.mean(axis=2, keepdims=True)))
            self._seen[some] = part.any(axis=2)
            self._power[some] = (centred**2).sum(axis=2)
            self._flat[some] = centred.reshape(len(part), -1)

    def __call__(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return ``(len(rows), len(columns))`` float32, cosine -1..1.

        It is 0 where two pictures share fewer than a quarter of their cells, and -1 of a picture
        with itself, so that it is like no other less.
        """
        seen, theirs = (self._seen[some].astype(np.float32) for some in (rows, columns))
        power = (self._power[rows] @ theirs.T) * (seen @ self._power[columns].T)
        flat, others = (self._flat[some].astype(np.float32) for some in (rows, columns))
        result = flat @ others.T
        result /= np.maximum(np.sqrt(power, out=power), 1.0, out=power)
        result *= seen @ theirs.T >= self._cells / 4
        result[rows[:, None] == columns] = -1
        return result


def likest(alike: Alike, rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``count`` likest of each photo among the others; of equal ones the first.

    Of up to ``EXACT`` photos every pair is compared. Of more only those that are both like one of
    some photos spread over the whole, of four times the root of their number: the time then grows
    with the power 1.5 of the number. What is compared is compared exactly, and the answer is
    always the same.

    Args:
        alike: as ``Likeness``.
        rows: ``(N,)`` int, ascending, which photos there are.
        count: 1 or more.

    Returns:
        ``(N, count)`` int of ``rows``, the likest first, and float32, how alike they are; -1 and
        minus infinity where there are not as many.

    Source:
        Jegou, Douze and Schmid, "Product quantization for nearest neighbor search", PAMI 2011,
        section 4: inverted lists of a coarse quantiser, several a point; photos themselves are
        its centres here.
    """
    if len(rows) <= EXACT:
        return _likest(alike, rows, count)
    near = np.full((len(rows), LISTS * count), -1, np.intp)
    values = np.full((len(rows), LISTS * count), -np.inf, np.float32)
    room = np.zeros(len(rows), np.intp)  # how much of each photo's row is taken
    for inside in _lists(alike, rows):
        found, how = _likest(alike, rows[inside], count)
        place = (inside[:, None], room[inside, None] + np.arange(count))
        near[place], values[place] = found, how
        room[inside] += count
    order = np.argsort(near, axis=1, kind="stable")
    near, values = (np.take_along_axis(each, order, axis=1) for each in (near, values))
    values[:, 1:][near[:, 1:] == near[:, :-1]] = -np.inf  # found in another list as well
    columns, values = largest(values, count)
    near = np.take_along_axis(near, columns, axis=1)
    return np.where(np.isneginf(values), -1, near), values


def _lists(alike: Alike, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield groups of places in ``rows``, ascending, of at most ``TOGETHER`` photos likely alike.

    Every photo is in as many as ``LISTS``: with those of the centres that it is likest to.
    """
    centres = np.unique(np.linspace(0, len(rows) - 1, round(4 * len(rows) ** 0.5)).astype(np.intp))
    lists = min(LISTS, len(centres))
    chosen = np.empty((len(rows), lists), np.intp)
    for first in range(0, len(rows), TOGETHER):
        some = np.arange(first, min(len(rows), first + TOGETHER))
        how = alike(rows[some], rows[centres])
        how[some[:, None] == centres] = np.inf  # a centre is in its own list
        chosen[some] = largest(how, lists)[0]
    order = np.argsort(chosen.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(chosen.ravel(), minlength=len(centres)))
    for inside in np.split(order // lists, ends[:-1]):
        for first in range(0, len(inside), TOGETHER):
            yield inside[first : first + TOGETHER]


def _likest(alike: Alike, rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what ``likest`` does; every pair is compared once, and counts for both."""
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
