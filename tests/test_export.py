import json
import subprocess
import sys

import numpy as np
import pytest

import nstlib as nst
from nstlib.export import ExportError, export_network

PARITY = 2 / 255  # largest difference of a channel

# As in the README: nothing but NumPy, Pillow and the runtime.
ONNX = """
import sys
import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession(sys.argv[1])
photo = np.asarray(Image.open(sys.argv[2]), np.float32)[None] / 255
(painted,) = session.run(None, {"images": photo})
Image.fromarray(np.rint(painted[0].clip(0, 1) * 255).astype(np.uint8)).save(sys.argv[3])
"""
LITERT = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

interpreter = Interpreter(sys.argv[1])
interpreter.allocate_tensors()
photo = np.asarray(Image.open(sys.argv[2]), np.float32)[None] / 255
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], photo)
interpreter.invoke()
painted = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
Image.fromarray(np.rint(painted[0].clip(0, 1) * 255).astype(np.uint8)).save(sys.argv[3])
"""
LOADED = """
import json
print(json.dumps(sorted({"tensorflow", "keras", "nstlib"} & set(sys.modules))))
"""


@pytest.fixture(scope="module")
def network():
    return nst.load_network("linocut")


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    export_network(network, folder / "any.onnx")
    export_network(network, folder / "one.onnx", height=60, width=80)
    export_network(network, folder / "one.tflite", height=60, width=80)
    return folder


@pytest.mark.parametrize(
    ("name", "code", "sizes"),
    [
        ("any.onnx", ONNX, [(60, 80), (97, 64)]),
        ("one.onnx", ONNX, [(60, 80)]),
        ("one.tflite", LITERT, [(60, 80)]),
    ],
)
def test_the_file_paints_the_same_without_tensorflow(
    network, exported, tmp_path, name, code, sizes
):
    for size in sizes:
        photo, painted = tmp_path / "photo.png", tmp_path / "painted.png"
        nst.save_image(photo, nst.fit(nst.photo("coffee"), *size))
        command = [sys.executable, "-c", code + LOADED, exported / name, photo, painted]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        assert json.loads(run.stdout.splitlines()[-1]) == []
        expected = network.stylize(nst.load_image(photo))
        assert np.abs(nst.load_image(painted) - expected).max() <= PARITY


@pytest.mark.parametrize("name", ["udnie", "wave"])
def test_slim_networks_too(tmp_path, name):
    import onnxruntime

    network = nst.load_network(name, width=0.25)
    path = export_network(network, tmp_path / "network.onnx")
    photo = nst.photo("rocket", size=90)
    (painted,) = onnxruntime.InferenceSession(path).run(None, {"images": photo[None]})
    assert np.abs(painted[0].clip(0, 1) - network.stylize(photo)).max() <= PARITY


@pytest.mark.parametrize(
    "options", [{"width": 0.25}, {"upsampling": "transposed"}, {"padding": "zeros"}]
)
def test_every_architecture_can_be_exported(tmp_path, options):
    import onnxruntime

    network = nst.new_network(**options)
    path = export_network(network, tmp_path / "network.onnx")
    photo = nst.fit(nst.photo("chelsea"), 37, 50)
    (painted,) = onnxruntime.InferenceSession(path).run(None, {"images": photo[None]})
    np.testing.assert_allclose(painted[0].clip(0, 1), network.stylize(photo), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "sides", "message"),
    [
        ("network.h5", {}, r"ends in none of \.onnx, \.tflite"),
        ("network.onnx", {"height": 64}, "give both or neither"),
        ("network.tflite", {}, "takes images of one size"),
        ("network.onnx", {"height": 8, "width": 64}, "height: 8 is not a whole number"),
    ],
)
def test_bad_arguments(network, tmp_path, name, sides, message):
    with pytest.raises(ValueError, match=message):
        export_network(network, tmp_path / name, **sides)
    assert list(tmp_path.iterdir()) == []


def test_what_fails_leaves_the_earlier_file_whole(network, tmp_path, monkeypatch):
    path = tmp_path / "network.onnx"
    path.write_bytes(b"precious")

    def fail(target, **_):
        target.write_bytes(b"half")
        raise RuntimeError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(network.model, "export", fail)
        with pytest.raises(ExportError, match=r"network\.onnx: could not be exported: disk full"):
            export_network(network, path)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_package_is_named(network, tmp_path, monkeypatch):
    def fail(target, **_):
        raise ImportError("no module", name="tf2onnx")

    monkeypatch.setattr(network.model, "export", fail)
    with pytest.raises(ExportError, match=r"tf2onnx is missing; pip install 'nst-study\[export\]'"):
        export_network(network, tmp_path / "network.onnx")
