"""Networks of a few channels, and trainings on random tiles that take a second or two."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import pandas as pd
import pytest

from nstlib.johnson.network import Network, new_network
from nstlib.johnson.schedule import Schedule
from nstlib.johnson.training import TrainingResult, train
from nstlib.objective.perceptual import PerceptualLoss

RESIDUAL_BLOCKS = (
    0  # in place of five: a graph is traced, and an eager step taken, in half the time
)
OBJECTIVE = PerceptualLoss(
    content_layers=("relu1_2",),
    style_layers=("relu1_2",),
    style_weight=10,
    total_variation_weight=1,
)
CARD = {"style": "brush ü", "licence": "CC0", "final_losses": {"total": 1.25}, "start": None}
SHORT = Schedule(steps=8, size=16)


def pictures(count: int, height: int = 48, width: int = 40) -> list[np.ndarray]:
    """Random images of tiles of 8 pixels, in the 256 levels that a PNG can hold."""
    tiles = np.random.default_rng(0).integers(256, size=(count, height // 8, width // 8, 3))
    return list(np.kron(tiles, np.ones((1, 8, 8, 1))).astype(np.float32) / np.float32(255))


STYLE = pictures(4)[3]

# For what needs one of its own. Not by fork, which would copy a process in which TensorFlow runs.
PROCESSES = multiprocessing.get_context("forkserver")
# Keras' backend alone: PyTorch's optimizers end a process that has loaded TensorFlow.
PROCESSES.set_forkserver_preload([keras.backend.backend(), "pytest", "nstlib.johnson.training"])


def random_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


def random_network(seed: int = 0, scale: float = 0.3, **architecture) -> Network:
    """A network in which no weight is left at its initial zero or one, so that all of them matter."""
    keras.utils.set_random_seed(seed)
    network = new_network(**{"width": 0.1} | architecture)
    rng = np.random.default_rng(seed)
    network.model.set_weights(
        [w + scale * rng.random(w.shape, dtype=np.float32) for w in network.model.get_weights()]
    )
    return Network(model=network.model, architecture=network.architecture, card=CARD)


def start_network() -> Network:
    """The same on every backend: Keras' own start depends on the generator of each."""
    network = new_network(width=0.1)
    rng = np.random.default_rng(0)
    network.model.set_weights([_filters(rng, each) for each in network.model.get_weights()])
    return network


def _filters(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """Of a convolution, by Glorot's rule (2010); scales and offsets stay as they are."""
    if weights.ndim < 4:
        return weights
    height, width, inputs, outputs = weights.shape
    limit = np.sqrt(6 / (height * width * (inputs + outputs)))
    return rng.uniform(-limit, limit, weights.shape).astype(np.float32)


def run(start: Network | None, *, style=STYLE, photos=None, **options) -> TrainingResult:
    options = {"objective": OBJECTIVE, "schedule": SHORT, "progress": False} | options
    return train(style, pictures(3) if photos is None else photos, start=start, **options)


@contextmanager
def eager_functions() -> Iterator[None]:
    """Without graphs: a run of a few steps takes less time than to trace its own."""
    import tensorflow as tf  # here, since JAX' process does without

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def run_eagerly(start: Network | None, **options) -> TrainingResult:
    with eager_functions():
        return run(start, **options)


def assert_same(result: TrainingResult, expected: TrainingResult) -> None:
    """Equal to the last bit, but for the clock."""
    both = (each.network.model.get_weights() for each in (result, expected))
    for found, weight in zip(*both, strict=True):
        np.testing.assert_array_equal(found, weight)
    pd.testing.assert_frame_equal(
        result.history.drop(columns="seconds"),
        expected.history.drop(columns="seconds"),
        check_exact=True,
    )


def left_over(folder) -> list[str]:
    """The files in a folder for checkpoints that are none of its own."""
    known = {"checkpoint.weights.h5", "history.csv", "settings.json"}
    return sorted(path.name for path in folder.iterdir() if path.name not in known)


def never(row) -> None:
    pytest.fail(f"a step was taken: {row}")
