import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import likeness
from pipeline.likeness import Likeness

EVERY = np.arange(3)


def gradients(seed, count=3):
    """Cells of length 1 or 0, as pictures have them."""
    found = np.random.default_rng(seed).random((count, 64, 9), np.float32) ** 4
    found /= np.linalg.norm(found, axis=2, keepdims=True)
    return found


def test_likeness_is_the_cosine_of_what_both_pictures_show():
    cells = gradients(0)
    cells[0, :20], cells[1, 30:40] = 0, 0

    alike = Likeness(cells)(EVERY, EVERY)

    both = np.r_[20:30, 40:64]
    one, other = (part[both] - part[both].mean(axis=1, keepdims=True) for part in cells[:2])
    expected = (one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum())
    assert alike[0, 1] == pytest.approx(expected, abs=2e-3)
    assert (np.diag(alike) == -1).all()


def test_a_picture_is_wholly_like_its_copy():
    assert Likeness(gradients(1)[[0, 0]])(EVERY[:1], EVERY[1:2])[0, 0] == 1


def test_pictures_that_people_hide_are_like_nothing():
    cells = gradients(2)
    cells[0, :30], cells[1, 30:60] = 0, 0  # 4 cells of 64 in common

    assert Likeness(cells)(EVERY, EVERY)[0, 1] == 0


@given(st.integers(0, 9), st.integers(2, 40))
def test_the_likeness_of_two_is_the_same_to_the_bit_whoever_else_is_asked_for(seed, count):
    cells = gradients(seed, count)
    cells[np.random.default_rng(seed).random((count, 64)) < 0.3] = 0
    alike, rows = Likeness(cells), np.arange(count)

    whole = alike(rows, rows)

    assert whole.tobytes() == whole.T.tobytes()
    for row in (0, count - 1):
        alone = np.hstack([alike(rows[row : row + 1], rows[at : at + 1]) for at in range(count)])
        assert alone.tobytes() == whole[row].tobytes()


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=64),
    st.integers(1, 4),
    st.sampled_from([1, 3, 8, 99]),
)
def test_the_likest_are_those_of_the_sorted_row_in_blocks_of_any_size(levels, count, together):
    size = int(np.sqrt(len(levels)))
    matrix = np.float32(levels[: size * size]).reshape(size, size)
    matrix = matrix + matrix.T  # with many equal ones
    np.fill_diagonal(matrix, -1)
    rows = np.arange(size) + 5  # not all photos are looked at

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(likeness, "TOGETHER", together)
        near, values = likeness.likest(
            lambda some, others: matrix[np.ix_(some - 5, others - 5)], rows, count
        )

    order = np.argsort(-matrix, axis=1, kind="stable")[:, :count]
    there = min(count, size)
    assert (near[:, :there] == rows[order]).all()
    assert (values[:, :there] == np.take_along_axis(matrix, order, axis=1)).all()
    assert (near[:, there:] == -1).all()
    assert np.isneginf(values[:, there:]).all()


def places(seed, count=240, kinds=12):
    """Cells of photos of so many places, each seen in its own way and partly hidden."""
    rng = np.random.default_rng(seed)
    grounds = rng.random((kinds, 64, 9), np.float32) ** 4
    cells = grounds[np.arange(count) % kinds] * (0.5 + rng.random((count, 64, 9), np.float32))
    cells /= np.linalg.norm(cells, axis=2, keepdims=True)
    cells[rng.random((count, 64)) < 0.2] = 0
    return cells


@pytest.mark.parametrize("seed", range(4))
def test_of_many_photos_nearly_all_the_likest_are_found_by_lists(monkeypatch, seed):
    alike, rows = Likeness(places(seed)), np.arange(240)
    near, values = likeness.likest(alike, rows, 3)

    monkeypatch.setattr(likeness, "EXACT", 0)
    monkeypatch.setattr(likeness, "TOGETHER", 50)
    found, how = likeness.likest(alike, rows, 3)

    same = (near[:, :, None] == found[:, None]).any(axis=2)
    assert same.mean() >= 0.9
    assert (found % 12 == rows[:, None] % 12).all()  # never another place
    assert (how <= values).all()


@given(st.integers(0, 9), st.integers(1, 60), st.sampled_from([2, 7, 99]))
def test_what_is_found_by_lists_is_ranked_exactly_and_each_photo_once(seed, count, together):
    cells = gradients(seed, count)
    cells[np.random.default_rng(seed).random((count, 64)) < 0.3] = 0
    alike, rows = Likeness(cells), np.arange(count)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(likeness, "EXACT", 0)
        patch.setattr(likeness, "TOGETHER", together)
        near, values = likeness.likest(alike, rows, 3)

    whole = alike(rows, rows)
    for row in range(count):
        there = near[row][near[row] >= 0]
        assert len(set(there.tolist())) == len(there)
        np.testing.assert_array_equal(whole[row, there], values[row][: len(there)])
        ranks = sorted(zip((-values[row][: len(there)]).tolist(), there.tolist(), strict=True))
        assert [one for _, one in ranks] == there.tolist()
        assert np.isneginf(values[row][len(there) :]).all()
