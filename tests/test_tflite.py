import lite_made
import numpy as np
import pytest

from pipeline import tflite
from pipeline.errors import ImageError, WeightsError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return lite_made.make(tmp_path_factory.mktemp("lite") / "red.tflite", 24, 32)


@pytest.fixture(scope="module")
def finder(path):
    return tflite.load(path, 2)


def scene(height, width):
    image = np.zeros((height, width, 3), np.uint8)
    image[height // 4 : height // 2, width // 2 :, 0] = 255
    return image


def test_size_and_parameters_are_read_from_the_file(finder):
    assert (finder.height, finder.width) == (24, 32)
    assert 3 <= finder.parameters <= 5  # three weights, and a bias that the converter may fold


@pytest.mark.parametrize("size", [(48, 64), (24, 32), (31, 300), (9, 7)], ids=str)
def test_people_lie_where_the_picture_says_at_its_size(finder, size):
    likely = tflite.probability(finder, scene(*size))

    assert likely.shape == size
    assert likely.dtype == np.float32
    assert likely.min() >= 0
    assert likely.max() <= 1
    person = scene(*size)[..., 0] > 0
    assert likely[person].mean() > 0.6
    assert likely[~person].mean() < 0.2


def test_the_mirror_image_makes_the_answer_symmetric(finder):
    image = scene(48, 64)
    ahead = tflite.probability(finder, image, flip=True)
    back = tflite.probability(finder, np.ascontiguousarray(image[:, ::-1]), flip=True)

    np.testing.assert_allclose(back[:, ::-1], ahead, atol=1e-6)


def test_of_several_labels_the_person_gets_the_probability_and_background_the_rest():
    likely = np.array([[0.2, 0.9]], np.float32)

    assert tflite.maps(likely, [1], 1).shape == (1, 2, 1)
    several = tflite.maps(likely, [2], 3)
    np.testing.assert_allclose(several.sum(axis=2), 1, atol=1e-6)
    np.testing.assert_array_equal(several.argmax(axis=2), [[0, 2]])


def test_what_is_no_such_network_is_refused(tmp_path, finder):
    (tmp_path / "junk.tflite").write_bytes(b"no network")
    two = lite_made.make(tmp_path / "two.tflite", 16, 16, channels=2)

    with pytest.raises(WeightsError, match="is no TensorFlow Lite network"):
        tflite.load(tmp_path / "junk.tflite", 1)
    with pytest.raises(WeightsError, match="one channel of probabilities"):
        tflite.load(two, 1)
    with pytest.raises(WeightsError, match="is not a file"):
        tflite.load(tmp_path / "none.tflite", 1)
    with pytest.raises(ImageError, match="RGB"):
        tflite.probability(finder, np.zeros((8, 8), np.uint8))
