"""The image transformation network in Keras: building it, loading and saving it, painting with it."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nstlib.johnson.architecture import EPSILON, Architecture, build
from nstlib.johnson.layers import (
    BilinearDoubling2D,
    CropLike,
    InstanceNormalization,
    ReflectionPadding2D,
)
from nstlib.johnson.passes import paint
from nstlib.johnson.saved import TRUNK, SavedNetwork, network_path, read_network, write_network

_LAST = {"data_format": "channels_last"}


def build_transformer(
    *,
    width: float = 1.0,
    normalization: str = "instance",
    upsampling: str = "resize",
    padding: str = "reflect",
) -> keras.Model:
    """An untrained image transformation network (`nstlib.johnson.architecture` says what departs from the paper).

    Args:
        width: multiplies the 32, 64 and 128 channels of the paper, above 0 and at most 8; at 1 there are 1,679,235
            parameters.
        normalization: `"instance"` or `"batch"`.
        upsampling: `"resize"` (bilinear, then convolution) or `"transposed"` convolution.
        padding: `"reflect"` or `"zeros"`.

    Returns:
        A Keras model from RGB images `(B, H, W, 3)` in [0, 1], at least 16 pixels a side, to images of the same
        shape, after training nearly in [0, 1]: clip them to show them.

    Raises:
        ValueError: an unknown choice or another width.
    """
    architecture = Architecture(
        width=width, normalization=normalization, upsampling=upsampling, padding=padding
    )
    images = keras.Input((None, None, 3), dtype="float32")
    return keras.Model(
        images, build(architecture, _Layers(architecture), images), name="transformer"
    )


class _Layers:
    """Builds with layers of Keras, whatever type and layout Keras is set to."""

    def __init__(self, architecture: Architecture):
        self.architecture = architecture

    def affine(self, x, scale, offset):
        return keras.layers.Rescaling(scale, offset=offset, dtype="float32")(x)

    def convolve(self, x, filters, kernel, stride=1):
        mirrored = self.architecture.padding == "reflect"
        pad = (
            ReflectionPadding2D(kernel // 2)
            if mirrored
            else keras.layers.ZeroPadding2D(kernel // 2, dtype="float32", **_LAST)
        )
        convolution = keras.layers.Conv2D(filters, kernel, stride, dtype="float32", **_LAST)
        return convolution(pad(x))

    def transpose(self, x, filters):
        options = {"padding": "same", "dtype": "float32", **_LAST}
        return keras.layers.Conv2DTranspose(filters, 3, 2, **options)(x)

    def normalize(self, x):
        if self.architecture.normalization == "batch":
            return keras.layers.BatchNormalization(epsilon=EPSILON, dtype="float32")(x)
        return InstanceNormalization()(x)

    def relu(self, x):
        return keras.layers.ReLU(dtype="float32")(x)

    def add(self, x, y):
        return keras.layers.Add(dtype="float32")([x, y])

    def double(self, x):
        return BilinearDoubling2D()(x)

    def crop_like(self, x, images):
        return CropLike()([x, images])


@dataclass(frozen=True)
class Network:
    """A trained image transformation network with what is known of it.

    Attributes:
        model: the Keras model, images `(B, H, W, 3)` in [0, 1] to images of the same shape.
        architecture: what the model is made of; its fields are the arguments of `build_transformer`.
        card: the model card: style, licence, objective, training and losses, as JSON-ready values.
    """

    model: keras.Model
    architecture: Architecture = field(default_factory=Architecture)
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits of the weights' sha256, by which results name the weights that they are of."""
        return self.saved().fingerprint

    def stylize(self, image: np.ndarray) -> np.ndarray:
        """The image in the network's style: float32 `(H, W, 3)` in [0, 1] in, the same shape out.

        What shows nothing stays as it is: see `nstlib.johnson.passes`.

        Raises:
            ImageError: not an image, a side below 16 pixels, or too large for the memory.
        """
        with _traced_quietly():
            return paint(image, self.model.predict_on_batch, width=self.architecture.width)

    def labelled(self, style: str, licence: str = "unknown") -> "Network":
        """The same network with the name and the licence of its style on its card."""
        return replace(self, card={**self.card, "style": style, "licence": licence})

    def saved(self) -> SavedNetwork:
        """The same without Keras: architecture, weights and card."""
        return SavedNetwork(self.architecture, self.model.get_weights(), dict(self.card))


def new_network(**architecture: Any) -> Network:
    """An untrained network with an empty card; the arguments are those of `build_transformer`."""
    made_of = Architecture(**architecture)
    return Network(model=_compiled(made_of), architecture=made_of)


def save_network(network: Network, path: str | Path, *, dtype: str = "float32") -> Path:
    """Writes a network and its card into one `.npz` file, whole or not at all.

    Args:
        network: the network.
        path: where to; its folder must exist.
        dtype: `"float32"` keeps the weights exactly, `"float16"` halves the file at about three decimal digits.

    Returns:
        The path.

    Raises:
        NetworkError: a path that does not end in .npz, another dtype, or weights that are not finite or too large for
            it.
        OSError: the file cannot be written; an earlier one is then untouched.
    """
    return write_network(network.saved(), path, dtype=dtype)


def load_network(name: str | Path, *, width: float = 1.0) -> Network:
    """A network shipped with nstlib, by the name of its style, or one from a file that `save_network` wrote.

    Nothing in a file is executed: it holds numbers and a JSON text, and the layers are built from the library's code.

    Args:
        name: a name from `network_names(width)`, or the path of a `.npz` file.
        width: of a shipped network: 1, or 0.25 for one with a quarter of the channels, which paints much the same, a
            little farther from photo and style, in a fraction of the time. A file says itself how wide it is.

    Raises:
        NetworkError: no such network, or a file that is broken, too new or not a network.
        ValueError: a width at which none ships.
    """
    saved = read_network(network_path(name, width=width))
    model = _compiled(saved.architecture)
    model.set_weights(saved.weights)
    return Network(model=model, architecture=saved.architecture, card=saved.card)


def trunk() -> Network:
    """The network that training starts from: it redraws its input, up to overall brightness and colour.

    Made by `nstlib.johnson.distillation.train_identity`. Instance normalisation takes the brightness of each channel
    away, so the copy is sharp but not exact.
    """
    return load_network(TRUNK)


def needs_jit() -> bool:
    """What `jit_compile` should be: XLA takes twice as long as oneDNN on a CPU, but JAX knows nothing else."""
    return keras.backend.backend() == "jax"


@contextmanager
def _traced_quietly() -> Iterator[None]:
    """Without TensorFlow's advice on graphs that are traced often: it counts five networks in a row as one function."""

    def useful(record: logging.LogRecord) -> bool:
        return "triggered tf.function retracing" not in record.getMessage()

    logger = logging.getLogger("tensorflow")
    logger.addFilter(useful)
    try:
        yield
    finally:
        logger.removeFilter(useful)


def _compiled(architecture: Architecture) -> keras.Model:
    model = build_transformer(**asdict(architecture))
    model.compile(jit_compile=needs_jit())
    return model
