"""What training lowers, and the overlap it is judged by while it runs."""

import numpy as np

from pipeline.quiet import quietly

with quietly():
    import tensorflow as tf


def loss(truth: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor, dice: float) -> tf.Tensor:
    """Cross entropy mixed with the Dice loss.

    Args:
        truth: ``(N, H, W)`` integer labels.
        logits: ``(N, H, W, C)`` float; ``C`` is 1 for one category, else the number of labels.
        weights: ``(labels,)`` float32, of each label in the cross entropy of several categories.
        dice: share of the Dice loss, 0..1.

    Returns:
        A scalar, at least 0.
    """
    if logits.shape[-1] == 1:
        drawn = tf.cast(truth > 0, tf.float32)[..., None]
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(drawn, logits)
        likely = tf.sigmoid(logits)
    else:
        drawn = tf.one_hot(truth, logits.shape[-1])
        entropy = tf.nn.softmax_cross_entropy_with_logits(drawn, logits)
        entropy *= tf.gather(weights, tf.cast(truth, tf.int32))
        drawn, likely = drawn[..., 1:], tf.nn.softmax(logits)[..., 1:]
    if dice == 0:
        return tf.reduce_mean(entropy)
    return (1 - dice) * tf.reduce_mean(entropy) + dice * dice_loss(drawn, likely)


def dice_loss(drawn: tf.Tensor, likely: tf.Tensor) -> tf.Tensor:
    """One minus the soft Dice overlap of the batch, mean over the categories that are in it.

    A category that no image of the batch holds has no overlap to speak of and is left out; false
    alarms for it are the cross entropy's.

    Args:
        drawn: ``(N, H, W, K)`` float32, 1 where the category is.
        likely: ``(N, H, W, K)`` float32, probabilities.

    Source:
        Milletari et al., "V-Net", 3DV 2016, https://arxiv.org/abs/1606.04797, without squares.
    """
    shared = tf.reduce_sum(drawn * likely, [0, 1, 2])  # (K,)
    whole = tf.reduce_sum(drawn + likely, [0, 1, 2])  # (K,)
    present = tf.cast(tf.reduce_sum(drawn, [0, 1, 2]) > 0, tf.float32)  # (K,)
    overlap = (2 * shared + 1) / (whole + 1)  # 1: a tiny object must not divide by nothing
    return tf.math.divide_no_nan(tf.reduce_sum((1 - overlap) * present), tf.reduce_sum(present))


def label_weights(masks: np.ndarray, labels: int, balance: float) -> np.ndarray:
    """Return ``(labels,)`` float32: rare labels weigh more, a mean pixel weighs 1.

    Args:
        masks: ``(N, H, W)`` uint8 labels.
        labels: how many, background included.
        balance: 0 = all alike; 1 = all labels together weigh the same. A label without a pixel
            gets the weight of one with a single pixel, which it never uses.
    """
    share = np.maximum(np.bincount(masks.ravel(), minlength=labels), 1) / max(masks.size, 1)
    weights = share**-balance
    return (weights / (weights * share).sum()).astype(np.float32)


def ious(truth: np.ndarray, predicted: np.ndarray, labels: int) -> np.ndarray:
    """Return ``(N,)`` float64: the mean overlap of each image over the categories in either mask.

    NaN where neither mask holds any category: there is nothing to score.

    Args:
        truth: ``(N, H, W)`` uint8 labels.
        predicted: the same.
        labels: how many, background included.
    """
    return np.array([_iou(a, b, labels) for a, b in zip(truth, predicted, strict=True)])


def _iou(truth: np.ndarray, predicted: np.ndarray, labels: int) -> float:
    pairs = np.bincount(
        truth.ravel().astype(np.int64) * labels + predicted.ravel(), minlength=labels**2
    ).reshape(labels, labels)
    shared = np.diag(pairs)[1:]
    either = pairs.sum(axis=0)[1:] + pairs.sum(axis=1)[1:] - shared
    here = either > 0
    return float((shared[here] / either[here]).mean()) if here.any() else np.nan
