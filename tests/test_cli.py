"""The command line, run as a person runs it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline import coco, store, tables
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
    for command in (
        "restore", "serve", "segment", "audit", "export", "export-model", "prelabel", "results",
    ):  # fmt: skip
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


def trained(root):
    """Write a tiny untrained network and one test photo with its mask, where a run has them."""
    code = (
        "import sys, stages\nfrom pathlib import Path\nfrom pipeline import unet\n"
        "shape = unet.UnetParams(preset='default', init='none', size=32)\n"
        "card = unet.card(shape, ['background', 'person'], 0.5)\n"
        "unet.save(Path(sys.argv[1]), unet.build(shape, 1), card)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(root / "data/model")], cwd=ROOT, check=True)


def a_dataset():
    """One test picture of 20 x 30, without annotations."""
    image = {
        "split": "test", "image_id": 1, "file_name": "a.png", "path": "test/a.png", "stem": "a",
        "width": 30, "height": 20, "source": "a", "export_split": "test", "export_id": 1,
    }  # fmt: skip
    category = {"category_id": 1, "name": "person", "supercategory": ""}
    return tables.Dataset(
        tables.IMAGES.frame([image]),
        tables.ANNOTATIONS.empty(),
        tables.CATEGORIES.frame([category]),
    )


def test_the_trained_network_is_exported_and_its_loss_measured(tmp_path):
    trained(tmp_path)
    coco.save(tmp_path / "data/valid", a_dataset())
    photo(tmp_path / "data/raw/test/a.png")
    store.write_mask(tmp_path / "data/masks/test/a.png", np.eye(20, 30, dtype=np.uint8))

    small = ["-o", "small.tflite", "--format", "tflite-int8"]
    done = run("export-model", "data/model", *small, cwd=tmp_path)
    other = run("export-model", "data/model", "--check", "nowhere", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "small.tflite (tflite-int8, 3." in done.stdout
    assert "on 1 test images" in done.stdout
    assert (tmp_path / "small.json").is_file()
    assert other.returncode == 0, other.stderr
    assert "model1.h5 (h5, 15.3 MB)" in other.stdout
    assert "IoU not measured" in other.stdout


def test_a_folder_of_photos_becomes_a_folder_of_masks(tmp_path):
    trained(tmp_path)
    for name in ("b", "a"):
        photo(tmp_path / f"photos/{name}.png")
    (tmp_path / "photos/c.jpg").write_bytes(b"no picture")

    done = run("segment", "photos", "-o", "masks", cwd=tmp_path)

    assert done.returncode == 1
    assert "c.jpg is not a picture" in done.stderr
    assert "2 of 3 photos segmented into masks" in done.stdout
    masks = sorted((tmp_path / "masks").iterdir())
    assert [path.name for path in masks] == ["a.png", "b.png"]
    assert {store.read_mask(path).shape for path in masks} == {(20, 30)}


def test_patterns_are_expanded_and_what_matches_nothing_is_missing(tmp_path):
    for name in ("2.jpg", "1.jpg", "3.txt"):
        photo(tmp_path / "x.png").rename(tmp_path / name)

    found, missing = restoring.find([tmp_path / "*", tmp_path / "*.bmp", tmp_path / "no.jpg"])

    assert [path.name for path in found] == ["1.jpg", "2.jpg"]
    assert [path.name for path in missing] == ["*.bmp", "no.jpg"]
