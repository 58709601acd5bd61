"""Lay every photo out once more, now that a trained network has doubted some labels."""

from pathlib import Path

from pipeline import accuracy, browse, coco, doubts, params, review, store, tables, words
from pipeline.findings import LEAKS, Run
from pipeline.parallel import ComputeParams
from pipeline.rules import TagParams
from stages import run


def main(truth: Path, valid: Path, reports: Path, audit: Path, page: Path) -> str:
    """Read the tables of checks, tags and doubts, write the page beside the first one's folder."""
    measured = store.read_table(reports / "images.csv", tables.MEASURED)
    suspects = store.read_table(reports / "suspects.csv", tables.SUSPECTS)
    measured = doubts.joined(measured, suspects)
    above = params.value(float, "suspect", "above")
    tables_of_run = Run(
        dataset=coco.load(valid),
        issues=store.read_table(reports / "issues.csv", tables.ISSUES),
        measured=measured,
        tags=doubts.counted(store.read_table(reports / "tags.csv", tables.TAGS), measured),
        accuracy=store.read_table(reports / "tag_accuracy.csv", tables.TAG_ACCURACY),
        answers=accuracy.read(truth),
        leaks=store.read_table(valid / "leaks.csv", LEAKS),
        doubted=above if doubts.DOUBT in measured else None,
    )
    html = browse.page(
        tables_of_run,
        params.load(TagParams, "tag"),
        params.value(words.Language, "report", "language"),
        review.Redrawer(audit / browse.THUMBS),
        params.load(ComputeParams, "compute"),
    )
    store.write_bytes(page, html.encode("utf-8", "replace"))
    labels = int(suspects["suspect"].sum())
    return f"{page}, {labels} suspect labels in {len(measured)} photos"


if __name__ == "__main__":
    run(main)
