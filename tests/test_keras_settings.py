"""Whatever a user's Keras is set to: each call gives the picture of the usual settings, or says what it needs.

A file of settings is read when Keras is imported, so each has a process of its own, which makes all calls.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

# Keras' file of settings, and the policy that the program sets before it imports nstlib.
SETTINGS = {
    "channels first": ({"image_data_format": "channels_first"}, None),
    "floatx float16": ({"floatx": "float16"}, None),
    "floatx float64": ({"floatx": "float64"}, None),
    "mixed_float16": ({}, "mixed_float16"),
    "mixed_bfloat16": ({}, "mixed_bfloat16"),
    "float64": ({}, "float64"),
    "all at once": (
        {"image_data_format": "channels_first", "floatx": "float64"},
        "mixed_float16",
    ),
    "jax": ({"backend": "jax"}, None),
    "torch": ({"backend": "torch"}, None),
}
# What each call may be off: two steps of training add up what a backend rounds.
LARGEST = {"network": 1e-4, "gatys": 1e-4, "hybrid": 1e-4, "train": 2e-3, "evaluate": 1e-3}

PROGRAM = """
import json, sys
import keras
folder, policy = sys.argv[1:]
if policy:
    keras.config.set_dtype_policy(policy)
import numpy as np
import nstlib as nst
from nstlib.errors import NstError
from nstlib.johnson.schedule import Schedule

photo, style = nst.photo("astronaut", size=32), nst.style("brush_flow", size=32)
objective = nst.PerceptualLoss(content_layers=("relu1_2",), style_layers=("relu1_1",))
network = nst.load_network("wave", width=0.25)
optimise = {"steps": 2, "objective": objective, "progress": False}
schedule = Schedule(steps=2, size=16, batch_size=1, small_share=0)

def trained():
    options = {"schedule": schedule, "objective": objective, "start": network, "progress": False}
    return nst.train(style, [photo], **options).network.stylize(photo)

def scores():
    table = nst.evaluate({"darker": photo / 2}, photo, style)
    return table.select_dtypes("number").to_numpy()

calls = {
    "network": lambda: network.stylize(photo),
    "gatys": lambda: nst.gatys(photo, style, **optimise).image,
    "hybrid": lambda: nst.stylize(photo, style, method="hybrid", network=network, **optimise),
    "train": trained,
    "evaluate": scores,
}
made, refused = {"backend": keras.backend.backend()}, {}
for name, call in calls.items():
    try:
        made[name] = call()
    except NstError as error:
        refused[name] = str(error)
np.savez(folder + "/made.npz", **made)
print(json.dumps(refused))
"""


def outcomes(folder: Path, settings: dict[str, str], policy: str | None):
    """What each call gave, and what it said instead, by the names of the calls."""
    usual = {"backend": "tensorflow", "floatx": "float32", "image_data_format": "channels_last"}
    (folder / "keras.json").write_text(json.dumps(usual | {"epsilon": 1e-7} | settings))
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), policy or ""],
        env=environment | {"KERAS_HOME": str(folder), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    with np.load(folder / "made.npz") as made:
        return dict(made), json.loads(run.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    made, refused = outcomes(tmp_path_factory.mktemp("usual"), {}, None)
    assert refused == {}
    return made


def check(name: str, usual, folder: Path) -> tuple[int, int]:
    """How many calls gave the usual picture or table, and how many a message."""
    settings, policy = SETTINGS[name]
    backend = settings.get("backend", "tensorflow")
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: the extra `torch` brings PyTorch")
    made, refused = outcomes(folder, settings, policy)
    assert str(made.pop("backend")) == backend
    for call, image in made.items():
        np.testing.assert_allclose(image, usual[call], rtol=1e-3, atol=LARGEST[call], err_msg=call)
    assert set(made) | set(refused) == set(LARGEST)
    # Pixels are optimised on TensorFlow alone.
    assert set(refused) == (set() if backend == "tensorflow" else {"gatys", "hybrid"})
    assert all("KERAS_BACKEND" in text for text in refused.values())
    return len(made), len(refused)


@pytest.mark.full
@pytest.mark.parametrize("name", SETTINGS)
def test_every_call_under_every_setting(name, usual, tmp_path, capsys):
    made, refused = check(name, usual, tmp_path)
    # They count among the hard inputs, as the files of test_hard_matrix.py do.
    with capsys.disabled():
        print(f"\n{made + refused} calls under {name}: {made} as usual, {refused} messages")
