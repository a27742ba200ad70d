import numpy as np
import pytest
from keras import ops

from nstlib.johnson.layers import BilinearDoubling2D, InstanceNormalization, ReflectionPadding2D


def normalized(x, **weights):
    layer = InstanceNormalization()
    layer.build(x.shape)
    if weights:
        layer.set_weights([weights["scale"], weights["offset"]])
    return ops.convert_to_numpy(layer(x))


def test_instance_normalization():
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (2, 9, 11, 5)).astype("float32")
    scale, offset = rng.normal(size=(2, 5)).astype("float32")
    mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    expected = (x - mean) / np.sqrt(variance + 1e-5) * scale + offset
    np.testing.assert_allclose(normalized(x, scale=scale, offset=offset), expected, atol=2e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, 200.3, -3e4])
def test_a_flat_channel_becomes_its_offset_without_texture(value):
    flat = np.full((1, 65, 33, 2), value, np.float32)
    offset = np.array([0.25, -1.0], np.float32)
    found = normalized(flat, scale=np.ones(2, np.float32), offset=offset)
    # The mean of equal numbers is off by some roundings, and what is left of them is enlarged.
    rounding = 16 * np.spacing(np.float32(abs(value))) / np.sqrt(1e-5)
    np.testing.assert_allclose(found, np.broadcast_to(offset, found.shape), atol=rounding + 1e-6)
    assert np.ptp(found, axis=(1, 2)).max() == 0


def test_a_million_pixels_are_normalized_as_in_float64():
    rng = np.random.default_rng(0)
    x = rng.normal(200.3, 0.5, (1, 1024, 1024, 1)).astype("float32")
    exact = x.astype(np.float64)
    expected = (exact - exact.mean()) / np.sqrt(exact.var() + 1e-5)
    np.testing.assert_allclose(normalized(x), expected, atol=1e-3)


@pytest.mark.parametrize("size", [(5, 7), (1, 2), (16, 3)], ids=str)
def test_the_doubling_is_bilinear(size):
    x = np.random.default_rng(0).random((2, *size, 3), dtype=np.float32)
    doubled = (2 * size[0], 2 * size[1])
    expected = ops.image.resize(x, doubled, interpolation="bilinear")
    np.testing.assert_allclose(BilinearDoubling2D()(x), expected, atol=1e-6)


@pytest.mark.parametrize("pixels", [1, 4])
def test_reflection_padding_mirrors_without_the_edge(pixels):
    x = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype("float32")
    p = (pixels, pixels)
    expected = np.pad(x, ((0, 0), p, p, (0, 0)), mode="reflect")
    np.testing.assert_array_equal(ops.convert_to_numpy(ReflectionPadding2D(pixels)(x)), expected)
