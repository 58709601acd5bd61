"""Who is in a picture: how people look, what they wear, how they stand."""

from dataclasses import dataclass

import numpy as np

RGB = tuple[float, float, float]

SKINS = (
    (0.95, 0.8, 0.7),
    (0.92, 0.75, 0.63),
    (0.87, 0.69, 0.55),
    (0.8, 0.6, 0.46),
    (0.66, 0.47, 0.35),
    (0.5, 0.35, 0.27),
)
HAIRS = (
    (0.1, 0.08, 0.08),
    (0.14, 0.1, 0.09),
    (0.24, 0.16, 0.11),
    (0.4, 0.27, 0.17),
    (0.62, 0.47, 0.28),
    (0.46, 0.22, 0.13),
    (0.62, 0.6, 0.58),
)
CLOTHS = (
    (0.93, 0.93, 0.9),
    (0.16, 0.18, 0.24),
    (0.2, 0.33, 0.56),
    (0.74, 0.2, 0.2),
    (0.9, 0.72, 0.25),
    (0.3, 0.52, 0.42),
    (0.88, 0.6, 0.62),
    (0.5, 0.36, 0.56),
    (0.6, 0.74, 0.84),
    (0.85, 0.47, 0.26),
    (0.45, 0.46, 0.48),
    (0.76, 0.68, 0.54),
)
TROUSERS = (
    (0.2, 0.26, 0.38),
    (0.13, 0.14, 0.17),
    (0.62, 0.55, 0.43),
    (0.4, 0.46, 0.56),
    (0.34, 0.33, 0.31),
    (0.85, 0.82, 0.76),
)
SHOES = ((0.9, 0.9, 0.88), (0.14, 0.13, 0.13), (0.4, 0.26, 0.18), (0.7, 0.22, 0.2))
EYES = ((0.2, 0.13, 0.09), (0.26, 0.17, 0.1), (0.3, 0.42, 0.5))
PATTERNS = ("plain", "plain", "stripes", "bands", "checks")
HIS = ("short", "part", "buzz", "curly", "short", "part", "bald")
HERS = ("long", "bob", "tail", "bun", "wavy", "long", "curly")


@dataclass(frozen=True)
class Person:
    """One person: all that does not change between two photos of the same day.

    Lengths in metres, colours as ``sheet.Paint``.
    """

    woman: bool
    height: float
    build: float  # width of the body, 1 = usual
    skin: RGB
    hair: RGB
    style: str
    beard: float  # 0 none .. 1 full
    top: str  # tee, shirt, hoodie, jacket or dress
    cloth: RGB
    pattern: str
    second: RGB
    bottom: str  # trousers, shorts, skirt
    trousers: RGB
    shoes: RGB
    hat: str  # none, cap, sun, beanie, cone
    glasses: str  # none, clear, dark
    bag: str  # none, cross, pack
    eye: RGB
    seed: int  # of its textures


@dataclass(frozen=True)
class Pose:
    """How somebody stands.

    Attributes:
        left, right: what the arms do, as ``body.ARMS``; left of the picture.
        legs: ``stand``, ``relaxed``, ``crossed`` or ``walk``.
        yaw: turn of the head, radians, to the right of the picture.
        tilt: of the head, radians.
        smile: 0 calm .. 1 showing teeth.
    """

    left: str
    right: str
    legs: str
    yaw: float
    tilt: float
    smile: float


def someone(rng: np.random.Generator, *, cold: bool, night: bool = False) -> Person:
    """Return a random person, dressed for winter if it is ``cold``; no sunglasses at ``night``."""
    woman = bool(rng.random() < 0.52)
    child = bool(rng.random() < 0.08)
    height = rng.uniform(1.15, 1.35) if child else rng.normal(1.63 if woman else 1.74, 0.05)
    skin = SKINS[int(rng.choice(6, p=(0.2, 0.25, 0.22, 0.15, 0.1, 0.08)))]
    hair = HAIRS[int(rng.choice(7, p=(0.3, 0.2, 0.17, 0.12, 0.09, 0.06, 0.06)))]
    cloth, second = (CLOTHS[int(i)] for i in rng.choice(len(CLOTHS), 2, replace=False))
    shaved = woman or child or rng.random() < 0.65
    racks = _wardrobe(woman, cold=cold, night=night)
    worn = {name: str(rng.choice(rack)) for name, rack in racks.items()}
    if child:  # neither bald nor grey
        hair = HAIRS[2] if hair == HAIRS[-1] else hair
        worn["style"] = "short" if worn["style"] == "bald" else worn["style"]
    return Person(
        woman=woman,
        height=float(height),
        build=float(rng.uniform(0.92, 1.12)),
        skin=_jitter(rng, skin),
        hair=hair,
        beard=0.0 if shaved else float(rng.uniform(0.35, 1)),
        cloth=_jitter(rng, cloth),
        second=second,
        trousers=_jitter(rng, TROUSERS[int(rng.integers(6))]),
        shoes=SHOES[int(rng.integers(4))],
        eye=EYES[int(rng.choice(3, p=(0.6, 0.28, 0.12)))],
        seed=int(rng.integers(2**31)),
        **worn,
    )


def _wardrobe(woman: bool, *, cold: bool, night: bool) -> dict[str, tuple[str, ...]]:
    """Return what each field of a ``Person`` may be; what stands there twice is likelier."""
    racks = {
        "style": HERS if woman else HIS,
        "top": ("tee", "shirt", "tee", "dress" if woman else "shirt", "hoodie"),
        "pattern": (*PATTERNS, "dots", "flowers") if woman else (*PATTERNS, "plain", "checks"),
        "bottom": ("trousers", "shorts", "skirt" if woman else "trousers"),
        "hat": (*("none",) * 10, "cap", "sun" if woman else "cap", "cone"),
        "glasses": (*("none",) * 10, "clear", "clear", "clear" if cold or night else "dark"),
        "bag": ("none", "none", "none", "cross", "pack"),
    }
    if cold:
        racks["top"] = ("hoodie", "jacket", "jacket")
        racks["bottom"] = ("trousers",)
        racks["hat"] = ("none", "beanie", "none")
    return racks


def posed(rng: np.random.Generator, arms: tuple[str, ...]) -> Pose:
    """Return a random pose whose arms are of the given kinds."""
    return Pose(
        left=str(rng.choice(arms)),
        right=str(rng.choice(arms)),
        legs=str(rng.choice(("stand", "relaxed", "crossed", "walk"))),
        yaw=float(np.clip(rng.normal(0, 0.22), -0.45, 0.45)),
        tilt=float(rng.normal(0, 0.06)),
        smile=float(rng.random() ** 0.6),
    )


def _jitter(rng: np.random.Generator, colour: RGB) -> RGB:
    return tuple(
        float(value) for value in np.clip(np.array(colour) + rng.normal(0, 0.02, 3), 0.05, 0.97)
    )
