"""Façades, towers, roofs and lamps: what people built, as flat panels to be put in perspective."""

from dataclasses import dataclass

import numpy as np

from pipeline.scenes import texture
from pipeline.scenes.canvas import Canvas, Surface

WARM = (3.4, 2.1, 0.8)  # a lit window, linear light
GLASS = (0.3, 0.36, 0.42)
STONE = (0.72, 0.68, 0.6)


@dataclass(frozen=True)
class Style:
    """How a façade is built.

    Attributes:
        wall: its colour.
        floors, bays: rows and columns of windows.
        brick: masonry instead of plaster.
        shutters: colour of the shutters, or None.
        shop: colour of the awning over a shop on the ground floor, or None.
    """

    wall: tuple[float, float, float]
    floors: int = 3
    bays: int = 3
    brick: bool = False
    shutters: tuple[float, float, float] | None = None
    shop: tuple[float, float, float] | None = None


def facade(
    rng: np.random.Generator, size: tuple[float, float], style: Style, scale: float
) -> Canvas:
    """Return a house front of ``size`` units, with windows some of which are lit at night."""
    width, height = size
    canvas = Canvas(width, height, scale)
    shape = canvas.shape
    tone = texture.stains(rng, shape)
    if style.brick:
        tone = tone * texture.courses(rng, shape, 5 * scale, 13 * scale)
    canvas.paint(np.ones(shape, np.float32), Surface(style.wall), tone)
    base = height * (0.3 if style.shop else 0.06)
    level = (height - base) / style.floors
    for floor in range(style.floors):
        top = height * 0.02 + floor * level
        canvas.rect(
            0, top - 2.5, (width, 2.5), Surface(_scaled(style.wall, 1.12), (0, 0.5), snow=0.5)
        )
        for bay in range(style.bays):
            pitch = width / style.bays
            box = (bay * pitch + pitch * 0.29, top + level * 0.2, pitch * 0.42, level * 0.62)
            window(canvas, rng, box, style.shutters)
    canvas.rect(0, 0, (width, 6), Surface(_scaled(style.wall, 1.15), (0, 0.4), snow=0.9))
    canvas.rect(0, 6, (width, 3), Surface(_scaled(style.wall, 0.6)))
    if style.shop:
        _shop(canvas, rng, style)
    return canvas


def _scaled(colour: tuple, factor: float) -> tuple:
    return tuple(min(value * factor, 1.0) for value in colour)


def window(
    canvas: Canvas, rng: np.random.Generator, box: tuple, shutters: tuple | None = None
) -> None:
    """Paint a sash window; ``box`` is x, y, width and height in units."""
    x, y, width, height = box
    lit = rng.random() < 0.55
    glow = tuple(value * rng.uniform(0.5, 1) for value in WARM) if lit else (0, 0, 0)
    canvas.rect(x - 2, y - 2, (width + 4, height + 4), Surface((0.85, 0.82, 0.76)))
    canvas.rect(x - 1, y - 1, (width + 2, height * 0.2), Surface((0.22, 0.24, 0.27), glow=glow))
    sky = rng.uniform(0.8, 1.25)
    canvas.rect(x, y, (width, height * 0.55), Surface(_scaled(GLASS, sky), (0, 0.3), glow=glow))
    canvas.rect(
        x,
        y + height * 0.5,
        (width, height * 0.5),
        Surface(_scaled(GLASS, 0.7), glow=_scaled3(glow, 0.8)),
    )
    if rng.random() < 0.5:  # a curtain
        canvas.rect(
            x, y, (width * 0.28, height), Surface((0.75, 0.7, 0.62), glow=_scaled3(glow, 0.4))
        )
    frame = Surface((0.88, 0.86, 0.8))
    canvas.rect(x + width / 2 - 0.7, y, (1.4, height), frame)
    canvas.rect(x, y + height * 0.42, (width, 1.4), frame)
    canvas.rect(x - 4, y + height + 1, (width + 8, 3), Surface((0.8, 0.76, 0.7), (0, 0.7), snow=1))
    canvas.rect(x - 3, y + height + 4, (width + 6, 2), Surface((0.4, 0.37, 0.33)))
    if shutters is not None:
        for left in (x - 2 - width * 0.46, x + width + 2):
            _shutter(canvas, (left, y - 1, width * 0.46, height + 2), shutters)


def _scaled3(glow: tuple, factor: float) -> tuple:
    return tuple(value * factor for value in glow)


def _shutter(canvas: Canvas, box: tuple, colour: tuple) -> None:
    x, y, width, height = box
    canvas.rect(x, y, (width, height), Surface(colour))
    for slat in np.arange(y + 2, y + height - 2, 4):
        canvas.rect(x + 1, slat, (width - 2, 1.3), Surface(_scaled(colour, 0.7), (0, -0.3)))


def _shop(canvas: Canvas, rng: np.random.Generator, style: Style) -> None:
    """Paint a shop window, a door and a striped awning along the foot of a façade."""
    width, height = canvas.width, canvas.height
    top = height * 0.74
    warm = tuple(value * 0.8 for value in WARM)
    canvas.rect(0, top, (width, height - top), Surface(_scaled(style.wall, 0.55)))
    canvas.rect(
        width * 0.05, top + 4, (width * 0.52, height * 0.19), Surface((0.2, 0.22, 0.22), glow=warm)
    )
    for x in rng.uniform(width * 0.07, width * 0.5, 14):
        tall = rng.uniform(4, height * 0.08)
        colour = tuple(rng.uniform(0.3, 0.9, 3))
        foot = top + 4 + height * 0.19
        canvas.rect(x, foot - tall, (width * 0.05, tall), Surface(colour, glow=_scaled3(warm, 0.3)))
    canvas.rect(width * 0.64, top + 6, (width * 0.26, height), Surface((0.3, 0.2, 0.14)))
    canvas.rect(
        width * 0.68,
        top + 11,
        (width * 0.18, height * 0.11),
        Surface((0.25, 0.27, 0.27), glow=warm),
    )
    awning(canvas, (width * 0.02, top - 8, width * 0.92, height * 0.075), style.shop)


def awning(canvas: Canvas, box: tuple, colour: tuple, stripes: int = 9) -> None:
    """Paint a striped, sloping awning with a scalloped edge; ``box`` is x, y, width, height."""
    x, y, width, height = box
    wide = width / stripes
    for stripe in range(stripes):
        shade = colour if stripe % 2 == 0 else (0.93, 0.91, 0.86)
        left = x + stripe * wide
        cloth = Surface(shade, (0, 0.55), snow=0.8)
        canvas.rect(left, y, (wide, height), cloth)
        canvas.ellipse(
            (left + wide / 2, y + height), (wide / 2, wide * 0.4), Surface(_scaled(shade, 0.85))
        )
    canvas.rect(x, y + height + wide * 0.4, (width, 3), Surface((0.12, 0.11, 0.1)))


def gable(canvas: Canvas, rng: np.random.Generator, box: tuple, colour: tuple) -> None:
    """Paint a tiled roof seen from the front: rows of tiles in a trapezoid; ``box`` x, y, w, h."""
    x, y, width, height = box
    inset = height * 0.55
    rows = max(int(height / 4), 3)
    for row in range(rows):
        share = row / rows
        left = x + inset * (1 - share)
        right = x + width - inset * (1 - share)
        top = y + height * share
        tone = rng.uniform(0.9, 1.08) * (0.8 + 0.25 * share)
        tile = Surface(_scaled(colour, tone), (0, 0.6), snow=1)
        canvas.poly(
            [(left, top), (right, top), (right + 1, top + 4.5), (left - 1, top + 4.5)], tile
        )
        canvas.rect(left, top + 3.4, (right - left, 1), Surface(_scaled(colour, 0.55), snow=0.6))


def lamp(canvas: Canvas, foot: tuple[float, float], height: float) -> None:
    """Paint a street lamp of wrought iron whose lantern is lit at night."""
    x, y = foot
    iron = Surface((0.12, 0.13, 0.14), (-0.3, 0))
    width = height * 0.022
    canvas.rect(x - width, y - height, (2 * width, height), iron)
    canvas.rect(x - 2.4 * width, y - height * 0.09, (4.8 * width, height * 0.09), iron)
    size = height * 0.075
    top = y - height
    glass = Surface((0.9, 0.86, 0.7), glow=(8.0, 5.4, 2.4))
    canvas.poly(
        [
            (x - size * 0.75, top - 2 * size),
            (x + size * 0.75, top - 2 * size),
            (x + size * 0.45, top),
            (x - size * 0.45, top),
        ],
        glass,
    )
    canvas.poly(
        [(x - size, top - 2 * size), (x, top - 2.9 * size), (x + size, top - 2 * size)], iron
    )
    canvas.rect(x - 0.6, top - 2 * size, (1.2, 2 * size), iron)
