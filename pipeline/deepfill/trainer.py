"""One step of training: the generator against its critic, and its running average.

On a GPU the networks compute in bfloat16 where that is safe, as PyTorch's autocast decides; losses
and weights stay in single precision.
"""

import copy

import numpy as np
import torch
from torch import Tensor

from pipeline.deepfill.discriminator import Discriminator
from pipeline.deepfill.generator import Generator, painted_in
from pipeline.deepfill.losses import critic_loss, deceit_loss, painting_loss
from pipeline.deepfill.recipe import TrainInpaintParams


class Trainer:
    """The generator, its running average, the critic, and their optimisers.

    On a GPU if there is one; ``generator`` is moved there.
    """

    def __init__(self, generator: Generator, params: TrainInpaintParams) -> None:
        self.params = params
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        generator.to(self.device)
        self.generator = generator.train().requires_grad_()  # loaded ones are frozen
        self.averaged = copy.deepcopy(generator).requires_grad_(requires_grad=False)
        self.critic = Discriminator(params.critic_width).to(self.device)
        self.adam = _adam(generator, params.learning_rate)
        self.critic_adam = _adam(self.critic, params.critic_learning_rate)

    def step(self, number: int, pictures: Tensor, cut: Tensor) -> dict[str, float]:
        """Learn from one batch; ``number`` counts from 0.

        Returns:
            ``learning_rate, l1, deceit, critic`` as ``HISTORY``.
        """
        share = pace(number, self.params.steps, self.params.warmup)
        rate = float(self.params.learning_rate * share)
        for group in self.adam.param_groups:
            group["lr"] = rate
        pictures, cut = pictures.to(self.device), cut.to(self.device)
        with self._mixed():
            coarse, refined = (made.float() for made in self.generator(pictures, cut))
        painted = painted_in(pictures, cut, refined)
        judged = number >= self.params.critic_from * self.params.steps
        judging = self._teach_critic(pictures, painted.detach(), cut) if judged else 1.0
        deceit = deceit_loss(self._judged(painted, cut)) if judged else refined.new_zeros(())
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
        loss = critic_loss(self._judged(real, cut), self._judged(fake, cut))
        _descend(self.critic_adam, loss)
        return loss.detach()

    def _judged(self, image: Tensor, cut: Tensor) -> Tensor:
        with self._mixed():
            return self.critic(image, cut).float()

    def _mixed(self) -> torch.autocast:
        on_gpu = self.device.type == "cuda"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=on_gpu)

    def state(self) -> dict:
        """Return all that the next step depends on, as ``restore`` takes it."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def restore(self, state: dict) -> None:
        """Go on as if ``state`` had just been returned."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, torch.nn.Module | torch.optim.Optimizer]:
        names = ("generator", "averaged", "critic", "adam", "critic_adam")
        return {name: getattr(self, name) for name in names}

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


def _adam(network: torch.nn.Module, rate: float) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=rate, betas=(0.5, 0.999))


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
