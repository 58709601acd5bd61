"""What training lowers, and the overlap it is judged by while it runs."""

import numpy as np

from pipeline.quiet import quietly

with quietly():
    import tensorflow as tf


def loss(
    truth: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor, dice: float, lovasz: float = 0
) -> tf.Tensor:
    """Cross entropy mixed with the Dice and the Lovász loss.

    Args:
        truth: ``(N, H, W)`` integer labels.
        logits: ``(N, H, W, C)`` float; ``C`` is 1 for one category, else the number of labels.
        weights: ``(labels,)`` float32, of each label in the cross entropy of several categories.
        dice: share of the Dice loss, 0..1.
        lovasz: share of the Lovász loss, 0..1.

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
    total = tf.reduce_mean(entropy)
    if dice + lovasz:
        total *= 1 - dice - lovasz
    if dice:
        total += dice * dice_loss(drawn, likely)
    if lovasz:
        total += lovasz * lovasz_loss(drawn, wrongness(truth, logits))
    return total


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


def wrongness(truth: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return how wrong each pixel is about each category, ``(N, H, W, K)`` float32, at least 0.

    Of one category it is the hinge, 0 from a logit of 1 on the right side; of several, how far
    the probability is from the truth.

    Args:
        truth: ``(N, H, W)`` integer labels.
        logits: ``(N, H, W, C)``, as ``loss`` takes them.
    """
    if logits.shape[-1] == 1:
        side = 2 * tf.cast(truth > 0, tf.float32)[..., None] - 1
        return tf.nn.relu(1 - side * logits)
    drawn = tf.one_hot(truth, logits.shape[-1])[..., 1:]
    return tf.abs(drawn - tf.nn.softmax(logits)[..., 1:])


def lovasz_loss(drawn: tf.Tensor, wrong: tf.Tensor) -> tf.Tensor:
    """Mean over the categories of an image, then over images, of the Jaccard loss made smooth.

    Where every error is 0 or 1 it is one minus the overlap. A category that an image does not hold
    is left out, as in ``dice_loss``; an image that holds none counts as 0.

    Args:
        drawn: ``(N, H, W, K)`` float32, 1 where the category is.
        wrong: ``(N, H, W, K)`` float32, of ``wrongness``.

    Source:
        Berman et al., "The Lovász-Softmax loss", CVPR 2018, https://arxiv.org/abs/1705.08790.
    """
    pixels = tf.reduce_prod(tf.shape(drawn)[1:3])
    shape = [tf.shape(drawn)[0] * tf.shape(drawn)[3], pixels]
    truth = tf.reshape(tf.transpose(drawn, [0, 3, 1, 2]), shape)  # (N * K, H * W)
    errors = tf.reshape(tf.transpose(wrong, [0, 3, 1, 2]), shape)
    errors, order = tf.math.top_k(errors, pixels)  # the gravest first
    truth = tf.gather(truth, order, batch_dims=1)
    whole = tf.reduce_sum(truth, axis=1, keepdims=True)  # (N * K, 1)
    shared = whole - tf.cumsum(truth, axis=1)
    either = whole + tf.cumsum(1 - truth, axis=1)
    loss = 1 - shared / either  # of taking this pixel and all graver ones for wrong
    steps = tf.concat([loss[:, :1], loss[:, 1:] - loss[:, :-1]], axis=1)
    costs = tf.reshape(tf.reduce_sum(errors * steps, axis=1), [-1, tf.shape(drawn)[3]])  # (N, K)
    present = tf.reshape(tf.cast(whole > 0, tf.float32), tf.shape(costs))
    found = tf.reduce_sum(present, axis=1)
    return tf.reduce_mean(tf.math.divide_no_nan(tf.reduce_sum(costs * present, axis=1), found))


def label_weights(masks: np.ndarray, labels: int, balance: float) -> np.ndarray:
    """Return ``(labels,)`` float32: rare labels weigh more, a mean pixel weighs 1.

    Args:
        masks: ``(N, H, W)`` uint8 labels.
        labels: how many, background included.
        balance: 0 = all alike; 1 = all labels that are there weigh the same together. A label
            without a pixel has the weight of the rarest and no part in the mean: else each one
            would take from the others' weights.
    """
    pixels = np.bincount(masks.ravel(), minlength=labels)
    there = pixels > 0
    if not there.any():
        return np.ones(labels, np.float32)
    share = pixels / masks.size
    weights = np.where(there, share, share[there].min()) ** -balance
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
