"""Curves, and what parts of a person are made of."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Paint:
    """What a part is made of.

    Attributes:
        colour: share of light reflected, square root, RGB 0..1.
        fold: how creased it is, 0..1.
        shine: how much it glosses, 0..1.
        skin: light wraps round it, as under skin, 0..1.
        pattern: ``plain``, ``stripes``, ``bands``, ``checks``, ``dots``, ``flowers``, ``strands``.
        second: the pattern's other colour.
        grain: contrast of its fine texture.
    """

    colour: tuple[float, float, float]
    fold: float = 0.0
    shine: float = 0.0
    skin: float = 0.0
    pattern: str = "plain"
    second: tuple[float, float, float] = (1.0, 1.0, 1.0)
    grain: float = 0.03


def curve(points: list | np.ndarray, *, closed: bool = True, steps: int = 8) -> np.ndarray:
    """Return a Catmull-Rom spline through points of any dimension, ``(n * steps, d)`` float64.

    Source:
        Catmull and Rom, "A class of local interpolating splines", 1974; uniform, tension 0.5.
    """
    knots = np.asarray(points, np.float64)
    if closed:
        before, after, last = np.roll(knots, 1, 0), np.roll(knots, -1, 0), np.roll(knots, -2, 0)
        start = knots
    else:
        padded = np.concatenate([[2 * knots[0] - knots[1]], knots, [2 * knots[-1] - knots[-2]]])
        before, start, after, last = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (value[:, None] for value in (before, start, after, last))
    spline = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    flat = spline.reshape(-1, knots.shape[1])
    return flat if closed else np.concatenate([flat, knots[-1:]])


def pattern(kind: str, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the share of a pattern's second colour; x and y in metres."""
    if kind == "stripes":
        return _wave(y, 0.036, 0.45)
    if kind == "bands":
        return _wave(y, 0.16, 0.4)
    if kind == "checks":
        return 0.5 * _wave(y, 0.055, 0.5) + 0.5 * _wave(x, 0.055, 0.5)
    pitch = 0.05 if kind == "dots" else 0.075
    row = np.floor(y / pitch)
    u = (x / pitch + 0.5 * np.mod(row, 2)) % 1 - 0.5
    v = (y / pitch) % 1 - 0.5
    distance = np.hypot(u, v)
    if kind == "dots":
        return np.clip((0.22 - distance) * 10, 0, 1)
    petals = 0.24 + 0.1 * np.cos(5 * np.arctan2(v, u) + 2 * row)
    return np.clip((petals - distance) * 8, 0, 1) * np.clip(distance * 12 - 0.4, 0.3, 1)


def _wave(value: np.ndarray, pitch: float, share: float) -> np.ndarray:
    distance = np.abs((value / pitch) % 1 - 0.5)
    return np.clip((distance - 0.5 + share / 2) * 12 + 0.5, 0, 1)


def times(colour: tuple, factor: float) -> tuple:
    """Return a colour made lighter or darker."""
    return tuple(min(value * factor, 1.0) for value in colour)


def ring(centre: tuple[float, float], radii: tuple[float, float], count: int = 20) -> np.ndarray:
    """Return an ellipse as ``(count, 2)`` points."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], 1) * radii + centre


def rods_at(rods: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distance to a chain of round rods (negative inside) and their normals.

    Args:
        rods: ``(n, 3)`` x, y and radius of the joints, pixels.
        shape: of the three results.
    """
    gap = np.full(shape, 1e9, np.float32)
    nx, up = np.zeros((2, *shape), np.float32)
    for start, end in pairwise(rods.astype(np.float32)):
        wide = max(start[2], end[2]) + 2
        left, top = np.maximum(np.minimum(start, end)[:2] - wide, 0).astype(int)
        right, bottom = np.maximum(np.maximum(start, end)[:2] + wide, 0).astype(int) + 1
        part = (slice(top, bottom), slice(left, right))
        rows, columns = gap[part].shape
        x = np.arange(left, left + columns, dtype=np.float32)[None] - start[0]
        y = np.arange(top, top + rows, dtype=np.float32)[:, None] - start[1]
        along = end - start
        length = max(float(along[0] ** 2 + along[1] ** 2), 1e-6)
        t = np.clip(x * (along[0] / length) + y * (along[1] / length), 0, 1)
        x, y = x - t * along[0], y - t * along[1]
        radius = start[2] + t * along[2]
        distance = np.sqrt(x * x + y * y) - radius
        nearer = distance < gap[part]
        np.copyto(gap[part], distance, where=nearer)
        np.copyto(nx[part], x / radius, where=nearer)
        np.copyto(up[part], -y / radius, where=nearer)
    return gap, nx, up
