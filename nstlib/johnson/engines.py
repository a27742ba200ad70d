"""Trained networks on OpenVINO: the same pictures without TensorFlow, sooner and in less memory.

The extra `fast` brings OpenVINO, and `nncf`, which finds the ranges that int8 needs.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from nstlib.errors import EngineError
from nstlib.files import replacing
from nstlib.johnson import PRECISIONS
from nstlib.johnson.passes import paint
from nstlib.johnson.saved import SavedNetwork, network_path, read_network
from nstlib.machine.measuring import package_version
from nstlib.machine.precision import check_bfloat16, has_bfloat16

# From this on sums over the pixels are taken with care. Without, a photo in the midst of white is off by two grey
# levels at 512 x 384 px, and by a sixth of one at 256 x 192 px (results/tables/benchmark_parity.csv).
_LARGE = 256 * 256  # pixels
_CALIBRATION_SIZE = 256  # px of the built-in photos
# Sums, paddings and normalisation stay as they are: int8 there costs most of the quality and saves little.
_UNTOUCHED = ["Add", "Multiply", "MVN", "Interpolate", "Pad"]
_KEPT_AT_EACH_END = (
    2  # convolutions: those nearest to the pixels are cheap, and rounding shows most there
)


@dataclass(frozen=True)
class Engine:
    """A trained network, ready to paint without TensorFlow; threads that share one take turns.

    Attributes:
        saved: architecture, weights and model card.
        precision: in which the convolutions are computed.
    """

    saved: SavedNetwork
    precision: str
    _request: Callable[[bool], Any]  # of OpenVINO: whether for a large photo
    # A request of OpenVINO serves one caller at a time.
    _turn: Lock = field(default_factory=Lock, repr=False, compare=False)

    @property
    def card(self) -> Mapping[str, Any]:
        """The model card."""
        return self.saved.card

    def stylize(self, image: np.ndarray) -> np.ndarray:
        """The image in the network's style: float32 `(H, W, 3)` in [0, 1] in, the same shape out.

        What shows nothing stays as it is: see `nstlib.johnson.passes`.

        Raises:
            ImageError: not an image, a side below 16 pixels, or too large for the memory.
        """
        width = self.saved.architecture.width
        return paint(image, self._infer, width=width, runtime="openvino")

    def _infer(self, images: np.ndarray) -> np.ndarray:
        _, height, width, _ = images.shape
        large = height * width > _LARGE and self.precision == "float32"
        with self._turn:
            return self._request(large).infer([images], share_inputs=True)[0]


def load_engine(name: str | Path, *, width: float = 1.0, precision: str = "float32") -> Engine:
    """A network as `load_network` finds it, on OpenVINO in place of Keras.

    Args:
        name: a name from `network_names(width)`, or the path of a `.npz` file.
        width: of a shipped network: 1 or 0.25.
        precision: `"float32"` paints what Keras does, within a rounding; `"bfloat16"` takes half the time on a
            processor with AVX512_BF16, a fifth on one with AMX; `"int8"` less again without AMX, at one or two grey
            levels on average. Large photos with wide even areas are best painted in float32: only there sums over all
            pixels are exact. The first call in int8 measures the network on the built-in photos, some seconds, and
            keeps what it found in the user's cache folder, where that can be written.

    Raises:
        EngineError: OpenVINO is missing, or `nncf` for int8 (`pip install 'nst-study[fast]'`), or it cannot run this.
        NetworkError: no such network, or a file that is broken, too new or not a network.
        PrecisionError: bfloat16 on a processor without instructions for it.
        ValueError: an unknown precision, or a width at which none ships.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision: {precision!r} is not one of {', '.join(PRECISIONS)}")
    if precision == "bfloat16":
        check_bfloat16()
    saved = read_network(network_path(name, width=width))
    try:
        import openvino

        core = openvino.Core()
        # Without the hint OpenVINO takes bfloat16 where the processor has it.
        hint = "f32" if precision == "float32" or not has_bfloat16() else "bf16"

        @cache
        def request(large):
            model = _quantized(core, saved) if precision == "int8" else _model(core, saved, large)
            options = {"INFERENCE_PRECISION_HINT": hint}
            return core.compile_model(model, "CPU", options).create_infer_request()

        request(False)  # what is missing or cannot run is to be known now
    except ImportError as error:
        raise EngineError(
            f"engine: the package {error.name} is missing; pip install 'nst-study[fast]'"
        ) from error
    except RuntimeError as error:
        raise EngineError(f"engine: OpenVINO cannot run {Path(name).name}: {error}") from error

    return Engine(saved, precision, request)


def cache_folder() -> Path:
    """Where int8 networks are kept, below the user's cache folder."""
    import pooch  # here and below: what painting need not wait for

    return Path(pooch.os_cache("nst-study")) / "int8"


def _model(core, saved: SavedNetwork, large: bool = False):
    from nstlib.johnson.onnx_graph import onnx_model

    return core.read_model(onnx_model(saved, large=large).SerializeToString())


def _quantized(core, saved: SavedNetwork):
    """The network with convolutions in int8 (`nncf.quantize`), from the cache if it is there."""
    path = cache_folder() / f"{_quantization(saved)}.xml"
    with suppress(RuntimeError):  # not there, or broken
        return core.read_model(path)
    import nncf
    import openvino
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    from nstlib.data.pictures import photo, training_photo_names

    nncf.set_log_level(logging.ERROR)
    model = _model(core, saved)
    photos = [photo(name, size=_CALIBRATION_SIZE)[None] for name in training_photo_names()]
    convolutions = [
        each.get_friendly_name()
        for each in model.get_ordered_ops()
        if each.get_type_name() == "Convolution"
    ]
    ends = convolutions[:_KEPT_AT_EACH_END] + convolutions[-_KEPT_AT_EACH_END:]
    model = nncf.quantize(
        model,
        nncf.Dataset(photos),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(photos),
        ignored_scope=nncf.IgnoredScope(names=ends, types=_UNTOUCHED, validate=False),
        advanced_parameters=AdvancedQuantizationParameters(
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX
        ),
    )
    with suppress(OSError, RuntimeError):  # OpenVINO's own too; the next process measures again
        path.parent.mkdir(parents=True, exist_ok=True)
        # The text moves into place last: where it lies, its numbers do.
        with (
            replacing(path, ".xml") as text,
            replacing(path.with_suffix(".bin"), ".bin") as numbers,
        ):
            openvino.serialize(model, text, numbers)
    return model


def _quantization(saved: SavedNetwork) -> str:
    """Twenty hexadecimal digits of all that decides about the network in int8."""
    made_of = [
        saved.fingerprint,
        asdict(saved.architecture),
        _KEPT_AT_EACH_END,
        *(package_version(package) for package in ("nncf", "openvino")),
    ]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:20]
