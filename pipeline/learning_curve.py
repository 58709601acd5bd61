"""How IoU grows with the number of photos learnt from: nested sets, and a table of their scores."""

import math
from typing import Annotated

import msgspec
import numpy as np
import pandas as pd

from pipeline import scoring
from pipeline.params import Params
from pipeline.scoring import EvaluateParams

SPLITS = ("valid", "test")  # that the networks are judged on


class LearningCurveParams(Params):
    """Which trainings to make."""

    shares: list[Annotated[float, msgspec.Meta(gt=0, le=1)]]  # of the train images
    seed: Annotated[int, msgspec.Meta(ge=0)]  # of which images are in the smaller sets


def subset(chosen: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Return the rows of a smaller training, in their order.

    Args:
        chosen: columns as ``tables.CHOSEN``.
        share: of the train images, above 0; at least one image is kept.
        seed: of the one order in which images join, so that each set holds all smaller ones.

    Returns:
        All rows that are not train's, and so many of train.
    """
    train = np.flatnonzero(chosen["split"] == "train")
    order = np.random.default_rng(seed).permutation(train)
    left = order[max(1, round(share * len(train))) :]
    return chosen.drop(chosen.index[left])


def epochs(full: int, images: int, all_images: int) -> int:
    """Return how often to see a smaller set for as many steps as all images ``full`` times.

    With equal epochs a small set would also learn for fewer steps, and the curve would show the
    training time as much as the photos.
    """
    return max(full, math.ceil(full * all_images / max(images, 1)))


def row(cube: np.ndarray, about: dict, params: EvaluateParams) -> dict:
    """Return a row of ``outcomes.LEARNING``.

    Args:
        cube: ``(5, images, K)`` of one split, as ``scoring.summary`` takes it.
        about: ``share, images, epochs, split``.
        params: of the interval.
    """
    found = scoring.summary(cube, params)
    ends = zip(("iou", "iou_low", "iou_high"), (found.value, found.low, found.high), strict=True)
    scored = {name: float(values[0, 0, -1]) for name, values in ends}
    return about | {"scored": int(found.images[0, -1])} | scored
