"""Networks on OpenVINO: the pictures of Keras, without it."""

import builtins
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import openvino
import pytest
from runs import random_image, random_network

from nstlib.data.pictures import photo as load_photo
from nstlib.errors import EngineError, ImageError, NetworkError, PrecisionError
from nstlib.images import centre_crop
from nstlib.johnson import architecture, engines
from nstlib.johnson.engines import load_engine
from nstlib.johnson.network import load_network, save_network

pytestmark = pytest.mark.usefixtures("few_layers")


@pytest.fixture(scope="module")
def network(few_layers):
    return random_network(scale=0.05)


@pytest.fixture(scope="module")
def file(network, tmp_path_factory):
    return save_network(network, tmp_path_factory.mktemp("engine") / "network.npz")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.mark.parametrize("size", [(16, 16), (61, 83), (100, 64)], ids=str)
def test_an_engine_paints_as_keras_does_at_any_size(network, file, size):
    engine = load_engine(file)
    image = random_image(*size)
    np.testing.assert_allclose(engine.stylize(image), network.stylize(image), atol=1e-4)
    assert engine.card == network.card
    assert engine.saved.fingerprint == network.fingerprint


def test_results_are_not_overwritten_by_the_next_call(file):
    engine = load_engine(file)
    first = engine.stylize(random_image(32, 32))
    kept = first.copy()
    engine.stylize(random_image(32, 32, seed=1))
    np.testing.assert_array_equal(first, kept)


def test_float32_is_asked_for_and_bfloat16_on_request(file, network, monkeypatch):
    monkeypatch.setattr(engines, "check_bfloat16", lambda: None)
    image = centre_crop(load_photo("chelsea"), 64, 64)
    expected = network.stylize(image)
    exact = np.abs(load_engine(file).stylize(image) - expected).max()
    rounded = np.abs(load_engine(file, precision="bfloat16").stylize(image) - expected).max()
    assert exact < 1e-4
    assert rounded < 0.1
    if engines.has_bfloat16():
        assert rounded > exact


def test_a_processor_without_bfloat16_is_refused(file, monkeypatch):
    monkeypatch.setattr("nstlib.machine.precision.has_bfloat16", lambda: False)
    with pytest.raises(PrecisionError, match="not known to compute in bfloat16"):
        load_engine(file, precision="bfloat16")


@pytest.mark.slow
def test_int8_is_measured_once_and_kept(file, network, cache, monkeypatch):
    image = centre_crop(load_photo("chelsea"), 96, 96)
    first = load_engine(file, precision="int8").stylize(image)
    assert np.abs(first - network.stylize(image)).mean() < 2 / 255
    assert sorted(each.suffix for each in cache.iterdir()) == [".bin", ".xml"]

    def never(*_, **__):
        raise AssertionError("measured again")

    with monkeypatch.context() as patch:
        patch.setattr("nncf.quantize", never)
        again = load_engine(file, precision="int8").stylize(image)
    np.testing.assert_array_equal(again, first)
    (broken,) = cache.glob("*.xml")
    broken.write_text("half")
    mended = load_engine(file, precision="int8").stylize(image)
    np.testing.assert_array_equal(mended, first)


@pytest.mark.slow
def test_what_is_kept_is_of_the_architecture_too(file, network, cache, monkeypatch):
    monkeypatch.setattr("nncf.quantize", lambda model, *_, **__: model)
    image = random_image(32, 32)
    with_zeros = replace(network, architecture=replace(network.architecture, padding="zeros"))
    other = save_network(with_zeros, file.with_name("zeros.npz"))
    pictures = [load_engine(each, precision="int8").stylize(image) for each in (file, other)]
    assert load_engine(other).saved.fingerprint == network.fingerprint
    assert np.abs(pictures[0] - pictures[1]).max() > 0.01
    assert len(list(cache.glob("*.xml"))) == 2


@pytest.mark.slow
def test_int8_works_where_nothing_can_be_kept(file, tmp_path, monkeypatch):
    occupied = tmp_path / "file"
    occupied.touch()
    monkeypatch.setattr(engines, "cache_folder", lambda: occupied / "cache")
    monkeypatch.setattr("nncf.quantize", lambda model, *_, **__: model)
    assert load_engine(file, precision="int8").stylize(random_image(32, 32)).shape == (32, 32, 3)


@pytest.mark.slow
def test_int8_works_in_a_folder_that_cannot_be_written_to(file, tmp_path, monkeypatch):
    def refuse(*paths):
        raise RuntimeError("Can't open bin file")  # as OpenVINO says it

    monkeypatch.setattr(engines, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr("nncf.quantize", lambda model, *_, **__: model)
    monkeypatch.setattr("openvino.serialize", refuse)
    assert load_engine(file, precision="int8").stylize(random_image(32, 32)).shape == (32, 32, 3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("precision", "hint"), [("float32", "f32"), ("bfloat16", "bf16")])
def test_what_openvino_is_asked_for(file, monkeypatch, precision, hint):
    asked = []

    def recording(self, model, device, options):
        asked.append(options["INFERENCE_PRECISION_HINT"])
        return compile_model(self, model, device, {"INFERENCE_PRECISION_HINT": "f32"})

    compile_model = openvino.Core.compile_model
    monkeypatch.setattr(openvino.Core, "compile_model", recording)
    monkeypatch.setattr(engines, "check_bfloat16", lambda: None)
    monkeypatch.setattr(engines, "has_bfloat16", lambda: True)
    load_engine(file, precision=precision)
    assert asked == [hint]


def test_threads_that_share_an_engine_take_turns(file):
    engine = load_engine(file)
    images = [random_image(64, 64, seed) for seed in range(8)]
    expected = [engine.stylize(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(engine.stylize, images))
    np.testing.assert_array_equal(found, expected)


def test_it_runs_without_keras_and_its_backends(file):
    program = (
        "import sys, numpy as np, nstlib as nst\n"
        f"image = nst.load_engine({str(file)!r}).stylize(np.zeros((32, 32, 3), np.float32))\n"
        "assert image.shape == (32, 32, 3)\n"
        "found = {'tensorflow', 'keras', 'jax', 'torch', 'pandas'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    # The file is of a network without residual blocks.
    program = f"from nstlib.johnson import architecture as a; a._RESIDUAL_BLOCKS = 0\n{program}"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(("precision", "package"), [("float32", "openvino"), ("int8", "nncf")])
def test_a_missing_package_is_named(file, cache, monkeypatch, precision, package):
    real = builtins.__import__

    def refuse(name, *arguments, **options):
        if name == package:
            raise ImportError("no module", name=package)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(
        EngineError, match=rf"{package} is missing; pip install 'nst-study\[fast\]'"
    ):
        load_engine(file, precision=precision)


def test_what_is_refused(file, tmp_path):
    with pytest.raises(ValueError, match="precision: 'int4' is not one of float32, bfloat16, int8"):
        load_engine(file, precision="int4")
    with pytest.raises(NetworkError, match=r"there is no file .*missing\.npz"):
        load_engine(tmp_path / "missing.npz")
    with pytest.raises(ImageError, match="image"):
        load_engine(file).stylize(np.zeros((15, 32, 3), np.float32))


@pytest.mark.full
@pytest.mark.parametrize("width", [1.0, 0.25])
def test_what_ships_paints_the_same(width, cache, monkeypatch):
    monkeypatch.setattr(architecture, "_RESIDUAL_BLOCKS", 5)
    photos = [load_photo(name, size=200) for name in ("rocket", "chelsea", "coffee", "astronaut")]
    expected = [load_network("wave", width=width).stylize(photo) for photo in photos]

    def errors(precision):
        engine = load_engine("wave", width=width, precision=precision)
        return np.array(
            [np.abs(engine.stylize(a) - b).mean() for a, b in zip(photos, expected, strict=True)]
        )

    assert errors("float32").max() < 0.01 / 255
    # Of the full depth: what the docstring says of int8, on average.
    assert errors("int8").mean() < 2 / 255
