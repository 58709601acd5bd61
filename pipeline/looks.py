"""Which perceptual hashes are near each other, found without comparing all with all."""

from collections.abc import Iterator
from functools import lru_cache, reduce

import numpy as np

from pipeline.images import mirrored

BITS = 64
PIECES_MOST = 16  # of a hash; pieces of fewer than four bits hardly part anything
BLOCK = 1 << 20  # pairs that are compared at once, 8 MB an array


def near(codes: np.ndarray, below: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the pairs of hashes, straight or one of them mirrored, that differ in few bits.

    Two hashes that differ in fewer than k bits agree wholly in one of k pieces, so only those that
    share a piece are compared: the pigeonhole principle, as in multi-index hashing. Pairs come in
    blocks, and may come again in another: of frames of one camera nearly every pair is near, and
    all of them at once would fill the memory.

    Args:
        codes: ``(N,)`` uint64, all different, as ``images.perceptual_hash`` gives them.
        below: 0..64, pairs differ in fewer bits.

    Yields:
        First and second index, the first the lower, ``(M,)`` int64, and the bits in which they
        differ, ``(M,)`` int64; in an order that ``codes`` alone decides.

    Source:
        Norouzi et al., "Fast search in Hamming space with multi-index hashing", CVPR 2012.
    """
    content = np.asarray(codes, dtype=np.uint64).tobytes()
    return iter(_few(content, below) or _blocks(content, below))


@lru_cache(maxsize=1)  # several checks ask for the same pairs
def _few(content: bytes, below: int) -> tuple | None:
    """Return the blocks of pairs, or nothing if there are too many to hold."""
    found, total = [], 0
    for block in _blocks(content, below):
        found.append(block)
        total += len(block[0])
        if total > BLOCK:
            return None
    return tuple(found)


def _blocks(content: bytes, below: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    codes = np.frombuffer(content, np.uint64)
    turned = codes ^ np.uint64(mirrored(0))
    for piece in _pieces(below):
        for others in (codes, turned):
            for one, other in _sharing(codes & piece, others & piece):
                straight = np.bitwise_count(codes[one] ^ codes[other])
                bits = np.minimum(straight, np.bitwise_count(codes[one] ^ turned[other]))
                close = np.flatnonzero(bits < below)
                yield one[close], other[close], bits[close].astype(np.int64)


def _pieces(below: int) -> list[np.uint64]:
    """Return masks of bits; each bit lies in one. Neighbouring bits, which agree often, do not."""
    if below < 1:
        return []
    count = below if below <= PIECES_MOST else 1
    if count == 1:
        return [np.uint64(0)] if below > 1 else [np.uint64(2**BITS - 1)]
    return [
        np.uint64(reduce(int.__or__, (1 << bit for bit in range(piece, BITS, count))))
        for piece in range(count)
    ]


def _sharing(keys: np.ndarray, others: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the pairs i < j of equal ``keys[i]`` and ``others[j]``, in blocks."""
    order = np.argsort(others, kind="stable")
    ranked = others[order]
    first = np.searchsorted(ranked, keys, side="left")
    count = np.searchsorted(ranked, keys, side="right") - first
    ends = np.cumsum(count)
    start = 0
    while start < len(keys):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + BLOCK, side="right")))
        here = count[start:stop]
        one = np.repeat(np.arange(start, stop), here)
        step = np.arange(here.sum()) - np.repeat(np.cumsum(here) - here, here)
        other = order[np.repeat(first[start:stop], here) + step]
        later = other > one
        yield one[later], other[later]
        start = stop
