"""The interval of a mean difference, where both things compared have a value a photo."""

import numpy as np


def interval(
    gains: np.ndarray, resamples: int, confidence: float, seed: int
) -> tuple[float, float]:
    """Return both ends of the percentile bootstrap interval of the mean.

    Args:
        gains: ``(N,)`` float, N at least 1: a difference a photo.
        resamples: of the photos.
        confidence: of the interval, 0..1.
        seed: of the resampling.

    Source:
        Efron and Tibshirani, "An introduction to the bootstrap", 1993, section 13.3.
    """
    weights = np.random.default_rng(seed).multinomial(
        len(gains), np.full(len(gains), 1 / len(gains)), size=resamples
    )
    tail = (1 - confidence) / 2
    low, high = np.quantile(weights @ gains / len(gains), [tail, 1 - tail])
    return float(low), float(high)
