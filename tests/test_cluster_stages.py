"""Stages write the same bytes on a Dask cluster as on this machine alone."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml
from test_clean import clean_set
from test_cluster import Started

ROOT = Path(__file__).parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
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


def python(where, *words):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *words], cwd=where, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(stage, where):
    """Run a stage as DVC does; return the line it says."""
    filled = {"${tag.truth}": "data/truth"}
    words = [filled.get(word, word) for word in STAGES[stage]["cmd"].split()[3:]]
    return python(where, "-m", f"stages.{stage}", *words)


def tree(where):
    """Digest of every file a stage wrote, by its path."""
    files = [*where.glob("data/**/*"), *where.glob("reports/**/*")]
    return {
        path.relative_to(where).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if path.is_file()
    }


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A folder to run in on this machine and one to run in on a cluster, and the cluster."""
    root = tmp_path_factory.mktemp("stages")
    clean_set(root / "export", 40)
    one = Started(root)
    folders = {}
    for name, compute in (("local", {"workers": 2}), ("dask", msgspec.to_builtins(one.compute()))):
        folders[name] = root / name
        (root / name / "data").mkdir(parents=True)
        (root / name / "data" / "raw").symlink_to(root / "export")
        (root / name / "data" / "truth").mkdir()
        sections = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        sections["compute"] |= compute | {"cache": str(root / name / "cache")}
        sections["inpaint"] |= {"hole_side": 32, "margin_least": 16, "mask": "union", "threads": 1}
        sections["segment"] |= {"threads": 1}
        (root / name / "params.yaml").write_text(yaml.safe_dump(sections, allow_unicode=True))
    yield folders
    one.end()


def compared(places, *stages):
    for stage in stages:
        said = {name: run(stage, where) for name, where in places.items()}
        assert said["local"] == said["dask"]
    local, dask = (tree(where) for where in places.values())
    assert local == dask
    return local


def test_validate_rasterise_and_tag_write_the_same_bytes(places):
    written = compared(places, "validate", "rasterise", "tag")

    assert sum(path.startswith("data/masks/") for path in written) == 40
    assert "reports/images.csv" in written


@pytest.mark.slow
def test_segment_and_inpaint_write_the_same_bytes(places):
    """A network that knows nothing will do: what it answers is the same or not."""
    for stage in ("validate", "rasterise"):
        run(stage, places["local"])
    for name in ("valid", "masks"):  # what the other place lacks if this test runs alone
        part = places["dask"] / "data" / name
        shutil.copytree(places["local"] / "data" / name, part, dirs_exist_ok=True)
    shutil.copytree(places["local"] / "reports", places["dask"] / "reports", dirs_exist_ok=True)
    python(places["local"], "-c", MODEL)
    shutil.copytree(places["local"] / "data" / "model", places["dask"] / "data" / "model")
    for where in places.values():
        (where / "data" / "inpainter").mkdir()

    written = compared(places, "segment", "inpaint")

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
