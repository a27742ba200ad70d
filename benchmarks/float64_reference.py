"""A network in float64, by JAX, from the plan of the architecture: what every other way to run it should come to."""

import jax
import jax.numpy as jnp
import numpy as np

from nstlib.johnson.architecture import EPSILON, build


class Exact:
    """Builds nothing: computes at once, on `(1, H, W, C)`; of instance normalisation, resize and reflection alone."""

    def __init__(self, weights):
        self.weights = iter(weights)

    def vectors(self, count):
        return [jnp.asarray(next(self.weights), jnp.float64) for _ in range(count)]

    def affine(self, x, scale, offset):
        return scale * x + offset

    def convolve(self, x, filters, kernel, stride=1):
        weights, bias = self.vectors(2)
        p = (kernel // 2, kernel // 2)
        x = jnp.pad(x, ((0, 0), p, p, (0, 0)), mode="reflect")
        layout = ("NHWC", "HWIO", "NHWC")
        strides = (stride, stride)
        return bias + jax.lax.conv_general_dilated(
            x, weights, strides, "VALID", dimension_numbers=layout
        )

    def normalize(self, x):
        scale, offset = self.vectors(2)
        mean, variance = x.mean((1, 2)), x.var((1, 2))
        return (x - mean) / jnp.sqrt(variance + EPSILON) * scale + offset

    def relu(self, x):
        return jnp.maximum(x, 0)

    def add(self, x, y):
        return x + y

    def double(self, x):
        batch, height, width, channels = x.shape
        return jax.image.resize(x, (batch, 2 * height, 2 * width, channels), "bilinear")

    def crop_like(self, x, images):
        return x[:, : images.shape[1], : images.shape[2]]


def paint(saved, image: np.ndarray) -> np.ndarray:
    """What the saved network makes of an image, `(H, W, 3)`, clipped to [0, 1]."""
    with jax.enable_x64(True):
        images = jnp.asarray(image[None], jnp.float64)
        painted = build(saved.architecture, Exact(saved.weights), images)
        return np.clip(np.asarray(painted[0]), 0, 1)
