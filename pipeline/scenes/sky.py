"""The sky: its gradient, the sun's glow, clouds, stars and the moon."""

import cv2
import numpy as np

from pipeline.scenes.noise import fbm, smooth

SUN_X = {"dawn": 0.16, "dusk": 0.8}  # share of the width; at other hours it is behind the camera
MOON = (0.72, 0.2)  # share of the width and of the horizon's row


def paint(
    shape: tuple[int, int], look: object, horizon: float, rng: np.random.Generator
) -> np.ndarray:
    """Return the sky, ``(3, H, W)`` float32 linear light; flat below the horizon.

    Args:
        shape: height and width, pixels.
        look: a ``light.Look``.
        horizon: its row, pixels.
        rng: where the clouds are.
    """
    height, width = shape
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / np.float32(horizon)
    x = (np.arange(width, dtype=np.float32)[None] + 0.5) / np.float32(width)
    rise = np.power(np.clip(1 - y, 0, 1), np.float32(0.62))
    low, high = _planes(look.horizon), _planes(look.zenith)
    picture = np.broadcast_to(low + rise * (high - low), (3, height, width)).copy()
    if look.hour in SUN_X:
        _sunrise(picture, look, x - np.float32(SUN_X[look.hour]), y - np.float32(0.86))
    if look.stars:
        _stars(picture, rng, horizon)
    _clouds(picture, look, horizon, rng)
    return picture


def _planes(colour: tuple[float, float, float]) -> np.ndarray:
    return np.array(colour, np.float32)[:, None, None]


def _sunrise(picture: np.ndarray, look: object, x: np.ndarray, y: np.ndarray) -> None:
    square = x * x * np.float32(2.2) + y * y * np.float32(0.8)
    glow = np.zeros_like(square)
    for size, strength in ((0.025, 1.2), (0.16, 0.55), (0.45, 0.4)):
        glow += np.float32(strength) * np.exp(square * np.float32(-1 / size**2))
    picture += glow * _planes(look.sunlight)


def _stars(picture: np.ndarray, rng: np.random.Generator, horizon: float) -> None:
    height, width = picture.shape[1:]
    count = 260
    rows = (rng.random(count) ** 1.3 * min(horizon, height) * 0.92).astype(int)
    columns = (rng.random(count) * (width - 1)).astype(int)
    picture[:, rows, columns] += rng.uniform(0.05, 0.5, count).astype(np.float32)
    y = np.arange(height, dtype=np.float32)[:, None] - np.float32(MOON[1] * horizon)
    x = np.arange(width, dtype=np.float32)[None] - np.float32(MOON[0] * width)
    distance = np.sqrt(x * x + y * y) / np.float32(width / 70)
    light = smooth(1.05, 0.95, distance) * 1.2 + 0.05 * np.exp(-distance / 3)
    picture += light * _planes((1, 0.96, 0.85))


def _clouds(picture: np.ndarray, look: object, horizon: float, rng: np.random.Generator) -> None:
    """Lay clouds in perspective over the sky: lit on the sun's side, darker below."""
    height, width = picture.shape[1:]
    rows = min(int(horizon), height)
    y = (np.arange(rows, dtype=np.float32)[:, None] + 0.5) / np.float32(horizon)
    x = (np.arange(width, dtype=np.float32)[None] + 0.5) / np.float32(width)
    plane = fbm(rng, (1024, 1024), 190, 7)
    away = 1 / (1.16 - np.minimum(y, 1))
    u = (x - 0.5) * away * 300 + 512
    v = np.ascontiguousarray(np.broadcast_to(away * 150 + 60, u.shape))
    side = 14 * float(np.sign(look.sun[0]))
    cloud, shifted = (
        cv2.remap(plane, u + right, v - up, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        for right, up in ((0, 0), (side, 16))
    )
    edge = 0.74 - 0.46 * look.cloud
    cover = smooth(edge, edge + 0.24, cloud) * (0.92 - 0.3 * (y > 0.97)).astype(np.float32)
    lit = np.clip(0.62 + 2.4 * (cloud - shifted), 0.25, 1.15)
    above, glow = _planes(look.above), _planes(look.horizon)
    dim = above * np.float32(0.9) + glow * np.float32(0.18)
    bright = (_planes(look.sunlight) + above) * np.float32(0.75)
    picture[:, :rows] += cover * (dim + lit * (bright - dim) - picture[:, :rows])
