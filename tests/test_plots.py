"""The plots of dvc.yaml: their columns exist, and their templates draw what the tables hold."""

import json
import re
from pathlib import Path

import pytest
import yaml

from pipeline import outcomes, tables

ROOT = Path(__file__).parents[1]
PLOTS = {
    name: plot
    for one in yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["plots"]
    for name, plot in one.items()
}
SCHEMAS = {
    "history": outcomes.HISTORY, "iou": outcomes.IOU, "tags": tables.TAGS,
    "confusion": outcomes.CONFUSION, "calibration": outcomes.CALIBRATION,
    "restored": outcomes.RESTORED,
}  # fmt: skip
BUILT_IN = {"linear", "bar_horizontal_sorted"}
ROWS = [
    {"rev": "a", "split": "test", "category": "", "tag": tag, "images": "5", "iou": iou,
     "iou_low": "0.4", "iou_high": "0.6", "kind": "clean", "method": tag or "deepfill", "ssim": iou,
     "predicted": "0.5", "observed": "0.5", "pixels": "7", "truth": "0.5", "share": "0.5"}
    for tag, iou in (("", "0.5"), ("far", "0.25"), ("crowd", ""))
]  # fmt: skip


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_names_columns_that_its_table_has_and_says_what_its_axes_are(name):
    plot = PLOTS[name]
    ((path, columns),) = plot["y"].items()
    columns = [columns] if isinstance(columns, str) else columns

    assert {plot["x"], *columns} <= set(SCHEMAS[Path(path).stem])
    assert plot["x_label"]
    assert plot["y_label"]


@pytest.mark.parametrize("name", sorted({plot["template"] for plot in PLOTS.values()} - BUILT_IN))
def test_a_template_of_ours_draws_a_mark_a_row(name):
    import vl_convert

    plot = next(plot for plot in PLOTS.values() if plot["template"] == name)
    text = (ROOT / f".dvc/plots/{name}.json").read_text("utf-8")
    text = text.replace('"<DVC_METRIC_DATA>"', json.dumps(ROWS))
    ((_, column),) = plot["y"].items()
    for place, value in (("X_LABEL", plot["x_label"]), ("Y_LABEL", plot["y_label"]),
                         ("TITLE", "a title"), ("X", plot["x"]), ("Y", column)):  # fmt: skip
        text = text.replace(f"<DVC_METRIC_{place}>", value)
    drawn = vl_convert.vegalite_to_svg(text)

    assert "<DVC" not in text
    assert plot["x_label"] in drawn
    assert re.findall(r'aria-roledescription="(?:point|rect|cell|rule)', drawn) or "<path" in drawn
    assert "NaN" not in drawn


def test_the_intervals_say_all_photos_first_and_leave_out_what_has_no_score():
    import vl_convert

    text = (ROOT / ".dvc/plots/intervals.json").read_text("utf-8")
    text = text.replace('"<DVC_METRIC_DATA>"', json.dumps(ROWS)).replace("<DVC_METRIC_X>", "iou")
    drawn = vl_convert.vegalite_to_svg(text)

    assert drawn.index("all photos") < drawn.index("far · 5")
    assert "crowd" not in drawn
