import numpy as np
import pytest
import shapely
from exports import NASTY
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as cocomask

from pipeline import drawing, polygons, rle

HEIGHT, WIDTH = 16, 20


def drawn(mask):
    """A small label mask as text."""
    return ["".join(".123456789"[label] for label in row) for row in mask]


def objects(*several):
    return [drawing.Drawn(label, polygons.from_rings([rings])[0], None) for label, rings in several]


def official(rings, height=HEIGHT, width=WIDTH):
    """What pycocotools draws of an annotation."""
    encoded = cocomask.frPyObjects([list(map(float, ring)) for ring in rings], height, width)
    return cocomask.decode(cocomask.merge(encoded)).astype(bool)


def ours(rings, height=HEIGHT, width=WIDTH):
    geometry = polygons.from_rings([rings])[0]
    return drawing.object_mask(geometry, height, width)


def rings_within(low, high):
    number = st.floats(low, high, width=32) | st.integers(int(low), int(high)).map(float)
    ring = st.lists(number, min_size=6, max_size=16).map(lambda xs: xs[: len(xs) // 2 * 2])
    return st.lists(ring, min_size=1, max_size=3)


def test_a_square_covers_the_pixels_between_its_corners():
    mask = drawing.label_mask(objects((1, [[1, 1, 4, 1, 4, 4, 1, 4]])), 6, 6)

    assert drawn(mask) == [
        "......",
        ".111..",
        ".111..",
        ".111..",
        "......",
        "......",
    ]


def test_where_categories_overlap_the_smaller_object_is_seen():
    large, small = [[0, 0, 5, 0, 5, 4, 0, 4]], [[3, 1, 6, 1, 6, 3, 3, 3]]
    mask = drawing.label_mask(objects((1, large), (2, small)), 5, 6)

    assert drawn(mask) == [
        "11111.",
        "111222",
        "111222",
        "11111.",
        "......",
    ]


def test_all_parts_are_drawn_and_common_ground_stays():
    parts = [[0, 0, 3, 0, 3, 3, 0, 3], [2, 2, 5, 2, 5, 5, 2, 5]]
    mask = drawing.label_mask(objects((1, parts)), 5, 6)

    assert drawn(mask) == [
        "111...",
        "111...",
        "11111.",
        "..111.",
        "..111.",
    ]


def test_a_hole_stays_open():
    ring = shapely.Polygon([(0, 0), (5, 0), (5, 5), (0, 5)], [[(1, 1), (4, 1), (4, 4), (1, 4)]])
    mask = drawing.label_mask([drawing.Drawn(1, ring, None)], 5, 6)

    assert drawn(mask) == [
        "11111.",
        "1...1.",
        "1...1.",
        "1...1.",
        "11111.",
    ]


def test_a_mask_is_drawn_as_it_is():
    mask = np.eye(5, 6, dtype=bool)
    drawn_mask = drawing.label_mask([drawing.Drawn(3, shapely.Point(), rle.encode(mask))], 5, 6)

    np.testing.assert_array_equal(drawn_mask, 3 * mask)


@given(objects=st.permutations(range(4)))
def test_the_order_of_objects_does_not_matter(objects):
    boxes = [(0, 0, 8, 8), (4, 4, 9, 9), (2, 6, 7, 11), (6, 2, 11, 7)]  # three of one size
    several = [
        drawing.Drawn(label, shapely.box(*box), None) for label, box in enumerate(boxes, start=1)
    ]

    np.testing.assert_array_equal(
        drawing.label_mask([several[index] for index in objects], HEIGHT, WIDTH),
        drawing.label_mask(several, HEIGHT, WIDTH),
    )


@given(rings=rings_within(0, 16))
def test_any_polygon_inside_the_image_is_drawn_as_by_pycocotools(rings):
    np.testing.assert_array_equal(ours(rings), official(rings))


@given(rings=rings_within(-30, 50))
def test_a_polygon_that_leaves_the_image_is_drawn_as_by_pycocotools(rings):
    np.testing.assert_array_equal(ours(rings), official(rings))


@given(rings=rings_within(0, 600))
def test_large_polygons_are_drawn_as_by_pycocotools(rings):
    np.testing.assert_array_equal(ours(rings, 500, 601), official(rings, 500, 601))


@given(rings=rings_within(0, 8), x=st.integers(0, 11), y=st.integers(0, 7))
def test_moving_a_polygon_by_whole_pixels_moves_its_mask(rings, x, y):
    near = [[float(round(c)) for c in ring] for ring in rings]
    far = [[c + (y if i % 2 else x) for i, c in enumerate(ring)] for ring in near]

    np.testing.assert_array_equal(np.roll(ours(near), (y, x), (0, 1)), ours(far))


@pytest.mark.parametrize("name", [name for name, (rings, _) in NASTY.items() if name != "rle"])
def test_nasty_polygons_are_drawn_as_by_pycocotools(name):
    rings = [ring for ring in NASTY[name][0] if len(ring) >= 6]

    np.testing.assert_array_equal(ours(rings), official(rings) if rings else False)


@given(mask=arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_masks_go_through_rle_as_through_pycocotools(mask):
    theirs = cocomask.encode(np.asfortranarray(mask, dtype=np.uint8))
    encoded = rle.encode(mask)

    assert encoded == {"size": list(mask.shape), "counts": theirs["counts"].decode()}
    np.testing.assert_array_equal(rle.decode(encoded), mask)


@given(lengths=st.lists(st.integers(0, 2**20), min_size=1, max_size=12))
def test_run_lengths_survive_being_text(lengths):
    np.testing.assert_array_equal(rle.runs(rle.text(np.array(lengths), (sum(lengths), 1))), lengths)


@pytest.mark.parametrize("counts", ["", " ", "0é", "P", "oooooooooo1", "O5", "\x00"])
def test_broken_counts_are_refused(counts):
    with pytest.raises(ValueError, match="counts hold"):
        rle.runs(counts)


@given(mask=arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 8))))
def test_a_traced_mask_is_sound_and_covers_its_pixels(mask):
    outline = polygons.trace(mask, left=3, top=2)

    assert outline.is_valid
    assert outline.area == mask.sum()
    placed = np.pad(mask, ((2, 0), (3, 0)))
    whole = drawing.object_mask(outline, *placed.shape)
    np.testing.assert_array_equal(whole, placed)
