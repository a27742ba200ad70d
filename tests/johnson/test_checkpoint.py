"""States in a folder, of a model that has nothing of a painter but an optimizer; those of a training: test_training."""

import errno
import shutil

import keras
import numpy as np
import pytest
from runs import left_over

from nstlib.errors import TrainingError
from nstlib.johnson import checkpoint
from nstlib.johnson.checkpoint import Checkpoint

SETTINGS = {"steps": 30, "objective": {"layers": ("relu1_1", "relu1_2")}, "photos": 3}
COLUMNS = ("step", "total")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras' own


def model(seed=0):
    """With the averages of its weights among the state, as the trainer has."""
    keras.utils.set_random_seed(seed)
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    made.compile(optimizer=keras.optimizers.Adam(0.1, use_ema=True), loss="mse")
    made.optimizer.build(made.trainable_variables)
    return made


def step(made, number):
    """One step of the optimizer, without a graph; the row of it."""
    gradients = [np.full(v.shape, np.sin(number), np.float32) for v in made.trainable_variables]
    made.optimizer.apply(list(map(keras.ops.convert_to_tensor, gradients)))
    return {"step": number, "total": float(np.sin(number) / 3)}


def state(made):
    variables = [*made.variables, *made.optimizer.variables]
    return [keras.ops.convert_to_numpy(each) for each in variables]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def open_folder(folder, **settings):
    return Checkpoint(folder, SETTINGS | settings, COLUMNS)


def go_on(folder, **settings):
    return open_folder(folder, **settings).restore(model(seed=1))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with a state of four steps, the model in that state, and the rows."""
    folder, made = tmp_path_factory.mktemp("state") / "run", model()
    store = open_folder(folder)
    rows = store.restore(made)
    rows += [step(made, number) for number in range(1, 5)]
    store.save(made, rows)
    return folder, made, rows


@pytest.fixture
def folder(written, tmp_path):
    """A copy to do things to."""
    return shutil.copytree(written[0], tmp_path / "copy")


# --- what is kept ---------------------------------------------------------------------------


def test_a_state_comes_back_to_the_last_bit(written, folder):
    _, made, rows = written
    other = model(seed=1)
    assert open_folder(folder).restore(other) == rows
    assert_same(state(other), state(made))
    assert int(other.optimizer.iterations) == len(rows) == 4
    assert left_over(folder) == []


def test_a_new_folder_gets_the_first_state_at_once(tmp_path):
    folder, made = tmp_path / "deep" / "er", model()
    before = state(made)
    assert open_folder(folder).restore(made) == []
    other = model(seed=1)
    assert open_folder(folder).restore(other) == []
    for found in (made, other):
        assert_same(state(found), before)


def test_a_history_ahead_of_the_weights_is_cut_to_them(written, folder):
    """As after a kill between the two files."""
    _, _, rows = written
    ahead = [*rows, {"step": 5, "total": 0.5}]
    open_folder(folder)._write("history.csv", lambda path: path.write_text(csv(ahead)))
    assert go_on(folder) == rows


def csv(rows):
    return "\n".join(["step,total", *(f"{row['step']},{row['total']!r}" for row in rows)])


def test_what_a_kill_left_is_removed_and_what_is_not_ours_stays(folder):
    (folder / ".unfinished-abc").mkdir()
    (folder / ".unfinished-abc" / "checkpoint.weights.h5").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    go_on(folder)
    assert left_over(folder) == ["notes.txt"]


def test_a_kill_before_the_first_state_leaves_a_folder_for_any_run(folder):
    (folder / "checkpoint.weights.h5").unlink()
    assert go_on(folder, steps=31) == []
    assert go_on(folder, steps=31) == []


# --- another run ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"steps": 31}, "steps"),
        ({"photos": 2, "objective": {"layers": ["relu1_1"]}}, "objective, photos"),
        ({"seed": 1}, "seed"),
    ],
)
def test_another_run_is_refused_by_what_differs(folder, other, named):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(TrainingError, match=f"holds a run that differs in {named};") as caught:
        go_on(folder, **other)
    assert str(folder) in str(caught.value)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_setting_that_is_gone_differs_too(folder):
    smaller = {name: value for name, value in SETTINGS.items() if name != "photos"}
    with pytest.raises(TrainingError, match="differs in photos;"):
        Checkpoint(folder, smaller, COLUMNS).restore(model())


def test_a_setting_that_may_grow_does_and_what_it_was_is_kept(written, folder):
    _, made, rows = written
    for steps, extensions in (
        (30, []),
        (40, [{"at": 4, "steps": 30}]),
        (40, [{"at": 4, "steps": 30}]),
        (50, [{"at": 4, "steps": 30}, {"at": 4, "steps": 40}]),
    ):
        other = model(seed=1)
        store = Checkpoint(folder, SETTINGS | {"steps": steps}, COLUMNS, growing="steps")
        assert store.restore(other) == rows
        assert_same(state(other), state(made))
        assert store.extensions == extensions


@pytest.mark.parametrize("other", [{"steps": 29}, {"steps": 31, "seed": 1}, {"photos": 4}])
def test_a_run_made_shorter_or_another_one_is_refused_all_the_same(folder, other):
    store = Checkpoint(folder, SETTINGS | other, COLUMNS, growing="steps")
    with pytest.raises(TrainingError, match=f"differs in {', '.join(sorted(other))};"):
        store.restore(model())


# --- folders that cannot serve --------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("checkpoint.weights.h5", b"not HDF5"),
        ("checkpoint.weights.h5", 0.9),
        ("history.csv", None),
        ("history.csv", b""),
        ("history.csv", b"step,loss\n1,2\n2,3\n3,1\n4,1\n"),
        ("history.csv", b"step,total\n1,2\n2,3\n4,1\n3,1\n"),
        ("history.csv", b"step,total\n1,2\n2,3\n3,1\n4,one\n"),
        ("history.csv", 0.6),
        ("settings.json", None),
        ("settings.json", b"{"),
        ("settings.json", b"[1]"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_damaged_states(folder, file, content):
    path = folder / file
    if content is None:
        path.unlink()
    elif isinstance(content, float):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(content * len(whole))])
    else:
        path.write_bytes(content)
    with pytest.raises(TrainingError, match="is damaged") as caught:
        go_on(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("inside", ["", "deep/er"])
def test_a_folder_that_is_a_file(tmp_path, inside):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"checkpoint: .*file.* cannot be written"):
        go_on(tmp_path / "file" / inside)


def forbid(monkeypatch):
    def fail(**arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoint.tempfile, "TemporaryDirectory", fail)


def test_a_state_that_can_be_read_but_not_written_is_found_at_once(folder, monkeypatch):
    forbid(monkeypatch)
    with pytest.raises(TrainingError, match="cannot be written"):
        go_on(folder)


def test_a_folder_that_cannot_be_written_any_more_keeps_its_state(written, folder, monkeypatch):
    _, _, rows = written
    made = model()
    store = open_folder(folder)
    store.restore(made)
    with monkeypatch.context() as patch:
        forbid(patch)
        with pytest.raises(TrainingError, match=r"cannot be written \(.*Permission denied"):
            store.save(made, [*rows, step(made, 5)])
    assert go_on(folder) == rows


@pytest.mark.parametrize("resumed", [False, True])
def test_a_disk_with_room_for_one_state_only_is_found_at_once(
    folder, tmp_path, monkeypatch, resumed
):
    folder = folder if resumed else tmp_path / "new"
    save = keras.Model.save_weights

    def save_if_there_is_room(made, path):
        if (folder / "checkpoint.weights.h5").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        save(made, path)

    monkeypatch.setattr(keras.Model, "save_weights", save_if_there_is_room)
    with pytest.raises(TrainingError, match=r"cannot be written \(.*No space left"):
        go_on(folder)
    assert left_over(folder) == []


def test_a_full_disk_is_found_before_hdf5_is_called(written, folder, monkeypatch):
    """HDF5 answers to one with errors that are no OSError, or ends the process."""
    resource = pytest.importorskip("resource")
    _, _, rows = written
    size = (folder / "checkpoint.weights.h5").stat().st_size
    store, made = open_folder(folder), model()
    store.restore(made)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    called = []
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", lambda made, path: called.append(path))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, limits[1]))  # of any one file
        try:
            with pytest.raises(TrainingError, match="cannot be written"):
                store.save(made, [*rows, step(made, 5)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert called == []
    assert go_on(folder) == rows
