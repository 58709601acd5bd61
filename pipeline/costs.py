"""What each problem costs: IoU of photos with and without it, and what its absence would gain."""

import numpy as np
import pandas as pd

from pipeline.outcomes import COSTS, SUSPECTS

HELD_OUT = ("valid", "test")  # what was learnt from is known by heart, with or without problems
RIDGE = 1.0  # photos that say "this problem costs nothing"; a rare problem is believed less
CHUNK = 64  # bootstrap resamples held at once; bounds memory


def table(
    counted: pd.DataFrame, tagged: pd.DataFrame, resamples: int, confidence: float, seed: int
) -> pd.DataFrame:
    """Compare the photos of each problem with the others, split by split.

    With ``n_s`` photos of the problem in split s, ``difference`` is the mean over splits, weighted
    by ``n_s``, of the mean IoU of the split's photos without it less that of those with it; a
    split in which all or none have it says nothing. ``gain = share x difference`` is how much the
    mean IoU of all photos would rise if those with the problem did as well as the others of their
    split; it assumes that they differ from them in nothing else that matters. As problems come
    together (crowds are far), ``alone`` is that difference with all other problems held fixed: the
    coefficient of a linear regression of IoU on all tags and the split, with a ridge of ``RIDGE``
    photos; it assumes that what problems cost adds up. ``gain_alone = share x alone``.

    Photos of the valid and test split are compared; of train only where there are no others.

    Args:
        counted: columns as ``outcomes.COUNTS``.
        tagged: columns as ``tables.MEASURED``, then one boolean column a tag.
        resamples: bootstrap resamples of the photos, within each split.
        confidence: of the intervals, 0..1, percentile bootstrap.
        seed: of the resampling.

    Returns:
        Columns as ``outcomes.COSTS``, a row a tag in the tags' order; tags without a scored photo
        have none.
    """
    photos = _scored(counted, tagged)
    tags = [name for name in tagged if tagged[name].dtype == bool]
    held = photos["split"].isin(HELD_OUT)
    photos = photos[held] if held.any() else photos
    if photos.empty:
        return COSTS.empty()
    has = photos[tags].to_numpy(bool)
    groups = pd.get_dummies(photos["split"]).to_numpy(bool)  # (photos, splits)
    iou = photos["iou"].to_numpy(float)
    point = _estimates(np.ones((1, len(iou))), iou, has, groups)
    weights = _weights(groups, resamples, seed)
    parts = [
        _estimates(weights[start : start + CHUNK], iou, has, groups)
        for start in range(0, resamples, CHUNK)
    ]
    drawn = {name: np.concatenate([part[name] for part in parts]) for name in point}
    tail = (1 - confidence) / 2
    rows = []
    for column in np.flatnonzero(has.any(axis=0)):
        row = {"tag": tags[column], "images": len(iou), "tagged": int(has[:, column].sum())}
        for name, values in point.items():
            row[name] = float(values[0, column])
            known = drawn[name][:, column]
            known = known[np.isfinite(known)]
            ends = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
            row |= {f"{name}_low": float(ends[0]), f"{name}_high": float(ends[1])}
        rows.append(row)
    return COSTS.frame(rows)


def metrics(found: pd.DataFrame, suspects: pd.DataFrame) -> dict:
    """Return ``gain`` by tag, as of ``table``, and ``suspects``: how many labels of each kind.

    Args:
        found: columns as ``outcomes.COSTS``.
        suspects: columns as ``outcomes.SUSPECTS``.
    """
    gains = {row.tag: round(row.gain, 6) for row in found.itertuples() if np.isfinite(row.gain)}
    rows = SUSPECTS.check(suspects, "suspects")
    kinds = rows.loc[rows["suspect"], "kind"].value_counts().sort_index()
    tree = {"gain": gains, "suspects": {kind: int(count) for kind, count in kinds.items()}}
    return {name: branch for name, branch in tree.items() if branch}


def _scored(counted: pd.DataFrame, tagged: pd.DataFrame) -> pd.DataFrame:
    """Return ``split, iou`` and the tags of each photo that has an IoU: the mean over its labels.

    A label in neither mask has no score.
    """
    key = ["split", "file_name"]
    union = counted["tp"] + counted["fp"] + counted["fn"]
    touched = counted[union > 0].assign(iou=(counted["tp"] / union)[union > 0])
    means = touched.groupby(key, sort=True)["iou"].mean().reset_index()
    return means.merge(tagged.drop(columns="iou", errors="ignore"), on=key)


def _weights(groups: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Return how often each resample draws each photo, ``(resamples, photos)`` float64.

    Photos are drawn within their split, so that each keeps its size.
    """
    chance = np.random.default_rng(seed)
    weights = np.zeros((resamples, len(groups)))
    for inside in groups.T:
        count = int(inside.sum())
        weights[:, inside] = chance.multinomial(count, np.full(count, 1 / count), size=resamples)
    return weights


def _estimates(
    weights: np.ndarray, iou: np.ndarray, has: np.ndarray, groups: np.ndarray
) -> dict[str, np.ndarray]:
    """Return each number of a row, ``(resamples, tags)`` float64; NaN where nothing says it.

    Args:
        weights: ``(resamples, photos)``.
        iou: ``(photos,)``.
        has: ``(photos, tags)`` bool.
        groups: ``(photos, splits)`` bool.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        share = weights @ has / weights.sum(axis=1, keepdims=True)
        mean = weights * iou @ has / (weights @ has)
        rest = weights * iou @ ~has / (weights @ ~has)
        apart, count = np.zeros(share.shape), np.zeros(share.shape)
        for inside in groups.T:
            w, yes, no = weights[:, inside], has[inside], ~has[inside]
            with_, without = w @ yes, w @ no
            both = (with_ > 0) & (without > 0)
            gap = (w * iou[inside]) @ no / without - (w * iou[inside]) @ yes / with_
            apart += np.where(both, with_ * gap, 0)
            count += np.where(both, with_, 0)
        difference = apart / count
    alone = np.where(weights @ has > 0, -_regressed(weights, iou, has, groups), np.nan)
    return {
        "iou": mean,
        "rest": rest,
        "difference": difference,
        "gain": share * difference,
        "alone": alone,
        "gain_alone": share * alone,
    }


def _regressed(
    weights: np.ndarray, iou: np.ndarray, has: np.ndarray, groups: np.ndarray
) -> np.ndarray:
    """Return the coefficients of the tags, ``(resamples, tags)``, beside one constant a split."""
    design = np.concatenate([has, groups], axis=1).astype(float)  # (photos, p)
    size = design.shape[1]
    squares = (design[:, :, None] * design[:, None, :]).reshape(len(iou), -1)
    normal = (weights @ squares).reshape(-1, size, size)
    ridge = np.diag([RIDGE] * has.shape[1] + [1e-9] * groups.shape[1])
    right = weights @ (design * iou[:, None])
    return np.linalg.solve(normal + ridge, right[..., None])[:, : has.shape[1], 0]
