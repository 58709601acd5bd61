"""The places of the sample: how each is built, its usual look, and where people may stand."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pipeline.scenes import beach, bridge, garden, lake, market, oldtown, pagoda, square
from pipeline.scenes.canvas import NX, UP, Canvas
from pipeline.scenes.light import Look, illuminate, look

HORIZON = 388.0  # row of every place's horizon, units of a canvas of SIDE
CODE = 65535 / 2.0  # lit pictures are kept as uint16: the square root of light, 0..2


@dataclass(frozen=True)
class Place:
    """One place.

    Attributes:
        name: as file names begin.
        build: random numbers and pixels a unit -> canvas.
        usual: hour and season in which most pictures show it.
        others: hours and seasons that look plainly different.
        walk: rows of ground ``(y, left, right)``, units, where somebody far away can stand.
    """

    name: str
    build: Callable[[np.random.Generator, float], Canvas]
    usual: tuple[str, str]
    others: tuple[tuple[str, str], ...]
    walk: tuple[tuple[float, float, float], ...]


_ALL = (
    ("night", "summer"),
    ("dusk", "summer"),
    ("noon", "winter"),
    ("dawn", "autumn"),
    ("night", "winter"),
    ("dusk", "autumn"),
    ("grey", "winter"),
)
_PATH = ((478, 330, 550), (600, 260, 620))
_OPEN = ((478, 200, 680), (600, 150, 730))

PLACES = {
    place.name: place
    for place in (
        Place("lake", lake.lake, ("noon", "summer"), _ALL, ((470, 382, 478), (620, 250, 610))),
        Place("pagoda", pagoda.pagoda, ("noon", "summer"), _ALL, _PATH),
        Place("oldtown", oldtown.oldtown, ("noon", "summer"), _ALL, _PATH),
        Place(
            "bridge",
            bridge.bridge,
            ("noon", "autumn"),
            (
                ("night", "autumn"),
                ("dusk", "autumn"),
                ("noon", "winter"),
                ("grey", "winter"),
                ("dusk", "summer"),
                ("night", "summer"),
            ),
            ((478, 60, 150), (600, 80, 300)),
        ),
        Place(
            "beach",
            beach.beach,
            ("noon", "summer"),
            (
                ("dusk", "summer"),
                ("night", "summer"),
                ("dawn", "summer"),
                ("dusk", "autumn"),
                ("night", "autumn"),
            ),
            ((545, 560, 800), (620, 400, 760)),
        ),
        Place(
            "square",
            square.square,
            ("noon", "summer"),
            (
                ("night", "summer"),
                ("dusk", "summer"),
                ("noon", "winter"),
                ("dawn", "autumn"),
                ("night", "winter"),
                ("dusk", "autumn"),
            ),
            _OPEN,
        ),
        Place("market", market.market, ("noon", "summer"), _ALL, _PATH),
        Place("garden", garden.garden, ("noon", "summer"), _ALL, _PATH),
    )
}


@lru_cache(maxsize=8)
def built(name: str, scale: float) -> np.ndarray:
    """Return a place's surfaces, ``(CHANNELS, H, W)`` uint8; the same for every picture of it."""
    number = sorted(PLACES).index(name)
    data = PLACES[name].build(np.random.default_rng([41, number]), scale).data
    signed = data[NX : UP + 1]
    signed += 1
    signed /= 2
    return np.round(np.clip(data, 0, 1) * 255).astype(np.uint8)


@lru_cache(maxsize=8)
def lit(name: str, scale: float, hour: tuple[str, str], sky: int) -> np.ndarray:
    """Return a place in the light of an hour and season, ``(H, W, 3)`` uint16, see ``CODE``.

    ``sky`` is which of its clouds.
    """
    data = built(name, scale).astype(np.float32)
    data *= np.float32(1 / 255)
    signed = data[NX : UP + 1]
    signed *= 2
    signed -= 1
    rng = np.random.default_rng([43, sorted(PLACES).index(name), sky])
    light = illuminate(data, look(*hour), HORIZON * scale, rng)
    np.sqrt(light, out=light)
    light *= CODE
    return np.ascontiguousarray(np.minimum(light, 65535).astype(np.uint16).transpose(1, 2, 0))


def looks(name: str, *, usual: bool) -> list[Look]:
    """Return the looks a place has, its usual one or the others."""
    place = PLACES[name]
    return [look(*hour) for hour in ((place.usual,) if usual else place.others)]
