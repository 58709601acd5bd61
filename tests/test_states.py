"""A training that was killed goes on where it was; the state of another one is passed over."""

import signal
import time

import msgspec
import numpy as np
import pytest
import training

from pipeline import recipes, states, store, train, unet
from pipeline.states import Kept

unet.prepare(seed=0, threads=2)  # the first in a process decides the threads


def arrays():
    rng = np.random.default_rng(0)
    return {
        "rows": np.array([[1, np.nan], [2, 0.1]]),
        "0": rng.random((3, 2), np.float32),
        "1": np.asarray(np.int64(7)),
        "2": np.zeros((0, 4), np.float32),
    }


def test_what_was_kept_is_recalled_bit_by_bit(tmp_path):
    kept = Kept(tmp_path / "state", "a")

    kept.keep(arrays())
    again = kept.recall()

    assert again.keys() == arrays().keys()
    for name, array in arrays().items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


def test_nothing_is_recalled_before_and_after_and_of_another_training(tmp_path):
    kept = Kept(tmp_path / "state", "a")

    assert kept.recall() is None
    kept.keep(arrays())
    assert Kept(tmp_path / "state", "b").recall() is None
    kept.forget()
    kept.forget()
    assert kept.recall() is None
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_state_is_as_good_as_none(tmp_path):
    kept = Kept(tmp_path / "state", "a")
    kept.keep(arrays())
    path = tmp_path / "state" / states.FILE
    path.write_bytes(path.read_bytes()[:-3])

    assert kept.recall() is None


def digest(change=lambda learned, held, network: None, **params):
    """Of a training with one thing changed."""
    learned, held = training.squares(3), training.squares(2)
    network = unet.build(training.SHAPE, 1)
    for one in network.weights:
        one.assign(np.full(one.shape, 0.5))
    change(learned, held, network)
    about = unet.card(training.SHAPE, ["background", "person"], None)
    settings = msgspec.structs.replace(training.PLAIN, **params)
    return train.Trainer(network, about, settings).digest(learned, held)


@pytest.mark.parametrize(
    "change",
    [
        lambda learned, held, network: learned.images.__setitem__((0, 0, 0, 0), 9),
        lambda learned, held, network: learned.masks.__setitem__((-1, -1, -1), 9),
        lambda learned, held, network: held.images.__setitem__((0, 0, 0, 0), 9),
        lambda learned, held, network: network.weights[-1].assign([0.25]),
    ],
    ids=["photo", "mask", "valid photo", "first weights"],
)
def test_whatever_decides_about_the_result_is_in_the_digest(change):
    assert digest() == digest()
    assert digest(change) != digest()
    assert digest(warmup=0.1) != digest()


def test_code_is_in_the_digest(monkeypatch, tmp_path):
    before = states.digest([b"a"])
    edited = tmp_path / "recipes.py"
    edited.write_bytes(b"# other code")
    monkeypatch.setattr(recipes, "__file__", str(edited))

    assert states.digest([b"a"]) != before


def rows_done(root):
    """How many epochs the state on the disk holds."""
    for path in root.glob(f"out/.model.state/{states.FILE}"):
        try:
            with states.safetensors.safe_open(path, framework="numpy") as file:
                return len(file.get_tensor("rows"))
        except OSError:
            pass
    return 0


def test_a_killed_training_goes_on_to_the_same_bytes(tmp_path):
    """SIGKILL twice, at any moment after the first and the third epoch; DVC removes the outputs."""
    training.export(tmp_path, {"train": 5, "valid": 2})
    settings = msgspec.structs.replace(
        training.PLAIN, epochs=5, augment=training.MOVING, small_share=0.5
    )
    training.settle(tmp_path, training.SHAPE, settings)
    whole = training.finish(training.start(tmp_path, "whole"))

    for epochs in (1, 3):
        process = training.start(tmp_path, "out")
        while process.poll() is None and rows_done(tmp_path) < epochs:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "out/model").exists()
        assert epochs <= rows_done(tmp_path) < 5, "killed too late to show anything"
    training.finish(training.start(tmp_path, "out"))

    assert training.digests(tmp_path / "out") == training.digests(tmp_path / "whole")
    assert "5 epochs" in whole
    assert not list(tmp_path.glob("out/.*"))


def test_the_epochs_that_are_done_are_not_done_again(tmp_path):
    """The state says that an epoch was done, in numbers that training would not find."""
    about = unet.card(training.SHAPE, ["background", "person"], None)
    settings = msgspec.structs.replace(training.PLAIN, epochs=2)
    kept = Kept(tmp_path / "state", "a")
    learned, held = training.squares(4), training.squares(2)

    first = train.Trainer(unet.build(training.SHAPE, 1), about, settings)
    next(first.fit(learned, held, kept))
    state = kept.recall()
    state["rows"][0, 3:] = 0.125
    kept.keep(state)
    second = train.Trainer(unet.build(training.SHAPE, 1), about, settings)
    rows = list(second.fit(learned, held, kept))

    assert rows[0]["loss"] == rows[0]["val_iou"] == 0.125
    assert rows[0]["epoch"] == 1
    assert rows[1]["epoch"] == 2
    assert rows[1]["loss"] != 0.125


def test_a_stray_state_does_not_hinder(tmp_path):
    store.write_bytes(tmp_path / "state" / states.FILE, b"no state")

    assert Kept(tmp_path / "state", "a").recall() is None
