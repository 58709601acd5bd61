"""How often is a tag right? Precision, recall and F1 of each tag against labels made by eye.

    python -m benchmarks.tags [EXPORT TRUTH.csv]

Without arguments the built-in sample is measured, in data/raw. Images fall by their source
picture's name into two halves. The calibration half shows the best limit of each measurement; the
report half says how right the shipped limits are on the others. Where the shipped ones are from:

- far_below, dark_below: the hand labels, with both halves in view.
- the weights of defocus: the calibration half and half of the sample; its KNEE and CONSTANT: the
  calibration half and samples of seeds 41 to 44, so that blurred_above stays at even odds.
- the forest of hidden (benchmarks/fit_hidden.py): outlines of the calibration half and of seeds 41
  to 44.
- occluded_above, and what a thing in front weighs beside the outline (FRONT_WEIGHT of
  pipeline/rules.py): both halves and the sample in view; so are the widths at which hiding.py
  looks, with the real photos also stretched to squares (benchmarks/stretch.py).
- how sure the detector must be of a person (EVEN and SHARP of pipeline/unseen.py): both halves in
  view, of two numbers one pair; from which likeness something stands still: the sample. The
  detector was trained on COCO, and the 61 photos called coco_ are among what it learned from.
- unusual_above: where those five samples together have the fewest wrong answers.

Which cues to use was chosen with both halves in view, so the report half is a check, not a blind
test. Intervals: Wilson's for precision and recall, percentile bootstrap over images for F1, 95 %
each.
"""

import hashlib
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import accuracy, looking, params, rules, tag, validate
from pipeline.checks import ValidateParams
from pipeline.parallel import ComputeParams
from pipeline.tables import Dataset


def examined(export: Path) -> Dataset:
    """Return what is sound of an export, by the limits of params.yaml."""
    limits, compute = params.load(ValidateParams, "validate"), params.load(ComputeParams, "compute")
    return validate.run(export, limits, partial(looking.rows, export, compute))[1].dataset


def measured(export: Path) -> pd.DataFrame:
    """Measure and tag an export as the stage does."""
    limits, compute = params.load(rules.TagParams, "tag"), params.load(ComputeParams, "compute")
    return tag.run(examined(export), export, limits, compute)


def half(file_name: str) -> int:
    """Return 0 (calibrate) or 1 (report), by the source's name, so that versions stay together."""
    return hashlib.md5(file_name.split(".rf.")[0].encode()).digest()[0] % 2


def best_limit(value: np.ndarray, truth: np.ndarray, sign: int) -> float:
    """Return the limit between two neighbouring values at which F1 is highest."""
    ordered = np.unique(value[np.isfinite(value)])
    limits = (ordered[1:] + ordered[:-1]) / 2
    scores = [accuracy.f1(sign * value > sign * limit, truth) for limit in limits]
    return float(limits[int(np.nanargmax(scores))]) if len(limits) else float("nan")


def compare(found: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Return one row a tag and part (all, calibrate, report), and the calibration's best limit.

    Args:
        found: as ``measured`` gives it, or ``reports/images.csv``.
        answers: as ``accuracy.read`` gives them.
    """
    part = found["file_name"].map(half)
    parts = {"all": part >= 0, "calibrate": part == 0, "report": part == 1}
    tables = [
        accuracy.compare(found[chosen], answers).assign(part=title)
        for title, chosen in parts.items()
    ]
    rows = pd.concat(tables).assign(order=lambda row: row["tag"].map(list(rules.RULES).index))
    teach = found[parts["calibrate"]]
    known = accuracy.matched(teach, answers)
    best = {name: _best(teach, known[name], rules.RULES[name]) for name in rows["tag"].unique()}
    rows = rows.assign(best=rows["tag"].map(best)).sort_values(["order", "part"])
    return rows.drop(columns="order")


def _best(found: pd.DataFrame, known: pd.Series, rule: rules.Rule) -> float:
    told = known.notna()
    value = rule.value(found[told]).to_numpy(float)
    return best_limit(value, known[told].to_numpy(bool), rule.sign)


def main(export: Path, truth: Path) -> None:
    """Print the table."""
    table = compare(measured(export), accuracy.read(truth))
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
    main(*map(Path, sys.argv[1:] or ("data/raw", "data/truth")))
