"""The generator without attention: each stage is one chain of gated and normalised layers.

The network of the published weights of github.com/zhaoyuzhi/deepfillv2. There the gate comes before
normalisation and activation, kernels are 7 at both ends and 4 where the size is halved.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.deepfill.layers import ToColour
from pipeline.deepfill.layout import Layout

SLOPE = 0.2  # of the leaky rectifier below zero
DILATIONS = (1, 1, 2, 4, 8, 16, 1, 1)


class GatedThenNormed(nn.Module):
    """A gated convolution, then instance normalisation, then a leaky rectifier.

    The first half of the convolution's channels are features, the second half gates.
    """

    def __init__(self, conv: nn.Conv2d, *, normed: bool = True, doubles: bool = False) -> None:
        super().__init__()
        self.conv, self.normed, self.doubles = conv, normed, doubles

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, ins, H, W)`` to ``(N, outs, H', W')``: doubled first, if so, then convolved."""
        if self.doubles:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        feature, gate = self.conv(x).chunk(2, dim=1)
        x = feature * torch.sigmoid(gate)
        return F.leaky_relu(F.instance_norm(x) if self.normed else x, SLOPE)


class StraightNet(nn.Module):
    """One stage; W is ``Layout.width``."""

    def __init__(self, ins: int, layout: Layout) -> None:
        super().__init__()
        w = layout.width
        layers = [
            GatedThenNormed(nn.Conv2d(ins, w, 7, padding=3), normed=False),  # (N, W/2, H, W)
            GatedThenNormed(nn.Conv2d(w // 2, 2 * w, 4, 2, 1)),
            GatedThenNormed(nn.Conv2d(w, 4 * w, 3, padding=1)),
            GatedThenNormed(nn.Conv2d(2 * w, 4 * w, 4, 2, 1)),  # (N, 2W, H/4, W/4)
        ]
        layers += [
            GatedThenNormed(nn.Conv2d(2 * w, 4 * w, 3, padding=wide, dilation=wide))
            for wide in DILATIONS
        ]
        layers += [
            GatedThenNormed(nn.Conv2d(2 * w, 2 * w, 3, padding=1), doubles=True),
            GatedThenNormed(nn.Conv2d(w, 2 * w, 3, padding=1)),
            GatedThenNormed(nn.Conv2d(w, w, 3, padding=1), doubles=True),  # (N, W/2, H, W)
            ToColour(w // 2, layout, kernel=7),
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor, *_: object) -> Tensor:
        """Map ``(N, ins, H, W)`` to ``(N, 3, H, W)``, all of it: whole maps are normalised."""
        return self.layers(x)
