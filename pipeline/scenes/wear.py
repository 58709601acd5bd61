"""Hats, glasses and bags."""

import numpy as np

from pipeline.scenes.cloth import Paint, curve
from pipeline.scenes.head import Head
from pipeline.scenes.people import Person
from pipeline.scenes.sheet import Sheet

STRAW = (0.87, 0.75, 0.5)


def hat(sheet: Sheet, head: Head, person: Person, rng: np.random.Generator) -> None:
    """Draw the person's hat, if any, over the hair."""
    if person.hat == "cap":
        _cap(sheet, head, person, rng)
    elif person.hat == "beanie":
        _beanie(sheet, head, person, rng)
    elif person.hat == "sun":
        _sun(sheet, head, person, rng)
    elif person.hat == "cone":
        _cone(sheet, head, rng)


def _dome(width: float, low: float, top: float) -> list:
    return [
        (-width, low),
        (-width * 1.0, low + 0.045),
        (-width * 0.78, top - 0.025),
        (0, top),
        (width * 0.78, top - 0.025),
        (width, low + 0.045),
        (width, low),
    ]


def _cap(sheet: Sheet, head: Head, person: Person, rng: np.random.Generator) -> None:
    cloth = Paint(person.second, fold=0.1)
    crown = np.concatenate([curve(_dome(0.09, 0.052, 0.152), closed=False), [(0.0, 0.04)]])
    sheet.part(head.at(crown, turn=0.1), cloth, 0.05, rng)
    shift = np.sin(head.pose.yaw) * 0.05
    peak = [
        (-0.078 + shift, 0.052),
        (-0.05 + shift * 1.3, 0.028),
        (shift * 1.5, 0.02),
        (0.05 + shift * 1.3, 0.028),
        (0.078 + shift, 0.052),
        (shift, 0.068),
    ]
    sheet.part(
        head.at(curve(peak), turn=0), Paint(tuple(v * 0.82 for v in person.second)), 0.02, rng
    )


def _beanie(sheet: Sheet, head: Head, person: Person, rng: np.random.Generator) -> None:
    wool = Paint(person.second, fold=0.15, grain=0.13)
    crown = np.concatenate([curve(_dome(0.091, 0.05, 0.168), closed=False), [(0.0, 0.052)]])
    sheet.part(head.at(crown, turn=0), wool, 0.055, rng)
    rim = [(-0.094, 0.04), (-0.094, 0.075), (0, 0.083), (0.094, 0.075), (0.094, 0.04), (0, 0.05)]
    sheet.part(
        head.at(curve(rim), turn=0),
        Paint(tuple(v * 0.85 for v in person.second), grain=0.15),
        0.02,
        rng,
    )
    angle = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    ball = np.stack([np.cos(angle), np.sin(angle)], 1) * 0.028 * (1 + 0.08 * np.cos(9 * angle))[
        :, None
    ] + (0, 0.182)
    sheet.part(head.at(ball, turn=0), Paint((0.92, 0.9, 0.86), grain=0.13), 0.028, rng)


def _sun(sheet: Sheet, head: Head, person: Person, rng: np.random.Generator) -> None:
    straw = Paint(STRAW, grain=0.13)
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    brim = np.stack(
        [np.cos(angle) * 0.185, np.sin(angle) * 0.042 + 0.066 - 0.02 * np.cos(angle) ** 2], 1
    )
    sheet.part(head.at(brim, turn=0), straw, 0.03, rng)
    crown = np.concatenate([curve(_dome(0.088, 0.07, 0.16), closed=False), [(0.0, 0.052)]])
    sheet.part(head.at(crown, turn=0), straw, 0.055, rng)
    band = [(-0.09, 0.07), (-0.089, 0.093), (0, 0.082), (0.089, 0.093), (0.09, 0.07), (0, 0.055)]
    sheet.stain(head.at(curve(band), turn=0), person.second, 0.95)


def _cone(sheet: Sheet, head: Head, rng: np.random.Generator) -> None:
    cone = [
        (-0.19, 0.045),
        (-0.1, 0.118),
        (0, 0.205),
        (0.1, 0.118),
        (0.19, 0.045),
        (0.1, 0.032),
        (0, 0.028),
        (-0.1, 0.032),
    ]
    points = np.array(cone)
    sheet.part(
        head.at(np.concatenate([points[:5], curve(points[4:], closed=False)]), turn=0),
        Paint((0.9, 0.82, 0.62), grain=0.1),
        0.09,
        rng,
    )
    for level in (0.2, 0.4, 0.6, 0.8):
        half, y = 0.19 * (1 - level), 0.045 + 0.16 * level
        arc = curve([(-half, y), (0, y - 0.016 * (1 - level)), (half, y)], closed=False)
        sheet.stroke(head.at(arc, turn=0), 0.0016, (0.66, 0.56, 0.36), 0.6)


def glasses(sheet: Sheet, head: Head, person: Person) -> None:
    """Draw spectacles or sunglasses."""
    if person.glasses == "none" or sheet.scale < 60:
        return
    dark = person.glasses == "dark"
    frame = (0.08, 0.07, 0.07)
    for side in (-1, 1):
        x = side * 0.0325
        lens = curve(
            [
                (x - 0.022, 0.008),
                (x - 0.014, 0.019),
                (x + 0.014, 0.019),
                (x + 0.022, 0.008),
                (x + 0.016, -0.014),
                (x - 0.016, -0.014),
            ]
        )
        shape = head.at(lens)
        if dark:
            sheet.stain(shape, (0.09, 0.09, 0.11), 0.95, shine=0.9)
            glint = curve([(x - 0.014, 0.014), (x - 0.002, 0.015), (x - 0.012, -0.003)])
            sheet.stain(head.at(glint), (0.5, 0.55, 0.62), 0.35, 0.002)
        else:
            sheet.stain(shape, (0.9, 0.95, 1.0), 0.1)
        sheet.stroke(np.concatenate([shape, shape[:1]]), 0.0026, frame, 0.95)
        temple = head.at([(side * 0.0545, 0.01), (side * 0.078, 0.013)])
        sheet.stroke(temple, 0.0026, frame, 0.9)
    sheet.stroke(
        head.at(curve([(-0.0105, 0.008), (0, 0.0115), (0.0105, 0.008)], closed=False)),
        0.0026,
        frame,
        0.95,
    )


def bag(sheet: Sheet, person: Person, width: float, rng: np.random.Generator) -> None:
    """Draw the straps and what hangs in front; ``width`` of the shoulders, metres."""
    leather = Paint((0.42, 0.28, 0.18) if person.seed % 2 else (0.2, 0.2, 0.24), shine=0.25)
    if person.bag == "pack":
        for side in (-1, 1):
            sheet.limb(
                [
                    (side * width * 0.62, 1.43, 0.02),
                    (side * width * 0.72, 1.3, 0.021),
                    (side * width * 0.8, 1.16, 0.017),
                ],
                leather,
                rng,
            )
    elif person.bag == "cross":
        sheet.limb(
            [(-width * 0.55, 1.43, 0.012), (0.02, 1.2, 0.012), (width * 0.85, 0.97, 0.012)],
            leather,
            rng,
        )
        box = curve(
            [(width * 0.66, 0.99), (width * 1.22, 1.0), (width * 1.26, 0.83), (width * 0.68, 0.81)],
            steps=6,
        )
        sheet.part(box, leather, 0.05, rng)
        sheet.stroke(
            [(width * 0.7, 0.94), (width * 1.2, 0.95)],
            0.004,
            tuple(v * 0.6 for v in leather.colour),
        )
