"""Outlines as a JSON file has them -> numbers, for many objects at once."""

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import msgspec
import numpy as np

from pipeline import coco, polygons

HUGE = 1e6  # pixels; no picture is that wide, and beyond 4e8 pycocotools' integers overflow
CORNERS = 3  # a ring of fewer different points has no ground
AT_ONCE = 4096  # objects; their numbers as Python has them take four times the memory of arrays
RINGS = msgspec.json.Decoder(list[list[float]])


class Outline(NamedTuple):
    """Rings in whose form nothing is wrong: each has ground, if it is not a line or an eight.

    Attributes:
        rings: at least one; each ``(2 M,)`` float64, x and y by turns, no number beyond ``HUGE``,
            at least ``CORNERS`` different points.
        closed: each ring repeats its first point at its end.
    """

    rings: list[np.ndarray]
    closed: bool


def read(said: Sequence[object]) -> list[object]:
    """Return each annotation's outline if its form is sound, else what stands there as values.

    Args:
        said: what ``coco.read`` has under ``segmentation``.
    """
    found: list[object] = []
    for first in range(0, len(said), AT_ONCE):
        found += _read(said[first : first + AT_ONCE])
    return found


def _read(said: Sequence[object]) -> list[object]:
    rings = [_rings(one) for one in said]
    found: list[object] = [None] * len(said)
    formed = [place for place, several in enumerate(rings) if several]
    for place, outline in zip(formed, _outlines([rings[place] for place in formed]), strict=True):
        found[place] = outline
    return [
        coco.segmentation(one) if outline is None else outline
        for one, outline in zip(said, found, strict=True)
    ]


def _rings(said: object) -> list[list[float]]:
    """Return rings of enough numbers, or nothing."""
    if not isinstance(said, msgspec.Raw):
        return []
    try:
        rings = RINGS.decode(said)
    except msgspec.DecodeError:
        return []
    return [] if any(len(ring) < 2 * CORNERS or len(ring) % 2 for ring in rings) else rings


def _outlines(several: list[list[list[float]]]) -> list[Outline | None]:
    """Return the outlines of objects of rings, None where a number or a ring is not sound."""
    flat = [*chain.from_iterable(several)]
    if not flat:
        return []
    ends = np.cumsum([len(ring) for ring in flat])
    first = np.concatenate([[0], ends[:-1]])
    numbers = np.fromiter(chain.from_iterable(flat), dtype=float, count=ends[-1])
    sound = np.maximum.reduceat(np.abs(numbers), first) <= HUGE
    corners = numbers[first[:, None] + np.arange(2 * CORNERS)].reshape(-1, CORNERS, 2)
    alike = (corners == np.roll(corners, 1, axis=1)).all(axis=2).any(axis=1)
    for place in np.flatnonzero(alike):  # two of the first three: count them all
        sound[place] &= polygons.distinct_points(flat[place]) >= CORNERS
    closed = (numbers[first] == numbers[ends - 2]) & (numbers[first + 1] == numbers[ends - 1])
    of_object = np.cumsum([0, *(len(rings) for rings in several)])
    all_sound = np.logical_and.reduceat(sound, of_object[:-1]).tolist()
    all_closed = np.logical_and.reduceat(closed, of_object[:-1]).tolist()
    rings = [numbers[start:end] for start, end in zip(first.tolist(), ends.tolist(), strict=True)]
    return [
        Outline(rings[start:end], shut) if fine else None
        for (start, end), fine, shut in zip(
            pairwise(of_object.tolist()), all_sound, all_closed, strict=True
        )
    ]
