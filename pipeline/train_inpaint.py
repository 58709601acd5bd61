"""Train the generator against its critic, on crops without objects and holes cut into them."""

import copy
from collections.abc import Iterator
from typing import Annotated

import cv2
import numpy as np
import torch
from msgspec import Meta, field
from torch import Tensor

from pipeline import holes
from pipeline.deepfill.discriminator import Discriminator
from pipeline.deepfill.generator import Generator, painted_in
from pipeline.deepfill.losses import critic_loss, deceit_loss, painting_loss
from pipeline.errors import TrainingError
from pipeline.params import Params
from pipeline.tables import Columns

Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]

HISTORY = Columns(
    {
        "step": ("int64", "from 1, the last of those averaged in the row"),
        "learning_rate": ("float64", "of the generator, at that step"),
        "l1": ("float64", "mean absolute difference in the holes, of pictures in -1..1"),
        "deceit": ("float64", "what the generator pays to the critic; 0 before the critic enters"),
        "critic": ("float64", "hinge loss of the critic; 1 cannot tell, 0 always can"),
        "val_l1": ("float64", "as l1, of the averaged weights on crops of the valid split"),
    }
)


class TrainInpaintParams(Params):
    """How the generator is trained; ``params.yaml`` section ``train_inpaint``."""

    start: str = field(name="from")  # embedded, none = random weights, or a .safetensors' path
    seed: Annotated[int, Meta(ge=0)]
    threads: Count  # another number gives other rounding, so it is fixed here
    crop: Annotated[int, Meta(ge=32, multiple_of=8)]  # side of a training picture, pixels
    crops_per_image: Count
    batch: Count
    steps: Annotated[int, Meta(ge=0)]  # 0 = the starting weights are passed on as they are
    warmup: Share  # of the steps, while the learning rate rises
    learning_rate: Positive  # of the generator, at its highest
    critic_learning_rate: Positive
    critic_width: Count  # the published critic has 64
    critic_from: Share  # of the steps, after which the critic enters
    deceit_weight: Annotated[float, Meta(ge=0)]
    coarse_weight: Annotated[float, Meta(ge=0)]
    known_weight: Annotated[float, Meta(ge=0)]
    brush_share: Share  # of the holes that are brush strokes; the others have an object's outline
    smallest_hole: Share  # longer side of an object-shaped hole, share of the crop
    largest_hole: Share
    smallest_outline: Annotated[int, Meta(ge=2)]  # longer side of an outline worth using, pixels
    average: Share  # of the averaged weights that a step keeps
    report_every: Count  # steps a row of the history
    checks: Annotated[int, Meta(ge=0)]  # crops of the valid split that a row is checked on


def bare_crops(
    image: np.ndarray, mask: np.ndarray, params: TrainInpaintParams, rng: np.random.Generator
) -> np.ndarray:
    """Return squares of an image that hold no object, at sizes from ``crop`` to the largest free.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        mask: ``(H, W)`` uint8 labels.
        params: how many and how large.
        rng: chooses size and place.

    Returns:
        ``(K, crop, crop, 3)`` uint8, scaled down by area; K is ``crops_per_image``, or 0 if there
        is no free square of that side.
    """
    side = params.crop
    smallest = holes.bare_squares(mask, side)
    found = []
    for _ in range(params.crops_per_image if len(smallest) else 0):
        wanted = round(side * (min(mask.shape) / side) ** rng.random())
        places = holes.bare_squares(mask, wanted)
        if not len(places):
            wanted, places = side, smallest
        top, left = places[rng.integers(len(places))]
        square = image[top : top + wanted, left : left + wanted]
        found.append(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA))
    return np.array(found, np.uint8).reshape(-1, side, side, 3)


class Examples:
    """Endless batches of pictures and holes, the same for the same seed."""

    def __init__(
        self, crops: np.ndarray, shapes: list[np.ndarray], params: TrainInpaintParams, seed: int
    ) -> None:
        """Keep the sources.

        Args:
            crops: ``(K, S, S, 3)`` uint8 RGB without objects.
            shapes: outlines of objects, each ``(h, w)`` bool; with none all holes are strokes.
            params: the mixture of holes.
            seed: decides the order.

        Raises:
            TrainingError: there is no crop.
        """
        if not len(crops):
            raise TrainingError(
                f"no image has a square of {params.crop} pixels without objects to learn from; "
                "lower train_inpaint.crop, or give images with more bare ground"
            )
        self.crops, self.shapes, self.params = crops, shapes, params
        self.rng = np.random.default_rng(seed)

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """Return pictures ``(size, 3, S, S)`` in -1..1 and holes ``(size, 1, S, S)``, 1 = hole."""
        return self.cut(self.rng.integers(len(self.crops), size=size))

    def cut(self, chosen: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return these crops, mirrored at random, each with a hole; as ``batch``."""
        mirrored = self.rng.random((len(chosen), 1, 1, 1)) < 0.5
        crops = self.crops[chosen]
        crops = np.where(mirrored, crops[:, :, ::-1], crops)
        cut = np.stack([self._hole() for _ in chosen])[:, None]
        pictures = torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2)))
        return pictures.float() / 127.5 - 1, torch.from_numpy(cut).float()

    def _hole(self) -> np.ndarray:
        params = self.params
        if not self.shapes or self.rng.random() < params.brush_share:
            return holes.brush(params.crop, self.rng)
        shape = self.shapes[self.rng.integers(len(self.shapes))]
        share = (params.smallest_hole, params.largest_hole)
        return holes.placed(shape, params.crop, share, self.rng)


class Trainer:
    """The generator, its running average, the critic, and their optimisers."""

    def __init__(self, generator: Generator, params: TrainInpaintParams) -> None:
        self.params = params
        self.generator = generator.train().requires_grad_()  # loaded ones are frozen
        self.averaged = copy.deepcopy(generator).requires_grad_(requires_grad=False)
        self.critic = Discriminator(params.critic_width)
        self.adam = _adam(generator, params.learning_rate)
        self.critic_adam = _adam(self.critic, params.critic_learning_rate)

    def step(self, number: int, pictures: Tensor, cut: Tensor) -> dict[str, float]:
        """Learn from one batch; ``number`` counts from 0.

        Returns:
            ``learning_rate, l1, deceit, critic`` as ``HISTORY``.
        """
        rate = self.params.learning_rate * pace(number, self.params.steps, self.params.warmup)
        for group in self.adam.param_groups:
            group["lr"] = rate
        coarse, refined = self.generator(pictures, cut)
        painted = painted_in(pictures, cut, refined)
        judged = number >= self.params.critic_from * self.params.steps
        judging = self._teach_critic(pictures, painted.detach(), cut) if judged else 1.0
        deceit = deceit_loss(self.critic(painted, cut)) if judged else refined.new_zeros(())
        known = self.params.known_weight
        refining = painting_loss(refined, pictures, cut, known)
        roughing = painting_loss(coarse, pictures, cut, known)
        total = refining + self.params.coarse_weight * roughing + self.params.deceit_weight * deceit
        _descend(self.adam, total)
        self._remember(number)
        l1 = painting_loss(refined.detach(), pictures, cut, 0.0)
        return {
            "learning_rate": rate,
            "l1": l1.item(),
            "deceit": deceit.item(),
            "critic": float(judging),
        }

    def _teach_critic(self, real: Tensor, fake: Tensor, cut: Tensor) -> Tensor:
        loss = critic_loss(self.critic(real, cut), self.critic(fake, cut))
        _descend(self.critic_adam, loss)
        return loss.detach()

    def _remember(self, number: int) -> None:
        # A young average would otherwise be mostly the random start.
        keep = min(self.params.average, (1 + number) / (10 + number))
        with torch.no_grad():
            pairs = zip(self.averaged.parameters(), self.generator.parameters(), strict=True)
            for mean, now in pairs:
                mean.lerp_(now, 1 - keep)


def pace(number: int, steps: int, warmup: float) -> float:
    """Return the share of the highest learning rate at a step: a rise, then half a cosine to 0."""
    done = number / steps
    if done < warmup:
        return (number + 1) / (warmup * steps + 1)
    return 0.5 + 0.5 * np.cos(np.pi * (done - warmup) / (1 - warmup)) if warmup < 1 else 1.0


def checks(
    crops: np.ndarray, shapes: list[np.ndarray], params: TrainInpaintParams
) -> list[tuple[Tensor, Tensor]]:
    """Return crops spread over all of them, each with a hole, in batches; none without crops."""
    if not len(crops):
        return []
    examples = Examples(crops, shapes, params, params.seed)
    order = np.linspace(0, len(crops) - 1, min(params.checks, len(crops))).astype(int)
    starts = range(0, len(order), params.batch)
    return [examples.cut(order[start : start + params.batch]) for start in starts]


def fit(
    trainer: Trainer, examples: Examples, checks: list[tuple[Tensor, Tensor]]
) -> Iterator[dict[str, float]]:
    """Train, and yield a row of ``HISTORY`` each time ``report_every`` steps are done.

    Args:
        trainer: after the last row its ``averaged`` is the trained generator.
        examples: what to learn from.
        checks: batches for ``val_l1``; with none it is NaN.

    Raises:
        TrainingError: the loss is no longer a number.
    """
    params, rows = trainer.params, []
    for number in range(params.steps):
        rows.append(trainer.step(number, *examples.batch(params.batch)))
        if not np.isfinite(rows[-1]["l1"]):
            raise TrainingError(
                f"training diverged at step {number + 1}; lower train_inpaint.learning_rate"
            )
        if len(rows) == params.report_every or number + 1 == params.steps:
            mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
            yield {
                **mean,
                "step": number + 1,
                "learning_rate": rows[-1]["learning_rate"],
                "val_l1": hole_l1(trainer.averaged, checks),
            }
            rows = []


@torch.no_grad()
def hole_l1(generator: Generator, checks: list[tuple[Tensor, Tensor]]) -> float:
    """Return the mean absolute difference in the holes, -1..1 pictures; NaN without a batch."""
    losses = [
        painting_loss(generator(pictures, cut)[1], pictures, cut, 0.0).item()
        for pictures, cut in checks
    ]
    return float(np.mean(losses)) if losses else float("nan")


def mean_colour_l1(checks: list[tuple[Tensor, Tensor]]) -> float:
    """Return as ``hole_l1`` what the mean colour of the known pixels would score."""
    losses = []
    for pictures, cut in checks:
        known = 1 - cut
        mean = (pictures * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True)
        losses.append(painting_loss(mean.expand_as(pictures), pictures, cut, 0.0).item())
    return float(np.mean(losses)) if losses else float("nan")


def _adam(network: torch.nn.Module, rate: float) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=rate, betas=(0.5, 0.999))


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
