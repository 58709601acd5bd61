"""How a network learns: the values a user may turn, and the size and rate of each step."""

from typing import Annotated, Literal

import msgspec
import numpy as np

from pipeline.augment import STILL, AugmentParams
from pipeline.params import Params
from pipeline.unet import STEP

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class TrainParams(Params):
    """How the network learns."""

    seed: Annotated[int, msgspec.Meta(ge=0)]  # of weights, order and augmentation
    threads: Count  # of TensorFlow; other counts give other last digits
    exclude: list[str]  # tags whose images are not trained on; read by the tag stage
    epochs: Count  # times each train image is seen
    fresh_epochs: Count  # the same, where the last layer begins anew
    fresh_steps: Annotated[int, msgspec.Meta(ge=0)]  # the fewest then
    patience: Annotated[int, msgspec.Meta(ge=0)]  # full-size epochs without a better one; 0 = any
    batch: Count  # images a step
    small_size: Annotated[int, msgspec.Meta(ge=STEP, multiple_of=STEP)]  # pixels
    small_share: Share  # of the epochs, the first ones, at small_size
    learning_rate: Annotated[float, msgspec.Meta(gt=0)]  # highest, after the warm-up
    fresh_rate: Annotated[float, msgspec.Meta(gt=0)]  # the same, where the last layer begins anew
    final_rate: Share  # of learning_rate, at the end of the cosine; 1 = constant
    warmup: Share  # of all steps
    weight_decay: Annotated[float, msgspec.Meta(ge=0)]  # a step, times the learning rate
    clip: Annotated[float, msgspec.Meta(ge=0)]  # longest gradient; 0 = any
    dice: Share  # of the Dice loss
    lovasz: Share  # of the Lovász loss; what the two leave is cross entropy
    balance: Share  # rare labels weigh more; several categories only; 0 = alike
    ema: Annotated[float, msgspec.Meta(ge=0, lt=1)]  # of the weights' running mean; 0 = none
    augment: AugmentParams

    def __post_init__(self) -> None:
        """Refuse losses that are more than the whole.

        Raises:
            ValueError: ``dice`` and ``lovasz`` are; ``params.load`` makes it a ``ParamsError``.
        """
        if self.dice + self.lovasz > 1:
            raise ValueError(f"dice {self.dice:g} and lovasz {self.lovasz:g} are more than 1")


def recipe(
    params: TrainParams, preset: Literal["default", "seed"], fresh: int | None
) -> TrainParams:
    """Return the parameters as the preset uses them.

    The report's recipe is part of its network: Adam at 0.001, cross entropy, no augmentation. With
    ``seed`` only ``seed``, ``threads``, ``fresh_epochs``, ``fresh_steps``, ``patience``, ``batch``
    and ``balance`` are the user's.

    Args:
        params: as the user has them.
        preset: the network's.
        fresh: None, or how many images are learned from by a network whose last layer, at least,
            knows nothing yet: for ``fresh_epochs``, and ``fresh_steps`` at least, at
            ``fresh_rate``, which the result has as ``epochs`` and ``learning_rate``.
    """
    if fresh is not None:
        steps = max(1, -(-fresh // params.batch))  # an epoch's
        epochs = max(params.fresh_epochs, -(-params.fresh_steps // steps))
        params = msgspec.structs.replace(params, epochs=epochs, learning_rate=params.fresh_rate)
    if preset == "default":
        return params
    return msgspec.structs.replace(
        params, learning_rate=0.001, final_rate=1, warmup=0, weight_decay=0, clip=0, dice=0,
        lovasz=0, ema=0, small_share=0, augment=STILL,
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
