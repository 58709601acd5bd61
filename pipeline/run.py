"""All tables of one run, as the pages read them."""

from dataclasses import dataclass, field

import pandas as pd

from pipeline.anatomy import Layer
from pipeline.columns import Columns
from pipeline.outcomes import (
    CALIBRATION,
    CONFUSION,
    COSTS,
    COUNTS,
    HISTORY,
    IOU,
    LEARNING,
    REMAINS,
    RESTORATION,
    RESTORED,
    RIVALS,
    SCORES,
    SUSPECTS,
    WORST,
)
from pipeline.tables import CHANGES, SINCE, TAG_ACCURACY, Dataset

FILLING = Columns(  # of history_inpaint.csv, which has more
    {
        "step": ("int64", "from 1"),
        "l1": ("float64", "mean absolute difference in the holes, pictures in -1..1"),
        "val_l1": ("float64", "the same on the valid split; NA if there is none"),
    }
)
LEAKS = Columns(  # of data/valid/leaks.csv
    {
        "file_name": ("str", "a picture that may have been learnt from already"),
        "split": ("str", "where it lies"),
        "other": ("str", "the picture of an earlier split that it is tied to"),
        "other_split": ("str", "where that one lies"),
        "why": ("str", "leak_same, leak_source or leak_alike"),
        "bits": ("int64", "of 64 in which the looks differ"),
    }
)


@dataclass(frozen=True)
class Run:
    """All tables of a run; an audit has the first four, ``accuracy`` and ``leaks`` only.

    Attributes:
        dataset: as validated.
        issues: columns as ``tables.ISSUES``.
        measured: columns as ``tables.MEASURED``, then measurements, then a boolean column a tag.
        tags: columns as ``tables.TAGS``.
        history: columns as ``outcomes.HISTORY``.
        filling: columns as ``FILLING``: how the restorer learnt.
        counts: columns as ``outcomes.COUNTS``.
        iou: columns as ``outcomes.IOU``.
        restored: columns as ``outcomes.RESTORED``.
        costs: columns as ``outcomes.COSTS``.
        suspects: columns as ``outcomes.SUSPECTS``.
        gains: columns as ``outcomes.RESTORATION``.
        remains: columns as ``outcomes.REMAINS``.
        refilled: stems of the test photos that were restored.
        transplanted: stems of the test photos with a transplanted hole.
        accuracy: columns as ``tables.TAG_ACCURACY``.
        leaks: columns as ``LEAKS``.
        answers: true tags, as ``accuracy.read`` gives them.
        doubted: ``suspect.above``, if ``measured`` has ``suspect_label`` (see ``doubts.joined``).
        scores: columns as ``outcomes.SCORES``.
        confusion: columns as ``outcomes.CONFUSION``.
        calibration: columns as ``outcomes.CALIBRATION``.
        worst: columns as ``outcomes.WORST``.
        rivals: columns as ``outcomes.RIVALS``.
        learning: columns as ``outcomes.LEARNING``.
        changes: columns as ``tables.CHANGES``.
        since: columns as ``tables.SINCE``.
        provenance: ``packages``, ``parameters``, ``seeds`` and ``weights`` as ``provenance`` gives.
        layers: of each network, by the same name.
        cards: what each trained network says of itself, by its name; plain values.
    """

    dataset: Dataset
    issues: pd.DataFrame
    measured: pd.DataFrame
    tags: pd.DataFrame
    history: pd.DataFrame = field(default_factory=HISTORY.empty)
    filling: pd.DataFrame = field(default_factory=FILLING.empty)
    counts: pd.DataFrame = field(default_factory=COUNTS.empty)
    iou: pd.DataFrame = field(default_factory=IOU.empty)
    restored: pd.DataFrame = field(default_factory=RESTORED.empty)
    costs: pd.DataFrame = field(default_factory=COSTS.empty)
    suspects: pd.DataFrame = field(default_factory=SUSPECTS.empty)
    gains: pd.DataFrame = field(default_factory=RESTORATION.empty)
    remains: pd.DataFrame = field(default_factory=REMAINS.empty)
    refilled: frozenset[str] = frozenset()
    transplanted: frozenset[str] = frozenset()
    accuracy: pd.DataFrame = field(default_factory=TAG_ACCURACY.empty)
    leaks: pd.DataFrame = field(default_factory=LEAKS.empty)
    answers: pd.DataFrame = field(default_factory=pd.DataFrame)
    doubted: float | None = None
    scores: pd.DataFrame = field(default_factory=SCORES.empty)
    confusion: pd.DataFrame = field(default_factory=CONFUSION.empty)
    calibration: pd.DataFrame = field(default_factory=CALIBRATION.empty)
    worst: pd.DataFrame = field(default_factory=WORST.empty)
    rivals: pd.DataFrame = field(default_factory=RIVALS.empty)
    learning: pd.DataFrame = field(default_factory=LEARNING.empty)
    changes: pd.DataFrame = field(default_factory=CHANGES.empty)
    since: pd.DataFrame = field(default_factory=SINCE.empty)
    cards: dict[str, dict] = field(default_factory=dict)
    layers: dict[str, list[Layer]] = field(default_factory=dict)
    provenance: dict[str, list] = field(default_factory=dict)
