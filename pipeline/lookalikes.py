"""Which photos are the same picture as another one, and which nearly are."""

from collections.abc import Callable, Iterable
from threading import Lock

import cv2
import numpy as np

from pipeline.images import TILES, mirrored

SHORT = 20  # bits of 63; pairs further apart are not compared cell by cell
TOGETHER = 1 << 10  # photos whose hashes are compared with as many others' at once, 8 MB
PAIRS = 1 << 12  # whose cells are compared at once, 1 MB


Each = Callable[[Callable, list], Iterable]  # as ``map``


def nearest(
    codes: list[int], tiles: np.ndarray, within: float, each: Each = map
) -> tuple[np.ndarray, np.ndarray]:
    """Return how near each photo's likest others are, straight or mirrored.

    A copy keeps every cell of a picture through another compression or size; another frame of a
    burst, a brighter version or a crop does not, but keeps most of the hash.

    Args:
        codes: a hash a photo, as ``images.perceptual_hash``.
        tiles: ``(N, TILES, TILES)`` uint8, as ``images.tiles``.
        within: grey levels; photos all of whose cells differ by no more are the same picture.
        each: how to go through blocks of photos, as ``map`` does, perhaps on several threads.

    Returns:
        ``(N,)`` float64 each: the largest difference of a cell from the likest other photo, grey
        levels 0..255, NaN where no other's hash is within ``SHORT`` bits; and the fewest bits in
        which another photo's hash differs that is not the same picture, 0..64, 64 where there is
        no other.
    """
    straight = np.array(codes, dtype=np.uint64)
    turned = straight ^ np.uint64(mirrored(0))
    cells = tiles.reshape(len(codes), TILES * TILES)
    across = tiles.reshape(len(codes), TILES, TILES)[:, :, ::-1].reshape(cells.shape)
    levels, fewest = np.full(len(codes), np.nan), np.full(len(codes), 64, np.uint8)
    blocks = [slice(first, first + TOGETHER) for first in range(0, len(codes), TOGETHER)]
    writing = Lock()

    def compare(place: int) -> None:
        rows = blocks[place]
        for columns in blocks[place:]:
            bits = np.minimum(
                np.bitwise_count(straight[rows, None] ^ straight[columns]),
                np.bitwise_count(straight[rows, None] ^ turned[columns]),
            )
            if rows == columns:
                bits[np.tri(len(bits), dtype=bool)] = 64  # a photo itself, and pairs seen already
            near = np.argwhere(bits <= SHORT)
            one, other = near[:, 0] + rows.start, near[:, 1] + columns.start
            away = np.minimum(_apart(cells, cells, one, other), _apart(cells, across, one, other))
            bits[tuple(near[away <= within].T)] = 64
            across_rows, down_columns = bits.min(axis=1), bits.min(axis=0)
            with writing:
                np.fmin.at(levels, one, away)
                np.fmin.at(levels, other, away)
                np.minimum(fewest[rows], across_rows, out=fewest[rows])
                np.minimum(fewest[columns], down_columns, out=fewest[columns])

    list(each(compare, list(range(len(blocks)))))
    return levels, fewest.astype(np.float64)


def _apart(cells: np.ndarray, others: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the largest difference of a cell in each pair of pictures, grey levels."""
    found = np.empty(len(one))
    for start in range(0, len(one), PAIRS):
        some = slice(start, start + PAIRS)
        found[some] = cv2.absdiff(cells[one[some]], others[other[some]]).max(axis=1)
    return found
