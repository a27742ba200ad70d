"""The image transformation network of Johnson et al. 2016, with instance normalisation (Ulyanov et al. 2017).

Departures from the paper's supplement, each the usual practice today: instance in place of batch normalisation, resize
and convolution in place of transposed convolution (Odena et al. 2016; bilinear, since with nearest a short training
draws a grid of 4 pixels into flat areas), reflection padding at every convolution in place of one wide frame, and an
output of exactly the input's size for every size. One departure is ours: the output is linear, where Johnson's is a
scaled tanh. In short trainings tanh saturates in dark areas, its gradient vanishes, and they stay black;
`nstlib.johnson.training` keeps a linear output in range with a penalty instead.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from nstlib.errors import NetworkError
from nstlib.files import replacing
from nstlib.images import check_image
from nstlib.johnson import SLIM_WIDTH
from nstlib.machine.memory import check_memory

NORMALIZATIONS = ("instance", "batch")
UPSAMPLINGS = ("resize", "transposed")
PADDINGS = ("reflect", "zeros")

_RESIDUAL_BLOCKS = 5
_FORMAT = 1
_LONGEST_HEADER = 2**20  # bytes
_NPY_HEADER = 2**10  # bytes, with room to spare
_CARD = "card"
_ASSETS = Path(__file__).parents[1] / "assets"
_FOLDER = _ASSETS / "networks"
_WIDTHS = {1.0: "", SLIM_WIDTH: "slim"}  # and in which folder in there
_TRUNK = _ASSETS / "trunk.npz"


def build_transformer(
    *,
    width: float = 1.0,
    normalization: str = "instance",
    upsampling: str = "resize",
    padding: str = "reflect",
) -> keras.Model:
    """An untrained image transformation network.

    Args:
        width: multiplies the 32, 64 and 128 channels of the paper, above 0; at 1 there are 1,679,235 parameters.
        normalization: `"instance"` or `"batch"`.
        upsampling: `"resize"` (bilinear, then convolution) or `"transposed"` convolution.
        padding: `"reflect"` or `"zeros"`.

    Returns:
        A Keras model from RGB images `(B, H, W, 3)` in [0, 1], at least 16 pixels a side, to images of the same
        shape, after training nearly in [0, 1]: clip them to show them.

    Raises:
        ValueError: an unknown choice or a width not above 0.
    """
    if isinstance(width, bool) or not isinstance(width, int | float) or not 0 < width <= 8:
        raise ValueError(f"width: {width!r} is not a number above 0 and at most 8")
    for argument, value, accepted in (
        ("normalization", normalization, NORMALIZATIONS),
        ("upsampling", upsampling, UPSAMPLINGS),
        ("padding", padding, PADDINGS),
    ):
        if value not in accepted:
            raise ValueError(f"{argument}: {value!r} is not one of {', '.join(accepted)}")

    channels = [max(1, round(width * count)) for count in (32, 64, 128)]

    def pad(x, pixels):
        layer = ReflectionPadding2D if padding == "reflect" else keras.layers.ZeroPadding2D
        return layer(pixels)(x)

    def convolve(x, filters, kernel, strides=1):
        return keras.layers.Conv2D(filters, kernel, strides)(pad(x, kernel // 2))

    def normalize(x):
        if normalization == "batch":
            return keras.layers.BatchNormalization(epsilon=1e-5)(x)
        return keras.layers.GroupNormalization(groups=-1, epsilon=1e-5)(x)  # -1: instance

    def upsample(x, filters):
        if upsampling == "transposed":
            return keras.layers.Conv2DTranspose(filters, 3, 2, padding="same")(x)
        return convolve(_double(x), filters, 3)

    def residual(x):
        y = keras.layers.ReLU()(normalize(convolve(x, channels[2], 3)))
        return keras.layers.Add()([x, normalize(convolve(y, channels[2], 3))])

    images = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(2.0, offset=-1.0)(images)
    x = keras.layers.ReLU()(normalize(convolve(x, channels[0], 9)))
    x = keras.layers.ReLU()(normalize(convolve(x, channels[1], 3, strides=2)))
    x = keras.layers.ReLU()(normalize(convolve(x, channels[2], 3, strides=2)))
    for _ in range(_RESIDUAL_BLOCKS):
        x = residual(x)
    x = keras.layers.ReLU()(normalize(upsample(x, channels[1])))
    x = keras.layers.ReLU()(normalize(upsample(x, channels[0])))
    # Halving rounds up, so a side that is no multiple of 4 comes back up to 3 pixels too long.
    x = CropLike()([x, images])
    x = keras.layers.Rescaling(0.5, offset=0.5)(convolve(x, 3, 9))
    return keras.Model(images, x, name="transformer")


def _double(x):
    """Bilinear upsampling: nearest, then (1 2 1)/4 along both axes. Keras' own has to know the sides beforehand."""
    x = ReflectionPadding2D(1)(keras.layers.UpSampling2D(2, interpolation="nearest")(x))
    for _ in range(2):
        x = keras.layers.AveragePooling2D(2, strides=1)(x)
    return x


@keras.saving.register_keras_serializable("nstlib")
class ReflectionPadding2D(keras.layers.Layer):
    """Pads `(B, H, W, C)` by mirroring, edge pixels not repeated, on all four sides."""

    def __init__(self, pixels: int, **kwargs):
        super().__init__(**kwargs)
        self.pixels = pixels

    def call(self, x):
        p = self.pixels
        return ops.pad(x, ((0, 0), (p, p), (p, p), (0, 0)), mode="reflect")

    # Without it Keras tries `call` on sides of unknown length, which JAX cannot mirror.
    def compute_output_shape(self, shape):
        batch, height, width, channels = shape
        sides = [None if side is None else side + 2 * self.pixels for side in (height, width)]
        return (batch, *sides, channels)

    def get_config(self):
        return super().get_config() | {"pixels": self.pixels}


@keras.saving.register_keras_serializable("nstlib")
class CropLike(keras.layers.Layer):
    """Crops the first of two batches, at the bottom and on the right, to the height and width of the second."""

    def call(self, inputs):
        x, like = inputs
        _, height, width, _ = ops.shape(like)
        return x[:, :height, :width]

    def compute_output_shape(self, shapes):
        return (*shapes[1][:3], shapes[0][3])


@dataclass(frozen=True)
class Network:
    """A trained image transformation network with what is known of it.

    Attributes:
        model: the Keras model, images `(B, H, W, 3)` in [0, 1] to images of the same shape.
        architecture: the arguments of `build_transformer` that made it.
        card: the model card: style, licence, objective, training and losses, as JSON-ready values.
    """

    model: keras.Model
    architecture: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits of the weights' sha256, by which results name the weights that they are of."""
        digest = hashlib.sha256()
        for weight in self.model.get_weights():
            digest.update(np.ascontiguousarray(weight))
        return digest.hexdigest()[:12]

    def stylize(self, image: np.ndarray) -> np.ndarray:
        """The image in the network's style: float32 `(H, W, 3)` in [0, 1] in, the same shape out.

        Raises:
            ImageError: not an image, a side below 16 pixels, or too large for the memory that is free.
        """
        image = check_image(image, "image")
        slim = self.architecture.get("width", 1.0) <= SLIM_WIDTH
        check_memory(*image.shape[:2], method="johnson slim" if slim else "johnson")
        return np.clip(self.model.predict_on_batch(image[None])[0], 0.0, 1.0)

    def labelled(self, style: str, licence: str = "unknown") -> "Network":
        """The same network with the name and the licence of its style on its card."""
        return replace(self, card={**self.card, "style": style, "licence": licence})


def new_network(**architecture: Any) -> Network:
    """An untrained network with an empty card; the arguments are those of `build_transformer`."""
    return Network(model=_compiled(architecture), architecture=architecture)


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
    path = Path(path)
    if path.suffix != ".npz":
        raise NetworkError(f"path: {path.name!r} must end in .npz")
    if dtype not in ("float16", "float32"):
        raise NetworkError(f"dtype: {dtype!r} is neither 'float16' nor 'float32'")
    with np.errstate(over="ignore"):
        arrays = [np.asarray(weight).astype(dtype) for weight in network.model.get_weights()]
    if not all(np.isfinite(array).all() for array in arrays):
        raise NetworkError(f"{path.name}: a weight is not finite as {dtype}; nothing was written")
    header = {"format": _FORMAT, "architecture": dict(network.architecture), _CARD: network.card}
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    with replacing(path) as temporary, temporary.open("xb") as file:
        np.savez_compressed(file, header=text, **{_key(i): a for i, a in enumerate(arrays)})
    return path


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
    path = Path(name)
    if path.suffix != ".npz":
        names = network_names(width)
        if str(name) not in names:
            raise NetworkError(
                f"there is no shipped network {str(name)!r} of width {width:g}; there are "
                f"{', '.join(names) or 'none'}. A file of your own must end in .npz"
            )
        path = _folder(width) / f"{name}.npz"
    if not path.is_file():
        raise NetworkError(f"there is no file {str(path)!r}")
    try:
        with np.load(path, allow_pickle=False) as file:
            _check_size(file, "header", _LONGEST_HEADER)
            header = json.loads(file["header"].tobytes())
            if header["format"] != _FORMAT:
                raise NetworkError(
                    f"{path.name} has format {header['format']!r}; this nstlib reads {_FORMAT}"
                )
            model = _compiled(header["architecture"])
            weights = [_read(file, i, w.shape) for i, w in enumerate(model.weights)]
            if len(file.files) != len(weights) + 1:
                raise ValueError(f"{len(file.files) - 1} weights, expected {len(weights)}")
            card = header[_CARD]
            if not isinstance(card, dict):
                raise ValueError(f"its card is a {type(card).__name__}")
    except NetworkError:
        raise
    except Exception as error:  # zip, numpy and json each have their own; all mean the same here
        raise NetworkError(f"{path.name} is not a network that nstlib saved ({error})") from error
    model.set_weights(weights)
    return Network(model=model, architecture=header["architecture"], card=card)


def network_names(width: float = 1.0) -> list[str]:
    """Names of the networks of a width that ship with nstlib, each that of its style image.

    Raises:
        ValueError: a width at which none ships.
    """
    return sorted(path.stem for path in _folder(width).glob("*.npz"))


def trunk() -> Network:
    """The network that training starts from: it redraws its input, up to overall brightness and colour.

    Made by `nstlib.johnson.distillation.train_identity`. Instance normalisation takes the brightness of each channel
    away, so the copy is sharp but not exact.
    """
    return load_network(_TRUNK)


def needs_jit() -> bool:
    """What `jit_compile` should be: XLA takes twice as long as oneDNN on a CPU, but JAX knows nothing else."""
    return keras.backend.backend() == "jax"


def _folder(width: float) -> Path:
    if width not in _WIDTHS:
        raise ValueError(
            f"width: networks ship at {' and '.join(map(str, _WIDTHS))}, not at {width!r}"
        )
    return _FOLDER / _WIDTHS[width]


def _check_size(file, key: str, most: int) -> None:
    """Before anything is unpacked: a small file may hold a member of many gigabytes."""
    size = file.zip.getinfo(f"{key}.npy").file_size
    if size > most:
        raise ValueError(f"its {key} unpacks to {size:,} bytes, and at most {most:,} are expected")


def _read(file, index: int, shape) -> np.ndarray:
    _check_size(file, _key(index), 4 * math.prod(shape) + _NPY_HEADER)
    array = file[_key(index)]
    if array.shape != tuple(shape) or array.dtype not in (np.float16, np.float32):
        raise ValueError(f"weight {index} has {array.dtype} {array.shape}, expected float {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"weight {index} is not finite")
    return array.astype(np.float32)


def _compiled(architecture: Mapping[str, Any]) -> keras.Model:
    model = build_transformer(**architecture)
    model.compile(jit_compile=needs_jit())
    return model


def _key(index: int) -> str:
    return f"weight_{index:03d}"
