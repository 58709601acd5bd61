"""What stands between the camera and a person: railings, plants, lamp posts, tables and more."""

from collections.abc import Callable

import numpy as np

from pipeline.scenes import plants
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.furniture import IRON, Target, bench, bicycle, sign, table


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
    tall = max(low - target.at(0, rng.uniform(1.0, 1.25))[1], 200)
    wide = tall * 160 / 90
    for shift in (rng.uniform(-0.42, -0.26), rng.uniform(0.22, 0.4)):
        plant = plants.bush(
            rng,
            canvas.scale * max(tall / 90, 1),
            plants.GREENS[int(rng.integers(4))],
            colours[int(rng.integers(4))],
            leaf=min(2.8, 300 / tall),
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


def pot(canvas: Canvas, target: Target, rng: np.random.Generator) -> None:
    """Put a great terracotta pot with a leafy plant before one side of a person."""
    x, low = target.at(rng.choice((-1.0, 1.0)) * rng.uniform(0.16, 0.3), -0.1)
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
    green = plants.GREENS[int(rng.integers(4))]
    plant = plants.bush(rng, canvas.scale * max(tall / 90, 1), green, leaf=min(2.8, 300 / tall))
    top = low - size * 0.9 - tall
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
