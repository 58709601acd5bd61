"""`dvc repro` under faults: killed in any stage, beside another, from a cache that lies."""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from test_kill import ENVIRONMENT, PATH, outputs, project, repro

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("dvc", path=PATH) is None, reason="dvc is not installed"),
]
KILLS = int(os.environ.get("KILLS", "12"))
WORDS = ["dvc", "repro", "rasterise"]
project = project  # the fixture


def started(where, words=WORDS):
    return subprocess.Popen(
        words, cwd=where, env=ENVIRONMENT, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(project, tmp_path_factory):
    """The project after an undisturbed run, and what it wrote."""
    where = tmp_path_factory.mktemp("whole") / "project"
    shutil.copytree(project, where, symlinks=True)
    repro(where)
    return where, outputs(where)


def test_a_process_of_a_stage_that_is_killed_by_itself_fails_the_run_and_the_next_mends_it(
    project, whole, tmp_path
):
    """As the system does for want of memory: not the whole group, the one process or a worker."""
    moments = random.Random(3)
    struck = 0
    for number in range(KILLS):
        where = tmp_path / f"struck{number}"
        shutil.copytree(project, where, symlinks=True)
        running = started(where)
        hit = False
        while running.poll() is None and not hit:
            for pid in below(running.pid):
                if moments.random() < 0.1 and "stages." in arguments(pid):
                    os.kill(pid, signal.SIGKILL)
                    hit = True
                    break
            time.sleep(0.05)
        struck += hit
        running.communicate()
        repro(where)

        assert outputs(where) == whole[1], f"strike {number}"
        shutil.rmtree(where)
    assert struck >= KILLS / 4


def below(pid):
    """Processes that a process started, and those that they did; the deepest first."""
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    children = [int(one) for one in done.stdout.split()]
    return [deeper for child in children for deeper in (*below(child), child)]


def arguments(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def test_two_runs_at_once_end_in_the_same_bytes_and_the_second_says_why_it_waits_or_stops(
    project, whole, tmp_path
):
    where = tmp_path / "both"
    shutil.copytree(project, where, symlinks=True)

    first, second = started(where), started(where)
    said = [one.communicate()[0] for one in (first, second)]

    assert 0 in {first.returncode, second.returncode}, said
    for one, text in zip((first, second), said, strict=True):
        assert one.returncode == 0 or "lock" in text.lower(), text
    repro(where)
    assert outputs(where) == whole[1]


def test_a_damaged_file_of_the_cache_is_not_taken_for_the_result(whole, tmp_path):
    """Every file of the cache is overwritten in place, as a failing disk does; outputs are gone."""
    where = tmp_path / "damaged"
    shutil.copytree(whole[0], where, symlinks=True)
    kept = [path for path in (where / ".dvc/cache").rglob("*") if path.is_file()]
    assert len(kept) > 100
    shutil.rmtree(where / "data/masks")
    for path in kept:
        if not path.name.endswith(".dir"):
            path.chmod(0o644)
            path.write_bytes(b"damaged" + path.read_bytes()[7:])

    done = subprocess.run(WORDS, cwd=where, env=ENVIRONMENT, capture_output=True, text=True)

    text = done.stdout + done.stderr
    masks = {name: sum_ for name, sum_ in outputs(where).items() if name.startswith("masks/")}
    wanted = {name: sum_ for name, sum_ in whole[1].items() if name.startswith("masks/")}
    assert masks == wanted or done.returncode, text[-1500:]
