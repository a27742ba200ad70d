import json
import os
import sys
from datetime import UTC, datetime, timedelta
from importlib import metadata
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from nstlib.errors import ImageError
from nstlib.study.results import ResultsFolder, results_folder

FRAME = pd.DataFrame(
    {
        "method": ["None", "NA", "Gatys, 100"],
        "evals": [1, 10, 123456789],
        "loss": [0.123456789, np.nan, 1e-12],
        "exact": [True, False, True],
    }
)


@pytest.fixture
def folder(tmp_path):
    return results_folder("full", root=tmp_path, seed=3, machine={"processor": "a CPU", "cores": 2})


def figure(colour="black"):
    fig = Figure(figsize=(2, 1))
    fig.subplots().plot([1, 2], color=colour)
    return fig


def gradient(height=16, width=24):
    rows, columns = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    return np.stack([rows, columns, (rows + columns) / 2], axis=-1).astype("float32")


def files(root):
    """Every file below `root`, hidden ones too, with its bytes."""
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


# --- where ----------------------------------------------------------------------------------


def test_nothing_is_made_before_something_is_written(tmp_path):
    results_folder("full", root=tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_paths_of_both_profiles(tmp_path):
    full = results_folder("full", root=str(tmp_path))
    quick = results_folder(SimpleNamespace(name="quick"), root=tmp_path)
    assert full.table("speed", FRAME) == tmp_path / "tables" / "speed.csv"
    assert full.figure("speed", figure(), "Speed.") == tmp_path / "figures" / "speed.png"
    assert full.image("speed", gradient()) == tmp_path / "images" / "speed.png"
    assert quick.table("speed", FRAME) == tmp_path / "quick" / "tables" / "speed.csv"


def test_quick_never_touches_full(tmp_path):
    full = results_folder("full", root=tmp_path)
    full.table("a", FRAME)
    full.figure("a", figure(), "A.")
    full.image("a", gradient())
    before = files(tmp_path)
    quick = results_folder("quick", root=tmp_path)
    quick.table("a", FRAME.iloc[:1])
    quick.figure("a", figure("red"), "Another.")
    quick.image("a", 1 - gradient(), suffix=".jpg")
    after = files(tmp_path)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("quick" + os.sep) for name in after.keys() - before.keys())


def test_default_root_is_the_nearest_results_folder_above(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    deep = tmp_path / "notebooks" / "deep"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert results_folder("full").root == tmp_path / "results"
    (deep / "results").mkdir()
    assert results_folder("full").root == deep / "results"


def test_default_root_without_any_results_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    above = [parent / "results" for parent in tmp_path.parents]
    if any(each.is_dir() for each in above):
        pytest.skip("a results folder lies above the temporary folder")
    assert results_folder("quick").root == tmp_path / "results"


@pytest.mark.parametrize("profile", ["fast", "", None, SimpleNamespace(name="slow")])
def test_unknown_profiles_are_refused(tmp_path, profile):
    with pytest.raises(ValueError, match="accepted: smoke, quick, full"):
        results_folder(profile, root=tmp_path)


def test_the_class_itself_refuses_unknown_profiles(tmp_path):
    with pytest.raises(ValueError, match="accepted: smoke, quick, full"):
        ResultsFolder(root=tmp_path, profile="../full")


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "a.csv", "a\n", "ä", None])
def test_names_are_checked_everywhere(folder, name):
    for write in (
        lambda: folder.table(name, FRAME),
        lambda: folder.figure(name, figure(), "Caption."),
        lambda: folder.image(name, gradient()),
        lambda: folder.read(name),
    ):
        with pytest.raises(ValueError, match=r"name is .* accepted"):
            write()
    assert files(folder.root) == {}


# --- tables ---------------------------------------------------------------------------------


def test_table_round_trip(folder):
    folder.table("speed", FRAME)
    expected = FRAME.assign(loss=[0.123457, np.nan, 1e-12])
    pd.testing.assert_frame_equal(folder.read("speed"), expected)


def test_csv_text_is_fixed(folder):
    path = folder.table("speed", FRAME)
    assert path.read_bytes() == (
        b"method,evals,loss,exact\n"
        b"None,1,0.123457,True\n"
        b"NA,10,,False\n"
        b'"Gatys, 100",123456789,1e-12,True\n'
    )


def test_single_precision_is_written_as_short(folder):
    path = folder.table("x", pd.DataFrame({"x": np.float32([0.1, 1 / 3])}))
    assert path.read_text() == "x\n0.1\n0.333333\n"


def test_writing_a_table_twice_replaces_it_with_equal_bytes(folder):
    first = folder.table("speed", FRAME).read_bytes()
    folder.table("speed", FRAME.iloc[:1])
    assert len(folder.read("speed")) == 1
    assert folder.table("speed", FRAME).read_bytes() == first


def test_a_filtered_frame_is_fine_but_a_labelled_index_is_refused(folder):
    folder.table("a", FRAME[FRAME["evals"] > 5])
    folder.table("empty", FRAME.iloc[:0])
    for lossy in (FRAME.set_index("method"), FRAME.groupby("evals").sum(), FRAME.describe()):
        with pytest.raises(ValueError, match="reset_index"):
            folder.table("b", lossy)


def test_frames_are_not_changed(folder):
    before = FRAME.copy(deep=True)
    folder.table("speed", FRAME)
    pd.testing.assert_frame_equal(FRAME, before)


def test_columns_read_as_text_stay_text(folder):
    table = pd.DataFrame({"mark": ["012345678901", "5613e0112345", ""], "x": [1.5, np.nan, 2]})
    folder.table("marks", table)
    pd.testing.assert_frame_equal(folder.read("marks", text=("mark", "another")), table)


def test_reading_what_is_not_there_lists_what_is(folder):
    with pytest.raises(FileNotFoundError, match="tables there: none"):
        folder.read("speed")
    folder.table("quality", FRAME)
    folder.table("costs", FRAME)
    with pytest.raises(FileNotFoundError, match=r"no table 'speed' .* there: costs, quality"):
        folder.read("speed")


# --- figures and images ---------------------------------------------------------------------


def test_figure_is_a_png_of_the_promised_resolution(folder):
    with Image.open(folder.figure("a", figure(), "A line.")) as image:
        assert image.format == "PNG"
        assert image.info["dpi"] == pytest.approx((110, 110), abs=0.1)


def test_a_figure_needs_a_caption(folder):
    with pytest.raises(ValueError, match="caption"):
        folder.figure("a", figure(), "  ")


def test_png_image_round_trip_to_the_nearest_level(folder):
    array = gradient()
    with Image.open(folder.image("a", array)) as image:
        pixels = np.asarray(image)
    assert pixels.shape == array.shape
    assert np.abs(pixels / 255 - array).max() <= 0.5 / 255 + 1e-6


def test_jpeg_image_is_close_and_replaces_the_png(folder):
    array = gradient(64, 96)
    png = folder.image("a", array)
    jpg = folder.image("a", array, suffix=".jpg")
    with Image.open(jpg) as image:
        assert image.format == "JPEG"
        assert np.abs(np.asarray(image) / 255 - array).mean() < 0.01
    assert not png.exists()
    folder.image("a", array)
    assert not jpg.exists()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((20, 20)),
        np.zeros((20, 20, 4)),
        np.zeros((0, 20, 3)),
        np.zeros((20, 20, 3), dtype=np.uint8),
        np.full((20, 20, 3), 1.01),
        np.full((20, 20, 3), -0.01),
        np.full((20, 20, 3), np.nan),
    ],
)
def test_malformed_images_are_refused(folder, array):
    with pytest.raises(ImageError, match=r"^array: .*accepted"):
        folder.image("a", array)
    assert files(folder.root) == {}


def test_other_suffixes_are_refused(folder):
    with pytest.raises(ValueError, match=r"suffix is '.gif'; accepted: .png, .jpg"):
        folder.image("a", gradient(), suffix=".gif")


# --- provenance -----------------------------------------------------------------------------


def test_provenance_is_complete(folder):
    path = folder.figure("a", figure(), "Größe α.")
    text = path.with_suffix(".json").read_text(encoding="utf-8")
    note = json.loads(text)
    assert list(note) == ["profile", "seed", "created", "versions", "machine", "caption"]
    assert note["profile"] == "full"
    assert note["seed"] == 3
    assert note["machine"] == {"processor": "a CPU", "cores": 2}
    assert note["caption"] == "Größe α."
    assert "α" in text
    created = datetime.fromisoformat(note["created"])
    assert created.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)
    assert list(note["versions"]) == ["python", "tensorflow", "keras", "numpy", "nstlib"]
    assert note["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert note["versions"]["numpy"] == np.__version__


def test_an_uninstalled_library_is_said_to_be_so(folder, monkeypatch):
    def version(package):
        if package == "nst-study":
            raise metadata.PackageNotFoundError(package)
        return "1.2.3"

    monkeypatch.setattr(metadata, "version", version)
    note = json.loads(folder.table("a", FRAME).with_suffix(".json").read_text())
    assert note["versions"]["nstlib"] == "not installed"
    assert note["versions"]["keras"] == "1.2.3"


@pytest.mark.parametrize("caption", [None, "What it shows."])
def test_tables_and_images_may_have_a_caption(folder, caption):
    for path in (
        folder.table("a", FRAME, caption=caption),
        folder.image("a", gradient(), caption=caption),
    ):
        assert json.loads(path.with_suffix(".json").read_text())["caption"] == caption


def test_the_machine_is_copied(tmp_path):
    machine = {"cores": 2}
    folder = results_folder("full", root=tmp_path, machine=machine)
    machine["cores"] = 64
    assert folder.machine == {"cores": 2}


# --- atomic writing -------------------------------------------------------------------------


def boom(*args, **options):
    raise OSError("disk full")


def write_everything(folder, seed):
    """One function for each kind of file; `seed` makes the content differ."""
    return {
        "table": lambda: folder.table("a", FRAME.assign(seed=seed)),
        "figure": lambda: folder.figure("a", figure(f"C{seed}"), f"Caption {seed}."),
        "image": lambda: folder.image("a", gradient() / (seed + 1)),
    }


@pytest.mark.parametrize("kind", ["table", "figure", "image"])
@pytest.mark.parametrize("existing", [False, True])
def test_a_failing_replace_leaves_everything_as_it_was(folder, monkeypatch, kind, existing):
    if existing:
        write_everything(folder, 0)[kind]()
    before = files(folder.root)
    monkeypatch.setattr(os, "replace", boom)
    with pytest.raises(OSError, match="disk full"):
        write_everything(folder, 1)[kind]()
    assert files(folder.root) == before


@pytest.mark.parametrize(
    ("kind", "owner", "method"),
    [
        ("table", pd.DataFrame, "to_csv"),
        ("figure", Figure, "savefig"),
        ("image", Image.Image, "save"),
    ],
)
def test_a_writer_failing_halfway_leaves_everything_as_it_was(
    folder, monkeypatch, kind, owner, method
):
    write_everything(folder, 0)[kind]()
    before = files(folder.root)

    def half(self, path, *args, **options):
        path.write_bytes(b"half a file")
        boom()

    monkeypatch.setattr(owner, method, half)
    with pytest.raises(OSError, match="disk full"):
        write_everything(folder, 1)[kind]()
    assert files(folder.root) == before


def test_a_machine_that_json_cannot_say_leaves_everything_as_it_was(tmp_path):
    results_folder("full", root=tmp_path).table("a", FRAME)
    before = files(tmp_path)
    with pytest.raises(TypeError):
        results_folder("full", root=tmp_path, machine={"cores": object()}).table("a", FRAME)
    assert files(tmp_path) == before


def test_files_get_ordinary_permissions(folder):
    path = folder.table("a", FRAME)
    plain = folder.root / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode
    assert path.with_suffix(".json").stat().st_mode == plain.stat().st_mode
