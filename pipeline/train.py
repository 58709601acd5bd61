"""Photos and their masks -> a trained network, an epoch at a time."""

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import msgspec
import numpy as np

from pipeline import losses, photos, unet
from pipeline.augment import STILL, AugmentParams
from pipeline.errors import TrainingError
from pipeline.params import Params
from pipeline.photos import Photos
from pipeline.quiet import quietly
from pipeline.unet import Card

with quietly():
    import keras
    import tensorflow as tf

THRESHOLDS = np.arange(25, 80, 5) / 100  # tried on the valid split, about 0.5

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class TrainParams(Params):
    """How the network learns."""

    seed: Annotated[int, msgspec.Meta(ge=0)]  # of weights, order and augmentation
    threads: Count  # of TensorFlow; other counts give other last digits
    exclude: list[str]  # tags whose images are not trained on; read by the tag stage
    epochs: Count  # times each train image is seen
    batch: Count  # images a step
    small_size: Annotated[int, msgspec.Meta(ge=unet.STEP, multiple_of=unet.STEP)]  # pixels
    small_share: Share  # of the epochs, the first ones, at small_size
    learning_rate: Annotated[float, msgspec.Meta(gt=0)]  # highest, after the warm-up
    final_rate: Share  # of learning_rate, at the end of the cosine; 1 = constant
    warmup: Share  # of all steps
    weight_decay: Annotated[float, msgspec.Meta(ge=0)]  # a step, times the learning rate
    clip: Annotated[float, msgspec.Meta(ge=0)]  # longest gradient; 0 = any
    dice: Share  # of the Dice loss, the rest is cross entropy
    balance: Share  # rare labels weigh more; several categories only; 0 = alike
    ema: Annotated[float, msgspec.Meta(ge=0, lt=1)]  # of the weights' running mean; 0 = none
    augment: AugmentParams


def recipe(params: TrainParams, preset: Literal["default", "seed"]) -> TrainParams:
    """Return the parameters as the preset uses them.

    The report's recipe is part of its network: Adam at 0.001, cross entropy, no augmentation. With
    ``seed`` only ``seed``, ``threads``, ``epochs``, ``batch`` and ``balance`` are the user's.
    """
    if preset == "default":
        return params
    return msgspec.structs.replace(
        params, learning_rate=0.001, final_rate=1, warmup=0, weight_decay=0, clip=0, dice=0,
        ema=0, small_share=0, augment=STILL,
    )  # fmt: skip


def sizes(params: TrainParams, full: int) -> list[int]:
    """Return the side of each epoch's pictures: small ones first, where a step costs much less."""
    small = min(int(params.epochs * params.small_share), params.epochs - 1)
    return [min(params.small_size, full)] * small + [full] * (params.epochs - small)


def rate(step: int, steps: int, params: TrainParams) -> float:
    """Return the learning rate of a step, 0-based, of all ``steps``: a rise, then a cosine.

    Source:
        Loshchilov and Hutter, "SGDR", ICLR 2017, https://arxiv.org/abs/1608.03983.
    """
    warm = int(steps * params.warmup)
    if step < warm:
        return params.learning_rate * (step + 1) / (warm + 1)
    fall = (1 + np.cos(np.pi * (step - warm) / max(steps - warm, 1))) / 2
    return params.learning_rate * (params.final_rate + (1 - params.final_rate) * float(fall))


class Trainer:
    """One training: a network that learns, and another that keeps its weights' running mean."""

    def __init__(self, network: keras.Model, about: Card, params: TrainParams) -> None:
        """Take an untrained network; ``fit`` leaves the best weights in it.

        Args:
            network: of ``unet.build``.
            about: its card; the threshold is not read.
            params: of ``recipe``.

        Raises:
            TrainingError: there is no category to learn.
        """
        if len(about.labels) < 2:
            raise TrainingError("labels.csv names no category; annotate the images first")
        self.network, self.about, self.params = network, about, params
        self.labels = len(about.labels)
        self._learner = keras.models.clone_model(network)
        self._learner.set_weights(network.get_weights())
        self._step = 0

    def fit(self, train: Photos, valid: Photos) -> Iterator[dict]:
        """Yield a row an epoch, columns as ``tables.HISTORY``; then the network is the best one.

        Best is the highest overlap on valid among the epochs at full size; without valid images
        it is the last epoch.

        Args:
            train: at ``photos.source_side`` of the full size.
            valid: at full size; may be empty.

        Raises:
            TrainingError: there is nothing to train on, or the loss is no number any more.
        """
        if not len(train):
            raise TrainingError(
                "no train image is left; add images, or shorten train.exclude in params.yaml"
            )
        self._prepare(train)
        best, weights = -1.0, []
        views = {size: self._view(train, valid, size) for size in self._sizes}
        for epoch, size in enumerate(self._sizes, start=1):
            row = {"epoch": epoch, "size": size, **self._learn_from(views[size][0], epoch, size)}
            row |= self._judge(views[size][1])
            score = float(np.nan_to_num(row["val_iou"]))
            if size == self.about.size and score >= best:
                best, weights = score, self.network.get_weights()
            yield row
        self.network.set_weights(weights)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Return ``(N, S, S, C)`` float32 of the kept network for ``(N, S, S, 3)`` uint8."""
        look = self._look[images.shape[1]]
        parts = np.array_split(images, -(-len(images) // self.params.batch))
        return np.concatenate([look(unet.scaled(part, self.about)) for part in parts])

    def _prepare(self, train: Photos) -> None:
        self._sizes = sizes(self.params, self.about.size)
        optimiser = keras.optimizers.AdamW(
            self.params.learning_rate,
            weight_decay=self.params.weight_decay,
            global_clipnorm=self.params.clip or None,
        )
        optimiser.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        optimiser.build(self._learner.trainable_variables)
        self._weights = tf.constant(
            losses.label_weights(train.masks, self.labels, self.params.balance)
        )
        self._apply = _applying(self._learner, self.network, optimiser)
        self._grade, self._look = {}, {}
        for size in set(self._sizes):
            self._grade[size] = _grading(self._learner, self._loss, size)
            self._look[size] = unet.compiled(unet.to_logits(self.network), size)

    def _loss(self, masks: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        return losses.loss(masks, logits, self._weights, self.params.dice)

    def _view(self, train: Photos, valid: Photos, size: int) -> tuple[Photos, Photos]:
        side = photos.source_side(size, self.params.augment)
        return photos.resized(train, side), photos.resized(valid, size)

    def _learn_from(self, train: Photos, epoch: int, size: int) -> dict:
        """Train on every image once; return the row's measurements of it."""
        seed = [self.params.seed, epoch]
        lost, overlaps, now = 0.0, [], 0.0
        chosen = photos.batches(len(train), self.params.batch, seed)
        for indices in chosen:
            images, masks = photos.variations(train, indices, size, self.params.augment, seed)
            now = rate(self._step, len(chosen) * self.params.epochs, self.params)
            value, logits, gradients = self._grade[size](unet.scaled(images, self.about), masks)
            self._check(float(value), epoch)
            self._apply(gradients, np.float32(now), self._momentum())
            lost += float(value) * len(indices)
            overlaps.append(losses.ious(masks, self._decided(logits.numpy()), self.labels))
            self._step += 1
        iou = _mean(np.concatenate(overlaps))
        return {"learning_rate": now, "loss": lost / len(train), "iou": iou}

    def _momentum(self) -> np.float32:
        """Of the running mean; less at first, when the weights are still far from any good."""
        return np.float32(min(self.params.ema, (1 + self._step) / (10 + self._step)))

    def _check(self, value: float, epoch: int) -> None:
        if not np.isfinite(value):
            raise TrainingError(
                f"the loss of epoch {epoch} is {value}; lower train.learning_rate in params.yaml, "
                f"it is {self.params.learning_rate:g}"
            )

    def _judge(self, valid: Photos) -> dict:
        """Measure the kept network on valid; NaN without images."""
        if not len(valid):
            return {"val_loss": np.nan, "val_iou": np.nan}
        logits = self.logits(valid.images)
        value = float(self._loss(tf.constant(valid.masks), tf.constant(logits)))
        overlap = losses.ious(valid.masks, self._decided(logits), self.labels)
        return {"val_loss": value, "val_iou": _mean(overlap)}

    def _decided(self, logits: np.ndarray) -> np.ndarray:
        return unet.decided(logits, 0.0)  # a logit of 0 is a probability of 0.5


def _grading(learner: keras.Model, loss: Loss, size: int) -> Callable:
    """Compile loss, logits and gradients at one size, for batches of any length."""
    network = unet.to_logits(learner)
    masks = tf.TensorSpec((None, size, size), tf.uint8)

    @tf.function(input_signature=[unet.batch_of(size), masks], autograph=False)
    def grade(images: tf.Tensor, masks: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            logits = network(images, training=True)  # (N, S, S, C)
            value = loss(masks, logits)
        return value, logits, tape.gradient(value, learner.trainable_variables)

    return grade


def _applying(learner: keras.Model, kept: keras.Model, optimiser: keras.Optimizer) -> Callable:
    """Compile the update of the weights and of their running mean, once for all sizes."""
    pairs = list(zip(kept.weights, learner.weights, strict=True))

    @tf.function(autograph=False)
    def apply(gradients: list[tf.Tensor], rate: tf.Tensor, momentum: tf.Tensor) -> None:
        optimiser.learning_rate.assign(rate)
        optimiser.apply(gradients, learner.trainable_variables)
        for mean, now in pairs:
            mean.assign(mean * momentum + now * (1 - momentum))

    return apply


def threshold(trainer: Trainer, valid: Photos) -> float | None:
    """Choose the probability from which a pixel is the category: the best overlap on valid.

    Returns:
        0..1, the one nearest to 0.5 among equals, 0.5 without valid images; None where there are
        several categories, of which the likeliest wins.
    """
    if trainer.labels > 2:
        return None
    if not len(valid):
        return 0.5
    likely = 1 / (1 + np.exp(-trainer.logits(valid.images)))
    scores = [
        _mean(losses.ious(valid.masks, unet.decided(likely, limit), trainer.labels))
        for limit in THRESHOLDS
    ]
    return choose(THRESHOLDS, np.nan_to_num(scores))


def choose(limits: np.ndarray, scores: np.ndarray) -> float:
    """Return the limit of the highest score; of equals, the one nearest to 0.5."""
    best = limits[scores == scores.max()]
    return float(best[np.argmin(np.abs(best - 0.5))])


def _mean(values: np.ndarray) -> float:
    """Mean of what is a number; NaN, in silence, if nothing is."""
    numbers = values[~np.isnan(values)]
    return float(numbers.mean()) if len(numbers) else np.nan
