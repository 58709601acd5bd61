"""A figure without light: colour, relief and coverage of a person, part over part."""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.scenes.canvas import SHIFT, SUB
from pipeline.scenes.noise import TILE, creases, tile, window

EDGE = 2  # pixels kept free round a part


@dataclass(frozen=True)
class Paint:
    """What a part is made of.

    Attributes:
        colour: share of light reflected, square root, RGB 0..1.
        fold: how creased it is, 0..1.
        shine: how much it glosses, 0..1.
        skin: light wraps round it, as under skin, 0..1.
        pattern: ``plain``, ``stripes``, ``bands``, ``checks``, ``dots``, ``flowers`` or ``strands``.
        second: the pattern's other colour.
        grain: contrast of its fine texture.
    """

    colour: tuple[float, float, float]
    fold: float = 0.0
    shine: float = 0.0
    skin: float = 0.0
    pattern: str = "plain"
    second: tuple[float, float, float] = (1.0, 1.0, 1.0)
    grain: float = 0.06


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


class Sheet:
    """Layers of one person over a box of the picture.

    Arrays are float32 over the box: ``colour (h, w, 3)``, ``nx``, ``up`` (the surface's normal),
    ``alpha``, ``shine``, ``skin``, all ``(h, w)``.
    """

    def __init__(
        self, box: tuple[int, int, int, int], foot: tuple[float, float], scale: float
    ) -> None:
        """Make an empty sheet.

        Args:
            box: left, top, right, bottom in the picture, pixels; not empty.
            foot: where the person's origin (between the feet) is, pixels of the picture.
            scale: pixels a metre.
        """
        self.box, self.foot, self.scale = box, foot, scale
        shape = (box[3] - box[1], box[2] - box[0])
        self.shape = shape
        self.crown = (0.0, 0.0)  # where hair grows from, pixels of the box
        self.colour = np.zeros((*shape, 3), np.float32)
        self.nx, self.up, self.alpha, self.shine, self.skin = np.zeros((5, *shape), np.float32)

    def pixels(self, metres: np.ndarray | list) -> np.ndarray:
        """Return points of the person, metres with y up, as x and y in the box."""
        points = np.asarray(metres, np.float64)
        x = self.foot[0] - self.box[0] + points[..., 0] * self.scale
        y = self.foot[1] - self.box[1] - points[..., 1] * self.scale
        return np.stack([x, y], -1)

    def part(
        self, outline: np.ndarray, paint: Paint, thick: float, rng: np.random.Generator
    ) -> None:
        """Cover a closed outline (metres) with a bulging surface ``thick`` metres deep."""
        found = self.mask(outline)
        if found is None:
            return
        mask, area = found
        depth = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
        radius = max(thick * self.scale, 1.0)
        inner = 1 - np.minimum(depth / radius, 1)
        relief = cv2.GaussianBlur(
            np.sqrt(1 - inner * inner) * radius, (0, 0), max(0.22 * radius, 0.6)
        )
        self.cover(mask, area, relief, paint, rng)

    def cover(
        self,
        mask: np.ndarray,
        area: tuple[slice, slice],
        relief: np.ndarray,
        paint: Paint,
        rng: np.random.Generator,
    ) -> None:
        """Lay a surface of a given relief (height towards the camera, pixels) over the box's ``area``."""
        gx = cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
        gy = cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
        self.lay(mask, area, (-gx, gy), paint, rng)

    def lay(
        self,
        mask: np.ndarray,
        area: tuple[slice, slice],
        slope: tuple[np.ndarray, np.ndarray],
        paint: Paint,
        rng: np.random.Generator,
    ) -> None:
        """Lay a surface that leans right by ``slope[0]`` and up by ``slope[1]`` over ``area``."""
        right, up = slope
        if paint.fold:
            across, along = creases(rng, mask.shape, self.scale)
            right, up = right + paint.fold * across, up + paint.fold * along
        norm = 1 / np.sqrt(1 + right * right + up * up)
        colour = self._coloured(mask.shape, area, paint, rng)
        self._shadow(mask, area)
        old = self.alpha[area]
        total = mask + old * (1 - mask)
        share = mask / np.maximum(total, 1e-4)
        for layer, value in (
            (self.nx, right * norm),
            (self.up, up * norm),
            (self.shine, paint.shine),
            (self.skin, paint.skin),
        ):
            layer[area] += share * (value - layer[area])
        self.colour[area] += share[..., None] * (colour - self.colour[area])
        self.alpha[area] = total

    def limb(self, joints: list | np.ndarray, paint: Paint, rng: np.random.Generator) -> None:
        """Cover a chain of tapering rods; ``joints`` are x, y and radius, metres."""
        spine = (
            curve(joints, closed=False, steps=4) if len(joints) > 2 else np.asarray(joints, float)
        )
        points = self.pixels(spine[:, :2])
        radii = np.maximum(spine[:, 2] * self.scale, 0.3)
        area = self._area(points.min(0) - radii.max(), points.max(0) + radii.max())
        if area is None:
            return
        y, x = np.mgrid[area].astype(np.float32)
        best = np.full(x.shape, 1e9, np.float32)
        nx, up = np.zeros((2, *x.shape), np.float32)
        for start, end, first, last in zip(
            points[:-1], points[1:], radii[:-1], radii[1:], strict=True
        ):
            along = end - start
            length = max(float(along @ along), 1e-6)
            ox, oy = x - np.float32(start[0]), y - np.float32(start[1])
            t = np.clip(
                (ox * np.float32(along[0]) + oy * np.float32(along[1])) / np.float32(length), 0, 1
            )
            ox, oy = ox - t * np.float32(along[0]), oy - t * np.float32(along[1])
            radius = np.float32(first) + t * np.float32(last - first)
            gap = np.sqrt(ox * ox + oy * oy) - radius
            nearer = gap < best
            best = np.where(nearer, gap, best)
            nx = np.where(nearer, ox / radius, nx)
            up = np.where(nearer, -oy / radius, up)
        mask = np.clip(0.5 - best, 0, 1)
        rim = np.maximum(nx * nx + up * up, 1e-6)
        factor = np.minimum(1, 0.96 / np.sqrt(rim))
        nx, up = nx * factor, up * factor
        facing = np.sqrt(np.maximum(1 - nx * nx - up * up, 0.05))
        self.lay(mask, area, (nx / facing, up / facing), paint, rng)

    def stain(
        self,
        outline: np.ndarray,
        colour: tuple,
        opacity: float = 1.0,
        blur: float = 0.0,
        shine: float | None = None,
    ) -> None:
        """Recolour what is covered inside a closed outline (metres); ``blur`` in metres."""
        found = self.mask(outline, margin=3 * blur)
        if found is None:
            return
        mask, area = found
        if blur * self.scale > 0.3:
            mask = cv2.GaussianBlur(mask, (0, 0), blur * self.scale)
        mask = mask * opacity
        self.colour[area] += mask[..., None] * (np.array(colour, np.float32) - self.colour[area])
        if shine is not None:
            self.shine[area] += mask * (shine - self.shine[area])

    def stroke(
        self, points: list | np.ndarray, width: float, colour: tuple, opacity: float = 1.0
    ) -> None:
        """Recolour a thin line through points (metres), ``width`` metres wide."""
        path = self.pixels(np.asarray(points))
        thick = max(width * self.scale, 0.35)
        area = self._area(path.min(0) - thick, path.max(0) + thick)
        if area is None:
            return
        mask = np.zeros((area[0].stop - area[0].start, area[1].stop - area[1].start), np.uint8)
        origin = (area[1].start, area[0].start)
        line = np.round((path - origin) * SUB).astype(np.int32)
        cv2.polylines(mask, [line], False, 255, max(1, round(thick)), cv2.LINE_AA, SHIFT)
        cover = mask.astype(np.float32) * (opacity * min(1.0, thick) / 255)
        self.colour[area] += cover[..., None] * (np.array(colour, np.float32) - self.colour[area])

    def mask(
        self, outline: np.ndarray, margin: float = 0.0
    ) -> tuple[np.ndarray, tuple[slice, slice]] | None:
        """Return the coverage of a closed outline and the area of the box it lies in."""
        points = self.pixels(outline)
        extra = margin * self.scale
        area = self._area(points.min(0) - extra, points.max(0) + extra)
        if area is None:
            return None
        mask = np.zeros((area[0].stop - area[0].start, area[1].stop - area[1].start), np.uint8)
        origin = (area[1].start, area[0].start)
        cv2.fillPoly(
            mask, [np.round((points - origin) * SUB).astype(np.int32)], 255, cv2.LINE_AA, SHIFT
        )
        return mask.astype(np.float32) / 255, area

    def _area(self, low: np.ndarray, high: np.ndarray) -> tuple[slice, slice] | None:
        left, top = np.maximum(np.floor(low).astype(int) - EDGE, 0)
        right = min(int(np.ceil(high[0])) + EDGE, self.shape[1])
        bottom = min(int(np.ceil(high[1])) + EDGE, self.shape[0])
        if right - left < 2 or bottom - top < 2:
            return None
        return slice(int(top), bottom), slice(int(left), right)

    def _shadow(self, mask: np.ndarray, area: tuple[slice, slice]) -> None:
        """Darken what lies just under the rim of a new part."""
        size = max(self.scale * 0.02, 0.8)
        if not (self.alpha[area] > 0.1).any():
            return
        pad = int(2 * size)
        top, left = max(area[0].start - pad, 0), max(area[1].start - pad, 0)
        bottom, right = (
            min(area[0].stop + pad, self.shape[0]),
            min(area[1].stop + pad, self.shape[1]),
        )
        around = np.zeros((bottom - top, right - left), np.float32)
        row, column = area[0].start - top, area[1].start - left
        around[row : row + mask.shape[0], column : column + mask.shape[1]] = mask
        soft = cv2.GaussianBlur(around, (0, 0), size)
        self.colour[top:bottom, left:right] *= 1 - 0.24 * soft[..., None]

    def _coloured(
        self,
        shape: tuple[int, int],
        area: tuple[slice, slice],
        paint: Paint,
        rng: np.random.Generator,
    ) -> np.ndarray:
        colour = np.array(paint.colour, np.float32)
        if paint.pattern == "strands":
            return np.clip(colour * (1 + paint.grain * self._strands(area))[..., None], 0, 1)
        grain = 1 + 2 * paint.grain * window("weave", rng, shape)
        if paint.pattern == "plain":
            return np.clip(colour * grain[..., None], 0, 1)
        y, x = np.mgrid[area].astype(np.float32)
        share = _pattern(
            paint.pattern, x / self.scale, (y - self.foot[1] + self.box[1]) / self.scale, rng
        )
        both = colour + share[..., None] * (np.array(paint.second, np.float32) - colour)
        return np.clip(both * grain[..., None], 0, 1)

    def _strands(self, area: tuple[slice, slice]) -> np.ndarray:
        """Return streaks that radiate from the crown, mean 0."""
        y, x = np.mgrid[area].astype(np.float32)
        x, y = x - np.float32(self.crown[0]), y - np.float32(self.crown[1])
        unit = 0.1 * self.scale
        # Below the crown strands hang: the angle is taken from a point that sinks with the hair.
        angle = np.arctan2(x, np.abs(y) + 0.9 * unit)
        reach = np.hypot(x, y) / unit
        u = np.mod(angle * (TILE / 2.2), TILE).astype(np.float32)
        v = np.mod(reach * 60, TILE).astype(np.float32)
        return cv2.remap(tile("strand"), u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


def _pattern(kind: str, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
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
