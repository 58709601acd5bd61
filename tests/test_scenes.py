from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.scenes import annotate, body, camera, compose, light, noise, people, places
from pipeline.scenes import canvas as c
from pipeline.scenes.canvas import Canvas, Surface
from pipeline.scenes.cloth import Paint
from pipeline.scenes.compose import Wish
from pipeline.scenes.perspective import View
from pipeline.scenes.sheet import Sheet

SIZE = 160


def filled(rings, shape):
    """The pixels inside rings, by an independent count of crossings at each pixel's centre."""
    inside = np.zeros(shape, bool)
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    for ring in rings:
        odd = np.zeros(shape, bool)
        for (x0, y0), (x1, y1) in pairwise(ring):
            if y0 == y1:
                continue
            crosses = (y0 > y) != (y1 > y)
            odd ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
        inside |= odd
    return inside


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


@pytest.fixture(scope="module")
def crowd():
    return compose.picture(Wish("square", crowd=True), SIZE, (5, 1))


@given(x=st.floats(20, 60), y=st.floats(20, 60), rx=st.floats(8, 18), ry=st.floats(8, 18))
@settings(max_examples=25, deadline=None)
def test_a_traced_ellipse_keeps_its_area_and_place(x, y, rx, ry):
    rows, columns = np.mgrid[:80, :80] + 0.5
    radius = np.hypot((columns - x) / rx, (rows - y) / ry)
    cover = np.clip((1 - radius) * min(rx, ry) + 0.5, 0, 1).astype(np.float32)

    (ring,) = annotate.trace(cover, 0.3, 0.0, np.random.default_rng(0))

    rim = np.pi * (rx + ry)  # about its length: a third of a pixel off is the tolerance
    assert annotate.area(ring) == pytest.approx(np.pi * rx * ry, abs=0.36 * rim)
    assert np.abs(ring.max(0) + ring.min(0) - (2 * x, 2 * y)).max() < 1.2
    assert (ring[0] == ring[-1]).all()


def test_a_figure_cut_by_a_post_has_two_rings():
    cover = np.ones((60, 60), np.float32)
    cover[:, 28:32] = 0

    rings = annotate.trace(cover, 0.5, 0.0, np.random.default_rng(0))

    assert len(rings) == 2


def test_nothing_covered_gives_no_ring():
    assert annotate.trace(np.zeros((20, 20), np.float32), 1, 0, np.random.default_rng(0)) == []


def test_scraps_are_not_annotated():
    cover = np.zeros((200, 200), np.float32)
    cover[50:150, 50:150] = 1
    cover[10, 10] = 1

    assert len(annotate.trace(cover, 1, 0, np.random.default_rng(0))) == 1


def test_rings_stay_inside_the_picture_however_the_hand_shakes():
    rings = annotate.trace(np.ones((40, 50), np.float32), 0.5, 5.0, np.random.default_rng(3))

    points = np.concatenate(rings)
    assert points.min() >= 0
    assert (points.max(0) <= (50, 40)).all()


def test_noise_tiles_meet_at_their_edges():
    texture = noise.tiled(np.random.default_rng(1), 256, 32, 3)

    seam = np.abs(texture[:, 0] - texture[:, -1]).mean()
    inside = np.abs(np.diff(texture, axis=1)).mean()
    assert seam < 1.5 * inside


def test_parallel_lines_of_a_street_meet_at_the_horizon():
    view = View(440, 388)

    x, y = view.at(5, 0, 1e9)

    assert (x, y) == (pytest.approx(440), pytest.approx(388))


def test_a_panel_covers_the_corners_it_is_put_at():
    panel, canvas = Canvas(50, 20, 2), Canvas(100, 100, 1)
    panel.rect(0, 0, (50, 20), Surface((0.5, 0.25, 0.75)))

    canvas.put(panel, [(10, 30), (60, 30), (60, 50), (10, 50)])

    solid = canvas.data[c.SOLID] > 0.5
    rows, columns = np.nonzero(solid)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (30, 49, 10, 59)
    np.testing.assert_allclose(canvas.data[c.COLOUR, 40, 30], (0.5, 0.25, 0.75), atol=1e-3)


def test_a_limb_is_as_wide_as_its_radius_and_faces_outwards():
    sheet = Sheet((0, 0, 100, 100), (50, 100), 100)

    sheet.limb([(0, 0.2, 0.1), (0, 0.8, 0.1)], Paint((0.5, 0.5, 0.5)), np.random.default_rng(0))

    assert sheet.alpha[50].sum() == pytest.approx(20, abs=0.5)
    assert sheet.nx[50, 42] < -0.5 < 0.5 < sheet.nx[50, 57]


def test_a_part_outside_the_box_is_not_drawn():
    sheet = Sheet((0, 0, 30, 30), (500, 500), 50)

    sheet.part(np.array([(0, 0), (1, 0), (1, 1)]), Paint((1, 1, 1)), 0.1, np.random.default_rng(0))

    assert not sheet.alpha.any()


@pytest.mark.parametrize("seed", range(4))
def test_a_standing_person_reaches_from_the_feet_to_the_height_given(seed):
    rng = np.random.default_rng(seed)
    person = people.someone(rng, cold=False)
    sheet = Sheet((0, 0, 200, 300), (100, 280), 140)

    body.draw(sheet, person, people.posed(rng, ("down",)))

    rows = np.flatnonzero(sheet.alpha.max(1) > 0.5)
    assert abs(rows[-1] - 280) < 8
    top = 1.72 if person.hat == "none" else 1.82
    assert abs((280 - rows[0]) / 140 - top) < 0.13


def test_nobody_wears_sunglasses_in_the_snow():
    rng = np.random.default_rng(0)

    assert "dark" not in {people.someone(rng, cold=True).glasses for _ in range(200)}


@pytest.mark.parametrize("name", sorted(places.PLACES))
def test_a_place_has_ground_where_people_may_stand_far_off(name):
    ground = places.built(name, 0.25)[c.GROUND]

    for y, left, right in places.PLACES[name].walk:
        assert (ground[int(y * 0.25), int(left * 0.25) + 1 : int(right * 0.25)] > 100).mean() > 0.7


@pytest.mark.parametrize("name", sorted(places.PLACES))
def test_every_other_look_of_a_place_differs_plainly_from_the_usual_one(name):
    place = places.PLACES[name]
    usual = camera.develop((places.lit(name, 0.25, place.usual, 0) / places.CODE) ** 2)

    for hour in place.others:
        other = camera.develop((places.lit(name, 0.25, hour, 0) / places.CODE) ** 2)
        assert np.abs(other.astype(int) - usual).mean() > 18, hour


def test_night_is_darker_than_noon_and_lamps_shine_in_it():
    noon, night = (
        places.lit("oldtown", 0.25, (hour, "summer"), 0).astype(float) for hour in ("noon", "night")
    )

    assert np.median(night) < 0.6 * np.median(noon)
    assert night.max() > 0.9 * noon.max()


def test_light_never_turns_negative():
    for hour in light.HOURS:
        for season in light.SEASONS:
            canvas = np.random.default_rng(0).random((c.CHANNELS, 40, 40), np.float32)
            lit = light.illuminate(canvas, light.look(hour, season), 20.0, np.random.default_rng(1))
            assert lit.min() >= 0
            assert np.isfinite(lit).all()


def test_a_lens_keeps_the_light_and_blurs_it():
    spot = np.zeros((64, 64, 3), np.float32)
    spot[32, 32] = 1

    blurred = camera.defocus(spot, 5)

    assert blurred.sum() == pytest.approx(spot.sum(), rel=0.02)
    assert blurred.max() < 0.05


def test_the_frame_maps_points_there_and_back():
    frame = camera.aim(np.random.default_rng(2), SIZE, low=True)

    assert frame.from_canvas(*frame.to_canvas(123.0, 456.0)) == pytest.approx((123.0, 456.0))
    assert frame.left >= 0
    assert frame.left + frame.side <= 880


def test_the_same_wish_and_seed_give_the_same_pixels_on_any_number_of_threads(crowd):
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    again = compose.picture(Wish("square", crowd=True), SIZE, (5, 1))
    cv2.setNumThreads(threads)

    assert (again.photo == crowd.photo).all()
    assert (again.plate == crowd.plate).all()


def test_a_crowd_has_four_people_or_more_who_hardly_hide_one_another(crowd):
    assert len(crowd.silhouettes) >= 4
    assert np.sum(crowd.silhouettes, 0).max() <= 1.0001


def test_polygons_agree_with_the_silhouettes(crowd):
    for cover in crowd.silhouettes:
        rings = annotate.trace(cover, 0.3, 0.09, np.random.default_rng(0))
        contours = cv2.findContours(
            (cover > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )[0]
        solid = np.zeros(cover.shape, np.uint8)
        cv2.drawContours(solid, contours, -1, 1, -1)  # annotators do not cut out holes

        assert overlap(filled(rings, cover.shape), solid > 0) > 0.9


def test_the_plate_is_the_photo_without_the_people(crowd):
    anyone = cv2.dilate(np.max(crowd.silhouettes, 0), np.ones((9, 9)))
    difference = np.abs(crowd.photo.astype(int) - crowd.plate).max(2)

    assert np.median(difference[anyone < 0.01]) <= 4
    assert np.median(difference[anyone > 0.99]) >= 10


def test_people_are_in_the_photo_where_their_silhouettes_are_and_not_on_the_plate(monkeypatch):
    def magenta(sheet, look):
        return np.broadcast_to(np.float32((1, 0, 1)), (*sheet.shape, 3))

    monkeypatch.setattr(compose.shade, "lit", magenta)
    picture = compose.picture(Wish("lake"), SIZE, (5, 6))

    red, green, blue = picture.photo.astype(int).transpose(2, 0, 1)
    shown = (red > 120) & (blue > 120) & (green < 60)
    assert overlap(shown, np.max(picture.silhouettes, 0) > 0.5) > 0.93
    plate = picture.plate.astype(int)
    assert not ((plate[..., 0] > 120) & (plate[..., 2] > 120) & (plate[..., 1] < 60)).any()


def test_the_nearer_person_hides_the_farther_one():
    far, near = Sheet((0, 0, 40, 40), (20, 40), 20), Sheet((10, 0, 40, 40), (20, 40), 20)
    far.alpha[:, :20] = 1
    near.alpha[:, :5] = 1

    behind, before = compose._visible([far, near], None, 40)

    assert before.sum() == 5 * 40
    assert behind.sum() == 15 * 40


def test_what_stands_in_front_stays_on_the_plate_and_hides_the_person():
    picture = compose.picture(Wish("garden", occluded=True), SIZE, (5, 3))
    without = compose.picture(Wish("garden"), SIZE, (5, 3))

    assert picture.silhouettes[-1].sum() > 0
    assert picture.plate.shape == without.plate.shape == (SIZE, SIZE, 3)


def test_a_blurred_background_is_softer_than_the_people_before_it():
    picture = compose.picture(Wish("oldtown", blurred_background=True), SIZE, (5, 4))
    detail = np.abs(cv2.Laplacian(cv2.cvtColor(picture.plate, cv2.COLOR_RGB2GRAY), cv2.CV_32F))
    sharp = compose.picture(Wish("oldtown"), SIZE, (5, 4))
    reference = np.abs(cv2.Laplacian(cv2.cvtColor(sharp.plate, cv2.COLOR_RGB2GRAY), cv2.CV_32F))

    assert detail.mean() < 0.6 * reference.mean()
