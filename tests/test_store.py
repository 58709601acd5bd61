import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from pipeline import store, tables
from pipeline.errors import ImageError, TableError


def _issue(**changed):
    row = {"split": "train", "image_id": 3, "file_name": "a.jpg", "annotation_id": pd.NA}
    row |= {"code": "x", "severity": "info", "value": float("nan"), "limit": 0.5, "action": "kept"}
    return row | changed


@pytest.mark.parametrize(
    "file_name",
    ["NA", "null", "", 'quote".jpg', "comma,.jpg", "ảnh số 1.jpg", "line\nbreak.jpg"],
)
def test_a_table_reads_back_as_it_was_written(tmp_path, file_name):
    frame = tables.ISSUES.frame([_issue(file_name=file_name), _issue(annotation_id=7, value=2.0)])

    store.write_table(tmp_path / "issues.csv", frame, tables.ISSUES)

    back = store.read_table(tmp_path / "issues.csv", tables.ISSUES)
    pd.testing.assert_frame_equal(back, frame)


def test_an_empty_table_keeps_its_types(tmp_path):
    store.write_table(tmp_path / "issues.csv", tables.ISSUES.empty(), tables.ISSUES)

    back = store.read_table(tmp_path / "issues.csv", tables.ISSUES)
    pd.testing.assert_frame_equal(back, tables.ISSUES.empty())


def test_further_columns_follow_the_promised_ones(tmp_path):
    frame = pd.DataFrame(
        {"far": [True], "split": ["test"], "file_name": ["a"], "width": [4], "height": [3]}
    ).assign(place="pier")

    store.write_table(tmp_path / "images.csv", frame, tables.MEASURED)

    back = store.read_table(tmp_path / "images.csv", tables.MEASURED)
    assert list(back) == [*tables.MEASURED, "far"]
    assert back["far"].dtype == bool


def test_a_table_without_a_promised_column_is_refused(tmp_path):
    (tmp_path / "tags.csv").write_text("tag,images\nfar,3\n")

    with pytest.raises(TableError, match="lacks share, train, valid, test"):
        store.read_table(tmp_path / "tags.csv", tables.TAGS)


def test_a_table_that_is_not_there_says_what_to_run(tmp_path):
    with pytest.raises(TableError, match="run dvc repro"):
        store.read_table(tmp_path / "tags.csv", tables.TAGS)


@pytest.mark.parametrize("size", [1, 2, 5, 99])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_records_that_are_written_in_parts_are_the_same_bytes(tmp_path, size, count):
    rows = [{"b": [[n, 2.5], []], "a": {"ä": [n], "z": {}}, "c": None} for n in range(count)]
    lists = {"rows": rows, "none": [], "two": [{"id": 1}, {}]}
    parts = {
        name: [whole[first : first + size] for first in range(0, len(whole), size)]
        for name, whole in lists.items()
    }
    store.write_records(tmp_path / "parts" / "a.json", parts)
    store.write_json(tmp_path / "b.json", lists)

    assert (tmp_path / "parts" / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["a.json"]


def test_json_is_written_sorted_and_reads_back(tmp_path):
    store.write_json(tmp_path / "a.json", {"b": [1, 2.5], "a": "ä"})

    assert (tmp_path / "a.json").read_text().index('"a"') < 10
    assert store.read_json(tmp_path / "a.json") == {"a": "ä", "b": [1, 2.5]}


@given(mask=arrays(np.uint8, (5, 9), elements=st.integers(0, 255)))
def test_a_mask_reads_back_exactly(tmp_path_factory, mask):
    path = tmp_path_factory.mktemp("masks") / "m.png"

    store.write_mask(path, mask)

    np.testing.assert_array_equal(store.read_mask(path), mask)


def test_a_mask_file_shows_colours_to_people(tmp_path):
    store.write_mask(tmp_path / "m.png", np.array([[0, 1]], np.uint8))

    shown = np.array(Image.open(tmp_path / "m.png").convert("RGB"))
    assert shown[0, 0].tolist() == [0, 0, 0]
    assert shown[0, 1].max() > 100


def test_a_colour_picture_is_no_mask(tmp_path):
    store.write_image(tmp_path / "m.png", np.zeros((2, 2, 3), np.uint8))

    with pytest.raises(ImageError, match="mode RGB"):
        store.read_mask(tmp_path / "m.png")


def test_a_picture_reads_back_exactly_as_png_and_nearly_as_jpeg(tmp_path):
    smooth = np.tile(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], (48, 1, 3))
    smooth[..., 1] //= 2  # the colours must not be swapped

    for name, limit in (("a.png", 0), ("a.jpg", 6)):
        store.write_image(tmp_path / name, smooth)
        back = store.read_image(tmp_path / name).astype(int)
        assert np.abs(back - smooth).max() <= limit


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "I;16"])
def test_every_kind_of_picture_comes_as_rgb(tmp_path, mode):
    name = "a.jpg" if mode == "CMYK" else "a.png"
    Image.new(mode, (6, 4)).save(tmp_path / name)

    image = store.read_image(tmp_path / name)

    assert image.shape == (4, 6, 3)
    assert image.dtype == np.uint8


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0broken"])
def test_what_is_no_picture_is_refused_by_name(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)

    with pytest.raises(ImageError, match=r"a\.jpg"):
        store.read_image(tmp_path / "a.jpg")


def test_a_photo_is_turned_upright_as_its_camera_says(tmp_path):
    image = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn 90 degrees clockwise to see it upright
    image.save(tmp_path / "a.png", exif=exif)

    upright = store.read_photo(tmp_path / "a.png")

    np.testing.assert_array_equal(upright, np.rot90(np.array(image), -1))


def test_a_killed_write_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))

    with pytest.raises(KeyboardInterrupt):
        store.write_bytes(tmp_path / "a.csv", b"half")

    assert not (tmp_path / "a.csv").exists()
