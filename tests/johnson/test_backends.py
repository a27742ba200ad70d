"""The tests of networks once more, in a process of each backend of Keras."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# Layers by known answers (the flat picture, the sums, the mirrors, the resize), and gradients that are written out.
A_SHARE = ("test_layers.py", "test_gradients.py")
EVERYTHING = (
    *A_SHARE,
    "test_network.py",
    "test_network_files.py",
    "test_passes.py",
    "test_export.py",
    "test_training.py",
)
# Processes of its own, on TensorFlow's graphs; or those that go to another backend themselves.
ELSEWHERE = "not killed and not interrupted and not another_backend and not programs_of_the_guide"


def suite(backend: str, files: tuple[str, ...], *options: str) -> str:
    """What pytest says of some files of tests of this folder on a backend."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: the extra `torch` brings PyTorch")
    paths = [str(HERE / name) for name in files]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *paths],
        # From here it is this nstlib that is imported, and not another that is installed.
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]
    return run.stdout


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_layers_are_the_same_on_every_backend(backend):
    assert " passed" in suite(backend, A_SHARE, "-m", "not slow")


@pytest.mark.full
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_networks_are_the_same_on_every_backend(backend):
    assert " passed" in suite(backend, EVERYTHING, "-m", "not full", "-k", ELSEWHERE)
