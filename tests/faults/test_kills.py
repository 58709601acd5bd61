"""Every stage is killed at random moments, by `dvc repro`: the same bytes, and nothing left over.

`KILLS=200` is how many, spread evenly over the stages; `KILLS_SEED` draws other moments,
`KILLS_AT_ONCE` runs go on beside each other, `KILLS_LOG` names a file that gets a line for each.
"""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import killing
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("dvc", path=killing.PATH) is None, reason="no dvc"),
]
KILLS = int(os.environ.get("KILLS", "200"))
SEED = int(os.environ.get("KILLS_SEED", "0"))
AT_ONCE = int(os.environ.get("KILLS_AT_ONCE", "2"))
LOG = os.environ.get("KILLS_LOG")


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """The project as it is before each stage, and "the end"; and how long each stage takes."""
    base = tmp_path_factory.mktemp("kills")
    now = base / "now"
    killing.create(now)
    standing, times = {}, {}
    for stage in killing.STAGES:
        standing[stage] = killing.copied(now, base / f"before-{stage}")
        times[stage] = killing.timed(now, stage)
    return {**standing, "the end": now}, times


def test_a_run_from_nothing_ends_as_one_stage_after_the_other_does(before, tmp_path):
    where = tmp_path / "whole"
    killing.create(where)

    said, good = killing.finished(where)

    assert good, said
    found, expected = killing.state(where), killing.state(before[0]["the end"])
    assert not killing.differences(found, expected)


def test_whatever_is_killed_the_next_run_ends_in_the_same_bytes(before, tmp_path, capsys):
    standing, times = before
    after = dict(zip(killing.STAGES, [*killing.STAGES[1:], "the end"], strict=True))
    expected = {stage: killing.state(standing[after[stage]]) for stage in killing.STAGES}

    def one(number):
        stage = killing.STAGES[number % len(killing.STAGES)]
        where = tmp_path / f"killed{number}"
        turn = number // len(killing.STAGES)
        kill = killing.killed(
            standing[stage], where, stage, turn, SEED, times[stage], expected[stage]
        )
        if LOG:
            with Path(LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(kill._asdict()) + "\n")
        return kill

    with ThreadPoolExecutor(AT_ONCE) as pool:
        kills = list(pool.map(one, range(KILLS)))
    with capsys.disabled():
        print(f"\n{killing.table(kills)}")  # noqa: T201

    assert len(kills) == KILLS
    assert not [kill for kill in kills if kill.wrong]


def test_a_run_that_is_killed_again_and_again_ends_in_the_same_bytes(before, tmp_path):
    """From nothing, in one project, never left alone for longer than the longest stage takes."""
    standing, times = before
    where = killing.copied(standing["sample"], tmp_path / "again")
    longest = max(one.end for one in times.values())

    hits = killing.again_and_again(where, longest, SEED, most=max(KILLS // 5, 4))
    said, good = killing.finished(where)

    assert good, said
    assert hits >= 3
    assert not killing.left(where)
    found, expected = killing.state(where), killing.state(standing["the end"])
    assert not killing.differences(found, expected)
