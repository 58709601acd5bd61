"""EXIF's turn is taken back, and nothing else is touched; judged by Pillow."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.upright import unturned

NOISE = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
LITTLE = b"II*\0\x08\0\0\0\x02\0\x0f\1\2\0\4\0\0\0abc\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
BIG = b"MM\0*\0\0\0\x08\0\2\1\x0f\0\2\0\0\0\4abc\0\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"


def picture(kind, exif=None):
    buffer = BytesIO()
    Image.fromarray(NOISE).save(buffer, kind, **({"exif": exif} if exif else {}))
    return buffer.getvalue()


def read(content):
    with Image.open(BytesIO(content)) as image:
        image.load()
        return np.array(image), dict(image.getexif())


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_the_turn_is_taken_back_and_all_else_is_as_it_was(kind, order):
    before = picture(kind, b"Exif\0\0" + {"little": LITTLE, "big": BIG}[order])
    pixels, told = read(before)
    after = unturned(before)

    assert told[0x0112] == 6
    assert read(after)[1] == {**told, 0x0112: 1}
    np.testing.assert_array_equal(read(after)[0], pixels)
    changed = sum(one != other for one, other in zip(before, after, strict=True))
    assert changed <= (1 if kind == "JPEG" else 5)  # a PNG's chunk has a checksum of four bytes
    assert unturned(after) == after


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
def test_a_picture_without_a_turn_keeps_its_bytes(kind):
    assert unturned(picture(kind)) == picture(kind)


@given(cut=st.integers(0, 400), flip=st.integers(0, 120), kind=st.sampled_from(["JPEG", "PNG"]))
@settings(max_examples=60)
def test_a_damaged_picture_is_survived_and_keeps_its_length(cut, flip, kind):
    content = bytearray(picture(kind, b"Exif\0\0" + LITTLE)[:cut])
    if flip < len(content):
        content[flip] ^= 0xFF

    assert len(unturned(bytes(content))) == len(content)
