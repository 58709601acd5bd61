"""The hour, the season and the weather: from a canvas of surfaces to light that reaches a camera.

Light is linear RGB, about 1 for white paper in the sun; files and textures hold its square root,
which is near enough to sRGB's curve and much faster.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from pipeline.scenes import canvas as c
from pipeline.scenes import sky
from pipeline.scenes.noise import fbm, smooth

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """How a place looks at one hour of one season.

    Attributes:
        hour, season: their names, keys of ``HOURS`` and ``SEASONS``.
        sun: direction to it: right, up, behind the camera; of length 1.
        sunlight, above, below: light of the sun, the sky and the ground, linear RGB.
        zenith, horizon: colours of the sky, linear RGB.
        haze: share of light lost to haze in each metre.
        lamps: how bright lamps are, 0..1.
        cloud: share of the sky that clouds cover, 0..1.
        stars: whether stars are out.
    """

    hour: str
    season: str
    sun: RGB
    sunlight: RGB
    above: RGB
    below: RGB
    zenith: RGB
    horizon: RGB
    haze: float
    lamps: float
    cloud: float
    stars: bool = False

    @property
    def dark(self) -> bool:
        """Whether a stranger would call the picture dark."""
        return self.hour == "night"


def _look(hour: str, sun: RGB, colours: tuple[RGB, ...], air: tuple[float, float, float]) -> Look:
    direction = tuple(float(value) for value in np.array(sun) / np.linalg.norm(sun))
    return Look(hour, "summer", direction, *colours, *air)


_NOON = (
    (1.0, 0.95, 0.84),
    (0.34, 0.42, 0.56),
    (0.16, 0.15, 0.12),
    (0.11, 0.27, 0.62),
    (0.56, 0.72, 0.9),
)
_DAWN = (
    (0.95, 0.62, 0.38),
    (0.36, 0.36, 0.46),
    (0.14, 0.12, 0.12),
    (0.26, 0.36, 0.6),
    (1.0, 0.7, 0.5),
)
_DUSK = (
    (0.85, 0.36, 0.14),
    (0.25, 0.22, 0.36),
    (0.1, 0.07, 0.08),
    (0.09, 0.1, 0.28),
    (1.0, 0.42, 0.16),
)
_NIGHT = (
    (0.035, 0.045, 0.075),
    (0.022, 0.03, 0.062),
    (0.016, 0.015, 0.02),
    (0.006, 0.01, 0.035),
    (0.035, 0.045, 0.09),
)
_GREY = (
    (0.12, 0.12, 0.12),
    (0.52, 0.55, 0.6),
    (0.2, 0.2, 0.2),
    (0.5, 0.54, 0.6),
    (0.68, 0.71, 0.75),
)

HOURS = {
    "noon": _look("noon", (-0.45, 0.7, 0.55), _NOON, (0.0011, 0.0, 0.42)),
    "dawn": _look("dawn", (-0.85, 0.24, 0.42), _DAWN, (0.0045, 0.1, 0.35)),
    "dusk": _look("dusk", (0.85, 0.2, 0.3), _DUSK, (0.0028, 0.75, 0.5)),
    "night": _look("night", (0.4, 0.7, 0.3), _NIGHT, (0.0006, 1.0, 0.3)),
    "grey": _look("grey", (0.1, 0.9, 0.4), _GREY, (0.0015, 0.15, 0.95)),
}
SEASONS = ("summer", "autumn", "winter")
TURNED = (
    (0.62, 0.3, 0.05),
    (0.5, 0.12, 0.03),
    (0.66, 0.46, 0.07),
    (0.4, 0.3, 0.06),
)  # leaves, linear


def look(hour: str, season: str) -> Look:
    """Return the look of an hour in a season; winter is paler and its sun lower."""
    base = replace(HOURS[hour], season=season, stars=hour == "night")
    if season == "winter":
        return replace(base, haze=base.haze * 1.8, cloud=max(base.cloud, 0.55))
    return base


def illuminate(
    canvas: np.ndarray, look: Look, horizon: float, rng: np.random.Generator
) -> np.ndarray:
    """Light a place.

    Args:
        canvas: ``(CHANNELS, H, W)`` float32, as ``Canvas.data``.
        look: hour, season and weather.
        horizon: its row, pixels.
        rng: clouds and falling leaves.

    Returns:
        ``(3, H, W)`` float32, linear light, at least 0.
    """
    lit = _falling(canvas, look)
    glow = canvas[c.GLOW] * np.float32(8 * look.lamps)
    if look.lamps > 0.3:
        lit += _pools(glow) * np.float32(look.lamps)
    lit *= _season(canvas, look, rng)
    lit += glow
    away = canvas[c.DEPTH] / np.maximum(1.001 - canvas[c.DEPTH], 0.01)
    clear = np.exp(away * np.float32(-100 * look.haze))
    air = planes(look.horizon) * np.float32(0.85)
    lit -= air
    lit *= clear
    lit += air
    heaven = sky.paint(canvas.shape[1:], look, horizon, rng)
    lit -= heaven
    lit *= canvas[c.SOLID]
    lit += heaven
    _mirror(lit, canvas[c.WATER], horizon)
    if look.lamps > 0.3:
        lit += _soft(glow, lit.shape[2] / 60) * np.float32(0.3 * look.lamps)
    return np.maximum(lit, 0, out=lit)


def planes(colour: RGB) -> np.ndarray:
    """Return a colour as ``(3, 1, 1)`` float32."""
    return np.array(colour, np.float32)[:, None, None]


def nearby(canvas: np.ndarray, look: Look, rng: np.random.Generator) -> np.ndarray:
    """Light what stands near the camera, without sky and haze; ``(H, W, 3)`` float32."""
    light = _falling(canvas, look) + planes((0.4, 0.3, 0.2)) * np.float32(look.lamps)
    lit = _season(canvas, look, rng) * light + canvas[c.GLOW] * np.float32(8 * look.lamps)
    return np.ascontiguousarray(lit.transpose(1, 2, 0))


def _season(canvas: np.ndarray, look: Look, rng: np.random.Generator) -> np.ndarray:
    """Return the surfaces' linear colours with turned leaves and fallen snow, ``(3, H, W)``."""
    albedo = np.square(canvas[c.COLOUR])
    if look.season == "summer":
        return albedo
    shape = canvas.shape[1:]
    pick = fbm(rng, shape, shape[1] / 9, 3)
    tone = albedo.mean(0) * np.float32(2.6)
    if look.season == "autumn":
        level = np.clip(pick * 6 - 1.5, 0, 3)
        turned = np.stack(
            [np.interp(level, range(4), layer) for layer in zip(*TURNED, strict=True)]
        )
        albedo += canvas[c.LEAF] * ((turned * tone * 2).astype(np.float32) - albedo)
        return albedo
    albedo += canvas[c.LEAF] * (planes((0.42, 0.36, 0.31)) * (0.35 + tone) - albedo)
    grit = fbm(rng, shape, shape[1] / 110, 4)
    drift = canvas[c.SNOW] * (0.75 + 0.6 * pick) + 0.25 * (grit - 0.5)
    white = planes((0.84, 0.87, 0.92)) * (0.74 + 0.16 * pick + 0.16 * grit)
    albedo += 0.93 * smooth(0.34, 0.66, drift) * (white - albedo)
    return albedo


def _falling(canvas: np.ndarray, look: Look) -> np.ndarray:
    """Return the light that falls on each surface, ``(3, H, W)``."""
    nx, up = canvas[c.NX], canvas[c.UP]
    nz = np.sqrt(np.maximum(1 - nx * nx - up * up, 0))
    right, high, behind = (np.float32(value) for value in look.sun)
    sun = np.maximum(nx * right + up * high + nz * behind, 0)
    above, below = planes(look.above), planes(look.below)
    return sun * planes(look.sunlight) + up * ((above - below) / 2) + (above + below) / 2


def _soft(picture: np.ndarray, radius: float) -> np.ndarray:
    """Blur ``(3, H, W)`` widely and cheaply, at a quarter of the size."""
    height, width = picture.shape[1:]
    size = (max(width // 4, 1), max(height // 4, 1))
    soft = np.empty_like(picture)
    for layer, result in zip(picture, soft, strict=True):
        small = cv2.resize(layer, size, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), max(radius / 4, 0.5))
        cv2.resize(small, (width, height), dst=result, interpolation=cv2.INTER_LINEAR)
    return soft


def _pools(glow: np.ndarray) -> np.ndarray:
    """Return the light that lamps throw on what is around them."""
    side = glow.shape[2]
    light = np.float32(1.5) * _soft(glow, side / 28) + np.float32(5) * _soft(glow, side / 6)
    return np.float32(0.75) * light / (np.float32(0.75) + light)


def _mirror(lit: np.ndarray, water: np.ndarray, horizon: float) -> None:
    """Let water mirror, with ripples, what stands above the horizon."""
    rows = np.flatnonzero(water.max(1) > 0.02)
    if not len(rows):
        return
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    width = lit.shape[2]
    unit = width / 880
    drop = (np.arange(bottom - top, dtype=np.float32)[:, None] + 1) / np.float32(unit)
    ripple = _ripples(drop, width)
    strength = np.minimum(6 + drop * 0.28, 60) * np.float32(unit)
    x = np.arange(width, dtype=np.float32)[None] + ripple * strength * np.float32(0.5)
    y = np.clip(horizon - drop * np.float32(unit * 0.92) + ripple * strength, 0, horizon)
    share = np.clip(0.3 + 0.52 * np.exp(-drop / 170) + 0.35 * ripple, 0.05, 0.92)
    share *= water[top:bottom]
    for layer in lit:
        image = cv2.remap(
            layer, x, y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        layer[top:bottom] += share * (image - layer[top:bottom])


def _ripples(drop: np.ndarray, width: int) -> np.ndarray:
    """Return waves in perspective, mean 0; ``drop (h, 1)`` is units below the far shore."""
    waves = fbm(np.random.default_rng(11), (512, 512), 26, 4, (0.35, 2.2)) - np.float32(0.5)
    x = np.arange(width, dtype=np.float32)[None] * np.float32(880 / width) - 440
    u = x * 90 / (drop + 60) + 256
    v = np.broadcast_to(np.log1p(drop / 12) * 60, u.shape)
    mode = cv2.BORDER_REFLECT
    return cv2.remap(waves, u, np.ascontiguousarray(v), cv2.INTER_LINEAR, borderMode=mode)
