"""A large table is Parquet, and nobody who reads it sees a difference."""

import io
import shutil
import signal
from pathlib import Path

import fastparquet
import numpy as np
import pandas as pd
import pytest
from fastparquet.parquet_thrift import ConvertedType, Type
from hypothesis import example, given, settings
from hypothesis import strategies as st
from running import python, run, tree
from site_made import make

from pipeline import checks, outcomes, parquet, store, tables
from pipeline.errors import TableError
from pipeline.run import FILLING

ROOT = Path(__file__).parents[1]
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
TEXTS |= st.sampled_from(
    ["", "NA", "nan", "null", "True", "1", "1.0", "-0", "a\rb", "a\nb", '"', " "]
)
IDS = st.none() | st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=64) | st.integers(-10, 10).map(float) | st.floats(-1e7, 1e7)


def lists(elements):
    return lambda rows: st.lists(elements, min_size=rows, max_size=rows)


FURTHER = {
    "floats": lists(FLOATS),
    "halves": lists(st.floats(width=32)),
    "whole": lists(st.integers(-1_200_000, 1_200_000).map(float)),
    "few": lists(st.none() | st.integers(0, 5).map(float)),
    "nothing": lists(st.none()),
    "ints": lists(st.integers(-(2**63), 2**63 - 1)),
    "large": lists(st.integers(2**63, 2**64 - 1)),
    "flags": lists(st.booleans()),
    "gaps": lists(st.none() | st.booleans()),
    "texts": lists(TEXTS),
    "spoken": lists(st.none() | st.sampled_from(["", "True", "False", "1", "2.5", "x"])),
    "ids": lists(IDS),
}
TYPES = {"halves": "float32", "large": "uint64", "ids": "Int64"}


@st.composite
def frames(draw):
    rows = draw(st.integers(1, 9))
    frame = pd.DataFrame({"split": ["train"] * rows})
    for name in ("file_name", "code", "severity", "action"):
        frame[name] = pd.Series(draw(lists(st.none() | TEXTS)(rows)), dtype="str")
    for name in ("image_id", "annotation_id"):
        frame[name] = pd.Series(draw(lists(IDS)(rows)), dtype="Int64")
    for name in ("value", "limit"):
        frame[name] = draw(lists(FLOATS)(rows))
    for name in draw(st.lists(st.sampled_from(sorted(FURTHER)), unique=True)):
        frame[name] = pd.Series(draw(FURTHER[name](rows)), dtype=TYPES.get(name))
    return frame


def both(where, frame, columns):
    """The frame as each of the two forms gives it back."""
    store.write_table(where / "a.csv", frame, columns, 1_000_000)
    store.write_table(where / "b.csv", frame, columns, 0)
    assert (where / "a.csv").is_file()
    assert [path.name for path in (where / "b.csv").iterdir()] == ["b.parquet"]
    return (store.read_table(where / name, columns) for name in ("a.csv", "b.csv"))


def same(one, other):
    pd.testing.assert_frame_equal(one, other, check_exact=True, check_column_type=True)


@given(frame=frames())
@settings(max_examples=80, deadline=None)
def test_either_form_gives_the_same_frame(tmp_path_factory, frame):
    same(*both(tmp_path_factory.mktemp("tables"), frame, tables.ISSUES))


@given(frame=frames())
@settings(max_examples=20, deadline=None)
def test_row_groups_make_no_difference(tmp_path_factory, frame):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROWS", 2)
        same(*both(tmp_path_factory.mktemp("tables"), frame, tables.ISSUES))


@given(values=st.lists(st.floats(allow_subnormal=True), min_size=1))
@example(values=[0.5, 1.0, 999999.5, 9999995.0, 0.1, 1e-16, 1e21, 1e22, -0.0, 1.0000005, 5e-324])
@settings(max_examples=200, deadline=None)
def test_six_digits_are_those_of_a_csv(values):
    values = np.array(values, np.float64)
    text = pd.DataFrame({"a": values, "b": 0}).to_csv(index=False, float_format="%.6g")
    read = pd.read_csv(io.StringIO(text), dtype={"a": "float64"})["a"].to_numpy()

    np.testing.assert_array_equal(parquet.six(values), read)


def issues(rows=3, name="ảnh.jpg"):
    row = {"split": "train", "image_id": 3, "file_name": name, "annotation_id": pd.NA}
    row |= {"code": "x", "severity": "info", "value": 1 / 3, "limit": np.nan, "action": "kept"}
    return tables.ISSUES.frame([row] * rows)


def test_a_table_is_parquet_from_one_row_more_than_the_limit(tmp_path):
    path = tmp_path / "issues.csv"
    for rows, above in ((3, 3), (0, 0), (5, None)):
        store.write_table(path, issues(rows), tables.ISSUES, above)
        assert path.is_file()
        assert store.as_parquet(path) == ""

    store.write_table(path, issues(4), tables.ISSUES, 3)
    assert path.is_dir()
    assert store.as_parquet(path, tmp_path / "b.csv", path) == "; issues.csv, issues.csv as Parquet"


def test_the_csv_of_a_small_table_is_the_bytes_it_always_was(tmp_path):
    store.write_table(tmp_path / "issues.csv", issues(1), tables.ISSUES, 1)

    assert (tmp_path / "issues.csv").read_bytes().decode() == (
        "split,image_id,file_name,annotation_id,code,severity,value,limit,action\n"
        "train,3,ảnh.jpg,,x,info,0.333333,,kept\n"
    )


def test_the_same_table_is_the_same_bytes_in_another_process(tmp_path):
    store.write_table(tmp_path / "issues.csv", issues(), tables.ISSUES, 0)
    first = (tmp_path / "issues.csv/issues.parquet").read_bytes()
    done = python("-c", WRITING.format("pass"), "issues.csv", where=tmp_path, PYTHONHASHSEED="7")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "issues.csv/issues.parquet").read_bytes() == first


def test_the_types_in_the_file_are_those_that_others_expect(tmp_path):
    frame = issues().assign(far=True, luma=0.5, people=2, shard="a.json", unknown=np.nan)
    store.write_table(tmp_path / "issues.csv", frame, tables.ISSUES, 0)
    told = {}
    for one in fastparquet.ParquetFile(str(tmp_path / "issues.csv/issues.parquet"))._schema[1:]:
        kind, text = Type._VALUES_TO_NAMES[one.type], one.converted_type == ConvertedType.UTF8
        told[one.name] = (kind, "UTF8" if text else one.converted_type, one.repetition_type)

    whole, real, text = ("INT64", None), ("DOUBLE", None), ("BYTE_ARRAY", "UTF8")
    assert told == {
        "split": (*text, 0), "image_id": (*whole, 1), "file_name": (*text, 0),
        "annotation_id": (*whole, 1), "code": (*text, 0), "severity": (*text, 0),
        "value": (*real, 1), "limit": (*real, 1), "action": (*text, 0), "far": ("BOOLEAN", None, 0),
        "luma": (*real, 1), "people": (*whole, 0), "shard": (*text, 0), "unknown": (*real, 1),
    }  # fmt: skip


def test_one_form_takes_the_place_of_the_other_and_leaves_nothing(tmp_path):
    path = tmp_path / "issues.csv"
    for rows, above in ((2, 9), (3, 0), (4, 0), (5, 9), (6, 0)):
        store.write_table(path, issues(rows), tables.ISSUES, above)

        assert len(store.read_table(path, tables.ISSUES)) == rows
        assert path.is_dir() == (above == 0)
        assert list(tmp_path.iterdir()) == [path]


def test_a_folder_of_other_files_is_never_removed(tmp_path):
    (tmp_path / "issues.csv").mkdir()
    (tmp_path / "issues.csv/mine.txt").write_text("precious")
    for above in (0, 9):
        with pytest.raises(TableError, match=r"a folder of other files, mine\.txt; move it away"):
            store.write_table(tmp_path / "issues.csv", issues(), tables.ISSUES, above)

    assert list(tree(tmp_path)) == ["issues.csv/mine.txt"]


WRITING = """
import sys, os, signal
from pathlib import Path
sys.path.insert(0, {tests!r})
from pipeline import store, tables, parquet, whole
from test_parquet import issues
{{}}
store.write_table(Path(sys.argv[1]), issues(), tables.ISSUES, 0)
""".format(tests=str(ROOT / "tests"))
AT = {
    "a row group": "parquet._column = lambda *_: os.kill(os.getpid(), signal.SIGKILL)",
    "the seal": "parquet._sum = lambda *_: os.kill(os.getpid(), signal.SIGKILL)",
    "the swap": "whole._swap = lambda *_: os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("moment", AT)
@pytest.mark.parametrize("above", [0, 9], ids=["parquet", "csv"])
def test_a_killed_write_leaves_the_table_before_it(tmp_path, moment, above):
    store.write_table(tmp_path / "issues.csv", issues(2), tables.ISSUES, above)

    done = python("-c", WRITING.format(AT[moment]), "issues.csv", where=tmp_path)

    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(store.read_table(tmp_path / "issues.csv", tables.ISSUES)) == 2
    store.write_table(tmp_path / "issues.csv", issues(3), tables.ISSUES, 0)
    assert len(store.read_table(tmp_path / "issues.csv", tables.ISSUES)) == 3


def test_a_disk_that_is_full_leaves_the_table_before_it_and_is_named(tmp_path):
    store.write_table(tmp_path / "issues.csv", issues(2), tables.ISSUES, 0)
    code = WRITING.format("import stages").replace("Path(sys.argv[1])", "path").strip()
    code = code.replace("store.write_table", "stages.run(lambda path: store.write_table") + ")"

    done = python("-c", code, "issues.csv", where=tmp_path, largest=500)

    assert done.stderr.startswith("-c: issues.csv: File too large; make room"), done.stderr
    assert done.stderr.count("\n") == 1
    assert len(store.read_table(tmp_path / "issues.csv", tables.ISSUES)) == 2
    assert list(tree(tmp_path)) == ["issues.csv/issues.parquet"]


@pytest.mark.parametrize("place", [0, 4, 100, 600, -2000, -200, -60, -5, -1])
def test_a_damaged_file_is_one_line_with_the_cure(tmp_path, place):
    path = tmp_path / "issues.csv/issues.parquet"
    store.write_table(path.parent, issues(200), tables.ISSUES, 0)
    whole = path.read_bytes()
    for damaged in (whole[:place], bytes([*whole[:place], whole[place] ^ 1, *whole[place:][1:]])):
        path.write_bytes(damaged)
        with pytest.raises(TableError, match=r"^[^\n]*issues\.parquet is damaged[^\n]*dvc repro$"):
            store.read_table(path.parent, tables.ISSUES)


def test_a_folder_without_its_table_is_one_line_with_the_cure(tmp_path):
    (tmp_path / "issues.csv").mkdir()
    (tmp_path / "issues.csv/other.parquet").write_bytes(b"PAR1")

    with pytest.raises(TableError, match=r"folder without issues\.parquet; run dvc repro"):
        store.read_table(tmp_path / "issues.csv", tables.ISSUES)


def test_parquet_lacks_columns_as_a_csv_does(tmp_path):
    store.write_table(tmp_path / "issues.csv", issues(), tables.ISSUES, 0)

    with pytest.raises(TableError, match=r"issues\.csv lacks kind, "):
        store.read_table(tmp_path / "issues.csv", tables.CHANGES)


def test_a_copy_of_the_file_is_the_table_under_any_name(tmp_path):
    """As DVC's cache and `audit --suspects` have it."""
    store.write_table(tmp_path / "issues.csv", issues(), tables.ISSUES, 0)
    content = (tmp_path / "issues.csv/issues.parquet").read_bytes()
    (tmp_path / "0a1b").write_bytes(content)
    store.put_table(tmp_path / "again.csv", content)

    whole = store.read_table(tmp_path / "issues.csv", tables.ISSUES)
    same(store.read_table(tmp_path / "0a1b", tables.ISSUES), whole)
    same(store.read_table(tmp_path / "again.csv", tables.ISSUES), whole)


def test_nothing_loads_the_engine_before_a_table_is_parquet(tmp_path):
    store.write_table(tmp_path / "a.csv", issues(), tables.ISSUES, 9)
    code = (
        "import sys, pandas, dask, joblib, altair\n"
        "import stages.cli, stages.tag, stages.validate, pipeline\n"
        "from pathlib import Path\n"
        "from pipeline import store, tables\n"
        "frame = store.read_table(Path('a.csv'), tables.ISSUES)\n"
        "store.write_table(Path('b.csv'), frame, tables.ISSUES, 9)\n"
        "print(sorted({'fastparquet', 'cramjam', 'fsspec', 'pyarrow'} & set(sys.modules)))\n"
        "store.write_table(Path('b.csv'), frame, tables.ISSUES, 0)\n"
        "print(sorted({'fastparquet', 'pyarrow'} & set(sys.modules)))\n"
    )
    done = python("-c", code, where=tmp_path)

    assert done.stdout.splitlines() == ["[]", "['fastparquet']"], done.stdout + done.stderr


GROWING = {
    "data/chosen.csv": tables.CHOSEN,
    "data/valid/leaks.csv": checks.LEAKS,
    "reports/changes.csv": tables.CHANGES,
    "reports/counts.csv": outcomes.COUNTS,
    "reports/images.csv": tables.MEASURED,
    "reports/issues.csv": tables.ISSUES,
    "reports/perceived.csv": outcomes.PERCEIVED,
    "reports/remains.csv": outcomes.REMAINS,
    "reports/restored.csv": outcomes.RESTORED,
    "reports/suspects.csv": outcomes.SUSPECTS,
}
OTHERS = {
    "reports/calibration.csv": outcomes.CALIBRATION,
    "reports/history.csv": outcomes.HISTORY,
    "reports/history_inpaint.csv": FILLING,
    "reports/learning_curve.csv": outcomes.LEARNING,
    "reports/rivals.csv": outcomes.RIVALS,
    "reports/since.csv": tables.SINCE,
}


def test_what_is_made_of_the_tables_is_the_same_bytes_from_either_form(tmp_path):
    csv, packed = tmp_path / "csv", tmp_path / "packed"
    make(csv)
    for path, columns in (GROWING | OTHERS).items():
        if not (csv / path).exists():
            store.write_table(csv / path, columns.empty(), columns)
    shutil.copytree(csv, packed)
    settings = (ROOT / "params.yaml").read_text("utf-8")
    (csv / "params.yaml").write_text(settings, "utf-8")
    settings = settings.replace("parquet_above: 1000000", "parquet_above: 0")
    (packed / "params.yaml").write_text(settings, "utf-8")
    for path, columns in GROWING.items():
        store.write_table(packed / path, store.read_table(csv / path, columns), columns, 0)

    said = {where: run("evaluate", where).stdout for where in (csv, packed)}
    shutil.copy(csv / "params.yaml", packed)  # the page tells the parameters
    done = [run(stage, where) for stage in ("browse", "gallery", "report") for where in said]

    assert not [one.stderr for one in done if one.returncode]
    assert said[packed] == said[csv].strip() + "; counts.csv as Parquet\n"
    assert (packed / "reports/counts.csv/counts.parquet").is_file()
    for path, columns in GROWING.items():
        same(*(store.read_table(where / path, columns) for where in (csv, packed)))
        for where in (csv, packed):
            shutil.rmtree(where / path) if (where / path).is_dir() else (where / path).unlink()
    assert tree(csv) == tree(packed)
    assert {"reports/metrics.json", "reports/report.md", "reports/index.html"} <= set(tree(csv))
