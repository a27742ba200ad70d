import errno
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from nstlib import training, transformer
from nstlib.benchmark import describe_machine
from nstlib.data import DataError, photo, photo_names
from nstlib.images import ImageError, save_image
from nstlib.losses import checkerboard_energy, edge_aware_smoothness
from nstlib.perceptual import PerceptualLoss
from nstlib.training import TrainingError, distill, train, train_identity
from nstlib.transformer import Network, load_network, new_network, save_network

STEPS = 30
EVERY = 4
COLUMNS = ["step", "seconds", "total", "content", "style", "tv"]
OBJECTIVE = PerceptualLoss(content_layers=("relu1_2",), style_layers=("relu1_2",))


def pictures(count, height=48, width=40):
    """Random images of tiles of 8 pixels, in the 256 levels that a PNG can hold."""
    tiles = np.random.default_rng(0).integers(256, size=(count, height // 8, width // 8, 3))
    return list(np.kron(tiles, np.ones((1, 8, 8, 1))).astype(np.float32) / np.float32(255))


def run(*, start, style=None, photos=None, **options):
    style = pictures(4)[3] if style is None else style
    photos = pictures(3) if photos is None else photos
    options = {"objective": OBJECTIVE, "steps": STEPS, "size": 32, "progress": False} | options
    return train(style, photos, start=start, **options)


@pytest.fixture(scope="module", autouse=True)
def fewer_blocks():
    """One residual block in place of five: the graph is traced in half the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transformer, "_RESIDUAL_BLOCKS", 1)
        yield


@pytest.fixture(scope="module")
def start(fewer_blocks):
    keras.utils.set_random_seed(0)
    return new_network(width=0.1)


@pytest.fixture(scope="module")
def finished(start, tmp_path_factory):
    """A run that nothing interrupted, and the folder of its state."""
    folder = tmp_path_factory.mktemp("training") / "finished"
    result = run(start=start, checkpoint=folder, name="tiles", licence="CC0-1.0")
    return result, folder


@pytest.fixture
def copy(finished, tmp_path):
    return Path(shutil.copytree(finished[1], tmp_path / "copy"))


@pytest.fixture
def eagerly():
    """For runs of a step or two, which take less time than to trace their graph."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def assert_same(result, expected):
    """Equal to the last bit, but for the clock."""
    for found, weight in zip(weights(result), weights(expected), strict=True):
        np.testing.assert_array_equal(found, weight)
    pd.testing.assert_frame_equal(
        result.history.drop(columns="seconds"),
        expected.history.drop(columns="seconds"),
        check_exact=True,
    )


def weights(result):
    return result.network.model.get_weights()


def never(row):
    pytest.fail(f"a step was taken: {row}")


# --- a run ----------------------------------------------------------------------------------


def test_the_loss_falls(finished):
    total = finished[0].history["total"]
    assert total.tail(5).mean() < 0.5 * total.head(5).mean()


def test_the_network_is_as_good_as_the_last_steps(finished, start):
    def loss(network):
        shown = np.stack([network.stylize(photo) for photo in pictures(3)])
        targets = OBJECTIVE.content_targets(np.stack(pictures(3)))
        style = OBJECTIVE.style_targets(pictures(4)[3][None])
        return float(OBJECTIVE(shown, targets, style).total)

    history = finished[0].history["total"]
    assert loss(finished[0].network) < 1.5 * history.tail(5).mean()
    assert loss(finished[0].network) < 0.5 * loss(start)


def test_no_place_inside_stands_out(start, monkeypatch):
    """A photo with one spot sets a peak into the network, which the training takes down again."""
    spot = np.full((32, 32, 3), 0.5, np.float32)
    spot[13:16, 13:16] = 1.0

    def highest(network):
        model = network.model
        normalisations = keras.layers.GroupNormalization
        entering = [x.input for x in model.layers if isinstance(x, normalisations)]
        maps = keras.Model(model.inputs, entering).predict_on_batch(spot[None])
        deviations = [(m - m.mean((1, 2))) / m.std((1, 2)) for m in maps]
        return [(d**2).mean(-1).max() for d in deviations]

    options = {"start": start, "photos": [spot], "learning_rate": 1e-2}
    kept = highest(run(**options).network)
    monkeypatch.setattr(training, "_PEAK_WEIGHT", 0.0)
    left = highest(run(**options).network)
    assert max(left) > 2 * training._PEAK_LIMIT
    assert max(kept) < 0.7 * max(left)


def test_a_checkerboard_is_trained_away():
    """Transposed convolutions draw one from the first step on."""
    keras.utils.set_random_seed(0)
    start = new_network(width=0.1, upsampling="transposed")

    def checkerboard(weight):
        result = run(start=start, learning_rate=1e-2, checkerboard_weight=weight)
        shown = np.stack([result.network.stylize(photo) for photo in pictures(3)])
        return float(np.mean(checkerboard_energy(shown, transformer.STRIDE)))

    kept, left = checkerboard(1000.0), checkerboard(0.0)
    assert kept < 0.5 * left


def test_patches_in_even_areas_are_trained_away(start):
    """The stripes of the style are as wide as patches, and the photos nearly even."""
    photos = [0.5 + 0.02 * picture for picture in pictures(3)]

    def patches(weight):
        options = {"learning_rate": 1e-2, "photos": photos, "smoothness_weight": weight}
        network = run(start=start, **options).network
        shown = np.stack([network.stylize(photo) for photo in photos])
        return float(np.mean(edge_aware_smoothness(shown, np.stack(photos), 8)))

    kept, left = patches(1000.0), patches(0.0)
    assert kept < 0.5 * left


def test_the_history(finished):
    history = finished[0].history
    assert list(history) == COLUMNS
    assert history["step"].tolist() == list(range(1, STEPS + 1))
    assert history["seconds"].is_monotonic_increasing
    assert history["seconds"].iloc[0] > 0
    expected = history["content"] + 10 * history["style"] + history["tv"]
    np.testing.assert_allclose(history["total"], expected, rtol=1e-5)


def test_the_card(finished):
    result = finished[0]
    card = result.network.card
    assert json.loads(json.dumps(card)) == card
    assert card["style"] == "tiles"
    assert card["licence"] == "CC0-1.0"
    assert PerceptualLoss(**card["objective"]) == OBJECTIVE
    assert card["steps"] == STEPS
    assert card["architecture"] == result.network.architecture == {"width": 0.1}
    assert card["nstlib"] == version("nst-study")
    assert card["keras"] == keras.__version__
    assert card["backend"] == "tensorflow"
    assert card["precision"] == "float32"
    assert card["machine"] == describe_machine()
    assert (card["size"], card["batch_size"], card["photos"], card["seed"]) == (32, 1, 3, 0)
    assert card["learning_rate"] == 1e-3
    assert card["seconds"] == pytest.approx(result.history["seconds"].iloc[-1], abs=0.1)
    tail = result.history.tail(3)
    assert set(card["final_losses"]) == {"total", "content", "style", "tv"}
    for term, value in card["final_losses"].items():
        assert value == pytest.approx(tail[term].mean(), abs=1e-5)


def test_a_trained_network_survives_its_file(finished, tmp_path):
    network = finished[0].network
    loaded = load_network(save_network(network, tmp_path / "tiles.npz"))
    assert loaded.card == network.card
    image = pictures(1, 40, 56)[0]
    np.testing.assert_array_equal(loaded.stylize(image), network.stylize(image))


def test_the_start_is_left_alone(finished, start):
    keras.utils.set_random_seed(0)
    for found, expected in zip(
        start.model.get_weights(), new_network(width=0.1).model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    assert finished[0].network.card["start"] == "random"


@pytest.mark.usefixtures("eagerly")
def test_the_defaults_are_a_painter_and_the_photos_of_the_study(start, monkeypatch):
    asked = []
    monkeypatch.setattr(training, "photo", lambda name: asked.append(name) or photo(name, size=48))
    painter = Network(model=start.model, architecture=start.architecture, card={"style": "stars"})
    monkeypatch.setattr(training, "load_network", {"starry_night": painter}.__getitem__)
    result = train(pictures(1)[0], steps=1, size=32, progress=False)
    assert asked == photo_names()
    assert result.network.card["photos"] == 18 * len(photo_names())
    assert result.network.card["start"] == "stars"
    assert PerceptualLoss(**result.network.card["objective"]) == training.training_objective()


@pytest.mark.usefixtures("eagerly")
def test_a_run_starts_from_the_start_and_keeps_its_architecture():
    architecture = {"width": 0.05, "normalization": "batch", "upsampling": "transposed"}
    start = new_network(**architecture)
    start = Network(model=start.model, architecture=architecture, card={"style": "waves"})
    result = run(start=start, steps=2, batch_size=3, learning_rate=1e-9)
    assert result.network.architecture == architecture
    assert result.network.card["start"] == "waves"
    trained = result.network.model.trainable_variables
    for found, expected in zip(trained, start.model.trainable_variables, strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-7)
    # Batch normalisation has seen the batches, and keeps what it saw.
    moving = [v for v in result.network.model.non_trainable_variables if "variance" in v.path]
    assert moving
    assert not any(np.allclose(v.numpy(), 1) for v in moving)


# --- equal arguments, equal networks --------------------------------------------------------


def test_a_run_is_reproducible_without_a_checkpoint_and_from_a_folder(finished, start, tmp_path):
    for number, image in enumerate(pictures(3)):
        save_image(tmp_path / f"{number}.png", image)
    assert_same(run(start=start, photos=str(tmp_path)), finished[0])


def test_a_run_that_is_interrupted_again_and_again_ends_like_one_that_is_not(
    finished, start, tmp_path, monkeypatch
):
    folder = tmp_path / "run"
    seen = []

    def go_on(until=lambda step: False):
        seen.clear()
        return run(
            start=start,
            checkpoint=folder,
            checkpoint_every=EVERY,
            name="tiles",
            on_step=lambda row: seen.append(row["step"]) or until(row["step"]),
        )

    def fail(step):
        if step == 7:
            raise KeyError("the user's own")

    with pytest.raises(KeyError, match="own"):
        go_on(fail)

    stopped = go_on(lambda step: step == 14)
    assert seen == list(range(5, 15))  # the state saved last was that of step 4
    assert stopped.history["step"].tolist() == list(range(1, 15))
    assert stopped.network.card["steps"] == 14

    with monkeypatch.context() as patch:
        # Later than any crop that the variances are taken of.
        patch.setattr(training._Crops, "__getitem__", without_light_at(26))
        with pytest.raises(TrainingError, match="not finite at step 27: total nan") as caught:
            go_on()
    assert str(folder) in str(caught.value)
    assert seen == list(range(15, 27))

    # As if killed between its two files: the history is ahead of the weights.
    shutil.copy(finished[1] / "history.csv", folder)
    result = go_on()
    assert seen == list(range(25, STEPS + 1))
    assert_same(result, finished[0])
    assert result.history["seconds"].is_monotonic_increasing
    assert left_over(folder) == []


@pytest.mark.usefixtures("eagerly")
def test_weights_that_are_not_finite_are_neither_saved_nor_given_back(start, tmp_path):
    """A gradient that float32 cannot square, after a loss that is finite."""
    huge = PerceptualLoss(content_layers=("relu1_2",), style_layers=("relu1_2",), style_weight=1e25)
    options = {"start": start, "objective": huge, "steps": 2, "checkpoint_every": 1}
    with pytest.raises(TrainingError, match="the weights are not finite at step 1"):
        run(checkpoint=tmp_path, **options)
    assert pd.read_csv(tmp_path / "history.csv").empty
    with pytest.raises(TrainingError, match="not finite at step 1"):
        run(**options | {"steps": 1})


def without_light_at(step):
    good = training._Crops.__getitem__

    def crops(self, index):
        (batch,) = good(self, index)
        return (batch * np.nan if index == step else batch,)

    return crops


def left_over(folder):
    known = {"checkpoint.weights.h5", "history.csv", "settings.json"}
    return sorted(path.name for path in folder.iterdir() if path.name not in known)


def test_a_finished_run_is_given_back_without_a_step(finished, start):
    result = run(start=start, checkpoint=finished[1], name="tiles", on_step=never)
    assert_same(result, finished[0])
    assert result.network.card["final_losses"] == finished[0].network.card["final_losses"]
    assert result.network.card["seconds"] == finished[0].network.card["seconds"]


@pytest.mark.usefixtures("eagerly")
def test_a_run_that_is_stopped_at_its_last_step_is_finished(start, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    options = {"start": start, "checkpoint": tmp_path, "steps": 1}
    result = run(on_step=lambda row: True, **options)
    assert result.history["step"].tolist() == [1]
    assert_same(run(on_step=never, **options), result)
    assert left_over(tmp_path) == ["notes.txt"]


# --- kills ----------------------------------------------------------------------------------


def train_until_killed(folder, start, *, while_writing):
    """A run that saves its state at every step; it kills itself with half of that of step 7 written."""
    transformer._RESIDUAL_BLOCKS = 1
    save_weights = keras.Model.save_weights
    states = []

    def save_half(model, path):
        save_weights(model, path)
        states.append(path)
        if while_writing and len(states) == 9:  # two were written before the first step
            os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    keras.Model.save_weights = save_half
    run(
        start=load_network(start),
        checkpoint=folder,
        checkpoint_every=1,
        name="tiles",
        on_step=lambda row: time.sleep(0.05),  # so that the run does not end before it is killed
    )


def start_and_kill(folder, start):
    """Kills one run after another, each in a fork: none of them has to import TensorFlow again."""
    history = Path(folder) / "history.csv"
    for while_writing in (True, False):
        before = len(history.read_text().splitlines()) if history.exists() else 0
        child = os.fork()
        if child == 0:
            train_until_killed(Path(folder), start, while_writing=while_writing)
            os._exit(0)
        if not while_writing:
            deadline = time.monotonic() + 60
            # Two rows on: the weights of the first of them are written.
            while (
                len(history.read_text().splitlines()) < before + 2 and time.monotonic() < deadline
            ):
                time.sleep(0.005)
            time.sleep(random.uniform(0, 0.3))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be forked")
def test_a_run_that_is_killed_again_and_again_ends_like_one_that_is_not(finished, start, tmp_path):
    folder = tmp_path / "run"
    file = save_network(start, tmp_path / "start.npz")
    call_in_a_process(f"start_and_kill({str(folder)!r}, {str(file)!r})")
    seen = []
    result = run(
        start=load_network(file),
        checkpoint=folder,
        name="tiles",
        on_step=lambda row: seen.append(row["step"]),
    )
    assert 7 < seen[0] <= STEPS
    assert_same(result, finished[0])
    assert left_over(folder) == []


def call_in_a_process(call, **environment):
    paths = [str(Path(__file__).parent), *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | environment
    code = f"from {Path(__file__).stem} import *; {call}"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=300)


# --- another backend ------------------------------------------------------------------------


def first_losses(file, start):
    transformer._RESIDUAL_BLOCKS = 1
    result = run(start=load_network(start), name="tiles", steps=STEPS, on_step=lambda row: True)
    assert result.network.card["backend"] == keras.backend.backend()
    result.history.to_csv(file, index=False)


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_jax_starts_with_the_same_loss(finished, start, tmp_path):
    file = save_network(start, tmp_path / "start.npz")
    history = tmp_path / "history.csv"
    # Unoptimised code compiles in half the time.
    xla = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
    call_in_a_process(f"first_losses({str(history)!r}, {str(file)!r})", KERAS_BACKEND="jax", **xla)
    found, expected = pd.read_csv(history), finished[0].history
    for term in ("total", "content", "style", "tv"):
        assert found[term].iloc[0] == pytest.approx(expected[term].iloc[0], rel=1e-3)


# --- checkpoints that cannot serve ----------------------------------------------------------


def test_other_arguments_are_refused_by_name(start, copy):
    other = PerceptualLoss(content_layers=("relu1_2",), style_layers=("relu1_1",))
    with pytest.raises(TrainingError) as caught:
        run(
            start=new_network(width=0.05),
            checkpoint=copy,
            name="other",
            objective=other,
            steps=STEPS + 1,
            size=33,
            batch_size=2,
            learning_rate=2e-3,
            checkerboard_weight=1,
            smoothness_weight=1,
            seed=1,
            photos=pictures(2),
            on_step=never,
        )
    for name in ("name", "objective", "steps", "size", "batch_size", "learning_rate", "seed"):
        assert name in str(caught.value)
    assert "checkerboard_weight" in str(caught.value)
    assert "smoothness_weight" in str(caught.value)
    assert "photos" in str(caught.value)
    assert "architecture" in str(caught.value)
    assert str(copy) in str(caught.value)


def test_one_other_argument_is_the_only_one_named(start, copy):
    with pytest.raises(TrainingError, match="differs in learning_rate;"):
        run(start=start, checkpoint=copy, name="tiles", learning_rate=2e-3, on_step=never)


def test_a_folder_with_one_other_photo_is_told_from_the_first(tmp_path):
    for number, image in enumerate(pictures(3)):
        save_image(tmp_path / f"{number}.png", image)
    folder = training.photo_folder(tmp_path)
    before = training._fingerprint(training._identity(folder))
    assert before == training._fingerprint(training._identity(training.photo_folder(tmp_path)))
    save_image(tmp_path / "2.png", pictures(1, 16, 24)[0])
    assert before != training._fingerprint(training._identity(training.photo_folder(tmp_path)))


def test_a_run_in_another_precision_is_refused(start, copy, monkeypatch):
    monkeypatch.setattr(training, "precision_in_use", lambda: "bfloat16")
    with pytest.raises(TrainingError, match="differs in precision;"):
        run(start=start, checkpoint=copy, name="tiles", on_step=never)


def test_other_pictures_of_the_same_name_and_number_are_refused(start, copy):
    one_other = [*pictures(3)[:2], 1 - pictures(3)[2]]
    for argument, images in (("style", 1 - pictures(4)[3]), ("photos", one_other)):
        with pytest.raises(TrainingError, match=f"differs in {argument}"):
            run(start=start, checkpoint=copy, name="tiles", on_step=never, **{argument: images})


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("checkpoint.weights.h5", b"not HDF5"),
        ("checkpoint.weights.h5", 0.9),
        ("history.csv", None),
        ("history.csv", b""),
        ("history.csv", b"step,loss\n1,2\n2,3\n3,1\n4,1\n5,2\n6,2\n7,3\n"),
        ("history.csv", 0.6),
        ("settings.json", None),
        ("settings.json", b"{"),
        ("settings.json", b"[1]"),
    ],
    ids=lambda value: str(value)[:16],
)
def test_damaged_states(start, copy, file, content):
    path = copy / file
    if content is None:
        path.unlink()
    elif isinstance(content, float):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(content * len(whole))])
    else:
        path.write_bytes(content)
    with pytest.raises(TrainingError, match="damaged") as caught:
        run(start=start, checkpoint=copy, name="tiles", on_step=never)
    assert str(copy) in str(caught.value)


@pytest.mark.parametrize("inside", ["", "deep/er"])
def test_a_folder_that_is_a_file(start, tmp_path, inside):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"checkpoint: .*file.* cannot be written"):
        run(start=start, checkpoint=tmp_path / "file" / inside, on_step=never)


def forbid(monkeypatch):
    def fail(**arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(training.tempfile, "TemporaryDirectory", fail)


def test_a_state_that_can_be_read_but_not_written_is_found_before_the_first_step(
    start, copy, monkeypatch
):
    forbid(monkeypatch)
    with pytest.raises(TrainingError, match="cannot be written"):
        run(start=start, checkpoint=copy, name="tiles", on_step=never)


@pytest.mark.parametrize("resumed", [False, True])
def test_a_disk_with_room_for_one_state_only_is_found_before_the_first_step(
    start, copy, tmp_path, monkeypatch, resumed
):
    folder = copy if resumed else tmp_path / "new"
    save = keras.Model.save_weights

    def save_if_there_is_room(model, path):
        if (folder / "checkpoint.weights.h5").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        save(model, path)

    monkeypatch.setattr(keras.Model, "save_weights", save_if_there_is_room)
    with pytest.raises(TrainingError, match=r"cannot be written \(.*No space left"):
        run(start=start, checkpoint=folder, name="tiles", on_step=never)
    assert left_over(folder) == []


@pytest.mark.usefixtures("eagerly")
def test_a_folder_that_cannot_be_written_any_more(start, tmp_path, monkeypatch):
    options = {"start": start, "checkpoint": tmp_path, "checkpoint_every": 1}
    with pytest.raises(TrainingError, match="cannot be written"):
        run(on_step=lambda row: forbid(monkeypatch), **options)


# --- what stops a run -----------------------------------------------------------------------


@pytest.mark.parametrize("argument", ["steps", "size", "batch_size", "checkpoint_every"])
@pytest.mark.parametrize("value", [0, -1, 32.0, "32", True, None], ids=repr)
def test_counts_that_are_none(argument, value):
    with pytest.raises(ValueError, match=f"{argument}: {value!r} is not a whole number"):
        run(start=None, **{argument: value})


def test_crops_have_at_least_16_pixels():
    with pytest.raises(ValueError, match="size: 15 is not a whole number of at least 16"):
        run(start=None, size=15)


@pytest.mark.parametrize("value", [0, 1, -0.1, float("nan"), True, "0.001", None], ids=repr)
def test_learning_rates_that_are_none(value):
    with pytest.raises(ValueError, match="learning_rate"):
        run(start=None, learning_rate=value)


@pytest.mark.parametrize("argument", ["checkerboard_weight", "smoothness_weight"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), True, "1", None], ids=repr)
def test_weights_of_penalties_that_are_none(argument, value):
    with pytest.raises(ValueError, match=argument):
        run(start=None, **{argument: value})


@pytest.mark.parametrize("value", [-1, 1.5, "0", None], ids=repr)
def test_seeds_that_are_none(start, value):
    with pytest.raises(ValueError, match="seed"):
        run(start=start, seed=value)


def test_style_images_that_are_none(start):
    with pytest.raises(ImageError, match="style"):
        run(start=start, style=np.zeros((32, 32), np.float32))


# --- photos ---------------------------------------------------------------------------------


def test_no_photos(start, tmp_path):
    with pytest.raises(ValueError, match="photos is empty"):
        run(start=start, photos=[])
    with pytest.raises(DataError):
        run(start=start, photos=tmp_path)
    with pytest.raises(DataError):
        run(start=start, photos=tmp_path / "missing")


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((48, 48), np.float32),
        np.zeros((48, 48, 3), np.uint8),
        np.zeros((8, 48, 3), np.float32),
        "photo.jpg",
    ],
    ids=["grey", "uint8", "small", "str"],
)
def test_photos_that_are_none(start, photo):
    with pytest.raises(ImageError, match=r"photos\[1\]"):
        run(start=start, photos=[pictures(1)[0], photo], on_step=never)


@pytest.mark.usefixtures("eagerly")
def test_a_photo_that_is_lost_on_the_way_is_reported_as_such(start):
    class Photos(list):
        loaded = 0

        def __getitem__(self, index):
            self.loaded += 1
            if self.loaded > training._VARIANCE_CROPS + 2:
                raise ImageError("lost.jpg: no such file")
            return super().__getitem__(index)

    with pytest.raises(ImageError, match="lost"):
        run(start=start, photos=Photos(pictures(3)))


def test_crops_come_from_everywhere_in_the_photo_at_any_size():
    rows, columns = np.mgrid[:64, :96].astype(np.float32)
    image = np.stack([rows / 64, columns / 96, np.zeros_like(rows)], axis=-1)
    crops = training._Crops(images=[image], size=16, batch_size=4, seed=0, steps=50)
    batches = np.concatenate([crops[i][0] for i in range(50)])
    assert batches.shape == (200, 16, 16, 3)
    height = np.ptp(batches[..., 0], axis=(1, 2)) * 64
    assert height.min() < 25
    assert height.max() > 55
    assert batches[..., 0].min() < 0.05
    assert batches[..., 1].max() > 0.95
    mirrored = batches[:, 0, 0, 1] > batches[:, 0, -1, 1]
    assert 70 < mirrored.sum() < 130
    # A pure function of seed and step.
    again = training._Crops(images=[image], size=16, batch_size=4, seed=0, steps=21)
    np.testing.assert_array_equal(again[20][0], crops[20][0])


def test_photos_smaller_than_the_crops_are_enlarged():
    crops = training._Crops(images=pictures(1, 16, 24), size=32, batch_size=2, seed=0, steps=1)
    assert crops[0][0].shape == (2, 32, 32, 3)


def test_variants_of_a_photo_are_its_channels_in_every_order_lighter_and_darker():
    photos = pictures(2)
    variants = training._Variants(photos)
    assert len(variants) == 36
    images = [np.asarray(variants[i]) for i in range(36)]
    assert len({image.tobytes() for image in images}) == 36
    for photo_index, photo_ in enumerate(photos):
        own = images[18 * photo_index : 18 * (photo_index + 1)]
        assert any(np.array_equal(image, photo_) for image in own)
        assert any(np.array_equal(image, photo_[..., ::-1]) for image in own)
        means = [image.mean() for image in own]
        assert min(means) < photo_.mean() < max(means)
    assert all(image.dtype == np.float32 and image.max() <= 1 for image in images)


# --- train_identity -------------------------------------------------------------------------


def test_train_identity_learns_to_reproduce_its_input(start):
    def error(network):
        return np.mean([np.abs(network.stylize(photo) - photo).mean() for photo in pictures(3)])

    options = {"size": 32, "width": 0.1, "learning_rate": 0.01, "progress": False}
    network = train_identity(pictures(3), steps=60, **options)
    assert error(network) < 0.65 * error(start)
    assert network.architecture == {"width": 0.1}
    assert network.card["style"] == "identity"
    assert network.card["steps"] == 60
    assert json.loads(json.dumps(network.card)) == network.card
    for steps in (0, 1.5):
        with pytest.raises(ValueError, match="steps"):
            train_identity(pictures(3), steps=steps, **options)


# --- distill ----------------------------------------------------------------------------------


def test_distill_learns_to_paint_as_the_other_does(start):
    def error(network):
        pairs = [(network.stylize(photo), start.stylize(photo)) for photo in pictures(3)]
        return np.mean([np.abs(one - other).mean() for one, other in pairs])

    keras.utils.set_random_seed(1)
    before = new_network(width=0.05)
    options = {"size": 32, "learning_rate": 0.01, "progress": False}
    slim = distill(start, pictures(3), steps=60, start=before, **options)
    assert error(slim) < 0.65 * error(before)
    assert slim.architecture == {"width": 0.05}
    assert slim.card["distilled"]["from"] == start.fingerprint
    assert slim.card["distilled"]["steps"] == 60
    assert json.loads(json.dumps(slim.card)) == slim.card
    with pytest.raises(ValueError, match="width: the architecture is that of start"):
        distill(start, pictures(3), start=before, width=0.1, **options)
    with pytest.raises(ValueError, match="steps"):
        distill(start, pictures(3), steps=0, width=0.05, **options)
