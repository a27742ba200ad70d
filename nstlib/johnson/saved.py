"""Files of networks: one `.npz` with the weights and a JSON header. Read and written without Keras.

Nothing in a file is executed: it holds numbers and a text, and the layers are built from the library's code.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nstlib.errors import NetworkError
from nstlib.files import replacing
from nstlib.johnson import SLIM_WIDTH
from nstlib.johnson.architecture import Architecture, weight_shapes

TRUNK = Path(__file__).parents[1] / "assets" / "trunk.npz"

_FORMAT = 1
_LONGEST_HEADER = 2**20  # bytes
_NPY_HEADER = 2**10  # bytes, with room to spare
_CARD = "card"
_FOLDER = Path(__file__).parents[1] / "assets" / "networks"
_WIDTHS = {1.0: "", SLIM_WIDTH: "slim"}  # and in which folder in there


@dataclass(frozen=True)
class SavedNetwork:
    """What a file holds.

    Attributes:
        architecture: what the weights are of.
        weights: float32, in the order of `nstlib.johnson.architecture.weight_shapes`.
        card: the model card, JSON-ready values.
    """

    architecture: Architecture
    weights: list[np.ndarray]
    card: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits of the weights' sha256, by which results name the weights that they are of."""
        digest = hashlib.sha256()
        for weight in self.weights:
            digest.update(np.ascontiguousarray(weight))
        return digest.hexdigest()[:12]


def network_names(width: float = 1.0) -> list[str]:
    """Names of the networks of a width that ship with nstlib, each that of its style image.

    Raises:
        ValueError: a width at which none ships.
    """
    return sorted(path.stem for path in _folder(width).glob("*.npz"))


def network_path(name: str | Path, *, width: float = 1.0) -> Path:
    """Where a shipped network lies, by the name of its style, or the path of a file itself.

    Args:
        name: a name from `network_names(width)`, or the path of a `.npz` file.
        width: of a shipped network.

    Raises:
        NetworkError: no such network or file.
        ValueError: a width at which none ships.
    """
    if not isinstance(name, str | Path):
        raise NetworkError(
            f"name: {name!r} is neither the name of a network nor the path of a file"
        )
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
    return path


def read_network(path: Path) -> SavedNetwork:
    """What a file holds, every weight checked against the architecture that the file names.

    Raises:
        NetworkError: a file that is broken, too new or not a network.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            _check_size(file, "header", _LONGEST_HEADER)
            header = json.loads(file["header"].tobytes())
            if header["format"] != _FORMAT:
                raise NetworkError(
                    f"{path.name} has format {header['format']!r}; this nstlib reads {_FORMAT}"
                )
            architecture = Architecture(**header["architecture"])
            shapes = weight_shapes(architecture)
            weights = [_read(file, index, shape) for index, shape in enumerate(shapes)]
            if len(file.files) != len(weights) + 1:
                raise ValueError(f"{len(file.files) - 1} weights, expected {len(weights)}")
            card = header[_CARD]
            if not isinstance(card, dict):
                raise ValueError(f"its card is a {type(card).__name__}")
    except NetworkError:
        raise
    except Exception as error:  # zip, numpy and json each have their own; all mean the same here
        raise NetworkError(f"{path.name} is not a network that nstlib saved ({error})") from error
    return SavedNetwork(architecture, weights, card)


def write_network(saved: SavedNetwork, path: str | Path, *, dtype: str = "float32") -> Path:
    """Writes a file, whole or not at all; the arguments and errors of `save_network`."""
    path = Path(path)
    if path.suffix != ".npz":
        raise NetworkError(f"path: {path.name!r} must end in .npz")
    if dtype not in ("float16", "float32"):
        raise NetworkError(f"dtype: {dtype!r} is neither 'float16' nor 'float32'")
    with np.errstate(over="ignore"):
        arrays = [np.asarray(weight).astype(dtype) for weight in saved.weights]
    if not all(np.isfinite(array).all() for array in arrays):
        raise NetworkError(f"{path.name}: a weight is not finite as {dtype}; nothing was written")
    header = {"format": _FORMAT, "architecture": asdict(saved.architecture), _CARD: saved.card}
    try:
        text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    except (TypeError, ValueError) as error:
        raise NetworkError(
            f"network: its card is no JSON ({error}); nothing was written"
        ) from error
    if text.nbytes > _LONGEST_HEADER - _NPY_HEADER:
        raise NetworkError("network: its card has more than a megabyte; nothing was written")
    with replacing(path) as temporary, temporary.open("xb") as file:
        np.savez_compressed(file, header=text, **{_key(i): a for i, a in enumerate(arrays)})
    return path


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


def _key(index: int) -> str:
    return f"weight_{index:03d}"
