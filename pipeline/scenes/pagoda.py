"""The pagoda: five roofs at the end of a path of lanterns."""

import numpy as np

from pipeline.scenes import ground, plants, texture
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.ground import GRASS
from pipeline.scenes.perspective import SIDE, Plot, View
from pipeline.scenes.plants import stand


def pagoda(rng: np.random.Generator, scale: float) -> Canvas:
    """A temple pagoda at the end of a stone path with lanterns, under tall trees."""
    canvas = Canvas(SIDE, SIDE, scale)
    view = View(440, 390)
    ground.mountains(
        canvas,
        rng,
        (402, 110, 0.2, 0.0),
        Surface((0.28, 0.4, 0.3), depth=0.6, leaf=0.5, snow=0.6),
        1,
    )
    ground.treeline(
        canvas, rng, (400, 120, 24), Surface((0.22, 0.36, 0.18), (0, 0.2), 0.4, leaf=0.8, snow=0.8)
    )
    lawn = texture.grit(rng, 9, 0.6)
    ground.plane(canvas, 392, Surface(GRASS, (0, 1), leaf=0.5, snow=1, ground=1), lawn, 800)
    stones = texture.floor(texture.slabs(rng, 20, 16, 0.2), canvas.grid(), 390, 560)
    path = [view.at(-2.4, 0, 2), view.at(-2.4, 0, 55), view.at(2.4, 0, 55), view.at(2.4, 0, 2)]
    ground.strip(canvas, path, Surface((0.7, 0.68, 0.64), (0, 1), snow=0.8, ground=1), stones, 0.8)
    for x, away in ((-13, 42), (13, 42), (-19, 34), (18, 34)):
        stand(
            canvas,
            plants.tree(rng, scale * 1.2, plants.GREENS[int(rng.integers(4))]),
            view.at(x, 0, away),
            9 * 800 / away,
        )
    _tiers(canvas, rng, view)
    for x, away in ((-7.5, 17), (7.5, 17)):
        stand(
            canvas,
            plants.tree(rng, scale * 1.5, plants.GREENS[0]),
            view.at(x, 0, away),
            6.5 * 800 / away,
        )
    for away in (26, 18, 12.5, 8.5, 5.8):
        for x in (-3.1, 3.1):
            _toro(canvas, view.at(x, 0, away), 1.55 * 800 / away)
    return canvas


def _tiers(canvas: Canvas, rng: np.random.Generator, view: View) -> None:
    """Paint a pagoda of five tiers with sweeping roofs."""
    away = 54.0
    unit = 800 / away
    x, y = view.at(0, 0, away)
    canvas.rect(
        x - 6.4 * unit,
        y - 1.1 * unit,
        (12.8 * unit, 1.1 * unit),
        Surface((0.66, 0.64, 0.6), (0, 0.1), 0.26, snow=0.6),
    )
    for step in range(5):
        canvas.rect(
            x - 1.6 * unit,
            y - (1.1 - step * 0.22) * unit,
            (3.2 * unit, 0.23 * unit),
            Surface(tuple(np.full(3, 0.6 + 0.05 * step)), (0, 0.5), 0.26, snow=0.8),
        )
    foot = y - 1.1 * unit
    for tier in range(5):
        half, tall = (4.1 - 0.52 * tier) * unit, (2.5 - 0.12 * tier) * unit
        _storey(canvas, (x, foot), half, tall)
        foot -= tall
        _roof(canvas, (x, foot), half * 1.5, 1.35 * unit)
        foot -= 0.95 * unit
    gold = Surface((0.8, 0.62, 0.25), (-0.2, 0.1), 0.26)
    canvas.poly([(x - 0.14 * unit, foot), (x, foot - 3.4 * unit), (x + 0.14 * unit, foot)], gold)
    for ring in range(6):
        height = foot - (0.6 + ring * 0.36) * unit
        canvas.ellipse((x, height), ((0.42 - 0.045 * ring) * unit, 0.09 * unit), gold)


def _storey(canvas: Canvas, foot: tuple, half: float, tall: float) -> None:
    """Paint one storey: white panels and lattices between red columns, behind a railing."""
    x, y = foot
    canvas.rect(x - half, y - tall, (2 * half, tall), Surface((0.86, 0.8, 0.68), (0, -0.1), 0.26))
    red = Surface((0.62, 0.17, 0.12), (-0.1, 0), 0.26)
    bays = 5
    for bay in range(bays):
        left = x - half + bay * 2 * half / bays
        pitch = 2 * half / bays
        if bay % 2 == 0:
            canvas.rect(
                left + pitch * 0.18,
                y - tall * 0.78,
                (pitch * 0.64, tall * 0.6),
                Surface((0.3, 0.16, 0.1), (0, 0), 0.26, glow=(2.4, 1.3, 0.4)),
            )
            for slat in np.linspace(0.24, 0.7, 5):
                canvas.rect(left + pitch * slat, y - tall * 0.78, (0.8, tall * 0.6), red)
        canvas.rect(left - pitch * 0.07, y - tall, (pitch * 0.14, tall), red)
    canvas.rect(x + half - half * 0.03, y - tall, (half * 0.05, tall), red)
    canvas.rect(x - half * 1.06, y - tall * 0.26, (half * 2.12, 1.6), red)
    canvas.rect(x - half * 1.06, y - tall * 0.1, (half * 2.12, 1.6), red)
    for post in np.linspace(-1.04, 1.04, 15):
        canvas.rect(x + half * post, y - tall * 0.26, (1.1, tall * 0.26), red)


def _roof(canvas: Canvas, foot: tuple, half: float, tall: float) -> None:
    """Paint a tiled roof whose corners sweep up, with dark rafters below."""
    x, y = foot
    t = np.linspace(-1, 1, 31)
    eaves = y + 0.25 * tall - 0.55 * tall * np.abs(t) ** 2.6
    ridge = y - tall
    top = np.clip(t, -0.62, 0.62) * half
    canvas.poly(
        np.concatenate(
            [
                np.stack([x + t * half * 0.97, eaves + tall * 0.24], 1),
                [(x + half * 0.66, y - 2), (x - half * 0.66, y - 2)],
            ]
        ),
        Surface((0.4, 0.16, 0.1), (0, -0.7), 0.26),
    )
    for column in range(30):
        left, right = t[column], t[column + 1]
        tone = 1.0 if column % 2 else 0.8
        colour = tuple(np.array((0.3, 0.36, 0.36)) * tone)
        points = [
            (x + left * half, eaves[column]),
            (x + top[column], ridge),
            (x + top[column + 1], ridge),
            (x + right * half, eaves[column + 1]),
        ]
        canvas.poly(points, Surface(colour, (0.25 * left, 0.65), 0.26, snow=1))
    rim = np.stack([x + t * half, eaves], 1)
    canvas.poly(
        np.concatenate([rim, np.add(rim, (0, tall * 0.1))[::-1]]),
        Surface((0.5, 0.42, 0.3), (0, 0.1), 0.26, snow=0.5),
    )
    canvas.rect(
        x - half * 0.63,
        ridge - tall * 0.06,
        (half * 1.26, tall * 0.1),
        Surface((0.24, 0.28, 0.28), (0, 0.4), 0.26, snow=1),
    )


def _toro(canvas: Canvas, foot: tuple, tall: float) -> None:
    """Paint a stone lantern."""
    x, y = foot
    plot = Plot(canvas, foot, tall)
    stone = Surface((0.56, 0.56, 0.53), (-0.25, 0.0), snow=0.3)
    dark = Surface((0.44, 0.44, 0.42), (0.5, 0.0), snow=0.3)
    wide = tall * 0.2
    rim = [(x - wide, y - 2), (x + wide, y - 2), (x + wide, y + 4), (x - wide, y + 4)]
    ground.shade(canvas, rim, 0.5, 3)
    for half, low, high in (
        (0.17, 0, 0.1),
        (0.07, 0.1, 0.5),
        (0.15, 0.5, 0.58),
        (0.12, 0.58, 0.78),
    ):
        plot.rect(-half, high, (1.24 * half, high - low), stone)
        plot.rect(0.2 * half, high, (0.8 * half, high - low), dark)
    plot.rect(-0.07, 0.75, (0.14, 0.14), Surface((0.25, 0.22, 0.18), glow=(6.0, 3.6, 1.3)))
    cap = [(-0.25, 0.76), (-0.08, 0.92), (0.08, 0.92), (0.25, 0.76), (0.2, 0.74), (-0.2, 0.74)]
    plot.poly(cap, Surface((0.5, 0.5, 0.48), (0, 0.6), snow=1))
    plot.ellipse((0, 0.95), (0.06, 0.06), stone)
