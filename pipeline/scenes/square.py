"""The square: a column between façades and towers."""

import numpy as np

from pipeline.scenes import buildings, ground, plants, texture
from pipeline.scenes.buildings import Style
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.perspective import SIDE, View
from pipeline.scenes.plants import stand
from pipeline.scenes.street import CLOTH, PLASTER


def square(rng: np.random.Generator, scale: float) -> Canvas:
    """A paved city square with a column, arcades and towers behind."""
    canvas = Canvas(SIDE, SIDE, scale)
    view = View(440, 390)
    for x, tall, wide in (
        (-150, 82, 26),
        (-112, 118, 22),
        (-66, 64, 30),
        (52, 96, 24),
        (88, 140, 20),
        (120, 74, 34),
    ):
        tower = _tower(rng, scale, wide, tall)
        view.front(canvas, tower, (x, 0, wide), 330)
    pattern = texture.slabs(rng, 16, 16, 0.14)
    ground.plane(canvas, 390, Surface((0.75, 0.71, 0.66), (0, 1), snow=0.9, ground=1), pattern, 520)
    hall = buildings.facade(
        rng, (520, 100), Style((0.84, 0.77, 0.64), 2, 17, shop=None), scale * 1.2
    )
    view.front(canvas, hall, (-40, 0, 80), 74)
    roof = Canvas(520, 30, scale)
    buildings.gable(roof, rng, (0, 0, 520, 30), (0.42, 0.46, 0.48))
    view.front(canvas, roof, (-40.5, 15.3, 81), 73.8)
    for side in (-19.0, 19.0):
        for far, near in ((70, 52), (52, 38), (38, 27), (27, 18)):
            house = buildings.facade(
                rng,
                ((far - near) * 14, 210),
                Style(
                    PLASTER[int(rng.integers(6))],
                    4,
                    max(3, int((far - near) / 3.2)),
                    shop=CLOTH[int(rng.integers(4))],
                ),
                scale,
            )
            view.wall(canvas, house, side, (near, far), (0, 15))
    for x in (-11, 11):
        for away in (44, 30, 20):
            stand(
                canvas,
                plants.tree(rng, scale, plants.GREENS[int(rng.integers(4))]),
                view.at(x, 0, away),
                5.6 * 800 / away,
            )
    for x, away in ((-8, 36), (8, 36), (-7, 22), (7, 22)):
        buildings.lamp(canvas, view.at(x, 0, away), 4.4 * 800 / away)
    _column(canvas, rng, view)
    return canvas


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


def _column(canvas: Canvas, rng: np.random.Generator, view: View) -> None:
    """Paint the monument: steps, plinth, fluted column and a gilded figure."""
    away = 30.0
    unit = 800 / away
    x, y = view.at(0, 0, away)
    for step in range(4):
        wide = (3.6 - 0.45 * step) * unit
        canvas.rect(
            x - wide,
            y - (step + 1) * 0.3 * unit,
            (2 * wide, 0.31 * unit),
            Surface(tuple(np.array(buildings.STONE) * (0.85 + 0.05 * step)), (0, 0.4), 0.2, snow=1),
        )
    ground.shade(
        canvas,
        [(x - 4 * unit, y), (x + 4 * unit, y), (x + 4 * unit, y + 6), (x - 4 * unit, y + 6)],
        0.4,
        4,
    )
    canvas.rect(
        x - 1.5 * unit,
        y - 3.6 * unit,
        (3 * unit, 2.5 * unit),
        Surface(buildings.STONE, (-0.15, 0), 0.2),
    )
    canvas.rect(
        x - 1.1 * unit,
        y - 3.1 * unit,
        (2.2 * unit, 1.5 * unit),
        Surface((0.5, 0.47, 0.4), (0, 0), 0.2),
    )
    canvas.rect(
        x - 1.7 * unit,
        y - 3.8 * unit,
        (3.4 * unit, 0.3 * unit),
        Surface((0.78, 0.74, 0.66), (0, 0.6), 0.2, snow=1),
    )
    for flute in range(10):
        left = -0.8 + flute * 0.16
        facing = (left + 0.08) / 0.8
        tone = 0.95 if flute % 2 else 0.8
        canvas.rect(
            x + left * unit,
            y - 11.2 * unit,
            (0.165 * unit, 7.5 * unit),
            Surface(tuple(np.array(buildings.STONE) * tone), (facing * 0.9, 0), 0.2),
        )
    canvas.rect(
        x - 1.15 * unit,
        y - 11.7 * unit,
        (2.3 * unit, 0.55 * unit),
        Surface((0.78, 0.74, 0.66), (0, 0.4), 0.2, snow=1),
    )
    gold = Surface((0.86, 0.66, 0.25), (-0.2, 0.2), 0.2)
    canvas.poly(
        [
            (x - 0.45 * unit, y - 11.7 * unit),
            (x - 0.25 * unit, y - 13.2 * unit),
            (x + 0.25 * unit, y - 13.2 * unit),
            (x + 0.5 * unit, y - 11.7 * unit),
        ],
        gold,
    )
    canvas.ellipse((x, y - 13.5 * unit), (0.22 * unit, 0.3 * unit), gold)
    for side in (-1, 1):
        canvas.poly(
            [
                (x, y - 13 * unit),
                (x + side * 1.3 * unit, y - 14 * unit),
                (x + side * 0.9 * unit, y - 12.6 * unit),
            ],
            gold,
        )
