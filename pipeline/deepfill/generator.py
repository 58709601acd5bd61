"""DeepFillv2's generator: a coarse network, then one that refines with contextual attention.

Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019,
https://arxiv.org/abs/1806.03589. Module names are those of the published PyTorch weights, so that
their files load as they are. W is ``Layout.width``; ``g`` has W/2 features at full resolution.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.deepfill.attention import ContextualAttention
from pipeline.deepfill.edges import guide
from pipeline.deepfill.layers import DownBlock, ToColour, UpBlock, convolution
from pipeline.deepfill.layout import RANGE, Layout
from pipeline.deepfill.smooth import spread
from pipeline.deepfill.straight import StraightNet
from pipeline.deepfill.window import Window, through

GREY = sum(RANGE) / 2
CELL = 4  # pixels: the networks halve twice before their middle layers
ENCODER = 3  # cells that the layers before the middle reach: 11 pixels
DECODER = 3  # cells that those behind it reach: 3 pixels, then 2 of twice the size


class CoarseNet(nn.Module):
    """The first stage: paints the hole roughly."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        w, conv = layout.width, convolution(layout)
        self.conv1 = conv(layout.channels(0), w // 2, 5)
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

    def forward(self, x: Tensor, near: Window | None = None) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, 3, H, W)``.

        Args:
            x: the network's input.
            near: cells of 4 pixels in which the result is wanted; elsewhere it is zero. None for
                all.
        """
        out = near.grown(DECODER) if near else Window.whole(x[..., ::CELL, ::CELL])
        wide = [getattr(self, f"conv_bn{number}") for number in range(1, 8)]
        layers = [(layer, layer.reach) for layer in wide]
        seen = out.grown(sum(reach for _, reach in layers))
        start = seen.grown(ENCODER)
        x = self.conv1(start.cut(x, Window.whole(x[..., ::CELL, ::CELL])))  # (N, W/2, H, W)
        x = self.down_block2(self.down_block1(x))  # (N, 2W, H/4, W/4)
        x = through(layers, seen.cut(x, start), seen, out)
        x = self.up_block2(self.up_block1(x))  # (N, W/4, H, W)
        return out.placed(self.conv_to_rgb(x))


class RefiningNet(nn.Module):
    """The second stage: one branch imagines, one copies from the surroundings, one joins them."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        w, ins, conv = layout.width, layout.channels(1), convolution(layout)
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

    def forward(self, x: Tensor, hole: Tensor, near: Window | None = None) -> Tensor:
        """Map ``(N, inputs, H, W)`` and ``(N, 1, H, W)`` to ``(N, 3, H, W)``; ``near`` as above."""
        out = near.grown(DECODER) if near else Window.whole(x[..., ::CELL, ::CELL])
        join = [(self.conv_bn6, 1), (self.conv_bn7, 1)]
        joined = out.grown(len(join))
        copied = self._copied(x, hole, joined, near_only=near is not None)
        x = torch.cat([self._imagined(x, joined), copied], dim=1)
        x = through(join, x, joined, out)  # (N, 2W, H/4, W/4)
        x = self.up_block2(self.up_block1(x))  # (N, W/4, H, W)
        return out.placed(self.conv_to_rgb(x))

    def _imagined(self, x: Tensor, out: Window) -> Tensor:
        wide = [getattr(self, f"conv_conv_bn{number}") for number in range(1, 6)]
        layers = [(layer, layer.reach) for layer in wide]
        seen = out.grown(sum(reach for _, reach in layers))
        start = seen.grown(ENCODER)
        x = self.conv_conv1(start.cut(x, Window.whole(x[..., ::CELL, ::CELL])))  # (N, W/2, H, W)
        x = self.conv_down_block2(self.conv_down_block1(x))  # (N, 2W, H/4, W/4)
        return through(layers, seen.cut(x, start), seen, out)

    def _copied(self, x: Tensor, hole: Tensor, out: Window, *, near_only: bool) -> Tensor:
        x = self.ca_conv1(x)  # (N, W/2, H, W); of all there is, to copy from
        x = self.ca_down_block2(self.ca_down_block1(x))  # (N, 2W, H/4, W/4)
        x = self.contextual_attention(self.ca_conv_bn1(x), hole, near_only=near_only)
        return through([(self.ca_conv_bn4, 1), (self.ca_conv_bn5, 1)], x, Window.whole(x), out)


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
            self.stage1, self.stage2 = (StraightNet(layout.channels(n), layout) for n in (0, 1))
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
            near_only: paint near the holes only, which is much cheaper and the same in them;
                elsewhere the result is then worthless.

        Returns:
            Two of ``(N, 3, H, W)``, around -1..1.
        """
        start, near = self._start(image, hole), Window.around(hole, CELL) if near_only else None
        drawn = [guide(image, hole)] if self.layout.edges else []
        coarse = self._painted(self.stage1(self._input(start, [hole, *drawn], 0), near), start)
        joined = torch.where(hole > 0, coarse, start)
        change = self.stage2(self._input(joined, [hole, *drawn], 1), hole, near)
        refined = self._painted(change, joined)
        return self._outer(coarse), self._outer(refined)

    def _start(self, image: Tensor, hole: Tensor) -> Tensor:
        if self.layout.fill == "smooth":
            return self._inner(spread(image, hole))
        level = GREY if self.layout.fill == "grey" else RANGE[1]
        return self._inner(torch.where(hole > 0, level, image))

    def _input(self, image: Tensor, guides: list[Tensor], stage: int) -> Tensor:
        hole, *drawn = guides
        extra = {3: [], 4: [hole], 5: [torch.ones_like(hole), hole]}
        return torch.cat([image, *extra[self.layout.inputs[stage]], *drawn], dim=1)

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
