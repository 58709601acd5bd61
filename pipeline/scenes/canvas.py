"""A drawing without light: what every point is made of, so that any hour can light it later.

Lengths are *units*; a picture of 640 pixels has 1 pixel a unit, smaller pictures have less.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

COLOUR = slice(0, 3)  # reflected share of light, square root, RGB 0..1
NX = 3  # the surface's normal: right is positive
UP = 4  # and up is positive; the rest faces the camera
DEPTH = 5  # 0 near .. 1 at the horizon
LEAF = 6  # 1 = turns with the seasons
SNOW = 7  # 1 = snow lies here in winter
GLOW = slice(8, 11)  # light given off when lamps are lit, linear RGB / 8
GROUND = 11  # 1 = shadows of people fall here
WATER = 12  # 1 = mirrors what stands behind it
SOLID = 13  # 0 = sky
CHANNELS = 14
SHIFT = 4  # binary digits behind the point in OpenCV's coordinates
SUB = 1 << SHIFT

Point = tuple[float, float]


@dataclass(frozen=True)
class Surface:
    """What a stroke paints; fields as the channels above."""

    colour: tuple[float, float, float]
    facing: Point = (0.0, 0.1)
    depth: float = 0.2
    leaf: float = 0.0
    snow: float = 0.0
    glow: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ground: float = 0.0
    water: float = 0.0

    def vector(self) -> np.ndarray:
        """Return the value of each channel, ``(CHANNELS,)`` float32."""
        glow = tuple(value / 8 for value in self.glow)
        tail = (self.depth, self.leaf, self.snow, *glow, self.ground, self.water, 1.0)
        return np.array((*self.colour, *self.facing, *tail), np.float32)


class Canvas:
    """A ``(CHANNELS, H, W)`` float32 picture that surfaces are painted on, from back to front."""

    def __init__(self, width: float, height: float, scale: float) -> None:
        self.scale = scale  # pixels a unit
        self.width, self.height = width, height
        shape = (max(round(height * scale), 2), max(round(width * scale), 2))
        self.data = np.zeros((CHANNELS, *shape), np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.data.shape[1:]

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Return y ``(H, 1)`` and x ``(1, W)`` of the pixels, in units."""
        rows, columns = self.shape
        y = (np.arange(rows, dtype=np.float32)[:, None] + 0.5) / self.scale
        x = (np.arange(columns, dtype=np.float32)[None] + 0.5) / self.scale
        return y, x

    def paint(
        self,
        mask: np.ndarray,
        surface: Surface,
        tone: np.ndarray | None = None,
        origin: tuple[int, int] = (0, 0),
    ) -> None:
        """Lay a surface over the pixels of ``mask``.

        Args:
            mask: ``(h, w)`` float32 coverage, 0..1.
            surface: what is painted.
            tone: ``(h, w)`` factor of the colour; None = even.
            origin: row and column of the mask's first pixel; the mask lies within the canvas.
        """
        top, left = origin
        part = self.data[:, top : top + mask.shape[0], left : left + mask.shape[1]]
        target = surface.vector()[:, None, None]
        if tone is None:
            part += mask * (target - part)
            return
        part[3:] += mask * (target[3:] - part[3:])
        part[:3] += mask * (np.clip(target[:3] * tone, 0, 1) - part[:3])

    def poly(
        self, points: list[Point] | np.ndarray, surface: Surface, rough: np.ndarray | None = None
    ) -> None:
        """Paint a polygon; ``rough`` is a whole-canvas factor of its colour."""
        box = self._box(np.asarray(points, np.float32))
        if box is None:
            return
        top, left, bottom, right = box
        mask = np.zeros((bottom - top, right - left), np.uint8)
        corners = np.asarray(points, np.float64) * self.scale - (left, top) - 0.5
        cv2.fillPoly(mask, [np.round(corners * SUB).astype(np.int32)], 255, cv2.LINE_AA, SHIFT)
        tone = None if rough is None else rough[top:bottom, left:right]
        self.paint(mask.astype(np.float32) / 255, surface, tone, (top, left))

    def rect(self, x: float, y: float, size: Point, surface: Surface) -> None:
        """Paint an upright rectangle from its top left corner."""
        width, height = size
        self.poly([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], surface)

    def ellipse(self, centre: Point, radii: Point, surface: Surface) -> None:
        """Paint an upright ellipse."""
        angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        points = np.stack([np.cos(angle), np.sin(angle)], 1) * radii + centre
        self.poly(points, surface)

    def line(self, points: list[Point], width: float, surface: Surface) -> None:
        """Paint a path of even width."""
        path = np.asarray(points, np.float32)
        for start, end in pairwise(path):
            along = end - start
            length = float(np.hypot(*along))
            if length > 0:
                side = np.array([-along[1], along[0]]) / length * width / 2
                self.poly(np.stack([start + side, end + side, end - side, start - side]), surface)

    def put(self, panel: "Canvas", corners: list[Point], depth: float | None = None) -> None:
        """Lay another canvas over this one, its corners (from top left, clockwise) at ``corners``.

        ``depth`` replaces the panel's own.
        """
        target = np.asarray(corners, np.float32) * self.scale
        box = self._box(np.asarray(corners, np.float32))
        if box is None:
            return
        top, left, bottom, right = box
        source = _shrunk(panel.data, target)
        height, width = source.shape[1:]
        edge = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        matrix = cv2.getPerspectiveTransform(edge - 0.5, (target - (left, top) - 0.5).astype("f4"))
        size = (right - left, bottom - top)
        warped = np.stack([cv2.warpPerspective(layer, matrix, size) for layer in source])
        cover = warped[SOLID].copy()
        warped /= np.maximum(cover, 1e-3)  # the panel's colours bled into nothing at its rim
        if depth is not None:
            warped[DEPTH] = depth
        part = self.data[:, top:bottom, left:right]
        part += cover * (warped - part)

    def _box(self, points: np.ndarray) -> tuple[int, int, int, int] | None:
        rows, columns = self.shape
        low = np.floor(points.min(0) * self.scale - 1).astype(int)
        high = np.ceil(points.max(0) * self.scale + 1).astype(int)
        left, top = max(int(low[0]), 0), max(int(low[1]), 0)
        right, bottom = min(int(high[0]), columns), min(int(high[1]), rows)
        return (top, left, bottom, right) if right > left and bottom > top else None


def _shrunk(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the panel premultiplied, and no larger than it will be seen, against moire."""
    source = source * source[SOLID]
    width = max(np.hypot(*(target[1] - target[0])), np.hypot(*(target[2] - target[3])), 2)
    height = max(np.hypot(*(target[3] - target[0])), np.hypot(*(target[2] - target[1])), 2)
    rows, columns = source.shape[1:]
    if columns > 1.3 * width or rows > 1.3 * height:
        size = (min(columns, int(width) + 1), min(rows, int(height) + 1))
        return np.stack([cv2.resize(layer, size, interpolation=cv2.INTER_AREA) for layer in source])
    return source
