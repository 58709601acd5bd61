"""A stage's scratch folder goes with its run, or with the next one if the run was killed."""

import subprocess
import sys
from pathlib import Path

import pytest

from stages import scratch

ROOT = Path(__file__).parents[1]
HOLDS = """
import sys, time
from pathlib import Path
from stages import scratch

with scratch.beside(Path(sys.argv[1])) as folder:
    (folder / "model").write_text("large")
    print(folder, flush=True)
    time.sleep(600)
"""


def held(output):
    """Return a process that holds a scratch folder, and the folder."""
    words = [sys.executable, "-c", HOLDS, str(output)]
    one = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return one, Path(one.stdout.readline().strip())


def test_the_folder_is_there_for_the_block_and_gone_after_it_whatever_happened(tmp_path):
    output = tmp_path / "reports/table.csv"
    with scratch.beside(output) as folder:
        (folder / "deep").mkdir()
        (folder / "deep/file").write_text("x")
        assert folder.parent == output.parent
    assert list(output.parent.iterdir()) == []

    with pytest.raises(ZeroDivisionError), scratch.beside(output):
        _ = 1 / 0
    assert list(output.parent.iterdir()) == []


def test_two_runs_at_once_have_folders_of_their_own_that_neither_clears(tmp_path):
    output = tmp_path / "table.csv"
    with scratch.beside(output) as first, scratch.beside(output) as second:
        (first / "a").touch()
        scratch.clear(output)

        assert first != second
        assert (first / "a").exists()
        assert second.exists()


def test_what_a_killed_run_leaves_is_cleared_by_the_next_and_not_while_it_lives(tmp_path):
    output = tmp_path / "table.csv"
    process, folder = held(output)
    scratch.clear(output)
    assert (folder / "model").read_text() == "large"

    process.kill()
    process.communicate()
    assert folder.exists()
    scratch.clear(output)

    assert list(tmp_path.iterdir()) == []


def test_nothing_else_beside_the_output_is_cleared(tmp_path):
    others = (".other.csv.x.scratch", "table.csv", ".table.csv.state", "table.csv.x.scratch")
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / ".table.csv.file.scratch").touch()  # no folder, so none of ours
    (tmp_path / ".table.csv.dead.scratch").mkdir()

    scratch.clear(tmp_path / "table.csv")

    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*others, ".table.csv.file.scratch"}


def test_where_nothing_was_written_yet_there_is_nothing_to_clear(tmp_path):
    scratch.clear(tmp_path / "none/table.csv")


@pytest.mark.parametrize("table", ["suspects.csv", "learning_curve.csv"])
def test_git_passes_a_scratch_folder_over(table):
    words = ["git", "check-ignore", "-q", f"reports/.{table}.abc{scratch.ENDING}/model"]
    asked = subprocess.run(words, cwd=ROOT, capture_output=True)
    if asked.returncode == 128:
        pytest.skip("this is no repository")

    assert asked.returncode == 0
