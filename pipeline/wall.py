"""What a page of all photos holds: a column a fact, a row a photo, and the words beside them.

The photos travel as JSON in an element that is never executed and are shown by ``wall.js`` a
screenful at a time, so that twenty thousand stay smooth; names of files are text there, never
markup. Words are apart from facts, so that one page can speak several languages.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline import accuracy, doubts, tables, thumbs
from pipeline.findings import SEVERITIES
from pipeline.rules import RULES, SUSPECT_LABEL, Rule, TagParams
from pipeline.run import LEAKS, Run
from pipeline.words import Language, Words

DIGITS = 6  # significant ones of a measurement, as in images.csv
BOUNDLESS = 1e9  # JSON has no infinity: a crowd outlined as one counts as so many
TURNED = "image_rotated"  # a browser would turn such a photo, and its outlines would miss it
KINDS = {  # how a measurement is written: % of 1, whole (d), else three digits
    "far": "%",
    "crowd": "d",
    "over_exposed": "%",
    "cut_off": "%",
    "box_like": "%",
    "missed_person": "%",
    "duplicate": "d",
    "near_duplicate": "d",
    "no_person": "d",
    SUSPECT_LABEL: "%",
}
SAID = (  # texts of the catalogue that the scripts fill and place
    "of", "more", "all_splits", "all_places", "all_codes", "sort_split", "sort_name",
    "sort_worst", "sort_mildest", "sort_grave", "changes", "no_change", "new", "gone", "unknown",
    "boundless", "against", "issues", "no_issues", "pair_same", "pair_source", "pair_alike",
    "unreadable", "right", "over_none", "over_truth", "view_photo", "view_truth", "problems_here",
    "measured", "position", "annotation", "value_limit", "outside", "view_alt",
)  # fmt: skip


class Raw(NamedTuple):
    """Where the photos' own files lie, as a page finds them.

    Attributes:
        address: of their folder, from the page; empty if they will not lie there.
        home: where the page lies below the folder that holds both; elsewhere it asks for none.
    """

    address: str = ""
    home: str = ""


def beside(raw: Path, page: Path) -> Raw:
    """Return how a page in the folder ``page`` finds the folder ``raw``: relative, with /."""
    both = os.path.commonpath([raw.absolute(), page.absolute()])
    return Raw(
        Path(os.path.relpath(raw, page)).as_posix(), Path(os.path.relpath(page, both)).as_posix()
    )


@dataclass(frozen=True)
class Setting:
    """How a page of photos is shown.

    Attributes:
        limits: what the tags were found with.
        language: the one that the page begins in.
        pages: to which others it leads, name in the catalogue and address; itself has no address.
        raw: where the photos' own files lie.
    """

    limits: TagParams
    language: Language
    pages: list[tuple[str, str]]
    raw: Raw


def wall(run: Run, limits: TagParams) -> dict[str, object]:
    """Return the facts of every photo, rows in the order of ``tables.ordered``, as ``measured``.

    Args:
        run: tables of an audit.
        limits: what the tags were found with.
    """
    images = tables.ordered(run.dataset.images).reset_index(drop=True)
    places = sorted(set(run.measured["place"].fillna("")) - {""})
    codes = sorted(set(run.issues["code"]))
    actions = sorted(set(run.issues["action"]))
    return {
        "splits": list(tables.SPLITS),
        "places": places,
        "categories": run.dataset.categories["name"].tolist(),
        "codes": codes,
        "severities": list(SEVERITIES),
        "actions": actions,
        "tags": _tags(run, limits),
        "photos": {
            "file": images["file_name"].tolist(),
            "id": [thumbs.digest(path) for path in images["path"]],
            "split": _placed(images["split"], list(tables.SPLITS)),
            "place": _placed(run.measured["place"].fillna(""), places),
            "size": images[["width", "height"]].to_numpy().tolist(),
            "labels": _labels(run, images),
            "found": _found(run, images, codes, actions),
            "elsewhere": _elsewhere(run, images),
        },
    }


def words(run: Run, say: Words, said: tuple[str, ...]) -> dict[str, object]:
    """Return the words of one language that the facts of ``wall`` are shown with.

    Args:
        run: as of ``wall``.
        say: the language.
        said: keys of the group ``browse`` that the page's scripts name.
    """
    return {
        "language": say.language,
        "splits": [say(f"split.{split}") for split in tables.SPLITS],
        "codes": {code: say.known("issue", code) for code in sorted(set(run.issues["code"]))},
        "severities": [say(f"severity.{severity}") for severity in SEVERITIES],
        "actions": {one: say.known("action", one) for one in sorted(set(run.issues["action"]))},
        "tags": {
            tag: {
                "name": say.known("tag", tag),
                "meaning": say.known("tag_meaning", tag, ""),
                "measure": say.known("measure", tag),
            }
            for tag in _rules(run)
        },
        "say": {key: say.texts[f"browse.{key}"] for key in said},
    }


def pairs(run: Run) -> list[tuple[int, int, str, int]]:
    """Return rows of both photos, why and differing bits; pairs of photos that are gone are not."""
    rows = placed(tables.ordered(run.dataset.images).reset_index(drop=True), "split")
    return [
        (rows[one], rows[other], leak.why, leak.bits)
        for leak in LEAKS.check(run.leaks, "leaks").itertuples()
        if (one := (leak.split, leak.file_name)) in rows
        and (other := (leak.other_split, leak.other)) in rows
    ]


def placed(images: pd.DataFrame, split: str) -> dict[tuple[str, str], int]:
    """Return the row of each ``(split, file_name)``, of the first photo that is called so.

    Args:
        images: columns as ``tables.IMAGES``, its index 0, 1, 2...
        split: the column that says it: ``split``, or ``export_split`` for tables of the export.
    """
    rows: dict[tuple[str, str], int] = {}
    for row, key in enumerate(zip(images[split], images["file_name"], strict=True)):
        rows.setdefault(key, row)
    return rows


def plain(values: pd.Series) -> list[float | None]:
    """Return numbers as JSON can hold them; None where there is none."""
    bounded = values.astype("float64").clip(upper=BOUNDLESS)
    return [None if np.isnan(one) else float(f"{one:.{DIGITS}g}") for one in bounded.tolist()]


def _placed(values: pd.Series, among: list[str]) -> list[int]:
    """Return where each value stands in a list; -1 if it does not."""
    at = {value: place for place, value in enumerate(among)}
    return [at.get(value, -1) for value in values]


def _tags(run: Run, limits: TagParams) -> list[dict]:
    """Return of each tag what its slider needs: values, limit, direction, who has it, the truth."""
    measured = run.measured
    known = accuracy.matched(measured, run.answers) if len(run.answers) else pd.DataFrame()
    return [
        {
            "id": tag,
            "kind": KINDS.get(tag, ""),
            "parameter": rule.parameter,
            "limit": float(rule.at(limits)),
            "sign": rule.sign,
            "reached": rule.direction in {"from", "within"},
            "values": plain(rule.value(measured)),
            "has": np.flatnonzero(measured[tag]).tolist(),
            "truth": _truth(known, tag),
        }
        for tag, rule in _rules(run).items()
    ]


def _rules(run: Run) -> dict[str, Rule]:
    """Return the rules of the tags that the table has."""
    rules = RULES if run.doubted is None else RULES | {SUSPECT_LABEL: doubts.rule(run.doubted)}
    return {tag: rule for tag, rule in rules.items() if tag in run.measured}


def _truth(known: pd.DataFrame, tag: str) -> list[int | None]:
    """Return 1, 0 or None an image; no list if nothing is known of the tag."""
    if tag not in known or not known[tag].notna().any():
        return []
    return [None if pd.isna(answer) else int(answer) for answer in known[tag]]


def _labels(run: Run, images: pd.DataFrame) -> list[list[int]]:
    """Return of each photo which categories are outlined in it, as places in the list of them."""
    ids = run.dataset.categories["category_id"].tolist()
    at = {category: place for place, category in enumerate(ids)}
    seen: dict[tuple[str, int], set[int]] = {}
    notes = run.dataset.annotations
    for split, image, category in zip(
        notes["split"], notes["image_id"], notes["category_id"], strict=True
    ):
        seen.setdefault((split, image), set()).add(at[category])
    keys = zip(images["split"], images["image_id"], strict=True)
    return [sorted(seen.get(key, ())) for key in keys]


def _elsewhere(run: Run, images: pd.DataFrame) -> dict[str, str]:
    """Return where photos lie whose path is not their split and name, by row; none: not to show."""
    turned = run.issues[run.issues["code"] == TURNED]
    keys = set(zip(turned["split"], turned["file_name"], strict=True))
    return {
        str(row.Index): "" if (row.export_split, row.file_name) in keys else row.path
        for row in images.itertuples()
        if row.path != f"{row.split}/{row.file_name}" or (row.export_split, row.file_name) in keys
    }


def _found(
    run: Run, images: pd.DataFrame, codes: list[str], actions: list[str]
) -> list[list[list]]:
    """Return each photo's findings: code, severity and action by place, annotation, value, limit.

    The gravest come first.
    """
    rows = placed(images, "export_split")
    issues = run.issues
    each: list[list[list]] = [[] for _ in range(len(images))]
    columns = (
        issues["split"],
        issues["file_name"],
        _placed(issues["code"], codes),
        _placed(issues["severity"], list(SEVERITIES)),
        _placed(issues["action"], actions),
        issues["annotation_id"].astype(object).where(issues["annotation_id"].notna(), None),
        plain(issues["value"]),
        plain(issues["limit"]),
    )
    for split, name, *finding in zip(*columns, strict=True):
        if (row := rows.get((split, name))) is not None:
            each[row].append(finding)
    return [sorted(found, key=lambda finding: (finding[1], finding[0])) for found in each]
