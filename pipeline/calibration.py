"""How far a predicted probability can be believed: counts of pixels a bin of probability.

Sources: Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015,
for the expected calibration error; Guo et al., "On Calibration of Modern Neural Networks", ICML
2017, https://arxiv.org/abs/1706.04599, for the diagram.
"""

import numpy as np
import pandas as pd

from pipeline import outcomes, scoring, tables
from pipeline.errors import MaskError

BINS = 20  # of equal width
LEVELS = 2000  # to which probabilities are rounded, so that a bin's mean is right to 1 / 4000
STARTS = np.arange(BINS) * (LEVELS // BINS)  # level at which each bin begins; 1 is in the last one


def counts(likely: np.ndarray, truth: np.ndarray, labels: int) -> np.ndarray:
    """Count the pixels of one image, a bin of probability.

    Args:
        likely: ``(H, W, C)`` float32, 0..1; one channel for one label, else K + 1, background
            first.
        truth: ``(H, W)`` uint8, 0..K.
        labels: K.

    Returns:
        ``(K, BINS, 3)`` float64: pixels, the sum of their probabilities, each rounded to one of
        ``LEVELS``, and how many are the label.

    Raises:
        MaskError: the two are of different size.
    """
    if likely.shape[:2] != truth.shape:
        raise MaskError(
            f"probabilities are {likely.shape[:2]} but the mask is {truth.shape}; "
            "run dvc repro rasterise"
        )
    first = likely.shape[2] - labels  # channel of label 1: there is one for background, or none
    return np.stack([
        _binned(likely[..., first + k].ravel(), truth.ravel() == k + 1) for k in range(labels)
    ])  # fmt: skip


def _binned(likely: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Count in one pass over fine levels; sums of floats would take twice the time."""
    level = (likely * LEVELS + 0.5).astype(np.intp) + right * (LEVELS + 1)
    wrong, hits = np.bincount(level, minlength=2 * (LEVELS + 1)).reshape(2, -1)
    pixels = wrong + hits
    each = (pixels, pixels * np.arange(LEVELS + 1) / LEVELS, hits)
    return np.stack([np.add.reduceat(many, STARTS) for many in each], axis=1).astype(float)


def table(counted: dict[str, np.ndarray], names: list[str]) -> pd.DataFrame:
    """Return columns as ``outcomes.CALIBRATION``.

    Args:
        counted: by split, the sum over images of what ``counts`` gives.
        names: of the labels 1..K.
    """
    rows = [
        {"split": split, "category": name, "bin_from": place / BINS, "bin_to": (place + 1) / BINS}
        | {"pixels": pixels}
        | {"predicted": total / pixels if pixels else np.nan}
        | {"observed": hits / pixels if pixels else np.nan}
        for split in tables.SPLITS
        if split in counted
        for name, bins in zip(names, counted[split].tolist(), strict=True)
        for place, (pixels, total, hits) in enumerate(bins)
    ]
    return outcomes.CALIBRATION.frame(rows)


def error(calibrated: pd.DataFrame, split: str) -> float:
    """Return the expected calibration error of a split, 0..1, mean over categories; NaN if none.

    It is the mean over pixels of how far the frequency of their bin is from its probability.
    """
    rows = calibrated[(calibrated["split"] == split) & (calibrated["pixels"] > 0)]
    off = (rows["predicted"] - rows["observed"]).abs() * rows["pixels"]
    sums = rows.assign(off=off).groupby("category")[["off", "pixels"]].sum()
    return float(scoring.ratio(sums["off"], sums["pixels"]).mean()) if len(sums) else float("nan")
