"""What a killed DVC left half written is cut down to what is whole, as DVC itself reads it."""

import fcntl
import json
import os
import subprocess
from hashlib import md5
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from running import TOLD, outs
from voluptuous import Invalid

from pipeline.errors import PipelineError
from stages import mending, verifying

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "dvc.lock").read_text(encoding="utf-8")


def stages(text):
    """What a lock says, by another reader; None if DVC would refuse it."""
    try:
        read = yaml.load(text, yaml.CSafeLoader)
        return COMPILED_LOCKFILE_SCHEMA(read)["stages"]
    except (yaml.YAMLError, Invalid, KeyError, TypeError):
        return None


def test_the_lock_of_this_project_is_whole():
    assert mending.whole(LOCK)
    assert stages(LOCK)


FIRST = LOCK[: LOCK.index("  validate:\n")]  # two stages: each cut is a parse of what is left
CUTS = [*range(0, 150), *range(150, len(FIRST), 37)]


def test_wherever_it_is_cut_off_what_is_left_is_what_dvc_reads_and_stages_that_were_there():
    every = stages(FIRST)
    for cut in CUTS:
        part = FIRST[:cut]
        if mending.whole(part):
            assert stages(part) is not None, part[-80:]
            continue
        kept = mending.mended(part)
        if kept:
            found = stages(kept)
            assert list(found.items()) == list(every.items())[: len(found)], part[-80:]
        assert part.startswith(kept)
        assert len(mending.STAGE.findall(part)) - len(mending.STAGE.findall(kept)) <= 1


@pytest.fixture
def project(tmp_path):
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    for stage in TOLD:  # all outputs are there: nothing is to be taken out of the cache
        for out in outs(stage):
            (tmp_path / out).mkdir(parents=True)
    (tmp_path / "dvc.lock").write_text(LOCK)
    (tmp_path / ".dvc/tmp/rwlock").write_text("{}")
    return tmp_path


def test_what_is_whole_is_not_touched(project):
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*") if path.is_file()}

    assert mending.main(project) == "DVC's files are whole"
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_lock_that_ends_within_a_line_keeps_the_stages_before(project):
    cut = LOCK.index("  tag:\n") + 200
    while LOCK[cut - 6 : cut] != "size: ":  # a place that DVC refuses
        cut += 1
    (project / "dvc.lock").write_text(LOCK[:cut])
    assert stages(LOCK[:cut]) is None

    said = mending.main(project)

    assert "dvc.lock was half written" in said
    assert "\n" not in said
    kept = stages((project / "dvc.lock").read_text())
    before = list(stages(LOCK))
    assert list(kept) == before[: before.index("tag")]


@pytest.mark.parametrize("text", ["", "s", "schema: '2", "schema: '2.0'\nstages:\n"])
def test_a_lock_of_no_whole_stage_is_removed(project, text):
    (project / "dvc.lock").write_text(text)

    mending.main(project)

    assert not (project / "dvc.lock").exists()


@pytest.mark.parametrize("text", ["", '{"read": {"/a/b', "[]"])
def test_a_table_of_readers_that_is_none_is_removed(project, text):
    (project / ".dvc/tmp/rwlock").write_text(text)

    assert "rwlock was half written" in mending.main(project)
    assert not (project / ".dvc/tmp/rwlock").exists()


@pytest.fixture
def planned(project):
    """The same with the plan of this project, under Git; all outputs are ignored as here."""
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    for name in ("dvc.yaml", "data/.gitignore", "reports/.gitignore", "reports/live/.gitignore"):
        (project / name).write_text((ROOT / name).read_text(encoding="utf-8"))
    return project


@pytest.mark.parametrize("left", [None, "", "/chosen.csv\n/val", "/masks\n"])
def test_outputs_are_ignored_by_git_again_where_their_line_was_lost(planned, left):
    file = planned / "data/.gitignore"
    whole = set(file.read_text().split())
    file.unlink() if left is None else file.write_text(left)

    said = mending.main(planned)

    lines = file.read_text().splitlines()
    assert set(lines) - {"/val"} == whole
    assert len(lines) == len(set(lines))
    assert f"{file} had lost its line of valid" in said
    assert mending.main(planned) == "DVC's files are whole"


def test_outputs_that_git_keeps_or_another_file_ignores_get_no_line(planned):
    (planned / "data/.gitignore").unlink()
    (planned / ".gitignore").write_text("data/\n")

    assert mending.main(planned) == "DVC's files are whole"


@pytest.mark.parametrize("plan", ["stages: [", "stages: {one: {outs: '${every}'}}", ""])
def test_a_dvc_yaml_of_another_form_is_left_to_dvc(project, plan):
    (project / "dvc.yaml").write_text(plan)

    assert mending.main(project) == "DVC's files are whole"


@pytest.mark.parametrize("folder", ["", "ee"])
def test_what_dvc_tried_its_links_with_is_cleared_away(project, folder):
    left = project / ".dvc/cache/files/md5" / folder / ".Y1seCXpD7cLrSEFKkJoDkA.tmp"
    left.parent.mkdir(parents=True)
    left.touch()

    mending.main(project)

    assert not left.exists()


def test_while_dvc_is_at_work_nothing_is_touched(project):
    """As another process sees it: the lock is held by an open file, here by one of this process."""
    (project / "dvc.lock").write_text("s")
    with (project / ".dvc/tmp/lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        assert "DVC is at work" in mending.main(project)

    assert (project / "dvc.lock").read_text() == "s"


def test_a_folder_without_dvc_is_one_line(tmp_path):
    with pytest.raises(PipelineError, match="give the folder"):
        mending.main(tmp_path)


@pytest.fixture
def cached(tmp_path):
    """A project whose output, a folder of two files, lies in DVC's cache; and the paths there."""
    Repo.init(str(tmp_path), no_scm=True)
    files = {"a.txt": b"one", "b.txt": b"two"}
    listed = [{"md5": md5(text).hexdigest(), "relpath": name} for name, text in files.items()]
    whole = json.dumps(listed, sort_keys=True).encode()
    contents = {md5(text).hexdigest(): text for text in files.values()}
    digest = f"{md5(whole).hexdigest()}.dir"
    paths = []
    for name, content in {digest: whole, **contents}.items():
        path = tmp_path / ".dvc/cache/files/md5" / name[:2] / name[2:]
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        path.chmod(0o444)
        paths.append(path)
    out = {"path": "out", "hash": "md5", "md5": digest, "size": 6, "nfiles": 2}
    lock = {"schema": "2.0", "stages": {"make": {"cmd": "true", "outs": [out]}}}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(lock))
    return tmp_path, paths


def test_what_the_cache_would_hand_out_is_compared_and_only_what_is_damaged_is_removed(cached):
    project, paths = cached
    assert mending.main(project) == "DVC's files are whole"
    paths[1].chmod(0o644)
    paths[1].write_bytes(b"one!")
    (project / "out").mkdir()  # nothing is to be handed out
    assert mending.main(project) == "DVC's files are whole"
    (project / "out").rmdir()

    said = mending.main(project)

    assert said.startswith("1 damaged files of DVC's cache are removed")
    assert [path.exists() for path in paths] == [True, False, True]


def test_a_damaged_listing_is_removed_and_the_whole_cache_can_be_compared(cached):
    project, paths = cached
    assert verifying.main(project) == "all 3 files of DVC's cache are what they were"
    for path in paths[::2]:
        path.chmod(0o644)
        path.write_bytes(b"[{}]")

    said = verifying.main(project)

    assert said.startswith("2 damaged files of DVC's cache are removed")
    assert [path.exists() for path in paths] == [False, True, False]
    assert "all 1 files" in verifying.main(project)


def test_make_repro_mends_before_it_runs(tmp_path):
    done = subprocess.run(
        ["make", "-n", "repro"], cwd=ROOT, capture_output=True, text=True, env=os.environ
    )

    lines = done.stdout.splitlines()
    at = [next(n for n, line in enumerate(lines) if words in line)
          for words in ("stages.mending", "dvc repro")]  # fmt: skip
    assert at == sorted(at)
