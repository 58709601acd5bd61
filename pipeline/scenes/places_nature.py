"""Places with more sky than walls: lake, beach, garden."""

import numpy as np

from pipeline.scenes import buildings, ground, plants, texture
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.perspective import View, depth_of

SIDE = 880  # units, every place's canvas
GRASS = (0.4, 0.52, 0.24)
SAND = (0.86, 0.76, 0.6)
WOOD = (0.55, 0.44, 0.34)


def stand(canvas: Canvas, panel: Canvas, foot: tuple[float, float], height: float) -> None:
    """Put a plant up with its foot at a point; ``height`` in units."""
    x, y = foot
    width = height * panel.width / panel.height
    left, right, top = x - width / 2, x + width / 2, y - height
    away = 1280 / max(y - 385, 4)
    ground.shade(canvas, [(left, y - 3), (right, y - 3), (right, y + 5), (left, y + 5)], 0.4, 5)
    canvas.put(panel, [(left, top), (right, top), (right, y), (left, y)], depth_of(away))


def lake(rng: np.random.Generator, scale: float) -> Canvas:
    """A mountain lake with a pier, under snowy peaks."""
    canvas = Canvas(SIDE, SIDE, scale)
    ground.mountains(canvas, rng, (400, 265, 0.55), Surface((0.5, 0.52, 0.58), depth=0.75), 0.52)
    ground.mountains(canvas, rng, (402, 150, 0.4), Surface((0.34, 0.4, 0.38), depth=0.62), 1)
    ground.treeline(canvas, rng, (404, 66, 12), Surface(ground.FOREST, (0, 0.2), 0.45, snow=0.6))
    lawn = texture.grit(rng, 10, 0.7)
    tone = ground.plane(canvas, 403, Surface((0.3, 0.4, 0.42), (0, 1)), lawn, 900)
    ground.water(canvas, [(-9, 403), (889, 403), (889, 889), (-9, 889)], (0.16, 0.3, 0.34))
    view = View(430, 385)
    for x, away, tall in (
        (-30, 60, 9),
        (-36, 62, 11),
        (-26, 57, 8),
        (33, 62, 10),
        (38, 60, 12),
        (28, 64, 9),
    ):
        tree = plants.conifer(rng, scale)
        view.front(canvas, tree, (x - tall * 0.23, 0.3, tall * 0.46), away)
    _cabin(canvas, rng, view)
    shore = Surface(GRASS, (0, 1), leaf=0.5, snow=1, ground=1)
    ground.strip(
        canvas, [(-30, 640), (90, 700), (230, 790), (300, 900), (-30, 900)], shore, tone, 6
    )
    ground.strip(
        canvas, [(910, 600), (790, 690), (690, 800), (640, 900), (910, 900)], shore, tone, 6
    )
    _pier(canvas, rng, view)
    for x, y in rng.uniform((0, 730), (180, 880), (9, 2)):
        canvas.ellipse(
            (x, y), (rng.uniform(8, 20), rng.uniform(5, 10)), Surface(ground.ROCK, (0, 0.5), snow=1)
        )
    return canvas


def _cabin(canvas: Canvas, rng: np.random.Generator, view: View) -> None:
    style = buildings.Style((0.5, 0.34, 0.24), 1, 2)
    house = buildings.facade(rng, (110, 50), style, canvas.scale)
    view.front(canvas, house, (14, 0.2, 9), 60)
    roof = Canvas(140, 46, canvas.scale)
    buildings.gable(roof, rng, (0, 0, 140, 46), (0.46, 0.3, 0.26))
    view.front(canvas, roof, (12.8, 4.1, 11.4), 59.5)


def _pier(canvas: Canvas, rng: np.random.Generator, view: View) -> None:
    """Paint a wooden pier that runs out from the camera, on posts."""
    near, far = 2.2, 17.0
    for away in np.arange(16.5, 2.5, -1.6):
        for x in (-2.1, 2.1):
            head, foot = view.at(x, 0.5, away), view.at(x, -0.6, away)
            wide = 0.09 * 800 / away
            canvas.line([head, foot], 2 * wide, Surface((0.3, 0.24, 0.19), (-0.3, 0)))
    corners = [view.at(-2, 0, near), view.at(-2, 0, far), view.at(2, 0, far), view.at(2, 0, near)]
    tone = texture.floor(texture.planks(rng, 34), canvas.grid(), 385, 620)
    edge = [
        view.at(-2, -0.25, near),
        view.at(-2, -0.25, far),
        view.at(2, -0.25, far),
        view.at(2, -0.25, near),
    ]
    canvas.poly(edge, Surface((0.22, 0.18, 0.15)))
    ground.strip(canvas, corners, Surface(WOOD, (0, 1), snow=0.9, ground=1), tone)


def beach(rng: np.random.Generator, scale: float) -> Canvas:
    """A sandy bay with palms, an island and parasols."""
    canvas = Canvas(SIDE, SIDE, scale)
    island = Surface((0.3, 0.42, 0.26), depth=0.66)
    hill = Canvas(SIDE, SIDE, scale)
    ground.mountains(hill, rng, (392, 95, 0.3), island, 1)
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
    for x, y, colour in (
        (770, 505, (0.85, 0.25, 0.2)),
        (640, 520, (0.95, 0.75, 0.2)),
        (850, 540, (0.2, 0.45, 0.75)),
    ):
        _parasol(canvas, (x, y), 62, colour)
    for x, y, tall in (
        (842, 640, 470),
        (935, 590, 420),
        (30, 690, 560),
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


def garden(rng: np.random.Generator, scale: float) -> Canvas:
    """A flower garden with a white pavilion at the end of a path."""
    canvas = Canvas(SIDE, SIDE, scale)
    ground.treeline(
        canvas, rng, (398, 130, 26), Surface((0.24, 0.4, 0.2), (0, 0.3), 0.4, leaf=0.9, snow=0.8)
    )
    lawn = texture.grit(rng, 9, 0.6)
    tone = ground.plane(canvas, 392, Surface(GRASS, (0, 1), leaf=0.5, snow=1, ground=1), lawn, 800)
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
    angle = np.linspace(0, np.pi, 30)
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
    del angle
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
