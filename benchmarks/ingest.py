"""Speed of ingest: reading, checking and drawing an export, beside pycocotools and bare decoding.

    python -m benchmarks.ingest [--images N] [--records N] [--repeats N] [--growth N ...]
                                [--shards N ...] [--pictures N ...] [--export FOLDER ...]
                                [--peers PYTHON] [--only TABLE ...]

Each table is one run: what is compared takes turns, and seconds are medians of the turns. The masks
of both sides are compared pixel by pixel. ``--export`` draws a real export besides; ``--peers``
names the interpreter of an environment that has supervision.
"""

import argparse
import contextlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import yaml
from pycocotools.coco import COCO

from benchmarks import made
from pipeline import checks, coco, looking, parallel, params, rasterise, raw, validate
from pipeline.tables import SPLITS
from stages.rasterise import AT_ONCE

ROOT = Path(__file__).parents[1]
FEWEST = 5  # turns of the stages
TABLES = ("load", "masks", "stages", "growth", "pictures")
PEAK = """
import json, resource, sys, time
def at_most():
    try:  # of this program alone; rusage counts what its parent had when it began
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def say(begun, **more):
    print(json.dumps({"seconds": time.perf_counter() - begun, "peak": at_most(), **more}))
"""
READ = """
from pipeline import polygons, reading
begun = time.perf_counter()
export = reading.read([("train", "train/a.json", open(sys.argv[1], "rb").read())])
"""
NUMBERS = """
from pipeline import outlines
numbers = outlines.read(export.annotations["segmentation"].tolist())
"""
BUILD = """
built = polygons.from_rings([one.rings for one in numbers])
"""
LOADERS = {
    "pycocotools.COCO": "from pycocotools.coco import COCO\nbegun = time.perf_counter()\n"
    "export = COCO(sys.argv[1])\n",
    "reading.read, as validate does": READ,
    "and every outline as arrays": READ + NUMBERS,
    "and every polygon built": READ + NUMBERS + BUILD,
}
DECODE = """
import os, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import simplejpeg
def decode(path):
    simplejpeg.decode_jpeg(path.read_bytes(), "RGB")
begun = time.perf_counter()
with ThreadPoolExecutor(os.cpu_count()) as pool:
    list(pool.map(decode, sorted(Path(sys.argv[1]).rglob("*.jpg"))))
print(time.perf_counter() - begun)
"""
SUPERVISION = """
import sys, time
import supervision
begun = time.perf_counter()
for split in ("train", "valid", "test"):
    folder = f"{sys.argv[1]}/{split}"
    there = supervision.DetectionDataset.from_coco(
        folder, f"{folder}/_annotations.coco.json", force_masks=True)
print(time.perf_counter() - begun)
"""
CHECK = """
import gc; gc.disable()
from pathlib import Path
import msgspec, numpy as np
from benchmarks import made
from pipeline import checks, coco, params, validate
folder = Path(sys.argv[1])
image = msgspec.defstruct("Image", [("file_name", str)])
form = msgspec.defstruct("Named", [("images", list[image])])
names = []
for path in sorted(folder.rglob("*.json")):
    names += [one.file_name for one in msgspec.json.decode(path.read_bytes(), type=form).images]
def looked():
    codes = np.random.default_rng(0).integers(0, 2**63, len(names)).tolist()
    return [{"path": f"train/{name}", "fault": "", "width": made.SIDE, "height": made.SIDE,
             "orientation": 1, "sha256": f"{code:064x}", "look": f"{code:016x}"}
            for name, code in zip(names, codes)]
limits = params.load(checks.ValidateParams, "validate")
begun = time.perf_counter()
coco.save(Path(sys.argv[2]), validate.run(folder, limits, looked)[1].dataset)
"""


def main() -> None:
    """Print the tables that are asked for."""
    said = _said()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "load" in said.only:
            load(folder, said.records, said.repeats)
        if {"masks", "stages"} & set(said.only):
            export = made.export(folder / "export", said.images, pictures=400)
            if "masks" in said.only:
                for one in (export, *said.export):
                    masks(folder, one, said.repeats)
            if "stages" in said.only:
                stages(folder, export, said.repeats)
                supervision(export, said.peers)
        if "growth" in said.only:
            growth(folder, said.growth, said.shards)
        if "pictures" in said.only:
            pictures(folder, said.pictures)


def _said() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m benchmarks.ingest")
    asked.add_argument("--images", type=int, default=2000, help="of the generated export")
    asked.add_argument("--records", type=int, default=100_000, help="images of the JSON to load")
    asked.add_argument("--repeats", type=int, default=3, help="turns")
    asked.add_argument("--growth", type=int, nargs="+", default=[1000, 10_000, 100_000])
    asked.add_argument("--shards", type=int, nargs="+", default=[1], help="files of growth's")
    asked.add_argument("--pictures", type=int, nargs="+", default=[1000, 3000, 9000])
    asked.add_argument("--export", type=Path, nargs="+", default=[], help="real exports to draw")
    asked.add_argument("--peers", help="an interpreter that has supervision")
    asked.add_argument("--only", choices=TABLES, nargs="+", default=TABLES)
    return asked.parse_args()


def load(folder: Path, images: int, repeats: int) -> None:
    """Reading one large annotation file, each time in a process of its own."""
    (path,), objects = _large(folder, images)
    title(f"load: {images} images, {objects} objects, {path.stat().st_size / 1e6:.0f} MB of JSON")
    runs = {name: [] for name in LOADERS}
    for _ in range(repeats):
        for name, code in LOADERS.items():
            runs[name].append(_measured(PEAK + code + "say(begun)", path))
    times = {n: statistics.median(run["seconds"] for run in several) for n, several in runs.items()}
    peaks = {n: statistics.median(run["peak"] for run in several) for n, several in runs.items()}
    peer = next(iter(runs))
    for name in runs:
        faster, share = times[peer] / times[name], peaks[name] / peaks[peer]
        say(f"  {name:34}{times[name]:7.2f} s  {faster:5.1f} x faster"
            f"{peaks[name]:8.0f} MB at most  {share:5.2f} of its memory")  # fmt: skip
    path.unlink()


def masks(folder: Path, export: Path, repeats: int) -> None:
    """Label maps of all images in memory: ours beside annToMask and "the smaller is seen"."""
    compute = parallel.ComputeParams(backend="local", workers=0, scheduler=None)
    limits = params.load(checks.ValidateParams, "validate")
    valid = folder / f"valid-{export.name}"
    looked = partial(looking.rows, export, compute)
    coco.save(valid, validate.run(export, limits, looked)[1].dataset)
    sheets = rasterise.load(valid)
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = {split: COCO(str(valid / f"{split}.json")) for split in SPLITS}
    ids = [(theirs[split], one) for split in SPLITS for one in sorted(theirs[split].imgs)]
    objects = sum(len(one.objects) for one in sheets)
    title(f"masks: {len(sheets)} images, {objects} objects of {export.name}")

    def draw() -> list[np.ndarray]:
        for first in range(0, len(sheets), AT_ONCE):
            yield from rasterise.label_masks(sheets[first : first + AT_ONCE])

    def peer() -> list[np.ndarray]:
        return (merged(*one) for one in ids)

    same = sum(np.array_equal(ours, one) for ours, one in zip(draw(), peer(), strict=True))
    ours, other = turns(repeats, lambda: exhaust(draw()), lambda: exhaust(peer()))[:, 0]
    say(f"  pycocotools annToMask + merge     {other:7.2f} s  {len(ids) / other:8.0f} images/s")
    say(f"  rasterise.label_masks             {ours:7.2f} s  {len(ids) / ours:8.0f} images/s"
        f"  {other / ours:5.1f} x faster, {same} of {len(ids)} masks identical")  # fmt: skip
    if same != len(ids):
        sys.exit("masks differ from those of pycocotools")


def merged(annotations: COCO, image: int) -> np.ndarray:
    """Return one image's label map by pycocotools, where objects overlap the smaller is seen."""
    said = annotations.imgs[image]
    label_map = np.zeros((said["height"], said["width"]), dtype=np.uint8)
    drawn = []
    for one in annotations.loadAnns(annotations.getAnnIds(imgIds=image)):
        mask = annotations.annToMask(one)
        drawn.append((np.count_nonzero(mask), one["category_id"], mask))
    for _, label, mask in sorted(drawn, key=lambda one: (-one[0], -one[1])):
        np.putmask(label_map, mask, label)
    return label_map


def stages(folder: Path, export: Path, repeats: int) -> None:
    """Both stages as DVC runs them, beside one decode of every picture on all cores."""
    cache, valid, drawn = _parameters(folder), folder / "valid", folder / "masks"

    def validated() -> None:
        shutil.rmtree(cache, ignore_errors=True)  # or no picture would be looked at
        again()

    def again() -> None:
        shutil.rmtree(valid, ignore_errors=True)
        _called("-m", "stages.validate", export, valid, valid / "issues.csv", cwd=folder)

    def rasterised() -> None:
        shutil.rmtree(drawn, ignore_errors=True)
        _called("-m", "stages.rasterise", valid, drawn, cwd=folder)

    def decoded() -> None:
        begun.append(float(_called("-c", DECODE, export)))

    begun: list[float] = []
    checked, known, masked, bare = turns(
        max(FEWEST, repeats), validated, again, rasterised, decoded
    )
    alone, count = statistics.median(begun), sum(1 for _ in export.rglob("*.jpg"))
    size = sum(path.stat().st_size for path in export.rglob("*.jpg")) / count / made.SIDE**2
    title(f"stages: {count} pictures of {made.SIDE} pixels square, {size:.2f} bytes a pixel")
    say(f"  a decode is simplejpeg.decode_jpeg to RGB of each picture once, on {os.cpu_count()}"
        " threads; seconds of processors are summed")  # fmt: skip
    say(f"  {'the decode alone':34}{alone:7.2f} s")
    rows = {
        "the decode as a program": bare,
        "validate": checked,
        "rasterise": masked,
        "both stages": checked + masked,
        "validate of pictures seen before": known,
    }
    for name, (wall, worked) in rows.items():
        say(f"  {name:34}{wall:7.2f} s {wall / bare[0]:6.2f} programs {wall / alone:6.2f} alone"
            f"{worked:9.2f} s of processors {worked / bare[1]:6.2f} programs")  # fmt: skip


def supervision(export: Path, python: str | None) -> None:
    """Supervision's reader with masks, where there is one."""
    if not python:
        say("  supervision is left out: --peers names an interpreter that has it")
        return
    done = subprocess.run([python, "-c", SUPERVISION, export], capture_output=True, text=True)
    if done.returncode:
        say(f"  supervision is left out: {done.stderr.strip().splitlines()[-1]}")
        return
    say(f"  supervision from_coco with masks  {float(done.stdout.split()[-1]):7.2f} s, one core")


def growth(folder: Path, counts: list[int], shards: list[int]) -> None:
    """Reading, checking and saving records of ever more images, their pictures pretended."""
    title("growth: records alone, each count in a process of its own")
    for count, files in product(counts, shards):
        paths, objects = _large(folder / "records" / "train", count, files)
        run = _measured(PEAK + CHECK + "say(begun)", folder / "records", folder / "grown")
        seconds, peak = run["seconds"], run["peak"]
        say(f"  {count:7} images {objects:7} objects in {files} files {seconds:7.2f} s"
            f" {1e3 * seconds / count:6.2f} ms an image {peak:7.0f} MB at most")  # fmt: skip
        for path in paths:
            path.unlink()


def pictures(folder: Path, counts: list[int]) -> None:
    """Both stages for ever more pictures."""
    title("pictures: validate and rasterise, start to end")
    cache = _parameters(folder)
    for count in counts:
        export = made.export(folder / "grown", count, pictures=200)
        shutil.rmtree(cache, ignore_errors=True)
        begun, valid = time.perf_counter(), folder / "valid"
        _called("-m", "stages.validate", export, valid, folder / "issues.csv", cwd=folder)
        _called("-m", "stages.rasterise", valid, folder / "masks", cwd=folder)
        took = time.perf_counter() - begun
        begun = time.perf_counter()
        _called("-c", DECODE, export)
        bare = time.perf_counter() - begun
        say(f"  {count:7} images {took:7.2f} s {1e3 * took / count:6.2f} ms an image"
            f" {took / bare:6.2f} decodes")  # fmt: skip
        for name in ("grown", "valid", "masks"):
            shutil.rmtree(folder / name)


def turns(repeats: int, *several: Callable[[], None]) -> np.ndarray:
    """Return the median seconds of each function, which take turns, ``(N, 2)``: wall, processor."""
    times = [[] for _ in several]
    for _ in range(repeats):
        for function, seconds in zip(several, times, strict=True):
            begun = clocks()
            function()
            seconds.append(clocks() - begun)
    return np.array([np.median(seconds, axis=0) for seconds in times])


def clocks() -> np.ndarray:
    """Return seconds by the wall, and those that processors worked for us and those we called."""
    return np.array([time.perf_counter(), sum(os.times()[:4])])


def exhaust(masks: object) -> None:
    """Draw masks and let go of each."""
    for _ in masks:
        pass


def title(text: str) -> None:
    """Begin a table."""
    say(f"\n{text}")


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201  # a benchmark's result


def _large(folder: Path, images: int, shards: int = 1) -> tuple[list[Path], int]:
    """Write annotation files of so many images; return them and how many objects they have."""
    times = max(1, images // 10_000 // shards)
    content = made.records(np.random.default_rng(1), images // times // shards)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(shards):
        listed = [{**one, "file_name": f"{number}_{one['file_name']}"} for one in content["images"]]
        path = folder / (raw.ANNOTATIONS if shards == 1 else f"_annotations.coco.{number}.json")
        with path.open("wb") as file:
            file.writelines(made.repeated({**content, "images": listed}, times))
        paths.append(path)
    return paths, shards * times * len(content["annotations"])


def _measured(code: str, *paths: Path) -> dict:
    return json.loads(_called("-c", code, *paths).splitlines()[-1])


def _parameters(folder: Path) -> Path:
    """Write the parameters with a folder of their own for what is kept; return that folder."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    values["compute"]["cache"] = str(folder / "kept")
    (folder / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return folder / "kept"


def _called(*words: object, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, cwd=cwd or ROOT
    )
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    main()
