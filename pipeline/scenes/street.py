"""Rows of houses along a street, and the colours of a town."""

from itertools import pairwise

import numpy as np

from pipeline.scenes import buildings
from pipeline.scenes.buildings import Style
from pipeline.scenes.canvas import Canvas
from pipeline.scenes.perspective import View

PLASTER = (
    (0.87, 0.72, 0.5),
    (0.8, 0.5, 0.4),
    (0.9, 0.84, 0.7),
    (0.62, 0.7, 0.68),
    (0.82, 0.62, 0.56),
    (0.74, 0.74, 0.62),
)

SHUTTER = ((0.24, 0.4, 0.34), (0.3, 0.36, 0.5), (0.5, 0.26, 0.2), None)

CLOTH = ((0.75, 0.2, 0.18), (0.18, 0.42, 0.35), (0.2, 0.32, 0.55), (0.85, 0.6, 0.2))

TILES = (0.64, 0.36, 0.26)


def row(canvas: Canvas, rng: np.random.Generator, view: View, side: float, stops: list) -> None:
    """Build houses along the street at ``side`` metres; ``stops`` from far to near, metres."""
    for number, (far, near) in enumerate(pairwise(stops)):
        width = (far - near) * 22
        tall = rng.uniform(8, 11)
        style = Style(
            PLASTER[(number + int(side > 0) * 2) % 6],
            3,
            max(2, round(width / 75)),
            shutters=SHUTTER[int(rng.integers(4))],
            shop=CLOTH[int(rng.integers(4))],
        )
        house = buildings.facade(rng, (max(width, 120), tall * 22), style, canvas.scale)
        view.wall(canvas, house, side, (near, far), (0, tall))
        roof = Canvas(100, 40, canvas.scale)
        buildings.gable(roof, rng, (-40, 0, 180, 40), TILES)
        lean = side * 1.18
        corners = [
            view.at(lean, tall + 1.4, near),
            view.at(lean, tall + 1.4, far),
            view.at(side * 0.96, tall - 0.1, far),
            view.at(side * 0.96, tall - 0.1, near),
        ]
        canvas.put(roof, corners if side < 0 else [corners[i] for i in (1, 0, 3, 2)])
