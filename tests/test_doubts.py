"""What a trained network doubts, as a tag: in tables, files of annotation tools and the page."""

import json
import re
from xml.etree import ElementTree

import exports
import numpy as np
import pandas as pd
import pytest

import pipeline
from pipeline import doubts, outcomes, params, rules, store, tables

ROW = {"annotation_id": None, "score": 0.9, "expected": 0.1, "held_out": True, "area": 1.0,
       "left": 0, "top": 0, "right": 1, "bottom": 1}  # fmt: skip


def suspects(*rows):
    return outcomes.SUSPECTS.frame(
        [
            ROW | {"split": split, "file_name": name, "kind": kind, "excess": excess,
                   "suspect": suspect}
            for split, name, kind, excess, suspect in rows
        ]
    )  # fmt: skip


FOUND = suspects(
    ("train", "a.jpg", "missing", 0.7, True),
    ("train", "a.jpg", "boundary", 0.1, False),
    ("train", "a.jpg", "image", 0.9, False),
    ("test", "a.jpg", "extra", 0.2, False),
    ("test", "a.jpg", "image", 0.9, False),
    ("test", "b.jpg", "image", 0.0, False),
)
MEASURED = pd.DataFrame(
    {
        "split": ["train", "test", "test", "test"],
        "file_name": ["a.jpg", "a.jpg", "b.jpg", "unjudged.jpg"],
    }
)


def test_a_photos_doubt_is_that_of_its_worst_label_and_the_image_is_no_label():
    joined = doubts.joined(MEASURED, FOUND)

    np.testing.assert_array_equal(joined["doubt"], [0.7, 0.2, 0.0, np.nan])
    assert joined["suspect_label"].tolist() == [True, False, False, False]


def test_the_limit_of_the_run_gives_the_same_photos():
    joined = doubts.joined(MEASURED, FOUND)

    rule = doubts.rule(0.3)
    assert rule.parameter == "suspect.above"
    limits = params.load(rules.TagParams, "tag")
    assert rule(joined, limits).tolist() == joined["suspect_label"].tolist()


def test_without_a_training_nothing_is_joined_or_counted():
    joined = doubts.joined(MEASURED, outcomes.SUSPECTS.empty())
    tags = tables.TAGS.empty()

    assert list(joined) == list(MEASURED)
    assert doubts.counted(tags, joined).empty


def test_photos_with_suspect_labels_are_counted_by_split():
    row = doubts.counted(tables.TAGS.empty(), doubts.joined(MEASURED, FOUND)).iloc[0]

    assert row[["tag", "images", "train", "valid", "test"]].tolist() == [
        "suspect_label", 1, 1, 0, 0
    ]  # fmt: skip
    assert row["share"] == 0.25


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """An export of three photos, and what a training on it doubts."""
    root = tmp_path_factory.mktemp("doubts")
    exports.write(root / "export", train=exports.content(3))
    once = pipeline.audit(root / "export", {"compute": {"workers": 1, "cache": ""}})
    names = once.images[["split", "file_name"]].to_numpy().tolist()
    rows = [(*name, "image", 0.0, False) for name in names]
    found = suspects((*names[1], "extra", 0.6, True), *rows)
    store.write_table(root / "suspects.csv", found, outcomes.SUSPECTS)
    audit = pipeline.audit(
        root / "export",
        {"compute": {"workers": 1, "cache": ""}},
        suspects=root / "suspects.csv",
    )
    audit.write(root / "audit", ["cvat", "labelstudio"])
    once.write(root / "plain")
    return root


def page_data(path):
    html = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="page-data">(.*?)</script>', html, re.DOTALL)[1])


def test_an_audit_that_is_told_them_writes_them_for_annotation_tools(project):
    images = ElementTree.parse(project / "audit/tags.cvat.xml").getroot().findall("image")
    tasks = json.loads((project / "audit/tags.labelstudio.json").read_bytes())

    of_cvat = [[tag.get("label") for tag in image.findall("tag")] for image in images]
    of_studio = [task["predictions"][0]["result"][0]["value"]["choices"] for task in tasks]
    for told in (of_cvat, of_studio):
        assert ["suspect_label" in tags for tags in told] == [False, True, False]
    written = store.read_table(project / "audit/images.csv", tables.MEASURED)
    assert written["suspect_label"].tolist() == [False, True, False]


def test_its_page_has_the_tag_with_a_limit_to_be_moved(project):
    (tag,) = [
        tag for tag in page_data(project / "audit/index.html")["tags"]
        if tag["id"] == "suspect_label"
    ]  # fmt: skip

    assert tag["parameter"] == "suspect.above"
    assert tag["limit"] == params.value(float, "suspect", "above")
    assert tag["values"] == [0.0, 0.6, 0.0]
    assert tag["has"] == [1]
    plain = page_data(project / "plain/index.html")["tags"]
    assert "suspect_label" not in {tag["id"] for tag in plain}
