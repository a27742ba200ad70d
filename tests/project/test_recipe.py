"""The recipe of the networks that ship, on a table of two styles and a step or two; and those that ship, beside it."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scripts import load

import nstlib as nst
from nstlib.data import STYLE_SIZE
from nstlib.files import save_image
from nstlib.johnson import SLIM_WIDTH, architecture, training
from nstlib.johnson.network import new_network
from nstlib.johnson.saved import network_path, read_network
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
    monkeypatch.setattr(nst, "style", lambda name, size: pictures(2)[name == FIRST][:, :size])
    first = new_network(width=0.1)
    changes = {
        "TABLE": {
            FIRST: RECIPE.Row((5, 6), (2, 1)),
            OTHER: RECIPE.Row((5, 8, 9), (2, 1, 1)),
        },
        "SLIM_STEPS": 1,
        "OF_IDENTITY": SMALL,
        "OF_IMITATION": SMALL,
        "SLIM_WIDTH": 0.05,
        "style_size": {FIRST: 24, OTHER: 20}.get,
        "STYLE_SIZE": 24,
        "trunk": lambda: nst.Network(first.model, first.architecture, {"style": "identity"}),
    }
    for name, value in changes.items():
        monkeypatch.setattr(RECIPE, name, value)
    monkeypatch.setattr(nst, "Schedule", partial(nst.Schedule, size=16))
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
    assert [schedule for schedule, _ in trained] == [SMALL, SECOND, SMALL, SECOND, SECOND]
    licences = nst.catalogue().set_index("name")["licence"]
    kept = {
        name: nst.load_network(tmp_path / "work" / f"{name}.npz")
        for name in (f"{FIRST}_1", f"{OTHER}_1", f"{OTHER}_2")
    }
    for (file, network), before, weight in zip(
        found.items(), (f"{FIRST}_1", f"{OTHER}_2"), (6, 9), strict=True
    ):
        card, name = network.card, Path(file).stem
        assert (card["style"], card["licence"]) == (name, licences[name])
        assert (card["start"], card["photos"]) == (name, 2)
        assert card["style_size"] == RECIPE.style_size(name)
        assert card["start_fingerprint"] == kept[before].fingerprint
        assert card["objective"] == nst.training_objective(weight).settings()
    for name, (start, weight) in {
        f"{FIRST}_1": (None, 5),
        f"{OTHER}_1": (f"{FIRST}_1", 5),
        f"{OTHER}_2": (f"{OTHER}_1", 8),
    }.items():
        card = kept[name].card
        assert card["style_size"] == 24
        assert card["objective"] == nst.training_objective(weight).settings()
        if start:
            assert card["start_fingerprint"] == kept[start].fingerprint
    assert kept[f"{FIRST}_1"].card["start"] == "identity"

    trained.clear()
    again = command()
    assert trained == []
    assert [network.fingerprint for network in again.values()] == [
        network.fingerprint for network in found.values()
    ]

    # One row changes: that network alone is made anew.
    monkeypatch.setitem(RECIPE.TABLE, OTHER, RECIPE.Row((5, 8, 7), (2, 1, 2)))
    changed = command()
    assert [schedule for schedule, _ in trained] == [replace(SECOND, steps=2)]
    assert changed[f"{FIRST}.npz"].fingerprint == found[f"{FIRST}.npz"].fingerprint
    assert changed[f"{OTHER}.npz"].card["objective"]["style_weight"] == 7


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
        assert len(row.steps) == len(row.style_weights) >= 2
        trainings = [RECIPE.wide_training(name, number, 4) for number in range(len(row.steps))]
        assert [each.style_size for each in trainings[:-1]] == [STYLE_SIZE] * (len(row.steps) - 1)
        assert trainings[-1].style_size == RECIPE.style_size(name)
        wanted = [nst.Schedule(steps=each, batch_size=4, small_share=0) for each in row.steps]
        wanted[0] = replace(wanted[0], small_share=nst.Schedule().small_share)
        assert [each.schedule for each in trainings] == wanted
        slim = RECIPE.slim_training(name, 4)
        assert slim == trainings[-1]._replace(
            objective=slim.objective, schedule=replace(wanted[-1], steps=RECIPE.SLIM_STEPS)
        )
        assert slim.objective.fingerprint == trainings[-1].objective.fingerprint


def test_what_ships_is_in_the_table():
    for width in (1.0, SLIM_WIDTH):
        assert {*nst.network_names(width)} <= {*RECIPE.TABLE}


SHIPPED = [(name, width) for width in (1.0, SLIM_WIDTH) for name in nst.network_names(width)]


@pytest.mark.parametrize(("name", "width"), SHIPPED)
def test_what_ships_was_made_by_its_row(name, width):
    path = network_path(name, width=width)
    card = read_network(path).card
    if width == SLIM_WIDTH:
        training = RECIPE.slim_training(name, card["batch_size"])
    else:
        training = RECIPE.wide_training(name, RECIPE.last(name), card["batch_size"])
    assert training.is_done(path)
    assert card["start"] == name
