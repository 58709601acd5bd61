"""Whether something in front hides part of a main person, told by the people's outlines."""

import numpy as np

from pipeline import contours
from pipeline.hidden_trees import FOREST
from pipeline.silhouettes import MAIN, Rings

LEAST = 0.015  # of the picture; of who is smaller nobody could say what is hidden
# Exports often show photos of any shape stretched to squares, and a stretched body may look cut.
# Who is hidden looks so at most widths; who is not, seldom at more than one.
WIDTHS = (0.75, 1.0, 4 / 3)
DOUBT = -2.0  # log-odds from which a person is looked at at all of them


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
    chosen = main_people(areas, size)
    found = [_odds(people, place, size, bars) for place in chosen if people[place]]
    return max(found, default=float("nan"))


def _odds(people: list[Rings], place: int, size: tuple[int, int], bars: np.ndarray) -> float:
    """Return the log-odds that one person is hidden: in doubt the median of several widths."""

    def at(width: float) -> float:
        several = [squeezed(one, width) for one in people]
        return float(FOREST(outlines(several, [place], (size[0], width * size[1]), bars))[0])

    odds = at(1.0)
    return odds if odds <= DOUBT else float(np.median([at(width) for width in WIDTHS]))


def squeezed(person: Rings, width: float) -> Rings:
    """Return an outline as a picture shows it that is so many times as wide."""
    by = np.array([width, 1.0], np.float32)
    return [[ring * by for ring in polygon] for polygon in person]
