"""The built wheel, alone in an empty environment, as somebody who installs it meets it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import exports

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """The console script of a fresh environment that holds the wheel and what it depends on."""
    where = tmp_path_factory.mktemp("wheel")
    run = [sys.executable, "-m", "build", "--wheel", "--outdir", str(where), str(ROOT)]
    subprocess.run(run, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", str(where / "env")], check=True)
    (wheel,) = where.glob("*.whl")
    pip = [str(where / "env/bin/pip"), "install", "--quiet", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    return where / "env/bin/segment-restore"


def test_it_helps(command, tmp_path):
    done = subprocess.run([command, "--help"], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "audit" in done.stdout


def test_it_audits_an_export_without_a_framework(command, tmp_path):
    exports.write(tmp_path / "export", train=exports.content(6), valid=exports.content(2, "v"))

    done = subprocess.run(
        [command, "audit", "export", "-o", "out"], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    for name in ("issues.csv", "images.csv", "tags.csv", "index.html"):
        assert (tmp_path / "out" / name).is_file()
