import json
import os
import pickle
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from nstlib import transformer
from nstlib.data import photo as load_photo
from nstlib.data import style as load_style
from nstlib.images import ImageError
from nstlib.metrics import evaluate
from nstlib.perceptual import PerceptualLoss
from nstlib.transformer import (
    Network,
    NetworkError,
    ReflectionPadding2D,
    build_transformer,
    load_network,
    network_names,
    new_network,
    save_network,
    trunk,
)

CARD = {"style": "brush ü", "licence": "CC0", "final_losses": {"total": 1.25}, "start": None}
VARIANTS = [{"normalization": "batch"}, {"upsampling": "transposed"}, {"padding": "zeros"}]


def random_network(seed=0, scale=0.3, **architecture):
    """A network in which no weight is left at its initial zero or one, so that all of them matter."""
    architecture = {"width": 0.1} | architecture
    network = new_network(**architecture)
    rng = np.random.default_rng(seed)
    network.model.set_weights(
        [w + scale * rng.random(w.shape, dtype=np.float32) for w in network.model.get_weights()]
    )
    return Network(model=network.model, architecture=architecture, card=CARD)


def random_image(height, width, seed=0):
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


@pytest.fixture(scope="module")
def network():
    return random_network()


@pytest.fixture
def saved(network, tmp_path):
    return save_network(network, tmp_path / "saved.npz")


# --- the architecture -----------------------------------------------------------------------


def test_parameters_at_width_1_are_those_of_the_paper():
    assert build_transformer().count_params() == 1_679_235


def test_width_multiplies_the_channels():
    def filters(width):
        layers = build_transformer(width=width).layers
        return {layer.filters for layer in layers if isinstance(layer, keras.layers.Conv2D)}

    assert filters(1) == {32, 64, 128, 3}
    assert filters(0.5) == {16, 32, 64, 3}
    assert filters(0.001) == {1, 3}


@pytest.mark.parametrize("width", [0, -1, 8.1, float("nan"), float("inf"), True, "1", None])
def test_widths_that_are_none(width):
    with pytest.raises(ValueError, match="width"):
        build_transformer(width=width)


@pytest.mark.parametrize("argument", ["normalization", "upsampling", "padding"])
def test_unknown_choices_are_named(argument):
    with pytest.raises(ValueError, match=rf"{argument}: 'other' is not one of \w+, \w+"):
        build_transformer(**{argument: "other"})


@pytest.mark.parametrize(
    "size", [(16, 16), (33, 517), (65, 66), (64, 64), (17, 19), (129, 130)], ids=str
)
def test_any_size_comes_out_as_it_went_in(network, size):
    image = network.stylize(random_image(*size))
    assert image.shape == (*size, 3)
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() <= 1


def test_every_remainder_of_4_comes_out_as_it_went_in(network):
    for height in range(16, 20):
        for width in range(20, 24):
            batch = np.zeros((2, height, width, 3), np.float32)
            assert network.model(batch).shape == batch.shape


def test_the_resize_is_bilinear():
    x = np.random.default_rng(0).random((2, 5, 7, 3), dtype=np.float32)
    expected = ops.image.resize(x, (10, 14), interpolation="bilinear")
    np.testing.assert_allclose(transformer._double(x), expected, atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_variants_run_and_keep_the_size(variant, tmp_path):
    made = random_network(**variant)
    image = made.stylize(random_image(21, 30))
    assert image.shape == (21, 30, 3)
    loaded = load_network(save_network(made, tmp_path / "variant.npz"))
    np.testing.assert_array_equal(loaded.stylize(random_image(21, 30)), image)


def test_variants_differ_from_the_default_in_their_layers():
    def kinds(**variant):
        return {type(layer) for layer in build_transformer(width=0.1, **variant).layers}

    assert keras.layers.GroupNormalization in kinds()
    assert kinds(normalization="batch") - kinds() == {keras.layers.BatchNormalization}
    assert kinds(upsampling="transposed") - kinds() == {keras.layers.Conv2DTranspose}
    assert kinds(padding="zeros") - kinds() == {keras.layers.ZeroPadding2D}
    # With the resize, which mirrors for itself, out of the way.
    transposed = kinds(upsampling="transposed")
    zeros = kinds(upsampling="transposed", padding="zeros")
    assert transposed - zeros == {ReflectionPadding2D}


def test_normalisation_is_instance_normalisation():
    model = build_transformer(width=0.1)
    layer = next(x for x in model.layers if isinstance(x, keras.layers.GroupNormalization))
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (2, 9, 11, layer.gamma.shape[0])).astype("float32")
    gamma, beta = rng.normal(size=(2, x.shape[-1])).astype("float32")
    layer.set_weights([gamma, beta])
    mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    expected = (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), expected, atol=2e-5)


def test_an_image_is_not_touched_by_the_others_of_its_batch(network):
    first, second = random_image(24, 24), 0.2 * random_image(24, 24, seed=1)
    both = network.model.predict_on_batch(np.stack([first, second]))
    alone = network.model.predict_on_batch(first[None])
    np.testing.assert_allclose(both[0], alone[0], atol=1e-4)


@pytest.mark.parametrize("pixels", [1, 4])
def test_reflection_padding_mirrors_without_the_edge(pixels):
    x = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype("float32")
    p = (pixels, pixels)
    expected = np.pad(x, ((0, 0), p, p, (0, 0)), mode="reflect")
    np.testing.assert_array_equal(ops.convert_to_numpy(ReflectionPadding2D(pixels)(x)), expected)


@pytest.mark.filterwarnings(
    "ignore:Skipping variable loading for optimizer", "ignore:__array__ implementation"
)
def test_the_model_survives_keras_own_format(network, tmp_path):
    network.model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = random_image(18, 23)[None]
    np.testing.assert_allclose(loaded(x), network.model(x), atol=1e-6)


# --- what follows from it -------------------------------------------------------------------


@pytest.mark.parametrize(("padding", "framed"), [("reflect", False), ("zeros", True)])
def test_only_zero_padding_draws_a_frame_on_a_constant_image(padding, framed):
    # Instance normalisation divides a constant by its spread, which is all rounding, and how that falls is up to the
    # processor; batch normalisation at inference has fixed statistics.
    network = random_network(padding=padding, normalization="batch", scale=0.05)
    output = network.model.predict_on_batch(np.full((1, 32, 32, 3), 0.8, np.float32))[0]
    spread = np.ptp(output, axis=(0, 1)) / np.abs(output).max()
    assert np.all(spread > 0.1 if framed else spread < 1e-4)


def test_a_shifted_image_gives_the_shifted_output():
    # 4 px is one pixel at the coarsest stage. Batch normalisation at inference has fixed statistics, so that pixels
    # farther than the receptive field from the edges agree exactly.
    network = random_network(normalization="batch", scale=0.05)
    image = random_image(160, 160)
    shifted = np.roll(image, (4, 4), axis=(0, 1))
    output, moved = (network.model.predict_on_batch(x[None])[0] for x in (image, shifted))
    inside = slice(70, -70)
    np.testing.assert_allclose(
        np.roll(output, (4, 4), axis=(0, 1))[inside, inside], moved[inside, inside], atol=1e-4
    )
    assert np.ptp(output[inside, inside]) > 0.01


def test_brightness_and_contrast_of_the_photo_hardly_matter(network):
    # Instance normalisation forgets both after the first convolution: Ulyanov et al. 2017, sec. 2.
    image = random_image(48, 48)
    full, faint = (network.model.predict_on_batch(x[None])[0] for x in (image, 0.3 + 0.4 * image))
    inner = slice(16, -16)
    assert np.abs(full - faint)[inner, inner].max() < 0.02 * np.ptp(full)


# --- stylize --------------------------------------------------------------------------------


def test_stylize_clips():
    network = random_network(scale=1.0)
    batch = random_image(20, 20)[None]
    raw = network.model.predict_on_batch(batch)[0]
    assert raw.min() < 0 or raw.max() > 1
    np.testing.assert_array_equal(network.stylize(batch[0]), raw.clip(0, 1))


def test_a_margin_is_painted_and_cut_off(network):
    image = random_image(20, 31)
    framed = np.pad(image, ((8, 8), (8, 8), (0, 0)), mode="reflect")
    expected = network.stylize(framed)[8:-8, 8:-8]
    np.testing.assert_array_equal(network.stylize(image, margin=8), expected)
    assert np.abs(expected - network.stylize(image)).max() > 1e-4


@pytest.mark.parametrize("margin", [-1, 1.5, True, None, "32"])
def test_stylize_refuses_a_margin_that_is_none(network, margin):
    with pytest.raises(ValueError, match=r"margin: .* is not a whole number of at least 0"):
        network.stylize(random_image(20, 20), margin=margin)


def test_stylize_leaves_the_image_alone(network):
    image = random_image(20, 20)
    before = image.copy()
    network.stylize(image)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((15, 64, 3), np.float32),
        np.zeros((32, 32), np.float32),
        np.zeros((1, 32, 32, 3), np.float32),
        np.zeros((32, 32, 3), np.uint8),
        np.full((32, 32, 3), np.nan),
        np.full((32, 32, 3), 255.0),
        "photo.jpg",
        None,
    ],
    ids=["small", "grey", "batch", "uint8", "nan", "255", "str", "None"],
)
def test_stylize_refuses_what_is_no_image(network, image):
    with pytest.raises(ImageError, match="image"):
        network.stylize(image)


# --- files ----------------------------------------------------------------------------------


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
    assert loaded.architecture == {"width": 0.1}


def test_float16_round_trip_is_within_a_grey_level_at_half_the_size(tmp_path):
    network = new_network(width=0.5)
    half = save_network(network, tmp_path / "half.npz", dtype="float16")
    full = save_network(network, tmp_path / "full.npz")
    assert half.stat().st_size < 0.6 * full.stat().st_size
    image = random_image(48, 48)
    difference = load_network(half).stylize(image) - network.stylize(image)
    assert np.abs(difference).max() <= 1 / 255


def test_a_file_loads_in_a_fresh_process(network, saved, tmp_path):
    np.save(tmp_path / "image.npy", random_image(20, 36))
    code = f"""
        import numpy as np
        from nstlib.transformer import load_network
        network = load_network({str(saved)!r})
        assert network.card["style"] == {CARD["style"]!r}
        np.save({str(tmp_path / "out.npy")!r}, network.stylize(np.load({str(tmp_path / "image.npy")!r})))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, env=environment())
    np.testing.assert_allclose(
        np.load(tmp_path / "out.npy"), network.stylize(random_image(20, 36)), atol=1e-6
    )


def environment():
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def test_a_saved_file_is_readable_by_all_and_alone_in_its_folder(saved):
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
        Path(file).write_bytes(b"half a file")
        raise OSError("no space left on device")

    monkeypatch.setattr(transformer.np, "savez_compressed", fail)
    with pytest.raises(OSError, match="no space"):
        save_network(network, saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.parametrize("name", ["network.h5", "network", "network.npz.bak"])
def test_save_wants_its_suffix(network, tmp_path, name):
    with pytest.raises(NetworkError, match=r"\.npz"):
        save_network(network, tmp_path / name)
    assert not any(tmp_path.iterdir())


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
    monkeypatch.setattr(transformer, "_FOLDER", tmp_path)
    for style in ("waves", "mosaic"):
        save_network(network, tmp_path / f"{style}.npz")
    assert network_names() == ["mosaic", "waves"]
    with pytest.raises(NetworkError, match="there are mosaic, waves") as caught:
        load_network(name)
    assert repr(str(Path(name) if isinstance(name, Path) else name)) in str(caught.value)
    assert load_network("waves").card == CARD


def test_names_when_nothing_ships(tmp_path, monkeypatch):
    monkeypatch.setattr(transformer, "_FOLDER", tmp_path / "missing")
    assert network_names() == []
    with pytest.raises(NetworkError, match="there are none"):
        load_network("waves")


class Trap:
    """Whoever unpickles it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("part", ["header", "weight_000", "weight_061"])
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


# --- networks that ship ---------------------------------------------------------------------


def test_shipped_networks_load_and_stylize():
    photo = random_image(48, 64)
    for name in network_names():
        network = load_network(name)
        assert network.card["style"] == name
        assert network.card["licence"]
        image = network.stylize(photo)
        assert image.shape == photo.shape
        assert image.std() > 0.01


def test_every_network_ships_slim_too():
    assert network_names(0.25) == network_names()
    for name in network_names(0.25):
        wide, slim = load_network(name), load_network(name, width=0.25)
        assert slim.architecture["width"] == 0.25
        assert slim.card["style"] == name
        assert slim.card["objective"] == wide.card["objective"]
        assert slim.model.count_params() < wide.model.count_params() / 15


@pytest.mark.parametrize(
    "name", ["brush_flow", "cubist_planes", "linocut", "pointillist", "stained_glass"]
)
def test_a_slim_network_paints_nearly_as_well_as_the_wide_one(name):
    photo, style = load_photo("coffee", size=192), load_style(name, size=384)
    networks = {"wide": load_network(name), "slim": load_network(name, width=0.25)}
    images = {label: network.stylize(photo) for label, network in networks.items()}
    objective = PerceptualLoss(**networks["wide"].card["objective"])
    total = evaluate(images, photo, style, objective=objective).set_index("method")["total"]
    assert total["slim"] < 1.2 * total["wide"]


@pytest.mark.parametrize("name", ["pointillist", "linocut"])
def test_an_even_image_comes_back_even(name):
    """The bilinear resize has no pattern of its own: a screen needs variation to start from."""
    even = np.full((96, 96, 3), (0.45, 0.6, 0.8), np.float32)
    inside = load_network(name).stylize(even)[32:-32, 32:-32]
    assert np.ptp(inside, axis=(0, 1)).max() < 0.01


def test_a_width_that_does_not_ship():
    with pytest.raises(ValueError, match=r"networks ship at 1\.0 and 0\.25, not at 0\.5"):
        load_network("wave", width=0.5)


def test_the_trunk_resembles_its_input(photo):
    network = trunk()
    assert network.model.count_params() == 1_679_235
    assert np.corrcoef(network.stylize(photo).ravel(), photo.ravel())[0, 1] > 0.7
