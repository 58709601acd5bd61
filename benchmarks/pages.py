"""The pages: what their stages cost, how soon a browser shows, filters and sorts all photos.

    python -m benchmarks.pages 10 300 20000 --repeats 5

An export of a few generated pictures is audited and drawn once; its rows, pictures, masks and
tables then stand for as many photos as are asked for, each a file of its own (a hard link). The
stages `browse`, `gallery` and `report` run as programs, as DVC runs them; Chromium opens the pages
of all photos from disk. Of the stages the median of all repeats is said.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import pandas as pd
from playwright.sync_api import Browser, sync_playwright

import pipeline
from benchmarks import made, whole_run
from pipeline import coco, outcomes, store, tables
from pipeline.auditing import FILES, TABLES
from pipeline.run import LEAKS

ROOT = Path(__file__).parents[1]
PICTURES = 60  # different ones
TAGS = ["far", "crowd", "occluded", "low_light"]  # that every tenth photo has, by chance
FILLED = {"filled": "filled", "transplanted": "filled"}  # where the restored test photos lie
DATA = ("data/raw", "data/truth", "data/valid")
STAGES = {
    "browse": (*DATA, "reports", "reports/audit"),
    "gallery": (*DATA, "data/masks", "data/segments", "data/filled", "reports/audit", "reports",
                "reports/photos"),
    "report": ("data/raw", "data/valid", "data/masks", "data/segments", "data/filled",
               "data/transplanted", "data/model", "data/rivals", "reports"),
}  # fmt: skip
WATCH = """
new MutationObserver((_, watch) => {
  if (!document.querySelector('.wall li')) return;
  watch.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.firstRows = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
ACTION = """
async () => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  await painted();
  const start = performance.now();
  ACT;
  await painted();
  return performance.now() - start;
}
"""
SET = (
    "{{ const field = document.querySelector('[data-filters]').elements.{}; field.value = {!r};"
    " field.dispatchEvent(new Event('input', {{ bubbles: true }})); }}"
)
CARDS = "cards in the document"
CHIP = "document.querySelector('.tag-chip').click();"
ACTS = {
    "filter by a problem": CHIP,
    "filter by split as well": SET.format("split", "test"),
    "search a file name": SET.format("text", "0001"),
    "show all again": CHIP + SET.format("split", "") + SET.format("text", ""),
    "sort by IoU": SET.format("sort", "low"),
    "jump to the last row": (
        "document.querySelector('.wall').scrollIntoView({ block: 'end', behavior: 'instant' })"
    ),
    "open a photo": "document.querySelector('.wall li button').click()",
    "next photo": "document.querySelector('[data-next]').click()",
}


def base(folder: Path) -> pipeline.auditing.Audit:
    """Draw a small export and audit it."""
    made.export(folder / "export", PICTURES)
    return pipeline.audit(folder / "export", {"compute": {"workers": 0, "cache": ""}})


def drawn(folder: Path, found: pipeline.auditing.Audit) -> None:
    """Draw masks, predictions a few pixels off, and restorations of the small export."""
    coco.save(folder / "valid", found.dataset)
    _stage(folder, "rasterise", "valid", "masks")
    for row in found.dataset.images.itertuples():
        file = f"{row.split}/{row.stem}.png"
        mask = store.read_mask(folder / "masks" / file)
        store.write_mask(folder / "segments" / file, np.roll(mask, 4, axis=1))
        photo = store.read_image(folder / "export" / row.path)
        store.write_image(folder / "filled" / file, cv2.blur(photo, (15, 15)))


def tiled(folder: Path, small: Path, found: pipeline.auditing.Audit, count: int) -> None:
    """Lay out a run of ``count`` photos."""
    images = tables.ordered(found.dataset.images).reset_index(drop=True)
    copies = range(-(-count // len(images)))
    rows = pd.concat([_images(images, n) for n in copies], ignore_index=True).head(count)
    kept = set(zip(rows["split"], rows["image_id"], strict=True))
    each = [_notes(found.dataset.annotations, images, n) for n in copies]
    notes = pd.concat(each, ignore_index=True)
    keys = zip(notes["split"], notes["image_id"], strict=True)
    notes = notes[[key in kept for key in keys]].reset_index(drop=True)
    coco.save(folder / "data/valid", replace(found.dataset, images=rows, annotations=notes))
    _tables(folder, found, images, tables.ordered(rows))
    for row in rows.itertuples():
        _link(small / "export" / row.original, folder / "data/raw" / row.path)
        stem = Path(row.original).stem
        for kind in ("masks", "segments", *(FILLED if row.split == "test" else [])):
            drawn = folder / "data" / kind / row.split / f"{row.stem}.png"
            _link(small / FILLED.get(kind, kind) / row.split / f"{stem}.png", drawn)
        for kind in FILLED if row.split == "test" else []:
            hole = folder / "data" / kind / "holes" / f"{row.stem}.png"
            _link(small / "masks" / row.split / f"{stem}.png", hole)
    (folder / "data/truth").mkdir()
    names = found.dataset.categories["name"].tolist()
    whole_run.write(folder / "reports", folder / "data/model", rows, TAGS, names)


def _images(images: pd.DataFrame, n: int) -> pd.DataFrame:
    named = f"{n:05}_" + images["file_name"]
    return images.assign(
        original=images["path"],
        file_name=named,
        path=images["split"] + "/" + named,
        image_id=images["image_id"] + n * (int(images["image_id"].max()) + 1),
        stem=f"{n:05}_" + images["stem"],
        source=named,
    )


def _notes(notes: pd.DataFrame, images: pd.DataFrame, n: int) -> pd.DataFrame:
    return notes.assign(
        image_id=notes["image_id"] + n * (int(images["image_id"].max()) + 1),
        annotation_id=notes["annotation_id"] + n * (int(notes["annotation_id"].max()) + 1),
    )


def _tables(
    folder: Path, found: pipeline.auditing.Audit, images: pd.DataFrame, rows: pd.DataFrame
) -> None:
    """Write the run's tables: measurements of the pictures, a finding a photo, chance scores."""
    chance = np.random.default_rng(0)
    count, keys = len(rows), {"split": rows["split"], "file_name": rows["file_name"]}
    place = {key: row for row, key in enumerate(zip(images["split"], images["path"], strict=True))}
    at = [place[key] for key in zip(rows["split"], rows["original"], strict=True)]
    measured = found.images.iloc[at].assign(file_name=rows["file_name"].to_numpy())
    for tag in TAGS:
        measured[tag] = chance.random(count) < 0.1
    box = {"area": 9.0, "left": 9, "top": 9, "right": 90, "bottom": 90}
    written = {
        "images": measured,
        "tags": found.tags,
        "accuracy": found.accuracy,
        "issues": pd.DataFrame(
            keys
            | {"image_id": 1, "annotation_id": 1, "code": "area_wrong", "severity": "info"}
            | {"value": 0.9, "limit": 0.25, "action": "repaired"}
        ),
    }
    for name, columns in TABLES.items():
        store.write_table(folder / "reports" / FILES[name], written[name], columns)
    store.write_table(folder / "data/valid/leaks.csv", LEAKS.empty(), LEAKS)
    test = rows[rows["split"] == "test"]
    outcome = {
        "counts": keys
        | {"label": 1, "tp": chance.integers(1, 9999, count), "edge_shared": 5, "edge_either": 9}
        | {name: chance.integers(0, 2000, count) for name in ("fp", "fn")},
        "suspects": keys
        | {"annotation_id": 1, "kind": "boundary", "score": 0.5, "expected": 0.1, "excess": 0.4}
        | {"suspect": chance.random(count) < 0.1, "held_out": True}
        | box,
        "restored": dict.fromkeys(outcomes.RESTORED, 0.5)
        | {"file_name": test["file_name"], "kind": "transplant", "method": "deepfill"},
        "remains": {name: [] for name in outcomes.REMAINS},
    }
    for name, values in outcome.items():
        path = folder / "reports" / f"{name}.csv"
        store.write_table(
            path,
            pd.DataFrame(values),
            getattr(outcomes, name.upper(), None) or getattr(tables, name.upper()),
        )


def _link(source: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, to)


def _stage(folder: Path, name: str, *paths: str) -> tuple[float, float]:
    """Run a stage as DVC does; return its seconds and those of the processors."""
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    words = [sys.executable, "-m", f"stages.{name}", *paths]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    known = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=known)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, worked


def looked(browser: Browser, page: Path, repeats: int) -> dict[str, float]:
    """Return medians of milliseconds until a browser has painted what was asked for."""
    seen: dict[str, list[float]] = {}
    for _ in range(repeats):
        window = browser.new_page(viewport={"width": 1440, "height": 1000})
        window.add_init_script(WATCH)
        window.goto(page.resolve().as_uri(), wait_until="commit")
        while not window.evaluate(
            "window.firstRows"
        ):  # the page's policy forbids polling inside it
            window.wait_for_timeout(20)
        seen.setdefault("first rows", []).append(window.evaluate("window.firstRows"))
        for name, act in ACTS.items():
            if "IoU" in name and "photos" not in page.parts:
                continue
            script = ACTION.replace("ACT", act)
            seen.setdefault(name, []).append(window.evaluate(script))
        cards = window.evaluate("document.querySelectorAll('.wall li').length")
        seen.setdefault(CARDS, []).append(cards)
        window.close()
    return {name: median(values) for name, values in seen.items()}


def measured(browser: Browser, folder: Path, name: str, count: int, repeats: int) -> list[str]:
    """Write one page and use it; return the lines to say."""
    paths = STAGES[name]
    taken = [_stage(folder, name, *paths) for _ in range(repeats)]
    seconds, worked = (median(each) for each in zip(*taken, strict=True))
    page = folder / paths[-1] / "index.html"
    beside = page.parent / "assets" if name == "report" else page.parent
    files = [path for path in beside.rglob("*") if path.is_file() and path != page]
    weight, size = sum(path.stat().st_size for path in files), page.stat().st_size
    lines = [
        f"\n{name}: {count} photos",
        f"  stage                  {seconds:8.1f} s   {100 * seconds / count:.2f} s a hundred",
        f"  of processors          {worked:8.1f} s   {100 * worked / count:.2f} s a hundred",
        f"  page                   {size / 1e6:8.2f} MB  {size / count:.0f} bytes a photo",
        f"  pictures beside it     {weight / 1e6:8.1f} MB  {weight / count / 1000:.1f} kB a photo",
    ]
    if name == "report":
        return lines
    for act, value in looked(browser, page, repeats).items():
        lines.append(f"  {act:23}{value:8.0f} {'' if act == CARDS else 'ms'}")
    return lines


def main() -> None:
    """Say a table a page and a count of photos."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("counts", type=int, nargs="*", default=[10, 300, 20000])
    wanted.add_argument("--repeats", type=int, default=5)
    wanted.add_argument("--stages", nargs="+", choices=list(STAGES), default=list(STAGES))
    wanted.add_argument("--chromium", default=shutil.which("chromium"))
    asked = wanted.parse_args()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        small = Path(scratch, "small")
        found = base(small)
        drawn(small, found)
        browser = driver.chromium.launch(executable_path=asked.chromium, args=["--no-sandbox"])
        for count in asked.counts:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                tiled(Path(folder), small, found, count)
                for name in asked.stages:
                    lines = measured(browser, Path(folder), name, count, asked.repeats)
                    sys.stdout.write("\n".join(lines) + "\n")
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
