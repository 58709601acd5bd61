"""Checks of the pictures beside the records."""

import numpy as np

from pipeline.checks.base import Found, Tables, check, tuples
from pipeline.said import whole


@check("images", "error", "dropped")
def image_missing(tables: Tables) -> Found:
    """The export holds no such picture."""
    return _fault(tables, "missing")


@check("images", "error", "dropped")
def image_empty(tables: Tables) -> Found:
    """The picture's file has no bytes."""
    return _fault(tables, "empty")


@check("images", "error", "dropped")
def image_unreadable(tables: Tables) -> Found:
    """The picture's file is no picture, or is so damaged that nothing of it can be shown."""
    return _fault(tables, "unreadable")


@check("images", "error", "dropped")
def image_truncated(tables: Tables) -> Found:
    """The picture's file ends before the picture does."""
    return _fault(tables, "truncated")


@check("images", "warning", "kept")
def image_damaged(tables: Tables) -> Found:
    """The picture's file is damaged, so part of what it shows may be grey or shifted."""
    return _fault(tables, "damaged")


@check("images", "error", "repaired")
def image_size_wrong(tables: Tables) -> Found:
    """The record's width or height is not the file's; value = pixels by which it is off."""
    images = tables.images
    known = images["file_width"] > 0
    width = np.array([whole(number) or 0 for number in images["width"]])
    height = np.array([whole(number) or 0 for number in images["height"]])
    off = np.maximum(abs(width - images["file_width"]), abs(height - images["file_height"]))
    wrong = known & (off > 0)
    return Found(images.index[wrong], off[wrong], 0)


@check("images", "warning", "kept")
def image_rotated(tables: Tables) -> Found:
    """The file asks to be shown turned; its pixels are used as they lie. value = EXIF flag."""
    orientation = tables.images["orientation"]
    turned = orientation != 1
    return Found(tables.images.index[turned], orientation[turned], 1)


@check("images", "info", "kept")
def image_elsewhere(tables: Tables) -> Found:
    """The picture is not where its record says, but in another folder of the split."""
    images = tables.images
    return Found(images.index[(images["path"] != "") & (images["path"] != images["asked"])])


@check("pictures", "warning", "dropped")
def image_unlisted(tables: Tables) -> Found:
    """A picture that lies among the others has no record."""
    pictures, listed = tables.pictures, set(tables.images["path"])
    among = pictures["split"] != ""
    return Found(pictures.index[among & ~pictures["path"].isin(listed)])


@check("images", "info", "kept")
def image_bare(tables: Tables) -> Found:
    """An image has no annotation in the export; it is kept as one that shows nothing."""
    annotations, images = tables.annotations, tables.images
    covered = set(tuples(annotations, "split", "image_key"))
    pairs = tuples(images, "split", "key")
    return Found(images.index[np.array([pair not in covered for pair in pairs], dtype=bool)])


@check("annotations", "info", "dropped")
def image_dropped(tables: Tables) -> Found:
    """The annotation's image was set aside."""
    annotations, images = tables.annotations, tables.images
    known = set(tuples(images, "split", "key"))
    pairs = tuples(annotations, "split", "image_key")
    return Found(annotations.index[np.array([pair not in known for pair in pairs], dtype=bool)])


@check("images", "warning", "kept")
def image_emptied(tables: Tables) -> Found:
    """All annotations of an image were set aside, so it is unlabelled; value = how many."""
    annotations, images = tables.annotations, tables.images
    left = set(tuples(annotations, "split", "image_key"))
    pairs = tuples(images, "split", "key")
    bare = np.array([pair not in left for pair in pairs], dtype=bool)
    lost = bare & (images["annotated"] > 0).to_numpy()
    return Found(images.index[lost], images["annotated"][lost])


def _fault(tables: Tables, fault: str) -> Found:
    return Found(tables.images.index[tables.images["fault"] == fault])
