"""A run beside an earlier one: the arithmetic, then git's and DVC's own history."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline import history, outcomes, since, store, tables
from pipeline.errors import ParamsError
from stages import since as stage

DRAWN = (400, 0.95, 0)
ROOT = Path(__file__).parents[1]
FILES = [Path(name) for name in ("valid", "metrics.json", "counts.csv", "since.csv")]
PARAMS = (
    "since: {{previous: {}, photos: 2}}\nevaluate: {{resamples: 50, confidence: 0.95, seed: 0}}\n"
)


def counts(split="test", **iou):
    """Counts of photos by name; 100 pixels in either mask."""
    return outcomes.COUNTS.frame(
        [
            {"split": split, "file_name": f"{name}.jpg", "label": 1, "tp": round(100 * value),
             "fp": 0, "fn": 100 - round(100 * value), "edge_shared": 0, "edge_either": 1}
            for name, value in iou.items()
        ]
    )  # fmt: skip


def test_metrics_are_set_side_by_side_and_one_that_is_new_has_no_change():
    rows = since.metrics(
        {"iou": {"mean": 0.5, "tag": {"far": 0.25}}, "gone": 1},
        {"iou": {"mean": 0.75}, "new": {"one": 2}, "restore": {"gain": {"clean": {"x": 3}}}},
    )
    told = [(row["what"], row["before"], row["after"], row["change"]) for row in rows]

    assert told == [
        ("gone", 1.0, None, None),
        ("iou.mean", 0.5, 0.75, 0.25),
        ("iou.tag.far", 0.25, None, None),
        ("new.one", None, 2.0, None),
    ]


def test_only_photos_of_both_runs_are_paired_whatever_version_their_names_tell():
    before = counts(**{"a_jpg.rf.01ab": 0.5, "b_jpg.rf.02cd": 0.5, "gone_jpg.rf.03": 0.1})
    after = counts(**{"a_jpg.rf.99": 0.7, "b_jpg.rf.98": 0.6, "new_jpg.rf.97": 1.0})
    (row,) = since.paired(before, after, *DRAWN)

    assert (row["split"], row["images"]) == ("test", 2)
    assert row["before"] == pytest.approx(0.5)
    assert row["change"] == pytest.approx((0.2 + 0.1) / 2)
    assert 0.0999 < row["low"] <= row["change"] <= row["high"] < 0.2001


def test_an_interval_is_near_that_of_the_normal_distribution():
    rng = np.random.default_rng(3)
    gains = rng.integers(-20, 30, 200) / 100
    before = counts(**{f"p{n:03}": 0.5 for n in range(200)})
    after = counts(**{f"p{n:03}": 0.5 + gain for n, gain in enumerate(gains)})
    (row,) = since.paired(before, after, 4000, 0.95, 1)
    half = 1.96 * gains.std() / np.sqrt(len(gains))

    assert row["low"] == pytest.approx(gains.mean() - half, abs=0.003)
    assert row["high"] == pytest.approx(gains.mean() + half, abs=0.003)


def test_the_photos_that_changed_most_are_listed_the_worst_first_and_none_that_did_not():
    before = counts(a=0.5, b=0.5, c=0.5, d=0.5, e=0.5)
    after = counts(a=0.9, b=0.5, c=0.1, d=0.4, e=0.6)

    assert [row["file_name"] for row in since.photos(before, after, 1)] == ["c.jpg", "a.jpg"]
    listed = [row["file_name"] for row in since.photos(before, after, 9)]
    assert listed == ["c.jpg", "d.jpg", "e.jpg", "a.jpg"]
    assert since.photos(before, counts("valid", a=1.0), 9) == []


def test_two_photos_of_one_name_are_not_mistaken_for_each_other():
    before = counts(**{"a.rf.1": 0.2, "a.rf.2": 0.8, "b": 0.5})
    (row,) = since.paired(before, counts(**{"a.rf.3": 0.9, "b": 0.6}), *DRAWN)

    assert row["images"] == 1


class Project:
    """A DVC project whose evaluation is a copy of what a test lays down."""

    def __init__(self, where, monkeypatch):
        self.where, self.above = where, 99
        where.mkdir()
        monkeypatch.chdir(where)
        (where / ".gitignore").write_text("given\n", "utf-8")
        (where / "params.yaml").write_text(PARAMS.format("null"), "utf-8")
        (where / "dvc.yaml").write_text(
            f"""
stages:
  made:
    cmd: cp -r given/valid given/metrics.json given/counts.csv .
    deps: [given]
    outs: [valid, counts.csv]
    metrics: [metrics.json: {{cache: false}}]
  since:
    cmd: PYTHONPATH={ROOT} {sys.executable} -m stages.since {" ".join(map(str, FILES))}
    deps: [valid, metrics.json, counts.csv]
    params: [since, evaluate]
    outs: [since.csv: {{cache: false}}]
""",
            "utf-8",
        )
        self("git", "init", "-q")
        self("dvc", "init", "-q")

    def __call__(self, *words):
        paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        names = {f"GIT_{role}_{what}": "x@y.z" for role in ("AUTHOR", "COMMITTER")
                 for what in ("NAME", "EMAIL")}  # fmt: skip
        calm = {"DVC_NO_ANALYTICS": "1", "PATH": paths}
        done = subprocess.run(
            words, cwd=self.where, env={**os.environ, **names, **calm},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def put(self, data, mean, **iou):
        given = self.where / "given"
        shutil.rmtree(given, ignore_errors=True)
        store.write_bytes(given / "valid" / "test.json", data.encode())
        store.write_json(given / "metrics.json", {"iou": {"mean": mean}})
        store.write_table(given / "counts.csv", counts(**iou), outcomes.COUNTS, self.above)
        self("dvc", "repro", "-q")

    def commit(self):
        self("git", "add", "-A")
        self("git", "commit", "-qm", "version")

    @property
    def lock(self):
        return hashlib.md5((self.where / "dvc.lock").read_bytes()).hexdigest()

    def told(self, what="iou.mean"):
        table = store.read_table(self.where / "since.csv", tables.SINCE)
        rows = table[table["what"] == what]
        return [(row.against, row.before, row.after) for row in rows.itertuples()]


@pytest.fixture
def project(tmp_path, monkeypatch):
    if shutil.which("dvc") is None and not (Path(sys.executable).parent / "dvc").exists():
        pytest.skip("dvc is not installed")
    return Project(tmp_path / "project", monkeypatch)


@pytest.mark.parametrize("large", [0, 99], ids=["parquet", "csv"])
def test_a_run_is_set_beside_the_last_and_the_last_on_other_data_before_and_after_its_commit(
    project, large
):
    project.above = large
    project.put("one", 0.5, a=0.5)
    assert Path("counts.csv").is_dir() == (large == 0)
    assert project.told() == []
    project.commit()
    project.above = 99
    project.put("two", 0.6, a=0.6)
    assert project.told() == [("data", 0.5, 0.6)]
    project.commit()
    project.above = large
    project.put("two", 0.7, a=0.9)
    assert project.told() == [("run", 0.6, 0.7), ("data", 0.5, 0.7)]
    assert project.told("iou.paired") == [("run", 0.6, 0.9), ("data", 0.5, 0.9)]

    lock = project.lock
    project("dvc", "repro", "-q", "-f", "-s", "since")
    assert project.lock == lock
    project.commit()
    project("dvc", "repro", "-q", "-f", "-s", "since")
    assert project.lock == lock

    shutil.rmtree(project.where / ".dvc/cache")  # as a clone has none
    project("dvc", "repro", "-q", "-f", "-s", "since")
    assert project.lock == lock


def test_an_experiment_or_tag_is_set_beside_by_its_name(project):
    project.put("one", 0.5, a=0.5)
    project.commit()
    project("git", "tag", "first")
    project.put("one", 0.6, a=0.7)
    project.commit()
    project("dvc", "exp", "save", "-n", "tried")
    for name in ("first", "tried"):
        (project.where / "params.yaml").write_text(PARAMS.format(name), "utf-8")
        stage.main(*FILES)
        assert project.told() == [("run", {"first": 0.5, "tried": 0.6}[name], 0.6)]

    (project.where / "params.yaml").write_text(PARAMS.format("nowhere"), "utf-8")
    with pytest.raises(ParamsError, match="'nowhere'"):
        stage.main(*FILES)


def test_the_hash_of_a_folder_is_dvcs(project):
    project.put("one", 0.5, a=0.5)
    for name in ("b/c.txt", "b.txt", "b/a.txt"):
        store.write_bytes(project.where / "valid" / name, name.encode())
    project("dvc", "commit", "-q", "-f", "made")
    lock = (project.where / "dvc.lock").read_text("utf-8")

    assert f"md5: {history.digest(Path('valid'))}" in lock


def test_the_commit_that_holds_an_output_is_named_and_none_before_it_is_committed(project):
    from stages import naming

    out = Path("counts.csv")
    project.put("one", 0.5, a=0.5)
    assert naming.holder(out) is None
    project.commit()
    first = project("git", "rev-parse", "HEAD").strip()
    project.put("two", 0.6, a=0.5)  # other data, the same counts
    project.commit()
    assert naming.holder(out) == first
    project.put("two", 0.6, a=0.6)
    assert naming.holder(out) is None
    project.commit()
    assert naming.holder(out) == project("git", "rev-parse", "HEAD").strip()
    # as the page says it
    digest = hashlib.md5(out.read_bytes()).hexdigest()
    listed = project("git", "log", "--format=%H", f"-S{digest}", "--", "dvc.lock").split()
    assert listed == [naming.holder(out)]


def test_without_git_there_is_no_earlier_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS.format("null"), "utf-8")
    store.write_bytes(Path("valid/test.json"), b"one")
    Path("metrics.json").write_text(json.dumps({"iou": {"mean": 1.0}}), "utf-8")
    store.write_table(Path("counts.csv"), counts(a=1.0), outcomes.COUNTS)

    assert stage.main(*FILES) == "no earlier run to set this one beside"
    assert len(store.read_table(Path("since.csv"), tables.SINCE)) == 0
