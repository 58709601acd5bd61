"""What the generator and the critic are trained by."""

from torch import Tensor
from torch.nn import functional as F


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss of the critic's judgements: real above 1 and fake below -1 cost nothing."""
    return 0.5 * F.relu(1 - real).mean() + 0.5 * F.relu(1 + fake).mean()


def deceit_loss(fake: Tensor) -> Tensor:
    """What the generator pays for judgements of its paintings: less the more real they look."""
    return -fake.mean()


def painting_loss(painting: Tensor, truth: Tensor, hole: Tensor, known: float) -> Tensor:
    """Mean absolute difference in the holes plus ``known`` times that elsewhere.

    Holes count by their pixels over all samples, so that a small one does not weigh more.

    Args:
        painting: ``(N, 3, H, W)`` in -1..1.
        truth: as ``painting``.
        hole: ``(N, 1, H, W)``, 1 in the hole.
        known: weight of the known pixels, which are thrown away but steady the training.
    """
    difference = (painting - truth).abs().mean(1, keepdim=True)  # (N, 1, H, W)
    outside = 1 - hole
    inside_mean = (difference * hole).sum() / hole.sum().clamp(min=1)
    return inside_mean + known * (difference * outside).sum() / outside.sum().clamp(min=1)
