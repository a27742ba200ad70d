"""Layers of the network that Keras does not have, or not for every size, backend and runtime.

All of them are channels last and compute in the type of what comes in, whatever Keras is set to.
"""

from typing import Any

import keras
from keras import KerasTensor, ops

from nstlib.johnson.architecture import EPSILON
from nstlib.objective.gradients import with_gradient
from nstlib.objective.losses import pixel_mean

Shape = tuple[int | None, ...]


class _Layer(keras.layers.Layer):
    """Casts nothing: a policy of mixed precision would otherwise reach into some layers and not into others."""

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", "autocast": False} | kwargs)


@with_gradient
def _normalized(x, scale, offset):
    centred = x - pixel_mean(x)
    deviation = ops.sqrt(pixel_mean(ops.square(centred)) + EPSILON)
    factor = scale / deviation

    # Derived, it reads and writes feature maps twice as often.
    def gradient(upstream):
        total, along = pixel_mean(upstream), pixel_mean(upstream * centred)
        change = upstream * factor - centred * (factor * along / ops.square(deviation))
        _, height, width, _ = ops.shape(x)
        pixels = ops.cast(height * width, x.dtype)
        of_scale, of_offset = (
            pixels * ops.sum(each, axis=(0, 1, 2)) for each in (along / deviation, total)
        )
        return change - factor * total, of_scale, of_offset

    return centred * factor + offset, gradient


@keras.saving.register_keras_serializable("nstlib")
class InstanceNormalization(_Layer):
    """Each channel of each image to mean 0 and variance 1, then times a scale, plus an offset (Ulyanov et al. 2017).

    Where Keras' GroupNormalization(groups=-1) computes the same, it does so on five axes, for which other runtimes are
    slow or wrong; and on the variance as E[x²] − E[x]² on PyTorch, which can come out below 0.
    """

    def build(self, shape: Shape) -> None:
        """Makes scale and offset, of the last of the sides."""
        self.scale = self.add_weight(shape=shape[-1:], initializer="ones", name="scale")
        self.offset = self.add_weight(shape=shape[-1:], initializer="zeros", name="offset")

    def call(self, x: KerasTensor) -> KerasTensor:
        """`(B, H, W, C)` normalised."""
        return _normalized(x, self.scale, self.offset)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The same."""
        return shape


@keras.saving.register_keras_serializable("nstlib")
class ReflectionPadding2D(_Layer):
    """Pads `(B, H, W, C)` by mirroring, edge pixels not repeated, on all four sides."""

    def __init__(self, pixels: int, **kwargs):
        super().__init__(**kwargs)
        self.pixels = pixels

    def call(self, x: KerasTensor) -> KerasTensor:
        """`(B, H + 2 p, W + 2 p, C)`, p the pixels."""
        p = self.pixels
        return ops.pad(x, ((0, 0), (p, p), (p, p), (0, 0)), mode="reflect")

    # Without it Keras tries `call` on sides of unknown length, which JAX cannot mirror.
    def compute_output_shape(self, shape: Shape) -> Shape:
        """Sides longer by twice the pixels."""
        batch, height, width, channels = shape
        sides = [None if side is None else side + 2 * self.pixels for side in (height, width)]
        return (batch, *sides, channels)

    def get_config(self) -> dict[str, Any]:
        """What makes the same layer again."""
        return super().get_config() | {"pixels": self.pixels}


@keras.saving.register_keras_serializable("nstlib")
class BilinearDoubling2D(_Layer):
    """Bilinear upsampling of `(B, H, W, C)` to twice the sides, pixel centres at halves, edge pixels repeated.

    Keras' UpSampling2D has to know the sides beforehand for it. Here: nearest, then (1 2 1)/4 along both axes.
    """

    def call(self, x: KerasTensor) -> KerasTensor:
        """`(B, 2 H, 2 W, C)`."""
        _, height, width, channels = ops.shape(x)
        x = ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)
        # States the channels again, which a converter to LiteRT has lost by now.
        x = ops.reshape(x, (-1, 2 * height, 2 * width, channels))
        x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        for _ in range(2):
            x = ops.average_pool(x, 2, strides=1, data_format="channels_last")
        return x

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Twice the sides."""
        batch, height, width, channels = shape
        sides = [None if side is None else 2 * side for side in (height, width)]
        return (batch, *sides, channels)


@keras.saving.register_keras_serializable("nstlib")
class CropLike(_Layer):
    """Crops the first of two batches, at the bottom and on the right, to the height and width of the second."""

    def call(self, inputs: list[KerasTensor]) -> KerasTensor:
        """The first, with the sides of the second."""
        x, like = inputs
        _, height, width, _ = ops.shape(like)
        return x[:, :height, :width]

    def compute_output_shape(self, shapes: list[Shape]) -> Shape:
        """The channels of the first, all else of the second."""
        return (*shapes[1][:3], shapes[0][3])
