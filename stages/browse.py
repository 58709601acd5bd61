"""Lay every photo out on one page, with what was found in it."""

from pathlib import Path

from pipeline import accuracy, browse, coco, params, store, tables, thumbs, wall, words
from pipeline.parallel import ComputeParams
from pipeline.rules import TagParams
from pipeline.run import LEAKS, Run
from stages import run

PAGES = [("report", "../index.html"), ("photos", "../photos/index.html"), ("audit", "")]


def main(raw: Path, truth: Path, valid: Path, reports: Path, page: Path) -> str:
    """Read the tables of checks and tags, write ``index.html`` and its small pictures."""
    tables_of_run = Run(
        dataset=coco.load(valid),
        issues=store.read_table(reports / "issues.csv", tables.ISSUES),
        measured=store.read_table(reports / "images.csv", tables.MEASURED),
        tags=store.read_table(reports / "tags.csv", tables.TAGS),
        accuracy=store.read_table(reports / "tag_accuracy.csv", tables.TAG_ACCURACY),
        answers=accuracy.read(truth),
        leaks=store.read_table(valid / "leaks.csv", LEAKS),
    )
    html = browse.page(
        tables_of_run,
        wall.Setting(
            params.load(TagParams, "tag"),
            params.value(words.Language, "report", "language"),
            PAGES,
            wall.beside(raw, page),
        ),
        thumbs.Drawer(raw, page / thumbs.FOLDER),
        params.load(ComputeParams, "compute"),
    )
    store.write_bytes(page / "index.html", html.encode("utf-8", "replace"))
    return f"{page / 'index.html'}, {len(html) / 1e6:.1f} MB, {len(tables_of_run.measured)} photos"


if __name__ == "__main__":
    run(main)
