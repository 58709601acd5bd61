"""`dvc repro` of the first three stages, killed at any moment and run again: the same bytes."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import repository
import yaml
from running import tree
from test_clean import clean_set

KILLS = 20
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
ENVIRONMENT = {**os.environ, "DVC_NO_ANALYTICS": "1", "PATH": PATH}
WORDS = ["dvc", "repro", "rasterise"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("dvc", path=PATH) is None, reason="dvc is not installed"),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A fresh repository with our code and an export; nothing has been run."""
    where = repository.fresh(tmp_path_factory.mktemp("kill") / "project")
    clean_set(where / "export", 150)
    settings = yaml.safe_load((where / "params.yaml").read_text(encoding="utf-8"))
    settings["pull"]["export"] = "export"
    (where / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=where, check=True)
    subprocess.run(["dvc", "init", "-q"], cwd=where, env=ENVIRONMENT, check=True)
    return where


def outputs(where):
    """All that the three stages write, and what DVC notes of it."""
    noted = {"dvc.lock": hashlib.sha256((where / "dvc.lock").read_bytes()).hexdigest()}
    return noted | tree(where / "data") | tree(where / "reports")


def repro(where):
    done = subprocess.run(WORDS, cwd=where, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def test_a_run_that_was_killed_at_any_moment_ends_in_the_same_bytes(project, tmp_path):
    begun = time.monotonic()
    shutil.copytree(project, tmp_path / "whole", symlinks=True)
    repro(tmp_path / "whole")
    lasting = time.monotonic() - begun
    expected = outputs(tmp_path / "whole")
    assert sum(path.startswith("masks/") for path in expected) >= 150

    moments = random.Random(1)
    reached = []
    for number in range(KILLS):
        where = tmp_path / f"killed{number}"
        shutil.copytree(project, where, symlinks=True)
        running = subprocess.Popen(
            WORDS, cwd=where, env=ENVIRONMENT, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        time.sleep(lasting * (number + moments.random()) / KILLS)
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        reached.append(sorted(path.name for path in (where / "data").glob("[!.]*")))
        if (where / "data" / "raw").exists():
            assert tree(where / "data" / "raw") == tree(tmp_path / "whole" / "data" / "raw")
        repro(where)

        assert outputs(where) == expected, f"kill {number}, when there was {reached[-1]}"
        assert "Running stage" not in repro(where)
        shutil.rmtree(where)
    assert len({tuple(names) for names in reached}) >= 3, reached
