"""Peaks: single spots of a feature map by whose height a network sets the scale of everything else in it."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from nstlib.johnson.architecture import EPSILON
from nstlib.johnson.layers import InstanceNormalization
from nstlib.objective.losses import pixel_mean

Tensor = Any  # an array of Keras' backend, or NumPy's

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
    squares = ops.square(features - pixel_mean(features))
    energy = ops.mean(squares / (pixel_mean(squares) + EPSILON), axis=-1)
    return ops.mean(ops.relu(energy - limit), axis=(1, 2))


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
