from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
import tiny

from nstlib.colour_profiles import decode_light
from nstlib.errors import DataError, ImageError, NetworkError
from nstlib.images import luminance, transfer_colour
from nstlib.johnson import saved
from nstlib.johnson.network import Network, save_network
from nstlib.masks import fit_mask
from nstlib.methods import METHODS, blend, network_objective, stylize
from nstlib.objective.perceptual import PerceptualLoss
from nstlib.optimization import pixels

OBJECTIVE = tiny.objective()


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    return tuple(rng.random((size, size + 8, 3), dtype=np.float32) for size in (32, 24))


@pytest.fixture
def network(tiny_network):
    return tiny_network


@pytest.fixture
def runs(monkeypatch):
    """What `gatys` was asked for."""
    asked, function = [], pixels.gatys

    def recording(photo, style, **options):
        asked.append(options | {"style": style})
        return function(photo, style, **options | {"steps": min(options["steps"], 2)})

    monkeypatch.setattr(pixels, "gatys", recording)
    return asked


def run(pair, **options):
    return stylize(*pair, progress=False, **options)


@pytest.mark.parametrize("method", ["johnson", "gatys", "hybrid"])
def test_no_style_at_all_is_refused(pair, method):
    with pytest.raises(ValueError, match="style: an empty list"):
        stylize(pair[0], [], method=method)


def test_johnson_is_the_network(pair, network, runs):
    np.testing.assert_array_equal(run(pair, network=network), network.stylize(pair[0]))
    assert not runs


def test_gatys_needs_no_network(pair, runs):
    image = run(pair, method="gatys", objective=OBJECTIVE)
    assert image.shape == pair[0].shape
    (asked,) = runs
    assert asked["init"] == "colour"
    assert asked["steps"] == 100
    assert asked["objective"] == OBJECTIVE


def test_gatys_by_default_minimises_the_default_objective_or_that_of_the_network(
    pair, network, runs
):
    run(pair, method="gatys", steps=1)
    run(pair, method="gatys", steps=1, network=network)
    assert [asked["objective"] for asked in runs] == [None, OBJECTIVE]


def test_gatys_of_a_style_by_name_minimises_the_objective_of_the_network_that_ships(
    pair, network, runs, monkeypatch, tmp_path
):
    save_network(network, tmp_path / "linocut.npz")
    monkeypatch.setattr(saved, "_FOLDER", tmp_path)
    options = {"method": "gatys", "steps": 1, "progress": False}
    for name in ("linocut", "brush_flow"):
        stylize(pair[0], name, **options)
    stylize(pair[0], "linocut", **options, objective=replace(OBJECTIVE, style_weight=7))
    weights = [asked["objective"] and asked["objective"].style_weight for asked in runs]
    assert weights == [OBJECTIVE.style_weight, None, 7]


def test_the_hybrid_starts_from_the_network_on_its_objective(pair, network, runs):
    begin = network.stylize(pair[0])
    image = run(pair, method="hybrid", network=network)
    (asked,) = runs
    np.testing.assert_array_equal(asked["init"], begin)
    assert asked["objective"] == OBJECTIVE
    assert asked["steps"] == 20
    assert asked["scales"] == (1,)
    assert np.abs(image - begin).max() > 0.01


def test_a_style_by_name_brings_its_network_and_its_image(pair, network, runs, monkeypatch):
    monkeypatch.setattr("nstlib.johnson.network.load_network", {"linocut": network}.__getitem__)
    np.testing.assert_array_equal(
        stylize(pair[0], "linocut", progress=False), network.stylize(pair[0])
    )
    stylize(pair[0], "linocut", method="hybrid", steps=1, progress=False)
    assert [max(each.shape) for each in runs[0]["style"]] == [384]


@pytest.mark.parametrize("method", METHODS)
def test_colours_can_be_kept_by_every_method(pair, network, runs, method):
    options = {"method": method, "network": network, "steps": 1}
    plain = run(pair, **options)
    histogram = run(pair, **options, preserve_colour="histogram")
    np.testing.assert_allclose(histogram, transfer_colour(plain, pair[0]), atol=1e-3)
    kept = run(pair, **options, preserve_colour="luminance")
    chroma = [x - luminance(x)[..., None] for x in (kept, pair[0])]
    inside = ((kept > 0) & (kept < 1)).all(axis=-1)
    assert inside.any()
    np.testing.assert_allclose(chroma[0][inside], chroma[1][inside], atol=1e-5)
    np.testing.assert_allclose(luminance(kept)[inside], luminance(plain)[inside], atol=1e-3)


def test_a_style_of_ones_own_needs_its_network(pair):
    for method in ("johnson", "hybrid"):
        with pytest.raises(NetworkError, match="method='gatys' works without"):
            run(pair, method=method)


def test_names_that_are_none(pair):
    with pytest.raises(NetworkError, match="no shipped network 'mona_lisa'"):
        stylize(pair[0], "mona_lisa")
    with pytest.raises(DataError, match="mona_lisa"):
        stylize(pair[0], "mona_lisa", method="gatys")
    with pytest.raises(ValueError, match="method: 'magic' is not one of johnson, gatys, hybrid"):
        run(pair, method="magic")
    with pytest.raises(ValueError, match="preserve_colour: 'sepia' is neither None nor"):
        run(pair, preserve_colour="sepia")
    with pytest.raises(ImageError, match="photo"):
        run((255 * pair[0], pair[1]))


# --- strength ----------------------------------------------------------------------------------


def flat(value):
    return np.full((16, 20, 3), value, np.float32)


@pytest.mark.parametrize(
    ("photo", "image", "strength", "expected"),
    [
        (0.0, 1.0, 0.5, 0.735357),  # half of the light of white
        (1.0, 0.0, 0.5, 0.735357),
        (0.0, 1.0, 0.25, 0.537099),
        (0.2, 0.8, 0.3, 0.489356),
        (0.0, 0.04, 0.5, 0.02),  # near black the curve is a straight line
        (0.6, 0.6, 0.7, 0.6),
    ],
)
def test_light_is_mixed_not_values(photo, image, strength, expected):
    mixed = blend(flat(photo), flat(image), strength)
    assert mixed.dtype == np.float32
    np.testing.assert_allclose(mixed, expected, atol=2e-6)


def test_a_blend_ends_at_photo_and_image_to_the_last_bit(pair):
    photo, image = pair[0], pair[0][::-1]
    np.testing.assert_array_equal(blend(photo, image, 0), photo)
    np.testing.assert_array_equal(blend(photo, image, 1.0), image)
    between = blend(photo, image, 0.4)
    assert (between >= np.minimum(photo, image) - 1e-6).all()
    assert (between <= np.maximum(photo, image) + 1e-6).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_weakened(pair, network, runs, method):
    options = {"method": method, "network": network, "steps": 1, "preserve_colour": "histogram"}
    full = run(pair, **options)
    np.testing.assert_array_equal(run(pair, **options, strength=0), pair[0])
    np.testing.assert_allclose(
        run(pair, **options, strength=0.3), blend(pair[0], full, 0.3), atol=1e-3
    )


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), "0.5", None, True])
def test_a_strength_that_is_none_is_refused_before_any_work(pair, strength):
    message = r"strength: .* is not a number from 0 to 1"
    with pytest.raises(ValueError, match=message):
        run(pair, network=NeverCalled(), strength=strength)
    with pytest.raises(ValueError, match=message):
        blend(pair[0], pair[0], strength)


def test_pictures_of_two_sizes_do_not_blend(pair):
    with pytest.raises(ImageError, match=r"image: its shape .* is not that of the photo"):
        blend(*pair, 0.5)


# --- several styles ----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["gatys", "hybrid"])
def test_several_styles_are_mixed_by_what_optimises(pair, network, runs, method):
    other = pair[1][:, ::-1, ::-1]
    options = {"method": method, "network": network, "steps": 1, "style_shares": (2, 1)}
    image = stylize(pair[0], (pair[1], other), progress=False, **options)
    assert image.shape == pair[0].shape
    (asked,) = runs
    assert asked["style_shares"] == (2, 1)
    np.testing.assert_array_equal(asked["style"], [pair[1], other])


def test_the_hybrid_of_several_styles_starts_from_the_network_of_the_first(
    pair, network, runs, monkeypatch
):
    monkeypatch.setattr("nstlib.johnson.network.load_network", {"linocut": network}.__getitem__)
    stylize(pair[0], ["linocut", pair[1]], method="hybrid", steps=1, progress=False)
    np.testing.assert_array_equal(runs[0]["init"], network.stylize(pair[0]))
    assert [max(each.shape) for each in runs[0]["style"]] == [384, 32]


def test_a_network_refuses_several_styles_and_says_what_mixes(pair):
    message = (
        "style: a network paints one style, not a mix of 2; method='gatys' mixes, and 'hybrid'"
    )
    with pytest.raises(NetworkError, match=message):
        stylize(pair[0], ["linocut", "wave"], network=NeverCalled())


@pytest.mark.parametrize("shares", [(1,), (1, -1), "half"])
def test_shares_that_are_none_are_refused_before_any_work(pair, shares):
    options = {"method": "hybrid", "network": NeverCalled(), "style_shares": shares}
    with pytest.raises(ValueError, match=r"^style_shares: "):
        stylize(pair[0], [pair[1], pair[1]], **options)


# --- masks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_mask_says_where_the_style_goes_by_every_method(pair, network, runs, method):
    options = {"method": method, "network": network, "steps": 1, "preserve_colour": "luminance"}
    full = run(pair, **options)
    mask = np.zeros((32, 40), bool)
    mask[:, 20:] = True
    masked = run(pair, **options, mask=mask)
    np.testing.assert_array_equal(masked[:, :15], pair[0][:, :15])
    np.testing.assert_allclose(masked[:, 25:], full[:, 25:], atol=1e-3)
    weak = run(pair, **options, mask=mask, strength=0.4)
    np.testing.assert_allclose(weak, blend(pair[0], full, 0.4 * fit_mask(mask, 32, 40)), atol=2e-3)


def test_a_mask_works_on_any_painter(pair):
    class Black:
        def stylize(self, image):
            return np.zeros_like(image)

    mask = np.random.default_rng(0).random((64, 80, 3))
    masked = run(pair, network=Black(), mask=mask)
    light = (1 - fit_mask(mask, 32, 40))[..., None] * decode_light(pair[0])
    np.testing.assert_allclose(decode_light(masked), light, atol=1e-5)


def test_a_mask_of_other_proportions_is_refused_before_any_work(pair):
    with pytest.raises(ImageError, match="mask: 40 x 40 px has other proportions than the photo"):
        run(pair, network=NeverCalled(), mask=np.ones((40, 40)))


@pytest.mark.parametrize("strength", [np.ones((40, 32)), np.full((32, 40), 1.5), np.ones(3)])
def test_an_array_of_strengths_has_one_for_each_pixel(pair, strength):
    with pytest.raises(
        ValueError, match=r"strength: an array of shape .* is not one of \(32, 40\)"
    ):
        blend(pair[0], pair[0], strength)


class NeverCalled:
    """A network that must not paint."""

    def stylize(self, image):
        pytest.fail("it was painted")


def test_a_photo_for_which_the_memory_runs_out_is_refused_in_our_words(pair):
    class Greedy:
        def stylize(self, image):
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    with pytest.raises(ImageError, match="photo: the memory ran out at 40 x 32 px"):
        run(pair, network=Greedy())


# --- the objective on a card -------------------------------------------------------------------


def with_card(network, card):
    return Network(network.model, network.architecture, card)


def test_the_objective_of_a_network_is_that_of_its_card(network):
    assert network_objective(network) == OBJECTIVE
    other = PerceptualLoss(style_weight=3, extractor="vgg19", style_statistic="moments")
    assert network_objective(with_card(network, {"objective": other.settings()})) == other
    assert network_objective(with_card(network, {})) is None


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ({"extractor": "vgg16-hed"}, "is none .*extractor: 'vgg16-hed' is not one of vgg16"),
        (
            {"style_layers": {"pixels": 2.0}},
            r"is none \(style_layers: 'pixels' is no layer of 'vgg16'",
        ),
        (
            {"content_layers": ["relu3"]},
            r"is none \(content_layers: 'relu3' is no layer of 'vgg16'",
        ),
        ({"style_weight": -1}, "is none .*style_weight"),
        ({"charm": 1}, "is none .*charm"),
        ([1, 2], "is none"),
    ],
)
def test_a_card_with_an_objective_that_is_none(network, objective, message):
    with pytest.raises(NetworkError, match=f"network: the objective on its card {message}"):
        network_objective(with_card(network, {"objective": objective}))


def test_a_pass_needs_no_objective(pair, network):
    odd = with_card(network, {"objective": {"extractor": "vgg16-hed"}})
    np.testing.assert_array_equal(run(pair, network=odd), network.stylize(pair[0]))
    with pytest.raises(NetworkError, match="vgg16-hed"):
        run(pair, network=odd, method="hybrid")
