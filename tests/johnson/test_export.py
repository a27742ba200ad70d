import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image
from runs import random_network

from nstlib.data.pictures import photo as load_photo
from nstlib.errors import ExportError
from nstlib.files import load_image
from nstlib.images import centre_crop, to_uint8
from nstlib.johnson import SLIM_WIDTH, architecture
from nstlib.johnson.export import export_network
from nstlib.johnson.network import load_network
from nstlib.johnson.saved import network_names

PARITY = 2 / 255  # largest difference of a channel
RUNTIMES = {"onnx": "onnxruntime", "tflite": "ai_edge_litert"}
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "export.md"

# Runs a program in each of some folders; prints what was loaded for it that should not be needed.
RUN = """
import json, os, sys
for folder, program in json.load(sys.stdin):
    os.chdir(folder)
    exec(program, {})
print(json.dumps(sorted({"tensorflow", "keras", "nstlib"} & set(sys.modules))))
"""


@pytest.fixture
def one_block(monkeypatch):
    """Every kind of layer, and few of each."""
    monkeypatch.setattr(architecture, "_RESIDUAL_BLOCKS", 1)


@pytest.fixture(scope="module")
def network():
    return random_network()


def program(runtime):
    """The one that the guide has for a runtime."""
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    (found,) = [block for block in blocks if runtime in block]
    return found


def save_lying(path, image):
    """As a telephone held upright does: the pixels on their side, and a word of EXIF to turn them."""
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = np.ascontiguousarray(np.rot90(to_uint8(image)))
    Image.fromarray(lying).save(path, quality=95, subsampling=0, exif=exif)


def paints_as_the_guide_says(network, folder):
    """By its programs, which run with NumPy, Pillow and the runtime alone."""
    exported = {suffix: export_network(network, folder / f"any.{suffix}") for suffix in RUNTIMES}
    runs = []
    for suffix, size in itertools.product(RUNTIMES, [(60, 80), (97, 64)]):
        place = folder / str(len(runs))
        place.mkdir()
        shutil.copy(exported[suffix], place / f"wave.{suffix}")
        save_lying(place / "photo.jpg", centre_crop(load_photo("coffee"), *size))
        runs.append((str(place), program(RUNTIMES[suffix])))
    process = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(runs),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout.splitlines()[-1]) == []
    for place, _ in runs:
        expected = network.stylize(load_image(f"{place}/photo.jpg"))
        painted = load_image(f"{place}/painted.png")
        assert painted.shape == expected.shape
        assert np.abs(painted - expected).max() <= PARITY


@pytest.mark.slow
@pytest.mark.usefixtures("one_block")
def test_the_programs_of_the_guide_paint_the_same_without_tensorflow(tmp_path):
    paints_as_the_guide_says(random_network(scale=0.05), tmp_path)


@pytest.mark.full
def test_they_paint_the_same_with_a_network_that_ships(tmp_path):
    paints_as_the_guide_says(load_network("linocut"), tmp_path)


def painted_by_onnx(network, path, photo, **sides):
    session = onnxruntime.InferenceSession(export_network(network, path, **sides))
    (painted,) = session.run(None, {"images": photo[None]})
    return painted[0].clip(0, 1)


@pytest.mark.usefixtures("one_block")
@pytest.mark.parametrize(
    ("options", "sides"),
    [
        ({"upsampling": "transposed"}, {}),
        ({"padding": "zeros", "normalization": "batch"}, {"height": 37, "width": 50}),
    ],
    ids=str,
)
def test_every_architecture_can_be_exported_for_any_size_or_one(tmp_path, options, sides):
    network = random_network(scale=0.05, **options)
    photo = centre_crop(load_photo("chelsea"), 37, 50)
    painted = painted_by_onnx(network, tmp_path / "network.onnx", photo, **sides)
    np.testing.assert_allclose(painted, network.stylize(photo), atol=1e-4)


@pytest.mark.full
@pytest.mark.parametrize("width", [1.0, SLIM_WIDTH])
@pytest.mark.parametrize("name", network_names())
def test_what_ships_paints_the_same(tmp_path, name, width):
    photo = load_photo("rocket", size=90)
    network = load_network(name, width=width)
    painted = painted_by_onnx(network, tmp_path / "network.onnx", photo)
    assert np.abs(painted - network.stylize(photo)).max() <= PARITY


@pytest.mark.parametrize(
    ("name", "sides", "message"),
    [
        ("network.h5", {}, r"ends in none of \.onnx, \.tflite"),
        ("network.onnx", {"height": 64}, "give both or neither"),
        ("network.tflite", {"width": 64}, "give both or neither"),
        ("network.onnx", {"height": 8, "width": 64}, "height: 8 is not a whole number"),
    ],
)
def test_bad_arguments(network, tmp_path, name, sides, message):
    with pytest.raises(ValueError, match=message):
        export_network(network, tmp_path / name, **sides)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "converter"),
    [
        ("network.onnx", "nstlib.johnson.onnx_graph.onnx.checker.check_model"),
        ("network.tflite", "keras.Model.export"),
    ],
)
def test_what_fails_leaves_the_earlier_file_whole(network, tmp_path, monkeypatch, name, converter):
    path = tmp_path / name
    path.write_bytes(b"precious")

    def fail(*_, **__):
        raise RuntimeError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(converter, fail)
        with pytest.raises(ExportError, match=f"{name}: could not be exported: disk full"):
            export_network(network, path)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_package_is_named(network, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "nstlib.johnson.onnx_graph", raising=False)
    with pytest.raises(ExportError, match=r"onnx is missing; pip install 'nst-study\[export\]'"):
        export_network(network, tmp_path / "network.onnx")
