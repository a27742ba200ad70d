"""The recipe of the networks that ship, on a table of two styles and a step or two; and those that ship, beside it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scripts import load

import nstlib as nst
from nstlib.files import save_image
from nstlib.johnson import SLIM_WIDTH, architecture, training
from nstlib.johnson.network import new_network
from nstlib.johnson.saved import network_path
from nstlib.objective.perceptual import PerceptualLoss

RECIPE = load(Path(__file__).parents[2] / "data" / "train_networks.py")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras' own

FIRST, OTHER = "starry_night", "linocut"
SMALL = nst.Schedule(steps=2, size=16)
SECOND = nst.Schedule(steps=1, size=16, small_share=0)


@pytest.fixture
def small(monkeypatch):
    """The recipe with a small table, small pictures, a shallow objective and networks of a few channels."""

    def objective(style_weight=5.0):
        layers = {"content_layers": ("relu1_2",), "style_layers": ("relu1_2",)}
        return PerceptualLoss(**layers, style_weight=style_weight)

    monkeypatch.setattr(architecture, "_RESIDUAL_BLOCKS", 0)
    monkeypatch.setattr(training, "_VARIANCE_CROPS", 2)
    monkeypatch.setattr(nst, "training_objective", objective)
    monkeypatch.setattr(nst, "style", lambda name, size: pictures(2)[name == FIRST])
    first, schedule = new_network(width=0.1), RECIPE.schedule
    changes = {
        "TABLE": {
            FIRST: RECIPE.Row((5, 6), (2, 1)),
            OTHER: RECIPE.Row((5, 8), (2, 1)),
        },
        "SLIM_STEPS": 1,
        "OF_IDENTITY": SMALL,
        "OF_IMITATION": SMALL,
        "SLIM_WIDTH": 0.05,
        "style_size": lambda name: 24,
        "trunk": lambda: nst.Network(first.model, first.architecture, {"style": "identity"}),
        "schedule": lambda *args, **options: replace(schedule(*args, **options), size=16),
    }
    for name, value in changes.items():
        monkeypatch.setattr(RECIPE, name, value)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def pictures(count):
    return list(np.random.default_rng(0).random((count, 20, 24, 3), dtype=np.float32))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, image in enumerate(pictures(2)):
        save_image(folder / f"{number}.png", image)
    return folder


@pytest.fixture
def command(small, tmp_path, photos, capsys):
    """Runs the recipe; the networks that it names as ready."""

    def run(*arguments):
        folders = ["--photos", photos, "--work", tmp_path / "work", "--output", tmp_path / "out"]
        RECIPE.main([str(each) for each in (*folders, *arguments)])
        lines = capsys.readouterr().out.splitlines()
        return {
            str(Path(line).relative_to(tmp_path / "out")): nst.load_network(line) for line in lines
        }

    return run


@pytest.fixture
def trained(monkeypatch):
    """The schedule of each training that is started, and the steps that it takes."""
    started, train = [], nst.train

    def watched(*args, schedule, **options):
        steps = []
        started.append((schedule, steps))
        on_step = options.pop("on_step", lambda row: None)
        return train(
            *args,
            schedule=schedule,
            on_step=lambda row: steps.append(row["step"]) or on_step(row),
            **options,
            progress=False,
        )

    monkeypatch.setattr(nst, "train", watched)
    return started


# --- the command -----------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_missing_is_trained_and_what_is_there_is_left(
    command, trained, tmp_path, monkeypatch
):
    found = command()
    assert list(found) == [f"{FIRST}.npz", f"{OTHER}.npz"]
    assert [schedule for schedule, _ in trained] == [SMALL, SECOND, SMALL, SECOND]
    licences = nst.catalogue().set_index("name")["licence"]
    firsts = {
        name: nst.load_network(tmp_path / "work" / f"{name}_first.npz") for name in (FIRST, OTHER)
    }
    for (file, network), weight in zip(found.items(), (6, 8), strict=True):
        card, name = network.card, Path(file).stem
        assert (card["style"], card["licence"]) == (name, licences[name])
        assert (card["start"], card["photos"]) == (name, 2)
        assert card["start_fingerprint"] == firsts[name].fingerprint
        assert card["objective"] == nst.training_objective(weight).settings()
        assert firsts[name].card["objective"] == nst.training_objective(5).settings()
    assert firsts[FIRST].card["start"] == "identity"
    assert firsts[OTHER].card["start_fingerprint"] == firsts[FIRST].fingerprint

    trained.clear()
    again = command()
    assert trained == []
    assert [network.fingerprint for network in again.values()] == [
        network.fingerprint for network in found.values()
    ]

    # One row changes: that network alone is made anew.
    monkeypatch.setitem(RECIPE.TABLE, OTHER, RECIPE.Row((5, 9), (2, 2)))
    changed = command()
    assert [schedule for schedule, _ in trained] == [replace(SECOND, steps=2)]
    assert changed[f"{FIRST}.npz"].fingerprint == found[f"{FIRST}.npz"].fingerprint
    assert changed[f"{OTHER}.npz"].card["objective"]["style_weight"] == 9


@pytest.mark.slow
def test_names_and_the_size_of_a_batch_are_those_asked_for(command, trained):
    assert list(command(FIRST, "--batch-size", 3)) == [f"{FIRST}.npz"]
    schedules = [replace(schedule, batch_size=3) for schedule in (SMALL, SECOND)]
    assert [schedule for schedule, _ in trained] == schedules


@pytest.mark.slow
def test_the_slim_ones_start_from_imitations_that_are_made_once(
    command, trained, tmp_path, monkeypatch
):
    wide = {Path(file).stem: network for file, network in command().items()}
    made, distill = [], nst.distill
    monkeypatch.setattr(
        nst,
        "distill",
        lambda network, *args, start, **options: (
            made.append((network.fingerprint, start.card["style"]))
            or distill(network, *args, start=start, **options)
        ),
    )
    found = command("--slim")
    assert list(found) == [f"slim/{FIRST}.npz", f"slim/{OTHER}.npz"]
    assert made == [(wide[FIRST].fingerprint, "identity"), (wide[OTHER].fingerprint, FIRST)]
    for name in (FIRST, OTHER):
        network = found[f"slim/{name}.npz"]
        imitation = tmp_path / "work" / f"imitation_of_{wide[name].fingerprint}.npz"
        assert network.architecture.width == 0.05
        assert network.card["start_fingerprint"] == nst.load_network(imitation).fingerprint
        assert network.card["objective"] == wide[name].card["objective"]

    made.clear()
    monkeypatch.setattr(RECIPE, "SLIM_STEPS", 2)
    again = command("--slim")
    assert made == []
    assert [network.card["steps"] for network in again.values()] == [2, 2]


@pytest.mark.slow
def test_a_training_that_was_stopped_goes_on(command, trained, monkeypatch):
    monkeypatch.setattr(training, "_EVERY", 1)
    monkeypatch.setitem(RECIPE.TABLE, FIRST, RECIPE.Row((5, 6), (3, 1)))
    watched = nst.train

    def fail(row):
        if row["step"] == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(
            nst, "train", lambda *args, **options: watched(*args, on_step=fail, **options)
        )
        with pytest.raises(KeyboardInterrupt):
            command(FIRST)
    command(FIRST)
    assert [steps for _, steps in trained] == [[1, 2], [2, 3], [1]]


def test_names_that_are_in_no_row_are_refused(command, trained, capsys, tmp_path):
    with pytest.raises(SystemExit) as caught:
        command(OTHER, "mosaic", "waves")
    assert caught.value.code == 2
    assert f"no row of the table: mosaic, waves; rows: {FIRST}, {OTHER}" in capsys.readouterr().err
    assert trained == []
    assert not (tmp_path / "out").exists()


# --- the table, and what ships ----------------------------------------------------------------


def test_every_row_is_a_style_of_the_catalogue_and_the_first_comes_first():
    assert next(iter(RECIPE.TABLE)) == training.FIRST
    assert {*RECIPE.TABLE} <= {*nst.style_names(), *nst.painting_names()}
    for name, row in RECIPE.TABLE.items():
        first, second = row.steps
        sizes = {"batch_size": 4, "small_share": 0}
        assert RECIPE.schedule(name, first=True, slim=False, batch_size=4) == nst.Schedule(
            steps=first, batch_size=4
        )
        assert RECIPE.schedule(name, slim=False, batch_size=4) == nst.Schedule(
            steps=second, **sizes
        )
        assert RECIPE.schedule(name, slim=True, batch_size=4) == nst.Schedule(
            steps=RECIPE.SLIM_STEPS, **sizes
        )


def test_what_ships_is_in_the_table():
    for width in (1.0, SLIM_WIDTH):
        assert {*nst.network_names(width)} <= {*RECIPE.TABLE}


SHIPPED = [(name, width) for width in (1.0, SLIM_WIDTH) for name in nst.network_names(width)]


@pytest.mark.parametrize(("name", "width"), SHIPPED)
def test_what_ships_was_made_by_its_row(name, width):
    with np.load(network_path(name, width=width)) as file:
        card = json.loads(file["header"].tobytes())["card"]
    row = RECIPE.TABLE[name]
    assert card["objective"] == training.training_objective(row.style_weights[1]).settings()
    wanted = RECIPE.schedule(name, slim=width == SLIM_WIDTH, batch_size=card["batch_size"])
    assert nst.Schedule(**{name: card[name] for name in vars(wanted)}) == wanted
    assert card["start"] == name
