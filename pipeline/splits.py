"""Forming a split that the export lacks, so that versions of one picture stay together."""

import hashlib
from collections import defaultdict

import pandas as pd

from pipeline.tables import SPLITS

MARK = ".rf."  # Roboflow writes <source>_<suffix>.rf.<hash>.<suffix>, one hash a version


def source(name: object) -> str:
    """Return the name of the picture that this one is a version of; nothing if it is no text."""
    if not isinstance(name, str):
        return ""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return last.split(MARK)[0] if MARK in last else last.rpartition(".")[0] or last


def carve(images: pd.DataFrame, shares: dict[str, float]) -> pd.Series:
    """Return the split that each image goes to; those of splits that have images stay.

    The images come from train or, if the export has none, from its largest split. Versions of
    one source, and files of the same bytes, go together if there are enough sources for all
    splits. Which ones go is decided by their names alone, so a further image moves few others.

    Args:
        images: columns ``split, path, source, sha256``.
        shares: of the giving split, 0..1, for ``valid`` and ``test``; train gets the rest.

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
    bundles = _bundles(pool)
    if len(bundles) <= len(missing):
        bundles = sorted(([row] for row in pool.index), key=lambda b: _order(pool, b))
    rest = 1 - sum(shares.values())
    for split, share in _wanted(missing, {"train": rest, **shares}):
        wanted, taken = max(1, round(share * len(pool))), 0
        while taken < wanted and len(bundles) > 1:
            bundle = bundles.pop()
            goes[bundle] = split
            taken += len(bundle)
    return goes


def _wanted(missing: list[str], shares: dict[str, float]) -> list[tuple[str, float]]:
    """Train first, for without it nothing can be learnt; then test, then valid."""
    return [(split, shares[split]) for split in ("train", "test", "valid") if split in missing]


def _bundles(pool: pd.DataFrame) -> list[list]:
    """Return lists of rows that belong together, in an order that only their names decide."""
    leader: dict = {}

    def lead(key: str) -> str:
        while leader.setdefault(key, key) != key:
            key = leader[key]
        return key

    for row in pool.itertuples():
        leader[lead(f"bytes {row.sha256}")] = lead(f"source {row.source}")
    members = defaultdict(list)
    for row in pool.itertuples():
        members[lead(f"source {row.source}")].append(row.Index)
    return sorted(members.values(), key=lambda bundle: _order(pool, bundle))


def _order(pool: pd.DataFrame, bundle: list) -> str:
    name = min(pool.loc[bundle, "path"].map(lambda path: path.rsplit("/", 1)[-1]))
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
