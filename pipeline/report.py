"""Bind frames and pictures into one HTML page."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import (
    charts,
    examples,
    facts,
    findings,
    parallel,
    pictures,
    prose,
    restoration,
    scrutiny,
    words,
)
from pipeline.errors import PipelineError
from pipeline.examples import Choice, ReportParams
from pipeline.findings import Run
from pipeline.page import render
from pipeline.parallel import ComputeParams
from pipeline.pictures import DRAWINGS, Drawer, Folders
from pipeline.tables import SPLITS
from pipeline.words import Words

ASSETS = "assets"  # folder of the pictures, beside the page
BROWSE = "audit.html"  # the page of all photos, which the stage review writes
SHEET_SIDE = 320  # of a picture of the sheet, pixels: six lie side by side on a screen
ROW_LIMIT = 40  # rows of a chart; the table beside it has the rest


def page(
    run: Run, folders: Folders, into: Path, settings: ReportParams, compute: ComputeParams
) -> str:
    """Draw the report's pictures into ``into/assets`` and return the page that shows them.

    Args:
        run: its tables.
        folders: where the photos, masks and restorations lie.
        into: the folder in which the caller writes the page as ``index.html``.
        settings: language, amounts and sizes.
        compute: where to draw.
    """
    say = words.load(settings.language)
    shown = _common(run, folders, into, settings, compute)
    compared = findings.restorations(run.restored)
    extra = {
        "verdict": [
            *prose.segmentation(say, run.iou),
            prose.problems(say, findings.problems(run.tags)),
            *prose.restoration(say, compared),
        ],
        "limits": prose.limits(say, run.iou, compared),
        "scores": _scores(run, say),
        "doubted": _doubted(run.suspects),
        "curves": _curves(run.history, say),
        "filling": _filling(run.filling, say),
        "closer": scrutiny.scrutiny(run, say),
        "gains": findings.gains(run.gains),
        "remaining": restoration.remaining(run.remains, run.measured),
    }
    return render("report.html", shown | extra, charts=True)


def sheet(run: Run, folders: Folders, settings: ReportParams) -> np.ndarray:
    """Return a picture of restorations, ``(H, W, 3)`` uint8 RGB: photo, what was removed, result.

    The photos are spaced evenly from the best to the worst segmentation of those in which
    something was removed; one that cannot be read is left out.
    """
    drawer = Drawer(folders, Path(), len(run.dataset.categories), settings.small, settings.large)
    rows = []
    for example in examples.choose(run, settings).sheet:
        try:
            row = [DRAWINGS[shot.kind](drawer, shot, settings.small) for shot in example.shots]
        except PipelineError:
            continue
        rows.append(row)
    return pictures.sheet(rows, SHEET_SIDE)


def _common(
    run: Run, folders: Folders, into: Path, settings: ReportParams, compute: ComputeParams
) -> dict[str, object]:
    say = words.load(settings.language)
    choice = examples.choose(run, settings)
    labels = len(run.dataset.categories)
    drawer = Drawer(folders, into / ASSETS, labels, settings.small, settings.large)
    return facts.facts(run, say) | {
        "choice": choice,
        "drawn": _draw(choice, drawer, compute),
        "assets": ASSETS,
        "browse": BROWSE,
    }


def _draw(choice: Choice, drawer: Drawer, compute: ComputeParams) -> dict[str, tuple[int, int]]:
    done = parallel.each(drawer, choice.shots(), compute, "drawing")
    return {asset: (width, height) for asset, width, height in filter(None, done)}


def _scores(run: Run, say: Words) -> dict[str, object]:
    """Return tables and charts of IoU; empty charts are ``None``."""
    by_category = findings.categories(run.iou)
    judged = findings.judged_split(run.iou)
    by_tag = findings.costs(run.iou, judged) if judged else run.iou.head(0)
    whole = findings.overall(run.iou).get(judged)
    photos = findings.photos(run.dataset, run.measured, [])
    each = findings.scored(photos, run.counts)
    return {
        "categories": by_category.to_dict("records"),
        "tags": by_tag.to_dict("records"),
        "prices": findings.prices(run.costs),
        "category_chart": _category_chart(by_category, say),
        "tag_chart": _tag_chart(by_tag, whole, say),
        "spread_chart": _histogram(each.loc[each["split"] == judged, "iou"].tolist(), say),
        "scored": int((each["split"] == judged).sum()),
    }


def _doubted(suspects: pd.DataFrame) -> dict[str, object]:
    """Return how many labels look wrong: in how many photos, by kind, and judged by whom."""
    rows = suspects[suspects["suspect"]]
    photos = suspects.drop_duplicates(["split", "file_name"])
    return {
        "labels": len(rows),
        "photos": len(findings.doubted(suspects)),
        "kinds": rows["kind"].value_counts().to_dict(),
        "own": int((~photos["held_out"]).sum()),
    }


def _category_chart(rows: pd.DataFrame, say: Words) -> dict | None:
    if rows.empty:
        return None
    shown = _dots(rows, rows["category"], rows["split"].map(lambda split: say(f"split.{split}")))
    if shown["name"].nunique() == 1:
        shown = shown.assign(name=shown["series"])
    shown = shown[shown["name"].isin(shown["name"].unique()[:ROW_LIMIT])]
    return charts.intervals(shown, _splits(say), _titles(say))


def _tag_chart(rows: pd.DataFrame, whole: dict | None, say: Words) -> dict | None:
    if rows.empty or whole is None:
        return None
    named = rows["tag"].map(lambda tag: say.known("tag", tag)) + " · " + rows["images"].astype(str)
    shown = _dots(rows, named, rows["split"].map(lambda split: say(f"split.{split}")))
    titles = _titles(say) | {"name": say("chart.problem")}
    return charts.intervals(shown.head(ROW_LIMIT), _splits(say), titles, whole["iou"])


def _dots(rows: pd.DataFrame, name: pd.Series, series: pd.Series) -> pd.DataFrame:
    columns = {"iou": "value", "iou_low": "low", "iou_high": "high"}
    shown = rows.rename(columns=columns)[[*columns.values(), "images"]]
    shown = shown.assign(name=name, series=series).dropna(subset="value")
    return shown[["name", "series", "value", "low", "high", "images"]]


def _histogram(values: list[float], say: Words) -> dict | None:
    return charts.histogram(values, _titles(say)) if values else None


def _curves(history: pd.DataFrame, say: Words) -> dict[str, object] | None:
    """Return the charts of loss and IoU over epochs; ``None`` if nothing was trained."""
    if history.empty:
        return None
    pairs = {"loss": ("loss", "val_loss"), "iou": ("iou", "val_iou")}
    found = {name: _curve(history, columns, say) for name, columns in pairs.items()}
    return found | {"last": history.iloc[-1].to_dict()}


def _filling(rows: pd.DataFrame, say: Words) -> dict | None:
    if rows.empty:
        return None
    steps = rows.rename(columns={"step": "epoch"}).assign(size=0)
    return _curve(steps, ("l1", "val_l1"), say, epoch=say("chart.step"), value=say("chart.error"))


def _curve(rows: pd.DataFrame, columns: tuple[str, str], say: Words, **titles: str) -> dict:
    """Return a chart of a train and a valid column over ``epoch``; missing values are left out."""
    series = _splits(say)[:2]
    parts = [
        rows[["epoch", "size"]].assign(value=rows[column], series=label)
        for column, label in zip(columns, series, strict=True)
    ]
    long = pd.concat(parts, ignore_index=True).dropna(subset="value")
    return charts.curves(long, series, _titles(say) | titles)


def _splits(say: Words) -> list[str]:
    return [say(f"split.{split}") for split in SPLITS]


def _titles(say: Words) -> dict[str, str]:
    keys = ("name", "series", "value", "low", "high", "images", "epoch", "size")
    return {key: say(f"chart.{key}") for key in keys}
