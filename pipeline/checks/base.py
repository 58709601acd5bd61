"""What a check is, what it looks at, and how its findings become rows and repairs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import msgspec
import numpy as np
import pandas as pd
import shapely

from pipeline.columns import Columns
from pipeline.params import Params
from pipeline.said import text, whole
from pipeline.tables import ISSUES, SHARD

About = Literal["images", "annotations", "categories", "pictures", "splits"]
Severity = Literal["error", "warning", "info"]
Action = Literal["kept", "repaired", "dropped", "merged", "moved"]

MANY = 2**28  # pixels; a mask of more fills the memory and is no photo's
SAID = {"key": "export_id", "image_key": "image_id", "category_key": "category_id"}
REPAIRS = Columns(
    {
        "split": ("str", "folder of the export"),
        "file_name": ("str", "the picture"),
        "annotation_id": ("Int64", "as export_id in data/valid"),
        "code": ("str", "the check that repaired it"),
        "area_before": ("float64", "square pixels; NA if it could not be measured"),
        "area_after": ("float64", "square pixels"),
        "vertices_before": ("int64", "points of all rings, without repeated last points"),
        "vertices_after": ("int64", "points of all rings, without repeated last points"),
    }
)


class ValidateParams(Params):
    """Limits of the checks, and what to do where a split is missing."""

    valid_share: Annotated[float, msgspec.Meta(gt=0, lt=0.5)]  # of the split it is carved from
    test_share: Annotated[float, msgspec.Meta(gt=0, lt=0.5)]  # of the split it is carved from
    outside_above: Annotated[float, msgspec.Meta(ge=0)]  # pixels beyond the image's border
    tiny_below: Annotated[float, msgspec.Meta(ge=0)]  # square pixels
    bbox_off_above: Annotated[float, msgspec.Meta(ge=0)]  # pixels, of any of its four sides
    area_off_above: Annotated[float, msgspec.Meta(ge=0)]  # of the true area
    overlap_above: Annotated[float, msgspec.Meta(gt=0, le=1)]  # IoU of two objects of a category
    spike_below: Annotated[float, msgspec.Meta(ge=0, lt=180)]  # degrees
    likeness_below: Annotated[int, msgspec.Meta(ge=0, le=64)]  # differing bits of 64
    name_above: Annotated[int, msgspec.Meta(ge=1)]  # characters
    boxes: Literal["drop", "outline"]  # annotations that are boxes without outlines
    resplit: Literal["none", "propose", "apply"]  # a split that parts no pictures that are tied
    previous: str | None  # folder; read by the stage compare
    fail_on: list[str]  # codes that stop the run


@dataclass(frozen=True)
class Tables:
    """An export on its way to being a dataset; ``start`` makes one, checks hand on changed ones.

    Attributes:
        images: ``split, export_id, file_name, width, height`` as in the JSON; ``key`` its id as a
            whole number or None, one for all files of a split; ``path`` of the picture found, or
            nothing; and the picture's ``fault, file_width, file_height, orientation, sha256,
            look``; ``annotated``: how many annotations the export has for it; ``source``: the
            picture it was made from; ``goes``: the split it ends in.
        annotations: as in the JSON, but ``segmentation`` an ``outlines.Outline`` where its form is
            sound; and ``key, image_key, category_key``, ``file_name``, the image's ``image_width,
            image_height``; after ``categorise`` also ``category``, after ``build`` also
            ``geometry, rle, closed``.
        categories: as in the JSON, and ``key``.
        pictures: all pictures there are, columns as ``raw.PICTURES``, ``split``, ``file_name``.
        splits: ``split``, one row for each of ``tables.SPLITS``.
        params: the limits.
        leaks: after ``tie``, as ``splits.leaks`` gives them of the images as they then are.
    """

    images: pd.DataFrame
    annotations: pd.DataFrame
    categories: pd.DataFrame
    pictures: pd.DataFrame
    splits: pd.DataFrame
    params: ValidateParams
    leaks: pd.DataFrame | None = None

    def put(self, table: About, rows: pd.Index, **columns: Sequence) -> "Tables":
        """Return tables in which ``rows`` of one table have new values, one a row."""
        changed = {}
        places = getattr(self, table).index.get_indexer(rows)
        for name, values in columns.items():
            column = getattr(self, table)[name].to_numpy(dtype=object, copy=True)
            for place, value in zip(places, values, strict=True):
                column[place] = value  # one by one: a list is a value here, not an array
            changed[name] = pd.Series(column, index=getattr(self, table).index, dtype="object")
        return replace(self, **{table: getattr(self, table).assign(**changed)})

    def with_columns(self, table: About, **columns: Sequence) -> "Tables":
        """Return tables of which one has whole new columns."""
        return replace(self, **{table: getattr(self, table).assign(**columns)})

    def without(self, table: About, rows: pd.Index) -> "Tables":
        """Return tables in which one table lacks ``rows``."""
        return replace(self, **{table: getattr(self, table).drop(rows)})


@dataclass(frozen=True)
class Found:
    """What a check found.

    Attributes:
        rows: into the table that the check is about.
        value: what was measured, one for all or one a row.
        limit: the bound it crossed.
        tables: as they are after repair; None if nothing but dropping is to be done.
        dropped: ``(N,)`` bool, the rows that are beyond repair; None: as the check's action says.
    """

    rows: pd.Index
    value: object = np.nan
    limit: object = np.nan
    tables: Tables | None = None
    dropped: np.ndarray | None = field(default=None)


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong: its code, how bad it is, what is measured and done."""

    code: str
    about: About
    severity: Severity
    action: Action
    meaning: str
    find: Callable[[Tables], Found]


def check(
    about: About, severity: Severity, action: Action
) -> Callable[[Callable[[Tables], Found]], Check]:
    """Make a check of a function; its name is the code, its docstring's first line the meaning."""

    def made(find: Callable[[Tables], Found]) -> Check:
        meaning = (find.__doc__ or "").strip().splitlines()[0].rstrip(".")
        return Check(find.__name__, about, severity, action, meaning, find)

    return made


def apply(one: Check, tables: Tables) -> tuple[Tables, list[pd.DataFrame], list[pd.DataFrame]]:
    """Return the tables after a check, its rows of ``ISSUES`` and its rows of ``REPAIRS``.

    Either list has one frame, or none where there are no rows.
    """
    found = one.find(tables)
    if not len(found.rows):
        return found.tables or tables, [], []
    gone = found.dropped
    if gone is None:
        gone = np.full(len(found.rows), one.action == "dropped")
    after = found.tables or tables
    repaired = one.about == "annotations" and one.action == "repaired"
    repairs = []
    if repaired and "geometry" in tables.annotations:
        repairs = [_repairs(one, tables, after, found.rows[~gone])]
    issues = [_issues(one, tables, found, gone)]
    return after.without(one.about, found.rows[gone]), issues, repairs


def _issues(one: Check, tables: Tables, found: Found, gone: np.ndarray) -> pd.DataFrame:
    about = getattr(tables, one.about).loc[found.rows]
    nothing = pd.Series(pd.NA, index=about.index, dtype="Int64")
    image = {"images": "key", "annotations": "image_key"}.get(one.about)
    frame = pd.DataFrame(
        {
            "split": about["split"],
            "image_id": ids(own(about, image)) if image else nothing,
            "file_name": [text(name) for name in about["file_name"]]
            if "file_name" in about
            else "",
            "annotation_id": ids(own(about, "key")) if one.about == "annotations" else nothing,
            "code": one.code,
            "severity": one.severity,
            "value": np.broadcast_to(np.asarray(found.value, dtype=float), len(about)),
            "limit": np.broadcast_to(np.asarray(found.limit, dtype=float), len(about)),
            "action": np.where(gone, "dropped", one.action),
        }
    )
    if SHARD in tables.images:
        frame[SHARD] = about.get(SHARD, "")
    return ISSUES.check(frame, one.code, cast=True)


def _repairs(one: Check, before: Tables, after: Tables, rows: pd.Index) -> pd.DataFrame:
    old = before.annotations.loc[rows, "geometry"].to_numpy()
    new = after.annotations.loc[rows, "geometry"].to_numpy()
    changed = np.array([a is not b for a, b in zip(old, new, strict=True)], dtype=bool)
    about = before.annotations.loc[rows[changed]]
    frame = pd.DataFrame(
        {
            "split": about["split"],
            "file_name": [text(name) for name in about["file_name"]],
            "annotation_id": ids(about["key"]),
            "code": one.code,
            "area_before": shapely.area(old[changed]),
            "area_after": shapely.area(new[changed]),
            "vertices_before": _vertices(old[changed]),
            "vertices_after": _vertices(new[changed]),
        }
    )
    return REPAIRS.check(frame, one.code, cast=True)


def _vertices(geometries: np.ndarray) -> np.ndarray:
    parts, owner = shapely.get_parts(geometries, return_index=True)
    points = shapely.get_num_coordinates(parts) - 1 - shapely.get_num_interior_rings(parts)
    return np.bincount(owner, weights=points, minlength=len(geometries)).astype(int)


def tuples(frame: pd.DataFrame, *columns: str) -> list[tuple]:
    """Return the values of some columns row by row; to go through a column of text takes longer."""
    return list(zip(*(frame[column].tolist() for column in columns), strict=True))


def own(frame: pd.DataFrame, key: str) -> pd.Series:
    """Return ids as the records' own file has them; ``key`` names those that hold in the split."""
    if SHARD not in frame:
        return frame[key]
    said = frame[SAID[key]]
    return pd.Series([whole(value) for value in said], said.index, dtype="object")


def lost(annotations: pd.DataFrame, key: str, named: pd.DataFrame) -> Found:
    """Return the annotations whose ``key`` is no row's of their split; value = that id."""
    known = set(tuples(named, "split", "key"))
    missing = [pair not in known for pair in tuples(annotations, "split", key)]
    rows = annotations.index[np.array(missing, dtype=bool)]
    return Found(rows, own(annotations.loc[rows], key).astype(float))


def ids(keys: pd.Series) -> pd.Series:
    """Return whole numbers or None as ``Int64``."""
    known = [pd.NA if key is None else key for key in keys.tolist()]
    return pd.Series(known, keys.index, dtype="Int64")
