"""Scores of fillings -> how much better ours are than others, with intervals, and what remains."""

import pandas as pd

from pipeline import outcomes, resampling

OURS = "deepfill"
LESS_IS_BETTER = {"l1", "seam", "lpips"}
METRICS = ("psnr", "ssim", "l1", "seam", "lpips")
SPLIT = "test"  # whose images are restored
DIGITS = 6  # of metrics.json


def compare(
    restored: pd.DataFrame, tagged: pd.DataFrame, resamples: int, confidence: float, seed: int
) -> pd.DataFrame:
    """Compare our fillings with each other method's on the same holes.

    Args:
        restored: columns as ``outcomes.RESTORED``.
        tagged: columns as ``tables.MEASURED``, then one boolean column a tag.
        resamples: bootstrap resamples of the images.
        confidence: of the intervals, 0..1.
        seed: of the resampling.

    Returns:
        Columns as ``outcomes.RESTORATION``: a row a kind, tag, method and metric; groups without
        images have none. The intervals are percentiles of the mean difference over resampled
        images, both methods' scores of one image together.

    Source:
        Efron and Tibshirani, "An introduction to the bootstrap", 1993, section 13.3.
    """
    rows = []
    test = tagged[tagged["split"] == SPLIT]
    files = {"": set(restored["file_name"])}
    for tag in (name for name in tagged if tagged[name].dtype == bool):
        files[tag] = set(test.loc[test[tag], "file_name"])
    for kind, of_kind in restored.groupby("kind", sort=True):
        wide = of_kind.assign(seam=(of_kind["seam"] - 1).abs())
        wide = wide.pivot_table(index="file_name", columns="method", values=list(METRICS))
        for tag, names in files.items():
            some = wide[wide.index.isin(names)]
            for against in (name for name in of_kind["method"].unique() if name != OURS):
                for metric in METRICS:
                    where = {"kind": kind, "tag": tag, "against": against, "metric": metric}
                    rows += _row(some, where, resamples, confidence, seed)
    return outcomes.RESTORATION.frame(rows)


def _row(
    wide: pd.DataFrame, where: dict[str, str], resamples: int, confidence: float, seed: int
) -> list[dict]:
    """Return the row of one comparison, or none if no image has both scores."""
    metric = where["metric"]
    columns = [(metric, OURS), (metric, where["against"])]
    if any(column not in wide for column in columns):
        return []
    ours, theirs = wide[columns].dropna().to_numpy().T
    if not len(ours):
        return []
    gains = theirs - ours if metric in LESS_IS_BETTER else ours - theirs
    low, high = resampling.interval(gains, resamples, confidence, seed)
    means = {"ours": ours.mean(), "theirs": theirs.mean(), "gain": gains.mean()}
    return [where | {"images": len(gains)} | means | {"gain_low": low, "gain_high": high}]


def remaining(remains: pd.DataFrame, tagged: pd.DataFrame) -> dict:
    """Return the share of removed object pixels that are still found: of all, and ``tag`` by tag.

    Args:
        remains: columns as ``outcomes.REMAINS``.
        tagged: as in ``compare``.
    """
    test = tagged[tagged["split"] == SPLIT]
    groups = {"": remains}
    for tag in (name for name in tagged if tagged[name].dtype == bool):
        groups[tag] = remains[remains["file_name"].isin(test.loc[test[tag], "file_name"])]
    shares = {
        tag: round(float(rows["after"].sum() / rows["before"].sum()), DIGITS)
        for tag, rows in groups.items()
        if rows["before"].sum()
    }
    if "" not in shares:
        return {}
    return {"share": shares.pop(""), "images": int((remains["before"] > 0).sum()), "tag": shares}


def metrics(compared: pd.DataFrame, remains: pd.DataFrame, tagged: pd.DataFrame) -> dict:
    """Return what joins ``restore`` in metrics.json: ``gain`` over all images, and ``remaining``.

    Args:
        compared: columns as ``outcomes.RESTORATION``.
        remains: columns as ``outcomes.REMAINS``.
        tagged: as in ``compare``.
    """
    tree: dict = {}
    for row in compared[compared["tag"] == ""].to_dict("records"):
        branch = tree.setdefault("gain", {}).setdefault(row["kind"], {})
        ends = {"mean": row["gain"], "low": row["gain_low"], "high": row["gain_high"]}
        branch.setdefault(row["against"], {})[row["metric"]] = {
            name: round(float(value), DIGITS) for name, value in ends.items()
        }
    found = remaining(remains, tagged)
    return tree | ({"remaining": found} if found else {})
