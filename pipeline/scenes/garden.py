"""The garden: flower beds and a pavilion."""

import numpy as np

from pipeline.scenes import ground, plants, texture
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.ground import GRASS
from pipeline.scenes.perspective import SIDE, View
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
    _pavilion(canvas, rng, view)
    _beds(canvas, rng, scale)
    for x, y, tall in ((20, 560, 430), (905, 545, 400)):
        stand(
            canvas,
            plants.tree(rng, scale * 1.4, plants.BLOSSOM if x < 400 else plants.GREENS[2]),
            (x, y),
            tall,
        )
    return canvas


def _pavilion(canvas: Canvas, rng: np.random.Generator, view: View) -> None:
    """Paint a round white pavilion with columns and a copper dome."""
    away, white = 26.0, Surface((0.92, 0.9, 0.86), (0, 0.1))
    scale = 800 / away
    x, y = view.at(0, 0, away)
    for step in range(3):
        wide = (3.4 - step * 0.25) * scale
        canvas.rect(
            x - wide,
            y - (step + 1) * 0.22 * scale,
            (2 * wide, 0.24 * scale),
            Surface((0.86, 0.84, 0.8), (0, 0.6), snow=0.8),
        )
    canvas.rect(
        x - 2.5 * scale,
        y - 3.6 * scale,
        (5 * scale, 3 * scale),
        Surface((0.4, 0.44, 0.4), glow=(1.2, 0.8, 0.35)),
    )
    for column in np.linspace(-2.55, 2.55, 6):
        canvas.rect(
            x + (column - 0.17) * scale,
            y - 3.7 * scale,
            (0.17 * scale, 3.1 * scale),
            Surface((0.94, 0.92, 0.88), (-0.4, 0)),
        )
        canvas.rect(
            x + column * scale,
            y - 3.7 * scale,
            (0.17 * scale, 3.1 * scale),
            Surface((0.86, 0.84, 0.82), (0.6, 0)),
        )
    canvas.rect(x - 3 * scale, y - 4.15 * scale, (6 * scale, 0.5 * scale), white)
    for part in range(8):
        edges = np.clip(np.linspace(0, np.pi, 9)[part : part + 2], 0, np.pi)
        arc = np.linspace(0, np.pi / 2, 12)
        left = np.stack(
            [
                x - np.cos(edges[0]) * np.cos(arc) * 2.9 * scale,
                y - (4.1 + 1.9 * np.sin(arc)) * scale,
            ],
            1,
        )
        right = np.stack(
            [
                x - np.cos(edges[1]) * np.cos(arc) * 2.9 * scale,
                y - (4.1 + 1.9 * np.sin(arc)) * scale,
            ],
            1,
        )
        facing = -np.cos(edges.mean()) * 0.8
        canvas.poly(
            np.concatenate([left, right[::-1]]),
            Surface((0.45, 0.62, 0.56), (facing, 0.5), snow=0.9),
        )
    canvas.line([(x, y - 5.9 * scale), (x, y - 6.7 * scale)], 2.2, Surface((0.85, 0.7, 0.35)))


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
