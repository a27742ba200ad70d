"""Gradients that are written out, beside those that the backend derives from the plain formula."""

import keras
import numpy as np
import pytest
from keras import ops

from nstlib.johnson.layers import InstanceNormalization
from nstlib.johnson.peak_penalty import peak_energy
from nstlib.objective.gradients import with_gradient
from nstlib.objective.losses import feature_moments, gram_matrix, total_variation_loss

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(1.0, 2.0, (2, 6, 5, 3)).astype(np.float32)
IMAGES[:, 2, 3] += 9.0  # a peak
PAIR = IMAGES[:, :2, :2]  # the smallest images that have neighbours


def derivatives(function, *arrays):
    """Of the sum of what the function gives, each number of it times another, by each array."""

    def scalar(*tensors):
        value = function(*tensors)
        factors = np.random.default_rng(1).normal(size=tuple(value.shape)).astype(np.float32)
        return ops.sum(value * ops.convert_to_tensor(factors))

    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        found = jax.grad(scalar, argnums=tuple(range(len(arrays))))(*arrays)
    elif backend == "torch":
        import torch

        tensors = [torch.tensor(each, requires_grad=True) for each in arrays]
        scalar(*tensors).backward()
        found = [each.grad for each in tensors]
    else:
        import tensorflow as tf

        tensors = [tf.constant(each) for each in arrays]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = scalar(*tensors)
        found = tape.gradient(value, tensors)
    return [ops.convert_to_numpy(each) for each in found]


def plain_gram(x):
    _, height, width, channels = x.shape
    return ops.einsum("bhwi,bhwj->bij", x, x) / (height * width * channels)


def plain_covariances(x):
    centred = x - ops.mean(x, axis=(1, 2), keepdims=True)
    return ops.einsum("bhwi,bhwj->bij", centred, centred) / (x.shape[1] * x.shape[2])


def plain_variation(x):
    return ops.mean((x[:, 1:] - x[:, :-1]) ** 2, axis=(1, 2, 3)) + ops.mean(
        (x[:, :, 1:] - x[:, :, :-1]) ** 2, axis=(1, 2, 3)
    )


def plain_normalization(x):
    mean, variance = ops.moments(x, axes=(1, 2), keepdims=True)
    return (x - mean) / ops.sqrt(variance + 1e-5)


def plain_peaks(x):
    energy = ops.mean(plain_normalization(x) ** 2, axis=-1)
    return ops.mean(ops.relu(energy - 2.0), axis=(1, 2))


@pytest.mark.parametrize(
    ("ours", "plain", "images"),
    [
        (gram_matrix, plain_gram, IMAGES),
        (lambda x: feature_moments(x)[1], plain_covariances, IMAGES),
        (total_variation_loss, plain_variation, IMAGES),
        (total_variation_loss, plain_variation, PAIR),
        (lambda x: InstanceNormalization()(x), plain_normalization, IMAGES),
        (lambda x: peak_energy(x, limit=2.0), plain_peaks, IMAGES),
    ],
    ids=["gram", "covariances", "variation", "variation of 2 x 2 px", "normalization", "peaks"],
)
def test_the_gradient_is_that_of_the_formula(ours, plain, images):
    (found,), (expected,) = derivatives(ours, images), derivatives(plain, images)
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def test_scale_and_offset_of_a_normalization_get_theirs():
    layer = InstanceNormalization()
    layer.build(IMAGES.shape)

    def ours(x, scale, offset):
        with keras.StatelessScope([(layer.scale, scale), (layer.offset, offset)]):
            return layer(x)

    weights = RNG.normal(size=(2, 3)).astype(np.float32)
    found = derivatives(ours, IMAGES, *weights)
    expected = derivatives(lambda x, s, o: plain_normalization(x) * s + o, IMAGES, *weights)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_where_no_place_has_a_peak_there_is_no_gradient():
    (found,) = derivatives(peak_energy, RNG.normal(size=(1, 8, 8, 3)).astype(np.float32))
    assert not found.any()


def test_a_model_can_be_built_from_it():
    images = keras.Input((6, 5, 3))
    model = keras.Model(images, [gram_matrix(images), total_variation_loss(images)])
    for found, function in zip(model(IMAGES), (gram_matrix, total_variation_loss), strict=True):
        expected = ops.convert_to_numpy(function(IMAGES))
        np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-5)


def test_a_function_of_several_tensors_has_a_gradient_for_each():
    @with_gradient
    def product(x, y):
        return x * y, lambda upstream: (upstream * y, upstream * x)

    first, second = IMAGES[0], IMAGES[1]
    found = derivatives(product, first, second)
    expected = derivatives(ops.multiply, first, second)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
