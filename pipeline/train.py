"""Photos and their masks -> a trained network, an epoch at a time."""

from collections.abc import Iterator
from functools import partial

import msgspec
import numpy as np

from pipeline import feeding, losses, outcomes, photos, states, steps, unet
from pipeline.errors import TrainingError
from pipeline.photos import Photos
from pipeline.quiet import quietly
from pipeline.recipes import TrainParams, rate, sizes
from pipeline.states import Kept
from pipeline.unet import Card
from pipeline.workers import ALONE, Team

with quietly():
    import keras
    import tensorflow as tf

THRESHOLDS = np.arange(25, 80, 5) / 100  # tried on the valid split, about 0.5


class Trainer:
    """One training: a network that learns, and another that keeps its weights' running mean."""

    def __init__(
        self, network: keras.Model, about: Card, params: TrainParams, team: Team = ALONE
    ) -> None:
        """Take a network as it begins; ``fit`` leaves the best weights in it.

        Args:
            network: of ``unet.build``, perhaps after ``starts.begin``.
            about: its card; the threshold is not read.
            params: of ``recipes.recipe``.
            team: the processes that train it together, each with these same arguments.

        Raises:
            TrainingError: there is no category to learn.
        """
        if len(about.labels) < 2:
            raise TrainingError("labels.csv names no category; annotate the images first")
        self.network, self.about, self.params, self.team = network, about, params, team
        self.labels = len(about.labels)
        self._learner = keras.models.clone_model(network)
        self._learner.set_weights(network.get_weights())
        self._optimiser = steps.optimiser(self._learner, params)
        self._sizes = sizes(params, about.size)
        self._best, self._rows = network.get_weights(), []

    def fit(self, train: Photos, valid: Photos, kept: Kept | None = None) -> Iterator[dict]:
        """Yield a row an epoch, columns as ``outcomes.HISTORY``; then the network is the best one.

        Best is the highest overlap on valid among the epochs at full size; without valid images
        it is the last epoch. After ``patience`` epochs that are no better it is over.

        Args:
            train: at ``photos.source_side`` of the full size.
            valid: at full size; may be empty.
            kept: where the state is written after each epoch. A training that finds its own state
                there yields the rows of the epochs that are done, and goes on to the same bytes.

        Raises:
            TrainingError: there is nothing to train on, or less than an image a process, or the
                loss is no number any more.
        """
        self._prepare(train)
        self._recall(kept)
        yield from list(self._rows)
        views = {size: self._view(train, valid, size) for size in self._sizes}
        for epoch in range(len(self._rows) + 1, self.params.epochs + 1):
            if self._enough():
                break
            size = self._sizes[epoch - 1]
            row = {"epoch": epoch, "size": size, **self._learn_from(views[size][0], epoch, size)}
            self._rows.append(row | self._judge(views[size][1]))
            if self._best_epoch() == epoch:
                self._best = self.network.get_weights()
            if kept is not None and self.team.rank == 0:
                kept.keep(self._state())
            yield self._rows[-1]
        self.network.set_weights(self._best)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Return ``(N, S, S, C)`` float32 of the kept network for ``(N, S, S, 3)`` uint8."""
        look = self._look[images.shape[1]]
        parts = np.array_split(images, -(-len(images) // self.params.batch))
        return np.concatenate([look(unet.scaled(part, self.about)) for part in parts])

    def digest(self, train: Photos, valid: Photos) -> str:
        """Return what tells this training from any other, before ``fit``; see ``states``."""
        words = [msgspec.json.encode(part) for part in (self.params, self.about)]
        shapes = repr((train.masks.shape, valid.masks.shape, self.team.count)).encode()
        data = [train.images, train.masks, valid.images, valid.masks]
        return states.digest([*words, shapes, *data, *self.network.get_weights()])

    def _prepare(self, train: Photos) -> None:
        if not len(train):
            raise TrainingError(
                "no train image is left; add images, or shorten train.exclude in params.yaml"
            )
        parts = photos.batches(len(train), self.params.batch, [0])
        if min(map(len, parts)) < self.team.count:
            raise TrainingError(
                f"{self.team.count} processes share batches of {min(map(len, parts))} images; "
                "raise train.batch in params.yaml, or start fewer"
            )
        self._weights = tf.constant(
            losses.label_weights(train.masks, self.labels, self.params.balance)
        )
        self._apply = steps.applying(self._learner, self.network, self._optimiser)
        self._grade, self._look = {}, {}
        for size in set(self._sizes):
            self._grade[size] = steps.grading(self._learner, self._loss, size, self.team)
            self._look[size] = unet.compiled(unet.to_logits(self.network), size)

    def _loss(self, masks: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        return losses.loss(masks, logits, self._weights, self.params.dice, self.params.lovasz)

    def _view(self, train: Photos, valid: Photos, size: int) -> tuple[Photos, Photos]:
        side = photos.source_side(size, self.params.augment)
        return photos.resized(train, side), photos.resized(valid, size)

    def _learn_from(self, train: Photos, epoch: int, size: int) -> dict:
        """Train on every image once; return the row's measurements of it."""
        seed = [self.params.seed, epoch]
        lost, overlaps, now = 0.0, [], 0.0
        chosen = photos.batches(len(train), self.params.batch, seed)
        make = partial(self._batch, train, size, seed)
        batches = feeding.ahead(make, map(self.team.share, chosen), self.params.threads)
        for at, (images, masks) in enumerate(batches):
            step, whole = (epoch - 1) * len(chosen) + at, len(chosen[at])
            now = rate(step, len(chosen) * self.params.epochs, self.params)
            share = np.float32(len(images) / whole)
            value, logits, gradients = self._grade[size](images, masks, share)
            self._check(float(value), epoch)
            self._apply(gradients, np.float32(now), self._momentum(step))
            lost += float(value) * whole
            overlaps.append(losses.ious(masks, self._decided(logits.numpy()), self.labels))
        iou = _mean(np.concatenate(overlaps), self.team)
        return {"learning_rate": now, "loss": lost / len(train), "iou": iou}

    def _batch(
        self, train: Photos, size: int, seed: list[int], indices: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        images, masks = photos.variations(train, indices, size, self.params.augment, seed)
        return unet.scaled(images, self.about), masks

    def _momentum(self, step: int) -> np.float32:
        """Of the running mean; less at first, when the weights are still far from any good."""
        return np.float32(min(self.params.ema, (1 + step) / (10 + step)))

    def _check(self, value: float, epoch: int) -> None:
        if not np.isfinite(value):
            raise TrainingError(
                f"the loss of epoch {epoch} is {value}; lower train.learning_rate in params.yaml "
                "(train.fresh_rate where the last layer begins anew), "
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

    def _best_epoch(self) -> int:
        """Return the last of the best full-size epochs that are done; 0 if none is."""
        return max(self._scores(), default=(0.0, 0))[1]

    def _enough(self) -> bool:
        """Say whether the best score at full size is ``patience`` epochs old."""
        scores = self._scores()
        if not self.params.patience or not scores:
            return False
        best = max(score for score, _ in scores)
        first = min(epoch for score, epoch in scores if score == best)
        return len(self._rows) - first >= self.params.patience

    def _scores(self) -> list[tuple[float, int]]:
        full = [row for row in self._rows if row["size"] == self.about.size]
        return [(float(np.nan_to_num(row["val_iou"])), row["epoch"]) for row in full]

    def _state(self) -> dict[str, np.ndarray]:
        """Return all that the coming epochs depend on; chance is drawn from their numbers alone."""
        arrays = [*(np.asarray(one.numpy()) for one in self._variables()), *self._best]
        rows = np.array([list(map(float, row.values())) for row in self._rows])  # (epochs, 7)
        return {"rows": rows, **{str(place): array for place, array in enumerate(arrays)}}

    def _recall(self, kept: Kept | None) -> None:
        """Go to where the state of process 0 says; stay at the beginning if there is none."""
        state = kept.recall() if kept is not None and self.team.rank == 0 else None
        if state is None and self.team.strategy is None:
            return
        state = state or self._state()
        (epochs,) = self.team.leaders([np.int64(len(state["rows"]))])
        rows = state["rows"] if self.team.rank == 0 else np.zeros((epochs, len(outcomes.HISTORY)))
        arrays = [state[str(place)] for place in range(len(state) - 1)]
        rows, *arrays = self.team.leaders([np.reshape(rows, (-1, len(outcomes.HISTORY))), *arrays])
        variables = self._variables()
        for variable, array in zip(variables, arrays, strict=False):
            variable.assign(array)
        self._best = arrays[len(variables) :]
        self._rows = [_row(values) for values in rows]

    def _variables(self) -> list[keras.Variable]:
        # All of the learner's, as an encoder's dropout has the state of its generator there.
        return [*self._learner.variables, *self.network.weights, *self._optimiser.variables]


def _row(values: np.ndarray) -> dict:
    """Return an epoch's numbers under the names of ``outcomes.HISTORY``."""
    kinds = outcomes.HISTORY.dtypes().items()
    return {
        name: int(value) if kind == "int64" else float(value)
        for (name, kind), value in zip(kinds, values, strict=True)
    }


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


def _mean(values: np.ndarray, team: Team = ALONE) -> float:
    """Mean of all that is a number, in all processes; NaN, in silence, if nothing is."""
    numbers = values[~np.isnan(values)]
    total, count = team.totals([np.float64(numbers.sum()), np.float64(len(numbers))])
    return float(total / count) if count else np.nan
