"""Networks in files: kept exactly, written whole or not at all, and nothing in a hostile one is run."""

import json
import os
import pickle
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import runs
from runs import CARD, random_image, random_network

from nstlib.errors import NetworkError
from nstlib.johnson import architecture
from nstlib.johnson import saved as files
from nstlib.johnson.network import load_network, new_network, save_network
from nstlib.johnson.saved import network_names

pytestmark = pytest.mark.usefixtures("few_layers")


@pytest.fixture(scope="module")
def network(few_layers):
    return random_network()


@pytest.fixture
def saved(network, tmp_path):
    return save_network(network, tmp_path / "saved.npz")


# --- written and read -----------------------------------------------------------------------


def test_float32_round_trip_is_exact(network, saved):
    loaded = load_network(str(saved))
    for found, expected in zip(
        loaded.model.get_weights(), network.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(
        loaded.stylize(random_image(32, 40)), network.stylize(random_image(32, 40))
    )
    assert loaded.card == CARD
    assert loaded.architecture == network.architecture


def test_float16_round_trip_is_within_a_grey_level_at_half_the_size(tmp_path):
    network = new_network(width=0.5)
    half = save_network(network, tmp_path / "half.npz", dtype="float16")
    full = save_network(network, tmp_path / "full.npz")
    assert half.stat().st_size < 0.6 * full.stat().st_size
    image = random_image(48, 48)
    difference = load_network(half).stylize(image) - network.stylize(image)
    assert np.abs(difference).max() <= 1 / 255


def paint(file, folder):
    """In a process that has not made a network."""
    architecture._RESIDUAL_BLOCKS = runs.RESIDUAL_BLOCKS
    network = load_network(file)
    assert network.card == CARD
    np.save(folder / "painted.npy", network.stylize(np.load(folder / "image.npy")))


def test_a_file_loads_in_a_fresh_process(network, saved, tmp_path):
    np.save(tmp_path / "image.npy", random_image(20, 36))
    process = runs.PROCESSES.Process(target=paint, args=(saved, tmp_path))
    process.start()
    process.join()
    assert process.exitcode == 0
    painted = np.load(tmp_path / "painted.npy")
    np.testing.assert_allclose(painted, network.stylize(random_image(20, 36)), atol=1e-6)


def test_a_saved_file_is_readable_by_all_and_alone_in_its_folder(network, tmp_path):
    before = os.umask(0o022)
    try:
        saved = save_network(network, tmp_path / "saved.npz")
    finally:
        os.umask(before)
    assert saved.stat().st_mode & 0o777 == 0o644
    assert list(saved.parent.iterdir()) == [saved]


def test_saving_replaces_a_file_that_is_there(saved):
    other = random_network(seed=1)
    save_network(other, saved)
    np.testing.assert_array_equal(
        load_network(saved).model.get_weights()[0], other.model.get_weights()[0]
    )


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(network, saved, monkeypatch):
    before = saved.read_bytes()

    def fail(file, **arrays):
        file.write(b"half a file")
        raise OSError("no space left on device")

    monkeypatch.setattr(files.np, "savez_compressed", fail)
    with pytest.raises(OSError, match="no space"):
        save_network(network, saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.parametrize("name", ["network.h5", "network", "network.npz.bak"])
def test_save_wants_its_suffix(network, tmp_path, name):
    with pytest.raises(NetworkError, match=r"\.npz"):
        save_network(network, tmp_path / name)
    assert not any(tmp_path.iterdir())


def test_save_refuses_a_card_that_is_no_json(network, tmp_path):
    strange = replace(network, card={"style": np.float32(1)})
    with pytest.raises(NetworkError, match="its card is no JSON"):
        save_network(strange, tmp_path / "network.npz")
    assert not list(tmp_path.iterdir())


def test_save_refuses_a_card_that_could_not_be_read_again(network, tmp_path):
    long = replace(network, card={"style": "x" * 2**20})
    with pytest.raises(NetworkError, match="its card has more than a megabyte"):
        save_network(long, tmp_path / "network.npz")
    assert not list(tmp_path.iterdir())


def test_keras_is_found_after_nstlib_was_imported_anew():
    program = (
        "import sys, importlib.util\n"
        "import nstlib\n"
        "for name in [name for name in sys.modules if name.startswith('nstlib')]:\n"
        "    del sys.modules[name]\n"
        "import nstlib\n"
        "assert importlib.util.find_spec('keras') is not None\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", [5, None, b"wave"])
def test_a_name_that_is_none(name):
    with pytest.raises(NetworkError, match=r"^name: .* is neither the name"):
        load_network(name)


def test_save_refuses_unknown_dtypes(network, tmp_path):
    with pytest.raises(NetworkError, match="int8"):
        save_network(network, tmp_path / "network.npz", dtype="int8")


@pytest.mark.parametrize(("value", "dtype"), [(np.nan, "float32"), (1e6, "float16")])
def test_save_refuses_weights_that_it_cannot_keep(tmp_path, value, dtype):
    network = new_network(width=0.1)
    weights = network.model.get_weights()
    weights[3].flat[0] = value
    network.model.set_weights(weights)
    with pytest.raises(NetworkError, match="not finite as " + dtype):
        save_network(network, tmp_path / "network.npz", dtype=dtype)
    assert not any(tmp_path.iterdir())


def test_save_into_no_folder(network, tmp_path):
    with pytest.raises(OSError, match="missing"):
        save_network(network, tmp_path / "missing" / "network.npz")


# --- broken and hostile files ---------------------------------------------------------------


def rewrite(path, change=None, **arrays):
    """Changes parts of a saved file; a part that is None is left out."""
    with np.load(path) as file:
        parts = dict(file)
    if change is not None:
        header = json.loads(parts["header"].tobytes())
        parts["header"] = as_bytes(json.dumps(change(header)))
    parts = {name: a for name, a in (parts | arrays).items() if a is not None}
    np.savez(path, **parts)


def as_bytes(text):
    return np.frombuffer(text.encode(), dtype=np.uint8)


@pytest.mark.parametrize("part", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated_files(saved, part):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(part * len(content))])
    with pytest.raises(NetworkError, match=r"saved\.npz"):
        load_network(saved)


def test_flipped_bytes(saved):
    content = saved.read_bytes()
    with zipfile.ZipFile(saved) as archive:
        entries = [(e.header_offset, e.compress_size) for e in archive.infolist()]
    # In the middle of the compressed data of some entries: zip's checksums see it.
    for offset, size in entries[::20]:
        flipped = bytearray(content)
        flipped[offset + 60 + (size - 20) // 2] ^= 0xFF
        saved.write_bytes(flipped)
        with pytest.raises(NetworkError, match=r"saved\.npz"):
            load_network(saved)


@pytest.mark.parametrize("content", [b"not a zip", b"\x93NUMPY\x01\x00", b"PK\x03\x04" + 99 * b"x"])
def test_files_that_are_no_zip(tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(NetworkError, match=r"other\.npz is not a network"):
        load_network(path)


def test_other_files_of_numpy(tmp_path):
    np.savez(tmp_path / "other.npz", weight_000=np.zeros(3))
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "array.npy").rename(tmp_path / "array.npz")
    for name in ("other", "array"):
        with pytest.raises(NetworkError, match=f"{name}.npz is not a network"):
            load_network(tmp_path / f"{name}.npz")


def test_missing_files_and_folders(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    for name in ("missing.npz", "folder.npz"):
        with pytest.raises(NetworkError, match=f"there is no file .*{name}"):
            load_network(tmp_path / name)


@pytest.mark.parametrize("name", ["a_style_nobody_made", "network.h5", "", "..", Path("a/b")])
def test_unknown_names_list_what_there_is(name, tmp_path, monkeypatch, network):
    monkeypatch.setattr(files, "_FOLDER", tmp_path)
    for style in ("waves", "mosaic"):
        save_network(network, tmp_path / f"{style}.npz")
    assert network_names() == ["mosaic", "waves"]
    with pytest.raises(NetworkError, match="there are mosaic, waves") as caught:
        load_network(name)
    assert repr(str(Path(name) if isinstance(name, Path) else name)) in str(caught.value)
    assert load_network("waves").card == CARD


def test_names_when_nothing_ships(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_FOLDER", tmp_path / "missing")
    assert network_names() == []
    with pytest.raises(NetworkError, match="there are none"):
        load_network("waves")


class Trap:
    """Whoever unpickles it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("part", ["header", "weight_000", "weight_021"])
def test_pickles_are_never_opened(saved, tmp_path, part):
    sprung = tmp_path / "sprung"
    rewrite(saved, **{part: np.array([Trap(sprung)], dtype=object)})
    assert not sprung.exists()
    with pytest.raises(NetworkError):
        load_network(saved)
    assert not sprung.exists()
    np.load(saved, allow_pickle=True)[part]
    assert sprung.exists()  # the trap works


def test_a_bare_pickle(tmp_path):
    path = tmp_path / "pickle.npz"
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(NetworkError):
        load_network(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((9, 9, 3, 4), np.float32),
        np.zeros(3, np.float32),
        np.zeros((), np.float32),
        np.zeros((9, 9, 3, 3), np.int32),
        np.zeros((9, 9, 3, 3), np.complex64),
        np.full((9, 9, 3, 3), np.nan, np.float32),
        np.full((9, 9, 3, 3), np.inf, np.float16),
        None,
    ],
    ids=["wrong shape", "1-D", "scalar", "ints", "complex", "nan", "inf", "missing"],
)
def test_wrong_weights(saved, array):
    rewrite(saved, weight_000=array)
    with pytest.raises(NetworkError, match=r"weight_?.*0"):
        load_network(saved)


def test_weights_too_many(saved, network):
    rewrite(saved, **{f"weight_{len(network.model.weights):03d}": np.zeros(3, np.float32)})
    with pytest.raises(NetworkError):
        load_network(saved)


def test_weights_of_another_width(saved):
    rewrite(saved, lambda header: header | {"architecture": {"width": 0.2}})
    with pytest.raises(NetworkError, match="weight 0 has"):
        load_network(saved)


@pytest.mark.parametrize(
    "architecture",
    [
        {"width": 0.1, "depth": 3},
        {"width": 1e9},
        {"width": -1},
        {"width": float("nan")},
        {"width": "0.1"},
        {"width": 0.1, "padding": "__import__('os')"},
        {"width": 0.1, "padding": ["reflect"]},
        ["width"],
        None,
        7,
    ],
    ids=str,
)
def test_architectures_that_are_none(saved, architecture):
    rewrite(saved, lambda header: header | {"architecture": architecture})
    with pytest.raises(NetworkError, match=r"saved\.npz is not a network"):
        load_network(saved)


@pytest.mark.parametrize("number", [0, 2, 10**30, 1e300, "1", None, [1]], ids=str)
def test_formats_that_are_not_ours(saved, number):
    rewrite(saved, lambda header: header | {"format": number})
    with pytest.raises(NetworkError, match=r"format .* reads 1"):
        load_network(saved)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "7", '"card"', "{}", '{"format": ' + 5000 * "9" + "}", 99_999 * "["],
    ids=lambda text: text[:20],
)
def test_headers_that_are_none(saved, text):
    rewrite(saved, header=as_bytes(text) if text else None)
    with pytest.raises(NetworkError, match=r"saved\.npz is not a network"):
        load_network(saved)


@pytest.mark.parametrize("part", ["format", "architecture", "card"])
def test_headers_without_a_part(saved, part):
    rewrite(saved, lambda header: {k: v for k, v in header.items() if k != part})
    with pytest.raises(NetworkError, match=r"saved\.npz is not a network"):
        load_network(saved)


@pytest.mark.parametrize("card", [None, 7, "a card", ["style"]], ids=str)
def test_cards_that_are_none(saved, card):
    rewrite(saved, lambda header: header | {"card": card})
    with pytest.raises(NetworkError, match=r"saved\.npz is not a network"):
        load_network(saved)


def test_a_weight_that_claims_to_be_huge(saved):
    # 4 TB by its header, a few kilobytes in truth.
    with zipfile.ZipFile(saved) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    shape = b"(9, 9, 3, 3), }   "
    assert shape in entries["weight_000.npy"]
    huge = entries["weight_000.npy"].replace(shape, b"(999999999999,), }")
    entries["weight_000.npy"] = huge
    with zipfile.ZipFile(saved, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    with pytest.raises(NetworkError, match=r"saved\.npz is not a network"):
        load_network(saved)


@pytest.mark.parametrize("part", ["header", "weight_000"])
def test_a_member_that_unpacks_to_gigabytes(saved, part, monkeypatch):
    rewrite(saved, **{part: np.zeros(2 * 2**20, np.uint8)})
    unpacked, read = [], np.lib.npyio.NpzFile.__getitem__

    def watched(self, key):
        unpacked.append(key)
        return read(self, key)

    monkeypatch.setattr(np.lib.npyio.NpzFile, "__getitem__", watched)
    with pytest.raises(NetworkError, match=rf"its {part} unpacks to 2,097,280 bytes"):
        load_network(saved)
    assert part not in unpacked
