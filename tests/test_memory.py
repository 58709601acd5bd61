"""What was measured is not measured again, and what is kept never changes a result."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import cv2
import exports
import numpy as np
import pytest
import test_tag
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline
from pipeline import measurements, memory, params, raw, store, tag
from pipeline.measurements import MEASUREMENTS, Measured
from pipeline.parallel import ComputeParams

ROOT = Path(__file__).parents[1]
calls = []


def twice(number):
    """What is kept here: it counts how often it is called."""
    calls.append(number)
    return {"number": number * 2, "array": np.arange(number, dtype=np.float32)}


def name(number):
    return b"item %d" % number


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()


def local(folder):
    return ComputeParams(backend="local", workers=1, scheduler=None, cache=str(folder))


def run(numbers, folder, digest=name):
    compute = local(folder)
    digests = memory.digests(digest, numbers, compute, "test")
    kept = memory.Memory(compute.cache, twice, dict)
    return kept.each(numbers, digests, compute, "test")


def numbers_of(results):
    return [one["number"] for one in results]


def test_ten_more_items_are_ten_more_calls_in_the_order_of_the_items(tmp_path):
    assert numbers_of(run(range(100), tmp_path)) == [2 * n for n in range(100)]
    calls.clear()

    assert numbers_of(run(range(109, -1, -1), tmp_path)) == [2 * n for n in range(109, -1, -1)]
    assert sorted(calls) == list(range(100, 110))


def test_no_folder_keeps_nothing_and_reads_nothing():
    for _ in range(2):
        run([1, 2], "", digest=lambda number: 1 / 0)

    assert calls == [1, 2, 1, 2]


def here(_):
    return {"here": [os.getpid(), threading.get_ident()]}


def test_a_few_items_wait_for_no_other_process_and_share_no_thread(tmp_path):
    """What is kept between two of them, such as a network, is used by one at a time."""
    compute = ComputeParams(backend="local", workers=2, scheduler=None, cache=str(tmp_path))

    done = memory.Memory(compute.cache, here, dict).each([1, 2], [b"one", b"two"], compute, "")

    assert done == [here(1)] * 2


def test_an_item_of_no_digest_is_measured_each_time(tmp_path):
    for _ in range(2):
        run([1, 2], tmp_path, digest=lambda number: b"" if number == 1 else b"two")

    assert calls == [1, 2, 1]


def _flip(path):
    """Change the last byte of each result."""
    with sqlite3.connect(path) as base:
        for key, result in base.execute("select key, result from kept").fetchall():
            spoilt = result[:-1] + bytes([result[-1] ^ 1])
            base.execute("update kept set result = ? where key = ?", (spoilt, key))


def _swap(path):
    """Give each result to another's key."""
    with sqlite3.connect(path) as base:
        rows = base.execute("select key, result from kept order by key").fetchall()
        for (key, _), (_, result) in zip(rows, rows[1:] + rows[:1], strict=True):
            base.execute("update kept set result = ? where key = ?", (result, key))


def _other_tables(path):
    with sqlite3.connect(path) as base:
        base.execute("drop table kept")
        base.execute("create table kept (something text)")


DAMAGE = {
    "a flipped bit": _flip,
    "another's result": _swap,
    "no database": lambda path: path.write_bytes(b"rubbish" * 1000),
    "an empty file": lambda path: path.write_bytes(b""),
    "the second half gone": lambda path: path.write_bytes(path.read_bytes()[:6000]),
    "pages of zeros": lambda path: path.write_bytes(path.read_bytes()[:4096] + bytes(16384)),
    "other tables": _other_tables,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_measured_again_and_kept_anew(tmp_path, damage):
    first = run(range(40), tmp_path)
    DAMAGE[damage](tmp_path / memory.FILE)
    calls.clear()

    again = run(range(40), tmp_path)

    assert numbers_of(again) == numbers_of(first)
    assert len(calls) > 0
    if damage != "other tables":
        run(range(40), tmp_path)
        calls.clear()
        run(range(40), tmp_path)
        assert calls == []


def test_a_folder_that_cannot_be_made_is_passed_over(tmp_path):
    (tmp_path / "file").write_text("no folder")

    assert numbers_of(run([1, 2], tmp_path / "file" / "cache")) == [2, 4]


def test_a_database_locked_by_another_is_passed_over(tmp_path, monkeypatch):
    run([1], tmp_path)
    monkeypatch.setattr(memory, "PATIENCE", 0.05)
    with sqlite3.connect(tmp_path / memory.FILE, isolation_level=None) as other:
        other.execute("begin exclusive")

        assert numbers_of(run([1, 2], tmp_path)) == [2, 4]


def test_two_processes_write_at_once_and_both_are_kept(tmp_path):
    code = (
        "import sys\nsys.path.insert(0, 'tests')\nimport test_memory\n"
        "first = int(sys.argv[2])\n"
        "for n in range(first, first + 40): test_memory.run([n], sys.argv[1])\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    both = [subprocess.Popen([*words, str(start)], cwd=ROOT) for start in (0, 20)]

    assert [one.wait() for one in both] == [0, 0]
    with sqlite3.connect(tmp_path / memory.FILE) as base:
        assert base.execute("pragma integrity_check").fetchone() == ("ok",)
        assert base.execute("select count(*) from kept").fetchone() == (60,)


def test_it_is_bounded_and_what_was_not_used_for_longest_goes_first(tmp_path, monkeypatch):
    run(range(20), tmp_path)
    run(range(5), tmp_path)  # of use again
    with sqlite3.connect(tmp_path / memory.FILE) as base:
        size = base.execute("select sum(size) from used").fetchone()[0]
    monkeypatch.setattr(memory, "MOST", size)
    run(range(20, 23), tmp_path)
    calls.clear()

    run(range(20), tmp_path)

    assert 0 < len(calls) < 20
    assert not set(calls) & set(range(5))


def test_the_code_that_is_used_is_part_of_the_key_and_other_code_is_not():
    reached = memory._reached("pipeline.measurements")

    for module in ("measurements", "images", "focus", "silhouettes", "places", "store", "columns"):
        assert f"pipeline.{module}" in reached
    for module in ("memory", "parallel", "cluster", "tag", "report", "checks", "rules"):
        assert f"pipeline.{module}" not in reached


def test_another_code_is_another_key(monkeypatch):
    before = memory._origin(measurements.measure_all)
    read = memory.inspect.getsource
    monkeypatch.setattr(
        memory.inspect, "getsource",
        lambda module: read(module) + ("\n" if module.__name__ == "pipeline.focus" else ""),
    )  # fmt: skip

    assert memory._origin(measurements.measure_all) != before
    assert memory._origin(raw.measure) == memory._origin(raw.measure)


def test_without_source_nothing_is_kept(tmp_path, monkeypatch):
    def none(module):
        raise OSError("could not get source code")

    monkeypatch.setattr(memory.inspect, "getsource", none)
    memory._reached.cache_clear()
    for _ in range(2):
        assert numbers_of(run([1], tmp_path)) == [2]
    memory._reached.cache_clear()

    assert calls == [1, 1]


def test_a_measured_image_comes_back_the_same_to_the_bit(tmp_path):
    numbers = dict.fromkeys(MEASUREMENTS, 1 / 3) | {"edge": float("nan"), "luma": -0.0}
    rng = np.random.default_rng(0)
    gradients, look = rng.random((64, 9), np.float32), np.full((36, 4), np.nan)
    tiles = rng.integers(0, 255, (16, 16), np.uint8)
    values = np.array(list(numbers.values()))
    one = Measured(values, 2**64 - 1, gradients, look, tiles)
    kept = memory.Memory(str(tmp_path), measurements.measure_all, Measured)

    kept.put({b"one": one})
    again = kept.get([b"one", b"another"])[b"one"]

    assert (
        np.array(list(again.numbers.values())).tobytes()
        == np.array(list(numbers.values())).tobytes()
    )
    assert list(again.numbers) == list(numbers)
    assert again.hash == one.hash
    for kind in ("gradients", "look", "tiles"):
        before, after = getattr(one, kind), getattr(again, kind)
        assert (after.dtype, after.shape, after.tobytes()) == (
            before.dtype, before.shape, before.tobytes(),
        )  # fmt: skip


@pytest.fixture
def export(tmp_path):
    """Pictures of one scene under several lights, so that places are compared as well."""
    content = exports.content(6)
    exports.write(tmp_path / "export", train=content)
    chance = np.random.default_rng(3)
    scene = np.kron(chance.integers(0, 200, (40, 60, 3)), np.ones((10, 10, 1))).astype(np.uint8)
    for row, image in enumerate(content["images"]):
        place = tmp_path / "export/train" / image["file_name"]
        place.write_bytes(cv2.imencode(".png", scene + np.uint8(8 * row))[1].tobytes())
        image |= {"width": 600, "height": 400}
    store.write_json(tmp_path / "export/train" / raw.ANNOTATIONS, content)
    return tmp_path / "export"


def counting(monkeypatch, module, name):
    seen = []
    real = getattr(module, name)

    def counted(*arguments):
        seen.append(arguments)
        return real(*arguments)

    counted.__module__, counted.__qualname__ = real.__module__, real.__qualname__
    monkeypatch.setattr(module, name, counted)
    return seen


def renamed(folder, content, row):
    image = content["images"][row]
    (folder / image["file_name"]).rename(folder / "known bytes of another name.png")
    image["file_name"] = "known bytes of another name.png"
    store.write_json(folder / raw.ANNOTATIONS, content)


def test_an_audit_measures_new_changed_and_redrawn_pictures_only(tmp_path, export, monkeypatch):
    settings = {"compute": {"workers": 1, "cache": str(tmp_path / "cache")}}
    cold = pipeline.audit(export, settings)
    measured = counting(monkeypatch, measurements, "measure_all")
    compared = counting(monkeypatch, measurements.places, "agreeing")
    decoded = counting(monkeypatch, raw, "_look")
    warm = pipeline.audit(export, settings)
    assert (len(measured), len(compared), len(decoded)) == (0, 0, 0)

    content = store.read_json(export / "train" / raw.ANNOTATIONS)
    names = [image["file_name"] for image in content["images"]]
    exports.draw_picture(export / "train" / names[1], (400, 600))  # changed
    ring = content["annotations"][2]["segmentation"][0]
    content["annotations"][2]["segmentation"] = [[one + 1 for one in ring]]  # of the same area
    store.write_json(export / "train" / raw.ANNOTATIONS, content)
    changed = pipeline.audit(export, settings)
    renamed(export / "train", content, 5)
    moved = pipeline.audit(export, settings)
    fresh = pipeline.audit(export, {"compute": {"workers": 1, "cache": ""}})

    photos = [photo for (part,) in measured for photo in part]
    assert [Path(photo.path).name for photo in photos[:-6]] == names[1:3]
    assert [Path(path).name for _, path in decoded[:-6]] == names[1:2]
    assert warm.images.equals(cold.images)
    assert moved.images.equals(fresh.images)
    assert moved.issues.equals(fresh.issues)
    assert not changed.images.equals(cold.images)
    assert cold.images["place"].nunique() == 1  # so that corners were compared at all


def test_a_file_is_read_once_and_again_when_it_was_written(tmp_path, monkeypatch):
    path = tmp_path / "photo"
    path.write_bytes(b"one")
    first = memory.content(path)
    read = counting(monkeypatch, Path, "read_bytes")
    again = memory.content(path)
    assert (again, read) == (first, [])

    path.write_bytes(b"two")

    assert memory.content(path) == hashlib.sha256(b"two").digest()
    path.unlink()
    assert memory.content(path) == b""


def pictures(folder):
    """Eight pictures of two scenes: lighter, moved, mirrored, copied; and where they lie."""
    chance = np.random.default_rng(4)
    scenes = [np.kron(chance.integers(0, 200, (40, 60)), np.ones((10, 10))) for _ in range(2)]
    seen = [
        *(scenes[0][:300, :400], scenes[0][8:308, 12:412], scenes[0][:300, :400] + 40),
        *(scenes[1][:300, :400], scenes[1][4:304, :400], scenes[1][:300, 399::-1]),
        *(scenes[1][:300, :400] / 2, scenes[0][:300, :400]),
    ]
    for row, image in enumerate(seen):
        store.write_image(folder / f"train/{row}.png", np.uint8(image)[..., None].repeat(3, axis=2))
    return [f"train/{row}.png" for row in range(len(seen))]


@given(some=st.lists(st.sets(st.integers(0, 7), min_size=1), min_size=2, max_size=4))
@settings(max_examples=15)
def test_tags_are_the_same_whatever_was_measured_before(some):
    limits = params.load(tag.TagParams, "tag")
    with tempfile.TemporaryDirectory() as scratch:
        paths = pictures(Path(scratch))
        for rows in some:
            data = test_tag.dataset([paths[row] for row in sorted(rows)])
            grown, fresh = (
                tag.run(data, Path(scratch), limits, local(folder))
                for folder in (f"{scratch}/cache", "")
            )

            assert grown.to_csv() == fresh.to_csv()
