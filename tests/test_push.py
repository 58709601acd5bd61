"""Tags are written to a fake Roboflow that the real SDK asks over real sockets."""

import copy
import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path

import exports
import msgspec
import pandas as pd
import pytest
from fake_roboflow import KEY, Knobs
from hypothesis import given
from hypothesis import strategies as st

from pipeline import outcomes, push, rules, store, tables
from pipeline.door import Patience
from pipeline.errors import ParamsError, PipelineError, PushError
from pipeline.push import Target

ROOT = Path(__file__).parents[1]
LAB = Target("lab", "people")
PATIENCE = Patience(attempts=3, stalled_after=5.0, finished_within=20.0)


@pytest.fixture
def knobs(server, monkeypatch):
    """A fake project of three pictures, one tagged by hand and by us."""
    monkeypatch.setattr(push, "POLL", 0.05)
    server.knobs = Knobs(
        pictures=[
            {"id": "aa", "name": "CTT 87.JPG", "tags": []},
            {"id": "bb", "name": "bridge.jpg", "tags": ["mine", "audit-far"]},
            {"id": "cc", "name": "clean.png", "tags": ["far"]},
        ]
    )
    return server.knobs


TAGS = {
    "CTT_87_JPG": {"audit-far", "audit-low-light"},
    "bridge_jpg": {"audit-crowd"},
    "clean.png": set(),
}


def pushed(tags=TAGS, key=KEY, to=LAB, dry=False, patience=PATIENCE):
    return push.push(tags, to, key, patience, dry=dry)


def tags_of(knobs):
    return {one["id"]: sorted(one["tags"]) for one in knobs.pictures}


def test_ours_are_added_and_taken_away_and_peoples_own_stay(knobs):
    done = pushed()

    assert (done.changed, done.same, done.failures) == (2, 1, [])
    assert tags_of(knobs) == {
        "aa": ["audit-far", "audit-low-light"],
        "bb": ["audit-crowd", "mine"],
        "cc": ["far"],
    }


def test_a_second_push_sends_nothing(knobs):
    pushed()
    sent = len(knobs.updates)

    done = pushed()

    assert (done.changed, done.same) == (0, 3)
    assert len(knobs.updates) == sent


def test_a_dry_run_counts_and_changes_nothing(knobs):
    before = copy.deepcopy(knobs.pictures)

    done = pushed(dry=True)

    assert (done.changed, done.same) == (2, 1)
    assert knobs.pictures == before
    assert knobs.updates == []


def test_a_name_that_no_image_or_more_than_one_has_is_a_line_and_the_rest_goes_on(knobs):
    knobs.pictures.append({"id": "dd", "name": "Bridge-JPG", "tags": []})

    done = pushed(TAGS | {"unknown_jpg": {"audit-far"}})

    assert done.changed == 1
    assert done.failures == [
        "bridge_jpg: 2 images of the project have this name",
        "unknown_jpg: no image has this name",
    ]


def test_an_image_that_roboflow_refuses_is_a_line(knobs):
    knobs.refused = {"aa": "Image not found"}

    done = pushed()

    assert done.changed == 1
    assert done.failures == ["CTT_87_JPG: Image not found"]


def test_a_project_of_many_pages_is_read_whole_and_written_in_parts(knobs, monkeypatch):
    monkeypatch.setattr(push, "PAGE", 7)
    monkeypatch.setattr(push, "BATCH", 5)
    knobs.pictures = [{"id": f"i{n:02}", "name": f"p{n}.jpg", "tags": []} for n in range(21)]

    done = pushed({f"p{n}_jpg": {"audit-far"} for n in range(21)})

    assert done.changed == 21
    assert [len(part) for part in knobs.updates] == [5, 5, 5, 5, 1]
    assert set(map(tuple, tags_of(knobs).values())) == {("audit-far",)}


def test_a_server_that_gives_the_same_page_for_ever_is_left(knobs, monkeypatch):
    monkeypatch.setattr(push, "PAGE", 3)
    knobs.forgetful = True

    assert pushed().changed == 2


def test_an_update_that_takes_its_time_is_waited_for(knobs):
    knobs.updating = 3

    assert pushed().changed == 2
    assert knobs.asked.count("task") == 4


def test_what_is_not_written_in_time_is_said(knobs):
    knobs.updating = 10**6

    with pytest.raises(PipelineError, match="2 updates are still being made"):
        pushed(patience=Patience(3, 5.0, 0.6))


@pytest.mark.parametrize("place", ["search", "update", "task"])
def test_a_server_that_stumbles_is_asked_again_a_bounded_number_of_times(knobs, place):
    knobs.faults = {place: [503, 429]}
    assert pushed().changed == 2

    knobs.faults = {place: [503] * 9}
    for one in knobs.pictures:
        one["tags"].clear()
    with pytest.raises(PipelineError, match="3 times in a row"):
        pushed()
    assert len(knobs.faults[place]) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "wR0ngKey"}, "refuses the key"),
        ({"key": ""}, "ROBOFLOW_API_KEY is not set"),
        ({"to": Target("lab", "cats")}, "no project 'cats'.*correct --project"),
        ({"to": Target("den", "people")}, "no workspace 'den'"),
    ],
    ids=["wrong key", "no key", "project", "workspace"],
)
def test_a_mistake_is_told_with_its_cure(knobs, change, message):
    with pytest.raises(PipelineError, match=message):
        pushed(**change)


def test_an_update_that_roboflow_gives_up_is_said_with_what_was_done(knobs, monkeypatch):
    monkeypatch.setattr(push, "BATCH", 1)
    knobs.outcome = "failed"

    with pytest.raises(PushError, match=r"gave up 1 updates \(failed\).*0 images were written"):
        pushed()


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("key", 401),
        ("project", 404),
        ("search", 401),
        ("search", 500),
        ("update", 400),
        ("update", 401),
        ("task", 404),
        ("task", 500),
    ],
)
def test_whatever_happens_the_key_is_not_shown(knobs, place, status, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    knobs.faults = {place: [status] * 20}

    with pytest.raises(PipelineError) as refused:
        pushed()

    told = "".join(traceback.format_exception(refused.value))
    assert KEY not in told + caplog.text + "".join(capfd.readouterr())
    assert "\n" not in str(refused.value)


def test_versions_of_one_picture_share_its_tags():
    frame = pd.DataFrame(
        {
            "file_name": ["a_jpg.rf.1.jpg", "a_jpg.rf.2.jpg", "plain.png"],
            "far": [True, False, False],
            "low_light": [False, True, False],
            "people": [1, 2, 3],
        }
    )

    assert push.wanted(frame) == {"a_jpg": {"audit-far", "audit-low-light"}, "plain.png": set()}


@given(
    st.dictionaries(st.sampled_from("abc"), st.sets(st.sampled_from(["audit-x", "audit-y"]))),
    st.dictionaries(st.sampled_from("abcd"), st.sets(st.sampled_from(["audit-x", "audit-z", "z"]))),
)
def test_a_plan_that_is_followed_leaves_what_was_wanted_and_what_was_not_ours(tags, project):
    images = [{"id": name, "name": name, "tags": sorted(has)} for name, has in project.items()]
    todo = push.plan(tags, images)

    after = {name: set(has) for name, has in project.items()}
    for update in todo.updates:
        after[update["imageId"]] -= set(update.get("removeTags", []))
        after[update["imageId"]] |= set(update.get("addTags", []))

    for name, has in after.items():
        others = {tag for tag in project[name] if not tag.startswith(push.PREFIX)}
        assert has == (others | tags[name] if name in tags else project[name])
    assert len(todo.failures) == len(set(tags) - set(project))


def test_what_a_push_knows_nothing_of_is_left_as_it_is():
    """An audit without a training does not say that no label is suspect."""
    frame = pd.DataFrame({"file_name": ["a"], **{tag: [False] for tag in rules.RULES}})
    images = [{"id": "a", "name": "a", "tags": ["audit-suspect-label", "audit-far", "mine"]}]

    ignorant = push.plan(push.wanted(frame), images, push.unknown(frame))
    known = frame.assign(suspect_label=False)
    told = push.plan(push.wanted(known), images, push.unknown(known))

    assert ignorant.updates == [{"imageId": "a", "removeTags": ["audit-far"]}]
    assert told.updates == [{"imageId": "a", "removeTags": ["audit-far", "audit-suspect-label"]}]


@pytest.mark.parametrize("text", ["people", "a/b/c", "", "lab/", "lab/pe ople", "../x"])
def test_what_is_no_project_is_refused(text):
    with pytest.raises(ParamsError, match="WORKSPACE/PROJECT"):
        push.target(text)


def test_a_project_is_named_as_in_its_address():
    assert push.target("lab/people/") == LAB


@pytest.fixture
def command(tmp_path, knobs, server):
    exports.write(tmp_path / "export", train=exports.content(3))
    everything = msgspec.yaml.decode((ROOT / "params.yaml").read_bytes())
    everything["compute"] |= {"workers": 1, "cache": ""}
    (tmp_path / "params.yaml").write_bytes(msgspec.yaml.encode(everything))
    knobs.pictures = [{"id": f"i{n}", "name": f"p{n}.jpg", "tags": []} for n in range(2)]

    def run(*words, key=KEY):
        environment = {**os.environ, "API_URL": server.url, "PYTHONPATH": str(ROOT)}
        environment |= {"ROBOFLOW_API_KEY": key, "HOME": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-c", "from stages.cli import main; main()", "push", *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True,
        )  # fmt: skip

    return run


def test_the_command_audits_an_export_pushes_its_tags_and_says_each_failure(command, knobs):
    dry = command("export", "--tags", "--project", "lab/people", "--dry-run")
    done = command("export", "--tags", "--project", "lab/people")

    assert "would be changed" in dry.stdout
    assert done.returncode == 1
    assert done.stderr.strip() == "segment-restore: p2_jpg: no image has this name"
    assert "2 images were changed, 0 have the right tags already, 1 failed" in done.stdout
    assert all(tag.startswith("audit-") for one in knobs.pictures for tag in one["tags"])
    assert all(one["tags"] for one in knobs.pictures)


@pytest.mark.parametrize("above", [0, 99], ids=["parquet", "csv"])
def test_after_training_the_run_pushes_suspect_labels_too(command, knobs, tmp_path, above):
    names = ["p0_jpg.rf.1.jpg", "p1_jpg.rf.1.jpg"]
    rows = [
        {"split": "train", "file_name": name, "width": 9, "height": 9, "place": ""}
        for name in names
    ]
    measured = tables.MEASURED.frame(rows).assign(far=[True, False])
    store.write_table(tmp_path / "reports/images.csv", measured, tables.MEASURED, above)
    doubt = {"annotation_id": None, "score": 0.9, "expected": 0.1, "excess": 0.8, "held_out": True,
             "area": 1.0, "left": 0, "top": 0, "right": 1, "bottom": 1}  # fmt: skip
    rows = [
        {"split": "train", "file_name": name, "kind": kind, "suspect": kind == "missing"} | doubt
        for name, kind in ((names[1], "missing"), *((name, "image") for name in names))
    ]
    suspects = outcomes.SUSPECTS.frame(rows)
    store.write_table(tmp_path / "reports/suspects.csv", suspects, outcomes.SUSPECTS, above)

    done = command("reports", "--tags", "--project", "lab/people")

    assert done.returncode == 0, done.stderr
    assert tags_of(knobs) == {"i0": ["audit-far"], "i1": ["audit-suspect-label"]}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["export", "--project", "lab/people"], "push what? --tags"),
        (["export", "--tags"], "--project WORKSPACE/PROJECT is missing"),
        (["nowhere", "--tags", "--project", "lab/people"], "nowhere does not exist"),
    ],
    ids=["nothing", "no project", "no export"],
)
def test_a_mistake_on_the_command_line_is_one_line(command, words, message):
    done = command(*words)

    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
