import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from nstlib.objective.losses import (
    content_loss,
    feature_moments,
    gram_matrix,
    moment_loss,
    relative_error,
    style_loss,
    total_variation_loss,
    weighted_mean,
)


def features(*shape, seed=0):
    """Feature maps (B, H, W, C) in float64, with channel means away from zero."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + np.arange(shape[-1])


# --- the same in NumPy, each written in another way than in the library ------------------------


def numpy_gram(maps):
    _, height, width, channels = maps.shape
    return np.einsum("bhwi,bhwj->bij", maps, maps) / (height * width * channels)


def numpy_moments(maps):
    _, height, width, _ = maps.shape
    means = np.einsum("bhwc->bc", maps) / (height * width)
    products = np.einsum("bhwi,bhwj->bij", maps, maps) / (height * width)
    return means, products - np.einsum("bi,bj->bij", means, means)


def numpy_relative(values, target):
    return np.array(
        [
            np.sum((v - t) ** 2) / np.sum(t**2)
            for v, t in zip(values, np.broadcast_to(target, values.shape), strict=True)
        ]
    )


def numpy_content(maps, target):
    return np.array(
        [np.mean((m - t) ** 2) / np.std(t) ** 2 for m, t in zip(maps, target, strict=True)]
    )


def numpy_total_variation(images):
    losses = []
    for image in images:
        height, width, channels = image.shape
        down = sum(
            (image[y + 1, x, c] - image[y, x, c]) ** 2
            for y in range(height - 1)
            for x in range(width)
            for c in range(channels)
        )
        right = sum(
            (image[y, x + 1, c] - image[y, x, c]) ** 2
            for y in range(height)
            for x in range(width - 1)
            for c in range(channels)
        )
        losses.append(
            down / ((height - 1) * width * channels) + right / (height * (width - 1) * channels)
        )
    return np.array(losses)


# --- known answers -----------------------------------------------------------------------------

SHAPES = [(1, 2, 2, 1), (1, 1, 6, 3), (2, 4, 5, 3), (3, 7, 2, 8)]


@pytest.mark.parametrize("shape", SHAPES)
def test_gram_matrix_is_that_of_numpy(shape):
    maps = features(*shape)
    assert_allclose(gram_matrix(maps), numpy_gram(maps), rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_feature_moments_are_those_of_numpy(shape):
    maps = features(*shape)
    means, covariances = feature_moments(maps)
    expected_means, expected_covariances = numpy_moments(maps)
    assert_allclose(means, expected_means, rtol=1e-12)
    assert_allclose(covariances, expected_covariances, rtol=1e-10, atol=1e-12)


def test_covariances_are_those_of_numpy_cov():
    maps = features(1, 6, 5, 4)
    expected = np.cov(maps.reshape(-1, 4), rowvar=False, bias=True)
    assert_allclose(feature_moments(maps)[1][0], expected, rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_content_loss_is_that_of_numpy(shape):
    maps, target = features(*shape), features(*shape, seed=1)
    assert_allclose(content_loss(maps, target), numpy_content(maps, target), rtol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_style_loss_is_that_of_numpy(shape):
    gram, target = numpy_gram(features(*shape)), numpy_gram(features(*shape, seed=1))
    assert_allclose(style_loss(gram, target), numpy_relative(gram, target), rtol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_moment_loss_is_that_of_numpy(shape):
    maps, target = features(*shape), numpy_moments(features(*shape, seed=1))
    expected = sum(map(numpy_relative, numpy_moments(maps), target))
    assert_allclose(moment_loss(maps, target), expected, rtol=1e-8)


@pytest.mark.parametrize("shape", [(1, 2, 2, 1), (2, 4, 5, 3), (3, 7, 2, 3)])
def test_total_variation_is_that_of_numpy(shape):
    images = np.random.default_rng(0).random(shape)
    assert_allclose(total_variation_loss(images), numpy_total_variation(images), rtol=1e-12)


def test_gatys_content_loss():
    maps, target = features(2, 4, 5, 3), features(2, 4, 5, 3, seed=1)
    expected = [0.5 * np.linalg.norm(m - t) ** 2 for m, t in zip(maps, target, strict=True)]
    assert_allclose(content_loss(maps, target, normalize=False), expected, rtol=1e-12)


def test_gatys_style_loss():
    """Eq. 4 as printed: G_ij = Σ_k F_ik F_jk, E = Σ (G - A)² / (4 N² M²), N channels, M positions."""
    maps, target = features(2, 4, 5, 3), features(2, 4, 5, 3, seed=1)
    n, m = 3, 4 * 5
    sums, target_sums = (np.einsum("bhwi,bhwj->bij", f, f) for f in (maps, target))
    expected = np.sum((sums - target_sums) ** 2, axis=(1, 2)) / (4 * n**2 * m**2)
    loss = style_loss(gram_matrix(maps), gram_matrix(target), normalize=False)
    assert_allclose(loss, expected, rtol=1e-12)


# --- by hand -----------------------------------------------------------------------------------

TWO_POSITIONS = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])


def test_gram_matrix_by_hand():
    # FᵀF = [[1 + 9, 2 + 12], [2 + 12, 4 + 16]], over H·W·C = 1 · 2 · 2
    assert_allclose(gram_matrix(TWO_POSITIONS), [[[2.5, 3.5], [3.5, 5.0]]])


def test_feature_moments_by_hand():
    means, covariances = feature_moments(TWO_POSITIONS)
    assert_allclose(means, [[2.0, 3.0]])
    assert_allclose(covariances, [[[1.0, 1.0], [1.0, 1.0]]])


def test_content_loss_by_hand():
    # differences 0, 0, 0, 2: mean square 1; the variance of 1, 2, 3, 4 is 1.25
    maps = np.array([[[[1.0, 2.0], [3.0, 6.0]]]])
    assert_allclose(content_loss(maps, TWO_POSITIONS), [0.8])
    assert_allclose(content_loss(maps, TWO_POSITIONS, variance=4.0), [0.25])
    assert_allclose(content_loss(maps, TWO_POSITIONS, normalize=False), [2.0])


def test_style_loss_by_hand():
    gram, target = np.array([[[3.0, 1.0], [1.0, 0.0]]]), np.array([[[0.0, 1.0], [1.0, 2.0]]])
    assert_allclose(style_loss(gram, target), [13 / 6])
    assert_allclose(style_loss(gram, target, normalize=False), [13 / 4])


def test_relative_error_by_hand():
    assert_allclose(relative_error(np.array([[3.0, 4.0]]), np.array([[0.0, 5.0]])), [0.4])


def test_total_variation_by_hand():
    image = np.array([[[0.0], [1.0]], [[1.0], [1.0]]])  # down: 1, 0; right: 1, 0
    assert_allclose(total_variation_loss(image[None]), [1.0])


def test_a_perfect_match_is_zero():
    maps = features(2, 4, 5, 3)
    assert_allclose(content_loss(maps, maps), 0)
    assert_allclose(style_loss(gram_matrix(maps), gram_matrix(maps)), 0)
    assert_allclose(moment_loss(maps, feature_moments(maps)), 0)


def test_one_is_as_far_as_nothing():
    maps = features(2, 4, 5, 3)
    means = np.broadcast_to(maps.mean(axis=(1, 2, 3), keepdims=True), maps.shape)
    assert_allclose(content_loss(means, maps), 1, rtol=1e-10)
    assert_allclose(style_loss(gram_matrix(0 * maps), gram_matrix(maps)), 1, rtol=1e-10)
    assert_allclose(moment_loss(0 * maps, feature_moments(maps)), 2, rtol=1e-10)


def test_total_variation_of_flat_images_and_noise():
    flat = np.full((1, 8, 8, 3), 0.4)
    assert_allclose(total_variation_loss(flat), 0)
    images = np.random.default_rng(0).random((2, 100, 120, 3))
    assert_allclose(total_variation_loss(images), 1 / 3, rtol=0.02)


def test_a_target_without_variance_or_energy_gives_a_finite_loss():
    flat, other = np.zeros((1, 4, 4, 2)), features(1, 4, 4, 2)
    for value in (
        content_loss(other, flat),
        style_loss(gram_matrix(other), gram_matrix(flat)),
        moment_loss(other, feature_moments(flat)),
    ):
        assert np.isfinite(np.asarray(value)).all()
    assert_allclose(content_loss(flat, flat), 0)


def test_a_target_of_batch_one_serves_every_image():
    maps, target = features(3, 4, 5, 2), features(1, 6, 3, 2, seed=1)
    gram, gram_target = gram_matrix(maps), gram_matrix(target)
    alone = [style_loss(gram[i : i + 1], gram_target)[0] for i in range(3)]
    assert_allclose(style_loss(gram, gram_target), alone)
    moments = feature_moments(target)
    alone = [moment_loss(maps[i : i + 1], moments)[0] for i in range(3)]
    assert_allclose(moment_loss(maps, moments), alone)


# --- invariances -------------------------------------------------------------------------------


def shuffled(maps, seed=2):
    """The same feature vectors at other positions."""
    batch, height, width, channels = maps.shape
    rows = maps.reshape(batch, height * width, channels)
    order = np.random.default_rng(seed).permutation(height * width)
    return rows[:, order].reshape(maps.shape)


@pytest.mark.parametrize("statistic", [gram_matrix, lambda maps: feature_moments(maps)[1]])
@pytest.mark.parametrize("shape", [(1, 2, 2, 8), (2, 6, 5, 4)])  # fewer positions than channels too
def test_second_order_statistics_are_symmetric_and_positive_semidefinite(statistic, shape):
    matrices = np.asarray(statistic(features(*shape)))
    assert_allclose(matrices, matrices.transpose(0, 2, 1), rtol=1e-14)
    assert np.linalg.eigvalsh(matrices).min() > -1e-12


def test_style_forgets_where_and_content_does_not():
    maps = features(2, 6, 5, 4)
    moved = shuffled(maps)
    assert_allclose(gram_matrix(moved), gram_matrix(maps), rtol=1e-10)
    for moment, expected in zip(feature_moments(moved), feature_moments(maps), strict=True):
        assert_allclose(moment, expected, rtol=1e-10, atol=1e-14)
    assert np.all(content_loss(moved, maps) > 0.1)


def test_statistics_do_not_grow_with_the_image():
    maps = features(1, 3, 4, 5)
    larger = np.tile(maps, (1, 2, 3, 1))
    assert_allclose(gram_matrix(larger), gram_matrix(maps), rtol=1e-12)
    assert_allclose(feature_moments(larger)[1], feature_moments(maps)[1], rtol=1e-10)


def test_gram_is_covariance_plus_means():
    maps = features(2, 6, 5, 4)
    means, covariances = map(np.asarray, feature_moments(maps))
    expected = covariances + means[:, :, None] * means[:, None, :]
    assert_allclose(np.asarray(gram_matrix(maps)) * maps.shape[-1], expected, rtol=1e-10)


def test_losses_have_no_unit():
    maps, target = features(2, 4, 5, 3), features(2, 4, 5, 3, seed=1)
    assert_allclose(content_loss(7 * maps, 7 * target), content_loss(maps, target), rtol=1e-9)
    assert_allclose(
        style_loss(gram_matrix(7 * maps), gram_matrix(7 * target)),
        style_loss(gram_matrix(maps), gram_matrix(target)),
        rtol=1e-9,
    )
    assert_allclose(
        moment_loss(7 * maps, feature_moments(7 * target)),
        moment_loss(maps, feature_moments(target)),
        rtol=1e-9,
    )


def test_moment_loss_sees_a_covariance_that_large_means_hide():
    target = features(1, 8, 8, 3) + 100
    flat = np.broadcast_to(target.mean(axis=(1, 2), keepdims=True), target.shape)
    assert float(style_loss(gram_matrix(flat), gram_matrix(target))[0]) < 1e-3
    assert float(moment_loss(flat, feature_moments(target))[0]) == pytest.approx(1, abs=1e-3)


# --- gradients ---------------------------------------------------------------------------------

TARGET = features(2, 3, 4, 2, seed=1)
OBJECTIVES = {
    "content": lambda x: content_loss(x, TARGET),
    "content, given variance": lambda x: content_loss(x, TARGET, variance=3.0),
    "content, Gatys": lambda x: content_loss(x, TARGET, normalize=False),
    "style": lambda x: style_loss(gram_matrix(x), gram_matrix(TARGET)),
    "style, Gatys": lambda x: style_loss(gram_matrix(x), gram_matrix(TARGET), normalize=False),
    "moments": lambda x: moment_loss(x, feature_moments(TARGET)),
    "total variation": total_variation_loss,
}


def central_differences(function, at, step=1e-5):
    gradient = np.empty_like(at)
    for index in np.ndindex(at.shape):
        ends = []
        for sign in (1, -1):
            moved = at.copy()
            moved[index] += sign * step
            ends.append(np.sum(function(moved)))
        gradient[index] = (ends[0] - ends[1]) / (2 * step)
    return gradient


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="needs tf.GradientTape")
@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradient_is_that_of_finite_differences(name):
    import tensorflow as tf

    function, at = OBJECTIVES[name], features(2, 3, 4, 2)
    variable = tf.constant(at)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        losses = function(variable)
    gradient = tape.gradient(losses, variable)
    assert gradient.dtype == tf.float64
    assert_allclose(gradient, central_differences(function, at), rtol=1e-6, atol=1e-8)


# --- mixes of styles ---------------------------------------------------------------------------


def test_the_mean_of_gram_matrices_is_that_of_a_picture_of_both():
    one, other = features(1, 4, 6, 3), features(1, 12, 6, 3, seed=1)
    both = np.concatenate([one, other], axis=1)  # a quarter of it the one, three quarters the other
    mixed = weighted_mean([gram_matrix(one), gram_matrix(other)], [0.25, 0.75])
    assert_allclose(mixed, numpy_gram(both), rtol=1e-5)


def test_a_mix_is_a_weighted_sum_of_unnormalised_losses():
    gram, one, other = (gram_matrix(features(1, 5, 5, 4, seed=seed)) for seed in range(3))
    another = gram + 0.3

    def difference(target):
        return np.asarray(
            style_loss(gram, target, normalize=False) - style_loss(another, target, normalize=False)
        )

    mixed = difference(weighted_mean([one, other], [0.3, 0.7]))
    assert_allclose(mixed, 0.3 * difference(one) + 0.7 * difference(other), rtol=1e-4)


def test_structures_are_averaged_part_by_part():
    one = {"a": (np.array([1.0]), np.array([2.0])), "b": np.array([4.0])}
    other = {"a": (np.array([3.0]), np.array([2.0])), "b": np.array([0.0])}
    mixed = weighted_mean([one, other], [0.25, 0.75])
    assert mixed == {"a": (2.5, 2.0), "b": 1.0}


def test_the_moments_of_a_large_even_map_do_not_drift():
    even = np.full((1, 1024, 1024, 2), 0.7, np.float32)
    means, covariances = (np.asarray(each) for each in feature_moments(even))
    np.testing.assert_allclose(means, 0.7, rtol=1e-4)
    np.testing.assert_allclose(covariances, 0, atol=1e-8)
