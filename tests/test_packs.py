"""An archive of pictures stands for their folder."""

import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import packs, store
from pipeline.errors import ImageError

ROOT = Path(__file__).parents[1]
MASK = np.eye(4, 6, dtype=np.uint8)
KILLED = """
import os, sys, signal
from pathlib import Path
from pipeline import store
def pictures():
    for number in range(9):
        if number == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        yield f"{number}.png", b"whatever"
store.write_pictures(Path(sys.argv[1]), pictures(), packed=True)
"""

names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\\0", exclude_categories=["Cc", "Cs"]),
    min_size=1, max_size=20,
)  # fmt: skip


@given(pictures=st.dictionaries(names, st.binary(max_size=300), max_size=6))
@settings(max_examples=60)
def test_what_is_packed_is_read_as_from_the_folder(tmp_path_factory, pictures):
    folder = tmp_path_factory.mktemp("packs") / "train"

    store.write_pictures(folder, pictures.items(), packed=True)

    assert list(folder.parent.iterdir()) == [folder.with_name("train.zip")]
    assert {name: store.read_picture(folder / name) for name in pictures} == pictures
    assert list(packs.members(folder)) == list(pictures)
    with zipfile.ZipFile(packs.of(folder)) as archive:  # any reader's
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == pictures


def test_the_same_pictures_give_the_same_bytes(tmp_path):
    pictures = [("b.png", b"1"), ("a.png", b"2")]
    for folder in ("one", "two"):
        store.write_pictures(tmp_path / folder, pictures, packed=True)

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_one_form_takes_the_place_of_the_other(tmp_path):
    store.write_pictures(tmp_path / "m", [("a.png", b"1"), ("b.png", b"1")], packed=False)
    store.write_pictures(tmp_path / "m", [("a.png", b"2")], packed=True)
    assert store.read_picture(tmp_path / "m/a.png") == b"2"
    assert not store.is_there(tmp_path / "m/b.png")

    store.write_pictures(tmp_path / "m", [("a.png", b"3")], packed=False)
    assert store.read_picture(tmp_path / "m/a.png") == b"3"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_file_that_is_neither_there_nor_packed_is_refused_by_name(tmp_path):
    store.write_pictures(tmp_path / "m", [("a.png", b"1")], packed=True)

    with pytest.raises(ImageError, match=r"b\.png: No such file.*run dvc repro"):
        store.read_mask(tmp_path / "m/b.png")


def test_a_new_archive_is_seen_though_the_old_one_was_read(tmp_path):
    for value in (1, 2):
        store.write_pictures(tmp_path / "m", [("a.png", bytes([value]) * value)], packed=True)
        assert store.read_picture(tmp_path / "m/a.png") == bytes([value]) * value


def test_an_archive_that_a_person_packed_anew_is_read_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", b"x" * 999)

    assert store.read_picture(tmp_path / "m/a.png") == b"x" * 999


@pytest.mark.parametrize("spoil", [
    lambda said: said[:-30],
    lambda said: said.replace(b"whatever", b"whatevex"),
    lambda said: b"",
], ids=["cut off", "a byte changed", "empty"])  # fmt: skip
def test_a_damaged_archive_is_one_line_with_the_cure(tmp_path, spoil):
    store.write_pictures(tmp_path / "m", [("a.png", b"whatever")], packed=True)
    (tmp_path / "m.zip").write_bytes(spoil((tmp_path / "m.zip").read_bytes()))

    with pytest.raises(ImageError, match=r"m\.zip .*run dvc repro$"):
        store.read_picture(tmp_path / "m/a.png")


def test_a_killed_writer_leaves_no_archive(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "train"], cwd=ROOT)

    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "train.zip").exists()
    assert not store.is_there(tmp_path / "train/1.png")
