"""The wheel, installed outside the repository, carries the style images, the networks and the tables it advises by."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nstlib.data import style_names
from nstlib.transformer import network_names

ROOT = Path(__file__).parents[1]

LOAD_EVERYTHING = """
import json
import socket

socket.getaddrinfo = None  # whoever asks for a server fails
import nstlib as nst

print(json.dumps({
    "file": nst.__file__,
    "styles": {name: nst.style(name).shape for name in nst.style_names()},
    "networks": {
        name: nst.load_network(name).stylize(nst.photo("coffee", size=48)).shape
        for name in nst.network_names()
    },
    "slim": {
        name: nst.load_network(name, width=0.25).stylize(nst.photo("coffee", size=48)).shape
        for name in nst.network_names(0.25)
    },
    "trunk": nst.trunk().model.count_params(),
    "advice": nst.recommend(1000, quality="fast").method,
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder outside the repository into which the wheel alone was installed."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", str(ROOT), "--no-deps", "-w", str(wheels)], check=True)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True)
    return target


def test_an_installed_wheel_loads_every_style_image_and_network(installed, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", LOAD_EVERYTHING],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(run.stdout.splitlines()[-1])
    assert Path(found["file"]).is_relative_to(installed)
    assert sorted(found["styles"]) == sorted(style_names())
    assert all(min(shape[:2]) >= 768 for shape in found["styles"].values())
    assert sorted(found["networks"]) == sorted(network_names())
    assert len(found["networks"]) > 0
    assert sorted(found["slim"]) == sorted(network_names(0.25))
    assert found["trunk"] == 1_679_235
    assert found["advice"] == "johnson"


def test_the_networks_take_30_megabytes_at_most(installed):
    files = list((installed / "nstlib" / "assets" / "networks").rglob("*.npz"))
    assert len(files) == len(network_names()) + len(network_names(0.25))
    assert sum(file.stat().st_size for file in files) <= 30e6


def test_a_wheel_carries_no_checkout_file(installed):
    assert not any(
        (installed / name).exists() for name in ("tests", "notebooks", "results", "data")
    )
