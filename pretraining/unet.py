"""Pre-train the default U-Net on a GPU; needs PyTorch, NumPy, OpenCV and safetensors only.

    python -m pretraining.unet PACK OUT.safetensors [--held HELD] [--seconds 150] [--real 0.4]

Pictures are generated scenes and, by the share ``--real``, real photos; into many of both, people
of another picture are pasted. The network is the twin of ``pipeline.unet``'s default in PyTorch,
and its weights are written under Keras's names and shapes, as float16.
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # its usual name

from pretraining import packed

ENCODER = (24, 48, 96, 192, 432)
DECODER = (96, 64, 32, 24)
EPSILON = 1e-3  # of Keras's batch normalisation
HELD = 200  # scenes that are scored and not learned from
SOURCE = 256  # side of the pictures in memory, pixels


class Normal(nn.Module):
    """Convolution, batch normalisation, ReLU; padded as TensorFlow's ``same``."""

    def __init__(self, ins: int, outs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(ins, outs, 3, stride, 0 if stride == 2 else 1, bias=False)
        nn.init.kaiming_normal_(self.conv.weight)
        self.norm = nn.BatchNorm2d(outs, eps=EPSILON, momentum=0.1)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, ins, H, W)`` to ``(N, outs, H/stride, W/stride)``."""
        if self.stride == 2:
            x = F.pad(x, (0, 1, 0, 1))
        return F.relu(self.norm(self.conv(x)))


class Unet(nn.Module):
    """The default network: ``(N, 3, H, W)`` in -1..1 to logits ``(N, 1, H, W)``."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *ENCODER)
        self.down = nn.ModuleList(
            nn.ModuleList([Normal(ins, outs, 2), Normal(outs, outs)])
            for ins, outs in zip(widths, ENCODER, strict=False)
        )
        ins = (ENCODER[-1], *DECODER)
        skips = ENCODER[-2::-1]
        self.up = nn.ModuleList(
            Normal(deep + skip, outs) for deep, skip, outs in zip(ins, skips, DECODER, strict=False)
        )
        self.out = nn.Conv2d(DECODER[-1], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        skips = []
        for first, second in self.down:
            x = second(first(x))
            skips.append(x)
        x = skips.pop()
        for layer in self.up:
            x = layer(torch.cat([doubled(x), skips.pop()], 1))
        return doubled(self.out(x))


def doubled(x: Tensor) -> Tensor:
    """Return ``x`` at twice the size, bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def keras_weights(network: Unet) -> dict[str, Tensor]:
    """Return the weights as ``<layer>/<variable>`` in Keras's shapes, float16."""
    found: dict[str, Tensor] = {}

    def normal(name: str, layer: Normal) -> None:
        found[f"{name}/kernel"] = layer.conv.weight.permute(2, 3, 1, 0)
        norm = layer.norm
        parts = {"gamma": norm.weight, "beta": norm.bias}
        parts |= {"moving_mean": norm.running_mean, "moving_variance": norm.running_var}
        found.update({f"{name}_norm/{part}": value for part, value in parts.items()})

    for level, (first, second) in enumerate(network.down):
        normal(f"down{level}a", first)
        normal(f"down{level}b", second)
    for level, layer in enumerate(network.up):
        normal(f"up{level}", layer)
    found["half/kernel"] = network.out.weight.permute(2, 3, 1, 0)
    found["half/bias"] = network.out.bias
    return {name: value.detach().half().contiguous().cpu() for name, value in found.items()}


class Source:
    """Pictures and masks on the device, ``(N, 3, S, S)`` and ``(N, 1, S, S)`` uint8."""

    def __init__(self, images: list[np.ndarray], masks: list[np.ndarray], device: str) -> None:
        stack = np.stack([square(image) for image in images]).transpose(0, 3, 1, 2)
        cover = np.stack([square(mask * 255) for mask in masks])[:, None]
        self.images = torch.from_numpy(np.ascontiguousarray(stack)).to(device)
        self.masks = torch.from_numpy(cover).to(device)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, chosen: Tensor) -> Tensor:
        """Return ``(n, 4, S, S)`` float, 0..1: RGB and mask."""
        return torch.cat([self.images[chosen], self.masks[chosen]], 1).float() / 255


def square(image: np.ndarray) -> np.ndarray:
    """Stretch a picture to a square, as the pipeline does."""
    way = cv2.INTER_AREA if max(image.shape[:2]) >= SOURCE else cv2.INTER_LINEAR
    return cv2.resize(image, (SOURCE, SOURCE), interpolation=way)


def uniform(count: int, low: float, high: float, device: str) -> Tensor:
    """Return ``(count,)`` random numbers."""
    return torch.empty(count, device=device).uniform_(low, high)


def moved(
    stack: Tensor, size: int, scale: tuple[float, float], shift: float, border: str
) -> Tensor:
    """Return each picture flipped, scaled, stretched, turned and shifted at random.

    Args:
        stack: ``(N, C, S, S)``.
        size: side of the result.
        scale: of the content, from and to.
        shift: share of the side.
        border: ``reflection`` or ``zeros``, beyond the picture.
    """
    count, device = len(stack), str(stack.device)
    turn = torch.deg2rad(torch.randn(count, device=device) * 9)
    size_of = torch.exp(uniform(count, np.log(scale[0]), np.log(scale[1]), device))
    stretch = torch.exp(uniform(count, -0.22, 0.22, device))
    mirror = (uniform(count, 0, 1, device) < 0.5).float() * 2 - 1
    cos, sin = torch.cos(turn) / size_of, torch.sin(turn) / size_of
    rows = [
        torch.stack(
            [cos * mirror * stretch, -sin * stretch, uniform(count, -shift, shift, device)], 1
        ),
        torch.stack(
            [sin * mirror / stretch, cos / stretch, uniform(count, -shift, shift, device)], 1
        ),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), (count, 1, 2 * size, 2 * size), align_corners=False)
    drawn = F.grid_sample(stack, grid, padding_mode=border, align_corners=False)
    return F.avg_pool2d(drawn, 2)  # drawn at twice the size: no aliasing


def recoloured(image: Tensor) -> Tensor:
    """Return each picture in other light, colours, focus and grain; ``(N, 3, H, W)`` in 0..1."""
    count, device = len(image), str(image.device)

    def column(low: float, high: float, channels: int = 1) -> Tensor:
        return uniform(count * channels, low, high, device).view(count, channels, 1, 1)

    x = image.clamp(1e-3, 1) ** torch.exp(column(-0.45, 0.45))
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * torch.where(column(0, 1) < 0.15, column(0, 0.2), column(0.4, 1.7))
    swap = torch.stack([torch.randperm(3, device=device) for _ in range(8)])
    shuffled = x[torch.arange(count, device=device)[:, None], swap[torch.arange(count) % 8]]
    x = torch.where(column(0, 1) < 0.08, shuffled, x)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + (x - mean) * column(0.55, 1.5)
    x = x * column(0.8, 1.2, 3) + column(-0.18, 0.18)
    half = F.avg_pool2d(x, 2)
    soft = F.interpolate(half, x.shape[2:], mode="bilinear", align_corners=False)
    x = torch.lerp(
        x, soft, torch.where(column(0, 1) < 0.3, column(0, 1), torch.zeros_like(column(0, 1)))
    )
    noise = torch.randn_like(x) * torch.where(column(0, 1) < 0.35, column(0, 0.07), column(0, 0.01))
    return (x + noise).clamp(0, 1)


class Mixer:
    """Endless batches of scenes and photos, with people of others pasted in."""

    def __init__(self, scenes: Source, real: Source | None, share: float, paste: float) -> None:
        self.scenes, self.real, self.share, self.paste = scenes, real, share, paste
        self.device = str(scenes.images.device)

    def _draw(self, count: int, share: float) -> Tensor:
        many = round(count * share) if self.real else 0
        parts = []
        for source, number in ((self.real, many), (self.scenes, count - many)):
            if number:
                chosen = torch.randint(len(source), (number,), device=self.device)
                parts.append(source.take(chosen))
        return torch.cat(parts)

    def batch(self, count: int, size: int) -> tuple[Tensor, Tensor]:
        """Return ``(N, 3, size, size)`` in -1..1 and masks ``(N, 1, size, size)``, 0 or 1."""
        stack = moved(self._draw(count, self.share), size, (0.55, 1.9), 0.3, "reflection")
        image, mask = recoloured(stack[:, :3]), stack[:, 3:]
        some = int(count * self.paste)
        if some:
            order = torch.randperm(count, device=self.device)[:some]
            other = self._draw(some, min(1, 2 * self.share))
            other = moved(other, size, (0.35, 1.5), 0.7, "zeros")
            cover = other[:, 3:]
            colour = recoloured(other[:, :3])
            image[order] = image[order] * (1 - cover) + colour * cover
            mask[order] = torch.maximum(mask[order], cover)
        return image * 2 - 1, (mask >= 0.5).float()


def loss_of(logits: Tensor, mask: Tensor) -> Tensor:
    """Cross entropy and, of each picture with people, the soft overlap."""
    logits = logits.float()
    entropy = F.binary_cross_entropy_with_logits(logits, mask)
    likely = torch.sigmoid(logits)
    shared = (likely * mask).sum((1, 2, 3))
    either = (likely + mask - likely * mask).sum((1, 2, 3))
    here = (mask.sum((1, 2, 3)) > 0).float()
    overlap = (shared + 1) / (either + 1)
    return entropy + ((1 - overlap) * here).sum() / here.sum().clamp(min=1)


@torch.no_grad()
def score(network: Unet, source: Source, size: int) -> float:
    """Mean overlap of each picture at the network's size, with the mirror image averaged in."""
    network.eval()
    values = []
    for start in range(0, len(source), 32):
        stack = source.take(torch.arange(start, min(start + 32, len(source))))
        stack = F.interpolate(stack, (size, size), mode="area")
        image, mask = stack[:, :3] * 2 - 1, stack[:, 3:] >= 0.5
        logits = network(image) + network(image.flip(3)).flip(3)
        found = logits > 0
        shared, either = (found & mask).sum((1, 2, 3)), (found | mask).sum((1, 2, 3))
        values.append((shared / either.clamp(min=1)).float())
    network.train()
    return float(torch.cat(values).mean())


class Trainer:
    """The network, the running mean of its weights, and the optimiser."""

    def __init__(self, device: str, rate: float) -> None:
        self.device, self.rate, self.steps = device, rate, 0
        self.network, self.kept = (
            Unet().to(device, memory_format=torch.channels_last) for _ in range(2)
        )
        self.kept.load_state_dict(self.network.state_dict())
        values = list(self.network.parameters())
        groups = [
            {"params": [one for one in values if one.ndim > 1], "weight_decay": 0.02},
            {"params": [one for one in values if one.ndim == 1], "weight_decay": 0.0},
        ]
        self.adam = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.99), fused=device != "cpu")

    def step(self, image: Tensor, mask: Tensor, done: float) -> Tensor:
        """Learn from one batch, ``done`` being the share of the training that is over."""
        pace = min(1, (self.steps + 1) / 300) * (0.02 + 0.98 * (0.5 + 0.5 * np.cos(np.pi * done)))
        for group in self.adam.param_groups:
            group["lr"] = self.rate * pace
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device != "cpu"):
            logits = self.network(image.contiguous(memory_format=torch.channels_last))
        loss = loss_of(logits, mask)
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.adam.step()
        self._remember()
        return loss.detach()

    def _remember(self) -> None:
        keep = min(0.999, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        pairs = zip(
            self.kept.state_dict().values(), self.network.state_dict().values(), strict=True
        )
        with torch.no_grad():
            means, now = zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True)
            torch._foreach_lerp_(list(means), list(now), 1 - keep)


def train(mixer: Mixer, held: dict[str, Source], args: argparse.Namespace) -> tuple[Unet, list]:
    """Train for ``args.seconds``; the weights' running mean and what it scored on the way."""
    trainer = Trainer(mixer.device, args.rate)
    began, log, reported = time.monotonic(), [], 0.0
    while (done := (time.monotonic() - began) / args.seconds) < 1:
        size = SIZES[trainer.steps % len(SIZES)]
        loss = trainer.step(*mixer.batch(args.batch, size), done)
        if done * args.seconds - reported > args.report or trainer.steps == 1:
            reported = done * args.seconds
            row = {"step": trainer.steps, "loss": round(float(loss), 4)}
            log.append(row | scores(trainer.kept, held, (128, 192)))
            print(round(reported), log[-1], flush=True)  # noqa: T201
    log.append({"step": trainer.steps} | scores(trainer.kept, held, (96, 128, 160, 192, 224)))
    print("final", log[-1], flush=True)  # noqa: T201
    return trainer.kept, log


def scores(network: Unet, held: dict[str, Source], sizes: tuple[int, ...]) -> dict[str, float]:
    """Return the mean overlap of each held-out source at each size."""
    pairs = [(name, size) for name in held for size in sizes]
    return {f"{name}@{size}": round(score(network, held[name], size), 4) for name, size in pairs}


SIZES = (128, 96, 160, 128, 192, 128)  # of the steps, in turn


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--report", type=float, default=20, help="seconds between two scores")
    parser.add_argument("--real", type=float, default=0.4, help="share of real photos")
    parser.add_argument("--paste", type=float, default=0.35, help="share with people pasted in")
    parser.add_argument("--batch", type=int, default=160)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--held", type=Path, help="pack of photos to score on, never learned from")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Train and write the weights and, beside them, how they came about."""
    args = arguments()
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    def source(path: Path, name: str, part: slice = slice(None)) -> Source:
        images, masks = packed.pictures(path, name), packed.masks(path, f"{name}_mask")
        return Source(images[part], masks[part], device)

    photos = source(args.pack, "photo")
    held = {"scenes": source(args.pack, "scene", slice(HELD))}
    if args.held:
        held |= {split: source(args.held, split) for split in ("valid", "test")}
    if args.real == 0:
        held["photos"] = photos
    scenes = source(args.pack, "scene", slice(HELD, None))
    mixer = Mixer(scenes, photos if args.real else None, args.real, args.paste)
    network, log = train(mixer, held, args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(keras_weights(network), args.out)
    told = {"arguments": {key: str(value) for key, value in vars(args).items()}, "log": log}
    told["device"] = torch.cuda.get_device_name() if device == "cuda" else device
    told["scenes"], told["photos"] = len(scenes), len(photos) if args.real else 0
    args.out.with_suffix(".json").write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
