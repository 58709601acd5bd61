"""Random checkpoints of the published families, and their networks stated anew from the facts.

The networks here are written the plain way, straight from a description of each family and with
none of the package's own code: they read a state dict by its published names, attend in loops over
patches and batch nothing. Names and shapes in ``keys/`` were listed from the published networks.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

KEYS = Path(__file__).parent / "keys"
WIDTHS = {"nipponjo_pt": 48, "nipponjo_tf": 48, "csqiangwen": 96, "zhaoyuzhi": 128}
FUSE = "stage2.contextual_attention.fuse_weight"


def shapes(family, width=None):
    """Name -> shape; at another number of features at half resolution, every side scaled."""
    listed = json.loads((KEYS / f"{family}.json").read_text())
    return {name: _scaled(name, sides, width, family) for name, sides in listed.items()}


def _scaled(name, sides, width, family):
    if width is None or name == FUSE:
        return sides
    full = WIDTHS[family]
    if name.endswith(("_v", "bias", "_u")):
        return [side if side <= 6 else side * width // full for side in sides]
    return [s if s <= 6 else s * width // full for s in sides[:2]] + sides[2:]


def random(family, width=None, seed=0):
    """A state dict of random numbers, so scaled that what passes the layers keeps its size."""
    draw = torch.Generator().manual_seed(seed)
    state = {}
    for name, sides in shapes(family, width).items():
        numbers = torch.randn(sides, generator=draw)
        if len(sides) == 4 and name != FUSE:
            numbers *= (2.5 / np.prod(sides[1:])) ** 0.5
        state[name] = (
            torch.eye(3).view(1, 1, 3, 3)
            if name == FUSE
            else numbers * (0.1 if name.endswith("bias") else 1)
        )
    return state


class Reference:
    """A family's network: ``state`` by published names, pictures in the family's own range."""

    def __init__(self, state):
        self.state = state


class Nipponjo(Reference):
    """Gates in the second half of the channels; [-1, 1], grey holes, five channels."""

    def __init__(self, state, *, tensorflow, fuse=True):
        super().__init__(state)
        self.tensorflow, self.fuse = tensorflow, fuse

    def conv(self, x, name, stride=1, dilation=1, activation=F.elu):
        weight, bias = self.state[f"{name}.conv.weight"], self.state[f"{name}.conv.bias"]
        pad = dilation * (weight.shape[2] - 1) // 2
        if self.tensorflow and stride == 2:
            x = F.pad(x, (0, 1, 0, 1))
            pad = 0
        x = F.conv2d(x, weight, bias, stride, pad, dilation)
        if activation is None:
            return x
        half = x.shape[1] // 2
        return activation(x[:, :half]) * torch.sigmoid(x[:, half:])

    def chain(self, x, names):
        """Layers one after another; a name says what is special about its layer."""
        for name in names:
            if "upsample" in name:
                x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
                name += ".conv"
            rate = RATES.get(name.split(".")[-1].removeprefix("x"), 1)
            x = self.conv(x, name, 2 if "downsample" in name else 1, rate)
        return x

    def __call__(self, image, hole):
        bare, ones = image * (1 - hole), torch.ones_like(hole)
        n = TENSORFLOW if self.tensorflow else PYTORCH
        x = self.chain(torch.cat([bare, ones, hole], 1), n["coarse"])
        coarse = torch.tanh(self.conv(x, n["coarse_rgb"], activation=None))
        joined = coarse * hole + bare * (1 - hole)
        imagined = self.chain(joined, n["imagining"])
        copied = self.conv(self.chain(joined, n["copying"]), n["last"], activation=F.relu)
        copied = attention(copied, hole, corners=self.tensorflow, fuse=self.fuse)
        copied = self.chain(copied, n["after"])
        x = self.chain(torch.cat([imagined, copied], 1), n["joining"])
        return coarse, torch.tanh(self.conv(x, n["rgb"], activation=None))


RATES = {f"conv{n}_atrous": 2 ** (n - 6) for n in range(7, 11)}
RATES |= {f"{start}conv_bn{n}": 2 ** (n - 1) for n in range(2, 6) for start in ("", "conv_")}
_DOWN = ["conv1", "conv2_downsample", "conv3", "conv4_downsample", "conv5", "conv6"]
_WIDE = ["conv7_atrous", "conv8_atrous", "conv9_atrous", "conv10_atrous"]
_UP = ["conv13_upsample", "conv14", "conv15_upsample", "conv16"]
TENSORFLOW = {
    "coarse": [*_DOWN, *_WIDE, "conv11", "conv12", *_UP], "coarse_rgb": "conv17",
    "imagining": [f"x{name}" for name in _DOWN + _WIDE],
    "copying": [f"pm{name}" for name in _DOWN[:-1]], "last": "pmconv6",
    "after": ["pmconv9", "pmconv10"],
    "joining": [f"all{name}" for name in ["conv11", "conv12", *_UP]], "rgb": "allconv17",
}  # fmt: skip
_BLOCKS = ["down_block1.conv1_downsample", "down_block1.conv2", "down_block2.conv1_downsample",
           "down_block2.conv2"]  # fmt: skip
_UPS = ["up_block1.conv1_upsample", "up_block1.conv2", "up_block2.conv1_upsample",
        "up_block2.conv2"]  # fmt: skip
PYTORCH = {
    "coarse": [
        f"stage1.{n}" for n in ["conv1", *_BLOCKS, *(f"conv_bn{i}" for i in range(1, 8)), *_UPS]
    ],
    "coarse_rgb": "stage1.conv_to_rgb",
    "imagining": [
        f"stage2.conv_{n}" for n in ["conv1", *_BLOCKS, *(f"conv_bn{i}" for i in range(1, 6))]
    ],
    "copying": [f"stage2.ca_{n}" for n in ["conv1", *_BLOCKS]], "last": "stage2.ca_conv_bn1",
    "after": ["stage2.ca_conv_bn4", "stage2.ca_conv_bn5"],
    "joining": [f"stage2.{n}" for n in ["conv_bn6", "conv_bn7", *_UPS]],
    "rgb": "stage2.conv_to_rgb",
}  # fmt: skip


class Separate(Reference):
    """Features and gates of convolutions of their own, some with a spectral norm; [0, 1], white."""

    def weight(self, name):
        if f"{name}.weight" in self.state:
            return self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        bar, u = (self.state[f"{name}.module.weight_{part}"] for part in ("bar", "u"))
        flat = bar.reshape(bar.shape[0], -1)
        v = flat.t().mv(u)
        v = v / (v.norm() + 1e-12)
        u = flat.mv(v)
        u = u / (u.norm() + 1e-12)
        return bar / u.dot(flat.mv(v)), self.state[f"{name}.module.bias"]

    def both(self, x, name, stride=1, dilation=1):
        if f"{name}.gated_conv2d.conv2d.module.bias" in self.state:
            x = F.interpolate(x, scale_factor=2)
            name += ".gated_conv2d"
        size = self.weight(f"{name}.conv2d")[0].shape[2]
        x = F.pad(x, [(dilation * (size - 1)) // 2] * 4)
        return (
            F.conv2d(x, *self.weight(f"{name}.{half}"), stride=stride, dilation=dilation)
            for half in ("conv2d", "mask_conv2d")
        )


class Csqiangwen(Separate):
    """The activation before the gate, attention, a mask channel for both stages."""

    def chain(self, x, name, numbers, halving=(1, 3), relu=()):
        wide = {6: 2, 7: 4, 8: 8, 9: 16}
        for n in numbers:
            rate = wide.get(n, 1) if name in {"coarse", "refine_conv"} else 1
            feature, gate = self.both(x, f"{name}.{n}", 2 if n in halving else 1, rate)
            x = (F.relu if n in relu else F.elu)(feature) * torch.sigmoid(gate)
        return x

    def colour(self, x, name):
        feature, gate = self.both(x, name)
        return torch.tanh(feature * torch.sigmoid(gate))

    def __call__(self, image, hole):
        first = torch.cat([image * (1 - hole) + hole, hole], 1)
        coarse = self.colour(self.chain(first, "coarse", range(16)), "coarse.16")
        second = torch.cat([image * (1 - hole) + coarse * hole, hole], 1)
        imagined = self.chain(second, "refine_conv", range(10))
        copied = self.chain(second, "refine_atten_1", range(6), relu=(5,))
        copied = attention(copied, hole, corners=False, fuse=True, added=1e-4)
        copied = self.chain(copied, "refine_atten_2", range(2), halving=())
        x = self.chain(torch.cat([imagined, copied], 1), "refine_combine", range(6), halving=())
        return coarse, self.colour(x, "refine_combine.6")


class Zhaoyuzhi(Separate):
    """The gate, then normalisation, then the activation; no attention; 7x7 and 4x4 kernels."""

    def chain(self, x, name):
        wide = {6: 2, 7: 4, 8: 8, 9: 16}
        for n in range(15):
            feature, gate = self.both(x, f"{name}.{n}", 2 if n in {1, 3} else 1, wide.get(n, 1))
            x = feature * torch.sigmoid(gate)
            if n:
                mean, var = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, correction=0)
                x = (x - mean) / (var + 1e-5).sqrt()
            x = torch.where(x > 0, x, 0.2 * x)
        feature, gate = self.both(x, f"{name}.15")
        return torch.tanh(feature * torch.sigmoid(gate))

    def __call__(self, image, hole):
        coarse = self.chain(torch.cat([image * (1 - hole) + hole, hole], 1), "coarse")
        second = torch.cat([image * (1 - hole) + coarse * hole, hole], 1)
        return coarse, self.chain(second, "refinement")


def attention(features, hole, *, corners, fuse, added=0.0, sharpness=10):
    """Contextual attention as defined, patch by patch, each sample with its own hole."""
    return torch.stack(
        [
            _attend(f, h, corners, fuse, added, sharpness)
            for f, h in zip(features, hole, strict=True)
        ]
    )


def _picked(maps, few, corners):
    every = maps.shape[-1] // few
    if not corners:
        return range(0, maps.shape[-1], every)
    return [int(i * (maps.shape[-1] - 1) / (few - 1) + 0.5) for i in range(few)]


def _attend(feature, hole, corners, fuse, added, sharpness):
    channels, height, width = feature.shape
    h, w = height // 2, width // 2
    rows, columns = _picked(feature.mT, h, corners), _picked(feature, w, corners)
    small = F.pad(feature[:, rows][:, :, columns], (1, 1, 1, 1))
    rows, columns = _picked(hole.mT, h, corners), _picked(hole, w, corners)
    taken = F.pad(hole[0][rows][:, columns], (1, 1, 1, 1))
    cells = [(y, x) for y in range(h) for x in range(w)]
    patches = torch.stack([small[:, y : y + 3, x : x + 3].flatten() for y, x in cells])
    known = torch.tensor([float(taken[y : y + 3, x : x + 3].sum() == 0) for y, x in cells])
    lengths = torch.tensor([
        float((p**2 + added).sum().sqrt()) if added else max(float(p.norm()), 1e-4) for p in patches
    ])  # fmt: skip
    scores = (patches / lengths[:, None]) @ patches.T  # key, query
    if fuse:
        by_column = [y * w + x for x in range(w) for y in range(h)]
        scores = _diagonal(_diagonal(scores)[by_column][:, by_column])
        back = [by_column.index(n) for n in range(h * w)]
        scores = scores[back][:, back]
    weights = torch.softmax(sharpness * scores * known[:, None], 0) * known[:, None]
    padded = F.pad(feature, (1, 1, 1, 1))
    pieces = torch.stack([padded[:, 2 * y : 2 * y + 4, 2 * x : 2 * x + 4] for y, x in cells])
    pasted = torch.zeros_like(padded)
    for number, (y, x) in enumerate(cells):
        mixed = (weights[:, number, None] * pieces.flatten(1)).sum(0).view(channels, 4, 4)
        pasted[:, 2 * y : 2 * y + 4, 2 * x : 2 * x + 4] += mixed
    return pasted[:, 1:-1, 1:-1] / 4


def _diagonal(scores):
    """Each number plus the one before it and the one behind it along the diagonal."""
    framed, n = F.pad(scores, (1, 1, 1, 1)), len(scores)
    return sum(framed[1 + by : 1 + by + n, 1 + by : 1 + by + n] for by in (-1, 0, 1))


REFERENCES = {
    "nipponjo_pt": lambda state: Nipponjo(state, tensorflow=False),
    "nipponjo_tf": lambda state: Nipponjo(state, tensorflow=True),
    "csqiangwen": Csqiangwen,
    "zhaoyuzhi": Zhaoyuzhi,
}
LOW = {"nipponjo_pt": -1, "nipponjo_tf": -1, "csqiangwen": 0, "zhaoyuzhi": 0}
