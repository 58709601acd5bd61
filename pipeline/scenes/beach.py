"""The beach: a sandy bay with palms."""

import numpy as np

from pipeline.scenes import ground, plants, texture
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.perspective import SIDE
from pipeline.scenes.plants import stand

SAND = (0.86, 0.76, 0.6)


def beach(rng: np.random.Generator, scale: float) -> Canvas:
    """A sandy bay with palms, an island and parasols."""
    canvas = Canvas(SIDE, SIDE, scale)
    island = Surface((0.3, 0.42, 0.26), depth=0.66)
    hill = Canvas(SIDE, SIDE, scale)
    ground.mountains(hill, rng, (392, 95, 0.45, 1.0), island, 1)
    canvas.put(hill, [(330, 0), (980, 0), (980, 880), (330, 880)])
    pattern = texture.grit(rng, 14, 0.35)
    tone = ground.plane(canvas, 392, Surface(SAND, (0, 1), ground=1), pattern, 700)
    sea = [
        (-9, 392),
        (889, 392),
        (889, 448),
        (700, 470),
        (520, 505),
        (330, 560),
        (150, 630),
        (-9, 700),
    ]
    wet = [(x, y + 26) for x, y in sea]
    ground.strip(canvas, wet, Surface((0.6, 0.52, 0.4), (0, 1), water=0.35, ground=1), tone, 9)
    ground.water(canvas, sea, (0.1, 0.42, 0.46))
    _foam(canvas, rng, sea)
    _boat(canvas, (205, 412), 34)
    for x, y in ((700, 500), (610, 548), (470, 610), (820, 580)):
        _torch(canvas, (x, y), (y - 385) * 0.85)
    for x, y, colour in (
        (770, 505, (0.85, 0.25, 0.2)),
        (640, 520, (0.95, 0.75, 0.2)),
        (850, 540, (0.2, 0.45, 0.75)),
    ):
        _parasol(canvas, (x, y), 62, colour)
    for x, y, tall in (
        (800, 600, 470),
        (905, 650, 540),
        (60, 700, 600),
        (720, 470, 150),
        (790, 462, 130),
    ):
        stand(canvas, plants.palm(rng, scale * max(1.0, tall / 320)), (x, y), tall)
    return canvas


def _foam(canvas: Canvas, rng: np.random.Generator, sea: list) -> None:
    """Paint lines of breaking waves along the shore."""
    white = Surface((0.95, 0.96, 0.96), (0, 0.8), ground=0.3)
    shore = np.array(sea[2:])
    for out, width in ((0, 5.0), (-16, 3.5), (-38, 2.4)):
        x = np.linspace(-9, 889, 90)
        y = np.interp(x, shore[::-1, 0], shore[::-1, 1]) + out * (0.4 + 0.6 * (889 - x) / 889)
        wiggle = np.interp(x, np.linspace(-9, 889, 24), rng.normal(0, 3.0, 24))
        thick = (
            width
            * np.interp(x, np.linspace(-9, 889, 30), rng.uniform(0.1, 1, 30))
            * (1.3 - x / 889)
        )
        upper = np.stack([x, y + wiggle - thick / 2], 1)
        lower = np.stack([x, y + wiggle + thick / 2], 1)[::-1]
        canvas.poly(np.concatenate([upper, lower]), white)


def _torch(canvas: Canvas, foot: tuple[float, float], tall: float) -> None:
    """Paint a bamboo torch that burns at night."""
    x, y = foot
    canvas.line([(x, y), (x, y - tall)], tall * 0.035, Surface((0.5, 0.4, 0.24), (-0.3, 0)))
    size = tall * 0.055
    canvas.rect(x - size, y - tall - size, (2 * size, 2 * size), Surface((0.4, 0.3, 0.18)))
    flame = [(x - size, y - tall - size), (x, y - tall - 4.5 * size), (x + size, y - tall - size)]
    canvas.poly(flame, Surface((0.45, 0.36, 0.25), glow=(8.0, 4.4, 1.2)))


def _boat(canvas: Canvas, at: tuple[float, float], size: float) -> None:
    x, y = at
    hull = Surface((0.9, 0.9, 0.88), (0, 0), 0.4)
    canvas.poly(
        [
            (x - size, y),
            (x + size, y),
            (x + size * 0.7, y + size * 0.3),
            (x - size * 0.7, y + size * 0.3),
        ],
        hull,
    )
    sail = Surface((0.96, 0.94, 0.9), (0.4, 0.1), 0.4)
    canvas.poly([(x + 2, y - 3), (x + 2, y - size * 2.1), (x + size * 0.9, y - 3)], sail)
    canvas.poly(
        [(x - 1, y - 3), (x - 1, y - size * 1.7), (x - size * 0.6, y - 3)],
        Surface((0.85, 0.3, 0.25), (-0.3, 0.1), 0.4),
    )


def _parasol(canvas: Canvas, foot: tuple[float, float], size: float, colour: tuple) -> None:
    x, y = foot
    ground.shade(
        canvas,
        [
            (x - size * 0.7, y - 4),
            (x + size * 0.5, y - 4),
            (x + size * 0.5, y + 6),
            (x - size * 0.7, y + 6),
        ],
        0.45,
        4,
    )
    canvas.line([(x, y), (x, y - size)], 2.4, Surface((0.9, 0.9, 0.88)))
    for part in range(6):
        left, right = (
            x - size * 0.75 + part * size * 0.25,
            x - size * 0.75 + (part + 1) * size * 0.25,
        )
        shade = colour if part % 2 else (0.95, 0.94, 0.9)
        drop = size * 0.62
        canvas.poly(
            [
                (x, y - size * 1.12),
                (left, y - drop),
                ((left + right) / 2, y - drop + 4),
                (right, y - drop),
            ],
            Surface(shade, ((part - 2.5) / 4, 0.5)),
        )
