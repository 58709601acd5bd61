"""Which photos are the same picture as another one, and which nearly are."""

import numpy as np

from pipeline.images import TILES, mirrored

SHORT = 20  # bits of 63; pairs further apart are not compared cell by cell
BLOCK = 1 << 12  # pairs compared at once, 1 MB a picture's side


def nearest(codes: list[int], tiles: np.ndarray, within: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how near each photo's likest others are, straight or mirrored.

    A copy keeps every cell of a picture through another compression or size; another frame of a
    burst, a brighter version or a crop does not, but keeps most of the hash.

    Args:
        codes: a hash a photo, as ``images.perceptual_hash``.
        tiles: ``(N, TILES, TILES)`` uint8, as ``images.tiles``.
        within: grey levels; photos all of whose cells differ by no more are the same picture.

    Returns:
        ``(N,)`` float64 each: the largest difference of a cell from the likest other photo, grey
        levels 0..255, NaN where no other's hash is within ``SHORT`` bits; and the fewest bits in
        which another photo's hash differs that is not the same picture, 0..64, 64 where there is
        no other.
    """
    straight = np.array(codes, dtype=np.uint64)
    turned = straight ^ np.uint64(mirrored(0))
    cells = tiles.reshape(len(codes), TILES, TILES).astype(np.int16)
    levels, fewest = np.full(len(codes), np.nan), np.full(len(codes), 64.0)
    for row in range(len(codes) - 1):
        others = np.arange(row + 1, len(codes))
        bits = np.minimum(
            np.bitwise_count(straight[row] ^ straight[others]),
            np.bitwise_count(straight[row] ^ turned[others]),
        ).astype(np.float64)
        near = np.flatnonzero(bits <= SHORT)
        away = _differences(cells[row], cells, others[near])
        levels[others[near]] = np.fmin(levels[others[near]], away)
        levels[row] = np.fmin.reduce(away, initial=levels[row])
        bits[near[away <= within]] = 64
        fewest[row] = min(fewest[row], bits.min())
        fewest[others] = np.minimum(fewest[others], bits)
    return levels, fewest


def _differences(one: np.ndarray, cells: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the largest difference of a cell from each of the others, the likelier way round."""
    found = [np.empty(0)]
    for start in range(0, len(others), BLOCK):
        theirs = cells[others[start : start + BLOCK]]
        ways = [np.abs(theirs - way).max(axis=(1, 2)) for way in (one, one[:, ::-1])]
        found.append(np.minimum(*ways).astype(np.float64))
    return np.concatenate(found)
