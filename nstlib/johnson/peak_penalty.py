"""Peaks: single spots of a feature map by whose height a network sets the scale of everything else in it."""

from collections.abc import Sequence

import keras
from keras import ops

from nstlib.johnson.architecture import EPSILON
from nstlib.johnson.layers import InstanceNormalization
from nstlib.objective.gradients import Tensor, with_gradient
from nstlib.objective.losses import pixel_mean

LIMIT = 10.0


def peak_energy(features: Tensor, limit: float = LIMIT) -> Tensor:
    """How much of the energy of a feature map stands in few places.

    Instance normalisation divides by the deviation over all positions. A network can therefore choose how strong
    everything else is by raising one spot in every channel, and the spot shows as a blot: the "droplets" of Karras et
    al. 2020, 'Analyzing and Improving the Image Quality of StyleGAN', sec. 2.

    Args:
        features: feature maps as they enter the normalisation, `(B, H, W, C)`.
        limit: the energy that a place may have for nothing; the mean over all places is 1.

    Returns:
        Mean over the positions of the energy above `limit`, `(B,)`: 0 without peaks, always below 1. The energy of a
        place is the mean over the channels of ((F - μ) / σ)², with μ and σ of each channel over all positions.
    """
    features = ops.cast(features, "float32")
    _, height, width, channels = ops.shape(features)

    @with_gradient
    def mean_above(features):
        centred = features - pixel_mean(features)
        squares = ops.square(centred)
        weights = 1.0 / (channels * (pixel_mean(squares) + EPSILON))
        rows = ops.reshape(squares, (-1, height * width, channels))
        energy = ops.matmul(rows, ops.reshape(weights, (-1, channels, 1)))
        above = ops.relu(energy - limit)

        # Derived, it reads and writes feature maps twice as often.
        def gradient(upstream):
            share = ops.reshape(upstream / ops.cast(height * width, "float32"), (-1, 1, 1))
            at = ops.where(above > 0, share, 0.0)
            # The variance depends on every place, and the weights on the variance.
            of_weights = ops.matmul(ops.transpose(at, (0, 2, 1)), rows)
            of_weights = ops.reshape(of_weights, (-1, 1, 1, channels))
            of_variances = -channels * ops.square(weights) * of_weights
            at = ops.reshape(at, (-1, height, width, 1))
            change = centred * (2.0 * (weights * at + of_variances / (height * width)))
            return change - pixel_mean(change)

        return ops.mean(above, axis=(1, 2)), gradient

    return mean_above(features)


def mean_peak_energy(maps: Sequence[Tensor]) -> Tensor | float:
    """Mean of `peak_energy` over images and feature maps: one number, 0 where there are no maps."""
    return sum(ops.mean(peak_energy(features)) for features in maps) / max(1, len(maps))


def observed(transformer: keras.Model) -> keras.Model:
    """A network that also gives what enters its normalisations: `(images, feature maps)`; the weights are shared.

    Batch normalisation has no such peaks, since its scale in use is a constant: the list is then empty.
    """
    entering = [
        layer.input for layer in transformer.layers if isinstance(layer, InstanceNormalization)
    ]
    return keras.Model(transformer.input, (transformer.output, entering))
