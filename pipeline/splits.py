"""Which pictures must not be parted, and how the splits that an export lacks are formed of them."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import pandas as pd

from pipeline import looks
from pipeline.tables import SPLITS

FAR = np.iinfo(np.int64).max  # of what is near to nothing
MARK = ".rf."  # Roboflow writes <source>_<suffix>.rf.<hash>.<suffix>, one hash a version
TIES = {"leak_same": "sha256", "leak_source": "source", "leak_alike": "look"}  # strongest first


def source(name: object) -> str:
    """Return the name of the picture that this one is a version of; nothing if it is no text."""
    if not isinstance(name, str):
        return ""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return last.split(MARK)[0] if MARK in last else last.rpartition(".")[0] or last


def groups(images: pd.DataFrame, below: int, ties: Iterable[str] = tuple(TIES)) -> pd.Series:
    """Return the group that each image belongs to: what is tied, even through others, is in one.

    Args:
        images: columns ``path`` and those of ``TIES``; an empty value ties nothing.
        below: bits of 64 in which the looks of two tied images differ at most, exclusive.
        ties: what counts, of ``TIES``.

    Returns:
        int64 from 0, indexed as ``images``, in an order that only the files' names decide.
    """
    leads = np.arange(len(images))
    for tie in ties:
        for one, other in _links(images[TIES[tie]], below if TIES[tie] == "look" else 0):
            leads = _joined(leads, one, other)
    orders = np.array([_order(path) for path in images["path"]], dtype="object")
    ranks = pd.factorize(orders, sort=True)[0].astype(np.int64)
    first = np.full(len(images), len(images))
    np.minimum.at(first, leads, ranks)
    return pd.Series(pd.factorize(first[leads], sort=True)[0].astype(np.int64), images.index)


def leaks(images: pd.DataFrame, below: int) -> pd.DataFrame:
    """Return for each image of a later split the one of an earlier split that gives it away.

    Args:
        images: columns ``path``, ``goes`` and those of ``TIES``.
        below: as ``groups``.

    Returns:
        A row an image, by its strongest tie: ``image`` and ``other`` into the index of
        ``images``, ``why`` of ``TIES`` and ``bits`` in which the looks differ, 0 unless that is
        why. The other is the nearest, of those the first by split and path.
    """
    rank = images["goes"].map(SPLITS.index)
    ranked = images.assign(rank=rank).sort_values(["rank", "path"], kind="stable")
    found = [
        _of_equal(ranked, "leak_same"),
        _of_equal(ranked, "leak_source"),
        _of_looks(ranked, below),
    ]
    rows = pd.concat(found, ignore_index=True)
    return rows.drop_duplicates("image", ignore_index=True)


def carve(images: pd.DataFrame, shares: dict[str, float], below: int) -> pd.Series:
    """Return the split that each image goes to; those of splits that have images stay.

    The images come from train or, if the export has none, from its largest split. What ``groups``
    ties goes together, and stays if it is tied to another split, if there are enough groups for
    all splits; if there are not, only versions of one source and files of the same bytes do.
    Which ones go is decided by their names alone, so a further image moves few others.

    Args:
        images: columns ``split, path`` and those of ``TIES``.
        shares: of the giving split, 0..1, for ``valid`` and ``test``; train gets the rest.
        below: as ``groups``.

    Returns:
        Values of ``SPLITS``, indexed as ``images``. With fewer images than splits the later
        splits stay empty.
    """
    goes = images["split"].copy()
    counts = goes.value_counts()
    missing = [split for split in SPLITS if split not in counts]
    if not missing or not len(images):
        return goes
    giver = "train" if "train" in counts else max(sorted(counts.index), key=counts.get)
    pool = images[goes == giver]
    bundles = _bundles(images, pool.index, below, len(missing))
    left = len(missing) - (sum(map(len, bundles)) < len(pool))  # for the others and the giver
    for split, share in _wanted(missing, {"train": 1 - sum(shares.values()), **shares}):
        wanted = max(1, round(share * len(pool)))
        taken, bundles = _parted(bundles, wanted, left)
        goes[[row for bundle in taken for row in bundle]] = split
        left -= 1
    return goes


def _links(values: pd.Series, below: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield places of images that are tied: of equal values, and of looks that are near."""
    told = np.flatnonzero(values != "")
    _, head, which = np.unique(values.iloc[told], return_index=True, return_inverse=True)
    yield told[head[which]], told
    if below:
        for one, other, _ in looks.near(_codes(values.iloc[told[head]]), below):
            yield told[head[one]], told[head[other]]


def _joined(leads: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the leader of each place, once those of ``one`` and ``other`` are joined in pairs.

    A place leads itself or is led by one that does.
    """
    leads = leads.copy()
    pairs = np.sort(np.stack([leads[one], leads[other]], axis=1), axis=1)
    while len(pairs := np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)):
        np.minimum.at(leads, pairs[:, 1], pairs[:, 0])  # each leader to the lowest it is tied to
        while not np.array_equal(further := leads[leads], leads):
            leads = further
        pairs = np.sort(leads[pairs], axis=1)
    return leads


def _codes(values: pd.Series) -> np.ndarray:
    return np.array([int(look, 16) for look in values], dtype=np.uint64)


def _of_equal(ranked: pd.DataFrame, why: str) -> pd.DataFrame:
    told = ranked[ranked[TIES[why]] != ""]
    by = told.groupby(TIES[why], sort=False)
    first = pd.Series(told.index, told.index).groupby(told[TIES[why]], sort=False)
    late = told["rank"] > by["rank"].transform("first")
    image, other = told.index[late], first.transform("first")[late]
    return pd.DataFrame({"image": image, "other": other.to_numpy(), "why": why, "bits": 0})


def _of_looks(ranked: pd.DataFrame, below: int) -> pd.DataFrame:
    told = ranked[ranked["look"] != ""] if below else ranked[:0]
    names, head, which = np.unique(told["look"], return_index=True, return_inverse=True)
    ranks = told["rank"].to_numpy(np.intp)
    # The nearest image of an earlier split is one of the first of their looks: bits, then place.
    best = np.full((len(SPLITS), len(names)), FAR, np.int64)
    itself = np.arange(len(names))
    alike = looks.near(_codes(pd.Series(names, dtype="object")), below)
    for one, other, bits in chain([(itself, itself, np.zeros(len(names), np.int64))], alike):
        for code, near in ((one, other), (other, one)):
            place = head[near]
            for rank in range(1, len(SPLITS)):
                early = ranks[place] < rank
                away = bits[early] * len(told) + place[early]
                np.minimum.at(best[rank], code[early], away)
    found = best[ranks, which]
    seen = np.flatnonzero(found < FAR)
    bits, near = np.divmod(found[seen], max(1, len(told)))
    return pd.DataFrame(
        {
            "image": told.index[seen],
            "other": told.index[near],
            "why": "leak_alike",
            "bits": bits,
        }
    )


def _wanted(missing: list[str], shares: dict[str, float]) -> list[tuple[str, float]]:
    """Train first, for without it nothing can be learnt; then test, then valid."""
    return [(split, shares[split]) for split in ("train", "test", "valid") if split in missing]


def _bundles(images: pd.DataFrame, pool: pd.Index, below: int, missing: int) -> list[list]:
    """Return lists of the pool's rows that belong together, enough of them for all splits.

    Best are those that nothing outside the pool is tied to; the others then stay where they are.
    Their order is decided by their names alone.
    """
    group = groups(images, below)
    own = group[~group.isin(group[~images.index.isin(pool)])]
    if own.nunique() + (len(own) < len(pool)) > missing:
        return _lists(own)
    for ties in (tuple(TIES), ("leak_same", "leak_source"), ()):
        group = groups(images.loc[pool], below, ties)
        if group.nunique() > missing:
            break
    return _lists(group)


def _lists(group: pd.Series) -> list[list]:
    return [list(rows) for _, rows in group.index.to_series().groupby(group)]


def _parted(bundles: list[list], wanted: int, left: int) -> tuple[list[list], list[list]]:
    """Part the last bundles that stay within the wanted count, or the smallest one, from the rest.

    At least ``left`` bundles are left.
    """
    chosen, count = set(), 0
    for place in reversed(range(len(bundles))):
        if count + len(bundles[place]) <= wanted and len(chosen) < len(bundles) - left:
            chosen.add(place)
            count += len(bundles[place])
    if not chosen and len(bundles) > left:
        chosen = {min(range(len(bundles)), key=lambda place: len(bundles[place]))}
    taken = [bundles[place] for place in sorted(chosen)]
    return taken, [bundle for place, bundle in enumerate(bundles) if place not in chosen]


def _order(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest() + path
