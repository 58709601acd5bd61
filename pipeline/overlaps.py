"""What the tables of IoU say: by split, category and problem."""

import pandas as pd

from pipeline.tables import SPLITS

ENOUGH = 5  # photos: the bootstrap of fewer draws intervals far too narrow, so none is judged by


def judged_split(frame: pd.DataFrame) -> str | None:
    """Return the split to judge by: test, else valid, else train; ``None`` without rows."""
    present = set(frame["split"])
    return next((split for split in reversed(SPLITS) if split in present), None)


def overall(iou: pd.DataFrame) -> dict[str, dict]:
    """Return the row of all images and the mean over categories, by split."""
    rows = iou[(iou["category"] == "") & (iou["tag"] == "")]
    return {row["split"]: row for row in rows.to_dict("records")}


def categories(iou: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of single categories over all images, in the file's order, split within."""
    return iou[(iou["category"] != "") & (iou["tag"] == "")]


def costs(iou: pd.DataFrame, split: str) -> pd.DataFrame:
    """Return the rows of one split a tag, mean over categories, lowest IoU first."""
    rows = iou[(iou["split"] == split) & (iou["category"] == "") & (iou["tag"] != "")]
    return rows.dropna(subset="iou").sort_values(["iou", "tag"])


def crossed(iou: pd.DataFrame, split: str, rows: int) -> dict | None:
    """Return IoU of each category in the photos of each tag: ``tags`` and ``rows``.

    A row has ``category``, its row of all photos and a row or ``None`` a tag. Of more categories
    than ``rows`` those of most photos are returned; ``None`` of fewer than two, which say nothing
    that their mean does not.
    """
    scored = iou[(iou["split"] == split) & (iou["category"] != "")].dropna(subset="iou")
    whole = scored[scored["tag"] == ""].sort_values("images", ascending=False, kind="stable")
    if len(whole) < 2:
        return None
    tags = list(dict.fromkeys(scored.loc[scored["tag"] != "", "tag"]))
    found = {(row["category"], row["tag"]): row for row in scored.to_dict("records")}
    names = whole["category"].head(rows)
    return {
        "tags": tags,
        "rows": [
            {
                "category": name,
                "all": found[name, ""],
                "cells": [found.get((name, tag)) for tag in tags],
            }
            for name in names
        ],
    }


def prices(costs: pd.DataFrame) -> list[dict]:
    """Return the rows of ``outcomes.COSTS`` whose gain is known, the largest first."""
    known = costs.dropna(subset="gain").sort_values(["gain", "tag"], ascending=[False, True])
    return known.to_dict("records")


def costly(iou: pd.DataFrame, split: str) -> tuple[list[dict], list[dict]]:
    """Return the tags whose whole interval lies below that of all images, lowest first.

    Those of ``ENOUGH`` images first, then those of fewer, of whom it is not to be believed.
    """
    whole = overall(iou).get(split)
    if whole is None:
        return [], []
    rows = costs(iou, split)
    rows = rows[rows["iou_high"] < whole["iou_low"]]
    many = rows["images"] >= ENOUGH
    return rows[many].to_dict("records"), rows[~many].to_dict("records")
