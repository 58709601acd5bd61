"""DeepFillv2's generator: a coarse network, then one that refines with contextual attention.

Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019,
https://arxiv.org/abs/1806.03589. Module names are those of the published PyTorch weights, so that
their files load as they are. W is ``Layout.width``; ``g`` has W/2 features at full resolution.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.deepfill.attention import ContextualAttention
from pipeline.deepfill.layers import DownBlock, ToColour, UpBlock, convolution
from pipeline.deepfill.layout import RANGE, Layout
from pipeline.deepfill.smooth import spread
from pipeline.deepfill.straight import StraightNet

GREY = sum(RANGE) / 2


class CoarseNet(nn.Module):
    """The first stage: paints the hole roughly."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        w, conv = layout.width, convolution(layout)
        self.conv1 = conv(layout.inputs[0], w // 2, 5)
        self.down_block1 = DownBlock(w // 2, w, w, layout)
        self.down_block2 = DownBlock(w, 2 * w, 2 * w, layout)
        self.conv_bn1 = conv(2 * w, 2 * w)
        self.conv_bn2 = conv(2 * w, 2 * w, dilation=2)
        self.conv_bn3 = conv(2 * w, 2 * w, dilation=4)
        self.conv_bn4 = conv(2 * w, 2 * w, dilation=8)
        self.conv_bn5 = conv(2 * w, 2 * w, dilation=16)
        self.conv_bn6 = conv(2 * w, 2 * w)
        self.conv_bn7 = conv(2 * w, 2 * w)
        self.up_block1 = UpBlock(2 * w, w, w, layout)
        self.up_block2 = UpBlock(w, w // 2, w // 4, layout)
        self.conv_to_rgb = ToColour(w // 4, layout)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, 3, H, W)``."""
        x = self.conv1(x)  # (N, W/2, H, W)
        x = self.down_block2(self.down_block1(x))  # (N, 2W, H/4, W/4)
        x = self.conv_bn3(self.conv_bn2(self.conv_bn1(x)))
        x = self.conv_bn5(self.conv_bn4(x))
        x = self.conv_bn7(self.conv_bn6(x))
        x = self.up_block2(self.up_block1(x))  # (N, W/4, H, W)
        return self.conv_to_rgb(x)


class RefiningNet(nn.Module):
    """The second stage: one branch imagines, one copies from the surroundings, one joins them."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        w, ins, conv = layout.width, layout.inputs[1], convolution(layout)
        self.conv_conv1 = conv(ins, w // 2, 5)
        self.conv_down_block1 = DownBlock(w // 2, w // 2, w, layout)
        self.conv_down_block2 = DownBlock(w, w, 2 * w, layout)
        self.conv_conv_bn1 = conv(2 * w, 2 * w)
        self.conv_conv_bn2 = conv(2 * w, 2 * w, dilation=2)
        self.conv_conv_bn3 = conv(2 * w, 2 * w, dilation=4)
        self.conv_conv_bn4 = conv(2 * w, 2 * w, dilation=8)
        self.conv_conv_bn5 = conv(2 * w, 2 * w, dilation=16)
        self.ca_conv1 = conv(ins, w // 2, 5)
        self.ca_down_block1 = DownBlock(w // 2, w // 2, w, layout)
        self.ca_down_block2 = DownBlock(w, 2 * w, 2 * w, layout)
        self.ca_conv_bn1 = conv(2 * w, 2 * w)
        self.ca_conv_bn1.activation = F.relu
        self.contextual_attention = ContextualAttention(layout)
        self.ca_conv_bn4 = conv(2 * w, 2 * w)
        self.ca_conv_bn5 = conv(2 * w, 2 * w)
        self.conv_bn6 = conv(4 * w, 2 * w)
        self.conv_bn7 = conv(2 * w, 2 * w)
        self.up_block1 = UpBlock(2 * w, w, w, layout)
        self.up_block2 = UpBlock(w, w // 2, w // 4, layout)
        self.conv_to_rgb = ToColour(w // 4, layout)

    def forward(self, x: Tensor, hole: Tensor, *, near_only: bool) -> Tensor:
        """Map ``(N, inputs, H, W)`` and ``(N, 1, H, W)`` to ``(N, 3, H, W)``."""
        imagined = self._imagined(x)  # (N, 2W, H/4, W/4)
        copied = self.ca_conv1(x)  # (N, W/2, H, W)
        copied = self.ca_down_block2(self.ca_down_block1(copied))  # (N, 2W, H/4, W/4)
        copied = self.contextual_attention(self.ca_conv_bn1(copied), hole, near_only=near_only)
        copied = self.ca_conv_bn5(self.ca_conv_bn4(copied))  # (N, 2W, H/4, W/4)
        x = self.conv_bn6(torch.cat([imagined, copied], dim=1))
        x = self.up_block2(self.up_block1(self.conv_bn7(x)))  # (N, W/4, H, W)
        return self.conv_to_rgb(x)

    def _imagined(self, x: Tensor) -> Tensor:
        x = self.conv_conv1(x)  # (N, W/2, H, W)
        x = self.conv_down_block2(self.conv_down_block1(x))  # (N, 2W, H/4, W/4)
        x = self.conv_conv_bn3(self.conv_conv_bn2(self.conv_conv_bn1(x)))
        return self.conv_conv_bn5(self.conv_conv_bn4(x))


class Generator(nn.Module):
    """Both stages, behind one convention: pictures in -1..1, 1 in the mask is a hole.

    Attributes:
        notice: whose the weights are and what their licence asks; empty for this project's own.
    """

    notice = ""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        if layout.graph == "straight":
            self.stage1, self.stage2 = (StraightNet(ins, layout) for ins in layout.inputs)
        else:
            self.stage1, self.stage2 = CoarseNet(layout), RefiningNet(layout)

    def forward(
        self, image: Tensor, hole: Tensor, *, near_only: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Return what the coarse and the refining stage paint, over the whole picture.

        Args:
            image: ``(N, 3, H, W)`` in -1..1, both sides multiples of 8. What lies in the hole is
                never read.
            hole: ``(N, 1, H, W)``, 1 in the hole, 0 elsewhere; each sample has its own.
            near_only: let the attention paint near the hole only, which is much cheaper and the
                same in the hole; elsewhere the result is then worthless.

        Returns:
            Two of ``(N, 3, H, W)``, around -1..1.
        """
        start = self._start(image, hole)
        coarse = self._painted(self.stage1(self._input(start, hole, 0)), start)
        joined = torch.where(hole > 0, coarse, start)
        drawn = self.stage2(self._input(joined, hole, 1), hole, near_only=near_only)
        refined = self._painted(drawn, joined)
        return self._outer(coarse), self._outer(refined)

    def _start(self, image: Tensor, hole: Tensor) -> Tensor:
        if self.layout.fill == "smooth":
            return self._inner(spread(image, hole))
        level = GREY if self.layout.fill == "grey" else RANGE[1]
        return self._inner(torch.where(hole > 0, level, image))

    def _input(self, image: Tensor, hole: Tensor, stage: int) -> Tensor:
        extra = {3: [], 4: [hole], 5: [torch.ones_like(hole), hole]}
        return torch.cat([image, *extra[self.layout.inputs[stage]]], dim=1)

    def _painted(self, drawn: Tensor, base: Tensor) -> Tensor:
        return base + drawn if self.layout.fill == "smooth" else drawn

    def _inner(self, image: Tensor) -> Tensor:
        low, (below, above) = self.layout.low, RANGE
        return image if low == below else (image - below) / (above - below) * (1 - low) + low

    def _outer(self, image: Tensor) -> Tensor:
        low, (below, above) = self.layout.low, RANGE
        return image if low == below else (image - low) / (1 - low) * (above - below) + below


def painted_in(image: Tensor, hole: Tensor, painting: Tensor) -> Tensor:
    """Return the image, ``(N, 3, H, W)``, with the painting in its hole, ``(N, 1, H, W)``."""
    return torch.where(hole > 0, painting, image)
