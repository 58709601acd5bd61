"""What stands between the camera and a person: railings, plants, lamp posts, tables and more."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.scenes import buildings, plants
from pipeline.scenes.canvas import Canvas, Surface

IRON = (0.13, 0.15, 0.16)
OAK = (0.56, 0.4, 0.27)


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


def railing(canvas: Canvas, target: Target, rng: np.random.Generator) -> None:
    """Paint an iron railing across the picture."""
    top = rng.uniform(0.98, 1.12)
    iron = Surface(IRON, (-0.35, 0.1), 0.0, snow=0.1)
    pitch, thick = 0.15 * target.scale, 0.036 * target.scale
    x = target.x % pitch
    while x < canvas.width:
        canvas.rect(x, target.at(0, top)[1], (thick, canvas.height + 400), iron)
        x += pitch
    for y, wide in ((top, 0.075), (top - 0.17, 0.045), (0.12, 0.05)):
        row = target.at(0, y)[1]
        canvas.rect(
            -5,
            row,
            (canvas.width + 10, wide * target.scale),
            Surface(IRON, (0, 0.5), 0.0, snow=0.9),
        )
        canvas.rect(
            -5,
            row,
            (canvas.width + 10, wide * target.scale * 0.3),
            Surface((0.3, 0.32, 0.33), (0, 0.8), 0.0, snow=1),
        )


def balustrade(canvas: Canvas, target: Target, rng: np.random.Generator) -> None:
    """Paint a stone balustrade across the picture."""
    top = rng.uniform(0.85, 1.0)
    pale = (0.78, 0.75, 0.68)
    pitch = 0.3 * target.scale
    x = target.x % pitch - pitch
    while x < canvas.width + pitch:
        for y, half in ((0.2, 0.055), (0.3, 0.085), (0.42, 0.095), (0.55, 0.07), (0.68, 0.045)):
            step = 0.14 * target.scale
            row = target.foot - (y + 0.1) * target.scale
            wide = half * target.scale
            canvas.rect(x - wide, row, (wide * 1.1, step), Surface(pale, (-0.35, 0), 0.0))
            canvas.rect(
                x + wide * 0.1,
                row,
                (wide * 0.9, step),
                Surface(tuple(v * 0.88 for v in pale), (0.55, 0), 0.0),
            )
        x += pitch
    for y, tall, tone in ((top, 0.14, 1.0), (top - 0.14, 0.05, 0.8), (0.2, 0.3, 0.95)):
        row = target.at(0, y)[1]
        shade = tuple(v * tone for v in pale)
        canvas.rect(
            -5,
            row,
            (canvas.width + 10, tall * target.scale),
            Surface(shade, (0, 0.1), 0.0, snow=0.3),
        )
        canvas.rect(
            -5,
            row,
            (canvas.width + 10, 0.03 * target.scale),
            Surface(tuple(v * 1.08 for v in shade), (0, 0.8), 0.0, snow=1),
        )


def bush(canvas: Canvas, target: Target, rng: np.random.Generator) -> None:
    """Put flowering bushes before the legs, or before the waist of somebody near."""
    colours = (None, (0.88, 0.25, 0.3), (0.95, 0.8, 0.3), (0.9, 0.6, 0.75))
    low = min(target.foot + 0.12 * target.scale, canvas.height + 25)
    tall = max(low - target.at(0, rng.uniform(0.75, 1.0))[1], 120)
    wide = tall * 160 / 90
    for shift in (rng.uniform(-0.75, -0.45), rng.uniform(0.35, 0.6)):
        plant = plants.bush(
            rng,
            canvas.scale * max(tall / 90, 1),
            plants.GREENS[int(rng.integers(4))],
            colours[int(rng.integers(4))],
        )
        left = target.x + (shift - 0.5) * wide
        corners = [(left, low - tall), (left + wide, low - tall), (left + wide, low), (left, low)]
        canvas.put(plant, corners, 0.0)


def post(canvas: Canvas, target: Target, rng: np.random.Generator) -> None:
    """Put a lamp post before one side of a person; it reaches out of the picture."""
    x = target.x + rng.choice((-1.0, 1.0)) * rng.uniform(0.06, 0.13) * target.scale
    wide = rng.uniform(0.1, 0.13) * target.scale
    for left, right, facing, tone in (
        (-1, -0.55, -0.8, 1.4),
        (-0.55, 0.2, -0.25, 1.2),
        (0.2, 0.7, 0.4, 1.0),
        (0.7, 1, 0.85, 0.8),
    ):
        colour = tuple(v * tone for v in (0.18, 0.24, 0.22))
        canvas.rect(
            x + left * wide / 2,
            -5,
            ((right - left) * wide / 2, canvas.height + 10),
            Surface(colour, (facing, 0), 0.0),
        )
    for y in (0.25, 1.0, 1.08):
        row = target.at(0, y)[1]
        canvas.rect(
            x - wide * 0.65,
            row,
            (wide * 1.3, wide * 0.28),
            Surface((0.2, 0.27, 0.25), (-0.2, 0.5), 0.0, snow=0.6),
        )
    foot = target.at(0, 0.2)[1]
    canvas.rect(
        x - wide * 0.9,
        foot,
        (wide * 1.8, canvas.height + 300),
        Surface((0.17, 0.23, 0.21), (-0.2, 0), 0.0),
    )


def table(canvas: Canvas, target: Target, rng: np.random.Generator) -> None:
    """Put a café table with a cloth, cups and a vase before a person."""
    top = min(target.at(0, rng.uniform(0.9, 1.0))[1], canvas.height - 90)
    half = rng.uniform(0.55, 0.75) * target.scale
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
    x, _ = target.at(rng.choice((-1.0, 1.0)) * rng.uniform(0.08, 0.2), 0)
    top = target.at(0, rng.uniform(1.0, 1.15))[1]
    low = min(target.foot + 0.1 * target.scale, canvas.height + 60)
    half = 0.3 * target.scale
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
    flip = float(rng.choice((-1.0, 1.0)))
    paint = ((0.7, 0.2, 0.2), (0.2, 0.42, 0.5), (0.2, 0.35, 0.25))[int(rng.integers(3))]

    def point(x: float, y: float) -> tuple[float, float]:
        return target.at(flip * x * 1.08, y * 1.08)

    angle = np.linspace(0, 2 * np.pi, 40)
    for x in (-0.52, 0.52):
        rim = [point(x + 0.34 * np.cos(a), 0.35 + 0.34 * np.sin(a)) for a in angle]
        for spoke in range(0, 40, 4):
            canvas.line(
                [point(x, 0.35), rim[spoke]],
                1.0 + 0.003 * target.scale,
                Surface((0.7, 0.7, 0.72), (0, 0), 0.0),
            )
        canvas.line(rim, 0.045 * target.scale, Surface((0.1, 0.1, 0.1), (0, 0.2), 0.0))
    tube = Surface(paint, (-0.2, 0.4), 0.0)
    for start, end in (
        ((-0.52, 0.35), (-0.2, 0.85)),
        ((-0.2, 0.85), (0.38, 0.88)),
        ((-0.08, 0.34), (0.38, 0.86)),
        ((-0.08, 0.34), (-0.2, 0.9)),
        ((-0.52, 0.35), (-0.08, 0.34)),
        ((0.36, 1.02), (0.52, 0.35)),
    ):
        canvas.line([point(*start), point(*end)], 0.042 * target.scale, tube)
    canvas.line(
        [point(0.2, 1.06), point(0.4, 1.04)], 0.035 * target.scale, Surface(IRON, (0, 0.5), 0.0)
    )
    canvas.poly(
        [point(-0.34, 0.97), point(-0.06, 0.95), point(-0.1, 0.9), point(-0.3, 0.9)],
        Surface((0.2, 0.14, 0.1), (0, 0.6), 0.0),
    )
    bag = tuple(v * 0.8 for v in OAK)
    canvas.poly(
        [point(-0.72, 0.74), point(-0.36, 0.74), point(-0.38, 0.34), point(-0.7, 0.34)],
        Surface(bag, (-0.1, 0.1), 0.0),
    )
    canvas.poly(
        [point(0.42, 1.0), point(0.78, 1.0), point(0.72, 0.72), point(0.48, 0.72)],
        Surface((0.66, 0.52, 0.34), (-0.1, 0.1), 0.0),
    )
    for y in (0.94, 0.87, 0.8):
        canvas.line([point(0.45, y), point(0.75, y)], 2.0, Surface((0.45, 0.33, 0.2), (0, 0), 0.0))


def pot(canvas: Canvas, target: Target, rng: np.random.Generator) -> None:
    """Put a great terracotta pot with a leafy plant before one side of a person."""
    x, low = target.at(rng.choice((-1.0, 1.0)) * rng.uniform(0.08, 0.22), -0.1)
    low = min(low, canvas.height + 60)
    size = 0.34 * target.scale
    for left, right, facing in ((-1, -0.4, -0.7), (-0.4, 0.35, 0.0), (0.35, 1, 0.75)):
        clay = Surface((0.72, 0.42, 0.3), (facing, 0.05), 0.0)
        canvas.poly(
            [
                (x + left * size * 0.9, low - size * 1.3),
                (x + right * size * 0.9, low - size * 1.3),
                (x + right * size * 0.62, low),
                (x + left * size * 0.62, low),
            ],
            clay,
        )
        canvas.rect(x + left * size, low - size * 1.45, ((right - left) * size, size * 0.25), clay)
    tall = size * 2.3
    wide = tall * 160 / 90 * 0.8
    plant = plants.bush(rng, canvas.scale * max(tall / 90, 1), plants.GREENS[int(rng.integers(4))])
    top = low - size * 1.2 - tall
    canvas.put(
        plant,
        [
            (x - wide / 2, top),
            (x + wide / 2, top),
            (x + wide / 2, top + tall),
            (x - wide / 2, top + tall),
        ],
        0.0,
    )


Painter = Callable[[Canvas, Target, np.random.Generator], None]
NEAR: tuple[Painter, ...] = (bush, post, table, pot)  # before somebody seen from the waist up
WHOLE: tuple[Painter, ...] = (railing, balustrade, bush, post, table, sign, bench, bicycle, pot)
