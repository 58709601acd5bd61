import json

import pytest
from exports import NASTY, content
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline import coco, rle
from pipeline.errors import ExportError, TableError

CATEGORIES = [
    {"id": 1, "name": "person", "supercategory": "people"},
    {"id": 2, "name": "NA", "supercategory": ""},
]
number = st.floats(-1e4, 1e4) | st.integers(-9, 999).map(float)
point = st.tuples(number, number)


@st.composite
def rings(draw):
    ring = draw(st.lists(point, min_size=3, max_size=7, unique=True))
    return [one for xy in ring for one in xy]


def closed(ring):
    return [*ring, *ring[:2]]


def masks():
    return arrays(bool, (6, 7)).filter(lambda mask: mask.any()).map(rle.encode)


segmentations = (
    st.lists(rings(), min_size=1, max_size=3)
    | st.lists(rings().map(closed), min_size=1, max_size=3)
    | masks()
)


def of(segmentations):
    """One split of our own making, whose boxes and areas are left to be measured."""
    image = {
        "id": 1, "file_name": "a é.jpg", "path": "train/x/a é.jpg", "stem": "a é", "width": 7,
        "height": 6, "source": "a", "export_split": "train", "export_id": None,
    }  # fmt: skip
    annotations = [
        {"id": i, "image_id": 1, "category_id": 2, "iscrowd": i % 2, "segmentation": one,
         "export_id": i - 1, "bbox": [], "area": 0}
        for i, one in enumerate(segmentations, start=1)
    ]  # fmt: skip
    empty = {"images": [], "annotations": [], "categories": CATEGORIES}
    train = {"images": [image], "annotations": annotations, "categories": CATEGORIES}
    return {"train": train, "valid": empty, "test": empty}


def without_measures(contents):
    plain = json.loads(json.dumps(contents))
    for split in plain.values():
        for annotation in split["annotations"]:
            del annotation["bbox"], annotation["area"]
    return plain


@given(several=st.lists(segmentations, max_size=4))
@settings(max_examples=40)
def test_coco_to_dataset_to_coco_is_identity(several):
    contents = of([one for one in several if not _crossing(one)])

    again = coco.to_coco(coco.from_coco(contents))

    assert without_measures(again) == without_measures(contents)


def _crossing(segmentation):
    """Rings that cross themselves never get into a dataset."""
    from pipeline import polygons

    return (
        isinstance(segmentation, list)
        and polygons.unsound(polygons.from_rings([segmentation])).any()
    )


def test_a_saved_dataset_is_loaded_as_it_was_and_saved_as_the_same_bytes(tmp_path):
    first = coco.from_coco(of([[[0, 0, 4, 0, 4, 4]], NASTY["rle"][0]]))
    coco.save(tmp_path / "a", first)
    coco.save(tmp_path / "b", coco.load(tmp_path / "a"))

    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["labels.csv", "test.json", "train.json", "valid.json"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_box_and_area_are_those_of_the_object():
    overlapping = [[0, 0, 4, 0, 4, 4, 0, 4], [2, 2, 6, 2, 6, 6, 2, 6]]
    (one, two), *_ = (
        split["annotations"]
        for split in coco.to_coco(coco.from_coco(of([overlapping, NASTY["rle"][0]]))).values()
    )

    assert (one["bbox"], one["area"]) == ([0, 0, 6, 6], 28)
    assert (two["bbox"], two["area"]) == ([2, 3, 5, 4], 20)


@pytest.mark.parametrize("change", [
    lambda train: train.pop("images"),
    lambda train: train["images"][0].pop("stem"),
    lambda train: train["annotations"][0].update(segmentation=[["x"] * 6]),
    lambda train: train["annotations"][0].update(image_id=9),
], ids=["no images", "no stem", "text for numbers", "unknown image"])  # fmt: skip
def test_a_foreign_file_is_refused_with_the_cure(tmp_path, change):
    contents = of([[[0, 0, 4, 0, 4, 4]]])
    change(contents["train"])
    for split, said in contents.items():
        (tmp_path / f"{split}.json").write_text(json.dumps(said))

    with pytest.raises(TableError, match="run validate"):
        coco.load(tmp_path)


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
        coco.read({"train": ("train/a.json", said)})


def test_one_unreadable_split_is_a_row_and_the_others_are_read():
    sound = json.dumps(content(3)).encode()
    export = coco.read({"train": ("train/a.json", sound), "valid": ("valid/a.json", b'{"a"')})

    assert len(export.images) == 3
    row = export.issues.iloc[0]
    assert (row["split"], row["code"], row["value"]) == ("valid", "json_unreadable", 4)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_other_encodings_and_nan_are_read(encoding):
    said = json.dumps({**content(1), "extra": [float("nan"), float("inf")]}).encode(encoding)
    export = coco.read({"train": ("train/a.json", said)})

    assert len(export.annotations) == 1
    assert not len(export.issues)


@pytest.mark.parametrize("said", [b"[]", b"7", b"{}", b'{"images": 3, "annotations": {}}'])
def test_missing_lists_are_rows(said):
    export = coco.read({"train": ("train/a.json", said)})

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
anything = st.fixed_dictionaries({}, optional=dict.fromkeys(coco.LISTS, lists)) | values


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

    export = coco.read({"train": ("train/a.json", said)})

    for key, fields in coco.LISTS.items():
        listed = plain.get(key) if isinstance(plain, dict) else None
        listed = listed if isinstance(listed, list) else []
        known = [one if isinstance(one, dict) else {} for one in listed]
        frame = getattr(export, key)
        assert len(frame) == len(known)
        for column, name in {"export_id": "id", **{name: name for name in fields}}.items():
            read = [coco.segmentation(one) for one in frame[column].tolist()]
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
    export = coco.read({"train": ("train/a.json", content)})

    (found,) = map(coco.segmentation, export.annotations["segmentation"])
    assert found == read or (read is None and found[0] != found[0])


def test_an_outline_whose_text_is_no_unicode_makes_the_file_unreadable():
    content = b'{"annotations": [{"segmentation": {"counts": "\xff"}}]}'
    with pytest.raises(ExportError, match=f"byte {content.index(255)}"):
        coco.read({"train": ("train/a.json", content)})
