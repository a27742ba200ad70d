import logging
import subprocess
import sys

import keras
import numpy as np
import pytest
from runs import random_image, random_network

from nstlib.errors import ImageError
from nstlib.johnson import architecture
from nstlib.johnson.architecture import Architecture
from nstlib.johnson.layers import InstanceNormalization, ReflectionPadding2D
from nstlib.johnson.network import (
    Network,
    build_transformer,
    load_network,
    new_network,
    save_network,
)
from nstlib.johnson.schedule import Schedule
from nstlib.johnson.training import train
from nstlib.objective.perceptual import PerceptualLoss

pytestmark = pytest.mark.usefixtures("one_block")
VARIANTS = [{"normalization": "batch"}, {"upsampling": "transposed"}, {"padding": "zeros"}]


@pytest.fixture(scope="module")
def one_block():
    """Every kind of layer, and few of each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(architecture, "_RESIDUAL_BLOCKS", 1)
        yield


@pytest.fixture(scope="module")
def network(one_block):
    return random_network()


# --- the architecture -----------------------------------------------------------------------


def test_width_multiplies_the_channels():
    def filters(width):
        layers = build_transformer(width=width).layers
        return {layer.filters for layer in layers if isinstance(layer, keras.layers.Conv2D)}

    assert filters(1) == {32, 64, 128, 3}
    assert filters(0.5) == {16, 32, 64, 3}
    assert filters(0.001) == {1, 3}


def test_a_width_may_be_a_number_of_numpy(tmp_path):
    network = new_network(width=np.float32(0.25))
    saved = save_network(network, tmp_path / "quarter.npz")
    assert load_network(saved).architecture == network.architecture == Architecture(width=0.25)


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

    assert InstanceNormalization in kinds()
    assert kinds(normalization="batch") - kinds() == {keras.layers.BatchNormalization}
    assert kinds(upsampling="transposed") - kinds() == {keras.layers.Conv2DTranspose}
    assert kinds(padding="zeros") - kinds() == {keras.layers.ZeroPadding2D}
    # With the resize, which mirrors for itself, out of the way.
    transposed = kinds(upsampling="transposed")
    zeros = kinds(upsampling="transposed", padding="zeros")
    assert transposed - zeros == {ReflectionPadding2D}


@pytest.mark.usefixtures("eagerly")
def test_an_image_is_not_touched_by_the_others_of_its_batch(network):
    first, second = random_image(24, 24), 0.2 * random_image(24, 24, seed=1)
    both = network.model.predict_on_batch(np.stack([first, second]))
    alone = network.model.predict_on_batch(first[None])
    np.testing.assert_allclose(both[0], alone[0], atol=1e-4)


@pytest.mark.filterwarnings(
    "ignore:Skipping variable loading for optimizer", "ignore:__array__ implementation"
)
def test_the_model_survives_keras_own_format(network, tmp_path):
    network.model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = random_image(18, 23)[None]
    found, expected = loaded.predict_on_batch(x), network.model.predict_on_batch(x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("first", ["keras", "nstlib"])
@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_keras_own_format_loads_in_a_fresh_process(network, tmp_path, first):
    """After `import nstlib` and nothing else of it, before or behind Keras."""
    path = tmp_path / "model.keras"
    network.model.save(path)
    program = f"import {first}, keras, nstlib; keras.models.load_model({str(path)!r})"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_looking_for_keras_loads_nothing():
    program = """if True:
        import importlib.util, sys, nstlib
        nstlib.johnson.registration.register_with_keras()
        assert importlib.util.find_spec("keras").name == "keras"
        assert not {"keras", "nstlib.johnson.layers"} & set(sys.modules)
        assert [type(each).__name__ for each in sys.meta_path].count("_Keras") == 1
    """
    subprocess.run([sys.executable, "-c", program], check=True)


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


def test_stylize_hides_the_advice_on_tracing_and_nothing_else(caplog):
    logger = logging.getLogger("tensorflow")
    model = keras.Sequential([keras.layers.Identity()])

    def talkative(images):
        logger.warning("5 out of the last 5 calls to f triggered tf.function retracing.")
        logger.warning("something else")
        return images

    model.predict_on_batch = talkative
    with caplog.at_level("WARNING", logger="tensorflow"):
        logger.addHandler(caplog.handler)  # it may not hand its records on
        Network(model).stylize(random_image(16, 16))
        told = {record.getMessage() for record in caplog.records}
        logger.warning("afterwards, 6 calls triggered tf.function retracing.")
        logger.removeHandler(caplog.handler)
    assert told == {"something else"}
    assert "afterwards" in caplog.text


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


# --- whatever Keras is set to ---------------------------------------------------------------


@pytest.fixture(
    params=[
        ("image_data_format", "channels_first"),
        ("floatx", "float16"),
        ("floatx", "float64"),
        ("dtype_policy", "mixed_float16"),
        ("dtype_policy", "mixed_bfloat16"),
        ("dtype_policy", "float64"),
    ],
    ids=lambda setting: " ".join(setting),
)
def setting(request):
    """A setting of Keras other than the usual, as a user's file of settings may have it."""
    name, value = request.param
    get, put = (getattr(keras.config, f"{verb}{name}") for verb in ("", "set_"))
    usual, policy = get(), keras.config.dtype_policy()
    put(value)
    yield
    put(usual)
    keras.config.set_dtype_policy(policy)


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_a_network_paints_the_same_under_every_setting(network, setting, tmp_path):
    path = save_network(network, tmp_path / "network.npz")
    image = random_image(24, 31)
    np.testing.assert_array_equal(load_network(path).stylize(image), network.stylize(image))


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_a_network_trains_under_every_setting(setting):
    schedule = Schedule(steps=2, size=32, small_share=0)
    objective = PerceptualLoss(content_layers=("relu1_2",), style_layers=("relu1_1",))
    result = train(
        random_image(32, 32),
        [random_image(40, 40)],
        schedule=schedule,
        objective=objective,
        start=random_network(),
        progress=False,
    )
    weights = result.network.model.get_weights()
    assert {weight.dtype for weight in weights} == {np.dtype("float32")}
    assert np.isfinite(result.history["total"]).all()
