"""DeepLabv3 with ResNet-101, the network that the student report compared its own with.

Layers and names are those of the public weights ``deeplabv3_resnet101_coco-586e9e4e.pth`` (COCO
images of the VOC classes), so that these load strictly. Arrays are ``(N, C, H, W)``.

Sources: Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017,
https://arxiv.org/abs/1706.05587; He et al., "Deep Residual Learning for Image Recognition", CVPR
2016, https://arxiv.org/abs/1512.03385.
"""

import hashlib
import pickle
import re
from pathlib import Path

import cv2
import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional

from pipeline.errors import ImageError, WeightsError

CLASSES = 21  # of VOC, background first
BLOCKS = (3, 4, 23, 3)  # of ResNet-101's four stages
WIDTHS = (64, 128, 256, 512)  # within a block; four times that leaves it
DILATED = (False, False, True, True)  # stages that look further instead of halving the picture
RATES = (12, 24, 36)  # at which the head looks at its surroundings, cells of 8 pixels
BETWEEN = 256  # features of the head
MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of ImageNet, with which it was trained
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
HELPER = "aux_classifier."  # a second head that helps training; the public file has it
# What reading a stranger's file raises, PyTorch's unpickler included, which trusts its stack.
BROKEN = (
    RuntimeError, pickle.UnpicklingError, safetensors.SafetensorError, EOFError, LookupError,
    TypeError, ValueError, AttributeError,
)  # fmt: skip
MAGIC = (b"PK", b"\x80\x02")  # with which PyTorch's files begin: a zip, and a pickle of old
NAMED = re.compile(r"-([0-9a-f]{8,64})\.\w+$")  # PyTorch's file names end with their checksum


class Block(nn.Module):
    """Three convolutions around which the input is carried; a stage's first one widens it."""

    def __init__(self, before: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        after = 4 * width
        self.conv1 = nn.Conv2d(before, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.downsample = None
        if before != after or stride > 1:
            carried = nn.Conv2d(before, after, 1, stride, bias=False)
            self.downsample = nn.Sequential(carried, nn.BatchNorm2d(after))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(N, before, H, W)`` -> ``(N, 4 width, H / stride, W / stride)``."""
        carried = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        return functional.relu(self.bn3(self.conv3(x)) + carried)


class Backbone(nn.Module):
    """ResNet-101 that ends at an eighth of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        before, dilation = 64, 1
        for place, (blocks, width, dilated) in enumerate(zip(BLOCKS, WIDTHS, DILATED, strict=True)):
            stride, first = 1 if place == 0 or dilated else 2, dilation
            dilation *= 2 if dilated else 1
            # The first block still looks as near as the stage before it.
            stage = [Block(before, width, stride, first)]
            stage += [Block(4 * width, width, 1, dilation) for _ in range(blocks - 1)]
            setattr(self, f"layer{place + 1}", nn.Sequential(*stage))
            before = 4 * width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(N, 3, H, W)`` -> ``(N, 2048, H / 8, W / 8)``, sides rounded up."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, 2, 1)  # (N, 64, H/4, W/4)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class Pyramid(nn.Module):
    """Looks at the surroundings at several distances at once, and at the whole picture (ASPP)."""

    def __init__(self, before: int) -> None:
        super().__init__()
        near = [nn.Sequential(*_unit(before, BETWEEN, 1))]
        far = [nn.Sequential(*_unit(before, BETWEEN, 3, rate)) for rate in RATES]
        whole = [nn.Sequential(nn.AdaptiveAvgPool2d(1), *_unit(before, BETWEEN, 1))]
        self.convs = nn.ModuleList([*near, *far, *whole])
        self.project = nn.Sequential(*_unit(len(self.convs) * BETWEEN, BETWEEN, 1), nn.Dropout(0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(N, before, h, w)`` -> ``(N, BETWEEN, h, w)``."""
        *views, whole = [view(x) for view in self.convs]
        spread = whole.expand(-1, -1, *x.shape[-2:])
        return self.project(torch.cat([*views, spread], dim=1))


class DeepLab(nn.Module):
    """The network; ``forward`` gives scores of the VOC classes at the input's size."""

    def __init__(self, *, helper: bool = True) -> None:
        """Build it with random weights.

        Args:
            helper: have the second head, which only training uses; for files that hold it.
        """
        super().__init__()
        self.backbone = Backbone()
        head = _unit(BETWEEN, BETWEEN, 3)
        self.classifier = nn.Sequential(Pyramid(2048), *head, nn.Conv2d(BETWEEN, CLASSES, 1))
        if helper:
            layers = [*_unit(1024, BETWEEN, 3), nn.Dropout(0.1), nn.Conv2d(BETWEEN, CLASSES, 1)]
            self.aux_classifier = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(N, 3, H, W)`` normalised RGB -> ``(N, CLASSES, H, W)`` logits."""
        scores = self.classifier(self.backbone(x))  # an eighth of the size
        return functional.interpolate(scores, x.shape[-2:], mode="bilinear", align_corners=False)


def _unit(before: int, after: int, kernel: int, rate: int = 1) -> list[nn.Module]:
    """Convolution that keeps the size, batch normalisation, ReLU."""
    margin = rate * (kernel // 2)
    convolution = nn.Conv2d(before, after, kernel, 1, margin, rate, bias=False)
    return [convolution, nn.BatchNorm2d(after), nn.ReLU()]


def load(path: Path) -> DeepLab:
    """Read weights, PyTorch's or ``.safetensors``, with or without the helping head.

    The digits with which PyTorch's own file names end are the beginning of the file's SHA-256, and
    are compared if they are there.

    Raises:
        WeightsError: there is no file, it is another one than its name says, or no such network.
    """
    if not path.is_file():
        raise WeightsError(f"compare.weights: {path} is not a file; give its path, or null")
    _verify(path)
    try:
        state = _state(path)
        with torch.device("meta"):  # no numbers yet: random ones take seconds to draw
            network = DeepLab(helper=any(name.startswith(HELPER) for name in state))
        network.load_state_dict(state, assign=True)
    except BROKEN as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WeightsError(
            f"{path} does not hold the weights of DeepLabv3-ResNet101: {reason}; "
            "give compare.weights the public file deeplabv3_resnet101_coco-586e9e4e.pth"
        ) from error
    return network.eval()


def _state(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors; a file kept under its checksum has no suffix, its first bytes tell."""
    with path.open("rb") as file:
        zipped = file.read(2) in MAGIC
    if zipped:
        state = torch.load(path, map_location="cpu", weights_only=True)
    else:
        state = safetensors.torch.load_file(path)
    if not isinstance(state, dict):
        raise TypeError(f"the file holds a {type(state).__name__}, not a state dict")
    return {
        name: value.float() if value.is_floating_point() else value for name, value in state.items()
    }


def _verify(path: Path) -> None:
    named = NAMED.search(path.name)
    if named is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(named[1]):
        raise WeightsError(
            f"{path} has the SHA-256 {found}, not {named[1]} as its name says; fetch it again"
        )


def classes(network: DeepLab, image: np.ndarray, side: int) -> np.ndarray:
    """Return the likeliest VOC class of each pixel, ``(H, W)`` uint8.

    Args:
        network: of ``load``.
        image: ``(H, W, 3)`` uint8 RGB.
        side: to which the shorter side is brought before the network looks, pixels.

    Raises:
        ImageError: ``image`` is not ``(H, W, 3)`` uint8.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(f"expected (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
    height, width = image.shape[:2]
    scale = side / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    seen = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    plain = (seen.astype(np.float32) / 255 - MEAN) / DEVIATION
    with torch.inference_mode():
        scores = network(torch.from_numpy(plain.transpose(2, 0, 1)[None]))[0].numpy()
    highest = np.full((height, width), -np.inf, np.float32)
    found = np.zeros((height, width), np.uint8)
    for place, channel in enumerate(scores):  # one at a time: all at full size may be gigabytes
        grown = cv2.resize(channel, (width, height), interpolation=cv2.INTER_LINEAR)
        higher = grown > highest
        found[higher], highest[higher] = place, grown[higher]
    return found
