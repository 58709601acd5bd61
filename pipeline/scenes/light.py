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
        canvas: ``(H, W, CHANNELS)`` float32, as ``Canvas.data``.
        look: hour, season and weather.
        horizon: its row, pixels.
        rng: clouds and falling leaves.

    Returns:
        ``(H, W, 3)`` float32, linear light, at least 0.
    """
    albedo = _season(canvas, look, rng)
    light = _falling(canvas, look)
    glow = canvas[..., c.GLOW] * (8 * look.lamps)
    if look.lamps > 0.3:
        light += _pools(glow) * look.lamps
    heaven = sky.paint(canvas.shape[:2], look, horizon, rng)
    lit = albedo * light + glow
    away = 100 * canvas[..., c.DEPTH] / np.maximum(1.001 - canvas[..., c.DEPTH], 0.01)
    clear = np.exp(-look.haze * away)[..., None]
    air = np.array(look.horizon, np.float32) * 0.85
    lit = lit * clear + air * (1 - clear)
    lit = heaven + canvas[..., c.SOLID :] * (lit - heaven)
    _mirror(lit, canvas, look, horizon)
    if look.lamps > 0.3:
        lit += 0.3 * look.lamps * _soft(glow, lit.shape[1] / 60)
    return np.maximum(lit, 0, out=lit)


def nearby(canvas: np.ndarray, look: Look, rng: np.random.Generator) -> np.ndarray:
    """Light what stands near the camera, as ``illuminate`` without sky and haze."""
    albedo = _season(canvas, look, rng)
    lamps = np.array((0.4, 0.3, 0.2), np.float32) * look.lamps
    return albedo * (_falling(canvas, look) + lamps) + canvas[..., c.GLOW] * (8 * look.lamps)


def _season(canvas: np.ndarray, look: Look, rng: np.random.Generator) -> np.ndarray:
    """Return the surfaces' linear colours with turned leaves and fallen snow."""
    albedo = np.square(canvas[..., c.COLOUR])
    shape = canvas.shape[:2]
    if look.season != "summer":
        leaf = canvas[..., c.LEAF : c.LEAF + 1]
        tone = albedo.mean(2, keepdims=True) * 2.6
        pick = fbm(rng, shape, shape[1] / 9, 3)
        if look.season == "autumn":
            level = np.clip(pick * 6 - 1.5, 0, 2.999)
            palette = np.array(TURNED, np.float32)
            low = level.astype(int)
            share = (level - low)[..., None]
            turned = palette[low] * (1 - share) + palette[low + 1] * share
            albedo += leaf * (turned * tone * 2.0 - albedo)
        else:
            bare = np.array((0.42, 0.36, 0.31), np.float32) * (0.35 + tone)
            albedo += leaf * (bare - albedo)
            drift = canvas[..., c.SNOW] * (0.75 + 0.6 * pick)
            grit = fbm(rng, shape, shape[1] / 110, 4)
            cover = 0.93 * smooth(0.34, 0.66, drift + 0.25 * (grit - 0.5))[..., None]
            albedo += cover * (
                np.array((0.84, 0.87, 0.92), np.float32)
                * (0.74 + 0.16 * pick + 0.16 * grit)[..., None]
                - albedo
            )
    return albedo


def _falling(canvas: np.ndarray, look: Look) -> np.ndarray:
    """Return the light that falls on each surface."""
    nx, up = canvas[..., c.NX], canvas[..., c.UP]
    nz = np.sqrt(np.maximum(1 - nx * nx - up * up, 0))
    sun = np.maximum(nx * look.sun[0] + up * look.sun[1] + nz * look.sun[2], 0)
    half = 0.5 + 0.5 * up
    return (
        sun[..., None] * np.array(look.sunlight, np.float32)
        + half[..., None] * np.array(look.above, np.float32)
        + (1 - half[..., None]) * np.array(look.below, np.float32)
    )


def _soft(picture: np.ndarray, radius: float) -> np.ndarray:
    """Blur widely and cheaply, at a quarter of the size."""
    height, width = picture.shape[:2]
    small = cv2.resize(
        picture, (max(width // 4, 1), max(height // 4, 1)), interpolation=cv2.INTER_AREA
    )
    small = cv2.GaussianBlur(small, (0, 0), max(radius / 4, 0.5))
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _pools(glow: np.ndarray) -> np.ndarray:
    """Return the light that lamps throw on what is around them."""
    side = glow.shape[1]
    light = 1.5 * _soft(glow, side / 28) + 5 * _soft(glow, side / 6)
    return 0.75 * light / (0.75 + light)


def _mirror(lit: np.ndarray, canvas: np.ndarray, look: Look, horizon: float) -> None:
    """Let water mirror, with ripples, what stands above the horizon."""
    rows = np.flatnonzero(canvas[..., c.WATER].max(1) > 0.02)
    if not len(rows):
        return
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    height, width = bottom - top, lit.shape[1]
    unit = lit.shape[1] / 880
    rng = np.random.default_rng(11)
    drop = (np.arange(height, dtype=np.float32)[:, None] + 1) / unit
    v = np.log1p(drop / 12) * 60
    waves = fbm(rng, (512, 512), 26, 4, (0.35, 2.2)) - 0.5
    u = (np.arange(width, dtype=np.float32)[None] / unit - 440) * 90 / (drop + 60) + 256
    ripple = cv2.remap(
        waves,
        u,
        np.broadcast_to(v, u.shape).copy(),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    strength = np.minimum(6 + drop * 0.28, 60) * unit
    x = np.broadcast_to(np.arange(width, dtype=np.float32)[None], u.shape) + ripple * strength * 0.5
    y = horizon - (drop * unit) * 0.92 + ripple * strength
    image = cv2.remap(
        lit,
        x,
        np.clip(y, 0, horizon).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    share = (0.3 + 0.52 * np.exp(-drop / 170))[..., None] + 0.35 * ripple[..., None]
    part = lit[top:bottom]
    cover = canvas[top:bottom, :, c.WATER : c.WATER + 1]
    part += cover * np.clip(share, 0.05, 0.92) * (image - part)
