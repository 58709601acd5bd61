"""Which photos show the same place: by file name where names carry it, else by likeness."""

import re
from collections.abc import Callable, Iterator

import numpy as np

from pipeline.errors import ParamsError

Verify = Callable[[int, int], bool]


def by_name(names: list[str], pattern: str) -> list[str]:
    """Return the place that each file name carries, in lower case; "" where it carries none.

    Args:
        names: file names without folders.
        pattern: regular expression, matched at the start; its first group is the place.

    Raises:
        ParamsError: the pattern is no regular expression or has no group.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ParamsError(f"tag.place_pattern is no regular expression: {error}") from error
    if not compiled.groups:
        raise ParamsError("tag.place_pattern has no group; put the place in parentheses")
    found = (compiled.match(name) for name in names)
    return [(match.group(1) or "").lower() if match else "" for match in found]


def likeness(gradients: np.ndarray) -> np.ndarray:
    """Compare the structure of every two pictures where neither is hidden by people.

    Args:
        gradients: ``(N, cells, bins)`` float32, as ``images.gradients``; hidden cells are 0.

    Returns:
        ``(N, N)`` float32, cosine -1..1; 0 where two pictures share fewer than a quarter of
        their cells; the diagonal is -1, so that no picture is like itself.
    """
    count, cells, bins = gradients.shape
    centred = gradients - gradients.mean(axis=2, keepdims=True)
    seen = (np.abs(gradients).sum(axis=2) > 0).astype(np.float32)
    power = (centred**2).sum(axis=2)
    product = centred.reshape(count, cells * bins) @ centred.reshape(count, cells * bins).T
    scale = np.sqrt((power @ seen.T) * (seen @ power.T))
    enough = seen @ seen.T >= cells / 4
    result = np.where(enough, product / np.maximum(scale, 1e-6), 0).astype(np.float32)
    np.fill_diagonal(result, -1)
    return result


def coherent(places: list[str], alike: np.ndarray, least: float, members: int) -> list[str]:
    """Keep the places whose photos look like one place; the others become "".

    A prefix such as ``img`` or a data set's own name fits the pattern too, but its photos share
    no structure: a place is kept if most of its photos are like another photo of it.

    Args:
        places: one a photo, "" for none.
        alike: ``(N, N)``, as ``likeness``.
        least: likeness of two photos of one place, 0..1.
        members: fewest photos of a place.
    """
    names = np.array(places, dtype=object)
    kept = names.copy()
    for name in sorted(set(places) - {""}):
        inside = np.flatnonzero(names == name)
        nearest = alike[np.ix_(inside, inside)].max(axis=1)
        if len(inside) < members or np.median(nearest) < least:
            kept[inside] = ""
    return kept.tolist()


def by_look(alike: np.ndarray, least: float, neighbours: int, verify: Verify) -> list[int]:
    """Group photos that show the same place, by single linkage over verified pairs.

    Args:
        alike: ``(N, N)``, as ``likeness``.
        least: pairs less alike are not looked at.
        neighbours: of each photo, the nearest that are looked at: bounds the cost to N times this.
        verify: whether two photos, by their rows, show the same place.

    Returns:
        For each photo the lowest row of its group.
    """
    leader = list(range(len(alike)))

    def root(row: int) -> int:
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    for one, other in shortlist(alike, least, neighbours):
        first, second = sorted((root(one), root(other)))
        if first != second and verify(one, other):
            leader[second] = first
    return [root(row) for row in range(len(alike))]


def shortlist(alike: np.ndarray, least: float, neighbours: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs worth a closer look, most alike first, each once."""
    if len(alike) < 2:
        return
    nearest = np.argsort(-alike, axis=1, kind="stable")[:, :neighbours]
    rows = np.repeat(np.arange(len(alike)), nearest.shape[1])
    pairs = np.sort(np.stack([rows, nearest.ravel()], axis=1), axis=1)
    pairs = np.unique(pairs, axis=0)
    values = alike[pairs[:, 0], pairs[:, 1]]
    order = np.argsort(-values, kind="stable")
    yield from map(tuple, pairs[order[values[order] >= least]].tolist())


def unusual(looks: np.ndarray, places: list[str], scales: np.ndarray, members: int) -> np.ndarray:
    """Return how far each photo's light and colour lie from what its place usually looks like.

    Args:
        looks: ``(N, K)`` measurements, NaN where there is none.
        places: one a photo, "" for none.
        scales: ``(K,)`` ordinary differences between two photos of one place.
        members: fewest photos that make a usual look.

    Returns:
        ``(N,)`` float64: root of the mean squared difference from the place's median, in ordinary
        differences; 0 without a place, in a place of too few photos, and where nothing is measured.
    """
    names = np.array(places, dtype=object)
    result = np.zeros(len(names))
    for name in sorted(set(places) - {""}):
        inside = np.flatnonzero(names == name)
        if len(inside) < members:
            continue
        known = inside[np.isfinite(looks[inside]).all(axis=1)]
        if len(known):
            usual = np.median(looks[known], axis=0)
            result[known] = np.sqrt((((looks[known] - usual) / scales) ** 2).mean(axis=1))
    return result
