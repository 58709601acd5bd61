"""The two compiled halves of a training step: what is wrong, and what becomes of it."""

from collections.abc import Callable

from pipeline import unet
from pipeline.quiet import quietly
from pipeline.recipes import TrainParams
from pipeline.workers import Team

with quietly():
    import keras
    import tensorflow as tf

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def optimiser(learner: keras.Model, params: TrainParams) -> keras.Optimizer:
    """Return what moves the learner's weights, ready to be used or to be given its past."""
    made = keras.optimizers.AdamW(
        params.learning_rate,
        weight_decay=params.weight_decay,
        global_clipnorm=params.clip or None,
    )
    made.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    made.build(learner.trainable_variables)
    return made


def grading(learner: keras.Model, loss: Loss, size: int, team: Team) -> Callable:
    """Compile loss, logits and gradients at one size, for batches of any length.

    Returns:
        A function of ``(N, size, size, 3)`` float32, ``(N, size, size)`` uint8 and this process's
        share of the batch, 0..1. Loss and gradients are the mean over all processes; logits,
        ``(N, size, size, C)``, are of this one's pictures.
    """
    network = unet.to_logits(learner)

    def grade(images: tf.Tensor, masks: tf.Tensor, share: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            logits = network(images, training=True)  # (N, S, S, C)
            value = loss(masks, logits)
        gradients = tape.gradient(value, learner.trainable_variables)
        if team.count > 1:
            value, *gradients = team.summed([share * one for one in (value, *gradients)])
            _agree(learner, share, team)
        return value, logits, gradients

    masks = tf.TensorSpec((None, size, size), tf.uint8)
    share = tf.TensorSpec((), tf.float32)
    signature = [unet.batch_of(size), masks, share]
    return tf.function(team.together(grade), input_signature=signature, autograph=False)


def _agree(learner: keras.Model, share: tf.Tensor, team: Team) -> None:
    """Make the running means and variances of batch normalisation those of the whole batch."""
    running = learner.non_trainable_weights
    means = team.summed([share * tf.convert_to_tensor(one) for one in running])
    for one, mean in zip(running, means, strict=True):
        one.assign(mean)


def applying(learner: keras.Model, kept: keras.Model, optimiser: keras.Optimizer) -> Callable:
    """Compile the update of the weights and of their running mean, once for all sizes.

    Returns:
        A function of the gradients, the learning rate and the share of the running mean that stays.
    """
    pairs = list(zip(kept.weights, learner.weights, strict=True))

    @tf.function(autograph=False)
    def apply(gradients: list[tf.Tensor], rate: tf.Tensor, momentum: tf.Tensor) -> None:
        optimiser.learning_rate.assign(rate)
        optimiser.apply(gradients, learner.trainable_variables)
        for mean, now in pairs:
            mean.assign(mean * momentum + now * (1 - momentum))

    return apply
