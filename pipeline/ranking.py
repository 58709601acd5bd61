"""Photos with their tags and scores, put in order, and a choice among them."""

import numpy as np
import pandas as pd

from pipeline.tables import Dataset

MODEST = 1 / 3  # of the picture: larger objects leave too little scene to show a restoration
SEEN = 0.01  # of the picture: where less is removed, there is nothing to see


def photos(dataset: Dataset, measured: pd.DataFrame, tags: list[str]) -> pd.DataFrame:
    """Return ``split, file_name, path, stem, area`` and a boolean column a tag, one row an image.

    Images that were not measured have no tags.
    """
    keys = ["split", "file_name"]
    known = [tag for tag in tags if tag in measured]
    tagged = measured.drop_duplicates(keys)[[*keys, *known]]
    images = dataset.images.assign(area=dataset.images["width"] * dataset.images["height"])
    joined = images[[*keys, "path", "stem", "area"]].merge(tagged, on=keys, how="left")
    return joined.assign(**{tag: joined[tag].eq(True) if tag in known else False for tag in tags})


def scored(photos: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Return ``photos`` with ``iou``, ``share`` and ``removed``, worst first.

    ``iou`` is the mean over the labels that truth or prediction holds, so photos where both are
    empty are left out; ``share`` is how much of the picture the truth covers and
    ``removed`` how much the prediction does, 0..1.
    """
    touched = counts.assign(union=counts["tp"] + counts["fp"] + counts["fn"])
    touched = touched[touched["union"] > 0]
    touched = touched.assign(
        iou=touched["tp"] / touched["union"],
        truth=touched["tp"] + touched["fn"],
        drawn=touched["tp"] + touched["fp"],
    )
    each = touched.groupby(["split", "file_name"], sort=True)
    means = each.agg(iou=("iou", "mean"), truth=("truth", "sum"), drawn=("drawn", "sum"))
    joined = photos.merge(means.reset_index(), on=["split", "file_name"])
    joined = joined.assign(
        share=joined["truth"] / joined["area"], removed=joined["drawn"] / joined["area"]
    )
    return joined.sort_values(["split", "iou", "file_name"], kind="stable", ignore_index=True)


def best_median_worst(ranked: pd.DataFrame, count: int) -> dict[str, pd.DataFrame]:
    """Return ``count`` rows each from the end, middle and start of ``ranked``, none twice.

    Fewer than ``3 * count`` rows are shared out evenly, the best first.
    """
    best, rest = _take_last(ranked, min(count, -(-len(ranked) // 3)))
    worst = rest.head(min(count, len(rest) // 2))
    between = rest.iloc[len(worst) :]
    start = max(0, (len(between) - count) // 2)
    return {"best": best, "median": between.iloc[start : start + count], "worst": worst}


def spread(ranked: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return ``count`` rows evenly spaced from first to last; all if there are no more."""
    if len(ranked) <= count:
        return ranked
    return ranked.iloc[np.linspace(0, len(ranked) - 1, count).round().astype(int)]


def _take_last(frame: pd.DataFrame, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    cut = len(frame) - count
    return frame.iloc[cut:].iloc[::-1], frame.iloc[:cut]
