"""Lay all photos out on one page: sorted, filtered, judged against limits that can be moved.

The photos travel as JSON in an element that is never executed and are shown by ``audit.js`` a
screenful at a time, so that thousands stay smooth; names of files are text there, never markup.
"""

import numpy as np
import pandas as pd

from pipeline import accuracy, doubts, facts, parallel, tables, thumbs, words
from pipeline.findings import Run
from pipeline.page import render
from pipeline.parallel import ComputeParams
from pipeline.rules import RULES, SUSPECT_LABEL, TagParams
from pipeline.words import Language, Words

THUMBS = "thumbs"  # folder of the small pictures, beside the page
DIGITS = 6  # significant ones of a measurement, as in images.csv
BOUNDLESS = 1e9  # JSON has no infinity: a crowd outlined as one counts as so many
KINDS = {  # how a measurement is written: % of 1, whole (d), else three digits
    "far": "%",
    "crowd": "d",
    "over_exposed": "%",
    "cut_off": "%",
    "box_like": "%",
    "duplicate": "d",
    "near_duplicate": "d",
    "no_person": "d",
    SUSPECT_LABEL: "%",
}
SAID = (  # texts of the catalogue that the script fills and places
    "of", "more", "all_splits", "all_places", "all_codes", "sort_split", "sort_name",
    "sort_worst", "sort_mildest", "changes", "no_change", "new", "gone", "unknown", "boundless",
    "against", "issues", "no_issues", "pair_same", "pair_source", "pair_alike", "unreadable",
    "right",
)  # fmt: skip


def page(
    run: Run, limits: TagParams, language: Language, drawer: thumbs.Drawer, compute: ComputeParams
) -> str:
    """Draw the small pictures and return the page that shows them.

    Args:
        run: tables of an audit.
        limits: what the tags were found with.
        language: of the page.
        drawer: where the photos lie; it draws into a folder beside the page, which the caller
            writes.
        compute: where to draw.
    """
    say = words.load(language)
    images = tables.ordered(run.dataset.images).reset_index(drop=True)
    plan = thumbs.plan(run.dataset, images)
    drawn = parallel.each(drawer, plan, compute, "drawing", threads=True)
    data = {
        "language": say.language,
        "folder": drawer.beside,
        "splits": {split: say(f"split.{split}") for split in tables.SPLITS},
        "single": len(run.dataset.categories) == 1,
        "tags": _tags(run, limits, say),
        "photos": _photos(images, run, plan, drawn),
        "codes": {code: say.known("issue", code) for code in sorted(set(run.issues["code"]))},
        "pairs": _pairs(images, run.leaks),
        "say": {key: say.texts[f"browse.{key}"] for key in SAID},
    }
    context = facts.facts(run, say) | {"data": data, "pairs": len(data["pairs"])}
    return render("audit.html", context, charts=False, extra="audit")


def _tags(run: Run, limits: TagParams, say: Words) -> list[dict]:
    """Return of each tag what its slider needs: values, limit, direction, who has it, the truth."""
    measured = run.measured
    known = accuracy.matched(measured, run.answers) if len(run.answers) else pd.DataFrame()
    rules = RULES if run.doubted is None else RULES | {SUSPECT_LABEL: doubts.rule(run.doubted)}
    return [
        {
            "id": tag,
            "name": say.known("tag", tag),
            "meaning": say.known("tag_meaning", tag, ""),
            "measure": say.known("measure", tag),
            "kind": KINDS.get(tag, ""),
            "parameter": rule.parameter,
            "limit": float(rule.at(limits)),
            "sign": rule.sign,
            "reached": rule.direction in {"from", "within"},
            "values": _plain(rule.value(measured)),
            "has": np.flatnonzero(measured[tag]).tolist(),
            "truth": _truth(known, tag),
        }
        for tag, rule in rules.items()
        if tag in measured
    ]


def _truth(known: pd.DataFrame, tag: str) -> list[int | None]:
    """Return 1, 0 or None an image; no list if nothing is known of the tag."""
    if tag not in known or not known[tag].notna().any():
        return []
    return [None if pd.isna(answer) else int(answer) for answer in known[tag]]


def _plain(values: pd.Series) -> list[float | None]:
    """Return numbers as JSON can hold them; None where there is none."""
    bounded = values.astype("float64").clip(upper=BOUNDLESS)
    return [None if np.isnan(one) else float(f"{one:.{DIGITS}g}") for one in bounded.tolist()]


def _photos(
    images: pd.DataFrame, run: Run, plan: list[thumbs.Thumb], drawn: list[thumbs.Drawn]
) -> dict[str, list]:
    """Return a list a column; the rows are those of ``images``, as those of ``measured`` are."""
    codes = run.issues.groupby(["split", "file_name"], sort=False)["code"].unique()
    found = {key: sorted(each) for key, each in codes.items()}
    keys = zip(images["export_split"], images["file_name"], strict=True)
    return {
        "file": images["file_name"].tolist(),
        "split": images["split"].tolist(),
        "place": run.measured["place"].fillna("").tolist(),
        "size": images[["width", "height"]].to_numpy().tolist(),
        "thumb": [thumb.asset if one.size else "" for thumb, one in zip(plan, drawn, strict=True)],
        "shown": [one.size or (1, 1) for one in drawn],
        "outlines": [one.outlines for one in drawn],
        "codes": [found.get(key, []) for key in keys],
    }


def _pairs(images: pd.DataFrame, leaks: pd.DataFrame) -> list[tuple[int, int, str, int]]:
    """Return rows of both photos, why and differing bits; pairs of photos that are gone are not."""
    rows = {}
    for row in images.itertuples():
        rows.setdefault((row.split, row.file_name), row.Index)
    return [
        (rows[one], rows[other], leak.why, leak.bits)
        for leak in leaks.itertuples()
        if (one := (leak.split, leak.file_name)) in rows
        and (other := (leak.other_split, leak.other)) in rows
    ]
