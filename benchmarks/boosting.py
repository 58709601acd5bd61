"""Gradient boosting of small whole trees for a yes or no, in NumPy: fits what pipeline/trees reads.

Every tree has the same depth and all its branches, so that a forest is three plain arrays.

Source:
    Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29,
    2001; Newton leaves and their penalty as in Chen and Guestrin, "XGBoost", KDD 2016.
"""

import numpy as np

from pipeline.trees import Forest

BINS = 48  # limits tried for each feature
PENALTY = 3.0  # on the size of a leaf's value
LEAST = 4.0  # weight that a branch must hold
ROWS, COLUMNS = 0.7, 0.35  # shares drawn for each tree


def fit(  # noqa: PLR0913  # what a fit is given
    values: np.ndarray,
    truth: np.ndarray,
    weight: np.ndarray,
    *,
    trees: int,
    depth: int,
    rate: float,
    seed: int,
) -> Forest:
    """Fit a forest whose sum is the log-odds of ``truth``.

    Args:
        values: ``(N, F)`` float64.
        truth: ``(N,)`` bool.
        weight: ``(N,)`` float64.
        trees: how many.
        depth: questions that each asks.
        rate: share of each tree that is kept.
        seed: of the rows and columns that are drawn.
    """
    rng = np.random.default_rng(seed)
    limits = [_limits(column) for column in values.T]
    binned = np.stack(
        [np.searchsorted(limit, column) for limit, column in zip(limits, values.T, strict=True)],
        axis=1,
    )
    share = float((weight * truth).sum() / weight.sum())
    start = float(np.log(share / (1 - share)))
    odds = np.full(len(truth), start)
    grown = []
    for _ in range(trees):
        chance = 1 / (1 + np.exp(-odds))
        drawn = weight * (rng.random(len(truth)) < ROWS)
        pull, mass = drawn * (truth - chance), drawn * chance * (1 - chance)
        columns = np.sort(
            rng.permutation(values.shape[1])[: max(2, int(COLUMNS * values.shape[1]))]
        )
        tree, leaf = _grow(binned, pull, mass, columns, depth)
        tree = (*tree[:2], rate * tree[2])
        odds += tree[2][leaf]
        grown.append(tree)
    features, places, leaves = (np.array(part) for part in zip(*grown, strict=True))
    asked = np.array(
        [
            [limits[column][place] for column, place in zip(*row, strict=True)]
            for row in zip(features, places, strict=True)
        ]
    )
    return Forest(start, features, asked, leaves)


def _limits(column: np.ndarray) -> np.ndarray:
    """Return limits between values, at most ``BINS``, ascending; the last one parts nothing."""
    different = np.unique(column)
    middles = (different[1:] + different[:-1]) / 2
    if len(middles) > BINS:
        middles = np.unique(np.quantile(column, np.arange(1, BINS) / BINS, method="higher"))
    return np.append(middles, different[-1])


def _grow(
    binned: np.ndarray, pull: np.ndarray, mass: np.ndarray, columns: np.ndarray, depth: int
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Return features, places among the limits and leaves of one tree, and each row's leaf."""
    node = np.zeros(len(binned), np.intp)
    features, places = [], []
    for level in range(depth):
        for branch in range(2**level):
            here = np.flatnonzero(node == branch)
            feature, place = _split(binned[np.ix_(here, columns)], pull[here], mass[here])
            features.append(int(columns[feature]))
            places.append(place)
        first = 2**level - 1
        asked, limit = np.array(features[first:])[node], np.array(places[first:])[node]
        node = 2 * node + (binned[np.arange(len(binned)), asked] > limit)
    pulls = np.bincount(node, pull, 2**depth)
    masses = np.bincount(node, mass, 2**depth)
    return (np.array(features), np.array(places), pulls / (masses + PENALTY)), node


def _split(binned: np.ndarray, pull: np.ndarray, mass: np.ndarray) -> tuple[int, int]:
    """Return the column and the place that part the rows best."""
    count, wide = binned.shape
    if not count:
        return 0, 0
    flat = (binned + (BINS + 1) * np.arange(wide)).ravel()
    pulls, masses = (
        np.bincount(flat, np.repeat(of, wide), wide * (BINS + 1)).reshape(wide, -1).cumsum(axis=1)
        for of in (pull, mass)
    )
    rest, heavy = pulls[:, -1:] - pulls, masses[:, -1:] - masses
    gain = pulls**2 / (masses + PENALTY) + rest**2 / (heavy + PENALTY)
    gain[(masses < LEAST) | (heavy < LEAST)] = -1
    column, place = np.unravel_index(int(gain.argmax()), gain.shape)
    return (int(column), int(place)) if gain.max() > 0 else (0, 0)
