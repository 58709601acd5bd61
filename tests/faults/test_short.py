"""What goes wrong outside the program: the right result, or one clear line and nothing lost."""

import hashlib
import json
import os
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from pycocotools import mask as coco_mask
from test_clean import clean_set

from pipeline import parallel, store
from pipeline.errors import PipelineError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Twenty sound pictures, as a stranger's export."""
    where = tmp_path_factory.mktemp("faults") / "export"
    clean_set(where, 20)
    return where


def run(stage, where, *, largest=None, memory=None):
    """Run a stage as DVC does; it may write files of ``largest`` bytes at most."""

    def limit():
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    words = [sys.executable, "-m", f"stages.{stage}", *command(stage)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(where)}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # compiled code cut off would stay
    return subprocess.run(
        words, cwd=where, env=environment, capture_output=True, text=True, preexec_fn=limit
    )


def command(stage):
    """The arguments of ``dvc.yaml``, with the parameters that it fills in."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    filled = {"${pull.export}": "export", "${tag.truth}": "data/truth"}
    return [filled.get(word, word) for word in stages[stage]["cmd"].split()[3:]]


def tree(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def prepared(where, export, before):
    """A project folder in which the stages before one have run."""
    where.mkdir()
    (where / "export").symlink_to(export)
    for stage in before:
        done = run(stage, where)
        assert done.returncode == 0, done.stderr
    return where


def one_line(done):
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize("stage", ["pull", "validate", "rasterise"])
def test_a_disk_that_fills_is_one_line_and_a_second_run_ends_as_if_nothing_was(
    stage, export, tmp_path
):
    """Files are bounded, not the disk: the error is another number by the same way."""
    names = ["pull", "validate", "rasterise"]
    where = prepared(tmp_path / "work", export, names[: names.index(stage)])

    said = one_line(run(stage, where, largest=200))

    assert said.startswith(f"{stage}: ")
    assert "File too large" in said
    assert not [path for path in (where / "data").rglob("*") if path.suffix == ".part"]
    assert run(stage, where).returncode == 0
    whole = prepared(tmp_path / "whole", export, names[: names.index(stage) + 1])
    assert tree(where / "data") == tree(whole / "data")


@pytest.mark.parametrize("stage", ["validate", "rasterise"])
def test_outputs_that_cannot_be_written_are_named_in_one_line(stage, export, tmp_path):
    """Where a folder should be is a file; permissions say nothing to root."""
    names = ["pull", "validate", "rasterise"]
    where = prepared(tmp_path / "work", export, names[: names.index(stage)])
    place = {"validate": "valid", "rasterise": "masks"}[stage]
    (where / "data" / place).write_text("in the way")

    said = one_line(run(stage, where))

    assert f"data/{place}" in said
    assert (where / "data" / place).read_text() == "in the way"


def png(width, height):
    """A PNG whose header promises a picture of which a few bytes are there."""

    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def test_a_decompression_bomb_is_a_row_or_a_line_and_takes_no_memory(export, tmp_path):
    """Ten billion pixels in a kilobyte; the stage may have 4 GiB, threads' stacks included."""
    where = tmp_path / "work"
    where.mkdir()
    copied = tmp_path / "export"
    subprocess.run(["cp", "-r", export, copied], check=True)
    victim = min((copied / "train").glob("*.jpg"))
    victim.write_bytes(png(100_000, 100_000))
    (where / "export").symlink_to(copied)
    assert run("pull", where).returncode == 0

    done = run("validate", where, memory=4 * 2**30)

    assert done.returncode == 0, done.stderr
    lines = (where / "reports/issues.csv").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if victim.name in line]
    assert any("image_unreadable" in row for row in rows), rows
    with pytest.raises(PipelineError, match="not a picture"):
        store.read_photo(victim)


@pytest.mark.filterwarnings("ignore:__array__")
def test_polygons_of_ten_thousand_vertices_are_drawn_as_pycocotools_draws_them(tmp_path):
    turn = np.linspace(0, 2 * np.pi, 10_000, endpoint=False)
    far = 180 + 60 * np.sin(40 * turn)
    ring = np.round(np.stack([320 + far * np.cos(turn), 240 + far * np.sin(turn)], 1), 2)
    where = single(tmp_path, (640, 480), [ring.ravel().tolist()])

    mask = store.read_mask(where / "data/masks/train/a.png")

    expected = coco_mask.decode(coco_mask.frPyObjects([ring.ravel().tolist()], 480, 640))[..., 0]
    assert (mask != expected).mean() < 1e-4
    assert mask.sum() > 50_000


def test_a_picture_thirty_thousand_pixels_wide_goes_through(tmp_path):
    ring = [29_000, 10, 29_900, 10, 29_900, 90, 29_000, 90]
    where = single(tmp_path, (30_000, 100), [ring])

    mask = store.read_mask(where / "data/masks/train/a.png")

    assert mask.shape == (100, 30_000)
    assert mask[10:90, 29_000:29_900].all()
    assert mask.sum() == 80 * 900
    assert run("tag", where).returncode == 0


def single(tmp_path, size_wh, rings):
    """A project of one picture and one object, drawn."""
    folder = tmp_path / "export/train"
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (size_wh[1], size_wh[0], 3)).astype(np.uint8)
    cv2.imwrite(str(folder / "a.jpg"), noise)
    xs, ys = rings[0][0::2], rings[0][1::2]
    box = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
    record = {
        "images": [{"id": 0, "file_name": "a.jpg", "width": size_wh[0], "height": size_wh[1]}],
        "annotations": [{"id": 0, "image_id": 0, "category_id": 1, "iscrowd": 0,
                         "area": box[2] * box[3], "bbox": box, "segmentation": rings}],
        "categories": [{"id": 1, "name": "person", "supercategory": ""}],
    }  # fmt: skip
    (folder / "_annotations.coco.json").write_text(json.dumps(record))
    settings = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(settings)
    for stage in ("pull", "validate", "rasterise"):
        done = run(stage, tmp_path)
        assert done.returncode == 0, done.stderr
    return tmp_path


TWO = parallel.ComputeParams(backend="local", workers=2, scheduler=None)


def dies_once(item):
    """Kill the worker at 7 if nobody was killed there yet."""
    number, marker = item
    if number == 7 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), 9)
    return number * number


def dies_always(number):
    if number == 7:
        os.kill(os.getpid(), 9)
    return number


@pytest.fixture(params=[True, False], ids=["copies", "processes"])
def split(request, monkeypatch):
    """Workers are copies of this process, or processes of their own."""
    monkeypatch.setattr(parallel, "_can_split", lambda: request.param)


@pytest.mark.usefixtures("split")
def test_a_worker_that_is_killed_costs_time_and_nothing_else(tmp_path):
    items = [(number, str(tmp_path / "killed")) for number in range(30)]

    assert parallel.each(dies_once, items, TWO, "square") == [n * n for n in range(30)]
    assert (tmp_path / "killed").exists()


@pytest.mark.usefixtures("split")
def test_a_worker_that_is_always_killed_is_one_line():
    with pytest.raises(PipelineError, match="a worker died twice at the same place") as caught:
        parallel.each(dies_always, range(30), TWO, "count")
    assert "\n" not in str(caught.value)
