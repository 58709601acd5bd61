"""Several processes that train one network together."""

import json
import socket

import msgspec
import numpy as np
import pandas as pd
import pytest
import training

from pipeline import workers
from pipeline.errors import TrainingError


def ports(count):
    """Free ports of this machine."""
    open_ = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [one.getsockname()[1] for one in open_]
    for one in open_:
        one.close()
    return found


def together(root, out, count):
    """Run the stage in ``count`` processes; return the line each says."""
    hosts = [f"127.0.0.1:{port}" for port in ports(count)]
    started = []
    for index in range(count):
        task = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
        where = out if index == 0 else f"{out}.{index}"
        started.append(training.start(root, where, TF_CONFIG=json.dumps(task)))
    try:
        return [training.finish(process) for process in started]
    finally:
        for process in started:
            process.kill()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One training alone and the same by two processes, of the report's network.

    It has no statistics of a batch and its loss is a mean over pixels, so that the mean of two
    halves is that of the whole.
    """
    root = tmp_path_factory.mktemp("workers")
    training.export(root, {"train": 7, "valid": 3})
    settings = msgspec.structs.replace(training.PLAIN, epochs=3)
    training.settle(root, training.REPORT, settings)
    said = [training.finish(training.start(root, "alone")), together(root, "both", 2)]
    return root, said


def test_two_processes_learn_what_one_learns(runs):
    root, _ = runs
    alone, both = (pd.read_csv(root / name / "history.csv") for name in ("alone", "both"))

    assert len(both) == 3
    pd.testing.assert_frame_equal(alone, both, rtol=2e-3, atol=2e-3)


def test_the_first_process_alone_writes(runs):
    root, (_, (first, second)) = runs

    assert "3 epochs" in first
    assert "process 1 of 2 is done" in second
    assert (root / "both/model/unet.weights.h5").is_file()
    assert not (root / "both.1").exists()


@pytest.mark.slow
def test_batch_statistics_and_running_means_are_shared(tmp_path):
    training.export(tmp_path, {"train": 7, "valid": 3})
    settings = msgspec.structs.replace(training.PLAIN, epochs=2, augment=training.MOVING)
    training.settle(tmp_path, training.SHAPE, settings)

    together(tmp_path, "both", 2)
    again = together(tmp_path, "again", 2)

    assert "2 epochs" in again[0]
    files = [training.digests(tmp_path / name) for name in ("both", "again")]
    assert files[0] == files[1]
    assert np.isfinite(pd.read_csv(tmp_path / "both/history.csv").to_numpy()).all()


def test_each_picture_of_a_batch_is_one_processes():
    batch = np.arange(7)
    parts = [workers.Team(3, rank).share(batch) for rank in range(3)]

    assert sorted(np.concatenate(parts).tolist()) == batch.tolist()
    assert max(map(len, parts)) - min(map(len, parts)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "{",
        json.dumps(
            {"cluster": {"ps": ["a:1"], "worker": ["b:1"]}, "task": {"type": "ps", "index": 0}}
        ),
        json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}),
        json.dumps({"cluster": {"worker": ["a:1", "b:1"]}}),
    ],
    ids=["no JSON", "another kind", "one too far", "no task"],
)
def test_a_cluster_that_is_none_of_workers_says_what_to_give(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)

    with pytest.raises(TrainingError, match=r'give \{"cluster".*or unset it'):
        workers.gather()


def test_one_worker_is_alone(monkeypatch):
    task = {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(task))

    assert workers.gather() == workers.ALONE
