"""Partial convolutions: only known pixels count, and what they reach becomes known.

Liu et al., "Image inpainting for irregular holes using partial convolutions", ECCV 2018,
https://arxiv.org/abs/1804.07723.
"""

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.deepfill import tensors
from pipeline.errors import WeightsError

# Features of the encoder and kernels of its layers; naoto0804's has 512 to the end.
FEATURES = (3, 64, 128, 256, 512, 512, 512, 512, 512)
KERNELS = (7, 5, 5)  # 3 for the others
SLOPE = 0.2  # of the decoder's rectifier below zero
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, RGB in 0..1
COUNTS = ".mask2d."  # constants that one implementation keeps among its weights


class PartialConv(nn.Module):
    """A convolution of what is known, made up for what is not.

    Args:
        ins: channels, in groups that each share a mask.
        outs: channels.
        kernel: side.
        stride: of the window.
        scaled: sums grow by the window's size over the known part of it, as published. One
            implementation leaves the window's size out, so that its weights are larger by it.
    """

    def __init__(
        self, ins: tuple[int, ...], outs: int, kernel: int, stride: int, *, scaled: bool
    ) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(sum(ins), outs, kernel, stride, kernel // 2)
        self.ins, self.scaled = ins, scaled

    def forward(self, x: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and their mask.

        Args:
            x: ``(N, sum(ins), H, W)``.
            masks: ``(N, groups, H, W)``, 1 where known, 0 elsewhere.

        Returns:
            ``(N, outs, H', W')``, zero where a window holds nothing known, and ``(N, 1, H', W')``.
        """
        conv, side = self.conv2d, self.conv2d.kernel_size[0]
        groups = torch.tensor(self.ins, device=x.device)
        every = masks.repeat_interleave(groups, dim=1)  # (N, sum(ins), H, W)
        raw = F.conv2d(x * every, conv.weight, None, conv.stride, conv.padding)
        weight = groups.to(x.dtype).view(1, -1, 1, 1).expand(1, -1, side, side)
        count = F.conv2d(masks, weight, None, conv.stride, conv.padding)  # (N, 1, H', W')
        window = sum(self.ins) * side**2 if self.scaled else 1
        made = raw * (window / count.clamp(min=1)) + conv.bias.view(1, -1, 1, 1)
        return torch.where(count > 0, made, 0), (count > 0).to(x.dtype)


class Block(nn.Module):
    """A partial convolution, normalised if so, and a rectifier; ``slope`` 1 is none."""

    def __init__(self, conv: PartialConv, *, normed: bool, slope: float) -> None:
        super().__init__()
        self.conv, self.slope = conv, slope
        if normed:
            self.bn = nn.BatchNorm2d(conv.conv2d.out_channels)
        self.normed = normed

    def forward(self, x: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Map as ``PartialConv``."""
        x, mask = self.conv(x, masks)
        return F.leaky_relu(self.bn(x) if self.normed else x, self.slope), mask


class PartialUNet(nn.Module):
    """The U-Net of partial convolutions; layers are named as in the published weights."""

    def __init__(self, depth: int = 7, *, scaled: bool = True) -> None:
        super().__init__()
        self.depth = depth
        for level, (ins, outs) in enumerate(pairwise(FEATURES[: depth + 1]), start=1):
            kernel = (*KERNELS, 3, 3, 3, 3, 3)[level - 1]
            down = PartialConv((ins,), outs, kernel, 2, scaled=scaled)
            self.add_module(f"enc_{level}", Block(down, normed=level > 1, slope=0.0))
            up = PartialConv((outs, ins), ins, 3, 1, scaled=scaled)
            slope = SLOPE if level > 1 else 1.0
            self.add_module(f"dec_{level}", Block(up, normed=level > 1, slope=slope))
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer(
            "deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False
        )

    def forward(
        self, image: Tensor, hole: Tensor, *, near_only: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Paint, as ``Generator.forward`` does; both of what is returned are the painting."""
        del near_only
        height, width = hole.shape[2:]
        beyond = (0, -width % 2**self.depth, 0, -height % 2**self.depth)
        x = F.pad(((image + 1) / 2 - self.mean) / self.deviation, beyond)
        known = F.pad(1 - hole, beyond)  # what is beyond the picture is not known
        painted = self.unet(x, known)[..., :height, :width]
        painting = (painted * self.deviation + self.mean) * 2 - 1
        return painting, painting

    def unet(self, x: Tensor, known: Tensor) -> Tensor:
        """Map ``(N, 3, H, W)``, ImageNet's normal, and ``(N, 1, H, W)`` to ``(N, 3, H, W)``."""
        levels = [(x, known)]
        for level in range(1, self.depth + 1):
            levels.append(getattr(self, f"enc_{level}")(*levels[-1]))
        x, known = levels.pop()
        for level in range(self.depth, 0, -1):
            pairs = zip(map(_doubled, (x, known)), levels.pop(), strict=True)
            x, known = getattr(self, f"dec_{level}")(*(torch.cat(pair, dim=1) for pair in pairs))
        return x


def load(path: Path) -> PartialUNet:
    """Read a published checkpoint, ready to paint.

    Args:
        path: a file of ``naoto0804/pytorch-inpainting-with-partial-conv``, or of the same names
            without its constant counts, which is then taken to be scaled as published.

    Raises:
        WeightsError: the file is missing, damaged or of something else.
    """
    found, _ = tensors.read(path)
    learnt = {name: tensor for name, tensor in found.items() if COUNTS not in name}
    depth = sum(name.startswith("enc_") and name.endswith("conv2d.bias") for name in learnt)
    if not 4 <= depth < len(FEATURES):
        raise WeightsError(f"{path} is not of Partial Convolution's U-Net; it has enc_1 to enc_7")
    network = PartialUNet(depth, scaled=len(learnt) == len(found))
    tensors.fit(network, learnt, path)
    return network.eval().requires_grad_(requires_grad=False)


def _doubled(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode="nearest")
