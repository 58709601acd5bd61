"""The garden: flower beds and a pavilion."""

from itertools import pairwise

import numpy as np

from pipeline.scenes import ground, plants, texture
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.ground import GRASS
from pipeline.scenes.perspective import SIDE, Plot, View
from pipeline.scenes.plants import stand


def garden(rng: np.random.Generator, scale: float) -> Canvas:
    """A flower garden with a white pavilion at the end of a path."""
    canvas = Canvas(SIDE, SIDE, scale)
    ground.treeline(
        canvas, rng, (398, 130, 26), Surface((0.24, 0.4, 0.2), (0, 0.3), 0.4, leaf=0.9, snow=0.8)
    )
    lawn = texture.grit(rng, 9, 0.6)
    ground.plane(canvas, 392, Surface(GRASS, (0, 1), leaf=0.5, snow=1, ground=1), lawn, 800)
    gravel = texture.floor(texture.grit(rng, 5, 0.5), canvas.grid(), 392, 500)
    path = [
        (150, 900),
        (330, 560),
        (395, 450),
        (418, 420),
        (462, 420),
        (485, 450),
        (560, 560),
        (760, 900),
    ]
    ground.strip(canvas, path, Surface((0.78, 0.7, 0.58), (0, 1), snow=0.8, ground=1), gravel, 2)
    view = View(440, 385)
    for x, tall in ((60, 230), (205, 200), (690, 210), (830, 240)):
        colour = plants.BLOSSOM if x in (205, 690) else plants.GREENS[0]
        stand(canvas, plants.tree(rng, scale, colour), (x, 425), tall)
    _pavilion(canvas, view)
    _beds(canvas, rng, scale)
    for x, y, tall in ((20, 560, 430), (905, 545, 400)):
        stand(
            canvas,
            plants.tree(rng, scale * 1.4, plants.BLOSSOM if x < 400 else plants.GREENS[2]),
            (x, y),
            tall,
        )
    return canvas


def _pavilion(canvas: Canvas, view: View) -> None:
    """Paint a round white pavilion with columns and a copper dome."""
    plot = Plot(canvas, view.at(0, 0, 26.0), 800 / 26.0)
    for step in range(3):
        half = 3.4 - step * 0.25
        stone = Surface((0.86, 0.84, 0.8), (0, 0.6), snow=0.8)
        plot.rect(-half, (step + 1) * 0.22, (2 * half, 0.24), stone)
    plot.rect(-2.5, 3.6, (5, 3), Surface((0.4, 0.44, 0.4), glow=(1.2, 0.8, 0.35)))
    for column in np.linspace(-2.55, 2.55, 6):
        plot.rect(column - 0.17, 3.7, (0.17, 3.1), Surface((0.94, 0.92, 0.88), (-0.4, 0)))
        plot.rect(column, 3.7, (0.17, 3.1), Surface((0.86, 0.84, 0.82), (0.6, 0)))
    plot.rect(-3, 4.15, (6, 0.5), Surface((0.92, 0.9, 0.86), (0, 0.1)))
    arc = np.linspace(0, np.pi / 2, 12)
    rise = 4.1 + 1.9 * np.sin(arc)
    for start, end in pairwise(np.linspace(0, np.pi, 9)):
        left, right = (-np.cos(edge) * np.cos(arc) * 2.9 for edge in (start, end))
        panel = [*zip(left, rise, strict=True), *zip(right[::-1], rise[::-1], strict=True)]
        copper = Surface((0.45, 0.62, 0.56), (-np.cos((start + end) / 2) * 0.8, 0.5), snow=0.9)
        plot.poly(panel, copper)
    canvas.line([plot.at(0, 5.9), plot.at(0, 6.7)], 2.2, Surface((0.85, 0.7, 0.35)))


def _beds(canvas: Canvas, rng: np.random.Generator, scale: float) -> None:
    """Plant flower beds and box hedges along the path."""
    colours = (
        (0.86, 0.2, 0.25),
        (0.95, 0.75, 0.2),
        (0.75, 0.4, 0.75),
        (0.95, 0.95, 0.9),
        (0.93, 0.5, 0.6),
    )
    for row, (y, tall) in enumerate(((440, 34), (475, 48), (525, 68), (600, 96), (720, 140))):
        drop = y - 392
        for side in (-1, 1):
            x = 440 + side * (70 + drop * 1.06)
            bush = plants.bush(
                rng,
                scale * max(tall / 90, 0.7),
                plants.GREENS[(row + side) % 4],
                colours[(row * 2 + side) % 5],
            )
            stand(canvas, bush, (x, y), tall)
            far = plants.bush(
                rng, scale * max(tall / 90, 0.7), plants.GREENS[row % 4], colours[(row + 2) % 5]
            )
            stand(canvas, far, (x + side * tall * 1.7, y + 4), tall * 0.9)
