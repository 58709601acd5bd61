"""How well the networks learnt and score: what the report's tables and charts of it show."""

import pandas as pd

from pipeline import charts, findings, overlaps, ranking
from pipeline.run import Run
from pipeline.tables import SPLITS
from pipeline.words import Words

ROW_LIMIT = 40  # rows of a chart; the table beside it has the rest


def scores(run: Run, say: Words) -> dict[str, object]:
    """Return tables and charts of IoU; empty charts are ``None``."""
    by_category = overlaps.categories(run.iou)
    judged = overlaps.judged_split(run.iou)
    by_tag = overlaps.costs(run.iou, judged) if judged else run.iou.head(0)
    whole = overlaps.overall(run.iou).get(judged)
    photos = ranking.photos(run.dataset, run.measured, [])
    each = ranking.scored(photos, run.counts)
    spread = each.loc[each["split"] == judged, "iou"].tolist()
    return {
        "categories": by_category.to_dict("records"),
        "tags": by_tag.to_dict("records"),
        "crossed": overlaps.crossed(run.iou, judged, ROW_LIMIT) if judged else None,
        "prices": overlaps.prices(run.costs),
        "category_chart": _category_chart(by_category, say),
        "tag_chart": _tag_chart(by_tag, whole, say),
        "few": overlaps.ENOUGH,
        "spread_chart": _histogram(spread, say),
        "spread_step": charts.width(spread),
        "scored": int((each["split"] == judged).sum()),
    }


def doubted(suspects: pd.DataFrame) -> dict[str, object]:
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
    return charts.intervals(shown, _splits(say), _titles(say), overlaps.ENOUGH)


def _tag_chart(rows: pd.DataFrame, whole: dict | None, say: Words) -> dict | None:
    if rows.empty or whole is None:
        return None
    named = rows["tag"].map(lambda tag: say.known("tag", tag)) + " · " + rows["images"].astype(str)
    shown = _dots(rows, named, rows["split"].map(lambda split: say(f"split.{split}")))
    titles = _titles(say) | {"name": say("chart.problem")}
    few = overlaps.ENOUGH
    return charts.intervals(shown.head(ROW_LIMIT), _splits(say), titles, few, whole["iou"])


def _dots(rows: pd.DataFrame, name: pd.Series, series: pd.Series) -> pd.DataFrame:
    columns = {"iou": "value", "iou_low": "low", "iou_high": "high"}
    shown = rows.rename(columns=columns)[[*columns.values(), "images"]]
    shown = shown.assign(name=name, series=series).dropna(subset="value")
    return shown[["name", "series", "value", "low", "high", "images"]]


def _histogram(values: list[float], say: Words) -> dict | None:
    return charts.histogram(values, _titles(say)) if values else None


def curves(history: pd.DataFrame, say: Words) -> dict[str, object] | None:
    """Return the charts of loss and IoU over epochs; ``None`` if nothing was trained."""
    if history.empty:
        return None
    pairs = {"loss": ("loss", "val_loss"), "iou": ("iou", "val_iou")}
    found = {name: _curve(history, columns, say) for name, columns in pairs.items()}
    return found | {"last": history.iloc[-1].to_dict()}


def filling(rows: pd.DataFrame, say: Words) -> dict | None:
    """Return the chart of the restorer's error over steps; ``None`` if it was not trained."""
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
