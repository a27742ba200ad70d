"""What every backend and engine paints, beside the same network in float64, from 256 to 4,096 pixels.

    .venv/bin/python -m pip install '.[dev]'
    .venv/bin/python benchmarks/parity.py

The slim network of one style on two pictures of 4:3: a photo in the midst of white, the worst case for a sum over
pixels, and a photo under an even sky. results/tables/benchmark_parity.csv has the largest and the mean difference of a
channel to float64 in grey levels (of 255). PyTorch is left out where it is not installed. Two rows are of sums that
nstlib does not take any more, or not on large pictures: all pixels of a channel added up at once.
"""

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from common import full_results

import nstlib as nst
from nstlib.johnson import SLIM_WIDTH

STYLE = "starry_night"
SIZES = {"white": (256, 512, 1024, 2048, 4096), "sky": (256, 512, 1024, 2048)}
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
AT_ONCE = ", all pixels at once"
SKY = (0.45, 0.6, 0.8)


def picture(kind: str, size: int) -> np.ndarray:
    """One of the pictures, `size` pixels wide."""
    height = 3 * size // 4
    if kind == "sky":
        image = nst.images.centre_crop(nst.photo("coffee"), height, size)
        image[: height // 2] = SKY
        return image
    image = np.ones((height, size, 3), np.float32)
    inset = nst.photo("astronaut", size=size // 4)
    top, left = height // 4, size // 6
    image[top : top + inset.shape[0], left : left + inset.shape[1]] = inset
    return image


def paint_exactly(folder: Path) -> None:
    """Keeps every picture as the network paints it in float64."""
    from float64_reference import paint

    saved = nst.load_engine(STYLE, width=SLIM_WIDTH).saved
    for kind, sizes in SIZES.items():
        for size in sizes:
            np.save(folder / f"{kind}_{size}.npy", paint(saved, picture(kind, size)))
            print(kind, size, flush=True)


def differences(engine: str, paint: Callable, folder: Path) -> Iterator[dict]:
    """One row for each picture."""
    for kind, sizes in SIZES.items():
        for size in sizes:
            expected = np.load(folder / f"{kind}_{size}.npy")
            levels = 255 * np.abs(paint(picture(kind, size)) - expected)
            row = {"picture": kind, "size": size, "engine": engine}
            yield row | {"largest": levels.max(), "mean": levels.mean()}


def on_backend(backend: str, at_once: bool, folder: Path) -> list[dict]:
    """The rows of a backend of Keras, in a process that has not loaded Keras yet."""
    os.environ["KERAS_BACKEND"] = backend
    from keras import ops

    from nstlib.johnson import layers

    if at_once:
        layers.pixel_mean = lambda x: ops.mean(x, axis=(1, 2), keepdims=True)
    network = nst.load_network(STYLE, width=SLIM_WIDTH)
    name = BACKENDS[backend] + AT_ONCE * at_once
    return list(differences(name, network.stylize, folder))


def on_openvino(at_once: bool, folder: Path) -> list[dict]:
    """The rows of OpenVINO in float32."""
    from nstlib.johnson import engines

    if at_once:
        engines._LARGE = np.inf
    engine = nst.load_engine(STYLE, width=SLIM_WIDTH)
    return list(differences("OpenVINO" + AT_ONCE * at_once, engine.stylize, folder))


def main() -> None:
    run = nst.machine.in_fresh_process
    installed = [backend for backend in BACKENDS if importlib.util.find_spec(backend)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(paint_exactly, folder)
        rows = run(on_backend, "tensorflow", True, folder) + run(on_openvino, True, folder)
        for backend in installed:
            rows += run(on_backend, backend, False, folder)
        rows += run(on_openvino, False, folder)
    table = pd.DataFrame(rows).sort_values(
        ["picture", "size"], kind="stable", ascending=[False, True]
    )
    caption = (
        "Difference of a channel to the same network in float64, in grey levels of 255: the slim network of "
        f"{STYLE}, pictures of 4:3 by their width in pixels."
    )
    results = full_results(seed=None)
    results.table("benchmark_parity", table, caption=caption)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
