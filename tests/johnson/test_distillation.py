import json
from dataclasses import asdict

import keras
import numpy as np
import pytest
from runs import eager_functions, pictures

from nstlib.errors import DataError
from nstlib.johnson.architecture import Architecture
from nstlib.johnson.distillation import distill, train_identity
from nstlib.johnson.network import Network, new_network
from nstlib.johnson.schedule import Schedule

LONG = Schedule(steps=60, size=32, small_share=0, learning_rate=0.01)
# Of all architectures the one of the fewest layers.
PLAIN = {"upsampling": "transposed", "padding": "zeros"}
ONE = Schedule(steps=1, size=16)
QUIETLY = {"progress": False}

pytestmark = [
    pytest.mark.usefixtures("few_layers"),
    pytest.mark.filterwarnings("ignore:__array__ implementation"),  # Keras' own
]


@pytest.fixture(scope="module")
def teacher(start):
    return Network(start.model, start.architecture, {"style": "tiles", "licence": "CC0"})


def painted(network):
    """What it makes of the photos it was trained on."""
    with eager_functions():
        return np.stack([network.stylize(photo) for photo in pictures(3)])


def recipe(card):
    """What a card says of an imitation, but for the error."""
    return {name: value for name, value in card.items() if name != "mean_absolute_error"}


@pytest.mark.slow
def test_train_identity_learns_to_reproduce_its_input(start):
    def error(network):
        return np.abs(painted(network) - np.stack(pictures(3))).mean()

    network = train_identity(pictures(3), schedule=LONG, width=0.1, **PLAIN, **QUIETLY)
    assert error(network) < 0.65 * error(start)
    assert network.architecture == Architecture(width=0.1, **PLAIN)
    assert network.card["style"] == "identity"
    assert {name: network.card[name] for name in vars(LONG)} == asdict(LONG)
    assert network.card["photos"] == 3
    assert json.loads(json.dumps(network.card)) == network.card


@pytest.mark.slow
def test_distill_learns_to_paint_as_the_other_does(teacher):
    def error(network):
        return np.abs(painted(network) - painted(teacher)).mean()

    keras.utils.set_random_seed(1)
    before = new_network(width=0.08, **PLAIN)
    weights = before.fingerprint
    slim = distill(teacher, pictures(3), schedule=LONG, start=before, **QUIETLY)
    assert error(slim) < 0.65 * error(before)
    assert before.fingerprint == weights
    assert slim.architecture == Architecture(width=0.08, **PLAIN)
    assert slim.card["architecture"] == asdict(slim.architecture)
    assert (slim.card["style"], slim.card["licence"]) == ("tiles", "CC0")
    expected = {"from": teacher.fingerprint, **asdict(LONG), "photos": 3}
    assert recipe(slim.card["distilled"]) == expected
    assert json.loads(json.dumps(slim.card)) == slim.card


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_equal_arguments_give_equal_networks(teacher):
    def made(seed):
        schedule = Schedule(**asdict(ONE) | {"seed": seed})
        return distill(teacher, pictures(2), schedule=schedule, width=0.05, **QUIETLY).fingerprint

    assert made(seed=0) == made(seed=0)
    assert made(seed=1) != made(seed=0)


def test_an_architecture_beside_a_start_is_refused(teacher, start):
    with pytest.raises(ValueError, match="width: the architecture is that of start"):
        distill(teacher, pictures(1), schedule=ONE, start=start, width=0.1, **QUIETLY)


def test_photos_that_are_none(teacher, tmp_path):
    for call in (lambda photos: train_identity(photos, **QUIETLY), lambda p: distill(teacher, p)):
        with pytest.raises(ValueError, match="photos is empty"):
            call([])
        with pytest.raises(DataError):
            call(tmp_path)
