import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline import calibration, outcomes
from pipeline.errors import MaskError


@given(
    likely=arrays(np.float32, (5, 4, 1), elements=st.floats(0, 1, width=32)),
    truth=arrays(np.uint8, (5, 4), elements=st.integers(0, 1)),
)
def test_every_pixel_is_in_the_bin_of_its_probability(likely, truth):
    (bins,) = calibration.counts(likely, truth, 1)

    assert bins[:, 0].sum() == 20
    assert bins[:, 1].sum() == pytest.approx(likely.sum(), abs=20 / 4000)
    assert bins[:, 2].sum() == truth.sum()
    for place, (pixels, total, hits) in enumerate(bins):
        low, high = place / calibration.BINS, (place + 1) / calibration.BINS
        assert low * pixels - 1e-9 <= total <= high * pixels + 1e-9
        near = (likely >= low - 1 / 4000) & (likely <= high + 1 / 4000)
        assert pixels <= near.sum()
        assert hits <= pixels


def test_of_several_labels_each_has_its_own_channel_and_background_none():
    likely = np.zeros((1, 2, 3), np.float32)
    likely[0, 0], likely[0, 1] = (0.1, 0.9, 0.0), (0.2, 0.0, 0.8)
    bins = calibration.counts(likely, np.array([[1, 2]], np.uint8), 2)

    table = calibration.table({"test": bins}, ["person", "dog"])
    sure = table[table["predicted"] > 0.5].set_index("category")

    assert sure.loc["person", "predicted"] == pytest.approx(0.9)
    assert sure.loc["dog", "predicted"] == pytest.approx(0.8)
    assert sure["observed"].tolist() == [1, 1]
    assert len(table) == 2 * calibration.BINS
    assert table.loc[table["pixels"] == 0, "observed"].isna().all()


def test_a_network_that_is_right_as_often_as_it_says_has_no_error():
    rng = np.random.default_rng(0)
    likely = rng.uniform(0, 1, (500, 400, 1)).astype(np.float32)
    truth = (rng.uniform(0, 1, (500, 400)) < likely[..., 0]).astype(np.uint8)
    honest = calibration.table({"test": calibration.counts(likely, truth, 1)}, ["person"])

    assert calibration.error(honest, "test") < 0.01
    assert np.isnan(calibration.error(honest, "valid"))


def test_the_error_is_that_of_arithmetic_by_hand():
    likely = np.array([[0.91, 0.93, 0.12, 0.14]], np.float32)[..., None]
    truth = np.array([[1, 0, 0, 0]], np.uint8)
    table = calibration.table({"test": calibration.counts(likely, truth, 1)}, ["person"])

    # Bins: mean 0.92 with half of it right, mean 0.13 with nothing: (2 * 0.42 + 2 * 0.13) / 4.
    assert calibration.error(table, "test") == pytest.approx(0.275)


def test_a_mask_of_another_size_is_refused_and_nothing_gives_an_empty_table():
    with pytest.raises(MaskError, match="dvc repro rasterise"):
        calibration.counts(np.zeros((2, 3, 1), np.float32), np.zeros((3, 2), np.uint8), 1)
    assert calibration.table({}, ["person"]).equals(outcomes.CALIBRATION.empty())
