"""The tags: which measurement beyond which limit is a problem."""

import operator
from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
import pandas as pd

from pipeline.params import Params

TABLE_1 = ("far", "crowd", "blurred_background", "scene_time", "occluded")
SUSPECT_LABEL = "suspect_label"  # known after training only; see ``doubts``

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Level = Annotated[float, msgspec.Meta(ge=0, le=255)]
Positive = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class TagParams(Params):
    """Which measurement beyond which limit is a problem."""

    truth: str  # known answers: a CSV, or a folder that may hold tags.csv
    people: list[str]  # names of the categories that are people; none = all are
    detector: Literal["embedded", "none"]  # who looks for people nobody outlined, and for things
    place_pattern: str  # regular expression; its first group is the place
    place_alike_above: Share  # likeness from which two photos are looked at for one place
    place_corners_from: Count  # corners that agree in two photos of one place
    place_photos_from: Count  # fewest photos of a place
    far_below: Share  # share of the picture
    crowd_from: Count  # people
    blurred_above: float  # log-odds
    unusual_above: Positive  # ordinary differences
    occluded_above: float  # log-odds
    dark_below: Level  # grey levels
    bright_above: Share  # share of clipped pixels
    contrast_below: Level  # grey levels
    soft_above: Positive  # pixels at working size
    noisy_above: Level  # grey levels
    duplicate_within: Annotated[float, msgspec.Meta(ge=-1, le=255)]  # grey levels of any cell
    near_duplicate_within: Annotated[int, msgspec.Meta(ge=-1, le=20)]  # bits of 63
    cut_above: Share  # share of the outline
    box_above: Share  # share of the smallest box around
    loose_above: float  # log-odds
    missed_above: Share  # share of the picture
    colour_below: Level  # grey levels
    odd_size_above: Annotated[float, msgspec.Meta(ge=1)]  # times the median


# How much a thing in front says beside the outline, in log-odds of one hidden: a logarithm, so that
# a small gap counts and a large one does not outweigh everything. Chosen with occluded_above. Where
# nobody looked for things, the outline alone has to say what 0.3 of its log-odds say.
FRONT_WEIGHT, FRONT_SCALE, FRONT_UNKNOWN = 2.0, 50.0, 1.35

BEYOND = {
    "above": operator.gt,
    "below": operator.lt,
    "from": operator.ge,
    "within": operator.le,
}


class Rule(NamedTuple):
    """One tag: a measurement and the limit beyond which it is a problem.

    Attributes:
        value: measurements -> one number an image; NaN where the question does not arise, which
            is never a problem.
        limit: name of the limit in ``TagParams``; its last word, a key of ``BEYOND``, is the
            direction.
        fixed: the limit itself where it is none of ``TagParams``.
        named: the parameter that then is the limit; empty if users may not turn it.
    """

    value: Callable[[pd.DataFrame], pd.Series]
    limit: str
    fixed: float | None = None
    named: str = ""

    @property
    def direction(self) -> str:
        """Return ``above``, ``below``, ``from`` or ``within``."""
        return self.limit.rpartition("_")[2]

    @property
    def parameter(self) -> str:
        """Return the limit's name in ``params.yaml``; empty if it is not there."""
        return f"tag.{self.limit}" if self.fixed is None else self.named

    @property
    def sign(self) -> int:
        """Return 1 if large values are the problem, -1 if small ones are."""
        return 1 if self.direction in {"above", "from"} else -1

    def at(self, params: TagParams) -> float:
        """Return the limit."""
        return getattr(params, self.limit) if self.fixed is None else self.fixed

    def __call__(self, of: pd.DataFrame, params: TagParams) -> pd.Series:
        """Return which images have the problem, bool."""
        return BEYOND[self.direction](self.value(of), self.at(params))


def _together(of: pd.DataFrame) -> pd.Series:
    return of["people"] + of["bystanders"]


RULES: dict[str, Rule] = {
    "far": Rule(lambda of: of["largest"].where(of["people"] > 0), "far_below"),
    "crowd": Rule(lambda of: _together(of).where(of["crowds"] == 0, np.inf), "crowd_from"),
    "blurred_background": Rule(lambda of: of["defocus"], "blurred_above"),
    "scene_time": Rule(lambda of: of["unusual"], "unusual_above"),
    "occluded": Rule(
        lambda of: (
            of["hidden"]
            + (FRONT_WEIGHT * np.log1p(FRONT_SCALE * of["in_front"])).fillna(FRONT_UNKNOWN)
        ),
        "occluded_above",
    ),
    "low_light": Rule(lambda of: of["luma"], "dark_below"),
    "over_exposed": Rule(lambda of: of["clipped"], "bright_above"),
    "low_contrast": Rule(lambda of: of["luma_high"] - of["luma_low"], "contrast_below"),
    "whole_blur": Rule(lambda of: of["edge"], "soft_above"),
    "noisy": Rule(lambda of: of["noise"], "noisy_above"),
    "duplicate": Rule(lambda of: of["nearest_levels"], "duplicate_within"),
    "near_duplicate": Rule(lambda of: of["nearest_bits"], "near_duplicate_within"),
    "no_person": Rule(lambda of: of["people"] + of["crowds"], "people_below", fixed=1),
    "cut_off": Rule(lambda of: of["cut"], "cut_above"),
    "box_like": Rule(lambda of: of["box"], "box_above"),
    "loose_polygon": Rule(lambda of: of["loose"], "loose_above"),
    "missed_person": Rule(lambda of: of["missed"], "missed_above"),
    "greyscale": Rule(lambda of: of["chroma"], "colour_below"),
    "odd_size": Rule(lambda of: of["size_ratio"], "odd_size_above"),
}

NAMES = (*RULES, SUSPECT_LABEL)  # every tag that a photo may have


def tagged(measured: pd.DataFrame, params: TagParams) -> pd.DataFrame:
    """Return the measurements with one boolean column a tag after them; unknown (NaN) is False."""
    return measured.assign(**{tag: rule(measured, params) for tag, rule in RULES.items()})
