"""The terms of the style-transfer objective, as pure functions in `keras.ops`.

Feature maps and images are batches `(B, H, W, C)`; every loss returns one value per image, shape `(B,)`.
"""

from keras import ops

# A flat target has no variance and a black one no Gram matrix: the floor keeps the quotient finite.
_EPSILON = 1e-12


def gram_matrix(features):
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
    return ops.matmul(ops.transpose(rows, (0, 2, 1)), rows) / scale


def feature_moments(features):
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
    rows = ops.reshape(features, (-1, height * width, channels))
    means = ops.mean(rows, axis=1)
    centred = rows - means[:, None, :]
    scale = ops.cast(height * width, features.dtype)
    return means, ops.matmul(ops.transpose(centred, (0, 2, 1)), centred) / scale


def relative_error(values, target):
    """Squared distance from `target` in units of the squared length of `target`, one value per image.

    Args:
        values, target: statistics of one shape, `(B, ...)`; a target of batch 1 serves every image.

    Returns:
        Σ(values - target)² / Σ target², `(B,)`: 0 for a perfect match, 1 for all zeros.
    """
    axes = tuple(range(1, len(values.shape)))
    distance = ops.sum(ops.square(values - target), axis=axes)
    return distance / (ops.sum(ops.square(target), axis=axes) + _EPSILON)


def content_loss(features, target, *, normalize=True, variance=None):
    """How far the features are from those of the content image, position by position.

    As a yardstick it rewards doing nothing: 0 for the photo itself. Normalised, at the default layer, noise has 1
    to 1.6, another picture about 1 or more. A change of colour alone fools it, since these features hardly know colour.

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


def style_loss(gram, target, *, normalize=True):
    """How far one Gram matrix is from another.

    As a yardstick it asks for nothing of the photo: 0 for the style image, or for one with its features in any other
    order. Normalised, averaged over the default layers, noise has 0.5 to 2.1 beside our style images, an
    untouched photo 0.3 or far above.

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


def moment_loss(features, target):
    """How far the first two moments of a feature map are from those of the style image.

    Args:
        features: feature maps of the stylized image, `(B, H, W, C)`.
        target: `(means, covariances)` of the style image, from `feature_moments`.

    Returns:
        Relative squared error of the means plus that of the centred covariances, `(B,)`; 0 is a perfect match.
    """
    means, covariances = feature_moments(features)
    return relative_error(means, target[0]) + relative_error(covariances, target[1])


def total_variation_loss(images):
    """Mean squared difference between neighbouring pixels, the penalty on pixel noise.

    The isotropic square form (Mahendran & Vedaldi 2015, eq. 5 with β = 2) in place of Johnson's sum, as a mean, so
    that one weight serves every size.

    Args:
        images: `(B, H, W, C)` in [0, 1], at least 2 pixels a side.

    Returns:
        One loss per image, `(B,)`: 0 for a flat image, about 1/3 for uniform noise in [0, 1].
    """
    down = images[:, 1:] - images[:, :-1]
    right = images[:, :, 1:] - images[:, :, :-1]
    axes = (1, 2, 3)
    return ops.mean(ops.square(down), axis=axes) + ops.mean(ops.square(right), axis=axes)


def peak_energy(features, limit):
    """How much of a feature map's energy stands in few places, whose height sets the scale of all others.

    Instance normalisation divides by the deviation over all positions, so that a network can choose how strong
    everything else is by raising one spot in every channel. The spot shows as a blot: the 'droplets' of Karras et al.
    2020, 'Analyzing and Improving the Image Quality of StyleGAN', sec. 2.

    Args:
        features: feature maps as they enter the normalisation, `(B, H, W, C)`.
        limit: the energy that a place may have for nothing, 1 being the mean.

    Returns:
        Mean over the positions of the energy above `limit`, `(B,)`. The energy of a place is the mean over the channels
        of ((F - μ) / σ)², with μ and σ of each channel over all positions. 0 without peaks, always below 1.
    """
    mean, variance = ops.moments(features, axes=(1, 2), keepdims=True)
    energy = ops.mean(ops.square(features - mean) / (variance + _EPSILON), axis=-1)
    return ops.mean(ops.relu(energy - limit), axis=(1, 2))


def checkerboard_energy(images, period: int, *, window: int = 12):
    """How strong a pattern of one period stands in an image: what a network with strides may draw into even areas.

    Odena et al. 2016, 'Deconvolution and Checkerboard Artifacts', describe it for transposed convolutions, whose
    strides are its period. The measure is our own: marks of a painting that keep no step with the grid average out.

    Args:
        images: `(B, H, W, C)`, at least 2 · period px a side.
        period: in px, along both axes.
        window: the pattern is taken anew in every window of so many periods a side, or of as many as fit.

    Returns:
        One mean square per image, `(B,)`: of the image less its running mean over period² px, averaged in each window
        over the places of one phase. 0 for an even image; noise of variance v leaves about v / window².
    """
    low = ops.average_pool(images, period, strides=1, padding="valid")
    _, height, width, channels = low.shape
    middle = period // 2
    high = images[:, middle : middle + height, middle : middle + width] - low
    window = min(window, height // period, width // period)
    side = window * period
    rows, columns = height // side, width // side
    tiles = ops.reshape(
        high[:, : rows * side, : columns * side],
        (-1, rows, window, period, columns, window, period, channels),
    )
    pattern = ops.mean(tiles, axis=(2, 5))
    return ops.mean(ops.square(pattern), axis=(1, 2, 3, 4, 5))


def edge_aware_smoothness(images, photos, period: int = 8, *, edge: float = 0.05):
    """How strongly images vary over some pixels where their photos do not: patches of a colour in even areas.

    Godard et al. 2017, 'Unsupervised Monocular Depth Estimation with Left-Right Consistency', eq. 3, for colours in
    place of disparities, with squares in place of absolute values, and on means over period² px: strokes and hatching
    finer than that average out and cost nothing.

    Args:
        images: `(B, H, W, C)`, at least 2 · period px a side.
        photos: what they were made of, of the same shape.
        period: in px, along both axes.
        edge: the step between neighbouring means of the photo, averaged over its channels, that counts as an edge.

    Returns:
        One value per image, `(B,)`: the sum over both axes of the mean of d² · exp(-|e| / edge), d and e being steps
        between neighbouring means of the image and of the photo. 0 for an even image.
    """
    shown, seen = (
        ops.average_pool(each, period, strides=period, padding="valid") for each in (images, photos)
    )

    def along_columns(image, photo):
        steps = ops.mean(ops.abs(photo[:, 1:] - photo[:, :-1]), axis=-1, keepdims=True)
        squares = ops.square(image[:, 1:] - image[:, :-1])
        return ops.mean(squares * ops.exp(-steps / edge), axis=(1, 2, 3))

    turned = (ops.transpose(each, (0, 2, 1, 3)) for each in (shown, seen))
    return along_columns(shown, seen) + along_columns(*turned)
