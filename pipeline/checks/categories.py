"""Checks of the category table, and of what annotations say of it."""

import numpy as np
import pandas as pd

from pipeline.checks.base import Found, Tables, check, lost, own, tuples
from pipeline.said import spelt


@check("categories", "error", "dropped")
def category_malformed(tables: Tables) -> Found:
    """A category is no object, its id is no whole number, or it has no name; value = its id."""
    categories = tables.categories
    named = np.array([bool(spelt(name)) for name in categories["name"]], dtype=bool)
    rows = categories.index[categories["key"].isna() | ~named]
    return Found(rows, _keys(categories.loc[rows]))


@check("categories", "error", "dropped")
def category_id_twice(tables: Tables) -> Found:
    """An id stands for several categories, so it is unknown which is meant; value = the id."""
    categories = tables.categories
    names = pd.Series([spelt(name).casefold() for name in categories["name"]], categories.index)
    several = names.groupby([categories["split"], categories["key"]]).transform("nunique") > 1
    rows = categories.index[several]
    return Found(rows, _keys(categories.loc[rows]))


@check("categories", "warning", "merged")
def category_name_twice(tables: Tables) -> Found:
    """Several categories have one name; value = id of the later one, which joins the first."""
    return _again(tables, [spelt(name) for name in tables.categories["name"]])


@check("categories", "warning", "merged")
def category_name_alike(tables: Tables) -> Found:
    """Names differ in case only; value = id of the later one, which joins the first."""
    categories = tables.categories
    names = [spelt(name) for name in categories["name"]]
    alike = _again(tables, [name.casefold() for name in names]).rows
    rows = alike.difference(_again(tables, names).rows)
    return Found(rows, _keys(categories.loc[rows]))


@check("categories", "info", "repaired")
def category_zero(tables: Tables) -> Found:
    """Objects have category 0, which other tools take for background; it gets an id from 1."""
    categories = tables.categories
    return Found(categories.index[(categories["key"] == 0).to_numpy() & _used(tables)], 0)


@check("categories", "warning", "merged")
def categories_differ(tables: Tables) -> Found:
    """A split gives a name another id than the first split, or one has a name more; value = id."""
    categories = tables.categories
    pairs = [(key, spelt(name)) for key, name in tuples(categories, "key", "name")]
    first = categories["split"].iloc[0] if len(categories) else ""
    known = {pair for pair, split in zip(pairs, categories["split"], strict=True) if split == first}
    names = pd.Series([pair[1] for pair in pairs], categories.index, dtype="object")
    alone = categories["split"].groupby(names).transform("nunique") < categories["split"].nunique()
    differ = np.array([pair not in known for pair in pairs], dtype=bool)
    rows = categories.index[differ | (alone & (categories["split"] == first)).to_numpy()]
    return Found(rows, _keys(categories.loc[rows]))


@check("categories", "info", "dropped")
def group_category(tables: Tables) -> Found:
    """Roboflow's name for all categories together, annotated nowhere; value = its id."""
    categories = tables.categories
    parents = {spelt(name) for name in categories["supercategory"]}
    parent = np.array([spelt(name) in parents for name in categories["name"]], dtype=bool)
    ids = set(categories.loc[parent & ~_used(tables), "key"])
    ids -= set(categories.loc[~parent | _used(tables), "key"])
    rows = categories.index[categories["key"].isin(ids)]
    return Found(rows, _keys(categories.loc[rows]))


@check("annotations", "error", "dropped")
def category_unknown(tables: Tables) -> Found:
    """No category has the id that an annotation names; value = that id."""
    return lost(tables.annotations, "category_key", tables.categories)


@check("categories", "info", "kept")
def category_unused(tables: Tables) -> Found:
    """Nothing is annotated as this category; value = its id. It keeps its label."""
    categories = tables.categories
    names = pd.Series([spelt(name).casefold() for name in categories["name"]], categories.index)
    used = set(names[_used(tables)])
    rows = categories.index[~names.isin(used)]
    return Found(rows, _keys(categories.loc[rows]))


def categorise(tables: Tables) -> Tables:
    """Return tables whose annotations have ``category``: a name that merged categories share."""
    categories = tables.categories
    names = [spelt(name).casefold() for name in categories["name"]]
    known = dict(zip(tuples(categories, "split", "key"), names, strict=True))
    annotations = tables.annotations
    pairs = tuples(annotations, "split", "category_key")
    return tables.with_columns(
        "annotations",
        category=pd.Series([known[pair] for pair in pairs], annotations.index, dtype="str"),
    )


def _again(tables: Tables, names: list[str]) -> Found:
    categories = tables.categories
    split = categories["split"]
    again = pd.concat([split, pd.Series(names, categories.index)], axis=1).duplicated()
    rows = categories.index[again]
    return Found(rows, _keys(categories.loc[rows]))


def _keys(categories: pd.DataFrame) -> np.ndarray:
    return pd.to_numeric(own(categories, "key")).to_numpy(dtype=float, na_value=np.nan)


def _used(tables: Tables) -> np.ndarray:
    annotations, categories = tables.annotations, tables.categories
    used = set(tuples(annotations, "split", "category_key"))
    pairs = tuples(categories, "split", "key")
    return np.array([pair in used for pair in pairs], dtype=bool)
