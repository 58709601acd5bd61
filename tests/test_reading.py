import json
import sys

import pytest
from exports import content
from hypothesis import given, settings
from hypothesis import strategies as st
from test_coco import rings

from pipeline import decoding, reading
from pipeline import outlines as numbers
from pipeline.errors import ExportError


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (b"", "byte 0"),
        (b'{"images": [1,\n 2', "line 2 column 3 byte 17"),
        (b"[" * 10**5, "recursion"),
    ],
    ids=["nothing", "cut off", "too deep"],
)
def test_an_export_that_is_no_json_is_refused_with_the_place(said, where):
    with pytest.raises(ExportError, match=where):
        reading.read([("train", "train/a.json", said)])


def test_one_unreadable_split_is_a_row_and_the_others_are_read():
    sound = json.dumps(content(3)).encode()
    export = reading.read([("train", "train/a.json", sound), ("valid", "valid/a.json", b'{"a"')])

    assert len(export.images) == 3
    row = export.issues.iloc[0]
    assert (row["split"], row["code"], row["value"]) == ("valid", "json_unreadable", 4)


def test_the_text_of_a_shard_is_let_go_before_the_next_one_is_asked_for():
    holders = []

    def files():
        for number in range(3):
            text = json.dumps(content(2)).encode()
            yield "train", f"train/{number}.json", text
            holders.append(sys.getrefcount(text))

    export = reading.read(files(), numbers.read)

    assert holders == [2, 2, 2]  # its name above, and the question itself
    assert len(export.annotations) == 6


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_other_encodings_and_nan_are_read(encoding):
    said = json.dumps({**content(1), "extra": [float("nan"), float("inf")]}).encode(encoding)
    export = reading.read([("train", "train/a.json", said)])

    assert len(export.annotations) == 1
    assert not len(export.issues)


@pytest.mark.parametrize("said", [b"[]", b"7", b"{}", b'{"images": 3, "annotations": {}}'])
def test_missing_lists_are_rows(said):
    export = reading.read([("train", "train/a.json", said)])

    assert export.issues["code"].tolist() == ["list_missing"] * 3


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda some: (
        st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=3), some, max_size=2)
    ),
    max_leaves=5,
)
outlines = st.lists(rings() | values, max_size=2) | values
records = st.fixed_dictionaries({}, optional={
    "id": values, "file_name": st.text(max_size=5) | values, "image_id": values, "bbox": values,
    "segmentation": outlines, "name": values, "else": values,
})  # fmt: skip
lists = st.lists(records, max_size=4) | st.lists(records | values, max_size=4) | values
anything = st.fixed_dictionaries({}, optional=dict.fromkeys(decoding.LISTS, lists)) | values


def as_text(value):
    """Values so that NaN is NaN and 1 is not True."""
    return json.dumps(value, sort_keys=True)


@given(content=anything, ascii_only=st.booleans())
@settings(max_examples=120)
def test_whatever_a_file_says_is_read_as_a_plain_json_reader_reads_it(content, ascii_only):
    try:
        said = json.dumps(content, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:  # half a character, which only escapes can say
        said = json.dumps(content).encode()
    plain = json.loads(said)

    export = reading.read([("train", "train/a.json", said)])

    for key, fields in decoding.LISTS.items():
        listed = plain.get(key) if isinstance(plain, dict) else None
        listed = listed if isinstance(listed, list) else []
        known = [one if isinstance(one, dict) else {} for one in listed]
        frame = getattr(export, key)
        assert len(frame) == len(known)
        for column, name in {"export_id": "id", **{name: name for name in fields}}.items():
            read = [decoding.segmentation(one) for one in frame[column].tolist()]
            assert list(map(as_text, read)) == [as_text(one.get(name)) for one in known]


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (b"[[1e999, -1e999, 3]]", [[float("inf"), float("-inf"), 3]]),
        (b"[[1" + b"0" * 30 + b"]]", [[10**30]]),
        (b'{"counts": "\\u0041\xc3\xa9"}', {"counts": "Aé"}),
        (b'["\\ud800"]', ["\ud800"]),
        (b"[NaN]", None),
    ],
    ids=["too large for a float", "a long number", "escapes", "half a character", "NaN"],
)
def test_an_outline_is_read_when_it_is_asked_for_as_it_would_have_been_at_once(said, read):
    content = b'{"images": [], "categories": [], "annotations": [{"segmentation": ' + said + b"}]}"
    export = reading.read([("train", "train/a.json", content)])

    (found,) = map(decoding.segmentation, export.annotations["segmentation"])
    assert found == read or (read is None and found[0] != found[0])


def test_an_outline_whose_text_is_no_unicode_makes_the_file_unreadable():
    content = b'{"annotations": [{"segmentation": {"counts": "\xff"}}]}'
    with pytest.raises(ExportError, match=f"byte {content.index(255)}"):
        reading.read([("train", "train/a.json", content)])
