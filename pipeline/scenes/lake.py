"""The lake: a pier under snowy peaks."""

import numpy as np

from pipeline.scenes import buildings, ground, plants, texture
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.ground import GRASS
from pipeline.scenes.perspective import SIDE, View

WOOD = (0.55, 0.44, 0.34)


def lake(rng: np.random.Generator, scale: float) -> Canvas:
    """A mountain lake with a pier, under snowy peaks."""
    canvas = Canvas(SIDE, SIDE, scale)
    ground.mountains(
        canvas, rng, (400, 300, 0.6, 0.0), Surface((0.5, 0.52, 0.58), depth=0.75), 0.52
    )
    ground.mountains(canvas, rng, (402, 92, 0.4, 0.0), Surface((0.34, 0.4, 0.38), depth=0.62), 1)
    ground.treeline(canvas, rng, (404, 42, 10), Surface(ground.FOREST, (0, 0.2), 0.45, snow=0.6))
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
    for number, away in enumerate(np.arange(16.5, 2.5, -1.6)):
        for x in (-1.45, 1.45):
            head, foot = view.at(x, 0.5, away), view.at(x, -0.6, away)
            wide = 0.09 * 800 / away
            if number % 3 == 1:
                _light(canvas, head, 0.11 * 800 / away)
            canvas.line([head, foot], 2 * wide, Surface((0.3, 0.24, 0.19), (-0.3, 0)))
    corners = [
        view.at(-1.4, 0, near),
        view.at(-1.4, 0, far),
        view.at(1.4, 0, far),
        view.at(1.4, 0, near),
    ]
    tone = texture.floor(texture.planks(rng, 34), canvas.grid(), 385, 620)
    edge = [
        view.at(-1.4, -0.25, near),
        view.at(-1.4, -0.25, far),
        view.at(1.4, -0.25, far),
        view.at(1.4, -0.25, near),
    ]
    canvas.poly(edge, Surface((0.22, 0.18, 0.15)))
    ground.strip(canvas, corners, Surface(WOOD, (0, 1), snow=0.9, ground=1), tone)


def _light(canvas: Canvas, foot: tuple[float, float], size: float) -> None:
    """Set a round lamp on a post."""
    glass = Surface((0.9, 0.84, 0.66), glow=(5.0, 3.2, 1.3))
    canvas.ellipse((foot[0], foot[1] - size), (size * 0.7, size), glass)
