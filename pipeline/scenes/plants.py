"""Trees, bushes, palms and flowers: panels to be put into a place."""

import cv2
import numpy as np

from pipeline.scenes import ground
from pipeline.scenes.canvas import NX, SNOW, SOLID, UP, Canvas, Surface
from pipeline.scenes.noise import fbm, smooth
from pipeline.scenes.perspective import depth_of

BARK = (0.36, 0.27, 0.2)
GREENS = ((0.34, 0.5, 0.18), (0.28, 0.46, 0.2), (0.42, 0.54, 0.2), (0.24, 0.42, 0.22))
BLOSSOM = (0.93, 0.68, 0.76)


def clumps(
    canvas: Canvas, rng: np.random.Generator, balls: np.ndarray, surface: Surface, leaf: float
) -> None:
    """Paint foliage: leafy balls that shade one another.

    Args:
        canvas: what to paint on.
        rng: random numbers.
        balls: ``(n, 3)`` x, y and radius of each, units.
        surface: colour and kind of the leaves.
        leaf: size of a tuft of leaves, units.
    """
    y, x = canvas.grid()
    balls = balls.astype(np.float32)
    height = np.full(canvas.shape, -1.0, np.float32)
    rough = fbm(rng, canvas.shape, leaf * canvas.scale * 2.0, 3) - 0.5
    leaves = fbm(rng, canvas.shape, leaf * canvas.scale * 0.62, 2) - 0.5
    for centre_x, centre_y, radius in balls:
        distance = ((x - centre_x) ** 2 + (y - centre_y) ** 2) / radius**2
        height = np.maximum(height, (1 - distance) * min(radius / balls[:, 2].max(), 1))
    height += rough * 1.0 + leaves * 0.7
    mask = smooth(-0.02, 0.1, height)
    blurred = cv2.GaussianBlur(np.clip(height, 0, 1), (0, 0), leaf * canvas.scale * 0.45)
    nx = -cv2.Sobel(blurred, cv2.CV_32F, 1, 0, ksize=3) * 2.2 * leaf * canvas.scale
    up = cv2.Sobel(blurred, cv2.CV_32F, 0, 1, ksize=3) * 2.2 * leaf * canvas.scale
    centre = balls[:, :2].mean(0)
    spread = np.ptp(balls[:, 1]) + 2 * balls[:, 2].max()
    tone = 0.42 + 0.62 * smooth(-0.1, 0.75, height) + 0.3 * rough + 0.62 * leaves
    tone *= 1.1 - 0.45 * np.clip((y - centre[1]) / spread + 0.2, 0, 1)
    before = canvas.data[[NX, UP, SNOW]]
    canvas.paint(mask, surface, tone)
    canvas.data[NX] = _mix(before[0], np.clip(nx + (x - centre[0]) / spread, -0.8, 0.8), mask)
    canvas.data[UP] = _mix(before[1], np.clip(up + 0.25, -0.7, 0.9), mask)
    catch = surface.snow * np.clip(up * 1.3 + 0.62, 0, 1)
    canvas.data[SNOW] = _mix(before[2], catch, mask)


def _mix(old: np.ndarray, new: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return old + mask * (new - old)


def tree(
    rng: np.random.Generator, scale: float, colour: tuple = GREENS[0], leaf: float = 1.0
) -> Canvas:
    """Return a broad-leaved tree of 200 x 260 units, its foot at the middle of the lower edge."""
    canvas = Canvas(200, 260, scale)
    bark = Surface(BARK, (-0.2, 0.0), snow=0.15)
    sway = rng.uniform(-8, 8)
    canvas.poly([(93, 262), (96, 150), (100 + sway, 80), (106, 150), (110, 262)], bark)
    for _ in range(6):
        tip = (rng.uniform(40, 160), rng.uniform(60, 130))
        start = rng.uniform(130, 190)
        canvas.poly([(97, start), tip, (104, start + 5)], bark)
    angle = rng.uniform(0, 2 * np.pi, 26)
    reach = np.sqrt(rng.uniform(0, 1, 26))
    x = 100 + np.cos(angle) * reach * 66 + sway / 2
    y = 92 + np.sin(angle) * reach * 58
    balls = np.stack([x, y, rng.uniform(20, 34, 26)], 1)
    clumps(canvas, rng, balls, Surface(colour, leaf=leaf, snow=0.9), 3.4)
    return canvas


def bush(
    rng: np.random.Generator,
    scale: float,
    colour: tuple = GREENS[1],
    bloom: tuple | None = None,
    leaf: float = 2.8,
) -> Canvas:
    """Return a round bush of 160 x 90 units, with flowers of colour ``bloom`` if given.

    ``leaf`` is the size of its tufts and flowers, units: less for a bush that is seen large.
    """
    canvas = Canvas(160, 90, scale)
    x = rng.uniform(30, 130, 22)
    y = 60 - 26 * np.sin((x - 30) / 100 * np.pi) * rng.uniform(0.2, 1, 22) + 12
    balls = np.stack([x, y, rng.uniform(14, 24, 22)], 1)
    clumps(canvas, rng, balls, Surface(colour, leaf=0.3, snow=0.9), leaf)
    if bloom is not None:
        flowers(canvas, rng, bloom, leaf)
    return canvas


def flowers(canvas: Canvas, rng: np.random.Generator, colour: tuple, size: float) -> None:
    """Dot blossoms of up to ``size`` units over what is already painted, where it is solid."""
    rows, columns = canvas.shape
    low, high = (0, 0, 0.43 * size, 0.8), (columns, rows, size, 1.1)
    for x, y, radius, tone in rng.uniform(low, high, (round(250 / size), 4)):
        if canvas.data[SOLID, int(y), int(x)] < 0.6:
            continue
        shade = tuple(min(value * tone, 1.0) for value in colour)
        centre = (x / canvas.scale, y / canvas.scale)
        canvas.ellipse(centre, (radius, radius * 0.85), Surface(shade, (0, 0.4), snow=0.8))


def conifer(rng: np.random.Generator, scale: float, colour: tuple = (0.16, 0.3, 0.2)) -> Canvas:
    """Return a fir of 120 x 260 units."""
    canvas = Canvas(120, 260, scale)
    canvas.poly([(57, 262), (59, 60), (61, 60), (63, 262)], Surface(BARK))
    y, x = canvas.grid()
    layer = 15 + 9 * (y / 260)
    tier = np.mod(y + 6 * np.abs(x - 60) / 20, layer) / layer
    half = (y - 8) * 0.215 * (0.62 + 0.5 * tier)
    rough = fbm(rng, canvas.shape, 7 * scale, 3) - 0.5
    inside = (half - np.abs(x - 60)) / 5 + rough * 2.4 - 0.2
    mask = smooth(0, 0.6, inside) * (y < 248)
    tone = 0.6 + 0.6 * (1 - tier) + 0.7 * rough
    canvas.paint(mask.astype(np.float32), Surface(colour, (0, 0.2), snow=0.8), tone)
    lean = np.clip((x - 60) / np.maximum(half, 4), -1, 1) * 0.75
    canvas.data[NX] = np.where(mask > 0.5, lean, canvas.data[NX])
    catch = np.clip(1.25 - 1.5 * tier + rough, 0, 1) * (mask > 0.5)
    canvas.data[SNOW] = catch
    return canvas


def palm(rng: np.random.Generator, scale: float) -> Canvas:
    """Return a coconut palm of 260 x 320 units, leaning a little."""
    canvas = Canvas(260, 320, scale)
    lean = rng.uniform(-45, 45)
    along = np.linspace(0, 1, 18)
    x = 130 + lean * (1 - along) ** 1.6 * 1.2
    y = 92 + along * 230
    for step in range(17):
        width = 5 + 4.5 * along[step]
        tone = 0.85 + 0.3 * (step % 2)
        colour = tuple(value * tone for value in (0.47, 0.39, 0.3))
        points = [(x[step] - width, y[step]), (x[step] + width, y[step])]
        low = width + 0.6
        points += [(x[step + 1] + low, y[step + 1]), (x[step + 1] - low, y[step + 1])]
        canvas.poly(points, Surface(colour, (0.2, 0.0), snow=0.1))
    top = (float(x[0]), 94.0)
    angles = np.linspace(-0.3, np.pi + 0.3, 10) + rng.uniform(-0.16, 0.16, 10)
    for angle in rng.permutation(angles):
        _frond(canvas, rng, top, float(angle))
    for dx in (-7, 2, 8):
        canvas.ellipse((top[0] + dx, top[1] + 9), (5, 6), Surface((0.42, 0.36, 0.16), (0, 0.2)))
    return canvas


def _frond(canvas: Canvas, rng: np.random.Generator, top: tuple, angle: float) -> None:
    """Paint one feathered leaf that rises from ``top`` and bends down under its weight."""
    length = rng.uniform(98, 128)
    t = np.linspace(0, 1, 26)
    x = top[0] + np.cos(angle) * length * t
    y = top[1] - np.sin(angle) * length * 0.62 * t + rng.uniform(48, 86) * t**2.3
    tone = rng.uniform(0.75, 1.15)
    lit = Surface(tuple(v * tone for v in (0.33, 0.47, 0.16)), (0, 0.5), snow=0.3)
    dark = Surface(tuple(v * tone * 0.72 for v in (0.3, 0.45, 0.17)), (0, 0.1), snow=0.1)
    for step in range(2, 26):
        reach = 27 * np.sin(np.pi * min(t[step] * 0.85 + 0.12, 1)) + 4
        along = np.array([x[step] - x[step - 1], y[step] - y[step - 1]])
        along = along / (np.hypot(*along) + 1e-6)
        across = np.array([-along[1], along[0]])
        root = np.array([x[step], y[step]])
        for side, surface in ((-1, lit), (1, dark)):
            tip = root + side * across * reach * 0.75 + along * reach * 0.5 + (0, reach * 0.45)
            canvas.poly(np.stack([root - along * 1.25, tip, root + along * 1.0]), surface)
    canvas.line(list(zip(x, y, strict=True)), 1.8, Surface((0.45, 0.5, 0.22), (0, 0.4)))


def stand(canvas: Canvas, panel: Canvas, foot: tuple[float, float], height: float) -> None:
    """Put a plant up with its foot at a point; ``height`` in units."""
    x, y = foot
    width = height * panel.width / panel.height
    left, right, top = x - width / 2, x + width / 2, y - height
    away = 1280 / max(y - 385, 4)
    ground.shade(canvas, [(left, y - 3), (right, y - 3), (right, y + 5), (left, y + 5)], 0.4, 5)
    canvas.put(panel, [(left, top), (right, top), (right, y), (left, y)], depth_of(away))
