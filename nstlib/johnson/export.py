"""Networks as files that other programs run: ONNX, and LiteRT (formerly TensorFlow Lite)."""

import secrets
from pathlib import Path

import keras

from nstlib.arguments import check_count
from nstlib.errors import ExportError
from nstlib.images import MIN_SIDE
from nstlib.johnson.network import Network

_FORMATS = {".onnx": "onnx", ".tflite": "litert"}


def export_network(
    network: Network, path: str | Path, *, height: int | None = None, width: int | None = None
) -> Path:
    """Writes a network for another runtime, whole or not at all; the suffix says for which.

    The file takes images `(1, H, W, 3)`, float32 in [0, 1], and gives images of the same shape, nearly in [0, 1]: clip
    them. Its input and output are the only ones it has.

    `.onnx` (for ONNX Runtime and others) takes images of any size, unless height and width are given. `.tflite` (for
    LiteRT) takes one size only: with sides left open, the conversion of today leaves convolutions to TensorFlow's own
    kernels ("Flex"), which the LiteRT package cannot run.

    Args:
        network: any.
        path: where to, ending in .onnx or .tflite; its folder must exist.
        height, width: of the images in pixels, at least 16; both or neither.

    Returns:
        The path.

    Raises:
        ValueError: another suffix, only one of the sides, none for `.tflite`, or one below 16.
        ExportError: a package is missing (`pip install 'nst-study[export]'`), or the conversion or the writing failed.
    """
    path = Path(path)
    if path.suffix not in _FORMATS:
        raise ValueError(f"path: {str(path)!r} ends in none of {', '.join(_FORMATS)}")
    if (height is None) != (width is None):
        raise ValueError("height, width: give both or neither")
    if path.suffix == ".tflite" and height is None:
        raise ValueError("height, width: a .tflite file takes images of one size; say which")
    for name, side in (("height", height), ("width", width)):
        if side is not None:
            check_count(side, name, least=MIN_SIDE)
    # Keras wants the suffix of the format.
    temporary = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    images = keras.InputSpec(shape=(1, height, width, 3), dtype="float32", name="images")
    options = {"format": _FORMATS[path.suffix], "input_signature": [images], "verbose": False}
    try:
        network.model.export(temporary, **options)
        temporary.replace(path)
    except ImportError as error:
        raise ExportError(
            f"{path}: the package {error.name} is missing; pip install 'nst-study[export]'"
        ) from error
    except Exception as error:  # whatever a converter raises
        raise ExportError(f"{path}: could not be exported: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return path
