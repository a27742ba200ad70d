import json

import keras
import numpy as np
import pytest
from keras import ops
from runs import random_image, random_network

from nstlib.data.pictures import photo as load_photo
from nstlib.data.pictures import style as load_style
from nstlib.data.pictures import style_names
from nstlib.errors import ImageError
from nstlib.johnson import SLIM_WIDTH
from nstlib.johnson import network as transformer
from nstlib.johnson.network import (
    ReflectionPadding2D,
    build_transformer,
    load_network,
    network_names,
    save_network,
    trunk,
)
from nstlib.objective.features import EXTRACTORS
from nstlib.objective.perceptual import PerceptualLoss

VARIANTS = [{"normalization": "batch"}, {"upsampling": "transposed"}, {"padding": "zeros"}]


@pytest.fixture(scope="module")
def network():
    return random_network()


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


@pytest.mark.usefixtures("eagerly")
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


@pytest.mark.usefixtures("eagerly")
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


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(("padding", "framed"), [("reflect", False), ("zeros", True)])
def test_only_zero_padding_draws_a_frame_on_a_constant_image(padding, framed):
    # Instance normalisation divides a constant by its spread, which is all rounding, and how that falls is up to the
    # processor; batch normalisation at inference has fixed statistics.
    network = random_network(padding=padding, normalization="batch", scale=0.05)
    output = network.model.predict_on_batch(np.full((1, 32, 32, 3), 0.8, np.float32))[0]
    spread = np.ptp(output, axis=(0, 1)) / np.abs(output).max()
    assert np.all(spread > 0.1 if framed else spread < 1e-4)


@pytest.mark.usefixtures("eagerly")
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


@pytest.mark.usefixtures("eagerly")
def test_brightness_and_contrast_of_the_photo_hardly_matter(network):
    # Instance normalisation forgets both after the first convolution: Ulyanov et al. 2017, sec. 2.
    image = random_image(48, 48)
    full, faint = (network.model.predict_on_batch(x[None])[0] for x in (image, 0.3 + 0.4 * image))
    inner = slice(16, -16)
    assert np.abs(full - faint)[inner, inner].max() < 0.02 * np.ptp(full)


# --- stylize --------------------------------------------------------------------------------


@pytest.mark.usefixtures("eagerly")
def test_stylize_clips():
    network = random_network(scale=1.0)
    batch = random_image(20, 20)[None]
    raw = network.model.predict_on_batch(batch)[0]
    assert raw.min() < 0 or raw.max() > 1
    np.testing.assert_array_equal(network.stylize(batch[0]), raw.clip(0, 1))


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


# --- networks that ship ---------------------------------------------------------------------


OWN_STYLES = {*style_names()} & {*network_names()}


def full(name):
    return pytest.param(name, marks=pytest.mark.full)


def shipped(width):
    """File and card of each network of a width, without building it."""
    for name in network_names(width):
        path = transformer._folder(width) / f"{name}.npz"
        with np.load(path) as file:
            yield name, file, json.loads(file["header"].tobytes())


@pytest.mark.parametrize(("width", "parameters"), [(1.0, 1_679_235), (SLIM_WIDTH, 108_771)])
def test_what_ships_is_whole_and_says_what_it_is(width, parameters):
    assert build_transformer(width=width).count_params() == parameters
    for name, file, header in shipped(width):
        weights = [file[key] for key in file.files if key != "header"]
        assert sum(weight.size for weight in weights) == parameters
        assert all(weight.dtype == np.float16 for weight in weights)
        assert header["architecture"].get("width", 1.0) == width
        assert header["card"]["style"] == name
        assert header["card"]["licence"]


def test_every_network_ships_slim_too():
    assert network_names()
    assert network_names(SLIM_WIDTH) == network_names()


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("width", [1.0, SLIM_WIDTH])
@pytest.mark.parametrize("name", ["linocut", *map(full, sorted({*network_names()} - {"linocut"}))])
def test_shipped_networks_load_and_stylize(name, width):
    photo = random_image(48, 64)
    image = load_network(name, width=width).stylize(photo)
    assert image.shape == photo.shape
    assert image.std() > 0.01


@pytest.mark.usefixtures("eagerly")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["linocut", *map(full, sorted(OWN_STYLES - {"linocut"}))])
def test_a_slim_network_paints_nearly_as_well_as_the_wide_one(name):
    photo, style = load_photo("coffee", size=128), load_style(name, size=256)
    networks = {"wide": load_network(name), "slim": load_network(name, width=SLIM_WIDTH)}
    settings = networks["wide"].card["objective"]
    # TO BE MADE STRICT when the last network of the first round is gone: without this line.
    if settings["extractor"] not in EXTRACTORS:
        pytest.skip(f"{name} was trained with {settings['extractor']}, which is gone")
    objective = PerceptualLoss(**settings)
    targets = objective.content_targets(photo[None]), objective.style_targets(style[None])
    slim, wide = (
        float(objective(networks[label].stylize(photo)[None], *targets).total)
        for label in ("slim", "wide")
    )
    assert slim < 1.2 * wide


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", ["linocut", "stained_glass"])
def test_an_even_image_comes_back_even(name):
    """The bilinear resize has no pattern of its own: a screen needs variation to start from."""
    even = np.full((96, 96, 3), (0.45, 0.6, 0.8), np.float32)
    inside = load_network(name).stylize(even)[32:-32, 32:-32]
    assert np.ptp(inside, axis=(0, 1)).max() < 0.01


def test_a_width_that_does_not_ship():
    with pytest.raises(ValueError, match=r"networks ship at 1\.0 and 0\.25, not at 0\.5"):
        load_network("wave", width=0.5)


@pytest.mark.usefixtures("eagerly")
def test_the_trunk_resembles_its_input(photo):
    network = trunk()
    assert network.model.count_params() == 1_679_235
    assert np.corrcoef(network.stylize(photo).ravel(), photo.ravel())[0, 1] > 0.7
