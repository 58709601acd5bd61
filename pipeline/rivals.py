"""Masks of several networks of the same photos -> one table that compares them."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
import pandas as pd

from pipeline import outcomes, scoring
from pipeline.params import Params
from pipeline.scoring import EvaluateParams

OURS = "unet"
DEEPLAB = "deeplabv3_resnet101"
SELFIE = "selfie"
SPLIT = "test"  # whose photos all of them segment


class CompareParams(Params):
    """Which ready-made networks the trained one is compared with."""

    weights: str | None  # of DeepLabv3-ResNet101: a path or an address; None = not compared
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-fA-F]{64}$")] | None  # of weights
    selfie: str | None  # path of MediaPipe's selfie segmenter, a .tflite; None = not compared
    size: Annotated[int, msgspec.Meta(ge=32, le=4096)]  # pixels, shorter side for DeepLabv3
    threads: Annotated[int, msgspec.Meta(ge=1)]  # of each


@dataclass(frozen=True)
class Entrant:
    """A network that has segmented the photos, or the reason why it has not.

    Attributes:
        model: its name.
        sees: the size at which it looks, in words; empty if it did not.
        parameters: how many it has; None if it did not look.
        labels: which labels of the dataset it knows.
        note: why it was not run, or which categories it does not know; may be empty.
    """

    model: str
    sees: str = ""
    parameters: int | None = None
    labels: tuple[int, ...] = ()
    note: str = ""


def table(
    entrants: list[Entrant],
    counted: dict[str, np.ndarray],
    names: list[str],
    params: EvaluateParams,
) -> pd.DataFrame:
    """Score the networks, a row for each category that one knows.

    Args:
        entrants: in the order to show.
        counted: by model, ``(5, images, K)`` as ``scoring.summary`` takes them.
        names: of the labels 1..K.
        params: of the intervals; all models are judged by the same resamples.

    Returns:
        Columns as ``outcomes.RIVALS``; a network that was not run has one row, that says why.
    """
    rows = []
    for one in entrants:
        about = {"model": one.model, "input": one.sees, "parameters": one.parameters}
        rows += _scored(one, about, counted, names, params) or [
            {column: None for column in outcomes.RIVALS}
            | about
            | {"category": "", "note": one.note or "nothing to score"}
        ]
    return outcomes.RIVALS.frame(rows)


def _scored(
    one: Entrant,
    about: dict,
    counted: dict[str, np.ndarray],
    names: list[str],
    params: EvaluateParams,
) -> list[dict]:
    cube = counted.get(one.model)
    if cube is None or not cube.shape[1]:
        return []
    found = scoring.summary(cube, params)
    iou, band = (scoring.MEASURES.index(name) for name in ("iou", "boundary_iou"))
    rows = []
    for label in one.labels:
        place = label - 1
        if not found.images[iou, place]:
            continue
        ends = (found.value, found.low, found.high)
        rows.append(
            about
            | {"category": names[place], "images": int(found.images[iou, place])}
            | dict(zip(("iou", "iou_low", "iou_high"), _three(ends, iou, place), strict=True))
            | {"iou_pooled": float(found.value[1, iou, place])}
            | dict(zip(BANDS, _three(ends, band, place), strict=True))
            | {"note": one.note}
        )
    return rows


BANDS = ("boundary_iou", "boundary_iou_low", "boundary_iou_high")


def _three(ends: tuple[np.ndarray, ...], measure: int, place: int) -> list[float]:
    return [float(values[0, measure, place]) for values in ends]


def unknown(names: list[str], labels: tuple[int, ...]) -> str:
    """Return the note that names the categories a network does not know; empty if it knows all."""
    lacking = [name for label, name in enumerate(names, start=1) if label not in labels]
    return f"does not know: {', '.join(lacking)}" if lacking else ""
