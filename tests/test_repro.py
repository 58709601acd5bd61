"""The whole pipeline, run by DVC on a tiny export in a repository of its own."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import repository
import safetensors.numpy
import yaml

from pipeline import store

ROOT = Path(__file__).parents[1]
TINY = {
    "compute": {"cache": ""},  # a forced run is to measure again
    "sample": {"images": 16, "size": 128},
    "unet": {"preset": "seed", "size": 32},
    "train": {"epochs": 2, "fresh_epochs": 2, "fresh_steps": 0},
    "train_inpaint": {"from": "none", "steps": 3, "crop": 64, "batch": 2},
    "inpaint": {"weights": "trained", "mask": "annotated"},  # two epochs find people everywhere
    "evaluate": {"resamples": 50},
}
ENVIRONMENT = {**os.environ, "DVC_NO_ANALYTICS": "1"}
ENVIRONMENT["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

pytestmark = pytest.mark.skipif(
    shutil.which("dvc", path=ENVIRONMENT["PATH"]) is None, reason="dvc is not installed"
)


def dvc(where, *words):
    done = subprocess.run(
        ["dvc", *words], cwd=where, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def ran(output):
    """Stages that DVC ran, in order."""
    return re.findall(r"Running stage '(\w+)'", output)


def edit(where, **sections):
    path = where / "params.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    for section, changed in sections.items():
        values[section] |= changed
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A fresh repository with our code, tiny parameters, and everything built once."""
    where = repository.fresh(tmp_path_factory.mktemp("project"))
    subprocess.run(["git", "init", "-q"], cwd=where, check=True)
    dvc(where, "init", "-q")
    dvc(where, "config", "core.analytics", "false")
    edit(where, **TINY)
    commit = ["-c", "user.name=test", "-c", "user.email=test@test", "commit", "-q", "-m", "start"]
    subprocess.run(["git", "add", "-A"], cwd=where, check=True)
    subprocess.run(["git", *commit], cwd=where, check=True)
    dvc(where, "repro")
    return where


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_second_run_does_nothing(project):
    assert ran(dvc(project, "repro")) == []


def test_every_test_image_is_masked_segmented_restored_and_scored(project):
    images = json.loads((project / "data/valid/test.json").read_text())["images"]
    stems = {image["stem"] for image in images}

    assert stems
    for folder in ("data/masks/test", "data/segments/test", "data/filled/test"):
        assert {path.stem for path in (project / folder).glob("*.png")} == stems
    assert {row["file_name"] for row in rows(project / "reports/counts.csv")} >= {
        image["file_name"] for image in images
    }


def test_the_metrics_hold_iou_restoration_and_audit(project):
    metrics = json.loads((project / "reports/metrics.json").read_text())

    assert 0 <= metrics["iou"]["mean"] <= 1
    assert set(metrics["iou"]["category"]) == {"person"}
    assert 0 < metrics["restore"]["clean"]["deepfill"]["ssim"] <= 1
    assert metrics["audit"]["images"] == TINY["sample"]["images"]
    assert 0 <= metrics["audit"]["f1"]["crowd"] <= 1


def test_every_image_and_the_five_problems_are_tabled(project):
    assert len(rows(project / "reports/images.csv")) == TINY["sample"]["images"]
    tags = [row["tag"] for row in rows(project / "reports/tags.csv")]
    assert tags[:5] == ["far", "crowd", "blurred_background", "scene_time", "occluded"]


def test_the_report_asks_nothing_of_a_network(project):
    class Links(HTMLParser):
        found = []

        def handle_starttag(self, tag, attributes):
            if tag != "a":
                self.found += [value for name, value in attributes if name in {"src", "href"}]

    page = (project / "reports/index.html").read_text(encoding="utf-8")
    Links().feed(page)

    assert not [link for link in Links.found if link and re.match(r"(https?:)?//", link)]
    for link in Links.found:
        if link and not link.startswith(("data:", "#")):
            assert (project / "reports" / link).is_file(), link


def test_every_photo_is_on_the_audit_page_which_the_report_leads_to(project):
    thumbs = {path.name for path in (project / "reports/audit/thumbs").glob("*.jpg")}
    page = (project / "reports/audit/index.html").read_text(encoding="utf-8")

    assert len(thumbs) == TINY["sample"]["images"]
    assert all(name.removesuffix(".jpg").split("-")[1] in page for name in thumbs)
    assert 'href="audit/index.html"' in (project / "reports/index.html").read_text("utf-8")


def test_every_example_of_the_report_leads_to_its_photo_in_the_gallery(project):
    gallery = (project / "reports/photos/index.html").read_text(encoding="utf-8")
    report = (project / "reports/index.html").read_text("utf-8")
    photos = re.findall(r'href="photos/index.html#photo=(\w+)-(\w+)"', report)
    bands = {path.stem for path in (project / "reports/photos/bands").glob("*.png")}

    assert '"id":"suspect_label"' in gallery
    assert len(photos) > 3
    assert all(f'"{name}"' in gallery for _, name in photos)
    assert {f"{split}-{name}" for split, name in photos} <= bands


def test_a_photo_is_restored_by_path_with_the_trained_model(project, tmp_path):
    photo = next((project / "data/raw/test").glob("*.jpg"))
    mask = project / "data/masks/test" / f"{photo.stem}.png"
    (tmp_path / "broken.jpg").write_bytes(b"no picture")

    def restore(*words):
        command = [sys.executable, "-c", "from stages.cli import main; main()", str(photo), *words]
        command += ["-o", str(tmp_path), "--save-mask"]
        return subprocess.run(command, cwd=project, env=ENVIRONMENT, capture_output=True, text=True)

    # Two epochs find people everywhere, so what is found is looked at and another mask removed.
    found = restore(str(tmp_path / "broken.jpg"))
    shape = store.read_image(photo).shape
    assert found.returncode == 1
    assert "broken.jpg is not a picture" in found.stderr
    assert store.read_mask(tmp_path / f"{photo.stem}.mask.png").shape == shape[:2]

    done = restore("--mask", str(mask))
    assert done.returncode == 0, done.stderr
    assert "1 of 1 photos restored" in done.stdout
    assert store.read_image(tmp_path / f"{photo.stem}.png").shape == shape


def test_a_tag_threshold_reruns_only_what_reads_tags(project):
    edit(project, tag={"far_below": 0.5})
    try:
        assert sorted(ran(dvc(project, "repro"))) == [
            "browse",
            "evaluate",
            "gallery",
            "report",
            "since",
            "tag",
        ]
    finally:
        edit(project, tag={"far_below": original(("tag", "far_below"))})
        dvc(project, "repro")


def test_excluding_a_tag_retrains_and_a_word_of_the_report_does_not(project):
    edit(project, train={"exclude": ["far"]}, report={"language": "vi"})
    planned = dvc(project, "repro", "--dry")
    edit(project, train={"exclude": []}, report={"language": "en"})

    assert "tag" in ran(planned)
    edit(project, report={"language": "vi"})
    assert ran(dvc(project, "repro", "--dry")) == ["browse", "gallery", "report"]
    edit(project, report={"language": "en"})


def test_a_forced_run_gives_the_same_bytes(project):
    before = (project / "dvc.lock").read_text()

    dvc(project, "repro", "-f")

    assert (project / "dvc.lock").read_text() == before


def test_first_weights_that_change_under_their_path_are_trained_from_anew(project):
    usual = {key: original(("unet", key)) for key in ("init", "init_file")} | TINY["unet"]
    first = project / "first.safetensors"
    tensors = safetensors.numpy.load_file(ROOT / usual["init_file"])
    safetensors.numpy.save_file(tensors, first)
    edit(project, unet={"preset": "default", "init": "file", "init_file": first.name})
    try:
        dvc(project, "repro", "train")
        assert ran(dvc(project, "repro", "train", "--dry")) == []

        tensors["half/bias"] += 1
        safetensors.numpy.save_file(tensors, first)
        assert ran(dvc(project, "repro", "train", "--dry")) == ["train"]
    finally:
        edit(project, unet=usual)
        dvc(project, "repro")


def original(keys):
    value = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for key in keys:
        value = value[key]
    return value
