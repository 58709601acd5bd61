"""Checks of pictures that are tied across splits, and the split that would part none of them."""

from dataclasses import replace

import numpy as np
import pandas as pd

from pipeline import resplit, splits
from pipeline.checks.base import Found, Tables, check, tuples
from pipeline.columns import Columns
from pipeline.tables import SPLITS

LEAKS = Columns(
    {
        "file_name": ("str", "a picture that was or may have been learnt from already"),
        "split": ("str", "where it lies in data/valid"),
        "other": ("str", "the picture of an earlier split that it is tied to"),
        "other_split": ("str", "where that one lies"),
        "why": ("str", "leak_same: same bytes, leak_source: same source, leak_alike: alike"),
        "bits": ("int64", "of 64 in which the looks differ; 0 unless they are alike"),
    }
)
RESPLIT = Columns(
    {
        "file_name": ("str", "a picture that is tied across splits, or that moves to make up"),
        "split": ("str", "where the export has it, or where it was carved to"),
        "proposed": ("str", "where it may go; the same if it may stay"),
        "group": ("int64", "from 1; pictures of one group stay together"),
        "reason": ("str", "leak_same, leak_source, leak_alike; tied: to such a one; balance"),
    }
)


def tie(tables: Tables) -> Tables:
    """Add what gives images away, of which several checks tell."""
    return replace(tables, leaks=splits.leaks(tables.images, tables.params.likeness_below))


@check("images", "error", "kept")
def leak_same(tables: Tables) -> Found:
    """A picture with the same bytes is in an earlier split; it is no test of what was learnt."""
    return Found(pd.Index(_leaks(tables, "leak_same")["image"]))


@check("images", "warning", "kept")
def leak_source(tables: Tables) -> Found:
    """A picture whose name says the same source is in an earlier split."""
    return Found(pd.Index(_leaks(tables, "leak_source")["image"]))


@check("images", "warning", "kept")
def leak_alike(tables: Tables) -> Found:
    """A picture, or its mirror image, looks like one of an earlier split; value = bits of 64."""
    found = _leaks(tables, "leak_alike")
    limit = tables.params.likeness_below
    return Found(pd.Index(found["image"]), found["bits"].to_numpy(), limit)


def propose(tables: Tables) -> Tables:
    """Add to the images ``lies, proposed, group, reason``: a split that parts no tied pictures."""
    images, below = tables.images, tables.params.likeness_below
    group = pd.Series(0, images.index)
    wanted, reason = images["goes"], pd.Series("", images.index)
    if tables.params.resplit != "none" and len(images):
        group = splits.groups(images, below)
        target = resplit.resplit(*_counts(tables, group))[group]
        names = pd.Series(np.array(SPLITS, dtype=object)[target], images.index)
        wanted = names.where(target >= 0, images["goes"])
        reason = _reasons(images, group, wanted, below)
    return tables.with_columns(
        "images", lies=images["goes"], proposed=wanted, group=group, reason=reason
    )


@check("images", "warning", "moved")
def leak_moved(tables: Tables) -> Found:
    """A picture goes to the split of those it is tied to; value = pictures of the group."""
    return _move(tables, tables.images["reason"] != "balance")


@check("images", "info", "moved")
def balance_moved(tables: Tables) -> Found:
    """A picture goes to another split so that the splits keep their sizes."""
    return _move(tables, tables.images["reason"] == "balance")


def found_leaks(tables: Tables) -> pd.DataFrame:
    """Return every leak that is left, columns as ``LEAKS``."""
    pairs = tables.leaks
    one, other = (tables.images.loc[pairs[side]].reset_index() for side in ("image", "other"))
    rows = pd.DataFrame(
        {
            "file_name": _names(one),
            "split": one["goes"],
            "other": _names(other),
            "other_split": other["goes"],
            "why": pairs["why"],
            "bits": pairs["bits"],
        }
    )
    return LEAKS.check(_sorted(rows), "leaks", cast=True)


def proposed(tables: Tables) -> pd.DataFrame:
    """Return the images that are tied across splits or move, columns as ``RESPLIT``."""
    images = tables.images[tables.images["reason"] != ""]
    rows = pd.DataFrame(
        {
            "file_name": _names(images),
            "split": images["lies"],
            "proposed": images["proposed"],
            "group": pd.factorize(images["group"], sort=True)[0] + 1,
            "reason": images["reason"],
        }
    )
    ordered = rows.sort_values(["group", "file_name", "split"], ignore_index=True)
    return RESPLIT.check(ordered, "resplit", cast=True)


def _leaks(tables: Tables, why: str) -> pd.DataFrame:
    return tables.leaks[tables.leaks["why"] == why]


def _move(tables: Tables, chosen: pd.Series) -> Found:
    images = tables.images
    if tables.params.resplit != "apply":
        return Found(images.index[:0])
    moved = images.index[chosen & (images["lies"] != images["proposed"])]
    goes = images["goes"].copy()
    goes[moved] = images.loc[moved, "proposed"]
    value = images.groupby("group")["path"].transform("size")[moved].to_numpy()
    return Found(moved, value, tables=tables.with_columns("images", goes=goes))


def _counts(tables: Tables, group: pd.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what ``resplit`` asks for: images a group, and those that show a category."""
    images, annotations = tables.images, tables.annotations
    place, group = images["goes"].map(SPLITS.index).to_numpy(), group.to_numpy()
    members = np.zeros((int(group.max()) + 1, len(SPLITS)), np.int32)
    np.add.at(members, (group, place), 1)
    rows = {pair: row for row, pair in enumerate(tuples(images, "split", "key"))}
    pairs = tuples(annotations, "split", "image_key")
    row = np.array([rows[pair] for pair in pairs], dtype=np.int64)
    category, names = pd.factorize(annotations["category"])
    row, category = np.unique(np.stack([row, category]), axis=1)
    holds = np.zeros((len(members), max(1, len(names))), np.int32)
    shown = np.zeros((len(SPLITS), holds.shape[1]), np.int32)
    np.add.at(holds, (group[row], category), 1)
    np.add.at(shown, (place[row], category), 1)
    return members, holds, shown


def _reasons(images: pd.DataFrame, group: pd.Series, wanted: pd.Series, below: int) -> pd.Series:
    """Return why each image is in the proposal; nothing if it is not."""
    found = splits.leaks(images, below)
    reason = pd.Series("", images.index)
    parted = images["goes"].groupby(group).transform("nunique") > 1
    reason[parted] = "tied"
    for why in reversed(splits.TIES):
        of_why = found[found["why"] == why]
        reason[pd.concat([of_why["image"], of_why["other"]])] = why
    reason[~parted & (wanted != images["goes"])] = "balance"
    return reason


def _names(images: pd.DataFrame) -> list[str]:
    return [path.rpartition("/")[2] for path in images["path"]]


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    ranked = rows.assign(rank=rows["split"].map(SPLITS.index))
    ranked = ranked.sort_values(["rank", "file_name", "other"], ignore_index=True)
    return ranked.drop(columns="rank")
