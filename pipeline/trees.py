"""A forest of small whole trees: a sum of answers, each after the same few questions."""

from typing import NamedTuple

import numpy as np


class Forest(NamedTuple):
    """Trees of one depth D, each with all its branches.

    Attributes:
        start: what the sum starts with.
        features: ``(T, 2 ** D - 1)`` int, which value each branch asks for; branch ``b`` goes on
            with ``2 b + 1`` where that is at most its limit, else with ``2 b + 2``.
        limits: the same shape, float.
        leaves: ``(T, 2 ** D)`` float, what each end adds.
    """

    start: float
    features: np.ndarray
    limits: np.ndarray
    leaves: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the sum for each row of ``(N, F)`` values, ``(N,)`` float64."""
        rows, trees = np.arange(len(values))[:, None], np.arange(len(self.leaves))[None]
        branch = np.zeros((len(values), len(self.leaves)), np.intp)
        for _ in range(self.leaves.shape[1].bit_length() - 1):
            asked = values[rows, self.features[trees, branch]]
            branch = 2 * branch + 1 + (asked > self.limits[trees, branch])
        ends = self.leaves[trees, branch - self.features.shape[1]]
        return self.start + ends.sum(axis=1)

    def rounded(self, digits: int) -> "Forest":
        """Return the same forest with limits and leaves of so many significant digits."""
        limits, leaves = (
            np.array([float(f"{number:.{digits}g}") for number in part.ravel()]).reshape(part.shape)
            for part in (self.limits, self.leaves)
        )
        return Forest(float(f"{self.start:.{digits}g}"), self.features, limits, leaves)
