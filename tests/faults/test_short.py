"""What goes wrong outside the program: the right result, or one clear line and nothing lost."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
from killing import arguments, living
from pycocotools import mask as coco_mask
from running import (
    ROOT,
    empty,
    fill,
    jumping,
    mounted,
    one_line,
    outs,
    prepared,
    python,
    run,
    tree,
)
from test_clean import clean_set

from pipeline import copies, memory, parallel, store
from pipeline.errors import PipelineError

LIGHT = ("pull", "validate", "rasterise", "tag", "browse")


def results(where, stage):
    """Path -> checksum of all that a stage writes."""
    names = [Path(out) for out in outs(stage)]
    found = tree(where)
    return {path: found[path] for path in found if any(Path(path).is_relative_to(n) for n in names)}


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Twenty sound pictures, as a stranger's export."""
    where = tmp_path_factory.mktemp("faults") / "export"
    clean_set(where, 20)
    return where


@pytest.fixture(scope="module")
def whole(export, tmp_path_factory):
    """The project after the light stages, which nothing disturbed; and what each wrote."""
    where = prepared(tmp_path_factory.mktemp("whole") / "work", export, [])
    written = {}
    for stage in LIGHT:
        assert run(stage, where).returncode == 0
        written[stage] = results(where, stage)
    return where, written


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A small disk, and how to let little room be on it: it is filled, or files are bounded."""
    where = tmp_path_factory.mktemp("small") / "disk"
    with mounted(where, 64) as why:
        yield where, not why


def test_a_disk_that_fills_is_one_line_and_a_second_run_ends_as_if_nothing_was(export, disk, whole):
    """Half of the room that a stage needs is there; so the error comes while it writes."""
    where, real = disk
    prepared(where, export, [])
    for stage in LIGHT:
        if real:
            fill(where, room(whole[0], stage) // 2)

        said = one_line(run(stage, where, largest=None if real else 200))

        assert re.match(rf"{stage}: .*\b(data|reports)\b", said), said
        assert ("No space left on device" if real else "File too large") in said
        assert re.search("a new run goes on from it|free some space, pull again", said)
        assert not [path for path in where.rglob("*") if path.suffix == ".part"]
        if real:
            empty(where)
        assert run(stage, where).returncode == 0
        assert results(where, stage) == whole[1][stage]


def room(where, stage):
    """Return what a stage's outputs take, in whole blocks."""
    paths = [path for out in outs(stage) for path in (where / out, *(where / out).rglob("*"))]
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in paths if path.is_file())


@pytest.mark.parametrize("command", ["audit", "export"])
def test_a_command_that_writes_onto_a_full_disk_is_one_line(export, whole, disk, command):
    where, real = disk
    if not real:
        pytest.skip("no disk can be mounted: unshare -rm make test-faults")
    place = where / {"audit": "audit", "export": "out.zip"}[command]
    words = [str(export)] if command == "audit" else [f"{whole[0]}/data/valid"]
    words += ["--pictures", f"{whole[0]}/data/raw"] if command == "export" else []
    fill(where, 40_000)

    main = "from stages.cli import main; main()"
    done = python("-c", main, command, *words, "-o", str(place), where=where)

    empty(where)
    said = one_line(done)
    assert said.startswith(f"segment-restore: {place}"), said
    assert "No space left on device" in said
    assert not [path for path in where.rglob("*") if path.suffix in {".part", ".zip"}]


def test_outputs_on_a_disk_that_is_read_only_are_named_in_one_line(whole, tmp_path):
    where = tmp_path / "disk"
    with mounted(where, 16) as why:
        if why:
            pytest.skip(f"no disk can be mounted: {why}")
        subprocess.run(["cp", "-a", f"{whole[0]}/.", where], check=True)
        remount(where, "ro")

        for stage in ("validate", "rasterise", "browse"):
            said = one_line(run(stage, where))
            assert re.match(rf"{stage}: (data|reports)/\S+: Read-only file system; ", said), said

        remount(where, "rw")
        assert run("rasterise", where).returncode == 0
        assert tree(where / "data") == tree(whole[0] / "data")


def remount(where, how):
    subprocess.run(["mount", "-o", f"remount,{how}", where], check=True)


def test_a_clock_that_jumps_changes_nothing(export, whole, tmp_path):
    """Time goes ten years forward and back at every question, in another zone, and files lie."""
    where = prepared(tmp_path / "work", export, [])
    changed = jumping(tmp_path)
    if changed is None:
        pytest.skip("no C compiler, or not Linux: the clock cannot be made to jump")
    for number, stage in enumerate(LIGHT):
        for one in (where / "data").rglob("*"):
            os.utime(one, (0, 0) if number % 2 else (2**32, 2**32))  # 1970, or 2106

        done = run(stage, where, **changed)

        assert done.returncode == 0, done.stderr
        assert results(where, stage) == whole[1][stage]


DAMAGES = {
    "each hundredth byte": lambda kept: bytes(
        byte ^ 255 if at % 100 == 50 else byte for at, byte in enumerate(kept)
    ),
    "from its middle on": lambda kept: kept[: len(kept) // 2] + bytes(len(kept) // 2),
    "cut off": lambda kept: kept[: len(kept) // 3],
    "no database": lambda kept: b"x" * len(kept),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_of_measurements_changes_no_result(whole, tmp_path, damage):
    where = tmp_path / "work"
    subprocess.run(["cp", "-a", whole[0], where], check=True)
    path = where / ".cache/segment-restore" / memory.FILE
    path.write_bytes(damage(path.read_bytes()))

    done = run("tag", where)

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert results(where, "tag") == whole[1]["tag"]


@pytest.mark.parametrize(("stage", "place"), [("validate", "valid"), ("rasterise", "masks")])
def test_outputs_that_cannot_be_written_are_named_in_one_line(stage, place, whole, tmp_path):
    """Where a folder should be is a file; permissions say nothing to root."""
    where = tmp_path / "work"
    subprocess.run(["cp", "-a", whole[0], where], check=True)
    shutil.rmtree(where / "data" / place)
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


def jpeg(width, height):
    """A JPEG whose header promises a picture of which the first rows are there."""
    content = bytearray(simplejpeg.encode_jpeg(np.zeros((64, 64, 3), np.uint8), 90, "RGB", "420"))
    size = content.index(b"\xff\xc0") + 5
    content[size : size + 4] = struct.pack(">HH", height, width)
    return bytes(content)


BOMBS = [png(100_000, 100_000), jpeg(65_500, 65_500), png(30_000, 30_000), jpeg(30_000, 30_000)]


def test_a_decompression_bomb_is_a_row_or_a_line_and_takes_no_memory(export, tmp_path):
    """Up to ten billion pixels in a kilobyte; the stage may have 4 GiB, stacks included."""
    where = tmp_path / "work"
    where.mkdir()
    copied = tmp_path / "export"
    subprocess.run(["cp", "-r", export, copied], check=True)
    victims = sorted((copied / "train").glob("*.jpg"))[: len(BOMBS)]
    for victim, bomb in zip(victims, BOMBS, strict=True):
        victim.write_bytes(bomb)
    (where / "export").symlink_to(copied)
    assert run("pull", where).returncode == 0

    done = run("validate", where, memory=4 * 2**30)

    assert done.returncode == 0, done.stderr
    lines = (where / "reports/issues.csv").read_text(encoding="utf-8").splitlines()
    for victim in victims:
        assert any(victim.name in line and "image_unreadable" in line for line in lines)
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
    monkeypatch.setattr(copies, "can_split", lambda: request.param)


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


KILLED = {
    "copies": "parallel.each(time.sleep, [60] * 40, TWO, 'sleep')",
    "processes": "copies.can_split = lambda: False; parallel.each(time.sleep, [60] * 40, TWO, '')",
    "a process apart": "apart.apart(time.sleep, 60)",
}


@pytest.mark.parametrize("work", KILLED.values(), ids=KILLED)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent")
def test_workers_end_with_the_process_that_is_killed(tmp_path, work):
    code = (
        "import time\nfrom pipeline import copies, parallel\nfrom stages import apart\n"
        "TWO = parallel.ComputeParams(backend='local', workers=2, scheduler=None)\n"
        f"if __name__ == '__main__':\n    {work}\n"
    )
    (tmp_path / "work.py").write_text(code)
    words = [sys.executable, "work.py"]
    running = subprocess.Popen(words, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)})
    wait_until(lambda: len(asleep(tmp_path)) >= (3 if "each" in work else 2))  # itself is one
    time.sleep(0.5)  # in which a worker comes to its work

    running.kill()
    running.wait()

    wait_until(lambda: not asleep(tmp_path))


OURS = ("spawn_main", "popen_loky", "work.py")


def asleep(where):
    """Processes that work in a folder."""
    words = [arguments(pid) for pid in living(where)]
    return [one for one in words if any(name in one for name in OURS)]


def wait_until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
