from pathlib import Path
from typing import Annotated

import msgspec
import pytest
import yaml

from pipeline import params
from pipeline.errors import ParamsError

ROOT = Path(__file__).parents[1]


class TagParams(params.Params):
    dark_below: Annotated[float, msgspec.Meta(ge=0, le=1)]
    people: list[str]


def _write(where, text):
    path = where / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_section_is_read_into_its_struct(tmp_path):
    path = _write(tmp_path, "tag: {dark_below: 0.2, people: [person]}\ntrain: {epochs: 3}\n")

    assert params.load(TagParams, "tag", path) == TagParams(dark_below=0.2, people=["person"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: {}", "no section 'tag'"),
        (
            "tag: {dark_bellow: 0.2, people: []}",
            "does not know 'dark_bellow' and lacks 'dark_below'",
        ),
        ("tag: {dark_below: 2, people: []}", "<= 1.0"),
        ("tag: {dark_below: dark, people: []}", "dark_below"),
        ("tag: [", "is not YAML"),
        ("3", "no section 'tag'"),
    ],
    ids=["no section", "misspelt key", "out of range", "wrong type", "no YAML", "no mapping"],
)
def test_a_mistake_is_refused_with_what_was_expected(tmp_path, text, message):
    with pytest.raises(ParamsError, match=message):
        params.load(TagParams, "tag", _write(tmp_path, text))


def test_one_value_of_a_section_is_read_without_its_neighbours(tmp_path):
    path = _write(tmp_path, "train: {exclude: [far], epochs: 3}\n")

    assert params.value(list[str], "train", "exclude", path) == ["far"]
    with pytest.raises(ParamsError, match="lacks 'seed'"):
        params.value(int, "train", "seed", path)
    with pytest.raises(ParamsError, match=r"train\.epochs: Expected `str`"):
        params.value(str, "train", "epochs", path)


def test_a_section_cannot_be_changed_after_reading():
    section = TagParams(dark_below=0.2, people=[])

    with pytest.raises(AttributeError):
        section.dark_below = 0.3


def test_outside_a_project_the_shipped_parameters_are_used(tmp_path):
    """The wheel carries a copy; in a checkout it is the same file."""
    assert params.SHIPPED.read_bytes() == (ROOT / "params.yaml").read_bytes()
    with pytest.raises(ParamsError, match="no section 'tagg'"):
        params.load(TagParams, "tagg", tmp_path / "params.yaml")


def test_every_value_says_its_unit_or_range_beside_it():
    lines = (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines()
    silent = [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if line.startswith(" ") and "#" not in line and not above.strip().startswith("#")
    ]

    assert silent == []
    assert yaml.safe_load("\n".join(lines))
