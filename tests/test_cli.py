"""The command line, run as a person runs it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline import store
from stages import restoring

COMMAND = [sys.executable, "-c", "from stages.cli import main; main()"]
ROOT = Path(__file__).parents[1]


def run(*words, cwd):
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    return subprocess.run(
        [*COMMAND, *map(str, words)], cwd=cwd, env=environment, capture_output=True, text=True
    )


def photo(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    store.write_image(path, np.full((20, 30, 3), 90, np.uint8))
    return path


def test_help_names_every_command(tmp_path):
    done = run("--help", cwd=tmp_path)

    assert done.returncode == 0
    for command in ("restore", "serve", "audit", "export", "results"):
        assert command in done.stdout


def test_without_a_trained_model_it_says_what_to_run(tmp_path):
    photo(tmp_path / "data/inpainter/x.png")
    done = run(photo(tmp_path / "me.png"), cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.strip() == (
        "segment-restore: no trained model at data/model; "
        "run `dvc repro train` in the project first, or name another"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.jpg"], "nowhere.jpg does not exist"),
        (["empty"], "no picture in empty"),
        (["audit", "nowhere"], "nowhere"),
        (["results"], "run dvc repro"),
        (["export", "empty"], "run dvc repro"),
        (["export", "empty", "--format", "voc"], "choose coco, cvat, yolo, labelstudio"),
    ],
    ids=[
        "missing photo",
        "empty folder",
        "missing export",
        "no results",
        "no dataset",
        "no format",
    ],
)
def test_a_mistake_is_one_line_and_no_traceback(tmp_path, words, message):
    (tmp_path / "empty").mkdir()

    done = run(*words, cwd=tmp_path)

    assert done.returncode != 0
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_photos_are_found_in_folders_in_order_and_other_files_are_passed_over(tmp_path):
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        photo(tmp_path / "photos" / "x.png").rename(tmp_path / "photos" / name)

    found, missing = restoring.find([tmp_path / "photos", tmp_path / "photos/a.jpg"])

    assert [path.name for path in found] == ["a.jpg", "b.PNG"]
    assert missing == []


def test_patterns_are_expanded_and_what_matches_nothing_is_missing(tmp_path):
    for name in ("2.jpg", "1.jpg", "3.txt"):
        photo(tmp_path / "x.png").rename(tmp_path / name)

    found, missing = restoring.find([tmp_path / "*", tmp_path / "*.bmp", tmp_path / "no.jpg"])

    assert [path.name for path in found] == ["1.jpg", "2.jpg"]
    assert [path.name for path in missing] == ["*.bmp", "no.jpg"]
