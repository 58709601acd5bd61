"""A face: eyes, brows, nose, mouth and beard, painted on a head."""

from pipeline.scenes.cloth import curve, ring, times
from pipeline.scenes.head import DETAIL, Head
from pipeline.scenes.people import Person
from pipeline.scenes.sheet import Sheet


def draw(sheet: Sheet, head: Head, person: Person) -> None:
    """Paint the face on a head that is drawn already; a small one gets marks only."""
    if sheet.scale * head.size > DETAIL:
        _features(sheet, head, person)
    else:
        _marks(sheet, head, person)


def _marks(sheet: Sheet, head: Head, person: Person) -> None:
    """Mark eyes, brows and mouth of a face too small for features."""
    for side in (-1, 1):
        sheet.stain(head.at(ring((side * 0.031, 0.004), (0.012, 0.007))), (0.12, 0.09, 0.08), 0.75)
        sheet.stain(
            head.at(ring((side * 0.031, 0.025), (0.016, 0.004))), times(person.hair, 0.9), 0.6
        )
    sheet.stain(head.at(ring((0, -0.04), (0.01, 0.006))), times(person.skin, 0.78), 0.6)
    sheet.stain(head.at(ring((0, -0.072), (0.022, 0.006))), (0.62, 0.3, 0.28), 0.7)


def _features(sheet: Sheet, head: Head, person: Person) -> None:
    rosy = (min(person.skin[0] * 1.02, 1), person.skin[1] * 0.8, person.skin[2] * 0.78)
    for side in (-1, 1):
        sheet.stain(head.at(ring((side * 0.043, -0.032), (0.017, 0.013))), rosy, 0.3, 0.009)
        sheet.stain(
            head.at(ring((side * 0.032, 0.008), (0.019, 0.011))),
            times(person.skin, 0.84),
            0.35,
            0.005,
        )
    sheet.stain(head.at(ring((0, -0.037), (0.012, 0.008))), rosy, 0.28, 0.005)
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
    dark = times(person.skin, 0.5)
    for side in (-1, 1):
        sheet.stain(
            head.at(ring((side * 0.0075, -0.0435), (0.0036, 0.0018), 12)), dark, 0.75, 0.001
        )
        wing = [(side * 0.0155, -0.036), (side * 0.0165, -0.042), (side * 0.012, -0.0455)]
        sheet.stroke(head.at(curve(wing, closed=False)), 0.0013, times(person.skin, 0.62), 0.5)
    sheet.stain(head.at(ring((0, -0.0475), (0.011, 0.0028))), times(person.skin, 0.72), 0.45, 0.002)


def _mouth(sheet: Sheet, head: Head, person: Person) -> None:
    smile = head.pose.smile
    wide, rise = 0.022 + 0.007 * smile, 0.0025 + 0.005 * smile
    lips = (min(person.skin[0] * 0.86, 1), person.skin[1] * 0.56, person.skin[2] * 0.56)
    if person.woman:
        lips = (min(lips[0] * 1.02, 1), lips[1] * 0.82, lips[2] * 0.88)
    left, right = (-wide, -0.0715 + rise), (wide, -0.0715 + rise)
    bow = [(-0.008, -0.0645), (0, -0.0662), (0.008, -0.0645)]
    upper = [left, *bow, right, (0.009, -0.0728), (-0.009, -0.0728)]
    full = -0.0805 + rise * 0.2
    lower = [left, (0, -0.0725), right, (0.013, full), (0, -0.084), (-0.013, full)]
    sheet.stain(head.at(curve(lower)), lips, 0.8, 0.001, shine=0.3)
    sheet.stain(head.at(curve(upper)), times(lips, 0.9), 0.8, 0.001)
    if smile > 0.55:
        _teeth(sheet, head, wide, rise)
    else:
        line = head.at(curve([left, (0, -0.0727), right], closed=False))
        sheet.stroke(line, 0.0014, times(lips, 0.5), 0.8)
    dimple = times(person.skin, 0.7)
    for side in (-1, 1):
        corner = ring((side * (wide + 0.0015), -0.071 + rise), (0.0025, 0.003), 10)
        sheet.stain(head.at(corner), dimple, 0.5, 0.0015)
    sheet.stain(head.at(ring((0, -0.0885), (0.013, 0.003))), times(person.skin, 0.8), 0.4, 0.003)


def _teeth(sheet: Sheet, head: Head, wide: float, rise: float) -> None:
    """Open a mouth ``wide`` metres to each side whose corners ``rise``."""
    gap = 0.0055 * (head.pose.smile - 0.3)
    side, deep = wide * 0.86, -0.0745 - gap
    mouth = [(-side, -0.0705 + rise), (0, -0.0705), (side, -0.0705 + rise)]
    mouth += [(0.012, deep), (0, deep - 0.001), (-0.012, deep)]
    sheet.stain(head.at(curve(mouth)), (0.3, 0.1, 0.1), 0.9)
    side, deep = wide * 0.74, -0.0736 - gap * 0.7
    teeth = [
        (-side, -0.0708 + rise),
        (0, -0.071),
        (side, -0.0708 + rise),
        (0.01, deep),
        (-0.01, deep),
    ]
    sheet.stain(head.at(curve(teeth)), (0.95, 0.93, 0.89), 0.95)


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
    ball = sheet.mask(head.at(ring((x + 0.002 * head.pose.yaw, y + 0.001), (0.0066, 0.0066))))
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
    sheet.stroke(head.at(curve(crease, closed=False)), 0.001, times(person.skin, 0.66), 0.5)
    under = [(inner, y - 0.003), (x, low - 0.001), (outer, y - 0.001)]
    sheet.stroke(head.at(curve(under, closed=False)), 0.001, times(person.skin, 0.68), 0.45)


def _iris(sheet: Sheet, head: Head, person: Person, where: tuple) -> None:
    """Paint iris, pupil and highlight, cut off by the lids."""
    x, y, shape = where
    lids, area = sheet.mask(shape)
    before = sheet.colour[area].copy()
    sheet.stain(head.at(ring((x, y), (0.0068, 0.0068))), times(person.eye, 0.55))
    sheet.stain(head.at(ring((x, y), (0.0055, 0.0055))), person.eye)
    sheet.stain(head.at(ring((x, y), (0.0028, 0.0028), 12)), (0.04, 0.03, 0.03))
    sheet.stain(head.at(ring((x + 0.002, y + 0.0026), (0.0014, 0.0014), 8)), (1, 1, 1))
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
    colour = times(person.hair, 0.85) if max(person.hair) < 0.5 else times(person.hair, 0.62)
    sheet.stain(head.at(curve(shape)), colour, 0.8, 0.0012)
