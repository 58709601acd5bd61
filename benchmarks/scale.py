"""From thousands of images to a hundred thousand: seconds and memory of validate, rasterise, tag.

    python -m benchmarks.scale [--images N ...] [--backend local dask] [--workers N ...]
                               [--detector none|embedded ...] [--repeats N]
                               [--keep FOLDER] [--runs FILE] [--no-comparing] [--say]

Pictures are generated (benchmarks/snapshots.py) once a size, and removed unless ``--keep`` names a
folder, where a later call finds them. Each stage runs as a process of its own with nothing
remembered (compute.cache empty), so its start and its peak memory are its own; a Dask cluster is
started on the loopback address before its stages. What takes turns is compared: all combinations
of a size, ``--repeats`` times. Each measured stage is a line of ``--runs``; tables, ratios, the
fitted costs and the cluster's bill are made of all lines there, so that a long measurement may be
made in parts: ``--say`` measures nothing.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import msgspec

from benchmarks import scale_said, snapshots, watched
from benchmarks.cost_model import POWERS, Run

ROOT = Path(__file__).parents[1]
MADE = "made"  # a file that says that all pictures of a size are there


def main() -> None:
    """Measure what is asked for, and say what all measured runs come to."""
    said = _said()
    runs = _read(said.runs)
    if not said.say:
        with _place(said.keep) as place:
            for images in said.images:
                runs += _size(place, images, said)
    scale_said.everything(runs)


def _said() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    asked.add_argument("--images", type=int, nargs="+", default=[500, 2000])
    asked.add_argument("--backend", nargs="+", default=["local"], choices=["local", "dask"])
    asked.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    asked.add_argument("--detector", nargs="+", default=["none"], choices=["none", "embedded"])
    asked.add_argument("--repeats", type=int, default=1)
    asked.add_argument("--keep", type=Path, help="folder for pictures that stay")
    asked.add_argument("--runs", type=Path, help="file that gets a line a measured stage")
    asked.add_argument("--no-comparing", dest="comparing", action="store_false",
                       help="leave out what compares images with each other")  # fmt: skip
    asked.add_argument("--say", action="store_true", help="measure nothing")
    return asked.parse_args()


def _read(path: Path | None) -> list[Run]:
    if not path or not path.exists():
        return []
    return [msgspec.json.decode(line, type=Run) for line in path.read_bytes().splitlines()]


@contextmanager
def _place(keep: Path | None) -> Iterator[Path]:
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
    else:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)


def _size(place: Path, images: int, said: argparse.Namespace) -> list[Run]:
    """Measure all combinations of one number of images."""
    export, runs = place / f"export{images}", []
    if not (export / MADE).exists():
        shutil.rmtree(export, ignore_errors=True)
        scale_said.say(f"{images} pictures are being drawn into {export}")
        snapshots.export(export, images)
        (export / MADE).touch()
    for _ in range(said.repeats):
        for ways in product(said.backend, said.workers, said.detector):
            with tempfile.TemporaryDirectory(dir=place) as scratch:
                stages = _stages(export, Path(scratch), images, ways)
                runs += [_noted(run, said.runs) for run in stages]
        runs += [_noted(run, said.runs) for run in _compared(images)] if said.comparing else []
    if not said.keep:
        shutil.rmtree(export)
    return runs


def _noted(run: Run, path: Path | None) -> Run:
    """Say and write down what was measured."""
    scale_said.say(scale_said.line(run))
    if path:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(msgspec.to_builtins(run)) + "\n")
    return run


def _compared(images: int) -> Iterator[Run]:
    """Measure each comparison by itself; photos of no place, as half of the generated are."""
    for kind in POWERS:
        count = images // 2 if kind == "alike" else images
        words = [sys.executable, "-m", "benchmarks.comparing", kind, str(count)]
        seen = watched.run(words, ROOT, dict(os.environ))
        wall, used = map(float, seen.said.split())
        yield Run("local", 1, "none", images, kind, wall, used, used, seen.driver, 0.0)


def _stages(export: Path, scratch: Path, images: int, ways: tuple[str, int, str]) -> Iterator[Run]:
    """Run the three stages one after the other, each in a process of its own."""
    backend, workers, detector = ways
    valid, issues, masks = (scratch / name for name in ("valid", "issues.csv", "masks"))
    tables = [scratch / name for name in ("images.csv", "tags.csv", "right.csv", "chosen.csv")]
    (scratch / "truth").mkdir()
    commands = {
        "validate": [export.resolve(), valid, issues],
        "rasterise": [valid, masks],
        "tag": [export.resolve(), scratch / "truth", valid, *tables],
    }
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with _cluster(workers if backend == "dask" else 0, env) as (scheduler, helpers):
        values = msgspec.yaml.decode((ROOT / "params.yaml").read_bytes())
        values["compute"] |= {"backend": backend, "scheduler": scheduler, "cache": "",
                              "workers": workers if backend == "local" else 0}  # fmt: skip
        values["tag"]["detector"] = detector
        (scratch / "params.yaml").write_bytes(msgspec.yaml.encode(values))
        for stage, paths in commands.items():
            words = [sys.executable, "-m", f"stages.{stage}", *map(str, paths)]
            seen = watched.run(words, scratch, env, helpers)
            took = seen.wall, seen.own, seen.used, seen.driver, seen.worker
            yield Run(backend, workers, detector, images, stage, *took)


@contextmanager
def _cluster(workers: int, env: dict[str, str]) -> Iterator[tuple[str | None, list[int]]]:
    """Start a Dask cluster of so many workers; give its address and its processes."""
    if not workers:
        yield None, []
        return
    program = subprocess.Popen(
        [sys.executable, "-m", "stages.cluster", str(workers), "0"],
        cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        address = program.stdout.readline().partition(" at ")[2].partition(";")[0]
        yield address, [program.pid]
    finally:
        program.terminate()
        program.wait(60)


if __name__ == "__main__":
    main()
