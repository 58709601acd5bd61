"""Stages write the same bytes on a Dask cluster as on this machine alone."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import yaml
from test_clean import clean_set
from test_cluster import Started
from test_cluster_tls import Encrypted

ROOT = Path(__file__).parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
LIGHT = ("validate", "rasterise", "tag")
MODEL = """
import sys
from pathlib import Path
import stages
from pipeline import unet
from pipeline.unet import UnetParams
shape = UnetParams(preset="default", init="none", size=32)
unet.prepare(0, 1)
names = ["background", "person", "dog", "b\\u1ee9c t\\u01b0\\u1ee3ng"]
unet.save(Path("data/model"), unet.build(shape, 3), unet.card(shape, names, None))
"""


class Place(NamedTuple):
    """A folder to run stages in, and what their environment has besides."""

    folder: Path
    environment: dict[str, str]

    def python(self, *words):
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, *words], cwd=self.folder, env=environment | self.environment,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, stage):
        """Run a stage as DVC does; return the line it says."""
        filled = {"${tag.truth}": "data/truth"}
        words = [filled.get(word, word) for word in STAGES[stage]["cmd"].split()[3:]]
        return self.python("-m", f"stages.{stage}", *words)


def tree(where):
    """Digest of every file a stage wrote, by its path."""
    files = [*where.glob("data/**/*"), *where.glob("reports/**/*")]
    return {
        path.relative_to(where).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if path.is_file()
    }


def prepare(folder, export, compute, environment=None):
    """A folder in which stages may run, with a link to the export."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "raw").symlink_to(export)
    (folder / "data" / "truth").mkdir()
    sections = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    sections["compute"] |= compute | {"cache": str(folder / "cache")}
    sections["inpaint"] |= {"hole_side": 32, "margin_least": 16, "mask": "union", "threads": 1}
    sections["segment"] |= {"threads": 1}
    (folder / "params.yaml").write_text(yaml.safe_dump(sections, allow_unicode=True))
    return Place(folder, environment or {})


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stages") / "export"
    clean_set(folder, 40)
    return folder


@pytest.fixture(scope="module")
def local(export):
    return prepare(export.parent / "local", export, {"workers": 2})


@pytest.fixture(scope="module")
def dask(export):
    one = Started(export.parent)
    yield prepare(export.parent / "dask", export, msgspec.to_builtins(one.compute()))
    one.end()


@pytest.fixture(scope="module")
def told(local):
    """What stages say on this machine, and what they write; run once."""
    said = {stage: local.run(stage) for stage in LIGHT}
    return said, tree(local.folder)


def test_validate_rasterise_and_tag_write_the_same_bytes(told, dask):
    said, written = told

    assert {stage: dask.run(stage) for stage in LIGHT} == said
    assert tree(dask.folder) == written
    assert sum(path.startswith("data/masks/") for path in written) == 40
    assert "reports/images.csv" in written


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl on this machine")
def test_so_they_do_over_tls(told, export, tmp_path):
    one = Encrypted(tmp_path)
    compute = {"backend": "dask", "workers": 0, "scheduler": one.address}
    place = prepare(export.parent / "tls", export, compute, one.environment)
    try:
        assert ({stage: place.run(stage) for stage in LIGHT}, tree(place.folder)) == told
    finally:
        one.end()


@pytest.mark.slow
def test_segment_and_inpaint_write_the_same_bytes(told, local, dask):
    """A network that knows nothing will do: what it answers is the same or not."""
    for name in ("data", "reports"):  # what the other place lacks if this test runs alone
        shutil.copytree(
            local.folder / name, dask.folder / name, dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("raw"),
        )  # fmt: skip
    local.python("-c", MODEL)
    shutil.copytree(local.folder / "data" / "model", dask.folder / "data" / "model")
    for place in (local, dask):
        (place.folder / "data" / "inpainter").mkdir()

    for stage in ("segment", "inpaint"):
        assert local.run(stage) == dask.run(stage)
    written = tree(local.folder)

    assert tree(dask.folder) == written
    assert sum(path.startswith("data/segments/") for path in written) == 40
    assert sum(path.startswith("data/filled/test/") for path in written) == 4


def test_other_weights_on_a_worker_are_refused(tmp_path):
    from pipeline import params
    from pipeline.errors import WeightsError
    from pipeline.segment import SegmentParams
    from stages.segment import Look, weights

    settings = params.load(SegmentParams, "segment")
    (tmp_path / "unet.weights.h5").write_bytes(b"one")
    folders = dict.fromkeys(("raw", "masks", "model"), tmp_path)
    names, digest = ["background", "person"], weights(settings, tmp_path)
    look = Look(settings=settings, labels=names, weights=digest, **folders)
    (tmp_path / "unet.weights.h5").write_bytes(b"another")

    with pytest.raises(WeightsError, match=r"holds other weights on a worker.*docs/cluster.md"):
        look([])
