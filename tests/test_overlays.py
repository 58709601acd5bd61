"""The see-through picture of truth, prediction and difference."""

import struct
import zlib

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline import masks, overlays
from pipeline.pictures import PREDICTED, TRUTH


def decoded(content):
    """RGBA pixels of a palette PNG, read by the format's own rules without a library of ours."""
    width, height, depth = struct.unpack(">IIB", content[16:25])
    chunks, place = {}, 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        kind, body = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        assert (
            zlib.crc32(kind + body)
            == struct.unpack(">I", content[place + 8 + length : place + 12 + length])[0]
        )
        chunks[kind], place = body, place + 12 + length
    stride = -(-width * depth // 8)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + stride)
    assert not lines[:, 0].any()
    bits = np.unpackbits(lines[:, 1:], axis=1)[:, : width * depth].reshape(height, width, depth)
    places = bits @ (1 << np.arange(depth)[::-1])
    palette = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    clear = np.full(len(palette), 255, np.uint8)
    clear[: len(chunks[b"tRNS"])] = np.frombuffer(chunks[b"tRNS"], np.uint8)
    return np.dstack([palette[places], clear[places]])


small = arrays(np.uint8, (9, 11), elements=st.integers(0, 9), fill=st.just(0))


@given(small, small)
def test_the_bands_show_where_each_mask_is_and_where_they_differ(truth, predicted):
    seen = decoded(overlays.png(overlays.bands(truth, predicted), single=False))
    one, other, fault = np.split(seen, 3)
    colours = masks.palette()

    for mask, band in ((truth, one), (predicted, other)):
        assert ((band[..., 3] > 0) == (mask > 0)).all()
        assert (band[mask > 0, :3] == colours[mask[mask > 0]]).all()
    assert ((fault[..., 3] > 0) == (truth != predicted)).all()
    assert (fault[(truth > 0) & (predicted == 0), :3] == TRUTH).all()
    assert (fault[(truth == 0) & (predicted > 0), :3] == PREDICTED).all()


@given(small, small)
def test_with_one_category_truth_and_prediction_have_the_colours_of_their_roles(truth, predicted):
    truth, predicted = np.minimum(truth, 1), np.minimum(predicted, 1)
    one, other, _ = np.split(
        decoded(overlays.png(overlays.bands(truth, predicted), single=True)), 3
    )

    assert (one[truth > 0, :3] == TRUTH).all()
    assert (other[predicted > 0, :3] == PREDICTED).all()


def test_a_browser_and_another_library_read_the_same_picture(tmp_path):
    truth = np.zeros((12, 20), np.uint8)
    truth[2:9, 3:14] = 1
    content = overlays.png(overlays.bands(truth, np.roll(truth, 2)), single=True)
    bgra = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)

    assert (bgra[..., [2, 1, 0, 3]] == decoded(content)).all()
