import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import images, store
from pipeline.errors import ImageError

NOBODY = np.zeros((200, 320), np.uint8)


def scene(seed=0, height=200, width=320):
    """Blocks of many grey levels: edges in every direction, no symmetry."""
    chance = np.random.default_rng(seed)
    image = np.full((height, width), 120, np.uint8)
    for _ in range(60):
        left, top = chance.integers(0, width - 20), chance.integers(0, height - 20)
        wide, high = chance.integers(8, 70, 2)
        image[top : top + high, left : left + wide] = chance.integers(20, 230)
    return image


def colour(grey):
    return np.repeat(grey[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(640, 640, (320, 320)), (3000, 4000, (240, 320)), (100, 50, (320, 160)), (5000, 3, (320, 1))],
    ids=["Roboflow's size", "a telephone's", "small is enlarged", "a thread keeps a pixel"],
)
def test_every_picture_is_measured_with_a_longest_side_of_320(height, width, expected):
    assert images.size(height, width) == expected


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_reduced_decode_shows_what_the_whole_picture_averaged_shows(suffix):
    image = cv2.GaussianBlur(colour(scene(height=400, width=640)), (0, 0), 2)
    content = store.encode_image(image, suffix, 95)

    small = images.small(content, "photo")

    expected = image.reshape(200, 2, 320, 2, 3).mean(axis=(1, 3))
    assert small.shape == (200, 320, 3)
    assert np.abs(small - expected).mean() < 2


@pytest.mark.parametrize("size", [(20, 31), (63, 640), (64, 64), (640, 640), (1500, 2000)])
def test_a_jpeg_has_the_same_hash_whether_its_luma_is_decoded_reduced_or_whole(size):
    whole = cv2.GaussianBlur(scene(1, 400, 600), (0, 0), 2)
    image = colour(cv2.resize(whole, size[::-1], interpolation=cv2.INTER_AREA))
    content = store.encode_image(image, ".jpg", 95)

    reduced = images.tiny_jpeg(content)

    whole = images.tiny(images.luma(images.fit(image)))
    assert (reduced.shape, reduced.dtype) == ((64, 64), np.uint8)
    assert np.abs(reduced.astype(float) - whole).mean() < 3
    differ = images.perceptual_hash(reduced) ^ images.perceptual_hash(whole)
    assert differ.bit_count() <= 2


@pytest.mark.parametrize(
    "content",
    [
        store.encode_image(colour(scene()), ".png"),
        store.encode_image(colour(scene()), ".jpg")[:-900],
        b"",
    ],
    ids=["a PNG", "cut off", "nothing"],
)
def test_what_is_no_sound_jpeg_is_left_to_the_whole_decoder(content):
    assert images.tiny_jpeg(content) is None


def test_what_is_no_picture_is_refused_by_name():
    with pytest.raises(ImageError, match=r"a\.jpg"):
        images.small(b"\xff\xd8\xffbroken", "a.jpg")


def test_luma_refuses_what_is_not_a_colour_picture():
    with pytest.raises(ImageError, match=r"expected \(H, W, 3\) uint8"):
        images.luma(np.zeros((4, 4), np.uint8))


def test_light_of_a_picture_half_black_half_white_is_counted_by_hand():
    grey = np.zeros((10, 10), np.uint8)
    grey[:5] = 255

    assert images.light(grey) == {
        "luma": 127.5,
        "luma_low": 0,
        "luma_middle": 0,
        "luma_high": 255,
        "clipped": 0.5,
    }


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.2, 1.0))
def test_darkening_scales_every_percentile_of_light(seed, scale):
    grey = scene(seed)
    darker = np.rint(grey * scale).astype(np.uint8)

    before, after = images.light(grey), images.light(darker)

    for name in ("luma", "luma_low", "luma_middle", "luma_high"):
        assert after[name] == pytest.approx(before[name] * scale, abs=1.5)


@pytest.mark.parametrize("sigma", [0, 2, 5, 10])
def test_noise_is_found_whatever_the_picture_shows(sigma):
    chance = np.random.default_rng(1)
    noisy = np.clip(scene() + chance.normal(0, sigma, (200, 320)), 0, 255).astype(np.uint8)

    assert images.noise(noisy) == pytest.approx(sigma, rel=0.2, abs=0.3)


def test_grey_has_no_chroma_and_a_red_hundredth_part_is_enough():
    image = colour(scene())
    assert images.chroma(image) == 0

    image[:8] = (200, 40, 40)  # 4 % of the rows

    assert images.chroma(image) == 160


def test_jpeg_of_a_grey_photo_stays_below_the_limit_of_colour():
    image = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(colour(scene()), 60, "RGB", "420"))

    assert images.chroma(image) < 6


def test_a_look_is_of_the_ground_and_not_of_the_people():
    image, person = colour(scene()), NOBODY.copy()
    person[46:154, 96:204] = 1
    dressed = image.copy()
    dressed[50:150, 100:200] = (255, 0, 0)

    one, other = images.look(image, person), images.look(dressed, person)

    np.testing.assert_allclose(one, other, atol=0.02)


def test_a_look_tells_warm_from_cold_green_from_grey_and_stops_of_light():
    warm, cold, green, dark = (
        images.look(np.full((200, 320, 3), rgb, np.uint8), NOBODY).mean(axis=0)
        for rgb in ((200, 150, 90), (90, 150, 200), (90, 180, 90), (40, 40, 40))
    )

    assert warm[1] > 0.2 > -0.2 > cold[1]
    assert green[2] > 0.4 > 0.05 > abs(warm[2])
    assert dark[3] == 0
    assert dark[0] == pytest.approx(np.log2(56), abs=1e-3)


def test_cells_that_people_fill_have_no_look():
    person = NOBODY.copy()
    person[:, :160] = 1

    hidden = np.isnan(images.look(colour(scene()), person)[:, 0]).reshape(6, 6)

    assert hidden[:, :3].all()
    assert not hidden[:, 3:].any()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_hash_of_the_mirrored_picture_is_known_without_it(seed):
    tiny = images.tiny(cv2.GaussianBlur(scene(seed), (0, 0), 3))

    turned = images.perceptual_hash(np.ascontiguousarray(tiny[:, ::-1]))

    assert (turned ^ images.mirrored(images.perceptual_hash(tiny))).bit_count() <= 2


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), quality=st.integers(50, 95), gain=st.floats(0.7, 1.0))
def test_the_hash_survives_jpeg_size_and_brightness(seed, quality, gain):
    grey = cv2.GaussianBlur(scene(seed), (0, 0), 2)
    other = cv2.resize((grey * gain).astype(np.uint8), (240, 150), interpolation=cv2.INTER_AREA)
    other = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(colour(other), quality, "RGB"))

    codes = [images.perceptual_hash(images.tiny(one)) for one in (grey, images.luma(other))]

    assert (codes[0] ^ codes[1]).bit_count() <= 4


def test_gradients_are_blind_to_people_and_to_light():
    grey, person = scene(), NOBODY.copy()
    person[40:200, 100:220] = 1
    dressed = grey.copy()
    dressed[person > 0] = 255 - dressed[person > 0]

    one = images.gradients(images.tiny(grey), person)
    other = images.gradients(images.tiny(dressed), person)
    darker = images.gradients(images.tiny((grey // 2).astype(np.uint8)), person)

    assert one.shape == (64, 9)
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.abs(one - darker).mean() < 0.05
    assert (one[3 * 8 + 4] == 0).all()
