"""The market: stalls of fruit under lanterns."""

import numpy as np

from pipeline.scenes import buildings, ground, texture
from pipeline.scenes.buildings import Style
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.perspective import SIDE, View
from pipeline.scenes.street import CLOTH, row


def market(rng: np.random.Generator, scale: float) -> Canvas:
    """A market street: stalls of fruit under striped awnings, lanterns overhead."""
    canvas = Canvas(SIDE, SIDE, scale)
    view = View(440, 388)
    pattern = texture.slabs(rng, 26, 20, 0.18)
    ground.plane(canvas, 388, Surface((0.66, 0.6, 0.54), (0, 1), snow=0.7, ground=1), pattern, 620)
    end = buildings.facade(rng, (300, 200), Style((0.78, 0.6, 0.42), 3, 6, shop=CLOTH[1]), scale)
    view.front(canvas, end, (-9, 0, 18), 58)
    for side in (-6.0, 6.0):
        row(canvas, rng, view, side, [60, 44, 32, 23, 16, 11, 7.5, 4.5, 2.4])
    for away in (32, 24, 18, 13.5, 10, 7.2):
        for side in (-1, 1):
            _stall(canvas, rng, view, side, away)
    for away in (30, 21, 14.5, 9.5, 6.5):
        _lanterns(canvas, rng, view, away)
    return canvas


def _stall(canvas: Canvas, rng: np.random.Generator, view: View, side: int, away: float) -> None:
    """Paint one stall: crates of fruit on a table below an awning."""
    panel = Canvas(150, 150, canvas.scale * (1.6 if away < 11 else 1))
    cloth = CLOTH[int(rng.integers(4))]
    for x in (6, 140):
        panel.rect(x, 20, (4, 130), Surface((0.4, 0.3, 0.22)))
    panel.rect(8, 58, (134, 40), Surface((0.16, 0.13, 0.12), glow=(1.1, 0.66, 0.25)))
    panel.rect(4, 112, (142, 38), Surface((0.46, 0.34, 0.24)))
    for x in np.arange(10, 140, 9):
        panel.rect(x, 114, (1.5, 36), Surface((0.3, 0.22, 0.16)))
    fruit = (
        (0.86, 0.3, 0.15),
        (0.93, 0.7, 0.15),
        (0.5, 0.66, 0.2),
        (0.7, 0.12, 0.18),
        (0.95, 0.5, 0.15),
    )
    for crate in range(4):
        left = 8 + crate * 34
        panel.rect(left, 98, (32, 16), Surface((0.6, 0.46, 0.3), (0, 0.3)))
        colour = fruit[int(rng.integers(5))]
        for x, y in rng.uniform((left + 3, 88), (left + 29, 103), (26, 2)):
            shade = tuple(np.clip(np.array(colour) * rng.uniform(0.75, 1.1), 0, 1))
            panel.ellipse(
                (x, y), (3.8, 3.6), Surface(shade, (0, 0.5), glow=tuple(0.5 * v for v in shade))
            )
    buildings.awning(panel, (-4, 14, 158, 34), cloth, 10)
    x = side * 4.6
    foot = [
        view.at(x - 1.5, 0, away),
        view.at(x + 1.5, 0, away),
        view.at(x + 1.5, 0, away * 0.93),
        view.at(x - 1.5, 0, away * 0.93),
    ]
    ground.shade(canvas, foot, 0.55, 5)
    view.front(canvas, panel, (x - 1.45, 0, 2.9), away)


def _lanterns(canvas: Canvas, rng: np.random.Generator, view: View, away: float) -> None:
    """Hang a string of paper lanterns across the street."""
    left, right = np.array(view.at(-6, 5.4, away)), np.array(view.at(6, 5.6, away))
    t = np.linspace(0, 1, 30)
    sag = 4 * t * (1 - t) * 0.8 * 800 / away
    wire = left + (right - left) * t[:, None] + np.stack([np.zeros(30), sag], 1)
    canvas.line([tuple(point) for point in wire], 1.2, Surface((0.12, 0.1, 0.1), depth=0.1))
    size = 0.26 * 800 / away
    for index in range(2, 29, 3):
        x, y = wire[index]
        colour, glow = (((0.85, 0.2, 0.14), (3.6, 0.9, 0.4)), ((0.95, 0.72, 0.3), (3.8, 2.2, 0.7)))[
            int(rng.integers(2))
        ]
        canvas.ellipse((x, y + size), (size * 0.8, size), Surface(colour, (0, 0.2), 0.1, glow=glow))
        canvas.ellipse(
            (x - size * 0.2, y + size * 0.75),
            (size * 0.35, size * 0.6),
            Surface(tuple(min(v * 1.25, 1) for v in colour), (0, 0.3), 0.1, glow=glow),
        )
        canvas.rect(
            x - size * 0.3,
            y + size * 1.9,
            (size * 0.6, size * 0.25),
            Surface((0.25, 0.15, 0.1), depth=0.1),
        )
