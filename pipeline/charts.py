"""The page's charts as Vega-Lite specifications, by Altair; colours and fonts are the page's own.

A specification holds its data inline and names no colour: series take the page's category colours
in the order of ``series``, so that one specification serves light and dark.
"""

import math
from collections.abc import Sequence

import altair as alt
import pandas as pd

ROW = 30  # pixels a row of a dot chart
PANEL = 220  # pixels, height of a curve's panel
SHARE = alt.Scale(domain=[0, 1])
# Of an axis to 1 by where it begins: the step of its ticks, and the bins of a histogram on it.
STEPS = {0.9: 0.02, 0.8: 0.05, 0.7: 0.1, 0.6: 0.1, 0.5: 0.1, 0.4: 0.1, 0.2: 0.2, 0.0: 0.2}
BINS = {0.9: 0.01, 0.8: 0.01, 0.7: 0.02, 0.6: 0.02, 0.5: 0.05, 0.4: 0.05, 0.2: 0.05, 0.0: 0.05}
PALE = 0.4  # opacity of what rests on too little


def intervals(
    frame: pd.DataFrame,
    series: Sequence[str],
    titles: dict[str, str],
    few: int,
    whole: float | None = None,
) -> dict:
    """Return dots with intervals, one row a name, side by side where a name has several series.

    The axis ends at 1 and begins a step below the lowest value, so that differences are seen.

    Args:
        frame: ``name, series, value, low, high, images``; values 0..1, in the order to show.
        series: names of all series, in the order of their colours.
        titles: what the columns are called in the reader's language.
        few: ``images`` below which a row is pale.
        whole: a value to compare with, drawn as a line; ``None`` for none.
    """
    names = list(dict.fromkeys(frame["name"]))
    several = frame.groupby("name").size().max() > 1
    color = _color(series, legend=bool(several))
    y = alt.Y("name:N", sort=names, title=None, scale=alt.Scale(paddingInner=0.35))
    offset = {"yOffset": alt.YOffset("series:N", sort=list(series))} if several else {}
    base = alt.Chart(_data(frame)).encode(y=y, **offset, tooltip=_tooltip(frame, titles))
    start = _start([*frame["low"], *frame["value"], *([] if whole is None else [whole])])
    layers = [
        base.mark_rule(strokeWidth=2).encode(
            x=_value("low", titles, start), x2="high:Q", color=color, opacity=_firm(0.55, few)
        ),
        base.mark_point(filled=True, size=70).encode(
            x=_value("value", titles, start), color=color, opacity=_firm(1, few)
        ),
    ]
    if whole is not None:
        line = alt.Chart(_data(pd.DataFrame({"value": [whole]})))
        layers.insert(0, line.mark_rule(strokeDash=[4, 3]).encode(x=_value("value", titles, start)))
    return _finish(alt.layer(*layers), height=round(ROW * len(frame) * (0.7 if several else 1)))


def curves(frame: pd.DataFrame, series: Sequence[str], titles: dict[str, str]) -> dict:
    """Return lines over epochs.

    Args:
        frame: ``epoch, series, value, size``; a dashed rule stands where ``size`` grows.
        series: as in ``intervals``.
        titles: of ``epoch, series, value, size``.
    """
    lines = (
        alt.Chart(_data(frame))
        .mark_line(point=alt.OverlayMarkDef(size=22), strokeWidth=2.25)
        .encode(
            x=_epochs(titles),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False, nice=True)),
            color=_color(series, legend=True),
            tooltip=_tooltip(frame, titles),
        )
    )
    steps = frame.drop_duplicates("epoch")
    grown = steps[
        steps["size"].ne(steps["size"].shift()) & (steps["epoch"] != steps["epoch"].min())
    ]
    if grown.empty:
        return _finish(lines, height=PANEL)
    rules = alt.Chart(_data(grown.assign(label=grown["size"].astype(str) + " px")))
    rule = rules.mark_rule(strokeDash=[4, 3]).encode(x="epoch:Q")
    label = rules.mark_text(align="right", baseline="top", dx=-5, y=4).encode(
        x="epoch:Q", text="label:N"
    )
    return _finish(alt.layer(rule, lines, label), height=PANEL)


def histogram(values: Sequence[float], titles: dict[str, str]) -> dict:
    """Return how often values of 0..1 occur, ``width`` a bin; ``titles`` of ``value, images``."""
    frame = pd.DataFrame({"value": [min(max(value, 0.0), 0.999999) for value in values]})
    start = _start(values)
    bins = alt.Bin(extent=[start, 1], step=BINS[start])
    bars = (
        alt.Chart(_data(frame))
        .mark_bar(binSpacing=2, cornerRadiusEnd=2)
        .encode(
            x=alt.X("value:Q", bin=bins, title=titles["value"], axis=_axis(start)),
            y=alt.Y("count()", title=titles["images"], axis=alt.Axis(tickMinStep=1, format="d")),
            tooltip=[
                alt.Tooltip("value:Q", bin=bins, title=titles["value"]),
                alt.Tooltip("count()", title=titles["images"]),
            ],
        )
    )
    return _finish(bars, height=PANEL)


def width(values: Sequence[float]) -> float:
    """Return how wide a bin of ``histogram`` is: the narrower, the less the values are spread."""
    return BINS[_start(values)]


def reliability(frame: pd.DataFrame, series: Sequence[str], titles: dict[str, str]) -> dict:
    """Return how often probabilities came true, with the diagonal on which they would be right.

    Args:
        frame: ``series, predicted, observed, pixels``; both shares 0..1.
        series: as in ``intervals``.
        titles: of these columns.
    """
    corners = {"predicted": [0.0], "observed": [0.0], "right": [1.0], "top": [1.0]}
    ideal = alt.Chart(_data(pd.DataFrame(corners))).mark_rule(strokeDash=[4, 3])
    axes = {
        "x": alt.X("predicted:Q", scale=SHARE, title=titles["predicted"], axis=_axis()),
        "y": alt.Y("observed:Q", scale=SHARE, title=titles["observed"], axis=_axis()),
    }
    lines = (
        alt.Chart(_data(frame))
        .mark_line(point=alt.OverlayMarkDef(size=30), strokeWidth=2.25)
        .encode(**axes, color=_color(series, legend=True), tooltip=_tooltip(frame, titles))
    )
    return _finish(alt.layer(ideal.encode(**axes, x2="right:Q", y2="top:Q"), lines), PANEL)


def _epochs(titles: dict[str, str]) -> alt.X:
    whole = alt.Axis(tickMinStep=1, format="d", grid=False)
    return alt.X(
        "epoch:Q", title=titles["epoch"], axis=whole, scale=alt.Scale(zero=False, nice=False)
    )


def _value(column: str, titles: dict[str, str], start: float) -> alt.X:
    scale = alt.Scale(domain=[start, 1])
    return alt.X(f"{column}:Q", scale=scale, title=titles["value"], axis=_axis(start))


def _start(values: Sequence[float]) -> float:
    """Return where an axis to 1 begins, so that it holds all values."""
    lowest = min((value for value in values if not math.isnan(value)), default=0.0)
    return next((start for start in STEPS if start <= lowest), 0.0)


def _axis(start: float = 0.0) -> alt.Axis:
    step = STEPS[start]
    ticks = [round(start + step * place, 2) for place in range(round((1 - start) / step) + 1)]
    return alt.Axis(format=".2f" if start else ".1f", values=ticks)


def _firm(opacity: float, few: int) -> dict:
    """Return an opacity that is less where a row rests on few images."""
    return alt.condition(f"datum.images < {few}", alt.value(opacity * PALE), alt.value(opacity))


def _color(series: Sequence[str], *, legend: bool) -> alt.Color:
    shown = alt.Legend(title=None, orient="top") if legend else None
    return alt.Color("series:N", scale=alt.Scale(domain=list(series)), legend=shown)


def _tooltip(frame: pd.DataFrame, titles: dict[str, str]) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(f"{name}:N", title=titles[name])
        if frame[name].dtype in ("str", "object")
        else alt.Tooltip(
            f"{name}:Q", title=titles[name], format=".3f" if frame[name].dtype == "float64" else ","
        )
        for name in frame
        if name in titles
    ]


def _data(frame: pd.DataFrame) -> alt.Data:
    rows = frame.astype("object").where(frame.notna(), None).to_dict("records")
    return alt.Data(values=rows)


def _finish(chart: alt.Chart | alt.LayerChart, height: int) -> dict:
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    sized = chart.properties(width="container", height=height, autosize=fit)
    with alt.data_transformers.enable("default", consolidate_datasets=False, max_rows=None):
        spec = sized.to_dict(validate=False)  # a fifth of the page's time; the tests validate
    for key in ("$schema", "config"):  # an address and colours: the page has neither
        spec.pop(key, None)
    return spec
