"""Spread the surroundings of a hole smoothly into it."""

import torch
from torch import Tensor
from torch.nn import functional as F

SWEEPS = 6  # of averaging at each scale; more change no grey level by more than one or two


def spread(image: Tensor, hole: Tensor) -> Tensor:
    """Return the image with its hole filled by averages of what surrounds it.

    Each scale is filled from the next coarser one and then relaxed towards the membrane that
    hangs on the hole's edge (Laplace's equation, solved from coarse to fine).

    Args:
        image: ``(N, C, H, W)``; what lies in the hole is never read.
        hole: ``(N, 1, H, W)``, 1 in the hole, 0 elsewhere.

    Returns:
        ``(N, C, H, W)``; known pixels as they came, zero where nothing at all is known.
    """
    known = 1 - hole
    bare = image * known
    if min(image.shape[2:]) < 2:
        mean = bare.sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True).clamp(min=1)
        return bare + mean * hole
    weight = F.avg_pool2d(known, 2, ceil_mode=True, count_include_pad=False)
    coarse = F.avg_pool2d(bare, 2, ceil_mode=True, count_include_pad=False)
    coarse = coarse / weight.clamp(min=1e-6)
    filled = spread(coarse, (weight == 0).to(hole.dtype))
    filled = F.interpolate(filled, image.shape[2:], mode="bilinear", align_corners=False)
    return _relaxed(torch.where(hole > 0, filled, image), hole)


def _relaxed(image: Tensor, hole: Tensor) -> Tensor:
    inside = hole > 0
    for _ in range(SWEEPS):
        around = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, 1)
        image = torch.where(inside, around, image)
    return image
