"""The camera: what it frames, how it blurs, and what its sensor and film do to light."""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.scenes.noise import window
from pipeline.scenes.perspective import SIDE
from pipeline.scenes.places import CODE, HORIZON

FRAME = 640.0  # units; side of the picture, whatever its pixels
SHOULDER = 0.72  # light above this is compressed, as film does


@dataclass(frozen=True)
class Frame:
    """A square window onto a place's canvas.

    Attributes:
        size: side of the picture, pixels.
        left, top: the window's corner, units of the canvas.
        side: the window's side, units of the canvas.
    """

    size: int
    left: float
    top: float
    side: float

    @property
    def scale(self) -> float:
        """Pixels a unit of the picture."""
        return self.size / FRAME

    @property
    def horizon(self) -> float:
        """Row of the horizon, units of the picture."""
        return (HORIZON - self.top) * FRAME / self.side

    def to_canvas(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the picture lies on the canvas, both in units."""
        return self.left + x * self.side / FRAME, self.top + y * self.side / FRAME

    def from_canvas(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the canvas lies in the picture, both in units."""
        return (x - self.left) * FRAME / self.side, (y - self.top) * FRAME / self.side


def aim(rng: np.random.Generator, size: int, *, low: bool) -> Frame:
    """Return a random framing: a step to the side, a zoom, a tilt.

    ``low`` keeps the horizon high in the picture, so that there is ground to stand on.
    """
    side = rng.uniform(690, 800)
    share = rng.uniform(0.36, 0.4) if low else rng.uniform(0.38, 0.5)
    top = np.clip(HORIZON - share * side, 0, SIDE - side)
    left = np.clip((SIDE - side) / 2 + rng.uniform(-60, 60), 0, SIDE - side)
    return Frame(size, float(left), float(top), float(side))


def seen(canvas: np.ndarray, frame: Frame) -> np.ndarray:
    """Return the window of a canvas ``(H, W)`` or ``(H, W, n)``, at the picture's size."""
    factor = frame.side * canvas.shape[1] / SIDE / frame.size
    unit = canvas.shape[1] / SIDE
    shift = 0.5 * factor - 0.5
    matrix = np.array(
        [[factor, 0, frame.left * unit + shift], [0, factor, frame.top * unit + shift]], np.float32
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        canvas, matrix, (frame.size, frame.size), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )


def scenery(lit: np.ndarray, frame: Frame) -> np.ndarray:
    """Return the light of a place's window, ``(size, size, 3)`` float32 linear."""
    return np.square(seen(lit, frame).astype(np.float32) / CODE)


def defocus(light: np.ndarray, radius: float) -> np.ndarray:
    """Return light blurred by a lens: over a disc of ``radius`` pixels, less towards the feet."""
    far, near = _disc(light, radius), _disc(light, 0.6 * radius)
    share = np.clip(np.linspace(2.2, 0, len(light), dtype=np.float32), 0, 1)[:, None, None]
    return near + share * (far - near)


def _disc(light: np.ndarray, radius: float) -> np.ndarray:
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return cv2.filter2D(light, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)


def vignette(size: int, strength: float) -> np.ndarray:
    """Return the share of light that reaches each point, ``(size, size, 1)`` float32."""
    line = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    return 1 - strength * 0.5 * (line[:, None, None] + line[None, :, None])


def develop(light: np.ndarray) -> np.ndarray:
    """Return linear light as ``(H, W, 3)`` uint8: highlights rolled off, then the square root."""
    excess = np.maximum(light - SHOULDER, 0)
    rolled = np.minimum(light, SHOULDER) + (1 - SHOULDER) * (1 - np.exp(-excess / (1 - SHOULDER)))
    return np.round(np.sqrt(np.clip(rolled, 0, 1)) * 255).astype(np.uint8)


def noisy(photo: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Return the photo with sensor noise of deviation ``strength`` grey levels; more in shadows."""
    value = photo.astype(np.float32)
    grain = window("sensor", rng, photo.shape[:2])
    return np.clip(np.round(value + grain * (strength * (1.25 - value / 400))), 0, 255).astype(
        np.uint8
    )
