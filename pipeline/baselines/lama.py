"""LaMa, as the TorchScript program that is published.

Suvorov et al., "Resolution-robust large mask inpainting with Fourier convolutions", WACV 2022,
https://arxiv.org/abs/2109.07161.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from pipeline.errors import WeightsError


class Lama(nn.Module):
    """The program behind our convention: it takes RGB and mask in 0..1, and gives RGB in 0..1."""

    def __init__(self, program: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.program = program

    def forward(
        self, image: Tensor, hole: Tensor, *, near_only: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Paint, as ``Generator.forward`` does; both of what is returned are the painting."""
        del near_only
        bare = torch.where(hole > 0, 0.0, (image + 1) / 2)
        with torch.autocast(
            image.device.type, enabled=False
        ):  # its Fourier transforms need 32 bits
            painting = self.program(bare, hole).clamp(0, 1) * 2 - 1
        return painting, painting


def load(path: Path) -> Lama:
    """Read the program. Unlike weights it is run, so take it only from whom you trust.

    Raises:
        WeightsError: the file is missing, or no TorchScript.
    """
    if not path.is_file():
        raise WeightsError(f"{path} does not exist; inpaint.baselines.lama names big-lama.pt")
    try:
        program = torch.jit.load(path, map_location="cpu")
    except (RuntimeError, ValueError) as error:
        first = str(error).strip().split("\n")[0][:120]
        raise WeightsError(f"{path} is no TorchScript program ({first})") from error
    return Lama(program.eval())
