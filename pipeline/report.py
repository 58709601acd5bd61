"""Bind frames and pictures into one HTML page."""

from pathlib import Path

import numpy as np

from pipeline import (
    advice,
    blueprint,
    examples,
    facts,
    figures,
    findings,
    parallel,
    pictures,
    prose,
    restoration,
    restorers,
    results,
    scrutiny,
    versions,
    words,
)
from pipeline.anatomy import Layer
from pipeline.errors import PipelineError
from pipeline.examples import Choice, Example, ReportParams
from pipeline.page import plain, render
from pipeline.parallel import ComputeParams
from pipeline.pictures import Drawer, Folders, Shot
from pipeline.plates import Plates
from pipeline.run import Run
from pipeline.words import Words

ASSETS = "assets"  # folder of the pictures, beside the page
BROWSE = "audit/index.html"  # the page of all photos, which the stage browse writes
GALLERY = "photos/index.html"  # the same with what came of them, which the stage gallery writes
PAGES = [("report", ""), ("photos", GALLERY), ("audit", BROWSE)]  # side by side
SHEET_SIDE = 300  # of a picture of the sheet, pixels: six lie side by side on a screen
ROWS = 24  # of a table of the short version
OPENING = 2  # photos of its picture
OPENING_SIDE = 240  # pixels of each: four of them are as wide as a page on GitHub
TWINS = 4  # pairs of photos of two splits that are shown
NETWORKS = ("unet", "deepfill")  # whose layers are drawn


def page(
    run: Run, folders: Folders, into: Path, settings: ReportParams, compute: ComputeParams
) -> str:
    """Draw the report's pictures into ``into/assets`` and return the page; see ``bound``."""
    return html(bound(run, folders, into, settings, compute))


def html(contexts: list[dict[str, object]]) -> str:
    """Return the page of what ``bound`` gives."""
    return render("report.html", contexts, charts=True)


def short(context: dict[str, object], *, has_picture: bool) -> str:
    """Return the report's short version in Markdown; ``report.jpg`` lies beside it or does not."""
    named = context | {"has_picture": has_picture, "ROWS": ROWS}
    return plain().get_template("report.md").render(named)


def bound(
    run: Run, folders: Folders, into: Path, settings: ReportParams, compute: ComputeParams
) -> list[dict[str, object]]:
    """Draw the report's pictures into ``into/assets`` and return what its templates name.

    There is one a language, that of ``settings`` first.

    Args:
        run: its tables.
        folders: where the photos, masks and restorations lie.
        into: the folder in which the caller writes the page as ``index.html``.
        settings: language, amounts and sizes.
        compute: where to draw.
    """
    drawn = _pictures(run, folders, into, settings, compute)
    return [_context(run, say, drawn) for say in words.both(settings.language)]


def _context(run: Run, say: Words, drawn: dict[str, object]) -> dict[str, object]:
    """Return what the templates name, in one language."""
    compared = restorers.restorations(run.restored)
    context = {
        "verdict": [
            *prose.segmentation(say, run.iou),
            prose.problems(say, findings.problems(run.tags)),
            *prose.restoration(say, compared, run.gains),
        ],
        "limits": prose.limits(say, run.iou, compared, _parameters(run)),
        "scores": results.scores(run, say),
        "doubted": results.doubted(run.suspects),
        "curves": results.curves(run.history, say),
        "filling": results.filling(run.filling, say),
        "closer": scrutiny.scrutiny(run, say),
        "gains": restorers.gains(run.gains),
        "remaining": restoration.remaining(run.remains, run.measured),
        "versions": {
            "data": versions.data(run.changes, say),
            "added": drawn["added"],
            "beside": versions.beside(run, say),
        },
        "advice": advice.steps(say, run, compared),
        "provenance": run.provenance,
        "networks": {name: _network(run.layers.get(name, [])) for name in NETWORKS},
    }
    context |= facts.facts(run, say) | drawn
    context["numbered"] = figures.numbered(say, context)
    return context


def _parameters(run: Run) -> dict[str, object]:
    """Return the run's parameters by their whole names."""
    sections = run.provenance.get("parameters", [])
    return {f"{section}.{key}": value for section, values in sections for key, value in values}


def sheet(choice: Choice, folders: Folders, labels: int) -> np.ndarray:
    """Return a picture of restorations, ``(H, W, 3)`` uint8 RGB: photo, what was removed, result.

    Args:
        choice: the photos; one that cannot be read is left out.
        folders: where they lie.
        labels: number of labels without background.
    """
    return pictures.sheet(_rows(choice.sheet, folders, labels, SHEET_SIDE), SHEET_SIDE)


def opening(choice: Choice, folders: Folders, labels: int) -> np.ndarray:
    """Return the opening figure's first rows as one picture, ``(H, W, 3)`` uint8 RGB.

    As ``sheet``; without any photo it is one white pixel.
    """
    rows = _rows(choice.strip[:OPENING], folders, labels, OPENING_SIDE)
    return pictures.sheet(rows, OPENING_SIDE, across=1)


def _rows(
    chosen: list[Example], folders: Folders, labels: int, side: int
) -> list[list[np.ndarray]]:
    drawer, rows = Drawer(folders, Path(), labels, side, side), []
    for example in chosen:
        try:
            rows.append([drawer.draw(shot, side) for shot in example.shots])
        except PipelineError:
            continue
    return rows


def _pictures(
    run: Run, folders: Folders, into: Path, settings: ReportParams, compute: ComputeParams
) -> dict[str, object]:
    """Draw the page's pictures and return what the templates name of them."""
    choice = examples.choose(run, settings)
    net = run.cards.get("unet", {}).get("size")
    explained = figures.explain(run, folders, net=net is not None)
    added = versions.added(run, settings.gallery)
    leaks = _leaks(run)
    drawer = Plates(
        folders, into / ASSETS, len(run.dataset.categories), settings.small, settings.large, net
    )
    further = [*added, *leaks["shown"], *versions.moved(run)]
    shots = {*choice.shots(), *explained.shots(), *(shot for one in further for shot in one.shots)}
    return {
        "choice": choice,
        "shown": explained,
        "net": net,
        "cells": figures.CELLS,
        "added": added,
        "leaks": leaks,
        "drawn": _draw(shots, drawer, compute),
        "assets": ASSETS,
        "browse": BROWSE,
        "gallery": GALLERY,
        "pages": PAGES,
    }


def _leaks(run: Run) -> dict[str, object]:
    """Return how many photos of two splits are tied, why, and the first pairs."""
    return {
        "pairs": len(run.leaks),
        "whys": run.leaks["why"].value_counts().to_dict(),
        "shown": examples.twins(run, TWINS),
    }


def _network(rows: list[Layer]) -> dict[str, object] | None:
    drawing = blueprint.draw(rows)
    return {"rows": rows, "drawing": drawing} if drawing else None


def _draw(shots: set[Shot], drawer: Drawer, compute: ComputeParams) -> dict[str, tuple[int, int]]:
    ordered = sorted(shots, key=lambda shot: (shot.asset, shot.path))
    done = parallel.each(drawer, ordered, compute, "drawing", threads=True)
    return {asset: (width, height) for asset, width, height in filter(None, done)}
