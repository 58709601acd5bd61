"""A figure without light: colour, relief and coverage of a person, part over part."""

import cv2
import numpy as np

from pipeline.scenes.canvas import SHIFT, SUB
from pipeline.scenes.cloth import Paint, curve, pattern, rods_at
from pipeline.scenes.noise import TILE, creases, tile, window

EDGE = 2  # pixels kept free round a part


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
        """Lay a surface of a given relief (towards the camera, pixels) over an area of the box."""
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
        spine = np.asarray(joints, np.float64)
        if len(spine) > 2:
            spine = curve(spine, closed=False, steps=3)
        points = self.pixels(spine[:, :2])
        radii = np.maximum(spine[:, 2:] * self.scale, 0.3)
        area = self._area((points - radii).min(0), (points + radii).max(0))
        if area is None:
            return
        rods = np.concatenate([points - (area[1].start, area[0].start), radii], 1)
        gap, nx, up = rods_at(rods, (area[0].stop - area[0].start, area[1].stop - area[1].start))
        factor = np.minimum(1, 0.96 / np.sqrt(np.maximum(nx * nx + up * up, 1e-6)))
        nx *= factor
        up *= factor
        facing = np.sqrt(np.maximum(1 - nx * nx - up * up, 0.05))
        self.lay(np.clip(0.5 - gap, 0, 1), area, (nx / facing, up / facing), paint, rng)

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
        share = pattern(
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
