"""The page's charts as Vega-Lite specifications, by Altair; colours and fonts are the page's own.

A specification holds its data inline and names no colour: series take the page's category colours
in the order of ``series``, so that one specification serves light and dark.
"""

from collections.abc import Sequence

import altair as alt
import pandas as pd

ROW = 30  # pixels a row of a dot chart
PANEL = 220  # pixels, height of a curve's panel
SHARE = alt.Scale(domain=[0, 1])
FIFTHS = [0, 0.2, 0.4, 0.6, 0.8, 1]


def intervals(
    frame: pd.DataFrame, series: Sequence[str], titles: dict[str, str], whole: float | None = None
) -> dict:
    """Return dots with intervals, one row a name, side by side where a name has several series.

    Args:
        frame: ``name, series, value, low, high, images``; values 0..1, in the order to show.
        series: names of all series, in the order of their colours.
        titles: what the columns are called in the reader's language.
        whole: a value to compare with, drawn as a line; ``None`` for none.
    """
    names = list(dict.fromkeys(frame["name"]))
    several = frame.groupby("name").size().max() > 1
    color = _color(series, legend=bool(several))
    y = alt.Y("name:N", sort=names, title=None, scale=alt.Scale(paddingInner=0.35))
    offset = {"yOffset": alt.YOffset("series:N", sort=list(series))} if several else {}
    base = alt.Chart(_data(frame)).encode(y=y, **offset, tooltip=_tooltip(frame, titles))
    layers = [
        base.mark_rule(strokeWidth=2, opacity=0.55).encode(
            x=_value("low", titles), x2="high:Q", color=color
        ),
        base.mark_point(filled=True, size=70, opacity=1).encode(
            x=_value("value", titles), color=color
        ),
    ]
    if whole is not None:
        line = alt.Chart(_data(pd.DataFrame({"value": [whole]})))
        layers.insert(0, line.mark_rule(strokeDash=[4, 3]).encode(x="value:Q"))
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
    """Return how often values of 0..1 occur, in twenty bins; ``titles`` of ``value, images``."""
    frame = pd.DataFrame({"value": [min(max(value, 0.0), 0.999999) for value in values]})
    bins = alt.Bin(extent=[0, 1], step=0.05)
    bars = (
        alt.Chart(_data(frame))
        .mark_bar(binSpacing=2, cornerRadiusEnd=2)
        .encode(
            x=alt.X("value:Q", bin=bins, title=titles["value"], axis=_fifths()),
            y=alt.Y("count()", title=titles["images"], axis=alt.Axis(tickMinStep=1, format="d")),
            tooltip=[
                alt.Tooltip("value:Q", bin=bins, title=titles["value"]),
                alt.Tooltip("count()", title=titles["images"]),
            ],
        )
    )
    return _finish(bars, height=PANEL)


def reliability(frame: pd.DataFrame, series: Sequence[str], titles: dict[str, str]) -> dict:
    """Return how often probabilities came true, with the diagonal on which they would be right.

    Args:
        frame: ``series, predicted, observed, pixels``; both shares 0..1.
        series: as in ``intervals``.
        titles: of these columns.
    """
    ideal = alt.Chart(_data(pd.DataFrame({"predicted": [0.0, 1.0], "observed": [0.0, 1.0]})))
    axes = {
        "x": alt.X("predicted:Q", scale=SHARE, title=titles["predicted"], axis=_fifths()),
        "y": alt.Y("observed:Q", scale=SHARE, title=titles["observed"], axis=_fifths()),
    }
    lines = (
        alt.Chart(_data(frame))
        .mark_line(point=alt.OverlayMarkDef(size=30), strokeWidth=2.25)
        .encode(**axes, color=_color(series, legend=True), tooltip=_tooltip(frame, titles))
    )
    return _finish(alt.layer(ideal.mark_line(strokeDash=[4, 3]).encode(**axes), lines), PANEL)


def _epochs(titles: dict[str, str]) -> alt.X:
    whole = alt.Axis(tickMinStep=1, format="d", grid=False)
    return alt.X(
        "epoch:Q", title=titles["epoch"], axis=whole, scale=alt.Scale(zero=False, nice=False)
    )


def _value(column: str, titles: dict[str, str]) -> alt.X:
    return alt.X(f"{column}:Q", scale=SHARE, title=titles["value"], axis=_fifths())


def _fifths() -> alt.Axis:
    return alt.Axis(format=".1f", values=FIFTHS)


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
