"""`dvc repro` beside another, from a cache that lies, on a full disk; and every stage on one."""

import re
import shutil
import subprocess

import killing
import pytest
from running import empty, fill, free, jumping, mounted, one_line, python

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("dvc", path=killing.PATH) is None, reason="no dvc"),
]
FULL = "No space left on device|database or disk is full|disk I/O error"
FIRST = ("rasterise", "tag")  # of which DVC runs five stages


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project of which nothing has been run."""
    where = tmp_path_factory.mktemp("long") / "project"
    killing.create(where)
    return where


@pytest.fixture(scope="module")
def light(project, tmp_path_factory):
    """The project after its first stages, which nothing disturbed."""
    where = killing.copied(project, tmp_path_factory.mktemp("light") / "project")
    said, good = killing.finished(where, *FIRST)
    assert good, said
    return where


def test_two_runs_at_once_end_in_the_same_bytes_and_the_second_says_why_it_waits_or_stops(
    project, light, tmp_path
):
    where = killing.copied(project, tmp_path / "both")
    environment = killing.environment(where)
    words = ["dvc", "repro", *FIRST]
    both = [
        subprocess.Popen(words, cwd=where, env=environment, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]  # fmt: skip
    said = [one.communicate()[0] for one in both]

    assert 0 in {one.returncode for one in both}, said
    for one, text in zip(both, said, strict=True):
        assert one.returncode == 0 or re.search("lock|busy", text), text
        assert "Traceback" not in text
    said, good = killing.finished(where, *FIRST)
    assert good, said
    assert not killing.left(where)
    assert not killing.differences(killing.state(where), killing.state(light))


@pytest.mark.parametrize("which", ["every file", "a folder's listing"])
def test_a_damaged_file_of_the_cache_is_told_and_built_anew(light, tmp_path, which):
    """As a failing disk does: in place, and write-protected, so that DVC does not look at it."""
    where = killing.copied(light, tmp_path / "damaged")
    kept = [path for path in (where / ".dvc/cache/files/md5").glob("*/*") if path.is_file()]
    struck = [path for path in kept if (path.suffix == ".dir") == (which != "every file")]
    assert len(struck) >= 3
    for path in struck:
        mode = path.stat().st_mode
        path.chmod(0o644)
        path.write_bytes(b"damaged" + path.read_bytes()[7:])
        path.chmod(mode)
    shutil.rmtree(where / "data/masks")
    (where / "reports/tags.csv").unlink()

    told = killing.mend(where)
    said, good = killing.finished(where, *FIRST)

    assert re.search(r"\d+ damaged files of DVC's cache are removed", told)
    assert len(told.splitlines()) == 1
    assert good, said
    assert not killing.left(where)
    found, expected = killing.state(where), killing.state(light)
    assert not killing.differences(found, expected)
    assert killing.verified(where).endswith("files of DVC's cache are what they were\n")


def test_a_disk_that_fills_under_dvc_itself_loses_nothing(project, light, tmp_path):
    """DVC's cache, its lock file and its tables lie on it too; room grows from try to try."""
    disk = tmp_path / "disk"
    with mounted(disk, 256) as why:
        if why:
            pytest.skip(f"no disk can be mounted: {why}")
        where = killing.copied(project, disk / "project")
        before = free(disk)
        need = before - free_after(where, disk, light)
        failed = 0
        for share in (0.1, 0.3, 0.5, 0.7, 0.9, 0.97):
            killing.copied(project, where)
            fill(disk, int(need * share))
            done = subprocess.run(
                ["dvc", "repro", *FIRST], cwd=where, env=killing.environment(where),
                capture_output=True, text=True,
            )  # fmt: skip
            said, failed = done.stdout + done.stderr, failed + bool(done.returncode)
            assert not done.returncode or re.search(FULL, said), said
            empty(disk)
            killing.mend(where)
            said, good = killing.finished(where, *FIRST)
            assert good, said
            assert not killing.left(where)
            wrong = killing.differences(killing.state(where), killing.state(light))
            # DVC writes .gitignore in place: half a line may stay, beside the whole one.
            assert not [one for one in wrong if not one.startswith("data/.gitignore")], wrong
            ignored = [(one / "data/.gitignore").read_text().splitlines() for one in (where, light)]
            assert set(ignored[1]) <= set(ignored[0])
    assert failed >= 3


def free_after(where, disk, light):
    """Return how much is free once the stages have run there."""
    said, good = killing.finished(where, *FIRST)
    assert good, said
    assert not killing.differences(killing.state(where), killing.state(light))
    return free(disk)


def command(where, stage, **limits):
    """Run a stage as dvc.yaml says, with the tiny project's parameters."""
    words = killing.told(where, stage)
    environment = killing.environment(where) | {"PYTHONPATH": "."} | limits
    return python(*words, where=where, **environment)


def results(where, stage):
    """Path -> checksum of what a stage writes, live curves included."""
    names = [where / out for out in killing.outs(stage)]
    paths = [path for name in names for path in (name, *name.rglob("*")) if path.is_file()]
    return {path.relative_to(where).as_posix(): killing.checksum(path) for path in paths}


def discarded(where, stage):
    """Remove what a stage writes, as DVC does before it runs one."""
    for out in killing.outs(stage):
        path = where / out
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def test_every_stage_on_a_disk_that_fills_is_one_line_and_ends_as_if_nothing_was(project, tmp_path):
    """Half of the room that its outputs take is there; then all of it, by a clock that jumps."""
    disk = tmp_path / "disk"
    changed = jumping(tmp_path) or {}
    with mounted(disk, 512) as why:
        if why:
            pytest.skip(f"no disk can be mounted: {why}")
        where = killing.copied(project, disk / "project")
        for stage in killing.STAGES:
            done = command(where, stage)
            assert done.returncode == 0, done.stderr
            written = results(where, stage)
            blocks = sum(-(-(where / path).stat().st_size // 4096) for path in written)
            discarded(where, stage)
            fill(disk, blocks // 2 * 4096)

            done = command(where, stage)

            said = one_line(done)
            assert said_of_full(said, stage), said
            # A folder of that name is a training's state, from which the next run goes on.
            assert not [path for path in where.rglob("*.part") if path.is_file()]
            empty(disk)
            discarded(where, stage)
            done = command(where, stage, **changed)
            assert done.returncode == 0, done.stderr
            assert results(where, stage) == written
            assert not list((where / "data").glob(".*.state"))


def said_of_full(line, stage):
    """Return whether a line says whose, where, what and what to do."""
    return re.fullmatch(rf"{stage}: .*({FULL}).*(goes on from it|pull again|nothing is lost)", line)
