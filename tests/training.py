"""What the tests of training share: a tiny export on the disk, and the stage in a process."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from pipeline import store, tables
from pipeline.augment import STILL
from pipeline.photos import Photos
from pipeline.recipes import TrainParams
from pipeline.unet import UnetParams

ROOT = Path(__file__).parents[1]
SHAPE = UnetParams(preset="default", init="none", size=32)
REPORT = UnetParams(preset="seed", init="none", size=32)
PLAIN = TrainParams(
    seed=0, threads=2, exclude=[], epochs=4, fresh_epochs=4, fresh_steps=0, patience=0, batch=4,
    small_size=32, small_share=0, learning_rate=0.003, fresh_rate=0.003, final_rate=0.1,
    warmup=0, weight_decay=0.01, clip=1, dice=0.5, lovasz=0, balance=0.5, ema=0.5, augment=STILL,
)  # fmt: skip
MOVING = msgspec.structs.replace(STILL, flip=0.5, scale_from=0.8, scale_to=1.3, noise=1)
LABELS = [
    {"label": 0, "category_id": 0, "name": "background"},
    {"label": 1, "category_id": 1, "name": "person"},
]


def squares(count, side=32, labels=1):
    """Photos of bright squares on a dark ground, labelled 1..labels in turn."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (count, side, side, 3), dtype=np.uint8)
    drawn = np.zeros((count, side, side), np.uint8)
    for index in range(count):
        top, left = rng.integers(2, side // 2, 2)
        label = 1 + index % labels
        drawn[index, top : top + side // 3, left : left + side // 3] = label
        images[index][drawn[index] > 0, label - 1] = 230
    return Photos(images, drawn)


def export(root, counts):
    """Write what the train stage reads: squares as photos, 40 x 32, with their masks."""
    rows = []
    for split, count in counts.items():
        many = squares(count)
        for index, (image, mask) in enumerate(zip(many.images, many.masks, strict=True)):
            wide, labels = np.pad(image, ((0, 0), (4, 4), (0, 0))), np.pad(mask, ((0, 0), (4, 4)))
            path = f"{split}/{index}.png"
            store.write_image(root / "raw" / path, wide)
            store.write_mask(root / "masks" / split / f"{index}.png", labels)
            rows.append({"split": split, "stem": str(index), "path": path})
    store.write_table(root / "chosen.csv", pd.DataFrame(rows), tables.CHOSEN)
    store.write_table(root / "valid/labels.csv", tables.LABELS.frame(LABELS), tables.LABELS)


def settle(root, shape, settings):
    """Write params.yaml; what begins anew learns alike."""
    alike = {"fresh_epochs": settings.epochs, "fresh_rate": settings.learning_rate}
    train = msgspec.to_builtins(settings) | alike
    sections = {"unet": msgspec.to_builtins(shape), "train": train}
    (root / "params.yaml").write_bytes(msgspec.yaml.encode(sections))


def paths(root, out):
    """The arguments of the stage."""
    read = [root / name for name in ("raw", "valid", "masks", "chosen.csv")]
    return [*read, *(root / out / name for name in ("model", "history.csv", "live"))]


def start(root, out, **environment):
    """Start the stage in a process of its own."""
    command = [sys.executable, "-m", "stages.train", *map(str, paths(root, out))]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen(
        command, cwd=root, env=surroundings, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process):
    """Wait for the stage; return the line it says."""
    said, complaint = process.communicate(timeout=600)
    assert process.returncode == 0, complaint
    return said


def digests(folder):
    """SHA-256 of every file below a folder, by name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
