import numpy as np
import pytest

from pipeline import fidelity
from pipeline.errors import ImageError


@pytest.fixture
def photo():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)


@pytest.fixture
def hole():
    hole = np.zeros((40, 50), bool)
    hole[10:20, 15:30] = True
    return hole


def test_a_perfect_filling_has_the_best_scores(photo, hole):
    scores = fidelity.scores(photo, photo, hole)

    assert scores == {"psnr": 100.0, "ssim": pytest.approx(1), "l1": 0.0}


def test_scores_are_those_of_arithmetic_by_hand_and_only_of_the_hole(photo, hole):
    truth = np.full_like(photo, 100)
    filled = truth.copy()
    filled[hole] = 110
    filled[~hole] = 0  # outside the hole nothing counts

    scores = fidelity.scores(truth, filled, hole)

    assert scores["l1"] == pytest.approx(10 / 255)
    assert scores["psnr"] == pytest.approx(20 * np.log10(25.5))


def test_ssim_over_the_whole_picture_is_that_of_the_definition(photo):
    """Wang et al. 2004, equation 13, one uniform window after another."""
    other = np.clip(photo.astype(int) + 20, 0, 255).astype(np.uint8)
    inner = np.zeros(photo.shape[:2], bool)
    inner[3:-3, 3:-3] = True
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for y in range(3, 37):
        for x in range(3, 47):
            a = photo[y - 3 : y + 4, x - 3 : x + 4].reshape(49, 3).astype(float)
            b = other[y - 3 : y + 4, x - 3 : x + 4].reshape(49, 3).astype(float)
            covariance = ((a - a.mean(0)) * (b - b.mean(0))).sum(0) / 48
            top = (2 * a.mean(0) * b.mean(0) + c1) * (2 * covariance + c2)
            below = (a.mean(0) ** 2 + b.mean(0) ** 2 + c1) * (
                a.var(0, ddof=1) + b.var(0, ddof=1) + c2
            )
            values.append(top / below)

    assert fidelity.scores(photo, other, inner)["ssim"] == pytest.approx(np.mean(values), rel=1e-6)


@pytest.mark.parametrize("fill", fidelity.BASELINES.values(), ids=fidelity.BASELINES)
def test_a_baseline_never_touches_known_pixels(fill, photo, hole):
    filled = fill(photo, hole)

    np.testing.assert_array_equal(filled[~hole], photo[~hole])
    assert (filled[hole] != photo[hole]).any()


def test_a_hole_at_the_corner_of_a_small_picture_is_scored(photo):
    small, hole = photo[:8, :9], np.zeros((8, 9), bool)
    hole[0, 0] = True

    assert fidelity.scores(small, 255 - small, hole)["l1"] > 0


@pytest.mark.parametrize(
    ("filled", "hole", "message"),
    [
        (np.zeros((40, 49, 3), np.uint8), np.ones((40, 50), bool), "one size"),
        (np.zeros((40, 50, 3), np.uint8), np.zeros((40, 50), bool), "empty"),
    ],
    ids=["sizes differ", "no hole"],
)
def test_what_cannot_be_scored_is_refused(photo, filled, hole, message):
    with pytest.raises(ImageError, match=message):
        fidelity.scores(photo, filled, hole)


def test_a_hole_that_holds_the_photo_itself_has_the_photos_own_steps():
    rough = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    hole = np.zeros((80, 80), bool)
    hole[20:60, 20:60] = True

    assert fidelity.seam(rough, hole) == pytest.approx(1, abs=0.1)
    assert fidelity.seam(np.where(hole[..., None], 255, rough), hole) > 1.3


def test_a_seam_is_the_step_across_over_the_steps_beside():
    ramp = np.repeat(np.arange(0, 240, 4)[None, :, None], 60, 0).repeat(3, 2).astype(np.uint8)
    hole = np.zeros((60, 60), bool)
    hole[:, 30:] = True
    filled = np.where(hole[..., None], ramp + np.uint8(10), ramp)

    # Across the one edge 14; beside it half of the neighbours, those in a row, differ by 4.
    assert fidelity.seam(filled, hole) == pytest.approx(
        14 / (4 * 8 * 60 / (8 * 60 + 59 * 8)), rel=0.1
    )


def test_a_hole_without_an_edge_has_no_seam(photo):
    assert np.isnan(fidelity.seam(photo, np.ones((40, 50), bool)))


def test_the_error_of_the_mean_colour_is_computed_in_the_hole_only():
    image = np.full((10, 10, 3), 100, np.uint8)
    hole = np.zeros((10, 10), bool)
    hole[2:4, 2:4] = True
    image[hole] = 151

    filled = fidelity.mean_colour(image, hole)

    assert (filled == 100).all()
    assert fidelity.l1(image, filled, hole) == pytest.approx(51 / 255)
