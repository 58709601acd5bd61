"""A head: skull, face and ears, with a relief that takes light from any side."""

import cv2
import numpy as np

from pipeline.scenes.people import Person, Pose
from pipeline.scenes.sheet import Paint, Sheet, curve

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
    """Draw ears, skull and face; hair and hats come after."""
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
                _times(person.skin, 0.8),
                0.6,
                0.002,
            )
    _skull(sheet, head, person, skin, rng)
    if sheet.scale * head.size > DETAIL:
        _features(sheet, head, person)
    else:
        _marks(sheet, head, person)


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


def _times(colour: tuple, factor: float) -> tuple:
    return tuple(min(value * factor, 1.0) for value in colour)


def _ring(centre: tuple[float, float], radii: tuple[float, float], count: int = 20) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], 1) * radii + centre


def _marks(sheet: Sheet, head: Head, person: Person) -> None:
    """Mark eyes, brows and mouth of a face too small for features."""
    for side in (-1, 1):
        sheet.stain(head.at(_ring((side * 0.031, 0.004), (0.012, 0.007))), (0.12, 0.09, 0.08), 0.75)
        sheet.stain(
            head.at(_ring((side * 0.031, 0.025), (0.016, 0.004))), _times(person.hair, 0.9), 0.6
        )
    sheet.stain(head.at(_ring((0, -0.04), (0.01, 0.006))), _times(person.skin, 0.78), 0.6)
    sheet.stain(head.at(_ring((0, -0.072), (0.022, 0.006))), (0.62, 0.3, 0.28), 0.7)


def _features(sheet: Sheet, head: Head, person: Person) -> None:
    rosy = (min(person.skin[0] * 1.02, 1), person.skin[1] * 0.8, person.skin[2] * 0.78)
    for side in (-1, 1):
        sheet.stain(head.at(_ring((side * 0.043, -0.032), (0.017, 0.013))), rosy, 0.3, 0.009)
        sheet.stain(
            head.at(_ring((side * 0.032, 0.008), (0.019, 0.011))),
            _times(person.skin, 0.84),
            0.35,
            0.005,
        )
    sheet.stain(head.at(_ring((0, -0.037), (0.012, 0.008))), rosy, 0.28, 0.005)
    if person.beard:
        _beard(sheet, head, person)
    _nose(sheet, head, person)
    _mouth(sheet, head, person)
    for side in (-1, 1):
        _eye(sheet, head, person, side)
        _brow(sheet, head, person, side)


def _beard(sheet: Sheet, head: Head, person: Person) -> None:
    jaw = [
        (-0.071, -0.012),
        (-0.058, -0.045),
        (-0.03, -0.052),
        (0, -0.053),
        (0.03, -0.052),
        (0.058, -0.045),
        (0.071, -0.012),
        (0.066, -0.07),
        (0.045, -0.1),
        (0.0, -0.116),
        (-0.045, -0.1),
        (-0.066, -0.07),
    ]
    sheet.stain(head.at(curve(jaw), turn=0.6), person.hair, 0.25 + 0.55 * person.beard, 0.006)


def _nose(sheet: Sheet, head: Head, person: Person) -> None:
    dark = _times(person.skin, 0.5)
    for side in (-1, 1):
        sheet.stain(
            head.at(_ring((side * 0.0075, -0.0435), (0.0036, 0.0018), 12)), dark, 0.75, 0.001
        )
        wing = [(side * 0.0155, -0.036), (side * 0.0165, -0.042), (side * 0.012, -0.0455)]
        sheet.stroke(head.at(curve(wing, closed=False)), 0.0013, _times(person.skin, 0.62), 0.5)
    sheet.stain(
        head.at(_ring((0, -0.0475), (0.011, 0.0028))), _times(person.skin, 0.72), 0.45, 0.002
    )


def _mouth(sheet: Sheet, head: Head, person: Person) -> None:
    smile = head.pose.smile
    wide, rise = 0.022 + 0.007 * smile, 0.001 + 0.006 * smile
    lips = (min(person.skin[0] * 0.86, 1), person.skin[1] * 0.56, person.skin[2] * 0.56)
    if person.woman:
        lips = (min(lips[0] * 1.02, 1), lips[1] * 0.82, lips[2] * 0.88)
    left, right = (-wide, -0.0715 + rise), (wide, -0.0715 + rise)
    upper = [
        left,
        (-0.008, -0.0645),
        (0, -0.0662),
        (0.008, -0.0645),
        right,
        (0.009, -0.0728),
        (-0.009, -0.0728),
    ]
    lower = [
        left,
        (0, -0.0725),
        right,
        (0.013, -0.0805 + rise * 0.2),
        (0, -0.084),
        (-0.013, -0.0805 + rise * 0.2),
    ]
    sheet.stain(head.at(curve(lower)), lips, 0.8, 0.001, shine=0.3)
    sheet.stain(head.at(curve(upper)), _times(lips, 0.9), 0.8, 0.001)
    if smile > 0.55:
        gap = 0.0055 * (smile - 0.3)
        mouth = [
            (-wide * 0.86, -0.0705 + rise),
            (0, -0.0705),
            (wide * 0.86, -0.0705 + rise),
            (0.012, -0.0745 - gap),
            (0, -0.0755 - gap),
            (-0.012, -0.0745 - gap),
        ]
        sheet.stain(head.at(curve(mouth)), (0.3, 0.1, 0.1), 0.9)
        teeth = [
            (-wide * 0.74, -0.0708 + rise),
            (0, -0.071),
            (wide * 0.74, -0.0708 + rise),
            (0.01, -0.0736 - gap * 0.7),
            (-0.01, -0.0736 - gap * 0.7),
        ]
        sheet.stain(head.at(curve(teeth)), (0.95, 0.93, 0.89), 0.95)
    else:
        sheet.stroke(
            head.at(curve([left, (0, -0.0727), right], closed=False)),
            0.0014,
            _times(lips, 0.5),
            0.8,
        )
    for side in (-1, 1):
        sheet.stain(
            head.at(_ring((side * (wide + 0.0015), -0.071 + rise), (0.0025, 0.003), 10)),
            _times(person.skin, 0.7),
            0.5,
            0.0015,
        )
    sheet.stain(head.at(_ring((0, -0.0885), (0.013, 0.003))), _times(person.skin, 0.8), 0.4, 0.003)


def _eye(sheet: Sheet, head: Head, person: Person, side: int) -> None:
    x, y = side * 0.0315, 0.002
    squint = 1 - 0.25 * head.pose.smile
    inner, outer = x - side * 0.0145, x + side * 0.0155
    top, low = y + 0.0068 * squint, y - 0.0045 * squint
    almond = [
        (inner, y - 0.0012),
        (x - side * 0.006, top * 0.9 + y * 0.1),
        (x + side * 0.003, top),
        (outer, y + 0.0012),
        (x + side * 0.005, low),
        (x - side * 0.006, low),
    ]
    shape = head.at(curve(almond))
    sheet.stain(shape, (0.93, 0.91, 0.89), 0.95, shine=0.0)
    found = sheet.mask(shape)
    ball = sheet.mask(head.at(_ring((x + 0.002 * head.pose.yaw, y + 0.001), (0.0066, 0.0066))))
    if found is not None and ball is not None:
        _iris(sheet, head, person, (x + 0.002 * head.pose.yaw, y + 0.001, shape))
    lid = [
        (inner, y - 0.0012),
        (x - side * 0.006, top),
        (x + side * 0.003, top + 0.0007),
        (outer + side * 0.002, y + 0.002),
    ]
    sheet.stroke(
        head.at(curve(lid, closed=False)),
        0.0026 if person.woman else 0.0018,
        (0.1, 0.07, 0.07),
        0.9,
    )
    crease = [(inner, y + 0.005), (x, top + 0.0045), (outer, y + 0.0055)]
    sheet.stroke(head.at(curve(crease, closed=False)), 0.001, _times(person.skin, 0.66), 0.5)
    under = [(inner, y - 0.003), (x, low - 0.001), (outer, y - 0.001)]
    sheet.stroke(head.at(curve(under, closed=False)), 0.001, _times(person.skin, 0.68), 0.45)


def _iris(sheet: Sheet, head: Head, person: Person, where: tuple) -> None:
    """Paint iris, pupil and highlight, cut off by the lids."""
    x, y, shape = where
    lids, area = sheet.mask(shape)
    before = sheet.colour[area].copy()
    sheet.stain(head.at(_ring((x, y), (0.0068, 0.0068))), _times(person.eye, 0.55))
    sheet.stain(head.at(_ring((x, y), (0.0055, 0.0055))), person.eye)
    sheet.stain(head.at(_ring((x, y), (0.0028, 0.0028), 12)), (0.04, 0.03, 0.03))
    sheet.stain(head.at(_ring((x + 0.002, y + 0.0026), (0.0014, 0.0014), 8)), (1, 1, 1))
    sheet.colour[area] = before + lids[..., None] * (sheet.colour[area] - before)


def _brow(sheet: Sheet, head: Head, person: Person, side: int) -> None:
    raise_ = 0.002 * head.pose.smile
    thick = 0.0026 if person.woman else 0.0038
    inner, peak, outer = (
        (side * 0.0145, 0.0205 + raise_),
        (side * 0.036, 0.0275 + raise_),
        (side * 0.051, 0.019 + raise_),
    )
    shape = [
        inner,
        (side * 0.025, 0.0252 + raise_),
        peak,
        outer,
        (peak[0], peak[1] - thick * 1.3),
        (inner[0], inner[1] - thick),
    ]
    colour = _times(person.hair, 0.85) if max(person.hair) < 0.5 else _times(person.hair, 0.62)
    sheet.stain(head.at(curve(shape)), colour, 0.8, 0.0012)
