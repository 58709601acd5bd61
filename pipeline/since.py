"""Two runs -> what changed in their scores, and on which photos most."""

import re
from typing import Annotated

import msgspec
import pandas as pd

from pipeline import resampling
from pipeline.params import Params
from pipeline.tables import SINCE, SPLITS

DIGITS = 6  # as in metrics.json
VERSION = re.compile(r"\.rf\.[0-9A-Za-z]+(?=\.|$)")  # Roboflow's: another with each version
LEFT_OUT = "restore.gain."  # the scores themselves are told; their differences would be told twice


class SinceParams(Params):
    """What a run is set beside."""

    previous: str | None  # a commit, tag or experiment; nothing for the last committed run
    photos: Annotated[int, msgspec.Meta(ge=0, le=100)]  # listed each: IoU rose or fell most


def metrics(before: dict, after: dict) -> list[dict]:
    """Return a row a metric of two ``metrics.json``, in the order of their paths.

    A metric that one of them lacks has no value there and no change.
    """
    old, new = _flat(before), _flat(after)
    rows = []
    for what in sorted(old.keys() | new.keys()):
        was, now = old.get(what), new.get(what)
        change = None if was is None or now is None else round(now - was, DIGITS)
        rows.append({**_NOTHING, "what": what, "before": was, "after": now, "change": change})
    return [row for row in rows if not row["what"].startswith(LEFT_OUT)]


def paired(
    before: pd.DataFrame, after: pd.DataFrame, resamples: int, confidence: float, seed: int
) -> list[dict]:
    """Return a row a split: IoU of the photos that both runs scored, and how it changed.

    Args:
        before: columns as ``outcomes.COUNTS``.
        after: likewise.
        resamples: bootstrap resamples of the photos.
        confidence: of the intervals, 0..1.
        seed: of the resampling.

    Returns:
        Rows ``iou.paired`` whose interval is that of the mean difference, percentile bootstrap over
        photos; photos that moved to another split are in neither.
    """
    both = _both(before, after)
    rows = []
    for split in (one for one in SPLITS if (both["split"] == one).any()):
        some = both[both["split"] == split]
        gains = some["change"].to_numpy()
        low, high = resampling.interval(gains, resamples, confidence, seed)
        means = {name: float(some[name].mean()) for name in ("before", "after", "change")}
        row = {"what": "iou.paired", "split": split, "images": len(some), "low": low, "high": high}
        rows.append(_NOTHING | row | means)
    return rows


def photos(before: pd.DataFrame, after: pd.DataFrame, count: int) -> list[dict]:
    """Return the ``count`` photos whose IoU fell most, and as many that rose most.

    Of the last split that both runs scored photos of: test, else valid, else train. A photo that
    did not change is not listed.
    """
    both = _both(before, after)
    judged = next((one for one in reversed(SPLITS) if (both["split"] == one).any()), None)
    ranked = both[(both["split"] == judged) & (both["change"] != 0)]
    ranked = ranked.sort_values(["change", "file_name"], kind="stable")
    fell, rose = ranked[ranked["change"] < 0].head(count), ranked[ranked["change"] > 0].tail(count)
    return [
        _NOTHING | {"what": "photo", "images": 1} | row
        for row in pd.concat([fell, rose]).to_dict("records")
    ]


def table(against: str, version: str, rows: list[dict]) -> pd.DataFrame:
    """Return rows as ``tables.SINCE``; ``against`` and ``version`` say what the run is beside."""
    return SINCE.frame([row | {"against": against, "version": version} for row in rows])


_NOTHING = {"split": "", "file_name": "", "images": None, "before": None, "after": None,
            "change": None, "low": None, "high": None}  # fmt: skip


def _flat(tree: dict, prefix: str = "") -> dict[str, float]:
    leaves = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            leaves |= _flat(value, f"{prefix}{name}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            leaves[prefix + name] = float(value)
    return leaves


def _scored(counts: pd.DataFrame) -> pd.DataFrame:
    """Return ``split, file_name, key, iou`` of each photo that either mask holds an object of."""
    either = counts["tp"] + counts["fp"] + counts["fn"]
    rows = counts[either > 0].assign(iou=counts["tp"] / either)
    means = rows.groupby(["split", "file_name"], sort=True)["iou"].mean().reset_index()
    keys = means["file_name"].map(lambda name: VERSION.sub("", name))
    return means.assign(key=keys.astype("str")).drop_duplicates(["split", "key"], keep=False)


def _both(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return ``split, file_name, before, after, change`` of the photos that both runs scored."""
    old = _scored(before)[["split", "key", "iou"]].rename(columns={"iou": "before"})
    new = _scored(after).rename(columns={"iou": "after"})
    both = new.merge(old, on=["split", "key"])
    both = both.assign(change=both["after"] - both["before"])
    return both[["split", "file_name", "before", "after", "change"]]
