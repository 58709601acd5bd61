"""Whether something in front hides part of a main person, told by the people's outlines."""

import numpy as np

from pipeline import contours
from pipeline.hidden_trees import FOREST
from pipeline.silhouettes import MAIN, Rings

LEAST = 0.015  # of the picture; of who is smaller nobody could say what is hidden


def main_people(areas: list[float], size: tuple[int, int]) -> list[int]:
    """Return which people count: large in the picture, and beside the largest one.

    Args:
        areas: of each, square pixels.
        size: height and width of the picture, pixels.
    """
    least = max(MAIN * max(areas, default=0.0), LEAST * size[0] * size[1])
    return [place for place, area in enumerate(areas) if area >= least]


def outlines(
    people: list[Rings], chosen: list[int], size: tuple[int, int], bars: np.ndarray
) -> np.ndarray:
    """Return what ``contours`` measures of the chosen people, ``(N, len(contours.FEATURES))``."""
    rows = [
        contours.measure(
            contours.drawn(people[place], people[:place] + people[place + 1 :]),
            size,
            bars,
            len(people),
        )
        for place in chosen
        if people[place]
    ]
    return np.array(rows).reshape(-1, len(contours.FEATURES))


def hidden(
    people: list[Rings], areas: list[float], size: tuple[int, int], bars: np.ndarray
) -> float:
    """Return the log-odds that a part of a main person is hidden; NaN if there is no such person.

    Args:
        people: everybody's outline, pixels of the annotation.
        areas: of each, square pixels.
        size: height and width of the picture, the same pixels.
        bars: as of ``contours.measure``.
    """
    rows = outlines(people, main_people(areas, size), size, bars)
    return float(FOREST(rows).max()) if len(rows) else float("nan")
