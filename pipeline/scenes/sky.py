"""The sky: its gradient, the sun's glow, clouds, stars and the moon."""

import cv2
import numpy as np

from pipeline.scenes.noise import fbm, smooth

SUN_X = {"dawn": 0.16, "dusk": 0.8}  # share of the width; other hours have it behind the camera
MOON = (0.72, 0.2)  # share of the width and of the horizon's row


def paint(
    shape: tuple[int, int], look: object, horizon: float, rng: np.random.Generator
) -> np.ndarray:
    """Return the sky, ``(H, W, 3)`` float32 linear light; flat below the horizon.

    Args:
        shape: height and width, pixels.
        look: a ``light.Look``.
        horizon: its row, pixels.
        rng: where the clouds are.
    """
    height, width = shape
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / horizon
    x = (np.arange(width, dtype=np.float32)[None] + 0.5) / width
    rise = np.clip(1 - y, 0, 1)
    low, high = np.array(look.horizon, np.float32), np.array(look.zenith, np.float32)
    picture = low + (np.power(rise, 0.62)[..., None]) * (high - low)
    picture = np.broadcast_to(picture, (height, width, 3)).copy()
    if look.hour in SUN_X:
        _sunrise(picture, look, x - SUN_X[look.hour], y - 0.86)
    if look.stars:
        _stars(picture, rng, horizon)
    _clouds(picture, look, horizon, rng)
    return picture


def _sunrise(picture: np.ndarray, look: object, x: np.ndarray, y: np.ndarray) -> None:
    distance = np.sqrt(x * x * 2.2 + y * y * 0.8)
    colour = np.array(look.sunlight, np.float32)
    for size, strength in ((0.025, 1.2), (0.16, 0.55), (0.45, 0.4)):
        picture += (strength * np.exp(-((distance / size) ** 2)))[..., None] * colour


def _stars(picture: np.ndarray, rng: np.random.Generator, horizon: float) -> None:
    height, width = picture.shape[:2]
    count = 260
    rows = (rng.random(count) ** 1.3 * min(horizon, height) * 0.92).astype(int)
    columns = (rng.random(count) * (width - 1)).astype(int)
    picture[rows, columns] += rng.uniform(0.05, 0.5, (count, 1)).astype(np.float32)
    centre = (MOON[0] * width, MOON[1] * horizon)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot(x - centre[0], y - centre[1]) / (width / 70)
    disc = smooth(1.05, 0.95, distance)
    picture += (disc * 1.2 + 0.05 * np.exp(-distance / 3))[..., None] * np.array(
        (1, 0.96, 0.85), np.float32
    )


def _clouds(picture: np.ndarray, look: object, horizon: float, rng: np.random.Generator) -> None:
    """Lay clouds in perspective over the sky: lit on the sun's side, darker below."""
    height, width = picture.shape[:2]
    rows = min(int(horizon), height)
    y = (np.arange(rows, dtype=np.float32)[:, None] + 0.5) / horizon
    x = (np.arange(width, dtype=np.float32)[None] + 0.5) / width
    plane = fbm(rng, (1024, 1024), 190, 7)
    away = 1 / (1.16 - np.minimum(y, 1.0))
    u = (x - 0.5) * away * 300 + 512
    v = np.broadcast_to(away * 150 + 60, u.shape)
    cloud = cv2.remap(
        plane, u, np.ascontiguousarray(v), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    shifted = cv2.remap(
        plane,
        u + 14 * float(np.sign(look.sun[0])),
        v - 16,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    edge = 0.74 - 0.46 * look.cloud
    cover = smooth(edge, edge + 0.24, cloud) * (0.92 - 0.3 * (y > 0.97))
    lit = np.clip(0.62 + 2.4 * (cloud - shifted), 0.25, 1.15)[..., None]
    bright = np.array(look.sunlight) * 0.75 + np.array(look.above) * 0.75
    dim = np.array(look.above) * 0.9 + np.array(look.horizon) * 0.18
    colour = (dim + lit * (bright - dim)).astype(np.float32)
    picture[:rows] += cover[..., None].astype(np.float32) * (colour - picture[:rows])
