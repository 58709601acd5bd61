"""How often is a tag right? Precision, recall and F1 of each tag against labels made by eye.

    python -m benchmarks.tags reports/images.csv TRUTH.csv

Images fall by their source picture's name into two halves. The calibration half shows the best
limit of each measurement, and the weights of defocus and hidden were fitted on it; the report
half says how right the shipped limits are on the others. Which cues to use was chosen with both
halves in view, and so were far_below, dark_below, blurred_above and (on the sample, which alone has
places) unusual_above: for these the report half is a check, not a blind test. Intervals: Wilson's
for precision and recall, percentile bootstrap over images for F1, 95 % each.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import tag

# The measurement behind a tag, and whether a large value is the problem: for the best limit.
SCORES = {
    "far": ("largest", -1),
    "crowd": ("people", 1),
    "blurred_background": ("defocus", 1),
    "scene_time": ("unusual", 1),
    "occluded": ("hidden", 1),
    "low_light": ("luma", -1),
    "whole_blur": ("edge", 1),
}
Z = 1.96  # of the normal distribution, two-sided 95 %


def half(file_name: str) -> int:
    """Return 0 (calibrate) or 1 (report), by the source's name, so that versions stay together."""
    return hashlib.md5(file_name.split(".rf.")[0].encode()).digest()[0] % 2


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a proportion; all of 0..1 when nothing was counted."""
    if not of:
        return 0.0, 1.0
    share, weight = hits / of, Z**2 / of
    middle = (share + weight / 2) / (1 + weight)
    width = Z * np.sqrt(share * (1 - share) / of + weight / of / 4) / (1 + weight)
    return float(middle - width), float(middle + width)


def f1(found: np.ndarray, truth: np.ndarray) -> float:
    """Return F1 of two ``(N,)`` bool; NaN where neither holds one."""
    total = found.sum() + truth.sum()
    return float(2 * (found & truth).sum() / total) if total else float("nan")


def bootstrap(found: np.ndarray, truth: np.ndarray, rounds: int = 2000) -> tuple[float, float]:
    """Return the 95 % percentile interval of F1 over images drawn again."""
    drawn = np.random.default_rng(0).integers(0, len(found), (rounds, len(found)))
    scores = [f1(found[rows], truth[rows]) for rows in drawn]
    return tuple(np.nanquantile(scores, [0.025, 0.975]).tolist())


def best_limit(value: np.ndarray, truth: np.ndarray, sign: int) -> float:
    """Return the limit between two neighbouring values at which F1 is highest."""
    ordered = np.unique(value[np.isfinite(value)])
    limits = (ordered[1:] + ordered[:-1]) / 2
    scores = [f1(sign * value > sign * limit, truth) for limit in limits]
    return float(limits[int(np.nanargmax(scores))]) if len(limits) else float("nan")


def score(name: str, rows: pd.DataFrame) -> dict[str, object]:
    """Return precision, recall and F1 with intervals for one tag on some images."""
    found, truth = rows[name].to_numpy(bool), rows[f"{name}_truth"].to_numpy(bool)
    hits = int((found & truth).sum())
    return {
        "truth": int(truth.sum()),
        "found": int(found.sum()),
        "precision": hits / found.sum() if found.any() else float("nan"),
        "precision_in": wilson(hits, int(found.sum())),
        "recall": hits / truth.sum() if truth.any() else float("nan"),
        "recall_in": wilson(hits, int(truth.sum())),
        "f1": f1(found, truth),
        "f1_in": bootstrap(found, truth),
    }


def compare(measured: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return one row a tag and part (all, calibrate, report); images without a label are left out.

    Args:
        measured: ``reports/images.csv``.
        truth: ``split, file_name`` and a column a tag, 1, 0 or empty.
    """
    joined = measured.merge(truth, on=["split", "file_name"], suffixes=("", "_truth"))
    part = joined["file_name"].map(half)
    rows = []
    for name in (name for name in tag.RULES if name in truth):
        known = joined[f"{name}_truth"].notna()
        value, sign = SCORES.get(name, ("", 1))
        teach = joined[known & (part == 0)]
        limit = (
            best_limit(teach[value].to_numpy(float), teach[f"{name}_truth"].to_numpy(bool), sign)
            if value
            else float("nan")
        )
        for title, chosen in (("all", known), ("calibrate", part == 0), ("report", part == 1)):
            rows.append(
                {"tag": name, "part": title, **score(name, joined[known & chosen]), "best": limit}
            )
    return pd.DataFrame(rows)


def main(measured: Path, truth: Path) -> None:
    """Print the table."""
    table = compare(pd.read_csv(measured), pd.read_csv(truth))
    for name in ("precision_in", "recall_in", "f1_in"):
        table[name] = [f"{low:.2f}-{high:.2f}" for low, high in table[name]]
    text = table.to_string(index=False, float_format=lambda number: f"{number:.3g}")
    print(text)  # noqa: T201  # a benchmark's result


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
