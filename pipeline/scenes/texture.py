"""Patterns of floors and walls: factors of a colour, ``(H, W)`` float32 around 1."""

import cv2
import numpy as np

from pipeline.scenes.noise import fbm, tiled

FLOOR = 1024  # side of a floor's pattern, pixels


def slabs(rng: np.random.Generator, rows: int, columns: int, contrast: float = 0.25) -> np.ndarray:
    """Return ``(FLOOR, FLOOR)`` of stones in offset rows, each of its own tone, with dark joints.

    ``contrast`` is the spread of tones between stones.
    """
    picture = np.full((FLOOR, FLOOR), 0.5, np.float32)
    tall, wide = FLOOR / rows, FLOOR / columns
    joint = max(1.5, min(tall, wide) * 0.06)
    for row in range(rows):
        shift = wide * (0.5 * (row % 2) + rng.uniform(-0.1, 0.1))
        tones = 1 + contrast * rng.uniform(-1, 0.8, columns)
        for column in range(-1, columns + 1):
            tone = float(tones[column % columns])
            left, top = column * wide + shift, row * tall
            corner = (round(left + joint), round(top + joint))
            cv2.rectangle(picture, corner, (round(left + wide), round(top + tall)), tone, -1)
    picture = cv2.GaussianBlur(picture, (0, 0), joint * 0.5)
    return picture * (0.85 + 0.3 * tiled(rng, FLOOR, 64, 5))


def grit(rng: np.random.Generator, cell: float = 16, contrast: float = 0.5) -> np.ndarray:
    """Return ``(FLOOR, FLOOR)`` of grass, sand or gravel: noise down to single pixels."""
    noise = 0.4 * tiled(rng, FLOOR, cell * 8, 5) + 0.6 * tiled(rng, FLOOR, cell * 0.6, 3)
    return 1 - contrast / 2 + contrast * noise


def planks(rng: np.random.Generator, boards: int) -> np.ndarray:
    """Return ``(FLOOR, FLOOR)`` of boards across the view, with grain and gaps."""
    grain = 0.8 + 0.4 * tiled(rng, FLOOR, 12, 3, (1, 20))
    tall = FLOOR / boards
    row = np.arange(FLOOR) / tall
    tones = rng.uniform(0.8, 1.1, boards + 1)[row.astype(int)]
    gap = np.where(row % 1 < 0.07, 0.35, 1.0)
    return (grain * (tones * gap)[:, None]).astype(np.float32)


def floor(
    pattern: np.ndarray, grid: tuple[np.ndarray, np.ndarray], horizon: float, size: float
) -> np.ndarray:
    """Lay a pattern on the ground in perspective.

    Args:
        pattern: ``(FLOOR, FLOOR)`` factor.
        grid: y ``(H, 1)`` and x ``(1, W)`` in units, as ``Canvas.grid``.
        horizon: its row, units; rows above give 1.
        size: the pattern's side when seen 400 units below the horizon, units.

    Returns:
        ``(H, W)`` float32; fades to the pattern's mean where it is too fine to see.
    """
    y, x = grid
    drop = np.maximum(y - horizon, 0.5)
    far = 400.0 / drop  # 1 at the feet of somebody near
    middle = float(x.mean())
    u = (x - middle) * far * (FLOOR / size)
    v = np.broadcast_to(400 * far * (FLOOR / size), u.shape)
    wrapped = cv2.remap(
        pattern,
        np.mod(u, FLOOR).astype(np.float32),
        np.mod(v, FLOOR).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    mean = float(pattern.mean())
    sharp = np.clip(drop / 60, 0, 1) ** 1.5
    return mean + (wrapped - mean) * sharp


def courses(
    rng: np.random.Generator, shape: tuple[int, int], tall: float, wide: float
) -> np.ndarray:
    """Return ``(H, W)`` of masonry: courses ``tall`` pixels high of stones about ``wide``."""
    height, width = shape
    picture = np.full(shape, 0.72, np.float32)
    joint = max(tall * 0.1, 0.6)
    for row, top in enumerate(np.arange(0, height, max(tall, 2))):
        left = -wide * rng.uniform(0, 1) - (row % 2)
        while left < width:
            length = wide * rng.uniform(0.7, 1.4)
            tone = float(rng.uniform(0.85, 1.12))
            start = (round(left + joint), round(top + joint))
            cv2.rectangle(picture, start, (round(left + length), round(top + tall)), tone, -1)
            left += length
    return picture * (0.85 + 0.3 * fbm(rng, shape, max(tall * 3, 8), 4))


def stains(rng: np.random.Generator, shape: tuple[int, int], strength: float = 0.3) -> np.ndarray:
    """Return ``(H, W)`` of weathered plaster: cloudy, with streaks running down."""
    cloudy = fbm(rng, shape, max(shape) / 3, 5)
    streaks = fbm(rng, shape, max(shape[1] / 14, 3), 3, (8, 1))
    return 1 + strength * (0.6 * cloudy + 0.4 * streaks - 0.5)
