"""Whose weights a file holds, and what becomes of their names.

A family is told by its names alone. Each layer of ours is one of theirs, in the same order; where
features and gates are two convolutions there they become one here, and a spectral norm is folded.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.deepfill.layout import Layout

# Our layers in the order of every family's lists.
TO_HALF = ("down_block1.conv1_downsample", "down_block1.conv2")
TO_QUARTER = ("down_block2.conv1_downsample", "down_block2.conv2")
TO_FULL = (
    "up_block1.conv1_upsample.conv", "up_block1.conv2",
    "up_block2.conv1_upsample.conv", "up_block2.conv2", "conv_to_rgb",
)  # fmt: skip
COARSE = ("conv1", *TO_HALF, *TO_QUARTER, *(f"conv_bn{n}" for n in range(1, 8)), *TO_FULL)
IMAGINING = (
    "conv_conv1", *(f"conv_{name}" for name in TO_HALF + TO_QUARTER),
    *(f"conv_conv_bn{n}" for n in range(1, 6)),
)  # fmt: skip
COPYING = ("ca_conv1", *(f"ca_{name}" for name in TO_HALF + TO_QUARTER), "ca_conv_bn1")
AFTER = ("ca_conv_bn4", "ca_conv_bn5")
JOINING = ("conv_bn6", "conv_bn7", *TO_FULL)
BRANCHES = (
    *(f"stage1.{name}" for name in COARSE),
    *(f"stage2.{name}" for name in (*IMAGINING, *COPYING, *AFTER, *JOINING)),
)
STRAIGHT = tuple(f"stage{stage}.layers.{n}" for stage in (1, 2) for n in range(16))

# Their layers, in the same order.
DOWN = ("conv1", "conv2_downsample", "conv3", "conv4_downsample", "conv5", "conv6")
WIDE = tuple(f"conv{n}_atrous" for n in range(7, 11))
FUSE = "stage2.contextual_attention.fuse_weight"  # a buffer, the same in every file


def _tensorflow(up: str) -> tuple[str, ...]:
    """Layers named as in the TensorFlow code; ``up`` is what its doubling ones bear."""
    full = (f"conv13{up}", "conv14", f"conv15{up}", "conv16", "conv17")
    return (
        *DOWN, *WIDE, "conv11", "conv12", *full,
        *(f"x{name}" for name in DOWN + WIDE), *(f"pm{name}" for name in DOWN),
        "pmconv9", "pmconv10", *(f"all{name}" for name in ("conv11", "conv12", *full)),
    )  # fmt: skip


def _numbered(*chains: tuple[str, int, tuple[int, ...]]) -> tuple[str, ...]:
    """Layers of chains: name, length, and the numbers of those that double."""
    return tuple(
        f"{name}.{n}{'.gated_conv2d' if n in doubling else ''}"
        for name, length, doubling in chains
        for n in range(length)
    )


def _first() -> tuple[str, ...]:
    """Layers of the first DeepFill, which puts each stage under its own name."""
    coarse, fine = _tensorflow("")[:17], _tensorflow("")[17:]
    return (
        *(f"coarse_generator.{name}" for name in coarse),
        *(f"fine_generator.{name.removeprefix('x')}" for name in fine),
    )


class Family(NamedTuple):
    """A kind of published weights.

    Attributes:
        name: what people call it.
        notice: whose it is and what its licence asks.
        clues: beginnings of names that are in its files and in no other family's.
        layers: ours -> theirs.
        halves: features and gates are separate convolutions.
        layout: from the features at half resolution.
    """

    name: str
    notice: str
    clues: tuple[str, ...]
    layers: Mapping[str, str]
    halves: bool
    layout: Callable[[int], Layout]

    def names(self) -> list[str]:
        """Return the names that a file must hold, in order."""
        return [name for theirs in self.layers.values() for name in self._names_of(theirs)]

    def width(self, tensors: Mapping[str, Tensor]) -> int:
        """Return the features at half resolution."""
        theirs = next(iter(self.layers.values()))
        outs = tensors[self._names_of(theirs)[0]].shape[0]
        # The first convolution has half as many, and as many gates if they are with them.
        return 2 * outs if self.halves or not self.layout(4).gated else outs

    def converted(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return our names and tensors, all of ``names`` being there."""
        return {
            f"{ours}.conv.{part}": tensor
            for ours, theirs in self.layers.items()
            for part, tensor in self._layer(theirs, tensors).items()
        }

    def _names_of(self, theirs: str) -> list[str]:
        if not self.halves:
            return [f"{theirs}.conv.weight", f"{theirs}.conv.bias"]
        parts = NORMED if theirs.endswith("gated_conv2d") else ("weight", "bias")
        return [f"{theirs}.{half}.{part}" for half in HALVES for part in parts]

    def _layer(self, theirs: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if not self.halves:
            return {part: tensors[f"{theirs}.conv.{part}"] for part in ("weight", "bias")}
        both = [_half(f"{theirs}.{half}.", tensors) for half in HALVES]
        return {part: torch.cat([half[part] for half in both]) for part in ("weight", "bias")}


HALVES = ("conv2d", "mask_conv2d")  # features, then gates, as ours
NORMED = tuple(f"module.{part}" for part in ("weight_bar", "weight_u", "weight_v", "bias"))


def _half(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if f"{prefix}weight" in tensors:
        return {part: tensors[prefix + part] for part in ("weight", "bias")}
    weight, left = tensors[f"{prefix}module.weight_bar"], tensors[f"{prefix}module.weight_u"]
    return {"weight": unit_norm(weight, left), "bias": tensors[f"{prefix}module.bias"]}


def unit_norm(weight: Tensor, left: Tensor) -> Tensor:
    """Return a weight divided by its spectral norm, as one step of the power iteration finds it.

    The published code takes a step in every pass, even when it does not learn, so that its output
    drifts; this is its first pass.

    Args:
        weight: ``(outs, ins, k, k)``.
        left: ``(outs,)``, the left singular vector so far. The right one is found from it.

    Source:
        Miyato et al., "Spectral normalization for generative adversarial networks", ICLR 2018,
        https://arxiv.org/abs/1802.05957, algorithm 1.
    """
    flat = weight.flatten(1)
    right = _direction(flat.T @ left)
    left = _direction(flat @ right)
    return weight / left.dot(flat @ right)


def _direction(vector: Tensor) -> Tensor:
    return vector / (vector.norm() + 1e-12)


FAMILIES = (
    Family(
        "nipponjo, PyTorch",
        "github.com/nipponjo/deepfillv2-pytorch: no licence file; made from weights under CC BY-NC "
        "4.0, so not for commercial use",
        ("stage1.", "stage2."),
        {name: name for name in BRANCHES},
        halves=False,
        layout=lambda width: Layout(width=width),
    ),
    Family(
        "nipponjo, from TensorFlow",
        "github.com/JiahuiYu/generative_inpainting, converted by nipponjo: CC BY-NC 4.0, not for "
        "commercial use",
        ("xconv", "pmconv", "allconv"),
        dict(zip(BRANCHES, _tensorflow("_upsample.conv"), strict=True)),
        halves=False,
        # The converted code leaves the fusing out; what it was converted from has it.
        layout=lambda width: Layout(width=width, padding="same", corners=True),
    ),
    Family(
        "csqiangwen",
        "github.com/csqiangwen/DeepFillv2_Pytorch: MIT, (c) 2020 Qiang Wen",
        ("refine_",),
        dict(
            zip(
                BRANCHES,
                _numbered(
                    ("coarse", 17, (12, 14)),
                    ("refine_conv", 10, ()),
                    ("refine_atten_1", 6, ()),
                    ("refine_atten_2", 2, ()),
                    ("refine_combine", 7, (2, 4)),
                ),
                strict=True,
            )
        ),
        halves=True,
        # It adds 1e-4 to each square of a patch: nine cells of twice the width.
        layout=lambda width: Layout(
            width=width, inputs=(4, 4), gated_rgb=True, low=0.0, fill="white",
            floor=0.0, added=1e-4 * 9 * 2 * width,
        ),
    ),
    Family(
        "zhaoyuzhi",
        "github.com/zhaoyuzhi/deepfillv2: no licence file, so all rights are its author's",
        ("refinement.",),
        dict(
            zip(
                STRAIGHT,
                _numbered(("coarse", 16, (12, 14)), ("refinement", 16, (12, 14))),
                strict=True,
            )
        ),
        halves=True,
        layout=lambda width: Layout(
            graph="straight", width=width, inputs=(4, 4), gated_rgb=True, low=0.0, fill="white"
        ),
    ),
    Family(
        "DeepFill, the first",
        "github.com/daa233/generative-inpainting-pytorch (MIT); weights made from those of "
        "JiahuiYu/generative_inpainting are CC BY-NC 4.0, not for commercial use",
        ("coarse_generator.", "fine_generator."),
        dict(zip(BRANCHES, _first(), strict=True)),
        halves=False,
        layout=lambda width: Layout(
            width=width, inputs=(5, 5), gated=False, bound="clip", sharpness=2550.0
        ),
    ),
)  # fmt: skip


def told(names: Iterable[str]) -> Family | None:
    """Return the family of a file that holds these names, if only some; None if it is of none."""
    names = list(names)
    for family in FAMILIES:
        if any(name.startswith(family.clues) for name in names):
            return family
    return None
