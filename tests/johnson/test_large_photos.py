"""Sums over the pixels of a large photo: float32 added one by one drifts, and a picture with it."""

from pathlib import Path

import numpy as np
import pytest
from runs import random_network
from scripts import load

from nstlib.data.pictures import photo as load_photo
from nstlib.images import centre_crop, resize
from nstlib.johnson.engines import load_engine
from nstlib.johnson.network import load_network, save_network

LEVEL = 1 / 255
exact = load(Path(__file__).parents[2] / "benchmarks" / "float64_reference.py")


def mostly_white(side):
    """A large picture, bright and even, but for a photo in it: the worst case for a sum."""
    image = np.ones((3 * side // 4, side, 3), np.float32)
    face = load_photo("astronaut", size=side // 4)
    image[50 : 50 + face.shape[0], 80 : 80 + face.shape[1]] = face
    return image


@pytest.mark.slow
@pytest.mark.usefixtures("few_layers")
def test_the_other_backend_in_float64_agrees_on_a_small_photo():
    network = random_network(scale=0.05)
    image = centre_crop(load_photo("chelsea"), 37, 50)
    np.testing.assert_allclose(
        exact.paint(network.saved(), image), network.stylize(image), atol=1e-4
    )


@pytest.mark.slow
@pytest.mark.usefixtures("few_layers")
def test_a_large_even_picture_is_painted_as_in_float64(tmp_path):
    network = random_network(width=0.03, scale=0.05)
    image = mostly_white(1200)
    expected = exact.paint(network.saved(), image)
    assert np.abs(network.stylize(image) - expected).max() < LEVEL / 4
    engine = load_engine(save_network(network, tmp_path / "network.npz"))
    assert np.abs(engine.stylize(image) - expected).max() < LEVEL / 4


@pytest.mark.full
@pytest.mark.parametrize("kind", ["even", "photo"])
def test_what_ships_paints_a_large_picture_as_in_float64(kind):
    image = mostly_white(1600) if kind == "even" else resize(load_photo("coffee"), 1600)
    network = load_network("starry_night", width=0.25)
    expected = exact.paint(network.saved(), image)
    assert np.abs(network.stylize(image) - expected).max() < LEVEL
    assert np.abs(load_engine("starry_night", width=0.25).stylize(image) - expected).max() < LEVEL
