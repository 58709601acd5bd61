"""Who stands where: from a wish to people with poses, sizes and feet."""

from dataclasses import dataclass

import numpy as np

from pipeline.scenes.camera import FRAME, Frame
from pipeline.scenes.light import Look
from pipeline.scenes.people import Person, Pose, posed, someone
from pipeline.scenes.places import PLACES

CALM = (
    "down",
    "down",
    "down",
    "pocket",
    "pocket",
    "front",
    "strap",
)  # arms that stay beside the body
LIVELY = (*CALM, "hip", "wave", "peace", "up")
REACH = {
    "down": 0.3,
    "pocket": 0.3,
    "front": 0.28,
    "strap": 0.28,
    "hip": 0.4,
    "wave": 0.45,
    "peace": 0.36,
    "up": 0.4,
    "selfie": 0.8,
}


@dataclass(frozen=True)
class Role:
    """A person in a picture: feet and scale in units of the picture, units a metre."""

    person: Person
    pose: Pose
    foot: tuple[float, float]
    scale: float


@dataclass(frozen=True)
class Cast:
    """Everybody in a picture, from far to near; ``near`` = seen from the waist or chest up."""

    roles: list[Role]
    near: bool


def cast(wish: object, look: Look, frame: Frame, rng: np.random.Generator) -> Cast:
    """Return a random cast for a wish (a ``compose.Wish``)."""
    if wish.far:
        return Cast(_far(wish.place, frame, look, rng), near=False)
    if wish.crowd:
        return Cast(_group(frame, _crowd(rng), look, rng), near=False)
    if wish.blurred_background:
        kind = str(rng.choice(("selfie", "half", "half", "three")))
    else:
        kinds = (
            ("half", "full", "full", "three")
            if wish.occluded
            else ("selfie", "selfie", "half", "full", "full", "three")
        )
        kind = str(rng.choice(kinds))
    if kind in {"selfie", "half"}:
        return Cast(_close(kind, look, rng), near=True)
    count = int(rng.choice((1, 2, 3), p=(0.5, 0.35, 0.15)))
    scales = (
        rng.uniform(268, 318, count) if kind == "full" else rng.uniform(315, 390, min(count, 2))
    )
    return Cast(_group(frame, scales, look, rng), near=False)


def _someone(look: Look, rng: np.random.Generator) -> Person:
    """Return a random person dressed for the season and the hour."""
    return someone(rng, cold=look.season == "winter", night=look.hour in {"night", "dusk"})


def _far(place: str, frame: Frame, look: Look, rng: np.random.Generator) -> list[Role]:
    """Stand one or two people far off, where the place has ground."""
    count = int(rng.choice((1, 2), p=(0.6, 0.4)))
    scale = rng.uniform(76, 108)
    eye = 1.5
    row = frame.horizon + eye * scale
    rows = np.array(PLACES[place].walk)
    _, level = frame.to_canvas(0, row)
    level = float(np.clip(level, rows[0, 0], rows[-1, 0]))
    low, high = (
        frame.from_canvas(float(np.interp(level, rows[:, 0], rows[:, side])), level)[0]
        for side in (1, 2)
    )
    row = frame.from_canvas(0, level)[1]
    scale = float(np.clip((row - frame.horizon) / eye, 70, 112))
    low, high = max(low, 30), min(high, FRAME - 30)
    first = rng.uniform(low, high)
    roles = []
    for number in range(count):
        person = _someone(look, rng)
        x = first + number * rng.uniform(0.75, 1.0) * scale * (
            1 if first < (low + high) / 2 else -1
        )
        roles.append(Role(person, posed(rng, LIVELY), (x, row), scale))
    return roles


def _crowd(rng: np.random.Generator) -> np.ndarray:
    """Return the scales of four to six people who fit side by side, units a metre."""
    count = int(rng.choice((4, 5, 6), p=(0.45, 0.35, 0.2)))
    front = rng.uniform(268, 292)
    others = {4: (190, 240), 5: (160, 200), 6: (135, 165)}[count]
    return np.array([front, *rng.uniform(*others, count - 1)])


def _group(frame: Frame, scales: np.ndarray, look: Look, rng: np.random.Generator) -> list[Role]:
    """Stand people side by side on one ground: smaller ones are farther off."""
    nearest = float(max(scales))
    foot = rng.uniform(0.945, 0.985) * FRAME
    if nearest > 318:  # cut off at the knees
        foot = 60 + 1.75 * nearest
    eye = (foot - frame.horizon) / nearest
    arms = CALM if len(scales) > 1 else LIVELY
    people = [
        (_someone(look, rng), posed(rng, arms), float(scale)) for scale in rng.permutation(scales)
    ]
    widths = [
        (REACH[pose.left] + REACH[pose.right]) * scale * _size(person)
        for person, pose, scale in people
    ]
    spare = FRAME - 8 - sum(widths)
    gaps = rng.dirichlet(np.full(len(people) + 1, 1.6)) * max(spare, 0)
    x = 4 + gaps[0] + min(spare, 0) / 2
    roles = []
    for (person, pose, scale), width, gap in zip(people, widths, gaps[1:], strict=True):
        middle = x + REACH[pose.left] * scale * _size(person)
        roles.append(Role(person, pose, (float(middle), frame.horizon + eye * scale), scale))
        x += width + gap
    return sorted(roles, key=lambda role: role.scale)


def _size(person: Person) -> float:
    return person.height / 1.72 * (0.9 + 0.1 * person.build)


def _close(kind: str, look: Look, rng: np.random.Generator) -> list[Role]:
    """Put one or two people close to the camera, from the chest or the waist up."""
    count = int(rng.choice((1, 2), p=(0.62, 0.38)))
    scale = rng.uniform(520, 640) if kind == "selfie" else rng.uniform(400, 500)
    if count == 2:
        scale *= 0.86
    eye = rng.uniform(0.27, 0.38) * FRAME
    middle = FRAME / 2 + (rng.uniform(-70, 70) if count == 1 else rng.uniform(-15, 15))
    apart = 0.62 * scale
    roles = []
    for number in range(count):
        person = _someone(look, rng)
        pose = posed(rng, CALM if count == 2 else LIVELY)
        if kind == "selfie" and number == count - 1:
            side = "right" if count == 2 or rng.random() < 0.5 else "left"
            pose = Pose(
                **{
                    **{
                        field: getattr(pose, field)
                        for field in ("left", "right", "legs", "yaw", "tilt", "smile")
                    },
                    side: "selfie",
                }
            )
        near = scale * (1 + 0.03 * number)
        x = middle + (number - (count - 1) / 2) * apart
        roles.append(Role(person, pose, (float(x), float(eye + 1.61 * near * _size(person))), near))
    return roles
