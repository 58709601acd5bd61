"""The bridge: stone arches over a river."""

from itertools import pairwise

import numpy as np

from pipeline.scenes import buildings, ground, plants, texture
from pipeline.scenes.buildings import Style
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.perspective import SIDE
from pipeline.scenes.plants import stand
from pipeline.scenes.street import PLASTER, SHUTTER, TILES

# Where the near bank meets the water, from far to near, units.
QUAY = ((170, 440), (215, 490), (290, 560), (420, 640), (700, 660), (889, 640))


def bridge(rng: np.random.Generator, scale: float) -> Canvas:
    """A stone bridge of arches over a river, houses on the far bank, a quay on the near one."""
    canvas = Canvas(SIDE, SIDE, scale)
    hills = Surface((0.32, 0.44, 0.28), depth=0.55, leaf=0.7, snow=0.7)
    ground.mountains(canvas, rng, (398, 120, 0.15, 0.0), hills, 1)
    pattern = texture.slabs(rng, 22, 18, 0.2)
    ground.plane(canvas, 392, Surface((0.7, 0.67, 0.62), (0, 1), snow=0.9, ground=1), pattern, 560)
    _far_bank(canvas, rng)
    ground.water(canvas, [(60, 402), (889, 402), *QUAY[::-1]], (0.2, 0.3, 0.28))
    _arches(canvas, rng)
    _quay(canvas)
    for x, y, tall in ((20, 470, 190), (62, 440, 120), (-10, 560, 330)):
        stand(canvas, plants.tree(rng, scale * 1.2, plants.GREENS[0]), (x, y), tall)
    for x, y in ((150, 475), (200, 560)):
        buildings.lamp(canvas, (x, y), (y - 385) * 1.9)
    return canvas


def _far_bank(canvas: Canvas, rng: np.random.Generator) -> None:
    """Build a row of gabled houses behind the river."""
    left = 60.0
    for number in range(9):
        width, tall = rng.uniform(80, 115), rng.uniform(105, 165)
        style = Style(PLASTER[number % 6], 3, 3, shutters=SHUTTER[number % 4])
        house = buildings.facade(rng, (width, tall), style, canvas.scale * 1.2)
        right, top = left + width, 402 - tall
        canvas.put(house, [(left, top), (right, top), (right, 402), (left, 402)], 0.4)
        buildings.gable(canvas, rng, (left - 4, top - 24, width + 8, 27), TILES)
        left = right + 2


def _quay(canvas: Canvas) -> None:
    """Paint the quay's wall and its coping."""
    wall = Surface((0.56, 0.53, 0.48), (0.4, 0))
    coping = Surface((0.76, 0.73, 0.67), (0, 0.9), snow=1)
    for start, end in pairwise(QUAY):
        head, tail = ((x, y - (y - 400) * 0.09 - 3) for x, y in (start, end))
        canvas.poly([head, tail, end, start], wall)
        rim = [(head[0] - 6, head[1] - 3), (tail[0] - 4, tail[1] - 5)]
        canvas.poly([*rim, tail, head], coping)


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
