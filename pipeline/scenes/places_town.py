"""Places with walls: old town, bridge, square, market, pagoda."""

import numpy as np

from pipeline.scenes import buildings, ground, plants, texture
from pipeline.scenes.buildings import Style
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.perspective import View
from pipeline.scenes.places_nature import GRASS, SIDE, stand

PLASTER = (
    (0.87, 0.72, 0.5),
    (0.8, 0.5, 0.4),
    (0.9, 0.84, 0.7),
    (0.62, 0.7, 0.68),
    (0.82, 0.62, 0.56),
    (0.74, 0.74, 0.62),
)
SHUTTER = ((0.24, 0.4, 0.34), (0.3, 0.36, 0.5), (0.5, 0.26, 0.2), None)
CLOTH = ((0.75, 0.2, 0.18), (0.18, 0.42, 0.35), (0.2, 0.32, 0.55), (0.85, 0.6, 0.2))
TILES = (0.64, 0.36, 0.26)


def row(canvas: Canvas, rng: np.random.Generator, view: View, side: float, stops: list) -> None:
    """Build a row of houses along the street at ``side`` metres; ``stops`` from far to near, metres."""
    for number, (far, near) in enumerate(zip(stops[:-1], stops[1:], strict=True)):
        width = (far - near) * 22
        tall = rng.uniform(8, 11)
        style = Style(
            PLASTER[(number + int(side > 0) * 2) % 6],
            3,
            max(2, round(width / 75)),
            shutters=SHUTTER[int(rng.integers(4))],
            shop=CLOTH[int(rng.integers(4))],
        )
        house = buildings.facade(rng, (max(width, 120), tall * 22), style, canvas.scale)
        view.wall(canvas, house, side, (near, far), (0, tall))
        roof = Canvas(100, 40, canvas.scale)
        buildings.gable(roof, rng, (-40, 0, 180, 40), TILES)
        lean = side * 1.18
        corners = [
            view.at(lean, tall + 1.4, near),
            view.at(lean, tall + 1.4, far),
            view.at(side * 0.96, tall - 0.1, far),
            view.at(side * 0.96, tall - 0.1, near),
        ]
        canvas.put(roof, corners if side < 0 else [corners[i] for i in (1, 0, 3, 2)])


def oldtown(rng: np.random.Generator, scale: float) -> Canvas:
    """A cobbled street of painted houses that ends at a church tower."""
    canvas = Canvas(SIDE, SIDE, scale)
    view = View(440, 388)
    hills = Surface((0.3, 0.4, 0.28), depth=0.6, leaf=0.6, snow=0.6)
    ground.mountains(canvas, rng, (400, 60, 0.1), hills, 1)
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


def market(rng: np.random.Generator, scale: float) -> Canvas:
    """A market street: stalls of fruit under striped awnings, lanterns overhead."""
    canvas = Canvas(SIDE, SIDE, scale)
    view = View(440, 388)
    pattern = texture.slabs(rng, 26, 20, 0.18)
    tone = ground.plane(
        canvas, 388, Surface((0.66, 0.6, 0.54), (0, 1), snow=0.7, ground=1), pattern, 620
    )
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


def square(rng: np.random.Generator, scale: float) -> Canvas:
    """A paved city square with a column, arcades and towers behind."""
    canvas = Canvas(SIDE, SIDE, scale)
    view = View(440, 390)
    for x, tall, wide in (
        (-150, 82, 26),
        (-112, 118, 22),
        (-66, 64, 30),
        (52, 96, 24),
        (88, 140, 20),
        (120, 74, 34),
    ):
        tower = _tower(rng, scale, wide, tall)
        view.front(canvas, tower, (x, 0, wide), 330)
    pattern = texture.slabs(rng, 16, 16, 0.14)
    tone = ground.plane(
        canvas, 390, Surface((0.75, 0.71, 0.66), (0, 1), snow=0.9, ground=1), pattern, 520
    )
    hall = buildings.facade(
        rng, (520, 130), Style((0.84, 0.77, 0.64), 2, 17, shop=None), scale * 1.2
    )
    view.front(canvas, hall, (-40, 0, 80), 74)
    roof = Canvas(520, 30, scale)
    buildings.gable(roof, rng, (0, 0, 520, 30), (0.42, 0.46, 0.48))
    view.front(canvas, roof, (-40.5, 19.9, 81), 73.8)
    for side in (-19.0, 19.0):
        for far, near in ((70, 52), (52, 38), (38, 27), (27, 18)):
            house = buildings.facade(
                rng,
                ((far - near) * 14, 210),
                Style(
                    PLASTER[int(rng.integers(6))],
                    4,
                    max(3, int((far - near) / 3.2)),
                    shop=CLOTH[int(rng.integers(4))],
                ),
                scale,
            )
            view.wall(canvas, house, side, (near, far), (0, 15))
    for x in (-11, 11):
        for away in (44, 30, 20):
            stand(
                canvas,
                plants.tree(rng, scale, plants.GREENS[int(rng.integers(4))]),
                view.at(x, 0, away),
                5.6 * 800 / away,
            )
    for x, away in ((-8, 36), (8, 36), (-7, 22), (7, 22)):
        buildings.lamp(canvas, view.at(x, 0, away), 4.4 * 800 / away)
    _column(canvas, rng, view)
    return canvas


def _tower(rng: np.random.Generator, scale: float, wide: float, tall: float) -> Canvas:
    """Return an office tower of glass, some of whose windows are lit at night."""
    panel = Canvas(wide * 2.4, tall * 2.4, scale)
    tint = np.array((0.5, 0.58, 0.66)) * rng.uniform(0.85, 1.15)
    panel.rect(
        0, 0, (panel.width, panel.height), Surface(tuple(tint), (rng.uniform(-0.5, 0.5), 0), snow=0)
    )
    for y in np.arange(4, panel.height, 6.5):
        for x in np.arange(3, panel.width - 5, 6):
            glow = (2.4, 1.8, 0.9) if rng.random() < 0.35 else (0, 0, 0)
            shade = tuple(tint * rng.uniform(0.6, 0.85))
            panel.rect(x, y, (4.2, 4.2), Surface(shade, (0, 0.2), glow=glow))
    panel.rect(0, 0, (panel.width, 3), Surface(tuple(tint * 0.7), snow=1))
    return panel


def _column(canvas: Canvas, rng: np.random.Generator, view: View) -> None:
    """Paint the monument: steps, plinth, fluted column and a gilded figure."""
    away = 30.0
    unit = 800 / away
    x, y = view.at(0, 0, away)
    for step in range(4):
        wide = (3.6 - 0.45 * step) * unit
        canvas.rect(
            x - wide,
            y - (step + 1) * 0.3 * unit,
            (2 * wide, 0.31 * unit),
            Surface(tuple(np.array(buildings.STONE) * (0.85 + 0.05 * step)), (0, 0.4), 0.2, snow=1),
        )
    ground.shade(
        canvas,
        [(x - 4 * unit, y), (x + 4 * unit, y), (x + 4 * unit, y + 6), (x - 4 * unit, y + 6)],
        0.4,
        4,
    )
    canvas.rect(
        x - 1.5 * unit,
        y - 3.6 * unit,
        (3 * unit, 2.5 * unit),
        Surface(buildings.STONE, (-0.15, 0), 0.2),
    )
    canvas.rect(
        x - 1.1 * unit,
        y - 3.1 * unit,
        (2.2 * unit, 1.5 * unit),
        Surface((0.5, 0.47, 0.4), (0, 0), 0.2),
    )
    canvas.rect(
        x - 1.7 * unit,
        y - 3.8 * unit,
        (3.4 * unit, 0.3 * unit),
        Surface((0.78, 0.74, 0.66), (0, 0.6), 0.2, snow=1),
    )
    for flute in range(10):
        left = -0.8 + flute * 0.16
        facing = (left + 0.08) / 0.8
        tone = 0.95 if flute % 2 else 0.8
        canvas.rect(
            x + left * unit,
            y - 11.2 * unit,
            (0.165 * unit, 7.5 * unit),
            Surface(tuple(np.array(buildings.STONE) * tone), (facing * 0.9, 0), 0.2),
        )
    canvas.rect(
        x - 1.15 * unit,
        y - 11.7 * unit,
        (2.3 * unit, 0.55 * unit),
        Surface((0.78, 0.74, 0.66), (0, 0.4), 0.2, snow=1),
    )
    gold = Surface((0.86, 0.66, 0.25), (-0.2, 0.2), 0.2)
    canvas.poly(
        [
            (x - 0.45 * unit, y - 11.7 * unit),
            (x - 0.25 * unit, y - 13.2 * unit),
            (x + 0.25 * unit, y - 13.2 * unit),
            (x + 0.5 * unit, y - 11.7 * unit),
        ],
        gold,
    )
    canvas.ellipse((x, y - 13.5 * unit), (0.22 * unit, 0.3 * unit), gold)
    for side in (-1, 1):
        canvas.poly(
            [
                (x, y - 13 * unit),
                (x + side * 1.3 * unit, y - 14 * unit),
                (x + side * 0.9 * unit, y - 12.6 * unit),
            ],
            gold,
        )


def bridge(rng: np.random.Generator, scale: float) -> Canvas:
    """A stone bridge of arches over a river, houses on the far bank, a quay on the near one."""
    canvas = Canvas(SIDE, SIDE, scale)
    view = View(440, 385)
    ground.mountains(
        canvas,
        rng,
        (398, 120, 0.15),
        Surface((0.32, 0.44, 0.28), depth=0.55, leaf=0.7, snow=0.7),
        1,
    )
    pattern = texture.slabs(rng, 22, 18, 0.2)
    tone = ground.plane(
        canvas, 392, Surface((0.7, 0.67, 0.62), (0, 1), snow=0.9, ground=1), pattern, 560
    )
    left = 60.0
    for number in range(9):
        width = rng.uniform(80, 115)
        tall = rng.uniform(80, 125)
        house = buildings.facade(
            rng,
            (width, tall),
            Style(PLASTER[number % 6], 3, 3, shutters=SHUTTER[number % 4]),
            scale * 1.2,
        )
        canvas.put(
            house,
            [(left, 402 - tall), (left + width, 402 - tall), (left + width, 402), (left, 402)],
            0.4,
        )
        buildings.gable(canvas, rng, (left - 4, 402 - tall - 24, width + 8, 27), TILES)
        left += width + 2
    river = [
        (60, 402),
        (889, 402),
        (889, 640),
        (700, 660),
        (420, 640),
        (290, 560),
        (215, 490),
        (170, 440),
    ]
    ground.water(canvas, river, (0.2, 0.3, 0.28))
    _arches(canvas, rng)
    quay = [(170, 440), (215, 490), (290, 560), (420, 640), (700, 660), (889, 640)]
    for start, end in zip(quay[:-1], quay[1:], strict=True):
        drop = (start[1] - 400) * 0.09 + 3, (end[1] - 400) * 0.09 + 3
        wall = Surface((0.56, 0.53, 0.48), (0.4, 0))
        canvas.poly([(start[0], start[1] - drop[0]), (end[0], end[1] - drop[1]), end, start], wall)
        canvas.poly(
            [
                (start[0] - 6, start[1] - drop[0] - 3),
                (end[0] - 4, end[1] - drop[1] - 5),
                (end[0], end[1] - drop[1]),
                (start[0], start[1] - drop[0]),
            ],
            Surface((0.76, 0.73, 0.67), (0, 0.9), snow=1),
        )
    for x, y, tall in ((20, 470, 190), (62, 440, 120), (-10, 560, 330)):
        stand(canvas, plants.tree(rng, scale * 1.2, plants.GREENS[0]), (x, y), tall)
    for x, y in ((150, 475), (200, 560)):
        buildings.lamp(canvas, (x, y), (y - 385) * 1.9)
    del tone, view
    return canvas


def _arches(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint the bridge across the river: rough masonry, three arches, a parapet."""
    panel = Canvas(640, 130, canvas.scale * 1.2)
    tone = texture.courses(rng, panel.shape, 6 * panel.scale, 15 * panel.scale)
    y, x = panel.grid()
    deck = 22 + 26 * ((x - 330) / 330) ** 2
    mask = np.broadcast_to(y > deck, panel.shape).astype(np.float32)
    for centre, half in ((120, 74), (330, 92), (540, 74)):
        rise = 40 + 0.0007 * (centre - 330) ** 2
        round_ = ((x - centre) / half) ** 2 + ((y - 132) / (132 - rise)) ** 2
        mask = mask * (round_ > 1)
        ring = (round_ > 1) & (round_ < 1.18)
        tone = np.where(
            ring, 1.12 + 0.1 * np.sign(np.sin(np.arctan2(132 - y, x - centre) * 22)), tone
        )
        inner = (round_ <= 1) & (round_ > 0.72) & (x < centre)
        panel.paint(inner.astype(np.float32), Surface((0.3, 0.28, 0.25), (0.6, -0.5)))
    panel.paint(
        mask.astype(np.float32), Surface((0.72, 0.65, 0.54), (0, 0)), tone.astype(np.float32)
    )
    cap = ((y > deck - 5) & (y < deck)).astype(np.float32)
    panel.paint(cap, Surface((0.8, 0.75, 0.66), (0, 0.8), snow=1))
    canvas.put(panel, [(150, 300), (900, 286), (900, 452), (150, 432)], 0.2)


def pagoda(rng: np.random.Generator, scale: float) -> Canvas:
    """A temple pagoda at the end of a stone path with lanterns, under tall trees."""
    canvas = Canvas(SIDE, SIDE, scale)
    view = View(440, 390)
    ground.mountains(
        canvas, rng, (402, 110, 0.2), Surface((0.28, 0.4, 0.3), depth=0.6, leaf=0.5, snow=0.6), 1
    )
    ground.treeline(
        canvas, rng, (400, 120, 24), Surface((0.22, 0.36, 0.18), (0, 0.2), 0.4, leaf=0.8, snow=0.8)
    )
    lawn = texture.grit(rng, 9, 0.6)
    tone = ground.plane(canvas, 392, Surface(GRASS, (0, 1), leaf=0.5, snow=1, ground=1), lawn, 800)
    stones = texture.floor(texture.slabs(rng, 20, 16, 0.2), canvas.grid(), 390, 560)
    path = [view.at(-2.4, 0, 2), view.at(-2.4, 0, 40), view.at(2.4, 0, 40), view.at(2.4, 0, 2)]
    del tone
    ground.strip(canvas, path, Surface((0.7, 0.68, 0.64), (0, 1), snow=0.8, ground=1), stones, 0.8)
    for x, away in ((-13, 42), (13, 42), (-19, 34), (18, 34)):
        stand(
            canvas,
            plants.tree(rng, scale * 1.2, plants.GREENS[int(rng.integers(4))]),
            view.at(x, 0, away),
            9 * 800 / away,
        )
    _tiers(canvas, rng, view)
    for x, away in ((-7.5, 17), (7.5, 17)):
        stand(
            canvas,
            plants.tree(rng, scale * 1.5, plants.GREENS[0]),
            view.at(x, 0, away),
            6.5 * 800 / away,
        )
    for away in (26, 18, 12.5, 8.5, 5.8):
        for x in (-3.1, 3.1):
            _toro(canvas, view.at(x, 0, away), 1.55 * 800 / away)
    return canvas


def _tiers(canvas: Canvas, rng: np.random.Generator, view: View) -> None:
    """Paint a pagoda of five tiers with sweeping roofs."""
    away = 38.0
    unit = 800 / away
    x, y = view.at(0, 0, away)
    canvas.rect(
        x - 6.4 * unit,
        y - 1.1 * unit,
        (12.8 * unit, 1.1 * unit),
        Surface((0.66, 0.64, 0.6), (0, 0.1), 0.26, snow=0.6),
    )
    for step in range(5):
        canvas.rect(
            x - 1.6 * unit,
            y - (1.1 - step * 0.22) * unit,
            (3.2 * unit, 0.23 * unit),
            Surface(tuple(np.full(3, 0.6 + 0.05 * step)), (0, 0.5), 0.26, snow=0.8),
        )
    foot = y - 1.1 * unit
    for tier in range(5):
        half, tall = (4.1 - 0.52 * tier) * unit, (2.5 - 0.12 * tier) * unit
        _storey(canvas, (x, foot), half, tall)
        foot -= tall
        _roof(canvas, (x, foot), half * 1.5, 1.35 * unit)
        foot -= 0.95 * unit
    gold = Surface((0.8, 0.62, 0.25), (-0.2, 0.1), 0.26)
    canvas.poly([(x - 0.14 * unit, foot), (x, foot - 3.4 * unit), (x + 0.14 * unit, foot)], gold)
    for ring in range(6):
        height = foot - (0.6 + ring * 0.36) * unit
        canvas.ellipse((x, height), ((0.42 - 0.045 * ring) * unit, 0.09 * unit), gold)


def _storey(canvas: Canvas, foot: tuple, half: float, tall: float) -> None:
    """Paint one storey: white panels and lattices between red columns, behind a railing."""
    x, y = foot
    canvas.rect(x - half, y - tall, (2 * half, tall), Surface((0.86, 0.8, 0.68), (0, -0.1), 0.26))
    red = Surface((0.62, 0.17, 0.12), (-0.1, 0), 0.26)
    bays = 5
    for bay in range(bays):
        left = x - half + bay * 2 * half / bays
        pitch = 2 * half / bays
        if bay % 2 == 0:
            canvas.rect(
                left + pitch * 0.18,
                y - tall * 0.78,
                (pitch * 0.64, tall * 0.6),
                Surface((0.3, 0.16, 0.1), (0, 0), 0.26, glow=(2.4, 1.3, 0.4)),
            )
            for slat in np.linspace(0.24, 0.7, 5):
                canvas.rect(left + pitch * slat, y - tall * 0.78, (0.8, tall * 0.6), red)
        canvas.rect(left - pitch * 0.07, y - tall, (pitch * 0.14, tall), red)
    canvas.rect(x + half - half * 0.03, y - tall, (half * 0.05, tall), red)
    canvas.rect(x - half * 1.06, y - tall * 0.26, (half * 2.12, 1.6), red)
    canvas.rect(x - half * 1.06, y - tall * 0.1, (half * 2.12, 1.6), red)
    for post in np.linspace(-1.04, 1.04, 15):
        canvas.rect(x + half * post, y - tall * 0.26, (1.1, tall * 0.26), red)


def _roof(canvas: Canvas, foot: tuple, half: float, tall: float) -> None:
    """Paint a tiled roof whose corners sweep up, with dark rafters below."""
    x, y = foot
    t = np.linspace(-1, 1, 31)
    eaves = y + 0.25 * tall - 0.55 * tall * np.abs(t) ** 2.6
    ridge = y - tall
    top = np.clip(t, -0.62, 0.62) * half
    canvas.poly(
        np.concatenate(
            [
                np.stack([x + t * half * 0.97, eaves + tall * 0.24], 1),
                [(x + half * 0.66, y - 2), (x - half * 0.66, y - 2)],
            ]
        ),
        Surface((0.4, 0.16, 0.1), (0, -0.7), 0.26),
    )
    for column in range(30):
        left, right = t[column], t[column + 1]
        tone = 1.0 if column % 2 else 0.8
        colour = tuple(np.array((0.3, 0.36, 0.36)) * tone)
        points = [
            (x + left * half, eaves[column]),
            (x + top[column], ridge),
            (x + top[column + 1], ridge),
            (x + right * half, eaves[column + 1]),
        ]
        canvas.poly(points, Surface(colour, (0.25 * left, 0.65), 0.26, snow=1))
    rim = np.stack([x + t * half, eaves], 1)
    canvas.poly(
        np.concatenate([rim, (rim + (0, tall * 0.1))[::-1]]),
        Surface((0.5, 0.42, 0.3), (0, 0.1), 0.26, snow=0.5),
    )
    canvas.rect(
        x - half * 0.63,
        ridge - tall * 0.06,
        (half * 1.26, tall * 0.1),
        Surface((0.24, 0.28, 0.28), (0, 0.4), 0.26, snow=1),
    )


def _toro(canvas: Canvas, foot: tuple, tall: float) -> None:
    """Paint a stone lantern."""
    x, y = foot
    stone = Surface((0.56, 0.56, 0.53), (-0.25, 0.0), snow=0.3)
    dark = Surface((0.44, 0.44, 0.42), (0.5, 0.0), snow=0.3)
    ground.shade(
        canvas,
        [
            (x - tall * 0.2, y - 2),
            (x + tall * 0.2, y - 2),
            (x + tall * 0.2, y + 4),
            (x - tall * 0.2, y + 4),
        ],
        0.5,
        3,
    )
    for left, wide, low, high in (
        (-0.17, 0.34, 0, 0.1),
        (-0.07, 0.14, 0.1, 0.5),
        (-0.15, 0.3, 0.5, 0.58),
        (-0.12, 0.24, 0.58, 0.78),
    ):
        canvas.rect(
            x + left * tall, y - high * tall, (wide * tall * 0.62, (high - low) * tall), stone
        )
        canvas.rect(
            x + (left + wide * 0.6) * tall,
            y - high * tall,
            (wide * tall * 0.4, (high - low) * tall),
            dark,
        )
    canvas.rect(
        x - 0.07 * tall,
        y - 0.75 * tall,
        (0.14 * tall, 0.14 * tall),
        Surface((0.25, 0.22, 0.18), glow=(6.0, 3.6, 1.3)),
    )
    canvas.poly(
        [
            (x - 0.25 * tall, y - 0.76 * tall),
            (x - 0.08 * tall, y - 0.92 * tall),
            (x + 0.08 * tall, y - 0.92 * tall),
            (x + 0.25 * tall, y - 0.76 * tall),
            (x + 0.2 * tall, y - 0.74 * tall),
            (x - 0.2 * tall, y - 0.74 * tall),
        ],
        Surface((0.5, 0.5, 0.48), (0, 0.6), snow=1),
    )
    canvas.ellipse((x, y - 0.95 * tall), (0.06 * tall, 0.06 * tall), stone)
