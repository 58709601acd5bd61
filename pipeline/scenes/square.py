"""The square: a column between façades and towers."""

from itertools import pairwise

import numpy as np

from pipeline.scenes import buildings, ground, plants, texture
from pipeline.scenes.buildings import Style
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.cloth import times
from pipeline.scenes.perspective import SIDE, Plot, View
from pipeline.scenes.plants import stand
from pipeline.scenes.street import CLOTH, PLASTER

# Left edge, height and width of the office towers behind, metres.
TOWERS = (
    (-150, 82, 26),
    (-112, 118, 22),
    (-66, 64, 30),
    (52, 96, 24),
    (88, 140, 20),
    (120, 74, 34),
)
LEDGE = (0.78, 0.74, 0.66)


def square(rng: np.random.Generator, scale: float) -> Canvas:
    """A paved city square with a column, arcades and towers behind."""
    canvas = Canvas(SIDE, SIDE, scale)
    view = View(440, 390)
    for x, tall, wide in TOWERS:
        view.front(canvas, _tower(rng, scale, wide, tall), (x, 0, wide), 330)
    pattern = texture.slabs(rng, 16, 16, 0.14)
    ground.plane(canvas, 390, Surface((0.75, 0.71, 0.66), (0, 1), snow=0.9, ground=1), pattern, 520)
    hall = buildings.facade(rng, (520, 100), Style((0.84, 0.77, 0.64), 2, 17), scale * 1.2)
    view.front(canvas, hall, (-40, 0, 80), 74)
    roof = Canvas(520, 30, scale)
    buildings.gable(roof, rng, (0, 0, 520, 30), (0.42, 0.46, 0.48))
    view.front(canvas, roof, (-40.5, 15.3, 81), 73.8)
    _sides(canvas, rng, view)
    for x in (-11, 11):
        for away in (44, 30, 20):
            tree = plants.tree(rng, scale, plants.GREENS[int(rng.integers(4))])
            stand(canvas, tree, view.at(x, 0, away), 5.6 * 800 / away)
    for x, away in ((-8, 36), (8, 36), (-7, 22), (7, 22)):
        buildings.lamp(canvas, view.at(x, 0, away), 4.4 * 800 / away)
    _column(canvas, view)
    return canvas


def _sides(canvas: Canvas, rng: np.random.Generator, view: View) -> None:
    """Build houses with shops along both sides."""
    for side in (-19.0, 19.0):
        for far, near in pairwise((70, 52, 38, 27, 18)):
            deep = far - near
            wall, awning = PLASTER[int(rng.integers(6))], CLOTH[int(rng.integers(4))]
            style = Style(wall, 4, max(3, int(deep / 3.2)), shop=awning)
            house = buildings.facade(rng, (deep * 14, 210), style, canvas.scale)
            view.wall(canvas, house, side, (near, far), (0, 15))


def _tower(rng: np.random.Generator, scale: float, wide: float, tall: float) -> Canvas:
    """Return an office tower of glass, some of whose windows are lit at night."""
    panel = Canvas(wide * 2.4, tall * 2.4, scale)
    tint = np.array((0.5, 0.58, 0.66)) * rng.uniform(0.85, 1.15)
    panel.rect(
        0, 0, (panel.width, panel.height), Surface(tuple(tint), (rng.uniform(-0.5, 0.5), 0), snow=0)
    )
    for y in np.arange(4, panel.height, 6.5):
        for x in np.arange(3, panel.width - 5, 6):
            glow = (2.4, 1.8, 0.9) if rng.random() < 0.35 else (0, 0, 0)
            shade = tuple(tint * rng.uniform(0.6, 0.85))
            panel.rect(x, y, (4.2, 4.2), Surface(shade, (0, 0.2), glow=glow))
    panel.rect(0, 0, (panel.width, 3), Surface(tuple(tint * 0.7), snow=1))
    return panel


def _column(canvas: Canvas, view: View) -> None:
    """Paint the monument: steps, plinth, fluted column and a gilded figure."""
    x, y = view.at(0, 0, 30.0)
    plot = Plot(canvas, (x, y), 800 / 30.0)
    for step in range(4):
        half = 3.6 - 0.45 * step
        stone = times(buildings.STONE, 0.85 + 0.05 * step)
        plot.rect(-half, (step + 1) * 0.3, (2 * half, 0.31), Surface(stone, (0, 0.4), snow=1))
    wide = 4 * plot.unit
    ground.shade(
        canvas, [(x - wide, y), (x + wide, y), (x + wide, y + 6), (x - wide, y + 6)], 0.4, 4
    )
    plot.rect(-1.5, 3.6, (3, 2.5), Surface(buildings.STONE, (-0.15, 0)))
    plot.rect(-1.1, 3.1, (2.2, 1.5), Surface((0.5, 0.47, 0.4), (0, 0)))
    plot.rect(-1.7, 3.8, (3.4, 0.3), Surface(LEDGE, (0, 0.6), snow=1))
    for flute in range(10):
        left = -0.8 + flute * 0.16
        stone = times(buildings.STONE, 0.95 if flute % 2 else 0.8)
        plot.rect(left, 11.2, (0.165, 7.5), Surface(stone, ((left + 0.08) / 0.8 * 0.9, 0)))
    plot.rect(-1.15, 11.7, (2.3, 0.55), Surface(LEDGE, (0, 0.4), snow=1))
    gold = Surface((0.86, 0.66, 0.25), (-0.2, 0.2))
    plot.poly([(-0.45, 11.7), (-0.25, 13.2), (0.25, 13.2), (0.5, 11.7)], gold)
    plot.ellipse((0, 13.5), (0.22, 0.3), gold)
    for side in (-1, 1):
        plot.poly([(0, 13), (side * 1.3, 14), (side * 0.9, 12.6)], gold)
