"""Hair: what hangs behind the head, and what frames the face."""

import numpy as np

from pipeline.scenes.cloth import Paint, curve
from pipeline.scenes.head import Head
from pipeline.scenes.people import Person
from pipeline.scenes.sheet import Sheet

OUTER = (
    (-0.081, -0.012),
    (-0.09, 0.04),
    (-0.078, 0.1),
    (-0.04, 0.134),
    (0.0, 0.141),
    (0.04, 0.134),
    (0.078, 0.1),
    (0.09, 0.04),
    (0.081, -0.012),
)
# The hairline from the right temple to the left, for each style.
LINES = {
    "short": (
        (0.076, 0.012),
        (0.068, 0.05),
        (0.038, 0.072),
        (0.0, 0.076),
        (-0.038, 0.072),
        (-0.068, 0.05),
        (-0.076, 0.012),
    ),
    "part": (
        (0.077, 0.0),
        (0.07, 0.045),
        (0.05, 0.07),
        (0.03, 0.086),
        (-0.02, 0.064),
        (-0.06, 0.04),
        (-0.076, 0.0),
    ),
    "buzz": (
        (0.075, 0.02),
        (0.066, 0.06),
        (0.038, 0.082),
        (0.0, 0.086),
        (-0.038, 0.082),
        (-0.066, 0.06),
        (-0.075, 0.02),
    ),
    "fringe": (
        (0.074, -0.02),
        (0.068, 0.02),
        (0.04, 0.036),
        (0.0, 0.04),
        (-0.04, 0.036),
        (-0.068, 0.02),
        (-0.074, -0.02),
    ),
    "middle": (
        (0.078, -0.05),
        (0.069, 0.0),
        (0.055, 0.045),
        (0.004, 0.098),
        (-0.052, 0.045),
        (-0.069, 0.0),
        (-0.078, -0.05),
    ),
    "back": (
        (0.078, 0.005),
        (0.07, 0.05),
        (0.04, 0.083),
        (0.0, 0.09),
        (-0.04, 0.083),
        (-0.07, 0.05),
        (-0.078, 0.005),
    ),
}
FRONT = {
    "short": "short",
    "part": "part",
    "buzz": "buzz",
    "curly": "short",
    "long": "middle",
    "wavy": "part",
    "bob": "fringe",
    "tail": "back",
    "bun": "back",
}


def paint(person: Person) -> Paint:
    """Return what hair is made of."""
    return Paint(
        person.hair,
        shine=0.5,
        pattern="strands",
        grain=0.55 if person.style != "buzz" else 0.15,
        fold=0.12,
    )


def behind(sheet: Sheet, head: Head, person: Person, rng: np.random.Generator) -> None:
    """Draw what is seen past the head and neck: long hair, a tail, curls."""
    hair = paint(person)
    if person.style in {"long", "wavy"}:
        low = -0.3 if person.style == "long" else -0.24
        right = [
            (0.0, 0.138),
            (0.07, 0.112),
            (0.097, 0.03),
            (0.104, -0.08),
            (0.112, -0.17),
            (0.1, low),
            (0.05, low - 0.015),
        ]
        sheet.part(head.at(_mirrored(right, rng), turn=0), hair, 0.05, rng)
    elif person.style == "bob":
        right = [
            (0.0, 0.138),
            (0.072, 0.112),
            (0.1, 0.03),
            (0.106, -0.06),
            (0.098, -0.115),
            (0.05, -0.12),
        ]
        sheet.part(head.at(_mirrored(right, rng), turn=0), hair, 0.045, rng)
    elif person.style == "tail":
        side = -1 if head.pose.yaw > 0 else 1
        tail = [
            (side * 0.05, 0.1),
            (side * 0.1, 0.06),
            (side * 0.118, -0.06),
            (side * 0.1, -0.17),
            (side * 0.085, -0.1),
            (side * 0.07, 0.03),
        ]
        sheet.part(head.at(curve(tail), turn=0), hair, 0.03, rng)
    elif person.style == "bun" and person.hat == "none":
        angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        ball = np.stack([np.cos(angle) * 0.046, np.sin(angle) * 0.042 + 0.15], 1)
        sheet.part(head.at(curve(ball), turn=0), hair, 0.04, rng)
    elif person.style == "curly":
        sheet.part(head.at(_curls(rng, 0.118 if person.woman else 0.1), turn=0), hair, 0.05, rng)


def _mirrored(right: list, rng: np.random.Generator) -> np.ndarray:
    half = np.array(right)
    other = half[:0:-1] * (-1, 1)
    points = np.concatenate([half, other])
    points[1:] += rng.normal(0, 0.004, points[1:].shape)
    return curve(points)


def _curls(rng: np.random.Generator, radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 34, endpoint=False)
    reach = radius * (1 + 0.055 * np.where(np.arange(34) % 2, 1, -1) + rng.normal(0, 0.02, 34))
    return curve(
        np.stack([np.cos(angle) * reach * 1.02, np.sin(angle) * reach * 0.95 + 0.035], 1), steps=4
    )


def front(sheet: Sheet, head: Head, person: Person, rng: np.random.Generator) -> None:
    """Draw the cap of hair that frames the face."""
    if person.style == "bald":
        return
    line = np.array(LINES[FRONT[person.style]])
    line[1:-1] += rng.normal(0, 0.003, line[1:-1].shape)
    if rng.random() < 0.5:
        line = line[::-1] * (-1, 1)
    outer = np.array(OUTER)
    if person.style == "buzz":
        outer = outer * (0.93, 0.93)
    if person.style == "curly":
        bumps = np.where(np.arange(len(outer)) % 2, 1.08, 1.0)[:, None]
        outer = np.concatenate([outer[:1], outer[1:-1] * bumps[1:-1] * 1.05, outer[-1:]])
    inner = head.at(curve(line, closed=False, steps=6))
    rim = head.at(curve(outer, closed=False, steps=6), turn=0.15)
    sheet.part(np.concatenate([rim, inner]), paint(person), 0.035, rng)
    if person.style in {"long", "wavy"}:
        _locks(sheet, head, person, rng)


def _locks(sheet: Sheet, head: Head, person: Person, rng: np.random.Generator) -> None:
    """Draw the strands that fall beside the cheeks and over the shoulders."""
    wave = 0.012 if person.style == "wavy" else 0.004
    for side in (-1, 1):
        path = []
        for step, y in enumerate((0.03, -0.05, -0.12, -0.19, -0.25)):
            x = side * (0.082 + 0.012 * np.sin(step * 1.1)) + wave * (-1) ** step
            path.append((x, y, (0.013, 0.02, 0.024, 0.022, 0.008)[step] * rng.uniform(0.85, 1.15)))
        points = np.array(path)
        points[:, :2] = head.at(points[:, :2], turn=0)
        points[:, 2] *= head.size
        sheet.limb(points, paint(person), rng)
