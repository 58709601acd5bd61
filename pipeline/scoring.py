"""Two label masks -> counts of pixels -> measures of agreement with bootstrap intervals.

Every measure is a ratio of two sums: over one image's pixels, over all pixels of several images
(pooled), or, for the mean over images, of the images' own ratios and of how many have one. So one
resampling of images serves them all.
"""

from typing import Annotated, NamedTuple

import cv2
import msgspec
import numpy as np

from pipeline.errors import MaskError
from pipeline.params import Params

MEASURES = ("iou", "dice", "precision", "recall", "boundary_iou")
COUNTED = ("tp", "fp", "fn", "edge_shared", "edge_either")
EDGE = 0.02  # of the picture's diagonal: how far in an outline's band reaches; Cheng et al.
CHUNK = 64  # bootstrap resamples held at once; bounds memory at 64 weights an image


class EvaluateParams(Params):
    """How intervals are drawn, and how many of the worst images are listed."""

    resamples: Annotated[int, msgspec.Meta(ge=1)]  # bootstrap resamples of the images
    confidence: Annotated[float, msgspec.Meta(gt=0, lt=1)]  # of the interval, 0..1
    seed: int
    worst: Annotated[int, msgspec.Meta(ge=0)]  # images of lowest IoU that are listed, a split


class Summary(NamedTuple):
    """Measures of several images, each ``(2, M, K + 1)``: mean over images, then pooled.

    The last column is the mean over the categories that are there. NaN where nothing has a score.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    images: np.ndarray  # ``(M, K + 1)`` int64: images that have the measure


def confusion(*, truth: np.ndarray, predicted: np.ndarray, labels: int) -> np.ndarray:
    """Count the pixels of each pair of labels.

    Args:
        truth: ``(H, W)`` uint8.
        predicted: ``(H, W)`` uint8.
        labels: K; the masks hold 0..K.

    Returns:
        ``(K + 1, K + 1)`` int64, truth by prediction.

    Raises:
        MaskError: the sizes differ, or a mask holds a label above K.
    """
    if truth.shape != predicted.shape:
        raise MaskError(
            f"truth is {truth.shape} but prediction is {predicted.shape}; "
            "resize the prediction to the image first"
        )
    largest = int(max(truth.max(initial=0), predicted.max(initial=0)))
    if largest > labels:
        raise MaskError(f"a mask holds label {largest} but labels.csv ends at {labels}")
    side = labels + 1
    pairs = truth.ravel().astype(np.int64) * side + predicted.ravel()
    return np.bincount(pairs, minlength=side * side).reshape(side, side)


def counts(*, truth: np.ndarray, predicted: np.ndarray, labels: int) -> np.ndarray:
    """Count the pixels on which two masks agree and differ, also along the outlines.

    Returns:
        ``(K, 5)`` int64, columns as ``COUNTED``, of the labels 1..K.

    Raises:
        MaskError: as ``confusion``, whose arguments it takes.
    """
    return tally(confusion(truth=truth, predicted=predicted, labels=labels), truth, predicted)


def tally(pairs: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return what ``counts`` does, from a ``confusion`` that is known already."""
    agree = np.diag(pairs)
    said, there = pairs.sum(axis=0), pairs.sum(axis=1)
    width = edge_width(*truth.shape)
    rows = np.zeros((len(pairs), len(COUNTED)), np.int64)
    rows[:, 0], rows[:, 1], rows[:, 2] = agree, said - agree, there - agree
    for label in np.flatnonzero(said + there):
        if label:
            one, other = edge(truth == label, width), edge(predicted == label, width)
            rows[label, 3] = np.count_nonzero(one & other)
            rows[label, 4] = np.count_nonzero(one | other)
    return rows[1:]


def edge_width(height: int, width: int) -> int:
    """Return how far in an outline's band reaches in a picture of that size, pixels, 1 or more."""
    return max(1, round(EDGE * float(np.hypot(height, width))))


def edge(mask: np.ndarray, width: int) -> np.ndarray:
    """Return the band within a mask along its outline, the picture's border included.

    Args:
        mask: ``(H, W)`` bool.
        width: of the band, pixels (of the larger of the two distances, across and down).

    Source:
        Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation",
        CVPR 2021, https://arxiv.org/abs/2103.16562. There a 3 × 3 square erodes ``width`` times;
        one square of ``2 width + 1`` gives the same.
    """
    whole = mask.astype(np.uint8)
    square = np.ones((2 * width + 1,) * 2, np.uint8)
    inner = cv2.erode(whole, square, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return mask & (inner == 0)


def iou(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> np.ndarray:
    """Intersection over union; NaN where a label is in neither mask. float64, any shape."""
    return ratio(tp, tp + fp + fn)


def parts(cube: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the two sums of which each measure is the ratio.

    Args:
        cube: ``(5, images, K)``, first axis as ``COUNTED``.

    Returns:
        Part and whole, ``(M, images, K)`` float64 each, first axis as ``MEASURES``.
    """
    tp, fp, fn, shared, either = np.asarray(cube, float)
    part = np.stack([tp, 2 * tp, tp, tp, shared])
    whole = np.stack([tp + fp + fn, 2 * tp + fp + fn, tp + fp, tp + fn, either])
    return part, whole


def summary(cube: np.ndarray, params: EvaluateParams) -> Summary:
    """Return every measure's mean over images and pooled value, with percentile intervals.

    Args:
        cube: ``(5, images, K)``, first axis as ``COUNTED``; a label that is in neither mask of an
            image has zeros, and then no score: not 0 and not 1.
        params: resamples, confidence and seed.

    Source:
        Efron and Tibshirani, "An introduction to the bootstrap", 1993, section 13.3.
    """
    part, whole = parts(cube)
    known = whole > 0
    each = np.where(known, ratio(part, whole), 0)
    over = np.moveaxis(np.stack([each, part]), 2, 0)  # (images, 2, M, K)
    under = np.moveaxis(np.stack([known.astype(float), whole]), 2, 0)
    value = _with_mean(ratio(over.sum(axis=0), under.sum(axis=0)))
    low, high = _interval(over, under, params)
    many = np.concatenate([known.sum(axis=1), known.any(axis=2).sum(axis=1)[:, None]], axis=1)
    return Summary(value, low, high, many)


def _interval(
    over: np.ndarray, under: np.ndarray, params: EvaluateParams
) -> tuple[np.ndarray, np.ndarray]:
    """Resample the images; return both ends, ``(2, M, K + 1)`` each."""
    rng = np.random.default_rng(params.seed)
    images, shape = len(over), over.shape[1:]
    drawn = []
    for start in range(0, params.resamples, CHUNK):
        many = min(CHUNK, params.resamples - start)
        weights = rng.multinomial(images, np.full(images, 1 / images), size=many)  # (many, images)
        sums = (weights @ part.reshape(images, -1) for part in (over, under))
        drawn.append(_with_mean(ratio(*sums).reshape(many, *shape)))
    table = np.concatenate(drawn).reshape(params.resamples, -1)
    tail = (1 - params.confidence) / 2
    ends = np.full((2, table.shape[1]), np.nan)
    for place, column in enumerate(table.T):
        numbers = column[~np.isnan(column)]
        if len(numbers):
            ends[:, place] = np.quantile(numbers, [tail, 1 - tail])
    low, high = ends.reshape(2, *shape[:-1], shape[-1] + 1)
    return low, high


def _with_mean(values: np.ndarray) -> np.ndarray:
    """Append, on the last axis, the mean of what is not NaN there."""
    known = ~np.isnan(values)
    mean = ratio(np.where(known, values, 0).sum(axis=-1), known.sum(axis=-1))
    return np.concatenate([values, mean[..., None]], axis=-1)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return ``part / whole`` as float64, NaN where ``whole`` is 0."""
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole != 0)
