"""How different two pictures look, by what networks that know objects see in them: LPIPS.

Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018,
https://arxiv.org/abs/1801.03924, version 0.1. The networks are torchvision's AlexNet and VGG-16
(Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014; Simonyan and
Zisserman, ICLR 2015), whose files the user gives; what each feature counts comes with this package.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import safetensors.torch
import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from pipeline.deepfill import tensors
from pipeline.errors import ImageError, WeightsError
from pipeline.params import Params

# What the package of the paper's authors ships, in its numbers; see the .json beside it.
HEADS = Path(__file__).parent / "weights" / "lpips.safetensors"
# Of RGB in -1..1: what the networks were trained on, in ImageNet's own mean and deviation.
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
SHORTEST = 1e-10  # length that is added to a feature's, so that nothing is divided by zero
SMALLEST = 32  # pixels; of a smaller picture AlexNet's last features are none
# What whole files hold besides: the rest of the network, constants, and the heads a second time.
BESIDE = ("classifier.", "scaling_layer.", "lins.")


class PerceiveParams(Params):
    """Which network looks at restorations, if any; ``params.yaml`` section ``perceive``."""

    weights: str | None  # path or address of AlexNet's or VGG-16's file; None = not measured
    sha256: str | None  # of that file; needed by an address, compared with a path's
    side: Annotated[int, Meta(ge=32)]  # longer pictures are looked at at this size, pixels
    threads: Annotated[int, Meta(ge=1)]


class Lpips(nn.Module):
    """A network cut off after its last features that count, and what each feature counts.

    Attributes:
        kind: ``alex`` or ``vgg``.
        features: layers, numbered as torchvision's.
        heads: of each look, ``(C,)``: what its features count.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.features = nn.Sequential(*LAYERS[kind]())
        self._looks = LOOKS[kind]
        widths = [self.features[look - 1].out_channels for look in self._looks]
        self.heads = nn.ParameterList(nn.Parameter(torch.zeros(width)) for width in widths)

    def forward(self, image: Tensor) -> list[Tensor]:
        """RGB in -1..1 ``(N, 3, H, W)`` -> five looks ``(N, C, h, w)``, each cell of length 1."""
        shift, scale = (image.new_tensor(three)[:, None, None] for three in (SHIFT, SCALE))
        x, looks = (image - shift) / scale, []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self._looks:
                looks.append(x / (x.square().sum(1, keepdim=True).sqrt() + SHORTEST))
        return looks

    def between(self, first: list[Tensor], second: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Return the distance of two pictures' looks at every pixel, ``(N, H, W)``, 0 or more."""
        total = torch.zeros((len(first[0]), 1, *size))
        for head, one, other in zip(self.heads, first, second, strict=True):
            apart = ((one - other).square() * head[:, None, None]).sum(1, keepdim=True)
            total += functional.interpolate(apart, size, mode="bilinear", align_corners=False)
        return total[:, 0]


def _alex() -> list[nn.Module]:
    convolutions = [
        nn.Conv2d(3, 64, 11, 4, 2), nn.Conv2d(64, 192, 5, 1, 2), nn.Conv2d(192, 384, 3, 1, 1),
        nn.Conv2d(384, 256, 3, 1, 1), nn.Conv2d(256, 256, 3, 1, 1),
    ]  # fmt: skip
    layers: list[nn.Module] = []
    for place, convolution in enumerate(convolutions):
        layers += [convolution, nn.ReLU()]
        layers += [nn.MaxPool2d(3, 2)] if place < 2 else []
    return layers


def _vgg() -> list[nn.Module]:
    layers: list[nn.Module] = []
    before = 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        layers += [nn.MaxPool2d(2)] if layers else []
        for _ in range(count):
            layers += [nn.Conv2d(before, width, 3, 1, 1), nn.ReLU()]
            before = width
    return layers


LAYERS = {"alex": _alex, "vgg": _vgg}
LOOKS = {"alex": (1, 4, 7, 9, 11), "vgg": (3, 8, 15, 22, 29)}  # the layers that are compared
FIRST = {11: "alex", 3: "vgg"}  # side of the first convolution's kernel


def load(path: Path) -> Lpips:
    """Read a network, ready to compare.

    Args:
        path: torchvision's ``alexnet-owt-7be5be79.pth`` or ``vgg16-397923af.pth``; or the state
            dict of the authors' own ``lpips.LPIPS``, which brings its own heads.

    Raises:
        WeightsError: the file is missing, damaged, or of another network.
    """
    found = _named(tensors.read(path)[0])
    first = found.get("features.0.weight")
    kind = FIRST.get(first.shape[-1] if first is not None and first.ndim == 4 else 0)
    if kind is None:
        raise WeightsError(
            f"{path} is neither AlexNet nor VGG-16; perceive.weights wants torchvision's "
            "alexnet-owt-7be5be79.pth or vgg16-397923af.pth"
        )
    network = Lpips(kind)
    if not any(name.startswith("heads.") for name in found):
        found |= _shipped(kind)
    _fit(network, found, path)
    return network.eval().requires_grad_(requires_grad=False)


def _named(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under our names, those of other parts left out."""
    named = {}
    for name, tensor in found.items():
        if name.startswith(BESIDE):
            continue
        name = re.sub(r"^net\.slice\d\.", "features.", name)
        head = re.match(r"lin(\d)\.model\.\d\.weight$", name)
        named[f"heads.{head[1]}" if head else name] = tensor.flatten() if head else tensor
    return named


def _shipped(kind: str) -> dict[str, Tensor]:
    held = safetensors.torch.load_file(HEADS)
    return {
        name.removeprefix(f"{kind}."): head
        for name, head in held.items()
        if name.startswith(f"{kind}.")
    }


def _fit(network: Lpips, found: Mapping[str, Tensor], path: Path) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    came = {name: tuple(tensor.shape) for name, tensor in found.items()}
    wrong = [name for name in sorted(expected | came) if expected.get(name) != came.get(name)]
    if wrong:
        raise WeightsError(
            f"{path} is not the {network.kind} that LPIPS is made of: {tensors.some(wrong)} are "
            "missing, too many or of another shape; fetch torchvision's file again"
        )
    if odd := [name for name, tensor in found.items() if not tensor.isfinite().all()]:
        raise WeightsError(f"{path} holds numbers that are no weights: {tensors.some(odd)}")
    network.load_state_dict(dict(found))


@torch.inference_mode()
def distances(
    network: Lpips, truth: np.ndarray, fillings: Mapping[str, np.ndarray], hole: np.ndarray,
    side: int,
) -> dict[str, float]:  # fmt: skip
    """Return how different each filling looks from the truth, over the hole's pixels only.

    Args:
        network: what looks; the whole picture, so that a hole is seen in its surroundings.
        truth: ``(H, W, 3)`` uint8 RGB.
        fillings: by name, each of the same size and type.
        hole: ``(H, W)`` bool.
        side: pictures that are longer are looked at at this size, pixels.

    Returns:
        By name the mean over the hole of the distance at each pixel, 0 (equal) or more; nothing of
        an empty hole, or of a picture that is too small to be looked at.

    Raises:
        ImageError: the sizes differ.
    """
    shapes = {picture.shape[:2] for picture in (truth, hole, *fillings.values())}
    if len(shapes) > 1:
        raise ImageError(f"truth, fillings and hole are {sorted(shapes)}; they must be of one size")
    factor = min(1.0, side / max(hole.shape))
    size = tuple(round(length * factor) for length in hole.shape)
    if not hole.any() or min(size) < SMALLEST:
        return {}
    share = torch.from_numpy(_scaled(hole.astype(np.float32), size))
    right = network(_tensor(truth, size))
    return {
        name: float(
            (network.between(right, network(_tensor(filling, size)), size)[0] * share).sum()
            / share.sum()
        )
        for name, filling in fillings.items()
    }


def _tensor(image: np.ndarray, size: tuple[int, int]) -> Tensor:
    scaled = _scaled(image, size).astype(np.float32)
    return torch.from_numpy(scaled).permute(2, 0, 1)[None] / 127.5 - 1


def _scaled(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if image.shape[:2] == size:
        return image
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
