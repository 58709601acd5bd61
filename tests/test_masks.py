from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from pipeline import masks
from pipeline.errors import MaskError


@st.composite
def any_masks(draw):
    """Masks of every depth and width, as they come from drawing, cutting and turning."""
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 21)))
    top = draw(st.sampled_from([0, 1, 2, 3, 4, 15, 16, 255]))
    mask = draw(arrays(np.uint8, size, elements=st.integers(0, top)))
    return draw(st.sampled_from([mask, mask.T, mask[::-1], mask[:, ::2]]))


@given(mask=any_masks())
def test_a_mask_file_holds_the_labels_for_pillow_and_the_colours_for_opencv(mask):
    content = masks.encode(mask)

    with Image.open(BytesIO(content)) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.array(image), mask)
    shown = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(shown, masks.palette()[mask])


@pytest.mark.parametrize(("top", "bits"), [(0, 1), (1, 1), (3, 2), (4, 4), (15, 4), (16, 8)])
def test_a_pixel_has_as_many_bits_as_the_highest_label_needs(top, bits):
    content = masks.encode(np.array([[0, top]], np.uint8))

    assert content[24] == bits  # after the signature, the first chunk's head, width and height


@pytest.mark.parametrize("mask", [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.int64)])
def test_what_is_no_label_mask_is_not_written(mask):
    with pytest.raises(MaskError, match="uint8 labels"):
        masks.encode(mask)
