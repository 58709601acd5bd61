import contextlib
import io
import stat
import struct
import unicodedata
import warnings
import zipfile
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import archive, names
from pipeline.errors import PullError

LIMIT = 1_000_000  # bytes


def packed(members, **options):
    """The bytes of a zip of (name, content) pairs."""
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w", **options) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of duplicate names
        for name, content in members:
            opened.writestr(name, content)
    return text.getvalue()


def unpacked(tmp_path, content, limit=LIMIT):
    """Name -> content of what is unpacked, and a check that nothing else was written."""
    (tmp_path / "export.zip").write_bytes(content)
    archive.unpack(tmp_path / "export.zip", tmp_path / "box" / "in", limit)
    assert {path.name for path in (tmp_path / "box").iterdir()} == {"in"}
    root = tmp_path / "box" / "in"
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def refusal(tmp_path, content, limit=LIMIT):
    with pytest.raises(PullError) as caught:
        unpacked(tmp_path, content, limit)
    assert "\n" not in str(caught.value)
    outside = {path.name for path in tmp_path.iterdir()}
    assert outside <= {"export.zip", "box"}
    return str(caught.value)


def info(name, mode=0, flags=0):
    member = zipfile.ZipInfo(name)
    member.external_attr = mode << 16
    member.flag_bits |= flags
    return member


@given(
    files=st.dictionaries(
        st.text("abcđêề雪.-_ ", min_size=1, max_size=20).filter(lambda name: name.strip(". ")),
        st.binary(max_size=300),
        max_size=5,
    ),
    compression=st.sampled_from(
        [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    ),
)
@settings(deadline=None, max_examples=40)
def test_unpacking_gives_back_the_bytes_that_were_packed(tmp_path_factory, files, compression):
    files = {f"train/{name}": content for name, content in files.items()} | {"x": b"y"}
    content = packed(files.items(), compression=compression)

    expected = {name: text for name, text in files.items() if "/._" not in name}
    assert unpacked(tmp_path_factory.mktemp("zip"), content) == expected


def test_folders_of_windows_are_folders(tmp_path):
    content = packed([("train\\images\\a.jpg", b"a"), ("train\\", b"")])

    assert unpacked(tmp_path, content) == {"train/images/a.jpg": b"a"}


def test_litter_of_macos_and_windows_is_left_out(tmp_path):
    litter = ["__MACOSX/train/._a.jpg", "train/.DS_Store", "train/._a.jpg", "train/Thumbs.db"]

    found = unpacked(tmp_path, packed([(name, b"?") for name in [*litter, "train/a.jpg"]]))

    assert found == {"train/a.jpg": b"?"}


def test_names_that_are_utf_8_without_saying_so_are_read_as_utf_8(tmp_path):
    name = unicodedata.normalize("NFD", "ảnh.jpg")  # as macOS packs it
    content = packed([(name, b"a")]).replace(b"PK\x03\x04\x14\x00\x00\x08", b"PK\x03\x04\x14\0\0\0")
    content = content.replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x08", b"PK\x01\x02\x14\x03\x14\0\0\0"
    )
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() != [name]

    assert unpacked(tmp_path, content) == {name: b"a"}


@pytest.mark.parametrize("letter", ["a", "ờ", "雪"])
def test_a_name_too_long_for_a_disk_is_shortened_as_readers_of_the_json_can(tmp_path, letter):
    name = letter * 300 + ".jpg"

    found = unpacked(tmp_path, packed([(f"train/{name}", b"a")]))

    assert found == {f"train/{names.on_disk(name)}": b"a"}


@given(name=st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1))
def test_names_that_fit_are_kept_and_others_are_made_to_fit_once_and_for_all(name):
    for text in (name, name * 60):
        short = names.on_disk(text)

        assert len(short.encode()) <= 255
        assert (short == text) == (len(text.encode()) <= 255)
        assert names.on_disk(short) == short


def test_two_long_names_that_differ_at_the_end_stay_two():
    first, second = "a" * 300 + "1.jpg", "a" * 300 + "2.jpg"

    assert names.on_disk(first) != names.on_disk(second)
    assert PurePosixPath(names.on_disk(first)).suffix == ".jpg"


def test_a_file_that_is_there_twice_with_one_content_is_unpacked_once(tmp_path):
    content = packed([("train/a.jpg", b"a"), ("train/a.jpg", b"a")])

    assert unpacked(tmp_path, content) == {"train/a.jpg": b"a"}


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("../a.jpg", b"a")], "leads outside"),
        ([("train/../../a.jpg", b"a")], "leads outside"),
        ([("..\\a.jpg", b"a")], "leads outside"),
        ([("/etc/a.jpg", b"a")], "leads outside"),
        ([("C:\\a.jpg", b"a")], "leads outside"),
        ([("../", b"")], "leads outside"),
        ([(info("train/a.jpg", stat.S_IFLNK | 0o777), b"/etc/passwd")], "a link"),
        ([(info("train/a.jpg", stat.S_IFIFO | 0o777), b"")], "a link or a device"),
        ([("a.jpg", b"a"), ("a.jpg", b"b")], "twice, with different content"),
        ([("a.jpg", b"a"), ("a.jpg/b.jpg", b"b")], "both a file and a folder"),
        ([("a/b.jpg", b"a"), ("a", b"b")], "both a file and a folder"),
        ([], "empty zip"),
        ([("__MACOSX/._a", b"a")], "empty zip"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value)[:60],
)
def test_a_zip_that_no_export_ever_is_is_refused_with_one_line(tmp_path, members, said):
    assert said in refusal(tmp_path, packed(members))


def test_an_encrypted_zip_is_refused(tmp_path):
    content = bytearray(packed([("a.jpg", b"a")]))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert "encrypted" in refusal(tmp_path, bytes(content))


def test_a_compression_that_cannot_be_read_is_named_as_the_cause(tmp_path):
    content = bytearray(packed([("a.jpg", b"a")]))
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 9  # deflate64, which Windows writes

    assert "compressed in a way that cannot be read" in refusal(tmp_path, bytes(content))


def test_a_zip_that_declares_more_than_the_limit_is_refused_before_anything_is_written(tmp_path):
    said = refusal(tmp_path, packed([("a", b"a" * 600), ("b", b"b" * 600)]), limit=1000)

    assert "more than 1e-06 GB" in said
    assert "pull.unpacked_at_most" in said
    assert not list(tmp_path.rglob("a"))


def test_a_bomb_that_lies_about_its_size_never_writes_more_than_the_limit(tmp_path):
    content = packed([("bomb", bytes(5_000_000))], compression=zipfile.ZIP_DEFLATED)
    content = content.replace(struct.pack("<I", 5_000_000), struct.pack("<I", 50_000))

    refusal(tmp_path, content, limit=100_000)

    assert sum(path.stat().st_size for path in (tmp_path / "box").rglob("*")) <= 100_000 + 4096


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><p>expired", "HTML"),
        (b'{"error": 1}', "JSON"),
        (b"7z\xbc\xaf\x27\x1c....", "a 7z archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"\x1f\x8b\x08....", "a gzip archive"),
        (b"hello", "damaged or truncated"),
    ],
)
def test_what_is_no_zip_is_named_for_what_it_is(tmp_path, content, said):
    assert said in refusal(tmp_path, content)


WHOLE = packed(
    [("train/a.jpg", bytes(range(256)) * 8), ("train/b.jpg", b"b" * 900)],
    compression=zipfile.ZIP_DEFLATED,
)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_zip_is_refused(tmp_path, kept):
    assert "damaged or truncated" in refusal(tmp_path, WHOLE[: int(len(WHOLE) * kept)])


@given(place=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255))
@settings(deadline=None, max_examples=300)
def test_a_zip_with_one_byte_changed_is_refused_or_gives_whole_files(
    tmp_path_factory, place, value
):
    damaged = bytearray(WHOLE)
    damaged[place] = value

    with contextlib.suppress(PullError):
        found = unpacked(tmp_path_factory.mktemp("zip"), bytes(damaged))

        assert set(found.values()) <= {bytes(range(256)) * 8, b"b" * 900}
