"""DeepFillv2's critic: six spectrally normalised convolutions that judge every patch."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2  # of the leaky rectifier, after every convolution including the last, as published


class Discriminator(nn.Module):
    """SN-PatchGAN: every position and channel of the last map is one judgement.

    Source: Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019, section 3.3.
    The published widths are 64, 128 and four times 256, hence ``width`` 64.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        outs = [width, 2 * width, *[4 * width] * 4]
        pairs = zip([4, *outs], outs, strict=False)
        self.convolutions = nn.ModuleList(
            spectral_norm(nn.Conv2d(ins, out, 5, stride=2, padding=2)) for ins, out in pairs
        )

    def forward(self, image: Tensor, hole: Tensor) -> Tensor:
        """Return judgements ``(N, 4 * width * H/64 * W/64)``, sides rounded up; high means real.

        Args:
            image: ``(N, 3, H, W)`` in -1..1, the hole painted in.
            hole: ``(N, 1, H, W)``, 1 in the hole.
        """
        x = torch.cat([image, hole], dim=1)  # (N, 4, H, W)
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), SLOPE)
        return x.flatten(1)
