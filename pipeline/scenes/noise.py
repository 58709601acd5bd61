"""Random textures: smooth noise of many scales, the raw material of every surface."""

from functools import lru_cache

import cv2
import numpy as np

TILE = 512  # side of the shared textures, pixels


def fbm(
    rng: np.random.Generator,
    shape: tuple[int, int],
    cell: float,
    octaves: int = 4,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> np.ndarray:
    """Return fractal noise, ``(H, W)`` float32, 0..1 with a mean near 0.5.

    Args:
        rng: the source of the numbers.
        shape: height and width, pixels.
        cell: size of the largest features, pixels.
        octaves: each next one has half the size and about half the height.
        stretch: vertical and horizontal factors of the features' size.

    Source:
        Fractional Brownian motion by summed value noise: Ebert et al., "Texturing and
        Modeling", 3rd edition, 2003, chapter 14.
    """
    height, width = shape
    total = np.zeros(shape, np.float32)
    weight = 0.0
    for octave in range(octaves):
        size = max(cell / 2**octave, 1.0)
        rows = max(int(np.ceil(height / (size * stretch[0]))) + 1, 2)
        columns = max(int(np.ceil(width / (size * stretch[1]))) + 1, 2)
        grid = rng.random((rows, columns), np.float32)
        amplitude = 0.55**octave
        total += amplitude * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        weight += amplitude
    total = (total / weight - 0.5) * 1.6 + 0.5
    return np.clip(total, 0, 1, out=total)


def tiled(
    rng: np.random.Generator,
    side: int,
    cell: float,
    octaves: int = 4,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> np.ndarray:
    """Return noise as ``fbm``, ``(side, side)``, whose edges meet; ``side`` is a power of two."""
    total = np.zeros((side, side), np.float32)
    weight = 0.0
    for octave in range(octaves):
        size = max(cell / 2**octave, 1.0)
        rows, columns = (_cells(side, size * factor) for factor in stretch)
        grid = np.pad(rng.random((rows, columns), np.float32), 2, "wrap")
        tall, wide = side // rows, side // columns
        size_wh = ((columns + 4) * wide, (rows + 4) * tall)
        large = cv2.resize(grid, size_wh, interpolation=cv2.INTER_CUBIC)
        total += 0.55**octave * large[2 * tall : 2 * tall + side, 2 * wide : 2 * wide + side]
        weight += 0.55**octave
    total = (total / weight - 0.5) * 1.6 + 0.5
    return np.clip(total, 0, 1, out=total)


def _cells(side: int, size: float) -> int:
    """Return how many cells fit, a power of two so that they fit evenly."""
    return int(np.clip(2 ** round(np.log2(max(side / size, 1))), 2, side))


@lru_cache(maxsize=8)
def tile(kind: str) -> np.ndarray:
    """Return a shared ``(TILE, TILE)`` float32 texture of mean 0 whose edges meet.

    Args:
        kind: ``right`` and ``up`` (slopes of creased cloth), ``weave`` (fine grain), ``strand``
            (long thin streaks along y), ``sensor`` (grain of a photo, ``(TILE, TILE, 3)``).
    """
    rng = np.random.default_rng(7)
    if kind in {"right", "up"}:
        wide = 1 - np.abs(2 * tiled(rng, TILE, 130, 2, (1.4, 0.6)) - 1)
        soft = cv2.GaussianBlur(np.pad(wide, 32, "wrap"), (0, 0), 5)[32:-32, 32:-32]
        cloth = soft + 0.35 * tiled(rng, TILE, 90, 2)
        axis = 1 if kind == "right" else 0
        return (
            (np.roll(cloth, 1, axis) - np.roll(cloth, -1, axis)) * (-1 if kind == "up" else 1) * 20
        )
    if kind == "weave":
        return tiled(rng, TILE, 2, 2) - 0.5
    if kind == "strand":
        return tiled(rng, TILE, 16, 3, (24.0, 0.5)) - 0.5
    return 0.8 * rng.standard_normal((TILE, TILE, 1), np.float32) + 0.45 * rng.standard_normal(
        (TILE, TILE, 3), np.float32
    )


def window(kind: str, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return a random ``(H, W)`` window of a shared texture, repeated where it is too small."""
    texture = tile(kind)
    rows = (int(rng.integers(TILE)) + np.arange(shape[0])) % TILE
    columns = (int(rng.integers(TILE)) + np.arange(shape[1])) % TILE
    return texture[rows][:, columns]


def creases(
    rng: np.random.Generator, shape: tuple[int, int], scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return slopes to the right and up of creased cloth, ``(H, W)`` each.

    ``scale`` is pixels a metre; the shared texture is a metre and a quarter wide.
    """
    step = TILE / 1.25 / scale
    size = (max(int(shape[0] * step) + 1, 2), max(int(shape[1] * step) + 1, 2))
    seed = int(rng.integers(2**31))
    return tuple(
        cv2.resize(
            window(kind, np.random.default_rng(seed), size),
            shape[::-1],
            interpolation=cv2.INTER_LINEAR,
        )
        for kind in ("right", "up")
    )


def smooth(low: float, high: float, values: np.ndarray) -> np.ndarray:
    """Return a soft step: 0 up to ``low``, 1 from ``high``; ``low > high`` turns it round."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
