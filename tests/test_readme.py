"""README says what the code does: its tables are compared with the files themselves."""

import re
from pathlib import Path

import pytest
import yaml

from pipeline import checks, outcomes, tables

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLES = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def _rows(first, text=README):
    """Cells of the Markdown table whose first heading is ``first``."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} "))
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


def _code(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_the_table_of_stages_is_that_of_dvc():
    told = [
        (_code(name)[0], set(_code(reads)), set(_code(writes)), set(_code(params)))
        for name, reads, writes, params, _ in _rows("Stage")
    ]
    outs = {
        name: {item if isinstance(item, str) else next(iter(item)) for item in stage["outs"]}
        | {next(iter(item)) for item in stage.get("metrics", [])}
        for name, stage in STAGES.items()
    }

    assert told == [
        (
            name,
            {dep for dep in stage["deps"] if not dep.startswith(("pipeline/", "stages/"))},
            outs[name],
            set(stage.get("params", [])),
        )
        for name, stage in STAGES.items()
    ]


def test_each_stage_names_the_module_that_does_it():
    for name, *_, module in _rows("Stage"):
        (file,) = _code(module)
        assert (ROOT / file).exists(), name
        assert Path(file).name.removesuffix(".py") == _code(name)[0]


def test_every_section_of_the_parameters_is_mentioned():
    for section in PARAMS:
        assert f"`{section}`" in README, section


SCHEMAS = {
    "leaks.csv": checks.LEAKS,
    "resplit.csv": checks.RESPLIT,
    "issues.csv": tables.ISSUES,
    "images.csv": tables.MEASURED,
    "tags.csv": tables.TAGS,
    "changes.csv": tables.CHANGES,
    "tag_accuracy.csv": tables.TAG_ACCURACY,
    "counts.csv": outcomes.COUNTS,
    "iou.csv": outcomes.IOU,
    "scores.csv": outcomes.SCORES,
    "confusion.csv": outcomes.CONFUSION,
    "calibration.csv": outcomes.CALIBRATION,
    "worst.csv": outcomes.WORST,
    "rivals.csv": outcomes.RIVALS,
    "ranking.csv": outcomes.PRELABEL,
    "learning_curve.csv": outcomes.LEARNING,
    "restored.csv": outcomes.RESTORED,
    "costs.csv": outcomes.COSTS,
    "suspects.csv": outcomes.SUSPECTS,
    "perceived.csv": outcomes.PERCEIVED,
    "restoration.csv": outcomes.RESTORATION,
    "remains.csv": outcomes.REMAINS,
    "since.csv": tables.SINCE,
    "history.csv": outcomes.HISTORY,
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_column_of_a_table_is_listed_in_order(name):
    (cells,) = [cells for cells in _rows("Table", TABLES) if name in cells[0]]

    assert _code(cells[1])[: len(SCHEMAS[name])] == list(SCHEMAS[name])


def test_the_commands_it_gives_exist():
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([\w-]+)`", README):
        assert re.search(rf"^{target}:", make, re.MULTILINE), target


def test_the_readme_is_short():
    assert len(README.splitlines()) < 200
