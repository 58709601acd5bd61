"""A small run with two categories, its pages written by the stages' own functions."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

import pipeline
from pipeline import coco, outcomes, store
from pipeline.auditing import FILES, TABLES
from pipeline.parallel import ComputeParams
from pipeline.run import LEAKS

HOSTILE = "<img src=x onerror=alert(1)>.jpg"
ODD = "a b#c?d%20é.png"  # what an address would misread
COUNTS = {"train": 24, "valid": 4, "test": 6}
HEIGHT, WIDTH = 60, 80
LOCAL = ComputeParams(backend="local", workers=1, scheduler=None)
ROOT = Path(__file__).parents[1]


class Site(NamedTuple):
    """Where a run lies, and what is known of it."""

    folder: Path
    truth: dict[tuple[str, str], np.ndarray]
    predicted: dict[tuple[str, str], np.ndarray]

    def iou(self, split, name):
        """IoU by counting pixels, mean over the labels of either mask; None if there are none."""
        truth, predicted = self.truth[split, name], self.predicted[split, name]
        labels = set(np.unique([truth, predicted])) - {0}
        each = [
            ((truth == one) & (predicted == one)).sum()
            / ((truth == one) | (predicted == one)).sum()
            for one in labels
        ]
        return float(np.mean(each)) if each else None


def make(folder):
    """Draw photos, masks, predictions, restorations and tables into a folder like a checkout's."""
    raw, site = folder / "data/raw", Site(folder, {}, {})
    for split, count in COUNTS.items():
        store.write_json(raw / split / "_annotations.coco.json", _content(site, split, count))
    for row, (split, name) in enumerate(site.truth):
        photo = np.full((HEIGHT, WIDTH, 3), 40 + 3 * row, np.uint8)
        photo[:, : row + 5] += np.uint8(40)
        photo[site.truth[split, name] > 0] = (180, 120, 60)
        suffix = ".jpg" if name.endswith(".jpg") else ".png"
        (raw / split / name).write_bytes(cv2.imencode(suffix, photo)[1].tobytes())
    found = pipeline.audit(raw, {"compute": {"workers": 1, "cache": ""}})
    _save(folder, found)
    _draw(site, found.dataset.images)
    store.write_table(folder / "reports/counts.csv", _counts(site), outcomes.COUNTS)
    store.write_table(folder / "reports/suspects.csv", _suspects(site), outcomes.SUSPECTS)
    store.write_table(folder / "reports/restored.csv", _restored(site), outcomes.RESTORED)
    store.write_table(
        folder / "reports/remains.csv",
        outcomes.REMAINS.frame([{"file_name": _names("test", 6)[2], "before": 100, "after": 7}]),
        outcomes.REMAINS,
    )
    return site


def write(site):
    """Run the stages that write the pages, as DVC does, and return the gallery's page."""
    (site.folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    data, reports = "data/raw data/truth data/valid", "reports"
    for stage, paths in (
        ("browse", f"{data} {reports} reports/audit"),
        (
            "gallery",
            f"{data} data/masks data/segments data/filled reports/audit {reports} reports/photos",
        ),
    ):
        subprocess.run(
            [sys.executable, "-m", f"stages.{stage}", *paths.split()],
            cwd=site.folder, check=True, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    return site.folder / "reports/photos/index.html"


def _names(split, count):
    names = [f"{split}_{n:02d}.png" for n in range(count)]
    return {"train": [HOSTILE, ODD, *names[2:]]}.get(split, names)


def _content(site, split, count):
    images, notes = [], []
    for n, name in enumerate(_names(split, count)):
        images.append({"id": n, "file_name": name, "width": WIDTH, "height": HEIGHT})
        truth, predicted = (np.zeros((HEIGHT, WIDTH), np.uint8) for _ in range(2))
        for category, (left, top) in enumerate([(10, 10), (45, 20)][: 1 + (n % 3 == 2)], start=1):
            if n == 3:
                continue  # nobody
            right, bottom = left + 20, top + 30
            ring = [left, top, right, top, right, bottom, left, bottom]
            note = {"id": len(notes), "image_id": n, "category_id": category, "iscrowd": 0}
            note |= {"bbox": [left, top, 20, 30], "area": 600 if n % 4 else 1}
            notes.append(note | {"segmentation": [ring]})
            truth[top:bottom, left:right] = category
            predicted[top : bottom - n % 7, left + n % 5 : right] = category
        if n == 5:
            predicted[predicted == 2] = 1  # taken for the other
        site.truth[split, name], site.predicted[split, name] = truth, predicted
    categories = [{"id": 0, "name": "all", "supercategory": "none"}]
    categories += [
        {"id": n, "name": name, "supercategory": "all"}
        for n, name in ((1, "person"), (2, "<b>dog</b>"))
    ]
    return {"images": images, "annotations": notes, "categories": categories}


def _save(folder, found):
    for name, columns in TABLES.items():
        store.write_table(folder / "reports" / FILES[name], getattr(found, name), columns)
    coco.save(folder / "data/valid", found.dataset)
    store.write_table(folder / "data/valid/leaks.csv", found.leaks, LEAKS)
    (folder / "data/truth").mkdir(parents=True, exist_ok=True)


def _draw(site, images):
    data = site.folder / "data"
    for row in images.itertuples():
        key, file = (row.split, row.file_name), f"{row.split}/{row.stem}.png"
        store.write_mask(data / "masks" / file, site.truth[key])
        if key != ("train", ODD):  # one that was not segmented
            store.write_mask(data / "segments" / file, site.predicted[key])
        if row.split == "test":
            plain = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            store.write_image(data / "filled" / file, plain)


def _counts(site):
    rows = []
    for (split, name), truth in site.truth.items():
        predicted = site.predicted[split, name]
        for label in sorted(set(np.unique([truth, predicted])) - {0}):
            t, p = truth == label, predicted == label
            row = {"split": split, "file_name": name, "label": int(label)}
            row |= {"tp": int((t & p).sum()), "fp": int((p & ~t).sum()), "fn": int((t & ~p).sum())}
            rows.append(row | {"edge_shared": 1, "edge_either": 4})
    return outcomes.COUNTS.frame(rows)


def _suspects(site):
    box = {"left": 10, "top": 10, "right": 30, "bottom": 40, "area": 600.0, "expected": 0.1}
    rows = [
        ("train", HOSTILE, "boundary", True, False),
        ("test", _names("test", 6)[2], "missing", True, True),
        ("test", _names("test", 6)[1], "extra", False, True),
    ]
    return outcomes.SUSPECTS.frame([
        {"split": split, "file_name": name, "annotation_id": None, "kind": kind, "score": 0.75,
         "excess": 0.65, "suspect": suspect, "held_out": held} | box
        for split, name, kind, suspect, held in rows
    ])  # fmt: skip


def _restored(site):
    scores = dict.fromkeys(outcomes.RESTORED) | {
        "hole": 0.1,
        "psnr": 21.5,
        "ssim": 0.625,
        "l1": 0.05,
        "seam": 1.0,
    }
    return outcomes.RESTORED.frame(
        [
            scores | {"file_name": name, "kind": "clean", "method": method}
            for split, name in site.truth
            if split == "test"
            for method in ("deepfill", "telea")
        ]
    )
