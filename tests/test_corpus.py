"""Every bad input of the corpus gives its rows or its one line, and nothing graver besides."""

import os
import re
import tempfile
from collections import Counter
from pathlib import Path

import corpus_files
import corpus_json
import msgspec
import pytest
from corpus import Box, through, write
from exports import LIMITS

from pipeline.checks import CHECKS
from pipeline.reading import READING

JSON = ("TEXTS", "TOPS", "IMAGES", "ANNOTATIONS", "CATEGORIES", "RINGS", "MASKS", "SPLITS")
OF_BOX = {
    f"{table.lower()}: {name}": case
    for table in JSON
    for name, case in getattr(corpus_json, table).items()
} | {f"pictures: {name}": case for name, case in corpus_files.PICTURES.items()}

PUBLISHED = {  # the 42 single defects of a study of five other tools -> the case that plants each
    "empty list": "rings: box only",
    "list of an empty list": "rings: an empty ring",
    "flat list": "rings: flat",
    "two points": "rings: two points",
    "odd coordinates": "rings: odd",
    "NaN": "rings: NaN",
    "null": "rings: null vertex",
    "out of bounds": "rings: wholly outside",
    "negative": "rings: partly outside",
    "self-intersection": "rings: bow-tie",
    "zero area": "rings: on a line",
    "subpixel": "rings: smaller than a pixel",
    "duplicate vertices": "rings: repeated point",
    "hole as a part": "rings: a ring within a ring",
    "bbox mismatch": "annotations: bbox of another place",
    "bbox negative": "annotations: bbox below zero",
    "bbox missing": "annotations: bbox missing",
    "area mismatch": "annotations: area of another object",
    "iscrowd missing": "annotations: iscrowd missing",
    "category unknown": "categories: unknown",
    "category 0 used": "categories: 0 is annotated",
    "category name twice": "categories: name twice",
    "categories differ across splits": "categories: another id than in other splits",
    "orphan image id": "annotations: unknown image",
    "annotation id twice": "annotations: id twice",
    "exact duplicate": "annotations: drawn twice",
    "conflicting label": "annotations: drawn twice, as another category",
    "image id twice": "images: one id for two pictures",
    "file name twice": "images: two records of one picture",
    "file missing": "pictures: missing",
    "file truncated": "pictures: JPEG cut",
    "file of 0 bytes": "pictures: no bytes",
    "size mismatch": "images: too wide",
    "unlisted file": "pictures: unlisted",
    "no annotations": "images: no annotations",
    "RLE of another size": "masks: of another size",
    "RLE counts": "masks: counts cut off",
    "leak, exact": "splits: same bytes in another split",
    "leak, near": "splits: a brighter picture in another split",
    "leak, mirrored": "splits: a mirrored picture in another split",
    "leak, same source": "splits: one source in two splits",
    "path traversal": "images: up and out",
}
APPLIED = {  # cases whose leak is mended by moving pictures
    "splits: same bytes in another split": ["leak_moved", "balance_moved", "image_twice"],
    "splits: one source in two splits": ["leak_moved", "balance_moved"],
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """What is said of the export before anything is wrong with it."""
    where = tmp_path_factory.mktemp("base")
    return through(write(where / "export", Box().files_of_all()), where / "out")


def said(outcome, base, codes=()):
    """The rows beyond the base's that are graver than info, and those of the codes in question."""
    found = Counter()
    for (code, severity, *where), count in (outcome.rows - base.rows).items():
        if severity != "info" or code in codes:
            found[(code, *where)] = count
    return found


def check(outcome, base, expected):
    """Compare with the rows that a case must give or, if it is text, with the line."""
    if isinstance(expected, str):
        assert "\n" not in outcome.error
        assert outcome.bytes == {}
        assert re.search(expected, outcome.error or "nothing was refused"), outcome.error
        return
    assert not outcome.error
    assert outcome.lost == 0
    assert said(outcome, base, {row[0] for row in expected}) == Counter(expected)


def test_nothing_is_wrong_with_the_export_that_cases_break(base):
    assert not base.error
    assert base.lost == 0
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

    check(through(export, tmp_path / "out"), base, expected)


@pytest.mark.parametrize("name", corpus_files.ZIPS)
def test_a_zip_gives_its_rows_or_its_one_line(tmp_path, base, name):
    make, expected = corpus_files.ZIPS[name]
    (tmp_path / "export.zip").write_bytes(make(Box().files_of_all()))

    check(through(tmp_path / "export.zip", tmp_path / "out"), base, expected)


@pytest.mark.parametrize("name", corpus_files.PINS)
def test_a_pin_gives_its_one_line(tmp_path, base, name):
    text, expected = corpus_files.PINS[name]
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "a.roboflow.yaml").write_bytes(content)

    check(through(tmp_path / "a.roboflow.yaml", tmp_path / "out"), base, expected)


@pytest.mark.parametrize("name", corpus_files.FOREIGN)
def test_an_export_that_is_not_coco_gives_its_codes_or_its_one_line(tmp_path, base, name):
    files, expected = corpus_files.FOREIGN[name]
    outcome = through(write(tmp_path / "export", files), tmp_path / "out")

    if isinstance(expected, str):
        check(outcome, base, expected)
    else:
        assert not outcome.error
        assert outcome.lost == 0
        assert {code for code, *_ in said(outcome, base)} == expected | {"split_empty"}


@pytest.mark.parametrize("name", corpus_files.FINE)
def test_a_picture_of_any_kind_is_read_and_nothing_is_said_of_it(tmp_path, base, name):
    box = Box()
    corpus_files.FINE[name](box)
    outcome = through(write(tmp_path / "export", box.files_of_all()), tmp_path / "out")

    check(outcome, base, [])
    assert len([path for path in outcome.bytes if path.startswith("masks/train/")]) == 3


@pytest.mark.parametrize("name", APPLIED)
def test_a_leak_is_mended_where_that_is_asked_for_and_each_move_is_said(tmp_path, base, name):
    box = Box()
    OF_BOX[name][0](box)
    limits = msgspec.structs.replace(LIMITS, resplit="apply")
    export = write(tmp_path / "export", box.files_of_all())
    outcome = through(export, tmp_path / "out", limits)

    codes = {code for code, *_ in said(outcome, base, {"balance_moved"})}
    assert codes == set(APPLIED[name])


@pytest.fixture
def nobody():
    """A folder of everybody's, and no right to read what is closed to all."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        mighty = hasattr(os, "geteuid") and os.geteuid() == 0
        if mighty:
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if mighty:
                os.seteuid(0)


@pytest.mark.parametrize("closed", [corpus_files.FIRST, f"train/{corpus_files.JSON}", "train", ""])
def test_what_may_not_be_read_is_one_line_that_names_it(nobody, base, closed):
    export = write(nobody / "export", Box().files_of_all())
    (export / closed).chmod(0)
    outcome = through(export, nobody / "out")
    (export / closed).chmod(0o700)

    place = re.escape(str(export / closed))
    check(outcome, base, f"^{place}: Permission denied; mend that and pull again$")


def cases():
    return {
        **OF_BOX,
        **{f"folder: {name}": case for name, case in corpus_files.FOLDERS.items()},
        **{f"zip: {name}": case for name, case in corpus_files.ZIPS.items()},
        **{f"pin: {name}": case for name, case in corpus_files.PINS.items()},
        **{f"not COCO: {name}": case for name, case in corpus_files.FOREIGN.items()},
    }


def test_every_code_is_planted_at_least_once():
    planted = {row[0] for _, rows in cases().values() if isinstance(rows, list) for row in rows}
    planted |= {code for several in APPLIED.values() for code in several}

    assert {*READING, *(check.code for check in CHECKS)} == planted


def test_the_corpus_holds_all_42_defects_that_other_tools_were_tried_on():
    assert len(PUBLISHED) == len(set(PUBLISHED.values())) == 42
    assert all(OF_BOX[case][1] for case in PUBLISHED.values())


def test_the_corpus_holds_more_than_120_bad_inputs_that_differ():
    bad = [(repr(rows), name) for name, (_, rows) in cases().items() if rows]

    assert len(bad) >= 120
