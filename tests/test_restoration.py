"""Comparisons of fillings, and what is still found after them."""

import numpy as np
import pandas as pd
import pytest

from pipeline import outcomes, recheck, restoration, tables
from pipeline.errors import MaskError

DRAWN = (500, 0.95, 3)  # resamples, confidence, seed


def tagged(far=()):
    files = [f"{n:02}" for n in range(30)]
    frame = pd.DataFrame(
        {"split": "test", "file_name": files, "width": 9, "height": 9, "place": ""}
    )
    return tables.MEASURED.check(frame, "images", cast=True).assign(
        far=frame["file_name"].isin(far)
    )


def restored(better, method="telea", images=30):
    """Rows in which deepfill's SSIM is above the other's by ``better(n)``, its L1 below it."""
    rows = []
    for n in range(images):
        for name, plus in (("deepfill", better(n)), (method, 0.0)):
            scores = {
                "psnr": 20 + plus,
                "ssim": 0.5 + plus,
                "l1": 0.2 - plus,
                "seam": 1 - plus,
                "lpips": 0.3 - plus,
            }
            rows.append(
                {"file_name": f"{n:02}", "kind": "clean", "method": name, "hole": 0.1} | scores
            )
    return outcomes.RESTORED.frame(rows)


def row(table, **where):
    keep = np.logical_and.reduce([table[name] == value for name, value in where.items()])
    (found,) = table[keep].to_dict("records")
    return found


def test_gains_are_turned_so_that_above_zero_is_better():
    table = restoration.compare(restored(lambda n: 0.1), tagged(), *DRAWN)

    for metric, sign in (("psnr", 1), ("ssim", 1), ("l1", 1), ("seam", -1)):
        found = row(table, tag="", metric=metric)
        assert found["gain"] == pytest.approx(sign * 0.1)
        assert found["gain_low"] == pytest.approx(found["gain"])
        assert found["gain_high"] == pytest.approx(found["gain"])
    assert row(table, tag="", metric="l1")["ours"] == pytest.approx(0.1)
    assert row(table, tag="", metric="seam")["theirs"] == pytest.approx(0)


def test_pairs_of_one_image_are_compared_and_not_the_images_with_each_other():
    """Images differ far more than methods: only pairing finds a gain as steady as this one."""
    rows = restored(lambda n: 0.01)
    rows["ssim"] += rows["file_name"].astype(int) / 60

    found = row(restoration.compare(rows, tagged(), *DRAWN), tag="", metric="ssim")

    assert found["gain_low"] == pytest.approx(0.01)


def test_the_interval_is_near_the_normal_one():
    noise = np.random.default_rng(0).normal(0.02, 0.05, 30)

    table = restoration.compare(restored(lambda n: noise[n]), tagged(), 4000, 0.95, 1)

    found = row(table, tag="", metric="ssim")
    half = 1.96 * noise.std() / np.sqrt(30)
    assert found["gain"] == pytest.approx(noise.mean())
    assert found["gain_low"] == pytest.approx(noise.mean() - half, abs=0.003)
    assert found["gain_high"] == pytest.approx(noise.mean() + half, abs=0.003)


def test_a_tag_has_the_rows_of_its_images_and_none_without():
    table = restoration.compare(restored(lambda n: n / 100), tagged(["03", "05"]), *DRAWN)

    assert row(table, tag="far", metric="ssim")["gain"] == pytest.approx(0.04)
    assert row(table, tag="far", metric="ssim")["images"] == 2
    nobody = restoration.compare(restored(lambda n: 0.1), tagged(), *DRAWN)
    assert set(nobody["tag"]) == {""}


def test_nothing_restored_gives_no_rows_and_no_metrics():
    table = restoration.compare(outcomes.RESTORED.empty(), tagged(), *DRAWN)

    assert table.empty
    assert restoration.metrics(table, outcomes.REMAINS.empty(), tagged()) == {}


def test_what_remains_is_pooled_over_pixels_for_all_and_for_each_tag():
    remains = outcomes.REMAINS.frame(
        [
            {"file_name": "00", "before": 100, "after": 10},
            {"file_name": "01", "before": 300, "after": 0},
            {"file_name": "02", "before": 0, "after": 0},
        ]
    )

    tree = restoration.metrics(outcomes.RESTORATION.empty(), remains, tagged(["00", "02"]))

    assert tree == {"remaining": {"share": 0.025, "images": 2, "tag": {"far": 0.1}}}


def test_metrics_hold_the_gain_over_all_images():
    table = restoration.compare(restored(lambda n: 0.1), tagged(["01"]), *DRAWN)

    tree = restoration.metrics(table, outcomes.REMAINS.empty(), tagged())

    assert tree["gain"]["clean"]["telea"]["ssim"] == {"mean": 0.1, "low": 0.1, "high": 0.1}


def test_only_pixels_of_the_hole_that_were_an_object_can_remain():
    before = np.array([[1, 1, 1, 0]], np.uint8)
    after = np.array([[1, 2, 0, 1]], np.uint8)
    hole = np.array([[False, True, True, True]])

    assert recheck.remains(before, after, hole) == {"before": 2, "after": 1}
    with pytest.raises(MaskError, match="must be of one size"):
        recheck.remains(before, after[:, :3], hole)
