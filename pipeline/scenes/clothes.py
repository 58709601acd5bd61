"""What people wear on the trunk, and what tells one garment from another."""

import numpy as np

from pipeline.scenes.cloth import Paint, curve, ring, times
from pipeline.scenes.people import Person
from pipeline.scenes.sheet import Sheet


def shoulder(person: Person) -> float:
    """Return half the width of the shoulders, metres."""
    return (0.165 if person.woman else 0.185) * person.build


def cloth(person: Person) -> Paint:
    """Return what the upper garment is made of."""
    return Paint(person.cloth, fold=0.55, pattern=person.pattern, second=person.second, grain=0.03)


def torso(sheet: Sheet, person: Person, rng: np.random.Generator) -> None:
    """Draw the trunk in its garment, down to the hem."""
    wide = shoulder(person)
    waist = (0.128 if person.woman else 0.156) * person.build
    hips = (0.158 if person.woman else 0.15) * person.build
    loose = 0.03 if person.top in {"hoodie", "jacket"} else 0.008
    right = [
        (0.05, 1.462),
        (wide * 0.62, 1.437),
        (wide, 1.405),
        (wide + 0.022 + loose, 1.35),
        (wide * 0.95 + loose, 1.24),
        (waist + loose, 1.07),
        (hips + loose, 0.93),
        (hips + loose, 0.87),
    ]
    if person.top == "dress":
        right[-1] = (hips + 0.03, 0.86)
        right.append((hips + 0.085, 0.52))
    half = np.array(right)
    shape = curve(np.concatenate([half, half[::-1] * (-1, 1)]), steps=6)
    sheet.part(shape, cloth(person), 0.1, rng)
    TRIMS[person.top](sheet, person)


def _skin_neck(sheet: Sheet, person: Person, deep: float) -> None:
    """Show skin in a round neckline that reaches down to ``deep`` metres."""
    rim = [(-0.062, 1.465), (-0.04, deep + 0.011), (0, deep), (0.04, deep + 0.011), (0.062, 1.465)]
    sheet.stain(curve([*rim, (0, 1.5)]), times(person.skin, 0.94))
    sheet.stroke(curve(rim, closed=False), 0.006, times(person.cloth, 0.62), 0.8)


def _tee(sheet: Sheet, person: Person) -> None:
    _skin_neck(sheet, person, 1.405 if person.woman else 1.43)
    if person.pattern == "plain" and person.top == "tee" and person.seed % 3 == 0:
        _print(sheet, person)


def _shirt(sheet: Sheet, person: Person) -> None:
    dark, pale = times(person.cloth, 0.62), times(person.cloth, 1.12)
    sheet.stain(np.array([(-0.045, 1.475), (0, 1.4), (0.045, 1.475)]), times(person.skin, 0.9))
    for side in (-1, 1):
        edge = [(side * 0.004, 1.4), (side * 0.05, 1.375), (side * 0.085, 1.445)]
        sheet.stain(np.array([(side * 0.05, 1.48), *edge]), pale)
        sheet.stroke(edge, 0.003, dark, 0.7)
    sheet.stroke([(0.002, 1.4), (0.002, 0.88)], 0.004, dark, 0.7)
    for y in np.arange(0.94, 1.4, 0.09):
        sheet.stain(ring((0, y), (0.006, 0.006), 8), (0.95, 0.94, 0.9))


def _hoodie(sheet: Sheet, person: Person) -> None:
    dark = times(person.cloth, 0.62)
    hood = [(-0.1, 1.455), (0, 1.38), (0.1, 1.455), (0, 1.44)]
    sheet.stain(curve(hood), dark, 0.6, 0.006)
    for side in (-1, 1):
        sheet.stroke([(side * 0.03, 1.41), (side * 0.034, 1.27)], 0.006, (0.93, 0.92, 0.9))
    pocket = [(-0.1, 0.95), (-0.08, 1.08), (0.08, 1.08), (0.1, 0.95)]
    sheet.stroke(curve(pocket, closed=False), 0.005, dark, 0.8)


def _jacket(sheet: Sheet, person: Person) -> None:
    dark = times(person.cloth, 0.62)
    inner = [(0.05, 0.86), (0.035, 1.2), (0.05, 1.475)]
    sheet.stain(np.array([(-x, y) for x, y in inner[::-1]] + inner), person.second)
    for side in (-1, 1):
        lapel = [(0.045, 1.48), (0.03, 1.25), (0.095, 1.33), (0.085, 1.45)]
        sheet.stain(np.array(lapel) * (side, 1), dark, 0.7)
        sheet.stroke([(side * 0.045, 1.44), (side * 0.035, 1.2), (side * 0.05, 0.88)], 0.006, dark)


def _print(sheet: Sheet, person: Person) -> None:
    """Draw a print on a plain T-shirt."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    reach = (0.055 if person.seed % 2 else 0.05) * (
        1 + (0.28 if person.seed % 2 else 0.0) * np.cos(5 * angle)
    )
    sheet.stain(
        np.stack([np.sin(angle) * reach, np.cos(angle) * reach + 1.24], 1), person.second, 0.9
    )


TRIMS = {"tee": _tee, "dress": _tee, "shirt": _shirt, "hoodie": _hoodie, "jacket": _jacket}
