import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
import yaml

from pipeline import coco, params, store, tables, train_inpaint
from pipeline.deepfill import weights
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.layout import Layout
from pipeline.deepfill.trainer import pace
from pipeline.errors import ParamsError, TrainingError, WeightsError
from pipeline.train_inpaint import HISTORY, Examples, Trainer, TrainInpaintParams
from stages import inpaint as inpaint_stage
from stages import train_inpaint as train_stage

VALUES = {
    "from": "none",
    "seed": 0,
    "threads": 1,
    "crop": 32,
    "crops_per_image": 4,
    "batch": 4,
    "steps": 6,
    "warmup": 0.2,
    "learning_rate": 0.003,
    "critic_learning_rate": 0.001,
    "critic_width": 4,
    "critic_from": 0.5,
    "deceit_weight": 0.01,
    "coarse_weight": 0.5,
    "known_weight": 0.1,
    "brush_share": 0.5,
    "smallest_hole": 0.3,
    "largest_hole": 0.6,
    "smallest_outline": 8,
    "average": 0.9,
    "report_every": 4,
    "sheet_every": 0,
    "checks": 8,
}
ROOT = Path(__file__).parents[1]
PERSON = np.ones((20, 8), bool)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)  # tests run beside each other
    torch.manual_seed(0)


def settings_of(**changed):
    return params.convert(TrainInpaintParams, VALUES | changed, "test")


def striped(count=6, side=32):
    ramp = np.arange(count * side * side * 3).reshape(count, side, side, 3) * 7
    return (ramp // 5 % 256).astype(np.uint8)


def trained(settings, seed=0):
    torch.manual_seed(seed)
    trainer = Trainer(Generator(Layout(width=4, fill="smooth")), settings)
    examples = Examples(striped(), [PERSON], settings, seed)
    rows = list(train_inpaint.fit(trainer, examples, train_inpaint.checks(striped(), [], settings)))
    return trainer, rows


def test_crops_hold_no_object():
    image = np.full((90, 120, 3), 40, np.uint8)
    mask = np.zeros((90, 120), np.uint8)
    mask[30:60, 50:70] = 2
    image[mask > 0] = 255

    crops = train_inpaint.bare_crops(image, mask, settings_of(), np.random.default_rng(0))

    assert crops.shape == (4, 32, 32, 3)
    assert (crops == 40).all()


def test_an_image_full_of_objects_gives_no_crop():
    image, mask = np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), np.uint8)

    crops = train_inpaint.bare_crops(image, mask, settings_of(), np.random.default_rng(0))

    assert crops.shape == (0, 32, 32, 3)


def test_nothing_to_learn_from_says_what_to_change():
    with pytest.raises(TrainingError, match=r"lower train_inpaint\.crop"):
        Examples(striped(0), [], settings_of(), 0)


def test_batches_are_pictures_and_binary_holes_and_repeat_by_seed():
    settings = settings_of()
    pictures, cut = Examples(striped(), [PERSON], settings, 1).batch(5)

    assert pictures.shape == (5, 3, 32, 32)
    assert pictures.min() >= -1
    assert pictures.max() <= 1
    assert set(cut.unique().tolist()) == {0.0, 1.0}
    again = Examples(striped(), [PERSON], settings, 1).batch(5)
    assert torch.equal(pictures, again[0])
    assert torch.equal(cut, again[1])


def test_without_outlines_every_hole_is_brushed():
    _, cut = Examples(striped(), [], settings_of(brush_share=0.0), 1).batch(3)

    assert cut.flatten(1).any(1).all()


def test_the_learning_rate_rises_then_falls_to_nearly_nothing():
    rates = [pace(number, 100, 0.1) for number in range(100)]

    assert rates.index(max(rates)) == 10
    assert all(np.diff(rates[:11]) > 0)
    assert all(np.diff(rates[10:]) < 0)
    assert max(rates) == 1
    assert rates[-1] < 0.001


def test_steps_on_one_batch_lower_its_loss():
    settings = settings_of(steps=30, critic_from=1.0)
    trainer = Trainer(Generator(Layout(width=8, fill="smooth")), settings)
    batch = Examples(striped(), [PERSON], settings, 0).batch(2)

    losses = [trainer.step(number, *batch)["l1"] for number in range(15)]

    assert losses[-1] < 0.9 * losses[0]


def test_the_critic_learns_to_tell_paintings_once_it_has_entered():
    settings = settings_of(steps=24, critic_from=0.25, learning_rate=1e-9)
    trainer = Trainer(Generator(Layout(width=4)), settings)
    batch = Examples(striped(), [PERSON], settings, 0).batch(2)
    before = [parameter.clone() for parameter in trainer.critic.parameters()]

    rows = [trainer.step(number, *batch) for number in range(6)]

    assert all(row["deceit"] == 0 for row in rows)
    assert all(map(torch.equal, before, trainer.critic.parameters()))
    rows = [trainer.step(number, *batch) for number in range(6, 24)]
    assert rows[-1]["critic"] < rows[0]["critic"] - 0.1


def test_deceit_moves_the_generator():
    ends = []
    for weight in (0.0, 1.0):
        settings = settings_of(critic_from=0.0, deceit_weight=weight)
        torch.manual_seed(0)
        trainer = Trainer(Generator(Layout(width=4)), settings)
        trainer.step(0, *Examples(striped(), [PERSON], settings, 0).batch(2))
        ends.append(trainer.generator.stage2.conv_to_rgb.conv.weight.detach().clone())

    assert not torch.equal(*ends)


def test_two_trainings_give_the_same_bytes_and_another_seed_others(tmp_path):
    files = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        trainer, _ = trained(settings_of(), seed)
        weights.save(trainer.averaged, tmp_path / name)
        files.append((tmp_path / name / weights.FILE).read_bytes())

    assert files[0] == files[1]
    assert files[0] != files[2]


def test_the_history_has_a_row_for_each_stretch_and_the_last_step():
    _, rows = trained(settings_of())

    table = HISTORY.frame(rows)
    assert table["step"].tolist() == [4, 6]
    assert np.isfinite(table.to_numpy()).all()


def test_a_diverging_training_is_stopped():
    with pytest.raises(TrainingError, match=r"lower train_inpaint\.learning_rate"):
        trained(settings_of(learning_rate=1e30, warmup=0.0))


def test_without_checks_there_is_no_score():
    assert train_inpaint.checks(striped(0), [], settings_of()) == []
    assert np.isnan(train_inpaint.hole_l1(Generator(Layout(width=4)), []))


def test_the_mean_colour_of_a_flat_picture_is_right():
    flat = np.full((2, 32, 32, 3), 90, np.uint8)

    score = train_inpaint.mean_colour_l1(train_inpaint.checks(flat, [PERSON], settings_of()))

    assert score == pytest.approx(0, abs=1e-6)


@pytest.fixture
def export(tmp_path, monkeypatch):
    """Write a tiny checked dataset and its parameters, and work in its folder."""
    rng = np.random.default_rng(0)
    rows = []
    for split in tables.SPLITS:
        for image_id in (1, 2):
            stem = f"{split}{image_id}"
            image = cv2_blurred(rng.integers(0, 256, (72, 90, 3)).astype(np.uint8))
            mask = np.zeros((72, 90), np.uint8)
            mask[20:50, 60:72] = 1
            store.write_image(tmp_path / "raw" / split / f"{stem}.png", image)
            for folder in ("masks", "segments"):
                store.write_mask(tmp_path / folder / split / f"{stem}.png", mask)
            rows.append(
                {
                    "split": split,
                    "image_id": image_id,
                    "file_name": f"{stem}.png",
                    "path": f"{split}/{stem}.png",
                    "stem": stem,
                    "width": 90,
                    "height": 72,
                    "source": stem,
                    "export_split": split,
                    "export_id": image_id,
                }
            )
    person = {"category_id": 1, "name": "person", "supercategory": "none"}
    dataset = tables.Dataset(
        tables.IMAGES.frame(rows), tables.ANNOTATIONS.empty(), tables.CATEGORIES.frame([person])
    )
    coco.save(tmp_path / "valid", dataset)
    sections = {
        "deepfill": {"width": 4, "fill": "smooth", "fuse": True, "edges": False},
        "train_inpaint": VALUES,
        "inpaint": {
            "weights": "trained",
            "sha256": None,
            "precision": "float32",
            "baselines": {"partial": None, "deepfill1": None, "lama": None},
            "mask": "union",
            "remove": [],
            "grow": 0.02,
            "grow_least": 2,
            "shadow": True,
            "shadow_reach": 0.6,
            "feather": 1,
            "grain": 0.0,
            "margin": 0.5,
            "margin_least": 0,
            "hole_side": 32,
            "merge_side": 64,
            "batch": 2,
            "threads": 1,
            "seed": 0,
            "transplant_least": 8,
        },
        "compute": {"backend": "local", "workers": 1, "scheduler": None},
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(sections))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cv2_blurred(image):
    import cv2

    return cv2.GaussianBlur(image, (0, 0), 4)


def files_below(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_the_stages_train_and_restore_the_same_bytes_twice(export):
    summaries = []
    for run in ("one", "two"):
        out = export / run
        trained_line = train_stage.main(
            *(Path(name) for name in ("raw", "valid", "masks")),
            out / "inpainter",
            out / "history.csv",
            out / "live",
        )
        filled_line = inpaint_stage.main(
            *(Path(name) for name in ("raw", "valid", "masks", "segments")),
            out / "inpainter",
            out / "filled",
            out / "transplanted",
        )
        summaries.append((trained_line, filled_line))
    first, second = files_below(export / "one"), files_below(export / "two")

    assert first == second
    assert summaries[0] == summaries[1]
    assert "mean colour" in summaries[0][1]
    names = {str(path) for path in first}
    for stem in ("test1", "test2"):
        for folder in ("filled/test", "filled/holes", "transplanted/test", "transplanted/holes"):
            assert f"{folder}/{stem}.png" in names
        image = store.read_image(export / "raw" / "test" / f"{stem}.png")
        for kind in ("filled", "transplanted"):
            hole = store.read_mask(export / "one" / kind / "holes" / f"{stem}.png") > 0
            painted = store.read_image(export / "one" / kind / "test" / f"{stem}.png")
            assert hole.any()
            np.testing.assert_array_equal(painted[~hole], image[~hole])


def train(run):
    return train_stage.main(
        *(Path(name) for name in ("raw", "valid", "masks")),
        run / "inpainter",
        run / "history.csv",
        run / "live",
    )


def change(where, **values):
    path = where / "params.yaml"
    sections = yaml.safe_load(path.read_text())
    for section, changed in values.items():
        sections[section] |= changed
    path.write_text(yaml.safe_dump(sections))


def test_without_steps_the_starting_weights_are_passed_on_and_nothing_is_learnt(export):
    start = Generator(Layout(width=8, fill="smooth"))
    weights.save(start, export / "mine")
    change(export, train_inpaint={"from": "mine", "steps": 0})

    line = train(export / "out")

    assert line == "the mine weights, width 8, as they are"
    passed = weights.load(export / "out/inpainter")
    assert all(map(torch.equal, passed.state_dict().values(), start.state_dict().values()))
    assert store.read_table(export / "out/history.csv", HISTORY).empty
    assert not any((export / "out/live").iterdir())


def test_given_weights_are_finetuned_at_their_own_width(export):
    start = Generator(Layout(width=8, fill="smooth"))
    weights.save(start, export / "mine")
    change(export, train_inpaint={"from": "mine", "steps": 2})

    line = train(export / "out")

    assert line.startswith("width 8, 2 steps from mine on ")
    tuned = weights.load(export / "out/inpainter")
    assert tuned.layout == start.layout
    moved = [
        not torch.equal(a, b)
        for a, b in zip(tuned.state_dict().values(), start.state_dict().values(), strict=True)
    ]
    assert sum(moved) > 0.9 * len(moved)
    assert len(store.read_table(export / "out/history.csv", HISTORY)) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.deepfill import trainer
from stages import train_inpaint
step, last = trainer.Trainer.step, int(sys.argv[1])
def until_killed(self, number, *batch):
    if number == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, number, *batch)
trainer.Trainer.step = until_killed
names = ("raw", "valid", "masks", "out/inpainter", "out/history.csv", "out/live")
train_inpaint.main(*map(Path, names))
"""


def test_a_killed_training_goes_on_where_it_was_and_ends_in_the_same_bytes(export, monkeypatch):
    change(export, train_inpaint={"steps": 7, "report_every": 2, "sheet_every": 2})
    line = train(export / "whole")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    killed = subprocess.run([sys.executable, "-c", KILLED, "5"], env=environment)

    assert killed.returncode == -signal.SIGKILL
    assert not (export / "out/inpainter").exists()
    shutil.rmtree(export / "out/live")  # as DVC does with outputs before it runs a stage
    taken, step = [], Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda *a: taken.append(a[1]) or step(*a))
    assert train(export / "out") == line
    assert taken == [4, 5, 6]
    assert files_below(export / "out") == files_below(export / "whole")
    sheets = sorted(path.name for path in (export / "out/live/sheets").iterdir())
    assert sheets == ["0000002.png", "0000004.png", "0000006.png"]


def test_another_parameter_begins_anew(export, monkeypatch):
    """What is kept is of one training; changed parameters, weights or data are another."""
    change(export, train_inpaint={"steps": 4, "report_every": 2})
    monkeypatch.setattr("pipeline.deepfill.checkpoint.forget", lambda output: None)
    train(export / "out")
    change(export, train_inpaint={"steps": 4, "report_every": 2, "batch": 3})
    taken, step = [], Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda *a: taken.append(a[1]) or step(*a))

    train(export / "out")

    assert taken == [0, 1, 2, 3]
    assert len(list(export.glob("out/.inpainter.*.part"))) == 2


def test_a_sheet_shows_the_hole_the_painting_and_the_truth():
    settings = settings_of()
    checks = train_inpaint.checks(striped(), [PERSON], settings)

    drawn = train_inpaint.sheet(Generator(Layout(width=4)), checks)

    assert drawn.shape == (6 * 32, 3 * 32, 3)
    masked, painted, truth = np.split(drawn, 3, axis=1)
    cut = np.concatenate([hole[0].numpy() > 0 for _, cuts in checks for hole in cuts])
    assert (np.abs(masked[cut].astype(int) - 128) <= 1).all()
    np.testing.assert_array_equal(painted[~cut], truth[~cut])
    assert (painted[cut] != truth[cut]).any()


def test_learning_nothing_from_nothing_is_refused(export):
    change(export, train_inpaint={"from": "none", "steps": 0})

    with pytest.raises(ParamsError, match="start from embedded, or give it steps"):
        train(export / "out")


def test_an_installation_without_the_embedded_weights_says_what_to_do(export, monkeypatch):
    monkeypatch.setattr(weights, "EMBEDDED", export / "gone.safetensors")
    change(export, train_inpaint={"from": "embedded", "steps": 0})

    with pytest.raises(WeightsError, match="lacks the embedded weights, .*gone.safetensors"):
        train(export / "out")


def test_every_parameter_is_needed():
    for name in VALUES:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({k: v for k, v in VALUES.items() if k != name}, TrainInpaintParams)
