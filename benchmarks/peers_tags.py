"""Our tags beside cleanvision's: how often right, and how fast, on the same photos.

    python -m benchmarks.peers_tags [PEOPLE [PYTHON]]

PEOPLE is a folder in Roboflow's layout with tags_truth.csv (default ../shared/data/people). PYTHON
is an interpreter that has cleanvision; without it a virtual environment is made for this run.

Two sets are tagged. The labelled photos as they are: what two people say of blur and light is
the truth. And a set of planted problems: every other photo is sound, of the rest one in seven each
is made grey, burnt out, dark, soft, of another size, doubled (same bytes, compressed again, or
mirrored) and nearly doubled (brighter, or cut by a fiftieth). Photos of which a person said
that they are dark or blurred are left out there. F1 is of the planted photos against all others;
both copies of a double count. Times are of whole processes with nothing remembered, taking turns.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from benchmarks import tag_speed
from pipeline import accuracy, coco, looking, params, raw, store, tables, validate
from pipeline.checks import ValidateParams
from pipeline.parallel import ComputeParams

PEER = "cleanvision==0.3.7"
SAME = {  # ours -> theirs
    "low_light": "dark",
    "over_exposed": "light",
    "whole_blur": "blurry",
    "blurred_background": "blurry",
    "greyscale": "grayscale",
    "odd_size": "odd_size",
    "duplicate": "exact_duplicates",
    "near_duplicate": "near_duplicates",
}
LOOK = """
import json, sys
from cleanvision import Imagelab
lab = Imagelab(data_path=sys.argv[1])
lab.find_issues(n_jobs=int(sys.argv[2]), verbose=False)
flags = [name for name in lab.issues if name.startswith("is_") and name.endswith("_issue")]
rows = {path: [name[3:-6] for name in flags if row[name]]
        for path, row in zip(lab.issues.index, lab.issues[flags].to_dict("records"))}
json.dump(rows, open(sys.argv[3], "w"))
"""
ROUNDS = 3


def _grey(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _gain(image: np.ndarray, gain: float, more: float) -> np.ndarray:
    return np.clip(image.astype(np.float32) * gain + more, 0, 255).astype(np.uint8)


def _resized(image: np.ndarray, times: float) -> np.ndarray:
    return cv2.resize(image, None, fx=times, fy=times, interpolation=cv2.INTER_AREA)


CHANGES = {
    "greyscale": [_grey],
    "over_exposed": [partial(_gain, gain=2.2, more=90)],
    "low_light": [partial(_gain, gain=0.16, more=0)],
    "whole_blur": [lambda image: cv2.GaussianBlur(image, (0, 0), 5)],
    "odd_size": [partial(_resized, times=0.3), partial(_resized, times=3)],
    "duplicate": [lambda image: image, lambda image: image[:, ::-1].copy()],
    "near_duplicate": [
        partial(_gain, gain=1, more=14),
        lambda image: image[: -image.shape[0] // 50 or None, : -image.shape[1] // 50 or None],
    ],
}


def plant(people: Path, into: Path) -> pd.DataFrame:
    """Write an export of sound and spoilt photos; return the truth, a row a photo."""
    (into / "train").mkdir(parents=True)
    kinds, rows, images = list(CHANGES), [], []
    for place, path in enumerate(_sound(people)):
        kind, turn = "", place // 2 // len(kinds)
        if place % 2:
            kind = kinds[place // 2 % len(kinds)]
        for number, (image, what) in enumerate(_versions(path, kind, turn)):
            file = f"photo{place:04}_{number}.jpg"
            again = what == "duplicate" and number  # compressed differently, but one in four
            store.write_bytes(
                into / "train" / file,
                store.encode_image(image, ".jpg", 80 if again and turn % 4 else 92),
            )
            images.append({"id": len(images), "file_name": file,
                           "height": image.shape[0], "width": image.shape[1]})  # fmt: skip
            rows.append({"split": "train", "file_name": file}
                        | {tag: int(tag == what) for tag in CHANGES})  # fmt: skip
    written = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "person"}]}
    store.write_json(into / "train" / raw.ANNOTATIONS, written)
    return pd.DataFrame(rows)


def _sound(people: Path) -> list[Path]:
    """Return the photos of which nobody said that they are dark or blurred."""
    answers = accuracy.read(people / "tags_truth.csv")
    bad = answers[(answers[["low_light", "whole_blur"]] == 1).any(axis=1)]
    left_out = set(zip(bad["split"], bad["file_name"], strict=True))
    every = [path for split in tables.SPLITS for path in (people / split).glob("*.jpg")]
    return sorted(path for path in every if path.parts[-2:] not in left_out)


def _versions(path: Path, kind: str, turn: int) -> list[tuple[np.ndarray, str]]:
    """Return the photo, or what it is made into, and the tag that each then should have."""
    plain = store.decode_image(path.read_bytes(), path.name)
    if not kind:
        return [(plain, "")]
    spoilt = CHANGES[kind][turn % len(CHANGES[kind])](plain)
    return [(plain, kind), (spoilt, kind)] if kind.endswith("duplicate") else [(spoilt, kind)]


def theirs(python: Path, folder: Path, scratch: Path) -> None:
    """Let cleanvision tag a folder of photos."""
    words = [python, "-c", LOOK, folder, os.cpu_count(), scratch / "theirs.json"]
    subprocess.run(list(map(str, words)), check=True, capture_output=True)


def compare(images: pd.DataFrame, found: dict[str, list[str]], truth: pd.DataFrame) -> pd.DataFrame:
    """Return a row a tag that both have and whose truth is known: F1 of both."""
    known = accuracy.matched(images, truth)
    by_name = {tuple(Path(path).parts[-2:]): set(tags) for path, tags in found.items()}
    rows = []
    for ours, peer in SAME.items():
        if ours not in known or not known[ours].notna().any() or not (known[ours] == 1).any():
            continue
        told = known[ours].notna().to_numpy()
        keys = zip(images["split"], images["file_name"], strict=True)
        peers = np.array([peer in by_name.get(key, set()) for key in keys])[told]
        right = known.loc[told, ours].to_numpy(bool)
        rows.append({"tag": ours, "peer": peer, "images": int(told.sum()), "truth": right.sum(),
                     "F1": accuracy.f1(images.loc[told, ours].to_numpy(bool), right),
                     "peer F1": accuracy.f1(peers, right)})  # fmt: skip
    return pd.DataFrame(rows)


def main(people: Path, python: Path | None = None) -> None:
    """Print one table of F1 and one line of speed for each set."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        if python is None:
            venv.create(scratch / "venv", with_pip=True)
            python = scratch / "venv/bin/python"
            subprocess.run([str(python), "-m", "pip", "install", "-q", PEER], check=True)
        truth = plant(people, scratch / "planted")
        for title, folder, answers in (
            ("labelled photos", people, accuracy.read(people / "tags_truth.csv")),
            ("planted problems", scratch / "planted", truth),
        ):
            here = scratch / title.split()[0] / "work"
            here.mkdir(parents=True)
            print(f"\n{title}", _judged(folder, answers, python, here), sep="\n")  # noqa: T201


def _judged(folder: Path, answers: pd.DataFrame, python: Path, scratch: Path) -> str:
    compute = ComputeParams(backend="local", workers=0, scheduler=None)
    limits = params.load(ValidateParams, "validate")
    sound = validate.run(folder, limits, partial(looking.rows, folder, compute))[1]
    coco.save(scratch / "valid", sound.dataset)
    photos = scratch / "photos"  # neither tool sees more than the other
    for row in sound.dataset.images.itertuples():
        (photos / row.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / row.path, photos / row.path)
    run = [
        tag_speed.stage(photos, scratch / "valid", scratch),
        partial(theirs, python, photos, scratch),
    ]
    taken = np.median(tag_speed.turns(ROUNDS, *run), axis=0)
    images = store.read_table(scratch / "images.csv", tables.MEASURED)
    table = compare(images, json.loads((scratch / "theirs.json").read_text()), answers)
    rates = len(images) / taken
    return table.to_string(index=False, float_format=lambda number: f"{number:.3f}") + (
        f"\nimages/s: ours {rates[0, 0]:.0f}, cleanvision {rates[1, 0]:.0f}: "
        f"{rates[0, 0] / rates[1, 0]:.1f}x; by processor time {rates[0, 1] / rates[1, 1]:.1f}x"
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:] or ("../shared/data/people",)))
