"""Train the generator against its critic, on crops without objects and holes cut into them."""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from torch import Tensor

from pipeline import holes
from pipeline.columns import Columns
from pipeline.deepfill.checkpoint import Checkpoint
from pipeline.deepfill.generator import Generator, painted_in
from pipeline.deepfill.losses import painting_loss
from pipeline.deepfill.recipe import TrainInpaintParams
from pipeline.deepfill.trainer import Trainer
from pipeline.errors import TrainingError

SHEET_ROWS = 8  # crops of a sheet of samples, at most
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

    def state(self) -> dict:
        """Return what decides the batches to come."""
        return self.rng.bit_generator.state

    def restore(self, state: dict) -> None:
        """Go on as if ``state`` had just been returned."""
        self.rng.bit_generator.state = state

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
    trainer: Trainer,
    examples: Examples,
    checks: list[tuple[Tensor, Tensor]],
    kept: Checkpoint | None = None,
) -> Iterator[dict[str, float]]:
    """Train, and yield a row of ``HISTORY`` each time ``report_every`` steps are done.

    Args:
        trainer: after the last row its ``averaged`` is the trained generator.
        examples: what to learn from.
        checks: batches for ``val_l1``; with none it is NaN.
        kept: where the state of each row is kept. If it holds one, its rows are yielded again and
            training goes on after them, with the same results as if it had never stopped.

    Raises:
        TrainingError: the loss is no longer a number.
    """
    params, rows = trainer.params, []
    done = _resumed(trainer, examples, kept)
    yield from list(done)
    for number in range(done[-1]["step"] if done else 0, params.steps):
        rows.append(trainer.step(number, *examples.batch(params.batch)))
        if not np.isfinite(rows[-1]["l1"]):
            raise TrainingError(
                f"training diverged at step {number + 1}; lower train_inpaint.learning_rate"
            )
        if len(rows) == params.report_every or number + 1 == params.steps:
            mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
            mean |= {"step": number + 1, "learning_rate": rows[-1]["learning_rate"]}
            done.append(mean | {"val_l1": hole_l1(trainer.averaged, checks)})
            if kept:
                kept.write({"rows": done, "trainer": trainer.state(), "order": examples.state()})
            yield done[-1]
            rows = []


def _resumed(trainer: Trainer, examples: Examples, kept: Checkpoint | None) -> list[dict]:
    """Put back the state that was kept, if one was, and return its rows."""
    state = kept.read() if kept else None
    if not state:
        return []
    trainer.restore(state["trainer"])
    examples.restore(state["order"])
    return state["rows"]


@torch.no_grad()
def sheet(generator: Generator, checks: list[tuple[Tensor, Tensor]]) -> np.ndarray:
    """Draw the first crops of the checks, a row each: with its hole grey, painted, and the truth.

    Returns:
        ``(rows * S, 3 * S, 3)`` uint8 RGB.
    """
    drawn = []
    for pictures, cut in checks:
        _, refined = generator(pictures.to(_device(generator)), cut.to(_device(generator)))
        painted = painted_in(pictures, cut, refined.cpu())
        drawn.append(torch.cat([pictures * (1 - cut), painted, pictures], dim=3))
        if sum(map(len, drawn)) >= SHEET_ROWS:
            break
    strips = torch.cat(drawn)[:SHEET_ROWS].permute(0, 2, 3, 1)  # (rows, S, 3 * S, 3) in -1..1
    levels = ((strips + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()
    return np.concatenate(list(levels))


def _device(generator: Generator) -> torch.device:
    return next(generator.parameters()).device


@torch.no_grad()
def hole_l1(generator: Generator, checks: list[tuple[Tensor, Tensor]]) -> float:
    """Return the mean absolute difference in the holes, -1..1 pictures; NaN without a batch."""
    device, losses = _device(generator), []
    for pictures, cut in ((pictures.to(device), cut.to(device)) for pictures, cut in checks):
        losses.append(painting_loss(generator(pictures, cut)[1], pictures, cut, 0.0).item())
    return float(np.mean(losses)) if losses else float("nan")


def mean_colour_l1(checks: list[tuple[Tensor, Tensor]]) -> float:
    """Return as ``hole_l1`` what the mean colour of the known pixels would score."""
    losses = []
    for pictures, cut in checks:
        known = 1 - cut
        mean = (pictures * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True)
        losses.append(painting_loss(mean.expand_as(pictures), pictures, cut, 0.0).item())
    return float(np.mean(losses)) if losses else float("nan")
