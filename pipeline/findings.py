"""What was found in the data: splits, issues, problems and doubted labels as rows, no words."""

import hashlib

import numpy as np
import pandas as pd
import shapely

from pipeline.tables import SPLITS, Dataset

# Table 1 of the student report this pipeline grew from, in its order, to stand beside ours.
REPORTED = {
    "far": 0.03,
    "crowd": 0.08,
    "blurred_background": 0.06,
    "scene_time": 0.20,
    "occluded": 0.12,
}
SEVERITIES = ("error", "warning", "info")
EXAMPLES = 3  # file names shown beside an issue's code


def per_split(dataset: Dataset) -> list[dict]:
    """Return ``split, images, annotations`` of each split that holds images."""
    images = dataset.images["split"].value_counts()
    annotations = dataset.annotations["split"].value_counts()
    return [
        {
            "split": split,
            "images": int(images[split]),
            "annotations": int(annotations.get(split, 0)),
        }
        for split in SPLITS
        if split in images
    ]


def fingerprint(dataset: Dataset) -> str:
    """Return twelve hexadecimal digits that change when an image, outline or category does."""
    digest = hashlib.sha256()
    for frame in (dataset.images, dataset.annotations, dataset.categories):
        plain = frame.drop(columns=["geometry"], errors="ignore")
        digest.update(plain.to_csv(index=False).encode("utf-8", "surrogatepass"))
    for outline in shapely.to_wkb(dataset.annotations["geometry"].to_numpy()):
        digest.update(outline or b"")
    return digest.hexdigest()[:12]


def problems(tags: pd.DataFrame) -> list[dict]:
    """Return Table 1: the report's five problems in its order, then the others by share."""
    rows = tags.assign(reported=tags["tag"].map(REPORTED))
    order = {tag: place for place, tag in enumerate(REPORTED)}
    rows = rows.assign(place=rows["tag"].map(order).fillna(len(order)))
    rows = rows.sort_values(["place", "share", "tag"], ascending=[True, False, True])
    return [
        row | {"reported": None if np.isnan(row["reported"]) else row["reported"]}
        for row in rows.drop(columns="place").to_dict("records")
    ]


def accuracies(accuracy: pd.DataFrame) -> dict[str, dict]:
    """Return the row of each tag whose true answers are known, by tag."""
    return {row["tag"]: row for row in accuracy.to_dict("records")}


def issue_codes(issues: pd.DataFrame) -> list[dict]:
    """Return a row a code: ``code, severity, count, images, actions, examples``, gravest first."""
    rows = []
    for (severity, code), found in issues.groupby(["severity", "code"], sort=True):
        names = found.loc[found["file_name"] != "", "file_name"]
        rows.append(
            {
                "code": code,
                "severity": severity,
                "count": len(found),
                "images": int(names.nunique()),
                "actions": sorted(set(found["action"]) - {""}),
                "examples": sorted(set(names))[:EXAMPLES],
            }
        )
    rank = {severity: place for place, severity in enumerate(SEVERITIES)}
    return sorted(rows, key=lambda row: (rank.get(row["severity"], 9), -row["count"], row["code"]))


def severities(issues: pd.DataFrame) -> dict[str, int]:
    """Return how many findings there are of each severity, gravest first."""
    counts = issues["severity"].value_counts()
    return {severity: int(counts.get(severity, 0)) for severity in SEVERITIES}


def doubted(suspects: pd.DataFrame) -> pd.DataFrame:
    """Return ``split, file_name, kinds, excess, held_out`` of photos with suspect labels.

    ``kinds`` lists what is suspect, each kind once, the gravest first; rows likewise.
    """
    rows = suspects[suspects["suspect"]].sort_values("excess", ascending=False, kind="stable")
    each = rows.groupby(["split", "file_name"], sort=False)
    return each.agg(
        kinds=("kind", lambda kinds: list(dict.fromkeys(kinds))),
        excess=("excess", "max"),
        held_out=("held_out", "first"),
    ).reset_index()
