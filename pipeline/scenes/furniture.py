"""Things of the street that stand before people: tables, boards, benches, bicycles."""

from dataclasses import dataclass

import numpy as np

from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.perspective import Plot


@dataclass(frozen=True)
class Target:
    """Who is to be hidden in part; units of the picture.

    Attributes:
        x: middle of the person.
        foot: row of the feet, may lie below the picture.
        scale: units a metre at the object, which is a little nearer than the person.
    """

    x: float
    foot: float
    scale: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return a point ``x`` metres right of the person and ``y`` metres over the ground."""
        return self.x + x * self.scale, self.foot - y * self.scale


IRON = (0.13, 0.15, 0.16)

OAK = (0.56, 0.4, 0.27)
PANNIER = (0.45, 0.32, 0.22)
WICKER = (0.66, 0.52, 0.34)
# A bicycle's tubes, from end to end, in wheelbases of about a metre.
FRAME = (
    ((-0.52, 0.35), (-0.2, 0.85)),
    ((-0.2, 0.85), (0.38, 0.88)),
    ((-0.08, 0.34), (0.38, 0.86)),
    ((-0.08, 0.34), (-0.2, 0.9)),
    ((-0.52, 0.35), (-0.08, 0.34)),
    ((0.36, 1.02), (0.52, 0.35)),
)


def table(canvas: Canvas, target: Target, rng: np.random.Generator) -> None:
    """Put a café table with a cloth, cups and a vase before a person."""
    top = min(target.at(0, rng.uniform(0.74, 0.84))[1], canvas.height - 110)
    half = rng.uniform(0.42, 0.55) * target.scale
    cloth = (0.92, 0.9, 0.85) if rng.random() < 0.5 else (0.72, 0.3, 0.27)
    folds = 14
    for fold in range(folds):
        left = target.x - half + 2 * half * fold / folds
        facing = 0.55 * (-1) ** fold
        drop = canvas.height - top + 60
        canvas.rect(
            left,
            top,
            (2 * half / folds + 0.5, drop),
            Surface(tuple(v * 0.94 for v in cloth), (facing, -0.1), 0.0),
        )
    canvas.ellipse((target.x, top), (half, half * 0.17), Surface(cloth, (0, 0.9), 0.0, snow=0.3))
    for shift in (-0.5, 0.42):
        _cup(canvas, (target.x + shift * half, top + half * 0.02), half * 0.085)
    _vase(canvas, (target.x + 0.05 * half, top), half * 0.13, rng)


def _cup(canvas: Canvas, at: tuple[float, float], size: float) -> None:
    x, y = at
    white = (0.93, 0.93, 0.92)
    canvas.ellipse((x, y + size * 0.2), (size * 1.8, size * 0.45), Surface(white, (0, 0.8), 0.0))
    canvas.poly(
        [
            (x - size, y - 1.5 * size),
            (x + size, y - 1.5 * size),
            (x + size * 0.6, y + size * 0.15),
            (x - size * 0.6, y + size * 0.15),
        ],
        Surface(white, (-0.3, 0.1), 0.0),
    )
    canvas.ellipse(
        (x, y - 1.5 * size), (size, size * 0.32), Surface((0.35, 0.2, 0.12), (0, 0.9), 0.0)
    )


def _vase(canvas: Canvas, at: tuple[float, float], size: float, rng: np.random.Generator) -> None:
    x, y = at
    canvas.poly(
        [
            (x - size * 0.4, y - 1.6 * size),
            (x + size * 0.4, y - 1.6 * size),
            (x + size * 0.6, y),
            (x - size * 0.6, y),
        ],
        Surface((0.3, 0.45, 0.55), (-0.3, 0.1), 0.0),
    )
    for _ in range(9):
        tip = (x + rng.normal(0, size * 0.55), y - size * rng.uniform(2.1, 3.1))
        canvas.line([(x, y - 1.6 * size), tip], 1.6, Surface((0.3, 0.45, 0.2), (0, 0.2), 0.0))
        colour = ((0.9, 0.3, 0.35), (0.95, 0.8, 0.35), (0.95, 0.93, 0.9))[int(rng.integers(3))]
        canvas.ellipse(tip, (size * 0.26, size * 0.24), Surface(colour, (0, 0.5), 0.0))


def sign(canvas: Canvas, target: Target, rng: np.random.Generator) -> None:
    """Put a chalkboard on the pavement before one side of a person."""
    x, _ = target.at(rng.choice((-1.0, 1.0)) * rng.uniform(0.14, 0.26), 0)
    top = target.at(0, rng.uniform(1.0, 1.15))[1]
    low = min(target.foot + 0.1 * target.scale, canvas.height + 60)
    half = 0.27 * target.scale
    canvas.poly(
        [
            (x - half * 0.94, top),
            (x + half * 0.94, top),
            (x + half * 1.06, low),
            (x - half * 1.06, low),
        ],
        Surface(OAK, (-0.1, 0.2), 0.0),
    )
    rim = half * 0.12
    board = (low - top) * 0.86
    canvas.poly(
        [
            (x - half * 0.94 + rim, top + rim),
            (x + half * 0.94 - rim, top + rim),
            (x + half - rim, top + board),
            (x - half + rim, top + board),
        ],
        Surface((0.16, 0.2, 0.18), (0, 0.15), 0.0),
    )
    chalk = Surface((0.88, 0.88, 0.84), (0, 0.1), 0.0)
    line = top + rim + board * 0.12
    while line < top + board * 0.86:
        wide = half * rng.uniform(0.5, 1.3)
        canvas.rect(x - wide / 2, line, (wide, max(board * 0.025, 2)), chalk)
        line += board * rng.uniform(0.09, 0.15)


def bench(canvas: Canvas, target: Target, rng: np.random.Generator) -> None:
    """Put the back of a wooden bench before the legs."""
    half = rng.uniform(0.8, 1.1) * target.scale
    for y in (0.92, 0.78, 0.64, 0.5):
        row = target.at(0, y)[1]
        tone = rng.uniform(0.9, 1.08)
        colour = tuple(v * tone for v in OAK)
        canvas.rect(
            target.x - half, row, (2 * half, 0.105 * target.scale), Surface(colour, (0, 0.1), 0.0)
        )
        canvas.rect(
            target.x - half,
            row,
            (2 * half, 0.02 * target.scale),
            Surface(tuple(v * 1.15 for v in colour), (0, 0.8), 0.0, snow=1),
        )
    for side in (-0.86, 0.0, 0.86):
        wide = 0.055 * target.scale
        top = target.at(0, 0.95)[1]
        canvas.rect(
            target.x + side * half - wide / 2,
            top,
            (wide, target.foot - top + 8),
            Surface(IRON, (-0.3, 0), 0.0),
        )


def bicycle(canvas: Canvas, target: Target, rng: np.random.Generator) -> None:
    """Lean a bicycle with a basket and panniers before the legs."""
    unit = 1.2 * target.scale
    plot = Plot(canvas, (target.x, target.foot), unit)
    flip = float(rng.choice((-1.0, 1.0)))
    paint = ((0.7, 0.2, 0.2), (0.2, 0.42, 0.5), (0.2, 0.35, 0.25))[int(rng.integers(3))]
    for x in (-0.52, 0.52):
        _wheel(plot, flip * x)
    for start, end in FRAME:
        ends = [plot.at(flip * x, y) for x, y in (start, end)]
        canvas.line(ends, 0.035 * unit, Surface(paint, (-0.2, 0.4), 0.0))
    handle = [plot.at(flip * 0.2, 1.06), plot.at(flip * 0.4, 1.04)]
    canvas.line(handle, 0.03 * unit, Surface(IRON, (0, 0.5), 0.0))
    saddle = ((-0.34, 0.97), (-0.06, 0.95), (-0.1, 0.9), (-0.3, 0.9))
    pannier = ((-0.72, 0.74), (-0.36, 0.74), (-0.38, 0.34), (-0.7, 0.34))
    basket = ((0.42, 1.0), (0.78, 1.0), (0.72, 0.72), (0.48, 0.72))
    for shape, colour in ((saddle, (0.2, 0.14, 0.1)), (pannier, PANNIER), (basket, WICKER)):
        plot.poly([(flip * x, y) for x, y in shape], Surface(colour, (-0.1, 0.15), 0.0))
    for y in (0.94, 0.87, 0.8):
        band = [plot.at(flip * 0.45, y), plot.at(flip * 0.75, y)]
        canvas.line(band, 2.0, Surface((0.45, 0.33, 0.2), (0, 0), 0.0))


def _wheel(plot: Plot, x: float) -> None:
    """Paint a spoked wheel whose hub is ``x`` units right of the middle."""
    angle = np.linspace(0, 2 * np.pi, 40)
    rim = [plot.at(x + 0.34 * np.cos(a), 0.35 + 0.34 * np.sin(a)) for a in angle]
    for end in rim[::4]:
        steel = Surface((0.7, 0.7, 0.72), (0, 0), 0.0)
        plot.canvas.line([plot.at(x, 0.35), end], 1.0 + 0.0025 * plot.unit, steel)
    plot.canvas.line(rim, 0.0375 * plot.unit, Surface((0.1, 0.1, 0.1), (0, 0.2), 0.0))
