"""Weights by name, path and address, as the stages get them."""

import hashlib
from pathlib import Path

import checkpoints
import numpy as np
import pytest
import torch
import yaml
from test_download import Storage

from pipeline import inpaint, params
from pipeline.errors import WeightsError
from stages import weighing

ROOT = Path(__file__).parents[1]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder whose params.yaml keeps downloads in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipeline.door.BACK_OFF", 0.01)
    torch.set_num_threads(1)  # tests run beside each other
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["download"] |= {"folder": str(tmp_path / "kept"), "attempts": 2}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    return tmp_path


def settings(**changed):
    section = yaml.safe_load(Path("params.yaml").read_text())["inpaint"]
    return params.convert(inpaint.InpaintParams, section | changed, "test")


def saved(path, family="csqiangwen"):
    torch.save(checkpoints.random(family, width=8), path)
    return path.read_bytes()


def test_a_checkpoint_by_its_address_is_fetched_loaded_and_credited(project, capsys):
    content = saved(project / "w.pth")
    sha256 = hashlib.sha256(content).hexdigest()
    with Storage() as storage:
        storage.file = content
        chosen = settings(weights=storage.url, sha256=sha256)
        network = weighing.load(chosen, project / "none")
        weighing.load(chosen, project / "none")

    assert network.layout.inputs == (4, 4)
    assert storage.asked == ["/weights.pth"]
    assert [path.name for path in (project / "kept").iterdir() if len(path.name) == 64] == [sha256]
    assert "csqiangwen/DeepFillv2_Pytorch: MIT, (c) 2020 Qiang Wen" in capsys.readouterr().err


@pytest.mark.parametrize("family", ["nipponjo_pt", "nipponjo_tf", "zhaoyuzhi"])
def test_whoever_loads_weights_that_are_not_free_is_told(project, capsys, family):
    saved(project / "w.pth", family)

    weighing.load(settings(weights="w.pth"), project / "none")

    said = capsys.readouterr().err
    assert "not for commercial use" in said or "all rights are its author's" in said


def test_a_local_file_that_is_another_than_its_checksum_is_refused(project):
    saved(project / "w.pth")

    with pytest.raises(WeightsError, match="is not the file that sha256 names"):
        weighing.load(settings(weights="w.pth", sha256="0" * 64), project / "none")


def test_bfloat16_paints_nearly_the_same(project):
    saved(project / "w.pth", "nipponjo_pt")
    network = weighing.load(settings(weights="w.pth"), project / "none")
    image = np.random.default_rng(0).integers(0, 256, (64, 80, 3)).astype(np.uint8)
    hole = np.zeros((64, 80), bool)
    hole[20:44, 30:50] = True

    full, short = (
        inpaint.fill(network, image, hole, settings(precision=precision))
        for precision in ("float32", "bfloat16")
    )

    off = np.abs(full.astype(int) - short)[hole]
    assert 0 < off.mean() < 3
    assert not (full != image)[~hole].any()
