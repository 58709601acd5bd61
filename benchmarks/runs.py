"""One training a row: an export through pull .. segment with some parameters changed, and its IoU.

The stages run as dvc.yaml says, in a folder of their own.
"""

import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import yaml

from pipeline import coco, store
from pipeline.tables import SPLITS

ROOT = Path(__file__).parents[1]
STILL = dict.fromkeys(
    ("flip", "aspect", "rotate", "shift", "brightness", "contrast", "tint", "saturation", "grey",
     "blur", "blur_sigma", "noise", "noise_sigma", "paste", "hide", "hide_most"), 0,
) | dict.fromkeys(("scale_from", "scale_to", "paste_from", "paste_to"), 1)  # fmt: skip
REPORT = {"preset": "seed", "size": 160, "init": "none"}


def _nothing(**laid: float) -> dict:
    """Return what trains from no weights, with something laid on."""
    return {"unet": {"init": "none"}, "train": {"augment": laid}}


ROWS = {
    "default": {},
    "seed": {
        "unet": REPORT,
        "train": {"fresh_epochs": 20, "batch": 16},
        "segment": {"flip": False},
    },
    "nothing known": _nothing(),
    "no augmentation": {"train": {"augment": STILL}},
    "cross entropy alone": {"train": {"dice": 0, "lovasz": 0}},
    "Lovász for half of Dice": {"train": {"dice": 0.25, "lovasz": 0.25}},
    "people pasted": {"train": {"augment": {"paste": 0.3}}},
    "people hidden": {"train": {"augment": {"hide": 0.3}}},
    "both": {"train": {"augment": {"paste": 0.3, "hide": 0.3}}},
    "nothing known, pasted": _nothing(paste=0.3),
    "nothing known, hidden": _nothing(hide=0.3),
    "as if it knew": {"train": {"fresh_epochs": 10, "fresh_steps": 0, "fresh_rate": 0.0005}},
    "a low rate": {"train": {"fresh_steps": 0, "fresh_rate": 0.0005}},
    "36 epochs": {"train": {"fresh_steps": 0}},
    "100 steps": {"train": {"fresh_steps": 100}},
    "36 epochs from nothing": {"unet": {"init": "none"}, "train": {"fresh_steps": 0}},
    "one size": {"train": {"small_share": 0}},
    "128 pixels": {"unet": {"size": 128}, "train": {"small_size": 96}},
    "no running mean": {"train": {"ema": 0}},
    "no mirror image": {"segment": {"flip": False}},
    "half the epochs": {"train": {"epochs": 5}},
    "twice the epochs": {"train": {"epochs": 20}},
    "a third of the rate": {"train": {"learning_rate": 0.00017}},
    "three times the rate": {"train": {"learning_rate": 0.0015}},
}
HEADER = "| Row | Parameters | Epochs | Seconds | CPU seconds | IoU train | valid | test |"


def prepare(export: Path, folder: Path) -> None:
    """Pull, check, draw and choose; the results stand below ``folder``."""
    settings = _settings({"pull": {"export": str(export.resolve())}, "compute": {"cache": ""}})
    _write(folder, settings)
    for stage in ("pull", "validate", "rasterise", "tag"):
        _run(folder, stage, settings)


def row(folder: Path, name: str) -> str:
    """Train and segment with a row's parameters; return the line of the table."""
    settings = _settings(ROWS[name])
    _write(folder, settings)
    for left in ("data/model", "data/segments", "data/.model.state", "reports/live"):
        shutil.rmtree(folder / left, ignore_errors=True)
    began, used = time.perf_counter(), _used()
    said = _run(folder, "train", settings)
    seconds, used = time.perf_counter() - began, _used() - used
    _run(folder, "segment", settings)
    scores = " | ".join(f"{overlap(folder, split):.3f}" for split in SPLITS)
    parameters = re.search(r"([\d,]+) parameters", said)[1]
    epochs = re.search(r"(\d+) epochs", said)[1]
    return f"| {name} | {parameters} | {epochs} | {seconds:.0f} | {used:.0f} | {scores} |"


def overlap(folder: Path, split: str) -> float:
    """Return the mean IoU of a split, per image at its own size, over the categories in it."""
    labels = store.read_json(folder / "data/valid" / f"{split}.json")["categories"]
    found = []
    images = coco.load(folder / "data/valid").images
    for stem in images.loc[images["split"] == split, "stem"]:
        truth, answer = (
            store.read_mask(folder / "data" / kind / split / f"{stem}.png")
            for kind in ("masks", "segments")
        )
        scores = []
        for label in range(1, len(labels) + 1):
            drawn, seen = truth == label, answer == label
            if (drawn | seen).any():
                scores.append((drawn & seen).sum() / (drawn | seen).sum())
        if scores:
            found.append(np.mean(scores))
    return float(np.mean(found)) if found else np.nan


def _settings(changes: dict) -> dict:
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    return _changed(settings, changes)


def _changed(values: dict, changes: dict) -> dict:
    """Return nested values with some of them changed."""
    both = {
        key: _changed(values[key], new) for key, new in changes.items() if isinstance(new, dict)
    }
    return values | changes | both


def _write(folder: Path, settings: dict) -> None:
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    store.write_bytes(folder / "params.yaml", text.encode())


def _run(folder: Path, stage: str, settings: dict) -> str:
    """Run a stage's command of dvc.yaml in the folder; return what it says."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]

    def value(name: re.Match) -> str:
        section, key = name[1].split(".")
        return str(settings[section][key])

    words = shlex.split(re.sub(r"\$\{([\w.]+)\}", value, stages[stage]["cmd"]))
    done = subprocess.run(
        [sys.executable, *words[1:]], cwd=folder, text=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{stage}: {done.stderr[-2000:]}")
    return done.stdout


def _used() -> float:
    """Processor seconds of the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
