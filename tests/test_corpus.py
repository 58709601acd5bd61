"""Every bad input of the corpus gives its rows or its one line, and nothing else."""

from collections import Counter

import corpus_files
import corpus_json
import pytest
from corpus import Box, through, write

JSON = ("TEXTS", "TOPS", "IMAGES", "ANNOTATIONS", "CATEGORIES", "RINGS", "MASKS", "SPLITS")
OF_BOX = {
    f"{table.lower()}: {name}": case
    for table in JSON
    for name, case in getattr(corpus_json, table).items()
} | {f"pictures: {name}": case for name, case in corpus_files.PICTURES.items()}
OF_BOX |= {f"fine: {name}": (plant, []) for name, plant in corpus_files.FINE.items()}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """What is said of the export before anything is wrong with it."""
    where = tmp_path_factory.mktemp("base")
    return through(write(where / "export", Box().files_of_all()), where / "out")


def said(outcome, base, codes):
    """The rows beyond the base's that are graver than info, and those of the codes in question."""
    found = Counter()
    for (code, severity, *where), count in (outcome.rows - base.rows).items():
        if severity != "info" or code in codes:
            found[(code, *where)] = count
    return found


def check(outcome, base, expected):
    assert not outcome.error
    assert outcome.lost == 0
    assert said(outcome, base, {row[0] for row in expected}) == Counter(expected)


def check_refusal(outcome, expected):
    import re

    assert outcome.error, "nothing was refused"
    assert "\n" not in outcome.error
    assert re.search(expected, outcome.error), outcome.error
    assert outcome.bytes == {}


def test_nothing_is_wrong_with_the_export_that_cases_break(base):
    assert not base.error
    assert {severity for _, severity, *_ in base.rows} == {"info"}


@pytest.mark.parametrize("name", OF_BOX)
def test_a_planted_defect_gives_its_rows_and_nothing_graver_than_info_besides(tmp_path, base, name):
    plant, expected = OF_BOX[name]
    box = Box()
    plant(box)
    export = write(tmp_path / "export", box.files_of_all())

    check(through(export, tmp_path / "out"), base, expected)


@pytest.mark.parametrize("name", corpus_files.FOLDERS)
def test_a_folder_gives_its_rows_or_its_one_line(tmp_path, base, name):
    plant, expected = corpus_files.FOLDERS[name]
    export = write(tmp_path / "export", Box().files_of_all())
    plant(export)
    outcome = through(export, tmp_path / "out")

    check_refusal(outcome, expected) if isinstance(expected, str) else check(
        outcome, base, expected
    )


@pytest.mark.parametrize("name", corpus_files.ZIPS)
def test_a_zip_gives_its_rows_or_its_one_line(tmp_path, base, name):
    make, expected = corpus_files.ZIPS[name]
    (tmp_path / "export.zip").write_bytes(make(Box().files_of_all()))
    outcome = through(tmp_path / "export.zip", tmp_path / "out")

    check_refusal(outcome, expected) if isinstance(expected, str) else check(
        outcome, base, expected
    )


@pytest.mark.parametrize("name", corpus_files.PINS)
def test_a_pin_gives_its_one_line(tmp_path, name):
    text, expected = corpus_files.PINS[name]
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "a.roboflow.yaml").write_bytes(content)

    check_refusal(through(tmp_path / "a.roboflow.yaml", tmp_path / "out"), expected)
