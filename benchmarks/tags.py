"""How often is a tag right? Precision, recall and F1 of each tag against labels made by eye.

    python -m benchmarks.tags [reports/images.csv TRUTH.csv]

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

from pipeline import accuracy, rules, store
from pipeline.tables import MEASURED


def half(file_name: str) -> int:
    """Return 0 (calibrate) or 1 (report), by the source's name, so that versions stay together."""
    return hashlib.md5(file_name.split(".rf.")[0].encode()).digest()[0] % 2


def best_limit(value: np.ndarray, truth: np.ndarray, sign: int) -> float:
    """Return the limit between two neighbouring values at which F1 is highest."""
    ordered = np.unique(value[np.isfinite(value)])
    limits = (ordered[1:] + ordered[:-1]) / 2
    scores = [accuracy.f1(sign * value > sign * limit, truth) for limit in limits]
    return float(limits[int(np.nanargmax(scores))]) if len(limits) else float("nan")


def compare(measured: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Return one row a tag and part (all, calibrate, report), and the calibration's best limit.

    Args:
        measured: ``reports/images.csv``.
        answers: as ``accuracy.read`` gives them.
    """
    part = measured["file_name"].map(half)
    parts = {"all": part >= 0, "calibrate": part == 0, "report": part == 1}
    tables = [
        accuracy.compare(measured[chosen], answers).assign(part=title)
        for title, chosen in parts.items()
    ]
    rows = pd.concat(tables).assign(order=lambda row: row["tag"].map(list(rules.RULES).index))
    teach = measured[parts["calibrate"]]
    known = accuracy.matched(teach, answers)
    best = {name: _best(teach, known[name], rules.RULES[name]) for name in rows["tag"].unique()}
    rows = rows.assign(best=rows["tag"].map(best)).sort_values(["order", "part"])
    return rows.drop(columns="order")


def _best(measured: pd.DataFrame, known: pd.Series, rule: rules.Rule) -> float:
    told = known.notna()
    value = rule.value(measured[told]).to_numpy(float)
    return best_limit(value, known[told].to_numpy(bool), rule.sign)


def main(measured: Path, truth: Path) -> None:
    """Print the table."""
    table = compare(store.read_table(measured, MEASURED), accuracy.read(truth))
    for name in ("precision", "recall", "f1"):
        ends = zip(table.pop(f"{name}_low"), table.pop(f"{name}_high"), strict=True)
        table.insert(
            table.columns.get_loc(name) + 1,
            f"{name}_in",
            [f"{low:.2f}-{high:.2f}" for low, high in ends],
        )
    table.insert(1, "part", table.pop("part"))
    text = table.to_string(index=False, float_format=lambda number: f"{number:.3g}")
    print(text)  # noqa: T201  # a benchmark's result


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:] or ("reports/images.csv", "data/truth")))
