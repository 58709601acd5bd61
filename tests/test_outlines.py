import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import outlines, polygons, reading
from pipeline.outlines import Outline

plain = st.floats(-1e6, 1e6) | st.integers(-5, 5)
odd = (
    st.none() | st.booleans() | st.text(max_size=2) | st.sampled_from([1e7, -2e6, 10**30, 10**400])
)
ring = st.lists(plain, max_size=10) | st.lists(st.integers(0, 1), min_size=6, max_size=10)
said = st.lists(ring | st.lists(plain | odd, max_size=8), max_size=3) | ring | odd
SQUARE = [2, 2, 12, 2, 12, 12, 2, 12]


def sound(value):
    """What the checks of form ask, one by one and in words of their own."""
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(ring, list) and len(ring) % 2 == 0 for ring in value)
        and all(type(one) in {int, float} and abs(one) <= 1e6 for ring in value for one in ring)
        and all(len(set(zip(ring[::2], ring[1::2], strict=True))) >= 3 for ring in value)
    )


def written(values):
    """Annotations of an export that says these outlines."""
    records = [{"segmentation": value} for value in values]
    content = json.dumps({"images": [], "annotations": records, "categories": []}).encode()
    return reading.read([("train", "train/a.json", content)]).annotations["segmentation"].tolist()


@given(values=st.lists(said, max_size=5))
@settings(max_examples=200)
def test_sound_rings_are_numbers_and_all_else_stays_as_it_is_written(values):
    found = outlines.read(written(values))

    assert len(found) == len(values)
    for one, value in zip(found, values, strict=True):
        assert isinstance(one, Outline) == sound(value)
        if isinstance(one, Outline):
            assert [ring.tolist() for ring in one.rings] == value
            assert one.closed == polygons.is_closed(value)
        else:
            assert json.dumps(one) == json.dumps(value)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_how_many_are_read_at_once_changes_nothing(monkeypatch, size):
    values = [[SQUARE], None, [SQUARE, SQUARE[:6]], [[0, 0]], {"size": [1, 1], "counts": "01"}]
    whole = outlines.read(written(values))
    monkeypatch.setattr(outlines, "AT_ONCE", size)
    parts = outlines.read(written(values))

    np.testing.assert_equal([*map(plainly, parts)], [*map(plainly, whole)])
    assert [isinstance(one, Outline) for one in whole] == [True, False, True, False, False]


def plainly(one):
    """An outline's rings, and all else as it is."""
    return one.rings if isinstance(one, Outline) else one


@pytest.mark.parametrize(
    "value",
    [
        [1, [2, 3]], [[1, 2], 3], [[], [1, 2, 3, 4, 5, 6]], [[[1, 2, 3, 4, 5, 6]]], [], [[]],
        [[1, 2, 3, 4, 5, True]], [[1, 2, 3, 4, 5, "]["]], {"size": [[1, 2], [3, 4]]},
        [SQUARE[:7]], [SQUARE[:2]], [[2**63, 2, 12, 2, 12, 12]], [[10**30, 2, 12, 2, 12, 12]],
        [[2**53 + 1, 2, 12, 2, 12, 12]],
    ],
    ids=str,
)  # fmt: skip
def test_an_odd_one_among_sound_ones_takes_none_of_their_numbers(value):
    whole = outlines.read(written([[SQUARE], value, [SQUARE, SQUARE[:6]]]))

    assert [ring.tolist() for ring in whole[0].rings] == [SQUARE]
    assert json.dumps(whole[1]) == json.dumps(value)
    assert [ring.tolist() for ring in whole[2].rings] == [SQUARE, SQUARE[:6]]


@given(
    st.lists(
        st.lists(
            st.lists(st.floats(-1e6, 1e6, allow_subnormal=True), min_size=6, max_size=6),
            min_size=1, max_size=2,
        ), min_size=1, max_size=4,
    ),
    st.sampled_from([None, 0, 1]),
)  # fmt: skip
def test_numbers_are_those_that_python_reads(values, indent):
    text = json.dumps([{"segmentation": value} for value in values], indent=indent)
    content = f'{{"images": [], "annotations": {text}, "categories": []}}'.encode()
    export = reading.read([("train", "train/a.json", content)])

    for one, value in zip(
        outlines.read(export.annotations["segmentation"].tolist()), values, strict=True
    ):
        if isinstance(one, Outline):
            assert [ring.tolist() for ring in one.rings] == value
        else:
            assert not sound(value)
