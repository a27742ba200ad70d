"""A pass whatever runs it, and pictures that show nothing."""

import numpy as np
import pytest
from runs import random_image

from nstlib.errors import ImageError
from nstlib.johnson import passes
from nstlib.johnson.engines import load_engine
from nstlib.johnson.network import load_network
from nstlib.johnson.passes import contrast, paint


def stripes(levels, mean=0.0):
    """Two values in turn, so far apart that the contrast is `levels` of 255, around the mean or from black."""
    image = np.full((32, 48, 3), mean, np.float32)
    image[:, ::2] += np.float32(2 * levels / 255)
    return image


def inverted(images):
    return 1 - images


@pytest.mark.parametrize("levels", [0.0, 0.5, 1.0, 3.0, 100.0])
def test_contrast_is_the_standard_deviation(levels):
    assert contrast(stripes(levels)) == pytest.approx(levels / 255, abs=1e-7)
    assert contrast(stripes(levels, mean=0.2)) == pytest.approx(levels / 255, abs=1e-6)


def test_contrast_is_that_of_the_channel_that_varies_most():
    image = random_image(40, 50)
    image[..., 1] = 0.5
    assert contrast(image) == pytest.approx(image.astype(float).std((0, 1)).max(), abs=1e-6)
    image[..., :2] = 0.5
    assert contrast(image) == pytest.approx(image[..., 2].astype(float).std(), abs=1e-6)


def test_a_bright_even_picture_of_many_pixels_has_no_contrast():
    assert contrast(np.full((1500, 2000, 3), 0.9, np.float32)) < 0.01 / 255


@pytest.mark.parametrize(("levels", "share"), [(0, 0), (0.9, 0), (1.25, 0.25), (1.5, 0.5)])
def test_what_shows_nothing_stays_and_becomes_a_picture_by_and_by(levels, share):
    image = stripes(levels)
    expected = (1 - share) * image + share * (1 - image)
    np.testing.assert_allclose(paint(image, inverted, width=1.0), expected, atol=1e-5)


@pytest.mark.parametrize("levels", [2.01, 3, 60])
def test_pictures_are_painted_to_the_bit(levels):
    image = stripes(levels)
    np.testing.assert_array_equal(paint(image, inverted, width=1.0), 1 - image)


def test_what_is_painted_is_clipped():
    assert np.ptp(paint(random_image(20, 20), lambda x: 9 * x - 4, width=1.0)) == 1


@pytest.mark.parametrize(
    ("width", "runtime", "method"),
    [
        (1.0, "johnson", "johnson"),
        (0.25, "johnson", "johnson slim"),
        (0.1, "openvino", "openvino slim"),
        (0.5, "openvino", "openvino"),
    ],
)
def test_the_memory_is_that_of_the_runtime_and_the_width(monkeypatch, width, runtime, method):
    def refuse(height, width, *, method):
        raise ImageError(f"{height} {width} {method}")

    monkeypatch.setattr(passes, "within_memory", refuse)
    with pytest.raises(ImageError, match=f"^20 30 {method}$"):
        paint(random_image(20, 30), inverted, width=width, runtime=runtime)


@pytest.mark.slow
@pytest.mark.parametrize("load", [load_network, load_engine])
def test_the_noise_of_a_black_frame_stays_black_and_a_dark_photo_is_painted(load, photo):
    network = load("wave", width=0.25)
    noise = np.random.default_rng(0).integers(2, size=(64, 64, 3)).astype(np.float32) / 255
    np.testing.assert_array_equal(network.stylize(noise), noise)
    dark = network.stylize(np.rint(photo * 0.05 * 255) / np.float32(255))
    assert contrast(dark) > 0.8 * contrast(network.stylize(photo))
