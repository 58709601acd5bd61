"""The old town: a cobbled street that ends at a church."""

import numpy as np

from pipeline.scenes import buildings, ground, texture
from pipeline.scenes.buildings import Style
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.perspective import SIDE, View
from pipeline.scenes.street import CLOTH, row


def oldtown(rng: np.random.Generator, scale: float) -> Canvas:
    """A cobbled street of painted houses that ends at a church tower."""
    canvas = Canvas(SIDE, SIDE, scale)
    view = View(440, 388)
    hills = Surface((0.3, 0.4, 0.28), depth=0.6, leaf=0.6, snow=0.6)
    ground.mountains(canvas, rng, (400, 60, 0.1, 0.0), hills, 1)
    pattern = texture.slabs(rng, 44, 36, 0.3)
    tone = ground.plane(
        canvas, 388, Surface((0.62, 0.59, 0.56), (0, 1), snow=0.8, ground=1), pattern, 560
    )
    _church(canvas, rng, view)
    for side in (-5.2, 5.2):
        edge = side * 0.8
        walk = [
            view.at(side, 0, 2),
            view.at(side, 0, 60),
            view.at(edge, 0, 60),
            view.at(edge, 0, 2),
        ]
        ground.strip(canvas, walk, Surface((0.72, 0.7, 0.66), (0, 1), snow=0.9, ground=1), tone)
        ground.shade(
            canvas,
            [
                view.at(side, 0, 2),
                view.at(side, 0, 60),
                view.at(side * 0.86, 0, 60),
                view.at(side * 0.86, 0, 2),
            ],
            0.45,
            7,
        )
        row(canvas, rng, view, side, [60, 42, 31, 24, 18, 13.5, 10, 7, 4.6, 2.4])
    for away in (26, 15, 8.6):
        for x in (-4.4, 4.4):
            foot = view.at(x, 0, away)
            buildings.lamp(canvas, foot, 3.4 * 800 / away)
    _bunting(canvas, rng, view)
    return canvas


def _church(canvas: Canvas, rng: np.random.Generator, view: View) -> None:
    """Paint a church tower with a clock and a spire at the end of the street."""
    style = Style((0.8, 0.74, 0.62), 1, 5, brick=True)
    nave = buildings.facade(rng, (240, 150), style, canvas.scale)
    view.front(canvas, nave, (-8, 0, 16), 62)
    tower = Canvas(80, 300, canvas.scale)
    tone = texture.courses(rng, tower.shape, 5 * canvas.scale, 12 * canvas.scale)
    tower.paint(np.ones(tower.shape, np.float32), Surface((0.76, 0.7, 0.58)), tone)
    for y in (20, 150):
        for x in (20, 44):
            tower.poly(
                [(x, y + 40), (x, y + 10), (x + 8, y), (x + 16, y + 10), (x + 16, y + 40)],
                Surface((0.2, 0.2, 0.22), glow=(1.6, 1.0, 0.4)),
            )
    tower.ellipse((40, 100), (20, 20), Surface((0.93, 0.91, 0.84), glow=(1.5, 1.3, 0.8)))
    tower.line([(40, 100), (40, 86)], 2, Surface((0.1, 0.1, 0.1)))
    tower.line([(40, 100), (50, 104)], 2, Surface((0.1, 0.1, 0.1)))
    for y in (0, 70, 132, 200):
        tower.rect(0, y, (80, 4), Surface((0.88, 0.82, 0.7), (0, 0.5), snow=1))
    view.front(canvas, tower, (-3, 0, 6), 60)
    peak, left, right = view.at(0, 33, 60), view.at(-3.3, 22.3, 60), view.at(3.3, 22.3, 60)
    middle = view.at(0.6, 22, 60)
    canvas.poly([peak, left, middle], Surface((0.34, 0.42, 0.42), (-0.6, 0.3), 0.38, snow=0.8))
    canvas.poly([peak, middle, right], Surface((0.3, 0.37, 0.38), (0.7, 0.3), 0.38, snow=0.8))


def _bunting(canvas: Canvas, rng: np.random.Generator, view: View) -> None:
    """Hang strings of coloured flags across the street."""
    for away in (22, 12):
        left, right = view.at(-5.2, 6.2, away), view.at(5.2, 6.4, away)
        for t in np.arange(0.03, 0.97, 0.045):
            x = left[0] + (right[0] - left[0]) * t
            y = left[1] + (right[1] - left[1]) * t + 4 * t * (1 - t) * 26 * 12 / away
            size = 150 / away
            colour = (CLOTH[0], (0.95, 0.9, 0.8), CLOTH[2], CLOTH[3])[int(rng.integers(4))]
            canvas.poly(
                [(x, y), (x + size, y + 0.4), (x + size / 2, y + size * 1.3)],
                Surface(colour, (0, 0.1), 0.15),
            )
