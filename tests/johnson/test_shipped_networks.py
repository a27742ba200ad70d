"""The networks that ship: whole, named by what made them, and painting."""

import json

import numpy as np
import pytest
from runs import random_image

from nstlib.data.pictures import photo as load_photo
from nstlib.data.pictures import style as load_style
from nstlib.data.pictures import style_names
from nstlib.images import transfer_colour
from nstlib.johnson import SLIM_WIDTH
from nstlib.johnson.network import build_transformer, load_network, trunk
from nstlib.johnson.saved import network_names, network_path
from nstlib.objective.perceptual import PerceptualLoss

OWN_STYLES = {*style_names()} & {*network_names()}


def full(name):
    return pytest.param(name, marks=pytest.mark.full)


def shipped(width):
    """File and card of each network of a width, without building it."""
    for name in network_names(width):
        path = network_path(name, width=width)
        with np.load(path) as file:
            yield name, file, json.loads(file["header"].tobytes())


# The first number is the paper's.
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
    assert np.abs(image - photo).mean() > 0.05


@pytest.mark.usefixtures("eagerly")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["linocut", *map(full, sorted(OWN_STYLES - {"linocut"}))])
def test_a_slim_network_paints_nearly_as_well_as_the_wide_one(name):
    photo, style = load_photo("coffee", size=128), load_style(name, size=256)
    networks = {"wide": load_network(name), "slim": load_network(name, width=SLIM_WIDTH)}
    settings = networks["wide"].card["objective"]
    objective = PerceptualLoss(**settings)
    targets = objective.content_targets(photo[None]), objective.style_targets(style[None])
    images = {label: network.stylize(photo) for label, network in networks.items()}
    images["colour transfer"] = transfer_colour(photo, style)
    total = {label: float(objective(each[None], *targets).total) for label, each in images.items()}
    assert total["wide"] < 0.9 * total["colour transfer"]
    assert total["slim"] < 1.2 * total["wide"]


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", ["linocut", "stained_glass"])
def test_an_even_image_comes_back_even(name):
    """The bilinear resize has no pattern of its own: a screen needs variation to start from."""
    even = np.full((96, 96, 3), (0.45, 0.6, 0.8), np.float32)
    inside = load_network(name).model.predict_on_batch(even[None])[0, 32:-32, 32:-32]
    assert np.ptp(inside, axis=(0, 1)).max() < 0.01


def test_a_width_that_does_not_ship():
    with pytest.raises(ValueError, match=r"networks ship at 1\.0 and 0\.25, not at 0\.5"):
        load_network("wave", width=0.5)


@pytest.mark.usefixtures("eagerly")
def test_the_trunk_resembles_its_input(photo):
    network = trunk()
    assert network.model.count_params() == 1_679_235
    assert np.corrcoef(network.stylize(photo).ravel(), photo.ravel())[0, 1] > 0.7
