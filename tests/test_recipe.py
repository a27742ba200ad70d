"""What data/train_networks.py says of earlier rounds; the trainings themselves take hours."""

from pathlib import Path

import pytest
from scripts import load

PATH = Path(__file__).parents[1] / "data" / "train_networks.py"


@pytest.fixture(scope="module")
def recipe():
    return load(PATH)


def test_earlier_rounds_keep_their_device(recipe):
    """An old card names the device of its last round alone, which is also that of those before."""
    bare = {"start": "starry_night", "steps": 700, "seconds": 306.0}
    old = {
        "style": "wave",
        "start": "wave",
        "steps": 1200,
        "size": 192,
        "photos": 400,
        "backend": "tensorflow",
        "machine": {"cores": 1},
        "seconds": 864.2,
        "checkerboard_weight": 400.0,
        "earlier_rounds": [bare],
    }
    first, second = recipe.earlier_training(old)["earlier_rounds"]
    assert first == bare | {
        "size": 192,
        "photos": 400,
        "backend": "tensorflow",
        "machine": {"cores": 1},
    }
    assert second == {key: old[key] for key in old if key not in ("style", "earlier_rounds")}
    new = {**old, "machine": {"cores": 16}, "backend": "jax", "earlier_rounds": [first, second]}
    assert recipe.earlier_training(new)["earlier_rounds"][:2] == [first, second]


def test_every_round_has_its_own_seed(recipe):
    card = {"style": "wave", "steps": 1200, "earlier_rounds": [{}, {}]}
    assert recipe.rounds(card, "wave") == 3
    assert recipe.rounds(card, "linocut") == 0
