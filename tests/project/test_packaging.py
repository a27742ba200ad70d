"""The wheel, installed outside the repository, carries the style images, the networks and the tables it advises by."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nstlib.data.pictures import style_names
from nstlib.johnson.saved import network_names

ROOT = Path(__file__).parents[2]
SENT = [name for name in ("speed", "study_256") if (ROOT / f"results/tables/{name}.csv").is_file()]

LOAD_FROM_IT = """
import json
import socket
import sys

socket.getaddrinfo = None  # whoever asks for a server fails
import nstlib as nst
from nstlib.johnson.network import trunk

photo = nst.photo("coffee", size=48)
print(json.dumps({
    "file": nst.__file__,
    "version": nst.__version__,
    "shape": photo.shape,
    "styles": {name: nst.style(name).shape for name in nst.style_names()},
    "networks": nst.network_names(),
    "slim": nst.network_names(0.25),
    "painted": [
        nst.load_network(nst.network_names(width)[0], width=width).stylize(photo).shape
        for width in (1.0, 0.25)
    ],
    "trunk": trunk().model.count_params(),
    "tables": {name: len(nst.study.measured_table(name)) for name in sys.argv[1:]},
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder outside the repository into which the wheel alone was installed."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = wheels.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True)
    return target


@pytest.mark.slow
def test_an_installed_wheel_paints_without_the_checkout(installed, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", LOAD_FROM_IT, *SENT],
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
    assert found["networks"] == network_names() != []
    assert found["slim"] == network_names(0.25) != []
    assert found["painted"] == [found["shape"]] * 2
    assert found["trunk"] == 1_679_235
    assert all(rows > 0 for rows in found["tables"].values())
    (metadata,) = installed.glob(f"nst_study-{found['version']}.dist-info")
    assert metadata.is_dir()


@pytest.mark.slow
def test_the_networks_in_it_are_those_of_the_checkout(installed):
    def contents(package: Path) -> dict[str, bytes]:
        files = (package / "assets").rglob("*.npz")
        return {str(file.relative_to(package)): file.read_bytes() for file in files}

    assert contents(installed / "nstlib") == contents(ROOT / "nstlib")


@pytest.mark.slow
def test_the_networks_take_34_megabytes_at_most(installed):
    files = list((installed / "nstlib" / "assets" / "networks").rglob("*.npz"))
    assert len(files) == len(network_names()) + len(network_names(0.25))
    assert sum(file.stat().st_size for file in files) <= 34e6  # twenty of them in float16


@pytest.mark.slow
def test_a_wheel_carries_no_checkout_file_and_what_editors_read(installed):
    assert not any(
        (installed / name).exists() for name in ("tests", "notebooks", "results", "data", "docs")
    )
    tables = installed / "nstlib" / "assets" / "tables"
    assert sorted(path.stem for path in tables.glob("*")) == SENT
    package = installed / "nstlib"
    stubs = {str(path.relative_to(ROOT / "nstlib")) for path in (ROOT / "nstlib").rglob("*.pyi")}
    assert {str(path.relative_to(package)) for path in package.rglob("*.pyi")} == stubs
    assert (package / "py.typed").is_file()
