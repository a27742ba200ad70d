"""Training with the batch split over two simulated devices of JAX, in a process of its own."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import runs

from nstlib.johnson import architecture, training

TESTS = Path(__file__).parents[1]
SCHEDULE = replace(runs.SHORT, steps=4, batch_size=2, small_share=0)


class Stopped(BaseException):
    """Nobody catches it."""


def stop_at_three(row):
    if row["step"] == 3:
        raise Stopped


def train_on(devices, **options):
    mesh = keras.distribution.DataParallel(devices=keras.distribution.list_devices()[:devices])
    with mesh.scope():
        return runs.run(runs.start_network(), schedule=SCHEDULE, **options)


def distances(folder, first, then):
    """How far a run on one device is from one that began on `first` devices and ended on `then`."""
    architecture._RESIDUAL_BLOCKS, training._EVERY = runs.RESIDUAL_BLOCKS, 2
    whole = train_on(1)
    with suppress(Stopped):
        train_on(first, checkpoint=folder, on_step=stop_at_three)
    resumed = train_on(then, checkpoint=folder)
    pairs = zip(whole.network.model.weights, resumed.network.model.weights, strict=True)
    return {
        "devices": len(resumed.network.model.weights[0].value.devices()),
        "losses": whole.history["total"].tolist(),
        "resumed": resumed.history["total"].tolist(),
        "weights": max(float(np.abs(np.subtract(*map(np.asarray, pair))).max()) for pair in pairs),
    }


def test_a_batch_that_cannot_be_split_is_refused(monkeypatch):
    three = SimpleNamespace(num_model_replicas=3)
    monkeypatch.setattr(keras.distribution, "distribution", lambda: three)
    with pytest.raises(ValueError, match=r"batch_size: 4 cannot .* 3 devices; .* a multiple of 3"):
        runs.run(None, schedule=replace(SCHEDULE, batch_size=4))


@pytest.mark.full
@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1)])
def test_a_run_may_change_its_number_of_devices(tmp_path, first, then):
    code = (
        "import json, test_devices\n"
        f"print(json.dumps(test_devices.distances({str(tmp_path)!r}, {first}, {then})))"
    )
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # the time goes into compiling
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS), str(TESTS / "johnson")]),
    }
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["devices"] == then
    assert found["resumed"] == pytest.approx(found["losses"], rel=1e-5)
    assert found["weights"] < 1e-4
