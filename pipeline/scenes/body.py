"""A body: torso, limbs and clothes, drawn part over part."""

import numpy as np

from pipeline.scenes import clothes, face, hair, head, wear
from pipeline.scenes.cloth import Paint, curve
from pipeline.scenes.people import Person, Pose
from pipeline.scenes.sheet import Sheet

TALL = 1.72  # metres; every figure is drawn this tall, then scaled
# Elbow, wrist and direction of the hand, for an arm at the right; metres.
ARMS = {
    "down": ((0.225, 1.13), (0.235, 0.89), (0.0, -1.0)),
    "hip": ((0.34, 1.18), (0.185, 1.0), (-1.0, -0.4)),
    "wave": ((0.31, 1.2), (0.36, 1.45), (0.1, 1.0)),
    "peace": ((0.29, 1.17), (0.225, 1.4), (-0.1, 1.0)),
    "pocket": ((0.255, 1.15), (0.185, 0.94), (-0.4, -1.0)),
    "front": ((0.23, 1.13), (0.075, 1.0), (-1.0, -0.3)),
    "strap": ((0.25, 1.17), (0.11, 1.25), (-0.6, 0.7)),
    "up": ((0.3, 1.56), (0.27, 1.82), (0.1, 1.0)),
    "selfie": ((0.36, 1.17), (0.78, 1.12), (1.0, 0.0)),
}
LEGS = {
    "stand": (((0.09, 0.49), (0.09, 0.09)), ((0.09, 0.49), (0.09, 0.09))),
    "relaxed": (((0.09, 0.49), (0.085, 0.09)), ((0.125, 0.5), (0.15, 0.09))),
    "crossed": (((0.055, 0.49), (-0.02, 0.09)), ((0.06, 0.49), (0.02, 0.09))),
    "walk": (((0.1, 0.5), (0.13, 0.12)), ((0.075, 0.49), (0.06, 0.08))),
}


def draw(sheet: Sheet, person: Person, pose: Pose) -> None:
    """Draw a person on an empty sheet, whose scale is for a figure ``TALL`` metres tall."""
    rng = np.random.default_rng(person.seed)
    child = person.height < 1.4
    size = 1.2 if child else 1.0
    top = head.Head((0.012 * np.sin(pose.yaw), 1.605 - (0.06 if child else 0)), pose, size)
    sheet.crown = tuple(sheet.pixels(top.at([(0.0, 0.1)], turn=0.3))[0])
    hair.behind(sheet, top, person, rng)
    _legs(sheet, person, pose, rng)
    sheet.limb([(0, 1.4, 0.056), (0.004 * np.sign(pose.yaw), 1.53, 0.05)], _skin(person), rng)
    sheet.stain(
        curve([(-0.05, 1.5), (0, 1.455), (0.05, 1.5), (0.05, 1.53), (-0.05, 1.53)]),
        tuple(v * 0.6 for v in person.skin),
        0.55,
        0.012,
    )
    clothes.torso(sheet, person, rng)
    wear.bag(sheet, person, clothes.shoulder(person), rng)
    for side, kind in ((-1, pose.left), (1, pose.right)):
        if kind not in {"peace", "wave", "up"}:
            _arm(sheet, person, kind, side, rng)
    head.draw(sheet, top, person, rng)
    face.draw(sheet, top, person)
    hair.front(sheet, top, person, rng)
    wear.glasses(sheet, top, person)
    wear.hat(sheet, top, person, rng)
    for side, kind in ((-1, pose.left), (1, pose.right)):
        if kind in {"peace", "wave", "up"}:
            _arm(sheet, person, kind, side, rng)


def _skin(person: Person) -> Paint:
    return Paint(person.skin, skin=1.0, shine=0.1, grain=0.02)


def _arm(sheet: Sheet, person: Person, kind: str, side: int, rng: np.random.Generator) -> None:
    """Draw an arm: skin, sleeve over it, hand."""
    elbow, wrist, hand = (np.array(value) * (side, 1) for value in ARMS[kind])
    shoulder = np.array([side * clothes.shoulder(person) * 0.93, 1.368])
    elbow = np.add(elbow, (side * (clothes.shoulder(person) - 0.175), 0))
    near = 1.75 if kind == "selfie" else 1.0  # what reaches to the camera looks larger
    thin = 0.9 if person.woman else 1.0
    bare = [
        (*shoulder, 0.045 * thin),
        (*elbow, 0.038 * thin * (1 + near) / 2),
        (*wrist, 0.027 * thin * near),
    ]
    sheet.limb(bare, _skin(person), rng)
    _hand(sheet, person, (wrist, hand * near * thin, kind), rng)
    cloth = clothes.cloth(person)
    long = person.top in {"hoodie", "jacket", "shirt"} and not (
        person.top == "shirt" and person.seed % 4 == 0
    )
    if long:
        end = wrist + (elbow - wrist) * 0.08
        sheet.limb(
            [(*shoulder, 0.056), (*elbow, 0.052 * (1 + near) / 2), (*end, 0.038 * near)], cloth, rng
        )
    else:
        end = shoulder + (elbow - shoulder) * (0.62 if person.top != "dress" else 0.25)
        sheet.limb([(*shoulder, 0.054), (*end, 0.055)], cloth, rng)


def _hand(sheet: Sheet, person: Person, what: tuple, rng: np.random.Generator) -> None:
    """Draw a palm and fingers; ``what`` is the wrist, the hand's vector, the gesture."""
    wrist, along, kind = what
    if kind == "pocket":
        return
    size = float(np.hypot(*along)) or 1.0
    along = along / size
    size = min(size, 1.8)
    across = np.array([-along[1], along[0]])
    palm = wrist + along * 0.045 * size
    skin = _skin(person)
    spread = {"peace": 0.3, "wave": 0.22, "up": 0.22}.get(kind, 0.1)
    for finger in range(4):
        offset = (finger - 1.5) / 1.5
        folded = kind == "peace" and finger in {0, 3}
        reach = (0.03 if folded else 0.078 - 0.012 * abs(offset)) * size
        root = palm + across * offset * 0.027 * size + along * 0.025 * size
        tip = root + (along + across * offset * spread) * reach
        sheet.limb([(*root, 0.0105 * size), (*tip, 0.0082 * size)], skin, rng)
    sheet.limb(
        [
            (*wrist, 0.026 * size),
            (*palm, 0.036 * size),
            (*(palm + along * 0.02 * size), 0.034 * size),
        ],
        skin,
        rng,
    )
    inward = -np.sign(wrist[0]) or 1.0
    side = across if across[0] * inward > 0 else -across
    thumb = palm + side * 0.03 * size
    sheet.limb(
        [
            (*thumb, 0.012 * size),
            (*(thumb + (along * 0.75 + side * 0.5) * 0.05 * size), 0.0095 * size),
        ],
        skin,
        rng,
    )


def _legs(sheet: Sheet, person: Person, pose: Pose, rng: np.random.Generator) -> None:
    """Draw legs, shoes, and trousers, shorts or a skirt."""
    kind = "skirt" if person.top == "dress" else person.bottom
    cloth = Paint(person.trousers, fold=0.45, grain=0.03)
    hips = (0.158 if person.woman else 0.15) * person.build
    order = ((1, LEGS[pose.legs][1]), (-1, LEGS[pose.legs][0]))
    for side, (knee, ankle) in order:
        joints = [(side * 0.077, 0.9), (side * knee[0], knee[1]), (side * ankle[0], ankle[1])]
        _shoe(sheet, person, joints[2], side, rng)
        if kind != "trousers":
            sheet.limb(
                [(*joints[0], 0.075), (*joints[1], 0.052), (*joints[2], 0.034)], _skin(person), rng
            )
        if kind == "trousers":
            sheet.limb([(*joints[0], 0.078), (*joints[1], 0.067), (*joints[2], 0.054)], cloth, rng)
        elif kind == "shorts":
            middle = np.array(joints[0]) * 0.25 + np.array(joints[1]) * 0.75
            sheet.limb([(*joints[0], 0.078), (*middle, 0.072)], cloth, rng)
    if kind == "skirt" and person.top != "dress":
        half = np.array([(hips * 0.82, 1.03), (hips + 0.015, 0.92), (hips + 0.06, 0.56)])
        sheet.part(curve(np.concatenate([half, half[::-1] * (-1, 1)]), steps=6), cloth, 0.1, rng)
    else:
        hip = curve(
            [(-hips * 0.88, 0.96), (hips * 0.88, 0.96), (hips, 0.88), (0.0, 0.8), (-hips, 0.88)]
        )
        sheet.part(hip, cloth, 0.09, rng)


def _shoe(
    sheet: Sheet, person: Person, ankle: tuple[float, float], side: int, rng: np.random.Generator
) -> None:
    x, y = ankle
    out = side * 0.04
    sole = [
        (x - 0.042, y - 0.05),
        (x - 0.046 + out * 0.4, y - 0.085),
        (x + out, y - 0.105),
        (x + 0.046 + out * 0.6, y - 0.085),
        (x + 0.042, y - 0.04),
        (x, y + 0.01),
    ]
    sheet.part(curve(sole), Paint(person.shoes, shine=0.25), 0.035, rng)
    sheet.stroke(curve(np.add(sole[1:4], (0, -0.002)), closed=False), 0.009, (0.9, 0.89, 0.86), 0.8)
