"""``pipeline.audit``: what a notebook and the command line call."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import exports
import msgspec
import pandas as pd
import pytest

import pipeline
from pipeline import params, rules, store, tables
from pipeline.errors import PipelineError
from stages import auditing, pull, tag, validate

ROOT = Path(__file__).parents[1]
ONE = {"compute": {"workers": 1}}


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Two splits of four and two pictures, one with a name that is code, and answers beside."""
    where = tmp_path_factory.mktemp("made")
    train, test = exports.content(4), exports.content(2, prefix="t")
    test["images"][0]["file_name"] = "<img src=x onerror=alert(1)>.png"
    exports.write(where / "export", train=train, test=test)
    store.write_bytes(
        where / "export/truth/tags.csv",
        b"split,file_name,far,crowd\ntrain,p0_jpg.rf.0000.png,0,1\ntrain,p1_jpg.rf.0001.png,0,0\n",
    )
    return where / "export"


@pytest.fixture(scope="module")
def found(export):
    return pipeline.audit(export, ONE)


def test_three_lines_give_frames(found):
    assert len(found.images) == 6
    assert list(found.images)[: len(tables.MEASURED)] == list(tables.MEASURED)
    assert (found.images.dtypes[list(rules.RULES)] == "bool").all()
    assert list(found.issues) == list(tables.ISSUES)
    assert found.tags["tag"].tolist() == list(rules.RULES)
    assert found.accuracy.set_index("tag").loc["crowd", ["truth", "found", "hits"]].tolist() == [
        1,
        0,
        0,
    ]
    assert len(found.dataset.images) == 6


def test_the_tables_are_those_of_the_stages_to_the_byte(export, found, tmp_path, monkeypatch):
    everything = msgspec.yaml.decode((ROOT / "params.yaml").read_bytes())
    everything["compute"] |= ONE["compute"]
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_bytes(msgspec.yaml.encode(everything))
    at = {name: tmp_path / name for name in ("raw", "truth", "valid")}
    pull.main(export, at["raw"], at["truth"])
    validate.main(at["raw"], at["valid"], tmp_path / "issues.csv")
    names = ("images.csv", "tags.csv", "tag_accuracy.csv", "chosen.csv")
    tag.main(at["raw"], at["truth"], at["valid"], *(tmp_path / name for name in names))

    page = found.write(tmp_path / "audit")

    for name in ("issues.csv", *names[:3]):
        assert (tmp_path / "audit" / name).read_bytes() == (tmp_path / name).read_bytes(), name
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_large_tables_are_parquet_with_the_same_page_and_the_command_says_so(
    export, found, tmp_path
):
    found.write(tmp_path / "csv")
    changes = ["tables.parquet_above=0", "compute.workers=1"]
    said = auditing.write(export, tmp_path / "packed", [], None, None, changes)

    assert said[-2] == "images.csv, issues.csv as Parquet"
    for name, columns in {"images": tables.MEASURED, "issues": tables.ISSUES}.items():
        frames = [
            store.read_table(tmp_path / at / f"{name}.csv", columns) for at in ("csv", "packed")
        ]
        pd.testing.assert_frame_equal(*frames, check_exact=True)
        assert (tmp_path / "packed" / f"{name}.csv" / f"{name}.parquet").is_file()
    for name in ("index.html", "tags.csv", "tag_accuracy.csv"):
        pair = [(tmp_path / at / name).read_bytes() for at in ("csv", "packed")]
        assert pair[0] == pair[1], name


@pytest.mark.parametrize(
    "change",
    [{"tag": {"dark_below": 255}}, {"tag.dark_below": 255}],
    ids=["nested", "dotted"],
)
def test_parameters_are_changed_by_a_dict_in_either_way(export, change):
    dark = pipeline.audit(export, {**ONE, **change})

    assert dark.images["low_light"].all()


def test_parameters_come_from_a_file(export, tmp_path):
    everything = msgspec.yaml.decode((ROOT / "params.yaml").read_bytes())
    everything["tag"]["dark_below"] = 255
    everything["compute"] |= ONE["compute"]
    (tmp_path / "mine.yaml").write_bytes(msgspec.yaml.encode(everything))

    assert pipeline.audit(export, tmp_path / "mine.yaml").images["low_light"].all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"tag.dark_bellow": 1},), "no parameter 'tag.dark_bellow'"),
        (({"colour": {"a": 1}},), "no parameter 'colour.a'"),
        (({"tag.dark_below": "very"},), "dark_below"),
        (("nowhere.yaml",), "nowhere.yaml is not a file"),
    ],
    ids=["key", "section", "kind", "file"],
)
def test_a_wrong_parameter_is_refused_before_anything_is_done(tmp_path, arguments, message):
    with pytest.raises(PipelineError, match=message):
        pipeline.audit(tmp_path / "not looked at", *arguments)


def test_a_parameter_is_changed_as_dvc_does_it(export):
    far = params.said(["tag.far_below = 1.0", "tag.people=[person]", "validate.previous=null"])
    assert far == {"tag.far_below": 1.0, "tag.people": ["person"], "validate.previous": None}
    assert pipeline.audit(export, ONE | params.said(["tag.far_below=1.0"])).images["far"].any()
    for wrong in ("far=1", "tag.far", "=1"):
        with pytest.raises(PipelineError, match="is no change"):
            params.said([wrong])
    with pytest.raises(PipelineError, match="is not YAML"):
        params.said(["tag.x=["])


def test_a_missing_export_is_said(tmp_path):
    with pytest.raises(PipelineError, match="does not exist"):
        pipeline.audit(tmp_path / "nothing")


def test_answers_given_stand_before_those_of_the_export(export, tmp_path):
    (tmp_path / "mine.csv").write_text("file_name,far\np0_jpg.rf.0000.png,0\n", encoding="utf-8")

    told = pipeline.audit(export, ONE, truth=tmp_path / "mine.csv").accuracy

    assert told["tag"].tolist() == ["far"]


def test_a_zip_is_audited_as_its_folder_is(export, found, tmp_path):
    zipped = shutil.make_archive(str(tmp_path / "export"), "zip", export)

    assert pipeline.audit(zipped, ONE).images.equals(found.images)


def test_the_command_says_how_right_the_tags_are_and_writes_what_is_asked_for(export, tmp_path):
    (tmp_path / "mine.csv").write_text("file_name,crowd\np0_jpg.rf.0000.png,0\nx.png,1\n")
    command = "from stages.cli import main; main()"
    words = ["audit", str(export), "-o", "out", "--truth", "mine.csv", "--format", "cvat"]
    done = subprocess.run(
        [sys.executable, "-c", command, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert "1 of 2 known answers are about no image here" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("report: file://")
    for name in ("index.html", "tag_accuracy.csv", "tags.cvat.xml"):
        assert (tmp_path / "out" / name).is_file()


def test_a_notebook_shows_a_table_and_no_code_from_the_data(found):
    shown = found._repr_html_()

    assert "<table" in shown
    assert "<img" not in shown
    assert len(pd.read_html(shown)) == 2 if _has_lxml() else shown.count("<table") == 2


def _has_lxml():
    try:
        import lxml  # noqa: F401
    except ImportError:
        return False
    return True


def test_the_pictures_are_gone_with_the_audit(export):
    audit = pipeline.audit(export, ONE)
    raw = audit._raw

    assert raw.is_dir()
    del audit
    assert not raw.exists()


def test_importing_the_package_imports_nothing_else_and_auditing_no_framework(export):
    code = (
        "import sys, pipeline\n"
        "print(*sorted(n for n in sys.modules if n.startswith('pipeline.')))\n"
        f"pipeline.audit({str(export)!r}, {ONE!r})\n"
        "print(*sorted({'tensorflow', 'torch', 'keras', 'dvc', 'roboflow'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "\n\n"


def test_an_attribute_that_is_none_is_refused_as_by_any_module():
    with pytest.raises(AttributeError, match="no attribute 'audits'"):
        pipeline.audits  # noqa: B018


def test_settings_name_the_file_they_come_from():
    assert params.settings().where in {"params.yaml", str(params.SHIPPED)}
