import cv2
import numpy as np
import pytest

from pipeline import focus

SIZE = 320


def texture(seed=0):
    """Shapes with crisp edges all over a square picture."""
    chance = np.random.default_rng(seed)
    image = np.full((SIZE, SIZE), 128, np.uint8)
    for _ in range(350):
        centre, radius = chance.integers(0, SIZE, 2).tolist(), int(chance.integers(4, 16))
        cv2.circle(image, centre, radius, int(chance.integers(0, 256)), -1, cv2.LINE_AA)
    return image


def person():
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.ellipse(mask, (160, 190), (60, 130), 0, 0, 360, 1, -1)
    return mask


def blurred(image, sigma):
    return cv2.GaussianBlur(image, (0, 0), sigma)


def composed(front, behind, mask):
    return np.where(mask > 0, front, behind).astype(np.uint8)


def widths(image):
    smooth = cv2.GaussianBlur(image.astype(np.float32), (9, 9), focus.REBLUR)
    gradient = cv2.spatialGradient(image)
    edges = focus.peaks(*gradient, focus.SOBEL * focus.EDGE_STEP)
    return focus.edge_widths(gradient, smooth, edges)


@pytest.mark.parametrize("turn", [0, 1], ids=["upright", "level"])
def test_an_edge_is_one_pixel_wide_where_it_is_steepest(turn):
    ramp = np.full((20, 20), 20, np.uint8)
    ramp[:, 9:] = 90
    ramp[:, 10:] = 200  # steepest between columns 9 and 10
    ramp[:, 11:] = 235
    gradient = cv2.spatialGradient(np.ascontiguousarray(np.rot90(ramp, turn)))

    found = np.zeros((20, 20), bool)
    found.flat[focus.peaks(*gradient, 48)] = True

    upright = np.rot90(found, -turn)
    assert (upright[1:-1].sum(axis=1) == 1).all()
    assert upright[1:-1, 9].all()
    assert not found[[0, -1]].any()
    assert not found[:, [0, -1]].any()


def test_a_slope_that_is_too_faint_is_no_edge():
    slope = np.tile(np.arange(0, 100, 5, dtype=np.uint8), (20, 1))

    assert len(focus.peaks(*cv2.spatialGradient(slope), focus.SOBEL * focus.EDGE_STEP)) == 0


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.0, 3.0])
def test_the_width_of_a_blurred_step_is_the_blur_that_made_it(sigma):
    step = np.full((SIZE, SIZE), 20, np.uint8)
    step[:, SIZE // 2 :] = 235

    own = 0.6  # px, what the gradient filter adds
    assert np.median(widths(blurred(step, sigma))) == pytest.approx(np.hypot(sigma, own), rel=0.15)


@pytest.mark.parametrize("contrast", [0.4, 0.7, 1.0])
def test_the_width_of_an_edge_does_not_depend_on_its_contrast(contrast):
    image = blurred(texture(), 1.2)
    faint = (128 + (image.astype(float) - 128) * contrast).astype(np.uint8)

    assert np.median(widths(faint)) == pytest.approx(np.median(widths(image)), rel=0.2)


def test_a_perfect_step_lies_just_above_the_knee():
    step = np.full((SIZE, SIZE), 20, np.uint8)
    step[:, SIZE // 2 :] = 235

    assert focus.KNEE < np.median(widths(step)) < focus.KNEE + 0.1


def test_a_wall_without_edges_has_no_width():
    measured = focus.measure(np.full((SIZE, SIZE), 90, np.uint8), person())

    assert all(np.isnan(measured[name]) for name in ("edge", "person_edge", "behind_edge"))


def test_more_blur_behind_a_sharp_person_means_wider_edges_and_a_higher_score():
    image, mask = texture(), person()
    found = [
        focus.measure(composed(image, blurred(image, sigma), mask), mask) for sigma in (0.5, 1.5, 3)
    ]

    assert found[0]["behind_edge"] < found[1]["behind_edge"] < found[2]["behind_edge"]
    assert found[0]["defocus"] < found[1]["defocus"] < found[2]["defocus"]
    assert found[0]["person_edge"] == pytest.approx(found[2]["person_edge"], rel=0.1)


@pytest.mark.parametrize("noise", [0, 2, 4])
def test_noise_does_not_turn_the_verdict(noise):
    image, mask = texture(), person()
    chance = np.random.default_rng(3)

    def score(picture):
        grainy = picture + chance.normal(0, noise, picture.shape)
        return focus.measure(np.clip(grainy, 0, 255).astype(np.uint8), mask)["defocus"]

    assert score(image) < 0 < score(composed(image, blurred(image, 3), mask))


def test_a_picture_blurred_as_a_whole_has_no_blurred_background():
    image, mask = texture(), person()

    assert focus.measure(blurred(image, 1.0), mask)["defocus"] < 0


def test_a_sharp_plain_wall_is_no_blurred_background():
    wall = np.full((SIZE, SIZE), 170, np.uint8)
    wall[::40] = 120  # its joints

    assert focus.measure(composed(texture(), wall, person()), person())["defocus"] < 0


def test_mirroring_changes_nothing():
    image, mask = composed(texture(), blurred(texture(), 2), person()), person()
    mask[:, :10] = 0

    one = focus.measure(image, mask)
    other = focus.measure(np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(mask[:, ::-1]))

    assert other["defocus"] == pytest.approx(one["defocus"], abs=0.3)
    assert other["behind_edge"] == pytest.approx(one["behind_edge"], rel=0.05)


def test_without_people_or_without_ground_the_score_is_unknown():
    image = texture()

    assert np.isnan(focus.measure(image, np.zeros_like(image))["defocus"])
    assert np.isnan(focus.measure(image, np.ones_like(image))["defocus"])


def test_the_ground_at_peoples_feet_is_not_behind_them():
    inside, behind = focus.regions(person())

    assert not (inside & behind).any()
    assert behind[:56].all()
    assert not behind[210:].any()
