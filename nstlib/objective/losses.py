"""The terms of the style-transfer objective, as pure functions in `keras.ops`.

Feature maps and images are batches `(B, H, W, C)`; every loss returns one value per image, shape `(B,)`.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from nstlib.objective.gradients import Tensor, with_gradient

# A flat target has no variance and a black one no Gram matrix: the floor keeps the quotient finite.
_EPSILON = 1e-12


def gram_matrix(features: Tensor) -> Tensor:
    """Channel-by-channel correlations of a feature map: which features occur together, but not where.

    G = FᵀF / (H·W·C), with F the (H·W, C) matrix of features. Gatys et al. 2016, eq. 3, with the normalisation of
    Johnson et al. 2016, eq. 3, so that G does not grow with the size of the image.

    Args:
        features: feature maps, `(B, H, W, C)`.

    Returns:
        Symmetric positive semi-definite matrices, `(B, C, C)`.
    """
    _, height, width, channels = ops.shape(features)
    rows = ops.reshape(features, (-1, height * width, channels))
    scale = ops.cast(height * width * channels, features.dtype)
    return _products(rows) / scale


@with_gradient
def _products(rows):
    """RᵀR of `(B, N, C)`, `(B, C, C)`."""

    # Derived, it is two products, of R with U and with Uᵀ, and a transposed copy of R.
    def gradient(upstream):
        return ops.matmul(rows, upstream + ops.transpose(upstream, (0, 2, 1)))

    return ops.matmul(ops.transpose(rows, (0, 2, 1)), rows), gradient


def pixel_mean(features: Tensor) -> Tensor:
    """Mean of `(B, H, W, C)` over the pixels, `(B, 1, 1, C)`.

    Over the width, then over the height: TensorFlow on a CPU adds float32 one by one, and a sum over a million pixels
    is off in the third digit.
    """
    return ops.mean(ops.mean(features, axis=2, keepdims=True), axis=1, keepdims=True)


def feature_moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and centred covariance of the channels of a feature map.

    Together they hold what the Gram matrix holds (G·C = Σ + μμᵀ), but apart, so that large means cannot hide a wrong
    covariance: the two statistics whose match defines the style distance of Li et al. 2017, 'Demystifying Neural
    Style Transfer', sec. 4.

    Args:
        features: feature maps, `(B, H, W, C)`.

    Returns:
        `(means, covariances)`, `(B, C)` and `(B, C, C)`.
    """
    _, height, width, channels = ops.shape(features)
    means = pixel_mean(features)
    centred = ops.reshape(features - means, (-1, height * width, channels))
    scale = ops.cast(height * width, features.dtype)
    return means[:, 0, 0], _products(centred) / scale


def weighted_mean(targets: Sequence[Any], shares: Sequence[float]) -> Any:
    """What a mix of styles is compared with: the weighted mean of their statistics.

    The mean of Gram matrices is the Gram matrix of a picture with so much of its area in the one style and so much in
    the other. It is also what a weighted sum of unnormalised style losses comes to: Σ wᵢ ‖G - Aᵢ‖² is ‖G - Σ wᵢ Aᵢ‖²
    and a constant. Moments are averaged alike, means and covariances apart.

    Args:
        targets: statistics of each style: tensors, or equal nested structures of tensors.
        shares: weights that add up to 1, one for each style.

    Returns:
        A tensor or structure like each of the targets.
    """

    def mean(*tensors):
        return sum(share * tensor for share, tensor in zip(shares, tensors, strict=True))

    return keras.tree.map_structure(mean, *targets)


def relative_error(values: Tensor, target: Tensor) -> Tensor:
    """Squared distance from `target` in units of the squared length of `target`, one value per image.

    Args:
        values, target: statistics of one shape, `(B, ...)`; a target of batch 1 serves every image.

    Returns:
        Σ(values - target)² / Σ target², `(B,)`: 0 for a perfect match, 1 for all zeros.
    """
    axes = tuple(range(1, len(values.shape)))
    distance = ops.sum(ops.square(values - target), axis=axes)
    return distance / (ops.sum(ops.square(target), axis=axes) + _EPSILON)


def content_loss(
    features: Tensor, target: Tensor, *, normalize: bool = True, variance: float | None = None
) -> Tensor:
    """How far the features are from those of the content image, position by position.

    As a yardstick it rewards doing nothing: 0 for the photo itself. Normalised, at relu3_3 of `"vgg16"`, noise has 1.2
    to 1.9 and another picture 1.1 or far above. A change of colour alone counts too: 0.2 to 0.5 without any, 0.35 to
    0.75 with red, green and blue exchanged.

    Args:
        features: features of the stylized image, `(B, H, W, C)`.
        target: features of the content image, same shape.
        normalize: divide the mean squared difference by the variance of `target`: 0 is a perfect match and about 1 as
            far as a flat image. False gives the sum of Gatys et al. 2016, eq. 1: ½ Σ (F - P)².
        variance: what to divide by in place of each target's own variance: a scalar.

    Returns:
        One loss per image, `(B,)`.
    """
    axes = (1, 2, 3)
    if not normalize:
        return 0.5 * ops.sum(ops.square(features - target), axis=axes)
    difference = ops.mean(ops.square(features - target), axis=axes)
    return difference / ((ops.var(target, axis=axes) if variance is None else variance) + _EPSILON)


def style_loss(gram: Tensor, target: Tensor, *, normalize: bool = True) -> Tensor:
    """How far one Gram matrix is from another.

    As a yardstick it asks for nothing of the photo: 0 for the style image, or for one with its features in any other
    order. Normalised, averaged over relu1_2, relu2_2, relu3_3 and relu4_3 of `"vgg16"`, noise has 0.7 to 3.3 beside
    our style images, an untouched photo 0.5 or far above.

    Args:
        gram: Gram matrices of the stylized image, `(B, C, C)`, from `gram_matrix`.
        target: Gram matrix of the style image, `(B, C, C)` or `(1, C, C)`.
        normalize: divide by the mean square of `target`: 0 is a perfect match, 1 as far as a Gram matrix of zeros.
            There is no upper end: an image much brighter or busier than the style lies far above 1. False gives Gatys
            et al. 2016, eq. 4, which for matrices divided by H·W·C reads ¼ Σ (G - A)².

    Returns:
        One loss per image, `(B,)`.
    """
    if not normalize:
        return 0.25 * ops.sum(ops.square(gram - target), axis=(1, 2))
    return relative_error(gram, target)


def moment_loss(features: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
    """How far the first two moments of a feature map are from those of the style image.

    Args:
        features: feature maps of the stylized image, `(B, H, W, C)`.
        target: `(means, covariances)` of the style image, from `feature_moments`.

    Returns:
        Relative squared error of the means plus that of the centred covariances, `(B,)`; 0 is a perfect match.
    """
    means, covariances = feature_moments(features)
    return relative_error(means, target[0]) + relative_error(covariances, target[1])


def total_variation_loss(images: Tensor) -> Tensor:
    """Mean squared difference between neighbouring pixels, the penalty on pixel noise.

    The isotropic square form (Mahendran & Vedaldi 2015, eq. 5 with β = 2) in place of Johnson's sum, as a mean, so
    that one weight serves every size.

    Args:
        images: `(B, H, W, C)` in [0, 1], at least 2 pixels a side.

    Returns:
        One loss per image, `(B,)`: 0 for a flat image, about 1/3 for uniform noise in [0, 1].
    """
    return _mean_square_step(images, 1) + _mean_square_step(images, 2)


def _mean_square_step(images, axis):
    """Mean squared difference between neighbours along the height (1) or the width (2), `(B,)`."""

    def cut(x, start, stop):
        return x[:, start:stop] if axis == 1 else x[:, :, start:stop]

    @with_gradient
    def mean_square(images):
        steps = cut(images, 1, None) - cut(images, None, -1)
        _, height, width, channels = ops.shape(steps)
        count = ops.cast(height * width * channels, images.dtype)

        # Derived, the gradient of each cut is a padded copy.
        def gradient(upstream):
            inner = cut(steps, None, -1) - cut(steps, 1, None)
            change = ops.concatenate([-cut(steps, None, 1), inner, cut(steps, -1, None)], axis=axis)
            return change * ops.reshape(2.0 * upstream / count, (-1, 1, 1, 1))

        return ops.mean(ops.square(steps), axis=(1, 2, 3)), gradient

    return mean_square(images)
