"""Lay every photo out on one page, with what the networks made of it."""

import os
from pathlib import Path
from typing import Annotated

import msgspec

from pipeline import (
    accuracy,
    coco,
    doubts,
    gallery,
    outcomes,
    overlays,
    params,
    store,
    tables,
    thumbs,
    wall,
    words,
)
from pipeline.parallel import ComputeParams
from pipeline.rules import TagParams
from pipeline.run import Run
from stages import run

Pixels = Annotated[int, msgspec.Meta(ge=64, le=4000)]


def main(  # noqa: PLR0913  # one parameter a path of dvc.yaml
    raw: Path,
    truth: Path,
    valid: Path,
    masks: Path,
    segments: Path,
    filled: Path,
    audit: Path,
    reports: Path,
    page: Path,
) -> str:
    """Read the run's tables, write ``index.html`` and what it lays over the photos."""
    suspects = store.read_table(reports / "suspects.csv", outcomes.SUSPECTS)
    measured = store.read_table(reports / "images.csv", tables.MEASURED)
    measured = doubts.joined(measured, suspects)
    above = params.value(float, "suspect", "above")
    tables_of_run = Run(
        dataset=coco.load(valid),
        issues=store.read_table(reports / "issues.csv", tables.ISSUES),
        measured=measured,
        tags=tables.TAGS.empty(),
        answers=accuracy.read(truth),
        counts=store.read_table(reports / "counts.csv", outcomes.COUNTS),
        suspects=suspects,
        doubted=above if doubts.DOUBT in measured else None,
        restored=store.read_table(reports / "restored.csv", outcomes.RESTORED),
        remains=store.read_table(reports / "remains.csv", outcomes.REMAINS),
    )
    beside = gallery.Beside(
        thumbs=_address(audit / thumbs.FOLDER, page),
        drawn=frozenset(path.name for path in (audit / thumbs.FOLDER).glob("*.jpg")),
    )
    setting = wall.Setting(
        params.load(TagParams, "tag"),
        params.value(words.Language, "report", "language"),
        [
            ("report", _address(reports / "index.html", page)),
            ("photos", ""),
            ("audit", _address(audit / "index.html", page)),
        ],
        wall.beside(raw, page),
    )
    single = len(tables_of_run.dataset.categories) == 1
    side = params.value(Pixels, "report", "large")
    html = gallery.page(
        tables_of_run,
        setting,
        overlays.Drawer(raw, masks, segments, filled, page, single, side),
        params.load(ComputeParams, "compute"),
        beside,
    )
    store.write_bytes(page / "index.html", html.encode("utf-8", "replace"))
    return f"{page / 'index.html'}, {len(html) / 1e6:.1f} MB, {len(tables_of_run.measured)} photos"


def _address(path: Path, page: Path) -> str:
    """Return how a page in the folder ``page`` names a path: relative, with /."""
    return Path(os.path.relpath(path, page)).as_posix()


if __name__ == "__main__":
    run(main)
