"""A head: skull, face and ears, with a relief that takes light from any side."""

import cv2
import numpy as np

from pipeline.scenes.cloth import Paint, curve, times
from pipeline.scenes.people import Person, Pose
from pipeline.scenes.sheet import Sheet

ROUND = 0.084  # radius of the face as a cylinder that turns, metres
DETAIL = 120.0  # pixels a metre from which features are drawn one by one
HALF = (
    (0.0, 0.122),
    (0.042, 0.113),
    (0.069, 0.076),
    (0.076, 0.02),
    (0.073, -0.03),
    (0.064, -0.068),
    (0.043, -0.099),
    (0.018, -0.114),
)
# Relief of a face: x, y, width, height of a Gaussian and its height towards the camera, metres.
BUMPS = np.array(
    [
        (0.030, 0.021, 0.020, 0.006, 0.0030),
        (0.032, 0.003, 0.014, 0.008, -0.0065),
        (0.0, -0.008, 0.0065, 0.022, 0.0085),
        (0.0, -0.034, 0.0095, 0.0085, 0.0105),
        (0.0125, -0.040, 0.006, 0.005, 0.0040),
        (0.043, -0.028, 0.018, 0.016, 0.0045),
        (0.0, -0.0655, 0.019, 0.004, 0.0030),
        (0.0, -0.079, 0.015, 0.005, 0.0042),
        (0.0, -0.072, 0.022, 0.0018, -0.0022),
        (0.0, -0.101, 0.014, 0.009, 0.0045),
        (0.0, -0.054, 0.004, 0.006, -0.0015),
    ]
)


class Head:
    """Where a head is and how it is turned: from the face's own metres to the person's."""

    def __init__(self, centre: tuple[float, float], pose: Pose, size: float) -> None:
        self.centre, self.pose, self.size = centre, pose, size

    def at(self, points: list | np.ndarray, *, turn: float = 1.0) -> np.ndarray:
        """Return points of the face, y up from its middle, in the person's metres.

        ``turn`` is how much of the yaw they follow: 1 for the face's front, 0 for the outline.
        """
        flat = np.asarray(points, np.float64)
        ratio = np.clip(flat[..., 0] / ROUND, -0.999, 0.999)
        turned = ROUND * np.sin(np.arcsin(ratio) + self.pose.yaw)
        x = np.where(
            np.abs(flat[..., 0]) < ROUND,
            flat[..., 0] + turn * (turned - flat[..., 0]),
            flat[..., 0],
        )
        y = flat[..., 1]
        cos, sin = np.cos(self.pose.tilt), np.sin(self.pose.tilt)
        return np.stack([x * cos + y * sin, y * cos - x * sin], -1) * self.size + self.centre


def draw(sheet: Sheet, head: Head, person: Person, rng: np.random.Generator) -> None:
    """Draw ears and skull; the face, hair and hats come after."""
    skin = Paint(person.skin, skin=1.0, shine=0.12, grain=0.025)
    for side in (-1, 1):
        hidden = side * head.pose.yaw > 0.25
        if not hidden:
            ear = curve(
                [
                    (side * 0.072, 0.022),
                    (side * 0.086, 0.028),
                    (side * 0.09, 0.008),
                    (side * 0.082, -0.022),
                    (side * 0.073, -0.026),
                ]
            )
            sheet.part(head.at(ear, turn=0.12), skin, 0.012, rng)
            sheet.stain(
                head.at(
                    curve([(side * 0.077, 0.014), (side * 0.084, 0.012), (side * 0.079, -0.014)]),
                    turn=0.12,
                ),
                times(person.skin, 0.8),
                0.6,
                0.002,
            )
    _skull(sheet, head, person, skin, rng)


def outline(person: Person, yaw: float) -> np.ndarray:
    """Return the outline of a face in its own metres, closed."""
    jaw = 0.93 if person.woman else 1.02
    right = np.array(HALF) * (1, 1)
    right[4:, 0] *= jaw
    left = right[::-1][:-1] * (-1, 1)
    points = np.concatenate([right, left])
    points[:, 0] += np.where(
        points[:, 1] < 0.02, np.sin(yaw) * 0.022 * (0.02 - points[:, 1]) / 0.13, 0
    )
    return curve(points)


def _skull(sheet: Sheet, head: Head, person: Person, skin: Paint, rng: np.random.Generator) -> None:
    found = sheet.mask(head.at(outline(person, head.pose.yaw), turn=0.0))
    if found is None:
        return
    mask, area = found
    depth = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    radius = 0.078 * head.size * sheet.scale
    inner = 1 - np.minimum(depth / radius, 1)
    relief = cv2.GaussianBlur(
        np.sqrt(1 - inner * inner) * radius * 0.9, (0, 0), max(0.16 * radius, 0.6)
    )
    if sheet.scale * head.size > DETAIL:
        relief += _bumps(sheet, head, area)
    sheet.cover(mask, area, relief, skin, rng)


def _bumps(sheet: Sheet, head: Head, area: tuple[slice, slice]) -> np.ndarray:
    """Return the face's relief in pixels over an area."""
    both = np.concatenate([BUMPS, BUMPS[BUMPS[:, 0] > 0] * (-1, 1, 1, 1, 1)])
    unit = sheet.scale * head.size
    centres = sheet.pixels(head.at(both[:, :2])) - (area[1].start, area[0].start)
    x = np.arange(area[1].stop - area[1].start, dtype=np.float32)
    y = np.arange(area[0].stop - area[0].start, dtype=np.float32)
    across = np.exp(-0.5 * ((x - centres[:, :1]) / (both[:, 2:3] * unit)) ** 2)
    down = np.exp(-0.5 * ((y - centres[:, 1:]) / (both[:, 3:4] * unit)) ** 2) * both[:, 4:] * unit
    return (down.T @ across).astype(np.float32)
