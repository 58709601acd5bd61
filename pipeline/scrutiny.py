"""The report's closer look at the segmentation: what its tables and charts show."""

import pandas as pd

from pipeline import calibration, charts, overlaps
from pipeline.run import Run
from pipeline.words import Words

SHOWN = 10  # labels of a confusion matrix; of more, so many of the commonest confusions
COLOURS = 7  # categories of a chart: the page has no more colours
GIVE = "not run: give "  # how a rival's note begins where a file was not given


def scrutiny(run: Run, say: Words) -> dict[str, object]:
    """Return what the section names; what the run lacks is empty or ``None``."""
    split = overlaps.judged_split(run.scores)
    return {
        "split": split,
        "measures": _measures(run.scores, split),
        "calibration": _calibration(run.calibration, split, say),
        "error": calibration.error(run.calibration, split) if split else None,
        "matrix": _matrix(run.confusion, split),
        "confused": _confused(run.confusion, split),
        "worst": _worst(run.worst, split, say),
        "rivals": _rivals(run.rivals),
        "learning": _learning(run.learning, say),
    }


def _measures(scores: pd.DataFrame, split: str | None) -> list[dict]:
    """Return a row a measure: of all images, mean over categories."""
    rows = scores[(scores["split"] == split) & (scores["tag"] == "") & (scores["category"] == "")]
    return rows.to_dict("records")


def _calibration(bins: pd.DataFrame, split: str | None, say: Words) -> dict | None:
    """Return a chart: of one category the splits, of several the judged split's categories."""
    rows = bins[bins["pixels"] > 0]
    names = list(dict.fromkeys(rows["category"]))
    if rows.empty:
        return None
    if len(names) == 1:
        shown = rows.assign(series=rows["split"].map(lambda one: say(f"split.{one}")))
        series = [say(f"split.{one}") for one in dict.fromkeys(rows["split"])]
    else:
        series = names[:COLOURS]
        shown = rows[(rows["split"] == split) & rows["category"].isin(series)]
        shown = shown.assign(series=shown["category"])
    titles = {
        key: say(f"scrutiny.axis_{key}") for key in ("series", "predicted", "observed", "pixels")
    }
    return charts.reliability(shown[["series", "predicted", "observed", "pixels"]], series, titles)


def _matrix(pairs: pd.DataFrame, split: str | None) -> dict | None:
    """Return the names and ``(name, shares)`` rows of a confusion matrix that a page can hold."""
    rows = pairs[pairs["split"] == split]
    names = list(dict.fromkeys(rows["truth"]))
    if not names or len(names) > SHOWN:
        return None
    shares = rows["share"].to_numpy().reshape(len(names), len(names))
    return {"names": names, "rows": list(zip(names, shares.tolist(), strict=True))}


def _confused(pairs: pd.DataFrame, split: str | None) -> list[dict]:
    """Return the commonest confusions of many labels, most pixels first."""
    rows = pairs[(pairs["split"] == split) & (pairs["truth"] != pairs["predicted"])]
    if rows["truth"].nunique() <= SHOWN:
        return []
    ranked = rows[rows["pixels"] > 0].sort_values("pixels", ascending=False, kind="stable")
    return ranked.head(SHOWN).to_dict("records")


def _worst(worst: pd.DataFrame, split: str | None, say: Words) -> list[dict]:
    return [
        row | {"problems": [say.known("tag", tag) for tag in row["tags"].split()]}
        for row in worst[worst["split"] == split].to_dict("records")
    ]


def _rivals(rivals: pd.DataFrame) -> list[dict]:
    """Return the table's rows; ``give`` names the parameter that one not run asks for."""
    return [
        row
        | {"parameters": None if pd.isna(row["parameters"]) else int(row["parameters"])}
        | {"images": None if pd.isna(row["images"]) else int(row["images"])}
        | {"give": row["note"].removeprefix(GIVE) if row["note"].startswith(GIVE) else ""}
        for row in rivals.to_dict("records")
    ]


def _learning(rows: pd.DataFrame, say: Words) -> dict | None:
    """Return the chart of IoU over the number of photos learnt from; ``None`` if not asked for."""
    if rows.empty:
        return None
    shown = rows.assign(
        epoch=rows["images"],
        value=rows["iou"],
        size=0,
        series=rows["split"].map(lambda one: say(f"split.{one}")),
    )
    titles = {key: say(f"chart.{key}") for key in ("series", "value", "size")}
    titles |= {"epoch": say("scrutiny.axis_photos")}
    series = [say(f"split.{one}") for one in dict.fromkeys(rows["split"])]
    chart = charts.curves(shown[["epoch", "size", "value", "series"]], series, titles)
    return {"chart": chart, "rows": rows.to_dict("records")}
