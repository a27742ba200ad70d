import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from runs import (
    OBJECTIVE,
    PROCESSES,
    RESIDUAL_BLOCKS,
    SHORT,
    STYLE,
    assert_same,
    left_over,
    never,
    pictures,
    run,
    run_eagerly,
    start_network,
)

from nstlib.errors import DataError, ImageError, TrainingError
from nstlib.files import save_image
from nstlib.johnson import architecture, training
from nstlib.johnson.crops import Crops
from nstlib.johnson.network import Network, load_network, new_network, save_network
from nstlib.johnson.schedule import Schedule
from nstlib.johnson.training import training_objective
from nstlib.machine.measuring import describe_machine
from nstlib.machine.precision import precision_in_use
from nstlib.objective.perceptual import PerceptualLoss

# Half of its steps on crops of half the size.
LONG = Schedule(steps=30, size=32)
COLUMNS = ["step", "seconds", "total", "content", "style", "tv"]

pytestmark = [
    pytest.mark.usefixtures("few_layers"),
    pytest.mark.filterwarnings("ignore:__array__ implementation"),  # Keras' own
]


@pytest.fixture(scope="module")
def finished(start, tmp_path_factory):
    """A run that nothing interrupted, the folder of its state, and a copy of that as it was at step 21."""
    folder = tmp_path_factory.mktemp("training") / "finished"
    halfway = folder.with_name("halfway")

    def keep(row):
        if row["step"] == 21:
            shutil.copytree(folder, halfway)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "_EVERY", 4)
        result = run(start, schedule=LONG, checkpoint=folder, on_step=keep)
    return result, folder, halfway


@pytest.fixture(scope="module")
def short(start, tmp_path_factory):
    """The same of eight steps without a graph."""
    folder = tmp_path_factory.mktemp("training") / "short"
    return run_eagerly(start, checkpoint=folder), folder


@pytest.fixture
def copy(short, tmp_path):
    return Path(shutil.copytree(short[1], tmp_path / "copy"))


@pytest.fixture
def often(monkeypatch):
    """The state is saved after every second step."""
    monkeypatch.setattr(training, "_EVERY", 2)


# --- a run ----------------------------------------------------------------------------------


@pytest.mark.slow  # the run of 30 steps
def test_the_loss_falls(finished):
    total = finished[0].history["total"]
    assert total.tail(5).mean() < 0.5 * total.head(5).mean()


@pytest.mark.slow  # the run of 30 steps
def test_the_network_is_as_good_as_the_last_steps(finished, start):
    def loss(network):
        shown = np.stack([network.stylize(photo) for photo in pictures(3)])
        targets = OBJECTIVE.content_targets(np.stack(pictures(3)))
        return float(OBJECTIVE(shown, targets, OBJECTIVE.style_targets(STYLE[None])).total)

    history = finished[0].history["total"]
    assert loss(finished[0].network) < 1.5 * history.tail(5).mean()
    assert loss(finished[0].network) < 0.5 * loss(start)


@pytest.mark.slow  # the run of 30 steps
def test_the_history(finished):
    history = finished[0].history
    assert list(history) == COLUMNS
    assert history["step"].tolist() == list(range(1, LONG.steps + 1))
    assert history["seconds"].is_monotonic_increasing
    assert history["seconds"].iloc[0] > 0
    expected = history["content"] + 10 * history["style"] + history["tv"]
    np.testing.assert_allclose(history["total"], expected, rtol=1e-5)


@pytest.mark.slow  # the run of 30 steps
def test_the_card(finished, start):
    result = finished[0]
    card = result.network.card
    assert json.loads(json.dumps(card)) == card
    assert (card["style"], card["licence"]) == ("unnamed", "unknown")
    assert PerceptualLoss(**card["objective"]) == OBJECTIVE
    assert Schedule(**{name: card[name] for name in vars(LONG)}) == LONG
    assert result.network.architecture == architecture.Architecture(width=0.1)
    assert card["architecture"] == asdict(result.network.architecture)
    assert (card["start"], card["start_fingerprint"]) == ("random", start.fingerprint)
    assert (card["style_size"], card["photos"]) == (max(STYLE.shape), 3)
    assert card["nstlib"] == version("nst-study")
    assert card["keras"] == keras.__version__
    assert card["backend"] == keras.backend.backend()
    assert card["precision"] == precision_in_use()
    assert card["machine"] == describe_machine()
    assert card["seconds"] == pytest.approx(result.history["seconds"].iloc[-1], abs=0.1)
    tail = result.history.tail(3)
    assert set(card["final_losses"]) == {"total", "content", "style", "tv"}
    for term, value in card["final_losses"].items():
        assert value == pytest.approx(tail[term].mean(), abs=1e-5)


@pytest.mark.slow  # the run of 30 steps
def test_a_trained_network_survives_its_file(finished, tmp_path):
    network = finished[0].network.labelled("tiles", "CC0-1.0")
    loaded = load_network(save_network(network, tmp_path / "tiles.npz"))
    assert (
        loaded.card
        == network.card
        == finished[0].network.card
        | {
            "style": "tiles",
            "licence": "CC0-1.0",
        }
    )
    image = pictures(1, 40, 56)[0]
    np.testing.assert_array_equal(loaded.stylize(image), network.stylize(image))


def test_the_start_is_left_alone(short, start):
    for found, expected in zip(
        start.model.get_weights(), start_network().model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    assert short[0].network.fingerprint != start.fingerprint


def test_the_defaults_are_a_painter_and_the_photos_of_the_study(start, monkeypatch):
    asked = []
    monkeypatch.setattr(
        training, "training_photos", lambda photos, size: asked.append(photos) or pictures(2)
    )
    painter = Network(start.model, start.architecture, {"style": "stars"})
    monkeypatch.setattr(training, "load_network", {"starry_night": painter}.__getitem__)
    result = run_eagerly(None, photos=None, objective=None, schedule=replace(SHORT, steps=1))
    assert result.network.card["start"] == "stars"
    assert PerceptualLoss(**result.network.card["objective"]) == training_objective()


def test_a_run_starts_from_the_start_and_keeps_its_architecture():
    start = new_network(width=0.05, normalization="batch", upsampling="transposed")
    start = Network(start.model, start.architecture, card={"style": "waves"})
    schedule = replace(SHORT, steps=2, batch_size=3, learning_rate=1e-9)
    result = run_eagerly(start, schedule=schedule)
    assert result.network.architecture == start.architecture
    assert result.network.card["start"] == "waves"
    trained = result.network.model.trainable_variables
    for found, expected in zip(trained, start.model.trainable_variables, strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-7)
    # Batch normalisation has seen the batches, and keeps what it saw.
    moving = [v for v in result.network.model.non_trainable_variables if "variance" in v.path]
    assert moving
    assert not any(np.allclose(v.numpy(), 1) for v in moving)


def test_the_style_weight_of_the_objective_is_the_callers():
    assert training_objective(12.0) == replace(training_objective(), style_weight=12.0)
    with pytest.raises(ValueError, match="style_weight"):
        training_objective(-1)


# --- equal arguments, equal networks --------------------------------------------------------


@pytest.mark.slow
def test_a_run_is_reproducible_without_a_checkpoint_and_from_a_folder(short, start, tmp_path):
    for number, image in enumerate(pictures(3)):
        save_image(tmp_path / f"{number}.png", image)
    assert_same(run_eagerly(start, photos=str(tmp_path)), short[0])


@pytest.mark.slow  # the run of 30 steps
def test_a_run_that_goes_on_takes_the_steps_it_lacks_in_the_same_way(finished, start):
    """With a graph, traced anew for what is left: none for the smaller crops, all of which were seen."""
    expected, _, halfway = finished
    seen = []
    result = run(
        start,
        schedule=LONG,
        checkpoint=halfway,
        on_step=lambda row: seen.append(row["step"]),
    )
    assert seen == list(range(21, LONG.steps + 1))  # the state saved last was that of step 20
    assert_same(result, expected)


@pytest.mark.slow
@pytest.mark.usefixtures("often")
def test_a_run_that_is_interrupted_again_and_again_ends_like_one_that_is_not(
    short, start, tmp_path, monkeypatch
):
    folder = tmp_path / "run"
    seen = []

    def go_on(until=lambda step: False):
        seen.clear()
        return run_eagerly(
            start,
            checkpoint=folder,
            on_step=lambda row: seen.append(row["step"]) or until(row["step"]),
        )

    def fail(step):
        if step == 3:
            raise KeyError("the user's own")

    with pytest.raises(KeyError, match="own"):
        go_on(fail)

    stopped = go_on(lambda step: step == 3)
    assert seen == [3]  # the state saved last was that of step 2
    assert stopped.history["step"].tolist() == [1, 2, 3]
    assert stopped.network.card["steps"] == 3

    with monkeypatch.context() as patch:
        patch.setattr(Crops, "__getitem__", without_light_at(6))
        with pytest.raises(TrainingError, match="not finite at step 7: total nan") as caught:
            go_on()
    assert str(folder) in str(caught.value)
    assert seen == [4, 5, 6]  # a run that is stopped is saved

    # As if killed between its two files: the history is ahead of the weights.
    shutil.copy(short[1] / "history.csv", folder)
    result = go_on()
    assert seen == [7, 8]
    assert_same(result, short[0])
    assert result.history["seconds"].is_monotonic_increasing
    assert left_over(folder) == []


def without_light_at(step):
    """The crops, but for one step; not those of which variances are taken."""
    good = Crops.__getitem__

    def crops(self, index):
        batch = good(self, index)
        dark = index == step and len(self) == SHORT.steps
        return batch * np.nan if dark else batch

    return crops


@pytest.mark.slow
def test_weights_that_are_not_finite_are_neither_saved_nor_given_back(start, tmp_path, monkeypatch):
    """A gradient that float32 cannot square, after a loss that is finite."""
    monkeypatch.setattr(training, "_EVERY", 1)
    options = {"objective": replace(OBJECTIVE, style_weight=1e25)}
    with pytest.raises(TrainingError, match="the weights are not finite at step 1"):
        run_eagerly(start, checkpoint=tmp_path, **options)
    assert pd.read_csv(tmp_path / "history.csv").empty
    with pytest.raises(TrainingError, match="not finite at step 1"):
        run_eagerly(start, schedule=replace(SHORT, steps=1), **options)


def test_pixels_that_are_no_numbers_are_seen_whatever_the_losses_say(start, monkeypatch):
    """As where a ReLU or a pooling of TensorFlow drops a NaN on its way to the losses."""
    broken = new_network(**asdict(start.architecture))
    *weights, _ = start.model.get_weights()
    broken.model.set_weights([*weights, np.array([np.nan, 0, 0], np.float32)])
    real = PerceptualLoss.__call__

    def deaf(self, images, *targets, **options):
        return real(self, keras.ops.nan_to_num(images), *targets, **options)

    monkeypatch.setattr(PerceptualLoss, "__call__", deaf)
    with pytest.raises(TrainingError, match="the picture is not finite at step 1: it has pixels"):
        run_eagerly(broken, schedule=replace(SHORT, steps=1))


@pytest.mark.slow  # the run of 30 steps
def test_a_finished_run_is_given_back_without_a_step(finished, start):
    result = run(start, schedule=LONG, checkpoint=finished[1], on_step=never)
    assert_same(result, finished[0])
    assert result.network.card["final_losses"] == finished[0].network.card["final_losses"]
    assert result.network.card["seconds"] == finished[0].network.card["seconds"]


@pytest.mark.slow
def test_a_run_that_is_stopped_at_its_last_step_is_finished(start, tmp_path):
    options = {"checkpoint": tmp_path, "schedule": replace(SHORT, steps=1)}
    result = run_eagerly(start, on_step=lambda row: True, **options)
    assert result.history["step"].tolist() == [1]
    assert_same(run_eagerly(start, on_step=never, **options), result)


# --- kills ----------------------------------------------------------------------------------


def train_until_killed(folder, *, while_writing):
    """Saves its state at every step, and kills itself with half of that of step 3 written or waits to be killed."""
    architecture._RESIDUAL_BLOCKS, training._EVERY = RESIDUAL_BLOCKS, 1
    save_weights = keras.Model.save_weights
    states = []

    def save_half(model, path):
        save_weights(model, path)
        states.append(path)
        if while_writing and len(states) == 5:  # two were written before the first step
            os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    keras.Model.save_weights = save_half
    run_eagerly(
        start_network(),
        checkpoint=folder,
        on_step=lambda row: time.sleep(60 if row["step"] == SHORT.steps else 0.05),
    )


def exit_code(folder, *, while_writing):
    process = PROCESSES.Process(
        target=train_until_killed, args=(folder,), kwargs={"while_writing": while_writing}
    )
    process.start()
    if not while_writing:
        deadline = time.monotonic() + 60
        while "\n5," not in (folder / "history.csv").read_text() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.1)
        process.kill()
    process.join()
    return process.exitcode


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals and processes that can be forked")
def test_a_run_that_is_killed_again_and_again_ends_like_one_that_is_not(short, start, tmp_path):
    folder = tmp_path / "run"
    for while_writing in (True, False):
        assert exit_code(folder, while_writing=while_writing) == -signal.SIGKILL
    seen = []
    result = run_eagerly(start, checkpoint=folder, on_step=lambda row: seen.append(row["step"]))
    assert 5 <= seen[0] <= SHORT.steps
    assert_same(result, short[0])
    assert left_over(folder) == []


# --- another backend ------------------------------------------------------------------------


def losses(start, steps):
    """The first losses of a run, on the backend at hand."""
    architecture._RESIDUAL_BLOCKS = RESIDUAL_BLOCKS
    result = run(load_network(start), on_step=lambda row: row["step"] == steps)
    return {"backend": result.network.card["backend"], **result.history.to_dict("list")}


@pytest.mark.slow
# JAX compiles its step for half a minute where it may optimise, and one is enough to see that it is the same.
@pytest.mark.parametrize(("backend", "steps"), [("jax", 1), ("torch", SHORT.steps)])
def test_another_backend_has_the_same_losses(short, start, tmp_path, backend, steps):
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: the extra `torch` brings PyTorch")
    file = save_network(start, tmp_path / "start.npz")
    code = (
        "import json; from test_training import *; "
        f"print(json.dumps(losses({str(file)!r}, {steps})))"
    )
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # the time goes into compiling
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    found, expected = json.loads(process.stdout.splitlines()[-1]), short[0].history.head(steps)
    assert found["backend"] == backend
    for term in ("total", "content", "style", "tv"):
        assert found[term] == pytest.approx(expected[term].tolist(), rel=1e-3)


# --- runs that are made longer --------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("often")
def test_a_finished_run_goes_on_with_more_steps_and_its_card_says_so(start, short, tmp_path):
    longer = replace(SHORT, steps=12)
    folders = [shutil.copytree(short[1], tmp_path / name) for name in ("once", "twice")]
    seen = []
    result = run_eagerly(
        start, schedule=longer, checkpoint=folders[0], on_step=lambda row: seen.append(row["step"])
    )
    assert seen == [9, 10, 11, 12]
    assert result.network.card["steps"] == 12
    assert result.network.card["extensions"] == [{"at": 8, "steps": 8}]
    assert "extensions" not in short[0].network.card
    before, after = (each.history.drop(columns="seconds") for each in (short[0], result))
    pd.testing.assert_frame_equal(after.head(8), before, check_exact=True)
    # Stopped in the midst of it, it ends the same.
    stop = {"checkpoint": folders[1], "on_step": lambda row: row["step"] == 10}
    assert len(run_eagerly(start, schedule=longer, **stop).history) == 10
    again = run_eagerly(start, schedule=longer, checkpoint=folders[1])
    assert_same(again, result)
    assert again.network.card["extensions"] == result.network.card["extensions"]


# --- checkpoints that are of another run ----------------------------------------------------


def test_other_arguments_are_refused_by_name(copy):
    other = Schedule(steps=9, size=17, small_share=0, batch_size=2, learning_rate=2e-3, seed=1)
    with pytest.raises(TrainingError) as caught:
        run(
            new_network(width=0.05),
            schedule=other,
            objective=PerceptualLoss(content_layers=("relu1_2",), style_layers=("relu1_1",)),
            checkpoint=copy,
            photos=pictures(2),
            on_step=never,
        )
    differing = str(caught.value).split("differs in ")[1].split(";")[0].split(", ")
    expected = ["architecture", "objective", "photos", "photos_fingerprint", "start_fingerprint"]
    assert differing == sorted([*expected, *vars(other)])
    assert str(copy) in str(caught.value)


def test_one_other_argument_is_the_only_one_named(start, copy):
    schedule = replace(SHORT, learning_rate=2e-3)
    with pytest.raises(TrainingError, match="differs in learning_rate;"):
        run(start, schedule=schedule, checkpoint=copy, on_step=never)


def test_a_run_in_another_precision_is_refused(start, copy, monkeypatch):
    monkeypatch.setattr(training, "precision_in_use", lambda: "bfloat16")
    with pytest.raises(TrainingError, match="differs in precision;"):
        run(start, checkpoint=copy, on_step=never)


@pytest.mark.parametrize(
    ("argument", "images"),
    [("style", 1 - STYLE), ("photos", [*pictures(3)[:2], 1 - pictures(3)[2]])],
    ids=["style", "photos"],
)
def test_other_pictures_of_the_same_number_are_refused(start, copy, argument, images):
    with pytest.raises(TrainingError, match=f"differs in {argument}_fingerprint;"):
        run(start, checkpoint=copy, on_step=never, **{argument: images})


def test_a_folder_that_cannot_be_written_is_found_before_the_first_step(start, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be written"):
        run(start, checkpoint=tmp_path / "file" / "deep", on_step=never)


# --- pictures that are none -----------------------------------------------------------------


def test_style_images_that_are_none(start):
    with pytest.raises(ImageError, match="style"):
        run(start, style=np.zeros((32, 32), np.float32), on_step=never)


def test_photos_that_are_none(start, tmp_path):
    with pytest.raises(ValueError, match="photos is empty"):
        run(start, photos=[], on_step=never)
    with pytest.raises(DataError):
        run(start, photos=tmp_path, on_step=never)
    with pytest.raises(ImageError, match=r"photos\[1\]"):
        run(start, photos=[pictures(1)[0], "photo.jpg"], on_step=never)


def test_a_photo_that_is_lost_on_the_way_is_reported_as_such(start):
    class Photos(list):
        loaded = 0

        def __getitem__(self, index):
            self.loaded += 1
            if self.loaded > training._VARIANCE_CROPS + 2:
                raise ImageError("lost.jpg: no such file")
            return super().__getitem__(index)

    with pytest.raises(ImageError, match="lost"):
        run_eagerly(start, photos=Photos(pictures(3)))
