"""Floors, water, mountains and hedges: the land of a place."""

import cv2
import numpy as np

from pipeline.scenes import texture
from pipeline.scenes.canvas import DEPTH, NX, SNOW, UP, Canvas, Surface
from pipeline.scenes.noise import fbm, smooth

GRASS = (0.4, 0.52, 0.24)
ROCK = (0.52, 0.5, 0.5)
FOREST = (0.2, 0.33, 0.2)


def plane(
    canvas: Canvas, horizon: float, surface: Surface, pattern: np.ndarray, size: float
) -> np.ndarray:
    """Cover everything below the horizon with a patterned floor; return the pattern's tone."""
    tone = texture.floor(pattern, canvas.grid(), horizon, size)
    y, _ = canvas.grid()
    mask = np.broadcast_to(smooth(horizon - 0.5, horizon + 1, y), canvas.shape)
    canvas.paint(np.ascontiguousarray(mask), surface, tone)
    away = 1280 / np.maximum(y - horizon, 1)
    canvas.data[DEPTH] = np.where(mask > 0, 1 - 1 / (1 + away / 100), canvas.data[DEPTH])
    return tone


def strip(
    canvas: Canvas, points: list, surface: Surface, tone: np.ndarray, soft: float = 0.0
) -> None:
    """Lay another floor over a polygon of the ground, its rim ``soft`` units wide."""
    mask = np.zeros(canvas.shape, np.uint8)
    corners = np.round(np.asarray(points) * canvas.scale * 16).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, 4)
    cover = mask.astype(np.float32) / 255
    if soft:
        cover = cv2.GaussianBlur(cover, (0, 0), soft * canvas.scale)
    depth = canvas.data[DEPTH].copy()
    canvas.paint(cover, surface, tone)
    canvas.data[DEPTH] = depth


def mountains(
    canvas: Canvas, rng: np.random.Generator, box: tuple, surface: Surface, snow: float
) -> None:
    """Paint a ridge with faces that catch the light.

    Args:
        canvas: what to paint on.
        rng: random numbers.
        box: row of the ridge's foot and its height, units, how jagged it is, 0..1, and how far it
            sinks towards the picture's sides, 0..1.
        surface: the rock.
        snow: share of the height above which snow lies in summer; 1 = none.
    """
    foot, height, jagged, sink = box
    columns = canvas.shape[1]
    y, _ = canvas.grid()
    line = _ridge(rng, columns, jagged) * height
    line = line * (1 - sink * np.linspace(-1, 1, columns) ** 4)
    top = foot - line[None]
    relief = 1 - np.abs(2 * fbm(rng, canvas.shape, 130 * canvas.scale, 6, (1.5, 0.7)) - 1)
    below = np.clip((y - top) / height, 0, 1)
    nx = _lean(relief, line / height, canvas.scale)
    mask = smooth(-0.7, 0.7, y - top) * (y < foot + 2)
    tone = 0.75 + 0.5 * relief - 0.15 * below
    canvas.paint(mask.astype(np.float32), surface, tone)
    canvas.data[NX] = np.where(mask > 0.5, nx, canvas.data[NX])
    canvas.data[UP] = np.where(mask > 0.5, 0.25, canvas.data[UP])
    if snow < 1:
        level = (foot - y) / height + 0.35 * (relief - 0.5)
        cap = smooth(snow - 0.04, snow + 0.06, level) * mask
        white = Surface((0.93, 0.95, 0.98), (0, 0.3), surface.depth, snow=1)
        normals = canvas.data[NX].copy()
        canvas.paint((cap * 0.95).astype(np.float32), white)
        canvas.data[NX] = normals
    catch = np.clip(0.5 + relief - below * 0.8, 0, 1)
    canvas.data[SNOW] = np.where(mask > 0.5, catch, canvas.data[SNOW])


def _lean(relief: np.ndarray, line: np.ndarray, scale: float) -> np.ndarray:
    """Return how far the faces of a mountain look to the right, -0.9..0.9."""
    broad = cv2.GaussianBlur(line.astype(np.float32)[None], (0, 0), 6 * scale)
    soft = cv2.GaussianBlur(relief * 0.75 + 0.25 * broad, (0, 0), 1.2 * scale)
    return np.clip(-14 * scale * cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3), -0.9, 0.9)


def _ridge(rng: np.random.Generator, columns: int, jagged: float) -> np.ndarray:
    """Return the height of a ridge, ``(columns,)``, 0.2..1."""
    x = np.linspace(0, 1, columns)
    line = np.zeros(columns)
    for octave in range(7):
        count = 3 * 2**octave + 1
        knots = rng.random(count)
        line += np.interp(x, np.linspace(0, 1, count), knots) * 0.5 ** (
            octave * (1.45 - 0.45 * jagged)
        )
    line -= line.min()
    return 0.2 + 0.8 * line / line.max()


def treeline(canvas: Canvas, rng: np.random.Generator, box: tuple, surface: Surface) -> None:
    """Paint a distant wood; ``box`` is the row of its foot, its height and the size of a tree."""
    foot, height, size = box
    y, _ = canvas.grid()
    columns = canvas.shape[1]
    rough = fbm(rng, canvas.shape, size * canvas.scale, 4)
    line = fbm(rng, (2, columns), size * 8 * canvas.scale, 5)[:1] * 0.7 + 0.5
    spikes = fbm(rng, (2, columns), size * 0.8 * canvas.scale, 2)[:1] * 0.35
    top = foot - height * (line + spikes) / 1.2
    mask = smooth(-1, 1, y - top + (rough - 0.5) * size * 0.8) * (y < foot)
    tone = 0.65 + 0.75 * rough - 0.25 * np.clip((y - top) / height, 0, 1)
    canvas.paint(mask.astype(np.float32), surface, tone)


def water(canvas: Canvas, points: list, colour: tuple) -> None:
    """Paint a sheet of water over a polygon of the ground."""
    canvas.data[DEPTH] = np.clip(canvas.data[DEPTH], 0, 1)
    flat = np.ones(canvas.shape, np.float32)
    strip(canvas, points, Surface(colour, (0, 1), water=1.0), flat)


def shade(canvas: Canvas, points: list, strength: float, soft: float) -> None:
    """Darken a soft polygon, as where something stands on the ground."""
    corners = np.asarray(points, np.float64) * canvas.scale
    blur = soft * canvas.scale
    rows, columns = canvas.shape
    left, top = np.maximum(np.floor(corners.min(0) - 3 * blur).astype(int), 0)
    right, bottom = np.minimum(np.ceil(corners.max(0) + 3 * blur).astype(int), (columns, rows))
    if right - left < 2 or bottom - top < 2:
        return
    mask = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(
        mask, [np.round((corners - (left, top)) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4
    )
    cover = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), blur)
    canvas.data[:3, top:bottom, left:right] *= 1 - strength * cover
