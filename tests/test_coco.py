import json

import pytest
from exports import NASTY
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline import coco, rle
from pipeline.errors import TableError

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
