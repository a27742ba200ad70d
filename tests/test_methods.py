import importlib

import keras
import numpy as np
import pytest

from nstlib import methods, transformer
from nstlib.data import DataError
from nstlib.images import ImageError, luminance, transfer_colour
from nstlib.methods import METHODS, stylize
from nstlib.perceptual import PerceptualLoss
from nstlib.transformer import Network, NetworkError, new_network

OBJECTIVE = PerceptualLoss(content_layers=("relu1_2",), style_layers=("relu1_2",))


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    return tuple(rng.random((size, size + 8, 3), dtype=np.float32) for size in (32, 24))


@pytest.fixture(scope="module")
def network():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transformer, "_RESIDUAL_BLOCKS", 1)
        keras.utils.set_random_seed(0)
        made = new_network(width=0.1)
    return Network(made.model, made.architecture, {"objective": OBJECTIVE.settings()})


@pytest.fixture
def runs(monkeypatch):
    """What `gatys` was asked for; by its name in the package that module is its function."""
    asked = []
    function = importlib.import_module("nstlib.gatys").gatys

    def recording(photo, style, **options):
        asked.append(options | {"style": style})
        return function(photo, style, **options | {"steps": min(options["steps"], 2)})

    monkeypatch.setattr(methods, "gatys", recording)
    return asked


def run(pair, **options):
    return stylize(*pair, progress=False, **options)


def test_johnson_is_the_network(pair, network, runs):
    np.testing.assert_array_equal(run(pair, network=network), network.stylize(pair[0]))
    assert not runs


def test_the_margin_is_that_of_the_pass(pair, network, runs):
    expected = network.stylize(pair[0], margin=8)
    np.testing.assert_array_equal(run(pair, network=network, margin=8), expected)
    run(pair, method="hybrid", network=network, margin=8)
    np.testing.assert_array_equal(runs[0]["init"], expected)
    with pytest.raises(ValueError, match="margin: 8, but method='gatys' makes no pass"):
        run(pair, method="gatys", margin=8)


def test_gatys_needs_no_network(pair, runs):
    image = run(pair, method="gatys", objective=OBJECTIVE)
    assert image.shape == pair[0].shape
    (asked,) = runs
    assert asked["init"] == "content"
    assert asked["steps"] == 100
    assert asked["objective"] == OBJECTIVE


def test_gatys_by_default_minimises_the_default_objective_or_that_of_the_network(
    pair, network, runs
):
    run(pair, method="gatys", steps=1)
    run(pair, method="gatys", steps=1, network=network)
    assert [asked["objective"] for asked in runs] == [None, OBJECTIVE]


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
    monkeypatch.setattr(methods, "load_network", {"linocut": network}.__getitem__)
    np.testing.assert_array_equal(
        stylize(pair[0], "linocut", progress=False), network.stylize(pair[0])
    )
    stylize(pair[0], "linocut", method="hybrid", steps=1, progress=False)
    assert max(runs[0]["style"].shape) == 384


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
