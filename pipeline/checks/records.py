"""Checks of the records themselves: ids, names, references."""

import numpy as np
import pandas as pd

from pipeline.checks.base import Found, Tables, check, lost, own, tuples
from pipeline.checks.start import escapes
from pipeline.said import whole


@check("images", "error", "dropped")
def image_malformed(tables: Tables) -> Found:
    """An image record is no object, its id is no whole number, or it has no file name."""
    images = tables.images
    named = [isinstance(name, str) and bool(name.strip()) for name in images["file_name"]]
    return Found(images.index[images["key"].isna() | ~np.array(named, dtype=bool)])


@check("images", "warning", "repaired")
def image_id_wrong(tables: Tables) -> Found:
    """An image's id is text or a fraction that says a whole number, and is read as one."""
    return Found(tables.images.index[_not_int(tables.images["export_id"])])


@check("images", "error", "dropped")
def image_path_outside(tables: Tables) -> Found:
    """An image's file name leads out of the export."""
    images = tables.images
    outside = [
        escapes(asked, asked.removesuffix(name.replace("\\", "/")))
        for asked, name in tuples(images, "asked", "file_name")
    ]
    return Found(images.index[np.array(outside, dtype=bool)])


@check("images", "error", "merged")
def image_file_twice(tables: Tables) -> Found:
    """A picture has two records; value = the first one's id, which gets all annotations."""
    images = tables.images
    named = images["asked"].where(images["path"] == "", images["path"])
    alike = images.assign(own=own(images, "key")).groupby([images["split"], named])
    first, value = alike["key"].transform("first"), alike["own"].transform("first")
    again = pd.concat([images["split"], named], axis=1).duplicated()
    keep = {
        (row.split, row.key): key
        for row, key in zip(images[again].itertuples(), first[again], strict=True)
        if row.key != key
    }
    annotations = tables.annotations
    pairs = tuples(annotations, "split", "image_key")
    moved = annotations.index[np.array([pair in keep for pair in pairs], dtype=bool)]
    after = tables.put(
        "annotations", moved, image_key=[keep[pairs[row]] for row in _at(annotations, moved)]
    )
    return Found(
        images.index[again],
        value[again].astype(float),
        tables=after.without("images", images.index[again]),
    )


@check("images", "error", "dropped")
def image_id_twice(tables: Tables) -> Found:
    """An id stands for several pictures, so it is unknown which one its annotations are of."""
    return Found(tables.images.index[tables.images.duplicated(["split", "key"], keep=False)])


@check("images", "info", "kept")
def file_name_long(tables: Tables) -> Found:
    """A file name is too long for some systems; value = characters."""
    lengths, limit = tables.images["file_name"].str.len(), tables.params.name_above
    long = lengths > limit
    return Found(tables.images.index[long], lengths[long], limit)


@check("annotations", "error", "dropped")
def annotation_malformed(tables: Tables) -> Found:
    """An annotation is no object, or the id of its image or category is no whole number."""
    annotations = tables.annotations
    return Found(annotations.index[annotations[["image_key", "category_key"]].isna().any(axis=1)])


@check("annotations", "warning", "repaired")
def annotation_id_wrong(tables: Tables) -> Found:
    """One of an annotation's ids is not written as a whole number, or its own is none or huge."""
    columns = ["export_id", "image_id", "category_id"]
    wrong = np.any([_not_int(tables.annotations[column]) for column in columns], axis=0)
    wrong |= tables.annotations["key"].isna().to_numpy()
    return Found(tables.annotations.index[wrong])


@check("annotations", "warning", "repaired")
def annotation_id_twice(tables: Tables) -> Found:
    """Several annotations share an id; all are kept, under new ids."""
    annotations = tables.annotations
    known = annotations["key"].notna()
    return Found(annotations.index[known & annotations.duplicated(["split", "key"])])


@check("annotations", "error", "dropped")
def annotation_orphan(tables: Tables) -> Found:
    """No image has the id that an annotation names; value = that id."""
    return lost(tables.annotations, "image_key", tables.images)


@check("annotations", "warning", "repaired")
def iscrowd_wrong(tables: Tables) -> Found:
    """``iscrowd`` is neither 0 nor 1, and is read as 0."""
    values = tables.annotations["iscrowd"]
    wrong = [whole(value) not in {0, 1} and not isinstance(value, bool) for value in values]
    rows = tables.annotations.index[np.array(wrong, dtype=bool)]
    return Found(rows, tables=tables.put("annotations", rows, iscrowd=[0] * len(rows)))


@check("annotations", "info", "kept")
def iscrowd_set(tables: Tables) -> Found:
    """An annotation covers a crowd; it is drawn as any other."""
    return Found(
        tables.annotations.index[
            [bool(whole(value) or value is True) for value in tables.annotations["iscrowd"]]
        ]
    )


def _not_int(values: pd.Series) -> np.ndarray:
    return np.array([not isinstance(one, int) or isinstance(one, bool) for one in values], bool)


def _at(frame: pd.DataFrame, rows: pd.Index) -> list[int]:
    return frame.index.get_indexer(rows).tolist()
