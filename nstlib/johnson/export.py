"""Networks as files that other programs run: ONNX, and LiteRT (formerly TensorFlow Lite)."""

from pathlib import Path

import keras

from nstlib.arguments import check_count
from nstlib.errors import ExportError
from nstlib.files import replacing
from nstlib.images import MIN_SIDE
from nstlib.johnson.network import Network


def export_network(
    network: Network, path: str | Path, *, height: int | None = None, width: int | None = None
) -> Path:
    """Writes a network for another runtime, whole or not at all; the suffix says for which.

    The file takes images `(1, H, W, 3)`, float32 in [0, 1], and gives images of the same shape, nearly in [0, 1]: clip
    them. Its input and output are the only ones it has. Images may be of any size, unless height and width are given.

    Args:
        network: any.
        path: where to, ending in `.onnx` (ONNX Runtime, OpenVINO, OpenCV and others) or `.tflite` (LiteRT); its folder
            must exist.
        height, width: of the images in pixels, at least 16; both or neither.

    Returns:
        The path.

    Raises:
        ValueError: another suffix, only one of the sides, or one below 16.
        ExportError: a package is missing (`pip install 'nst-study[export]'`), or the conversion or the writing failed.
    """
    path = Path(path)
    if path.suffix not in _WRITERS:
        raise ValueError(f"path: {str(path)!r} ends in none of {', '.join(_WRITERS)}")
    if (height is None) != (width is None):
        raise ValueError("height, width: give both or neither")
    for name, side in (("height", height), ("width", width)):
        if side is not None:
            check_count(side, name, least=MIN_SIDE)
    try:
        _WRITERS[path.suffix](network, path, height, width)
    except ImportError as error:
        raise ExportError(
            f"{path}: the package {error.name} is missing; pip install 'nst-study[export]'"
        ) from error
    except Exception as error:  # whatever a converter raises
        raise ExportError(f"{path}: could not be exported: {error}") from error
    return path


def _write_onnx(network: Network, path: Path, height: int | None, width: int | None) -> None:
    from nstlib.johnson.onnx_graph import onnx_model  # onnx is an extra

    model = onnx_model(network.saved(), height=height, width=width)
    with replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


def _write_tflite(network: Network, path: Path, height: int | None, width: int | None) -> None:
    images = keras.InputSpec(shape=(1, height, width, 3), dtype="float32", name="images")
    with replacing(path, path.suffix) as temporary:
        network.model.export(temporary, format="litert", input_signature=[images], verbose=False)


_WRITERS = {".onnx": _write_onnx, ".tflite": _write_tflite}
