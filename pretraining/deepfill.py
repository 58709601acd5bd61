"""Pre-train DeepFillv2 on a GPU; needs PyTorch, NumPy, OpenCV, safetensors and msgspec.

    python -m pretraining.deepfill PACK HELD OUT [--seconds 200 200] [--width 48]

Learns from generated scenes without people and from real photos, of which no person's pixel is ever
shown or asked for: people are unknown ground there, beside the hole whose content is learned. The
first of the two phases lowers the mean absolute difference alone (``OUT/l1.safetensors``), the
second goes on against the critic (``OUT/gan.safetensors``); weights between the two, mixed by
``pretraining.mix``, trade sharpness for fidelity.
"""

import argparse
import copy
import json
import time
from pathlib import Path

import cv2
import msgspec
import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # its usual name

from pipeline.deepfill.discriminator import SLOPE, Discriminator
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.layout import Layout
from pipeline.deepfill.losses import critic_loss, deceit_loss, painting_loss
from pipeline.deepfill.smooth import spread
from pretraining import packed

RIM = 7  # pixels around a person that belong to neither: hair, shadow, an outline's slack
REAL = 0.55  # share of real photos in a batch
CANDIDATES = 3  # crops drawn; the one that shows least of people is learned from
CHECKS = 48  # crops of held-out photos that are scored
ROUGH = 0.5  # weight of the coarse stage's difference
SIZES = {128: 64, 256: 24}  # side of the crops: how many a step


class DenseAttention(nn.Module):
    """Contextual attention of all patches of a batch at once: more work, far fewer launches."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        self.register_buffer("fuse_weight", torch.eye(3).view(1, 1, 3, 3))

    def forward(self, features: Tensor, hole: Tensor, *, near_only: bool) -> Tensor:
        """Return features of the same shape; as ``pipeline.deepfill.attention``."""
        del near_only  # everywhere, always
        with torch.autocast(features.device.type, enabled=False):
            return self._attended(features.float(), hole)

    def _attended(self, features: Tensor, hole: Tensor) -> Tensor:
        count, _, height, width = features.shape
        size = height // 2, width // 2
        patches = F.unfold(features[:, :, ::2, ::2], 3, padding=1)  # (N, 9C, L)
        values = F.unfold(features, 4, padding=1, stride=2)  # (N, 16C, L)
        unknown = F.max_pool2d(hole[:, :, ::8, ::8], 3, 1, 1).flatten(1)
        known = (unknown == 0).float()[:, None]  # (N, 1, L)
        length = (patches.square().sum(1, keepdim=True) + self.layout.added).clamp(
            min=self.layout.floor**2
        )
        scores = patches.transpose(1, 2) @ (patches / length.sqrt())  # (N, L, L)
        if self.layout.fuse:
            scores = diagonal(scores)
            turned = scores.view(count, *size, *size).permute(0, 2, 1, 4, 3)
            turned = diagonal(turned.reshape(count, size[0] * size[1], -1))
            turned = turned.view(count, *size[::-1], *size[::-1]).permute(0, 2, 1, 4, 3)
            scores = turned.reshape(count, size[0] * size[1], -1)
        mixed = torch.softmax(self.layout.sharpness * scores * known, dim=2) * known
        pasted = values @ mixed.transpose(1, 2)  # (N, 16C, L)
        return F.fold(pasted, (height, width), 4, padding=1, stride=2) / 4


def diagonal(scores: Tensor) -> Tensor:
    """Add to each likeness those one further and one back of both patches."""
    padded = F.pad(scores, (1, 1, 1, 1))
    return scores + padded[:, 2:, 2:] + padded[:, :-2, :-2]


class Source:
    """Pictures of one kind on the device, each at the top left of a square canvas."""

    def __init__(
        self, images: list[np.ndarray], people: list[np.ndarray], side: int, device: str
    ) -> None:
        canvas = np.zeros((len(images), side, side, 3), np.uint8)
        barred = np.zeros((len(images), 1, side, side), np.uint8)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RIM + 1,) * 2)
        for index, (image, mask) in enumerate(zip(images, people, strict=True)):
            height, width = image.shape[:2]
            canvas[index, :height, :width] = image
            barred[index, 0, :height, :width] = cv2.dilate(mask, kernel) * 255
        self.canvas = torch.from_numpy(canvas.transpose(0, 3, 1, 2).copy()).to(device)
        self.barred = torch.from_numpy(barred).to(device)
        sizes = [image.shape[:2] for image in images]
        self.sizes = torch.tensor(sizes, dtype=torch.float32, device=device)
        self.side = side

    def crops(self, count: int, size: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return crops ``(count, 3, size, size)`` in -1..1 and where people are, bool."""
        device = self.canvas.device
        chosen = torch.randint(len(self.sizes), (count,), device=device, generator=random)
        limits = self.sizes[chosen]  # (count, 2): height, width
        shorter = limits.amin(1)
        drawn = torch.rand(CANDIDATES, 3, count, device=device, generator=random)
        least = torch.minimum(shorter, torch.full_like(shorter, 0.8 * size))
        extent = least * (shorter / least) ** drawn[:, 0]
        top = drawn[:, 1] * (limits[:, 0] - extent)
        left = drawn[:, 2] * (limits[:, 1] - extent)
        barred = self.barred[chosen].float()
        shown = torch.stack(
            [
                cropped(barred, one, size // 8).mean((1, 2, 3))
                for one in zip(top, left, extent, strict=True)
            ]
        )
        best = shown.argmin(0), torch.arange(count, device=device)
        place = top[best], left[best], extent[best]
        image = cropped(self.canvas[chosen].float(), place, size)
        people = cropped(barred, place, size) > 1
        return image / 127.5 - 1, people


def cropped(stack: Tensor, place: tuple[Tensor, Tensor, Tensor], size: int) -> Tensor:
    """Return squares of pictures, ``place`` being top, left and extent; drawn twice as large."""
    top, left, extent = (value / stack.shape[2] * 2 for value in place)  # of -1..1
    zero = torch.zeros_like(top)
    rows = [
        torch.stack([extent / 2, zero, left + extent / 2 - 1], 1),
        torch.stack([zero, extent / 2, top + extent / 2 - 1], 1),
    ]
    shape = (len(stack), 1, 2 * size, 2 * size)
    grid = F.affine_grid(torch.stack(rows, 1), shape, align_corners=False)
    drawn = F.grid_sample(stack, grid, padding_mode="border", align_corners=False)
    return F.avg_pool2d(drawn, 2)


class Lessons:
    """Endless batches: pictures, where people are, and holes."""

    def __init__(self, plates: Source, photos: Source, holes: Tensor, seed: int) -> None:
        self.plates, self.photos, self.holes = plates, photos, holes
        self.random = torch.Generator(holes.device).manual_seed(seed)

    def batch(self, count: int, size: int, real: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return ``(N, 3, S, S)`` in -1..1, and ``(N, 1, S, S)`` floats: people, and the hole.

        The two do not overlap; both are unknown to the generator.
        """
        many = round(count * real)
        parts = [
            source.crops(number, size, self.random)
            for source, number in ((self.photos, many), (self.plates, count - many))
            if number
        ]
        image = torch.cat([one for one, _ in parts])
        people = torch.cat([mask for _, mask in parts])
        device = image.device
        chosen = torch.randint(len(self.holes), (count,), device=device, generator=self.random)
        hole = F.interpolate(self.holes[chosen].float(), (size, size), mode="nearest") > 0
        flips = torch.rand(2, count, 1, 1, 1, device=device, generator=self.random) < 0.5
        hole = torch.where(flips[0], hole.flip(3), hole)
        image, people = (torch.where(flips[1], one.flip(3), one) for one in (image, people))
        light = torch.rand(2, count, 3, 1, 1, device=device, generator=self.random) - 0.5
        image = (
            image * (1 + 0.3 * light[0][:, :1] + 0.1 * light[0]) + 0.2 * light[1][:, :1]
        ).clamp(-1, 1)
        return image, people.float(), (hole & ~people).float()


def judged(critic: Discriminator, image: Tensor, hole: Tensor) -> list[Tensor]:
    """Return every layer's features; the last are the judgements."""
    x, layers = torch.cat([image, hole], 1), []
    for convolution in critic.convolutions:
        x = F.leaky_relu(convolution(x), SLOPE)
        layers.append(x)
    return layers


class Trainer:
    """Generator, its running mean and the critic."""

    def __init__(self, layout: Layout, device: str, args: argparse.Namespace) -> None:
        generator = Generator(layout)
        generator.stage2.contextual_attention = DenseAttention(layout)
        self.generator = generator.to(device, memory_format=torch.channels_last)
        self.kept = copy.deepcopy(self.generator).requires_grad_(requires_grad=False)
        self.critic = Discriminator(64).to(device, memory_format=torch.channels_last)
        self.adam, self.critic_adam = (
            torch.optim.Adam(one.parameters(), betas=(0.5, 0.999), fused=device != "cpu")
            for one in (self.generator, self.critic)
        )
        self.device, self.args, self.steps = device, args, 0

    def step(self, batch: tuple[Tensor, Tensor, Tensor], rate: float, deceit: float) -> Tensor:
        """Learn from one batch; returns the detached loss, difference and critic's loss."""
        image, people, hole = batch
        for adam, factor in ((self.adam, 1.0), (self.critic_adam, 1.0)):
            for group in adam.param_groups:
                group["lr"] = rate * factor
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device != "cpu"):
            coarse, refined = self.generator(image, torch.maximum(people, hole))
        coarse, refined = coarse.float(), refined.float()
        difference = painting_loss(refined, image, hole, 0.0)
        loss = difference + ROUGH * painting_loss(coarse, image, hole, 0.0)
        telling = refined.new_zeros(())
        if deceit > 0:
            beside = torch.where(people > 0, refined.detach(), image)
            fake = torch.where(hole > 0, refined, beside)
            telling = self._teach(beside, fake.detach(), hole)
            with torch.autocast(self.device, torch.bfloat16, enabled=self.device != "cpu"):
                with torch.no_grad():
                    wanted = judged(self.critic, beside, hole)
                came = judged(self.critic, fake, hole)
            loss = loss + deceit * deceit_loss(came[-1].float())
            alike = sum(
                (one.float() - other.float()).abs().mean()
                for one, other in zip(came[:-1], wanted[:-1], strict=True)
            )
            loss = loss + self.args.alike * deceit * alike
        self._descend(self.adam, self.generator, loss)
        self._remember()
        return torch.stack([loss.detach(), difference.detach(), telling])

    def _teach(self, real: Tensor, fake: Tensor, hole: Tensor) -> Tensor:
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device != "cpu"):
            scores = [judged(self.critic, one, hole)[-1] for one in (real, fake)]
        loss = critic_loss(*(one.float() for one in scores))
        self._descend(self.critic_adam, self.critic, loss)
        return loss.detach()

    def _descend(self, adam: torch.optim.Optimizer, network: nn.Module, loss: Tensor) -> None:
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        adam.step()

    def _remember(self) -> None:
        keep = min(0.998, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.kept.parameters()), list(self.generator.parameters()), 1 - keep
            )


@torch.no_grad()
def score(generator: nn.Module, checks: list[tuple], device: str) -> dict[str, float]:
    """Mean absolute difference (of 0..1) in held-out holes, and that of a smooth fill."""
    off, plain = [], []
    for image, people, hole in checks:
        unknown = torch.maximum(people, hole)
        with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
            refined = generator(image, unknown)[1].float()
        off.append(painting_loss(refined, image, hole, 0.0) / 2)
        plain.append(painting_loss(spread(image, unknown), image, hole, 0.0) / 2)
    return {
        "val_l1": round(float(sum(off)) / len(off), 5),
        "smooth": round(float(sum(plain)) / len(plain), 5),
    }


@torch.no_grad()
def sheet(path: Path, generators: list[nn.Module], checks: list[tuple], device: str) -> None:
    """Write rows of masked, painted by each generator, truth."""
    rows = []
    for image, people, hole in checks:
        unknown = torch.maximum(people, hole)
        shown = [torch.where(unknown > 0, 0.0, image)]
        for generator in generators:
            with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
                shown.append(torch.where(unknown > 0, generator(image, unknown)[1].float(), image))
        shown.append(image)
        rows.append(torch.cat(shown, 3))
    whole = torch.cat(rows)[:24].permute(0, 2, 3, 1).clamp(-1, 1)
    whole = whole.reshape(-1, whole.shape[2], 3).cpu().numpy()
    cv2.imwrite(
        str(path), ((whole[..., ::-1] + 1) * 127.5).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 88]
    )


def write(path: Path, generator: nn.Module, layout: Layout, told: dict) -> None:
    """Write the weights as float16, and beside them their layout and how they came about."""
    tensors = {
        name: value.half().contiguous().cpu() for name, value in generator.state_dict().items()
    }
    safetensors.torch.save_file(tensors, path)
    text = json.dumps({"layout": msgspec.to_builtins(layout), "training": told}, indent=1)
    path.with_suffix(".json").write_text(text)


def phase(trainer: Trainer, lessons: Lessons, checks: list, plan: dict) -> list[dict]:
    """Train for ``plan['seconds']``; returns what was reported."""
    began, log, count, reported = time.monotonic(), [], 0, 0.0
    seen: list[Tensor] = []
    while (done := (time.monotonic() - began) / plan["seconds"]) < 1:
        size = 128 if done < plan["small"] else 256
        rise = min(1, (count + 1) / 200)
        rate = plan["rate"] * rise * (0.03 + 0.97 * (0.5 + 0.5 * np.cos(np.pi * done)))
        batch = lessons.batch(max(2, int(SIZES[size] * trainer.args.batch)), size, REAL)
        seen.append(trainer.step(batch, rate, plan["deceit"] * min(1, count / 500)))
        count += 1
        if done * plan["seconds"] - reported > trainer.args.report or count == 5:
            reported = done * plan["seconds"]
            means = torch.stack(seen).mean(0).tolist()
            names = ("loss", "l1", "critic")
            row = {"step": trainer.steps, "size": size} | {
                name: round(value, 4) for name, value in zip(names, means, strict=True)
            }
            log.append(row | score(trainer.kept, checks, trainer.device))
            print(round(reported), log[-1], flush=True)  # noqa: T201
            seen = []
            if not np.isfinite(means[0]):
                raise SystemExit("diverged")
    log.append({"step": trainer.steps} | score(trainer.kept, checks, trainer.device))
    print("end", log[-1], flush=True)  # noqa: T201
    return log


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("held", type=Path, help="pack of photos to score on, never learned from")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, nargs=2, default=(200, 200))
    parser.add_argument("--width", type=int, default=48)
    parser.add_argument("--batch", type=float, default=1.0, help="factor on the batch")
    parser.add_argument("--rate", type=float, nargs=2, default=(6e-4, 2e-4))
    parser.add_argument("--deceit", type=float, default=0.1, help="weight of fooling the critic")
    parser.add_argument(
        "--alike", type=float, default=10.0, help="of the critic's features, in deceits"
    )
    parser.add_argument("--report", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def source(path: Path, name: str, device: str) -> Source:
    """Return the pictures of one name in a pack, and the people in them if it knows any."""
    images = packed.pictures(path, name)
    with np.load(path) as content:
        told = f"{name}_mask" in content
    blank = [np.zeros(image.shape[:2], np.uint8) for image in images]
    people = packed.masks(path, f"{name}_mask") if told else blank
    return Source(images, people, max(max(image.shape[:2]) for image in images), device)


def prepare(seed: int) -> str:
    """Seed PyTorch, let it be fast, and return the device."""
    torch.manual_seed(seed)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    return "cuda" if torch.cuda.is_available() else "cpu"


def main() -> None:
    """Train both phases and write what came of each."""
    args = arguments()
    device = prepare(args.seed)
    cuts = packed.masks(args.pack, "hole")
    bank = torch.from_numpy(np.stack(cuts))[:, None].to(device)
    plates, photos = (source(args.pack, name, device) for name in ("plate", "photo"))
    lessons = Lessons(plates, photos, bank, args.seed)
    held = source(args.held, "valid", device)
    asked = Lessons(held, held, bank, 99)
    checks = [asked.batch(min(8, CHECKS), 256, 1.0) for _ in range(max(1, CHECKS // 8))]
    layout = Layout(width=args.width, fill="smooth", fuse=True)
    trainer = Trainer(layout, device, args)
    told = {"arguments": {k: str(v) for k, v in vars(args).items()}, "plates": len(plates.sizes)}
    told |= {"photos": len(photos.sizes), "holes": len(bank)}
    told["device"] = torch.cuda.get_device_name() if device == "cuda" else device
    args.out.mkdir(parents=True, exist_ok=True)
    first = {"seconds": args.seconds[0], "small": 0.4, "rate": args.rate[0], "deceit": 0.0}
    told["l1"] = phase(trainer, lessons, checks, first)
    write(args.out / "l1.safetensors", trainer.kept, layout, told)
    before = copy.deepcopy(trainer.kept)
    trainer.generator.load_state_dict(trainer.kept.state_dict())
    second = {"seconds": args.seconds[1], "small": 0.0, "rate": args.rate[1], "deceit": args.deceit}
    told["gan"] = phase(trainer, lessons, checks, second)
    write(args.out / "gan.safetensors", trainer.kept, layout, told)
    sheet(args.out / "sheet.jpg", [before, trainer.kept], checks[:3], device)


if __name__ == "__main__":
    main()
