"""Near hashes, against all compared with all."""

import numpy as np
import pytest

from pipeline import images, looks

MIRROR = np.uint64(images.mirrored(0))


def pairs(codes, below):
    """What ``looks.near`` yields, sorted, each pair once."""
    blocks = [np.stack(block, axis=1) for block in looks.near(codes, below)]
    return np.unique(np.concatenate([np.zeros((0, 3), np.int64), *blocks]), axis=0).T


def hashes(count=250, seed=0):
    """Random hashes, and near ones of some of them, straight and mirrored."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2**64, count, dtype=np.uint64)
    near = codes[:60].copy()
    for place in range(60):
        for bit in rng.choice(64, place % 9, replace=False):
            near[place] ^= np.uint64(1 << int(bit))
    near[::2] ^= MIRROR
    return np.unique(np.concatenate([codes, near]))


@pytest.mark.parametrize("below", [0, 1, 2, 3, 6, 16, 17, 40, 64])
def test_all_near_pairs_are_found_and_no_other(below):
    codes = hashes()
    straight = np.bitwise_count(codes[:, None] ^ codes)
    bits = np.minimum(straight, np.bitwise_count(codes[:, None] ^ codes ^ MIRROR))
    one, other = np.nonzero(np.triu(bits < below, 1))
    first, second, differ = pairs(codes, below)

    assert first.tolist() == one.tolist()
    assert second.tolist() == other.tolist()
    assert differ.tolist() == bits[one, other].tolist()


def test_blocks_give_what_one_block_does(monkeypatch):
    codes = hashes(seed=1)
    whole = pairs(codes, 40)
    monkeypatch.setattr(looks, "BLOCK", 100)
    looks._few.cache_clear()

    for one, other in zip(pairs(codes, 40), whole, strict=True):
        assert one.tolist() == other.tolist()


def test_no_hash_and_one_hash_have_no_pair():
    for codes in ([], [7]):
        assert [len(part) for part in pairs(np.array(codes, np.uint64), 6)] == [0, 0, 0]
