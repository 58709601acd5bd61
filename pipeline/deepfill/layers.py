"""The convolutions that every generator is made of, gated or plain, with their paddings.

Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019,
https://arxiv.org/abs/1806.03589. Module names are those of the published PyTorch weights.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.deepfill.layout import Layout

# Every gate starts near a half, so what passes a stage's sixteen layers soon is too faint to learn
# from. Twice as strong features make up for it exactly and are unsteady; this much learns fastest.
GAIN = 1.4
CAUTION = 0.1  # a network that corrects starts near the identity: its last weights are this small


class PlainConv(nn.Module):
    """A convolution and its activation, as in the first DeepFill.

    ``at_end`` pads one pixel at the right and the bottom in place of the convolution's own padding;
    ``reach`` is how many pixels away the input is that a result depends on.
    """

    GATES = 0  # for each feature

    def __init__(
        self, ins: int, outs: int, kernel: int = 3, *, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        pad = dilation * (kernel - 1) // 2
        self.conv = nn.Conv2d(ins, (1 + self.GATES) * outs, kernel, stride, pad, dilation)
        nn.init.kaiming_uniform_(self.conv.weight, nonlinearity="relu")
        nn.init.zeros_(self.conv.bias)
        self.activation = F.elu
        self.at_end = False
        self.reach = pad

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, ins, H, W)`` to ``(N, outs, H/stride, W/stride)``."""
        return self.activation(self.convolved(x))

    def convolved(self, x: Tensor) -> Tensor:
        """Return what the convolution alone gives."""
        return self.conv(F.pad(x, (0, 1, 0, 1)) if self.at_end else x)


class GatedConv(PlainConv):
    """A convolution whose features are multiplied by a gate learned beside them.

    The first half of the convolution's channels are features, the second half gates.
    """

    GATES = 1

    def __init__(
        self, ins: int, outs: int, kernel: int = 3, *, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__(ins, outs, kernel, stride=stride, dilation=dilation)
        with torch.no_grad():
            self.conv.weight[:outs] *= GAIN

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, ins, H, W)`` to ``(N, outs, H/stride, W/stride)``."""
        feature, gate = self.convolved(x).chunk(2, dim=1)
        return self.activation(feature) * torch.sigmoid(gate)


def unshortened(x: Tensor) -> Tensor:
    """Return numbers of 32 bits, or of more if they have more."""
    return x.float() if x.dtype in {torch.bfloat16, torch.float16} else x


def convolution(layout: Layout) -> type[PlainConv]:
    """Return the kind of convolution that the family is made of."""
    return GatedConv if layout.gated else PlainConv


def halving(ins: int, outs: int, layout: Layout) -> PlainConv:
    """Return a convolution of stride 2, padded as the family does; it takes even sides."""
    made = convolution(layout)(ins, outs, stride=2)
    if layout.padding == "same":
        made.conv.padding, made.at_end = (0, 0), True
    return made


class DoublingConv(nn.Module):
    """A convolution of the input repeated to twice its size."""

    def __init__(self, ins: int, outs: int, layout: Layout) -> None:
        super().__init__()
        self.conv = convolution(layout)(ins, outs)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, ins, H, W)`` to ``(N, outs, 2H, 2W)``."""
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class DownBlock(nn.Module):
    """Halve the resolution, then convolve."""

    def __init__(self, ins: int, middle: int, outs: int, layout: Layout) -> None:
        super().__init__()
        self.conv1_downsample = halving(ins, middle, layout)
        self.conv2 = convolution(layout)(middle, outs)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, ins, H, W)`` to ``(N, outs, H/2, W/2)``."""
        return self.conv2(self.conv1_downsample(x))


class UpBlock(nn.Module):
    """Double the resolution, then convolve."""

    def __init__(self, ins: int, middle: int, outs: int, layout: Layout) -> None:
        super().__init__()
        self.conv1_upsample = DoublingConv(ins, middle, layout)
        self.conv2 = convolution(layout)(middle, outs)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, ins, H, W)`` to ``(N, outs, 2H, 2W)``."""
        return self.conv2(self.conv1_upsample(x))


class ToColour(nn.Module):
    """The last convolution, gated in some families; bounded to -1..1.

    It is computed in full precision: the colours would show the steps of a shorter number.
    """

    def __init__(self, ins: int, layout: Layout, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(ins, 6 if layout.gated_rgb else 3, kernel, padding=kernel // 2)
        self.gated, self.clipped = layout.gated_rgb, layout.bound == "clip"
        if layout.fill == "smooth":
            nn.init.zeros_(self.conv.bias)
            with torch.no_grad():
                self.conv.weight.mul_(CAUTION)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, ins, H, W)`` to ``(N, 3, H, W)`` in -1..1."""
        with torch.autocast(x.device.type, enabled=False):
            x = self.conv(unshortened(x))
        if self.gated:
            feature, gate = x.chunk(2, dim=1)
            x = feature * torch.sigmoid(gate)
        return x.clamp(-1, 1) if self.clipped else torch.tanh(x)
