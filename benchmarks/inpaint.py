"""How much less does painting cost than by the published formulation, at the same result?

    python -m benchmarks.inpaint [ROUNDS [pictures|crop|batch|memory...]]

The published attention compares every patch with every patch by a convolution, adds neighbours by
two convolutions of that map with the identity, and pastes by a transposed convolution; it is kept
here as `PublishedAttention`. Both run in the published network (nipponjo's for PyTorch, width 48,
random weights), two threads, turn about in one process; holes cover 10 to 15 % of the picture.
Ratios are of the medians of processor time; on a quiet machine those of wall time are the same.
Memory is the peak of a process of its own for each, with and without the network.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin would count as work

import msgspec
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline import inpaint, params
from pipeline.deepfill.attention import ContextualAttention
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.layout import Layout

THREADS = 2
CASES = {256: 0.15, 512: 0.15, 640: 0.10}  # side, pixels -> share of the hole
GREY = 127.5  # grey levels of a step of 1 in -1..1
SHORT = "ours, bfloat16"


class PublishedAttention(ContextualAttention):
    """Contextual attention as published, of one sample."""

    def forward(self, features: Tensor, hole: Tensor, *, near_only: bool) -> Tensor:
        """Map as ``ContextualAttention``, whatever ``near_only`` says."""
        del near_only
        _, channels, height, width = features.shape
        h, w = height // 2, width // 2
        small = features[..., ::2, ::2]  # (1, C, h, w)
        values = F.unfold(features, 4, padding=1, stride=2)[0].T.view(-1, channels, 4, 4)
        keys = F.unfold(small, 3, padding=1)[0].T.view(-1, channels, 3, 3)
        lengths = keys.square().sum((1, 2, 3), keepdim=True).sqrt().clamp_min(self.layout.floor)
        taken = F.unfold(hole[..., ::8, ::8], 3, padding=1)[0].T.mean(1)
        known = (taken == 0).to(features.dtype).view(1, -1, 1, 1)
        scores = F.conv2d(small, keys / lengths, padding=1)  # (1, L, h, w)
        for sides in ((h, w), (w, h)) if self.layout.fuse else ():
            scores = F.conv2d(scores.reshape(1, 1, h * w, h * w), self.fuse_weight, padding=1)
            scores = scores.view(1, *sides, *sides).permute(0, 2, 1, 4, 3).contiguous()
        scores = scores.view(1, h * w, h, w) * known
        shares = torch.softmax(scores * self.layout.sharpness, dim=1) * known
        return F.conv_transpose2d(shares, values, stride=2, padding=1) / 4


class Scene(NamedTuple):
    """A picture, ``(1, 3, S, S)`` in -1..1, and its hole, ``(1, 1, S, S)``."""

    image: Tensor
    hole: Tensor

    @classmethod
    def of(cls, side: int, share: float) -> "Scene":
        """Return a smooth random picture with a person's upright ellipse cut out."""
        draw = torch.Generator().manual_seed(side)
        coarse = torch.rand(1, 3, side // 8, side // 8, generator=draw) * 2 - 1
        image = F.interpolate(coarse, (side, side), mode="bicubic").clamp(-1, 1)
        rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        tall = (share * side * side / np.pi * 2) ** 0.5  # twice as tall as wide
        inside = ((rows - side / 2) / tall) ** 2 + ((columns - side / 2) / tall * 2) ** 2 < 1
        return cls(image, inside.float()[None, None])


def network(attention: type[ContextualAttention] = ContextualAttention) -> Generator:
    """Return the published network with random weights, always the same, and this attention."""
    torch.manual_seed(0)
    made = Generator(Layout(width=48)).eval().requires_grad_(requires_grad=False)
    made.stage2.contextual_attention.__class__ = attention
    return made


def painting(made: Generator, scene: Scene, *, near: bool = True, short: bool = False) -> Tensor:
    """Return what the network paints into the hole, a row a colour."""
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=short):
        refined = made(scene.image, scene.hole, near_only=near)[1]
    return refined[:, :, scene.hole[0, 0] > 0]


def say(line: object) -> None:
    """Print at once: a measurement takes minutes."""
    print(line, flush=True)  # noqa: T201


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return processor and wall time of a call, seconds."""
    wall, used = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - used, time.perf_counter() - wall


def turns(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Return each way's median processor and wall time; ways take turns, after one round unseen."""
    seen = [{name: timed(work) for name, work in ways.items()} for _ in range(rounds + 1)][1:]
    return {
        name: tuple(float(np.median([one[name][kind] for one in seen])) for kind in (0, 1))
        for name in ways
    }


def whole_pictures(rounds: int) -> None:
    """Say, for each size, how the costs and the paintings compare."""
    published, ours = network(PublishedAttention), network()
    say(
        "| picture | way | CPU s | wall s | CPU ratio | wall ratio | off in the hole, grey levels |"
    )
    say("|---|---|---|---|---|---|---|")
    for side, share in CASES.items():
        scene = Scene.of(side, share)
        ways = {
            "published": lambda scene=scene: painting(published, scene, near=False),
            "ours": lambda scene=scene: painting(ours, scene),
            SHORT: lambda scene=scene: painting(ours, scene, short=True),
        }
        truth = ways["published"]()
        times = turns(ways, rounds)
        for name, (used, wall) in times.items():
            off = (ways[name]() - truth).abs() * GREY
            ratios = [times["published"][kind] / times[name][kind] for kind in (0, 1)]
            cells = [f"{side}, hole {scene.hole.mean():.1%}", name, f"{used:.2f}", f"{wall:.2f}"]
            cells += [f"{ratio:.2f}" for ratio in ratios]
            cells += [f"mean {off.mean():.1e}, largest {off.max():.1e}"]
            say(f"| {' | '.join(cells)} |")


def crop(rounds: int) -> None:
    """Say what a 640 photo with one person of 200 x 300 costs, cut out and scaled as in use."""
    settings = params.load(inpaint.InpaintParams, "inpaint")
    scene = Scene.of(640, 0.1)
    hole = np.zeros((640, 640), bool)
    hole[170:470, 220:420] = True
    photo = ((scene.image[0].permute(1, 2, 0).numpy() + 1) * GREY).astype(np.uint8)
    whole = Scene(scene.image, torch.from_numpy(hole[None, None]).float())
    published, ours = network(PublishedAttention), network()

    def filled(precision: str) -> np.ndarray:
        return inpaint.fill(
            ours, photo, hole, msgspec.structs.replace(settings, precision=precision)
        )

    ways = {
        "published, whole photo": lambda: painting(published, whole, near=False),
        "ours, crop": lambda: filled("float32"),
        "ours, crop, bfloat16": lambda: filled("bfloat16"),
    }
    times = turns(ways, rounds)
    first = times["published, whole photo"]
    for name, (used, wall) in times.items():
        say(f"{name}: {used:.2f} CPU s, {first[0] / used:.2f}x; wall {wall:.2f} s, "
              f"{first[1] / wall:.2f}x")  # fmt: skip


def batch() -> None:
    """Say how far a batch of different holes is from each alone."""
    ours, scene = network(), Scene.of(256, 0.12)
    holes = torch.cat([scene.hole, scene.hole.roll(60, 3), scene.hole.roll(-50, 2)])
    images = torch.cat([scene.image, scene.image.flip(3), scene.image.flip(2)])
    with torch.inference_mode():
        together = ours(images, holes, near_only=True)[1]
        alone = torch.cat(
            [ours(images[i : i + 1], holes[i : i + 1], near_only=True)[1] for i in range(3)]
        )
    off = ((together - alone) * holes).abs().max()
    say(f"a batch of three different holes: at most {off:.1e} of 2 off each alone")


def memory() -> None:
    """Say the peak memory of painting a 640 picture, beyond that of the network itself."""
    peaks = {way: _peak(way) for way in ("none", "published", "ours", SHORT)}
    for way in ("published", "ours", SHORT):
        whole, net = (peaks[way] - less for less in (0, peaks["none"]))
        first = [peaks["published"] - less for less in (0, peaks["none"])]
        say(f"{way}: peak {whole:.0f} MB, {whole / first[0]:.2f}x; beyond the loaded network "
            f"{net:.0f} MB, {net / first[1]:.2f}x")  # fmt: skip


def _peak(way: str) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.inpaint", "--peak", way],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(done.stdout)


def peak(way: str) -> None:
    """Paint a 640 picture and print this process's peak memory, MB."""
    kind = PublishedAttention if way == "published" else ContextualAttention
    made, scene = network(kind), Scene.of(640, 0.1)
    if way != "none":
        painting(made, scene, near=way != "published", short=way == SHORT)
    # Not getrusage: what that calls the peak begins with the parent's.
    told = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    say(int(told.split()[0]) / 1024)


def main() -> None:
    """Measure everything, or the parts that are named."""
    torch.set_num_threads(THREADS)
    if sys.argv[1:2] == ["--peak"]:
        peak(sys.argv[2])
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    parts = {"pictures": lambda: whole_pictures(rounds), "crop": lambda: crop(rounds)}
    parts |= {"batch": batch, "memory": memory}
    for name in sys.argv[2:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
