import dataclasses
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import tensorflow as tf
import tiny
from click.testing import CliRunner
from PIL import Image

import nstlib as nst
from nstlib import cli
from nstlib.cli import overview, painting
from nstlib.files import load_alpha
from nstlib.johnson import PRECISIONS, SLIM_WIDTH, architecture, saved, training
from nstlib.johnson.engines import Engine
from nstlib.johnson.network import new_network
from nstlib.masks import fit_mask
from nstlib.methods import blend
from nstlib.objective.perceptual import PerceptualLoss

STYLE = "linocut"
MIX = ["--method", "gatys", "--style", STYLE, "--style", "brush_flow"]


@pytest.fixture(scope="module")
def few_layers():
    """No residual blocks in networks: this is not about painting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(architecture, "_RESIDUAL_BLOCKS", 0)
        yield


@pytest.fixture(scope="module")
def shipped(few_layers, tmp_path_factory):
    """A folder of tiny networks as if they shipped: of the style, and of the one that trainings start from."""
    folder = tmp_path_factory.mktemp("networks")
    (folder / "slim").mkdir()
    for name in (STYLE, training.FIRST):
        nst.save_network(tiny.network().labelled(name), folder / f"{name}.npz")
        nst.save_network(tiny.network(seed=1).labelled(name), folder / "slim" / f"{name}.npz")
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch, shipped):
    """Every command runs in an empty folder, knows tiny networks alone, and looks at small style images."""
    monkeypatch.setattr(saved, "_FOLDER", shipped)
    monkeypatch.setattr("nstlib.data.pictures.STYLE_SIZE", 64)
    monkeypatch.setattr("nstlib.cli.common.STYLE_SIZE", 64)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module", autouse=True)
def without_graphs():
    """To trace the graph of a network takes longer than a picture."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def photo(elsewhere):
    path = elsewhere / "photo.png"
    nst.save_image(path, nst.photo("coffee", size=48))
    return path


def nst_command(*arguments):
    run = CliRunner().invoke(cli.main, [str(each) for each in arguments])
    assert run.exception is None or isinstance(run.exception, SystemExit), run.exception
    return run


def same(path, image):
    np.testing.assert_allclose(nst.load_image(path), image, atol=0.51 / 255)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


# --- stylize -----------------------------------------------------------------------------------


def test_a_photo_is_painted_by_the_shipped_network(photo, elsewhere):
    run = nst_command("stylize", photo, "--style", STYLE)
    assert run.exit_code == 0
    assert "photo_linocut.png" in run.output
    same(elsewhere / "photo_linocut.png", nst.load_network(STYLE).stylize(nst.load_image(photo)))


@pytest.mark.parametrize("name", ["out.avif", "OUT.AVIF", "out.webp"])
def test_the_suffix_of_the_output_picks_the_format(photo, elsewhere, name):
    run = nst_command("stylize", photo, "--style", STYLE, "-o", name)
    assert run.exit_code == 0, run.output
    assert files(elsewhere) == sorted([name, "photo.png"])
    with Image.open(name) as picture:
        assert picture.format == name[-4:].upper()
        assert picture.size == nst.load_image(photo).shape[1::-1]


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (["--method", "gatys", "--steps", "2"], {"method": "gatys", "steps": 2}),
        (["--method", "hybrid", "--steps", "1"], {"method": "hybrid", "steps": 1}),
        (["--preserve-color", "histogram"], {"preserve_colour": "histogram"}),
    ],
)
def test_options_are_those_of_the_library(photo, elsewhere, options, arguments):
    run = nst_command("stylize", photo, "--style", STYLE, "--size", 40, "-o", "out.png", *options)
    assert run.exit_code == 0, run.output
    image = nst.load_image(photo, size=40)
    expected = nst.stylize(image, STYLE, **arguments, progress=False)
    assert nst.load_image("out.png").shape == image.shape
    same(elsewhere / "out.png", expected)


def test_of_a_folder_the_good_are_painted_and_the_bad_reported(photo, elsewhere):
    folder = elsewhere / "holiday"
    folder.mkdir()
    for name in ("a.png", "b c.PNG", "naïve 'é'.png", "line\nend.png"):
        (folder / name).write_bytes(photo.read_bytes())
    (folder / "bad.jpg").write_bytes(b"junk")
    (folder / "notes.txt").write_text("not a photo")
    run = nst_command("stylize", folder, "--style", STYLE, "-o", "out")
    assert run.exit_code == 2
    assert "bad.jpg: is no picture" in run.output
    assert "1 of 5 could not be done" in run.output
    names = ["a_linocut.png", "b c_linocut.png", "line\nend_linocut.png", "naïve 'é'_linocut.png"]
    assert files(elsewhere / "out") == names
    assert "line\nend" not in run.output


def test_patterns_are_expanded(photo, elsewhere):
    for name in ("a1.png", "a2.png", "b1.png"):
        (elsewhere / name).write_bytes(photo.read_bytes())
    run = nst_command("stylize", "a*.png", "none*.png", "--style", STYLE, "-o", "out")
    assert files(elsewhere / "out") == ["a1_linocut.png", "a2_linocut.png"]
    assert run.exit_code == 2
    assert "none*.png: no picture there" in run.output
    assert "1 of 3 could not be done" in run.output


def test_nothing_is_replaced_unless_told(photo, elsewhere):
    target = elsewhere / "out.png"
    target.write_bytes(b"precious")
    run = nst_command("stylize", photo, "--style", STYLE, "-o", target)
    assert run.exit_code == 2
    assert "out.png exists; --force replaces it" in run.output
    assert target.read_bytes() == b"precious"
    assert nst_command("stylize", photo, "--style", STYLE, "-o", target, "--force").exit_code == 0
    assert nst.load_image(target).shape == nst.load_image(photo).shape


def test_two_photos_of_one_name_do_not_replace_each_other(photo, elsewhere):
    for folder in ("a", "b"):
        (elsewhere / folder).mkdir()
        (elsewhere / folder / "x.png").write_bytes(photo.read_bytes())
    run = nst_command("stylize", "a", "b", "--style", STYLE, "-o", "out", "--force")
    assert run.exit_code == 2
    assert "b/x.png: its result out/x_linocut.png is that of a/x.png too" in run.output
    assert "--force" not in run.output
    assert files(elsewhere / "out") == ["x_linocut.png"]
    run = nst_command("stylize", "a", "b", "--style", STYLE, "-o", "out", "--skip-existing")
    assert run.exit_code == 2
    assert "b/x.png: its result out/x_linocut.png is that of a/x.png too" in run.output
    assert "1 skipped" in run.output


def test_two_photos_that_differ_in_suffix_alone_are_both_painted(photo, elsewhere):
    for name in ("a.png", "a.bmp"):
        nst.save_image(name, nst.load_image(photo))
    run = nst_command("stylize", "a.png", "a.bmp", "--style", STYLE, "-o", "out")
    assert run.exit_code == 0, run.output
    assert files(elsewhere / "out") == ["a_bmp_linocut.png", "a_png_linocut.png"]


def test_a_second_run_paints_what_is_new_and_none_of_its_own_results(photo, elsewhere, monkeypatch):
    painted, stylize = [], nst.stylize
    monkeypatch.setattr(
        nst, "stylize", lambda photo, **rest: painted.append(photo.shape) or stylize(photo, **rest)
    )
    command = ["stylize", ".", "--style", STYLE, "--skip-existing"]
    assert nst_command(*command).exit_code == 0
    nst.save_image("later.png", nst.photo("coffee", size=40))
    run = nst_command(*command)
    assert run.exit_code == 0, run.output
    assert "photo_linocut.png" in run.output.split("left out as painted by an earlier run:")[1]
    assert "1 skipped, whose result exists" in run.output
    assert [max(shape) for shape in painted] == [48, 40]
    names = ["later.png", "later_linocut.png", "photo.png", "photo_linocut.png"]
    assert files(elsewhere) == names
    assert nst_command(*command).exit_code == 0
    assert len(painted) == 2
    run = nst_command(*command[:-1])
    assert run.exit_code == 2
    assert "exists; --force replaces it, --skip-existing leaves it" in run.output
    assert files(elsewhere) == names


def test_what_looks_like_a_picture_and_cannot_be_read_is_reported(photo, elsewhere):
    folder = elsewhere / "phone"
    folder.mkdir()
    for name in ("1.JPG", "._1.JPG"):
        (folder / name).write_bytes(photo.read_bytes())
    for name in ("2.HEIC", "3.avif", "4.ppm", "5.CR2"):
        (folder / name).write_bytes(b"junk")
    run = nst_command("stylize", folder, "--style", STYLE, "-o", "out")
    assert run.exit_code == 2
    for name in ("2.HEIC", "3.avif", "4.ppm", "5.CR2"):
        assert f"phone/{name}: " in run.output
    assert "._1" not in run.output
    assert "4 of 5 could not be done" in run.output
    assert files(elsewhere / "out") == ["1_linocut.png"]


def test_a_style_may_be_a_file_without_a_suffix(photo, elsewhere, shipped):
    (elsewhere / "mine").write_bytes(photo.read_bytes())
    options = ["--style", "mine", "--network", shipped / f"{STYLE}.npz"]
    assert nst_command("stylize", photo, *options).exit_code == 0
    assert (elsewhere / "photo_mine.png").exists()


OUT_OF_MEMORY = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\ntensor")


@pytest.mark.parametrize(
    ("engine", "error"),
    [
        ("tensorflow", OUT_OF_MEMORY),
        ("openvino", RuntimeError("Exception from core.cpp:90:\nstd::bad_alloc")),
    ],
)
def test_a_photo_for_which_the_memory_runs_out_is_reported_and_the_next_goes_on(
    photo, elsewhere, monkeypatch, engine, error
):
    nst.save_image("large.png", nst.photo("coffee", size=64))
    kind = nst.Network if engine == "tensorflow" else Engine
    stylize = kind.stylize

    def greedy(self, image):
        if max(image.shape) > 50:
            raise error
        return stylize(self, image)

    monkeypatch.setattr(kind, "stylize", greedy)
    run = nst_command("stylize", "large.png", photo, "--style", STYLE, "--engine", engine)
    assert run.exit_code == 2
    (line,) = [line for line in run.output.splitlines() if "memory" in line]
    assert line.startswith("large.png: photo: the memory ran out at 64 x 43 px; a smaller --size")
    assert "1 of 2 could not be done" in run.output
    assert files(elsewhere) == ["large.png", "photo.png", "photo_linocut.png"]


def test_a_training_for_which_the_memory_runs_out_ends_in_one_line(photo, elsewhere, monkeypatch):
    def train(*args, **options):
        raise OUT_OF_MEMORY

    monkeypatch.setattr(nst, "train", train)
    run = nst_command("train", photo, "-o", "n.npz")
    assert run.exit_code == 2
    assert run.output == "Error: the memory ran out; --size makes pictures smaller\n"


def test_strength_blends_with_the_photo(photo, elsewhere):
    run = nst_command("stylize", photo, "--style", STYLE, "--strength", 0.3)
    assert run.exit_code == 0, run.output
    image = nst.load_image(photo)
    painted = nst.load_network(STYLE).stylize(image)
    same(elsewhere / "photo_linocut.png", blend(image, painted, 0.3))


@pytest.fixture
def asked(monkeypatch):
    """What `nst.stylize` was asked for; nothing is painted."""
    found = []
    monkeypatch.setattr(nst, "stylize", lambda photo, **rest: found.append(rest) or photo)
    return found


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("gatys", dataclasses.replace(tiny.objective(), style_weight=7)),  # the network's
        ("hybrid", dataclasses.replace(tiny.objective(), style_weight=7)),
    ],
)
def test_the_weight_of_the_style_is_that_of_the_objective(photo, asked, method, expected):
    options = ["--style", STYLE, "--method", method]
    run = nst_command("stylize", photo, *options, "--style-weight", 7)
    assert run.exit_code == 0, run.output
    assert asked[0]["objective"] == expected
    assert nst_command("stylize", photo, *options, "--force").exit_code == 0
    assert asked[1]["objective"] is None
    assert PerceptualLoss(**asked[1]["network"].card["objective"]) == tiny.objective()
    run = nst_command("stylize", photo, *options, "--force", "--style-weight", "nan")
    assert run.exit_code == 2
    assert "style_weight: nan is not a finite number" in run.output


def test_a_picture_of_ones_own_needs_a_network_or_gatys(photo, asked):
    nst.save_image("mine.png", nst.photo("coffee", size=200))
    run = nst_command("stylize", photo, "--style", "mine.png")
    assert run.exit_code == 2
    assert "--style: mine.png needs --network, of `nst train`, or --method gatys" in run.output
    assert asked == []
    options = ["--style", "mine.png", "--method", "gatys"]
    assert nst_command("stylize", photo, *options).exit_code == 0
    assert (asked[0]["network"], asked[0]["objective"]) == (None, None)


@pytest.mark.parametrize(
    ("method", "style"), [("gatys", "mine.png"), ("gatys", STYLE), ("hybrid", STYLE)]
)
def test_the_stroke_is_the_size_of_the_style_image(photo, asked, method, style):
    nst.save_image("mine.png", nst.photo("coffee", size=200))
    options = ["--style", style, "--method", method]
    assert nst_command("stylize", photo, *options).exit_code == 0
    assert nst_command("stylize", photo, *options, "--stroke", 96, "--force").exit_code == 0
    assert [max(each["style"][0].shape) for each in asked] == [64, 96]


# Paints as the command does, and says which of the slow modules that took.
PAINT = """
import json, sys
from nstlib.cli import main
main(sys.argv[1:], standalone_mode=False)
print(json.dumps(sorted({"tensorflow", "keras", "jax", "pandas", "scipy"} & set(sys.modules))))
"""


def test_openvino_paints_without_slow_modules(photo):
    options = ["--style", STYLE, "--slim", "--strength", "0.5"]  # a network that does ship
    command = [sys.executable, "-c", PAINT, "stylize", str(photo.parent), *options]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.jpg", "--style", STYLE], "nothing.jpg: no such file"),
        (["photo.png", "--style", "magic"], "'magic' is neither a picture nor one of"),
        (["photo.png", "--style", "magic.png"], "magic.png: no such file"),
        (
            ["photo.png", "--style", "photo.png"],
            "needs --network, of `nst train`, or --method gatys",
        ),
        (["photo.png", "--style", STYLE, "--network", "no.npz"], "there is no file 'no.npz'"),
        (["photo.png", "--style", STYLE, "--method", "magic"], "'magic' is not one of 'johnson'"),
        (["photo.png", "--style", STYLE, "--size", "0"], "0 is not in the range"),
        (["photo.png", "--style", STYLE, "-o", "no/where.png"], "its folder does not exist"),
        (["photo.png", "b.png", "--style", STYLE, "-o", "o.png"], "there are several photos"),
        (["photo.png", "--style", STYLE, "-o", "o.gif"], "o.gif is not of a kind that is written"),
        (["photo.png", "--style", STYLE, "-o", "o.heic"], "o.heic is not of a kind that is"),
        (["photo.png", "--style", STYLE, "-o", "o.magic"], "the name of a folder ends in /"),
        (["photo.png", "--style", STYLE, "--steps", "9"], "--steps: only with --method gatys or"),
        (["photo.png", "--style", STYLE, "--stroke", "99"], "the strokes of its training"),
        (["photo.png", "--style", STYLE, "--style-weight", "9"], "--strength blends its picture"),
        (["photo.png", "--style", STYLE, "--strength", "1.5"], "1.5 is not in the range"),
        (["photo.png", "--style", STYLE, "--strength", "nan"], "strength: nan is not a number"),
        (["photo.png", "--style", STYLE, "--mask", "no.png"], "no.png: no such file"),
        (["photo.png", *2 * ["--style", STYLE]], "--style: a network paints one style"),
        (
            ["photo.png", *MIX, "--share", "1"],
            "--share: (1.0,) is not one number for each of the 2",
        ),
        (
            ["photo.png", *MIX, "--share", "1", "--share", "0"],
            "--share: 0.0 is not a finite number",
        ),
        (["photo.png", "--style", STYLE, "--force", "--skip-existing"], "not with --force"),
        (["photo.png", "--style", STYLE, "--slim", "--method", "gatys"], "--slim: only with a"),
        (["photo.png", "--style", STYLE, "--slim", "--network", "n.npz"], "--slim: only with a"),
        (["--style", STYLE], "Missing argument"),
    ],
)
def test_bad_usage_is_explained(photo, elsewhere, arguments, message):
    run = nst_command("stylize", *arguments)
    assert run.exit_code == 2
    assert message in run.output
    assert files(elsewhere) == ["photo.png"]


def test_a_folder_that_cannot_be_written_is_found_before_any_work(photo, elsewhere, monkeypatch):
    def refuse(**arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("nstlib.cli.common.tempfile.TemporaryFile", refuse)
    monkeypatch.setattr(nst, "train", lambda *args, **options: pytest.fail("it was trained"))
    run = nst_command("train", photo, "-o", "n.npz")
    assert run.exit_code == 2
    assert "n.npz: cannot be written ([Errno 13] Permission denied)" in run.output


def test_bfloat16_is_refused_on_a_processor_without_it(photo, elsewhere, monkeypatch):
    monkeypatch.setattr("nstlib.machine.precision.CPUINFO", elsewhere / "nothing")
    for command in (["stylize", photo, "--style", STYLE], ["train", photo, "-o", "n.npz"]):
        run = nst_command(*command, "--precision", "bfloat16")
        assert run.exit_code == 2
        assert "bfloat16" in run.output
        assert files(elsewhere) == ["photo.png"]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_bfloat16_is_used_where_it_is_asked_for(photo, elsewhere, monkeypatch, precision):
    used = []
    monkeypatch.setattr(nst, "use_bfloat16", lambda: used.append("bfloat16"))
    options = ["--style", STYLE, "--engine", "tensorflow", "--precision", precision]
    assert nst_command("stylize", photo, *options).exit_code == 0
    assert used == ["bfloat16"] * (precision == "bfloat16")


def test_precisions_are_those_of_the_engines():
    (option,) = [each for each in painting.stylize.params if each.name == "precision"]
    assert tuple(option.type.choices) == PRECISIONS


@pytest.mark.parametrize(
    ("options", "engine"),
    [
        ([], "openvino"),
        (["--engine", "openvino"], "openvino"),
        (["--engine", "tensorflow"], "keras"),
    ],
    ids=str,
)
def test_the_engine_is_openvino_unless_another_is_asked_for(photo, monkeypatch, options, engine):
    asked = []
    for name, loader in (("openvino", "load_engine"), ("keras", "load_network")):
        real = getattr(nst, loader)
        monkeypatch.setattr(
            nst, loader, lambda *a, name=name, real=real, **o: asked.append(name) or real(*a, **o)
        )
    assert nst_command("stylize", photo, "--style", STYLE, *options).exit_code == 0
    assert asked == [engine]


def test_without_openvino_keras_paints(photo, elsewhere, monkeypatch):
    monkeypatch.setattr(painting, "find_spec", lambda name: None)
    monkeypatch.setattr(nst, "load_engine", None)
    assert nst_command("stylize", photo, "--style", STYLE).exit_code == 0
    same(elsewhere / "photo_linocut.png", nst.load_network(STYLE).stylize(nst.load_image(photo)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "gatys", "--engine", "openvino"], "openvino runs --method johnson alone"),
        (["--engine", "tensorflow", "--precision", "int8"], "int8 needs --method johnson and"),
        (["--method", "hybrid", "--precision", "int8"], "int8 needs --method johnson and"),
    ],
    ids=str,
)
def test_engines_and_precisions_that_do_not_go_together(photo, options, message):
    run = nst_command("stylize", photo, "--style", STYLE, *options)
    assert run.exit_code == 2
    assert message in run.output


def test_interrupted_it_leaves_no_half_written_file(photo, elsewhere, monkeypatch):
    def interrupted(self, file, **_):
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("PIL.Image.Image.save", interrupted)
        run = nst_command("stylize", photo, "--style", STYLE)
    assert run.exit_code == 1
    assert "Aborted" in run.output
    assert files(elsewhere) == ["photo.png"]


def in_a_process(arguments, log):
    """What the command is there; a process that was started in the background would ignore the signal."""
    architecture._RESIDUAL_BLOCKS = 0
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), sys.stderr.fileno())
    cli.main(arguments)


@pytest.mark.slow
def test_a_signal_in_a_folder_leaves_whole_pictures_only(photo, elsewhere, shipped):
    folder, out, log = elsewhere / "many", elsewhere / "out", elsewhere / "log"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number:03}.png").symlink_to(photo)
    options = ["--style", STYLE, "--network", str(shipped / f"{STYLE}.npz"), "-o", str(out)]
    processes = multiprocessing.get_context("forkserver")
    process = processes.Process(target=in_a_process, args=(["stylize", str(folder), *options], log))
    process.start()
    while process.is_alive() and len(list(out.glob("*.png"))) < 2:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    process.join(timeout=60)
    assert process.exitcode == 1, log.read_text()
    assert "Traceback" not in log.read_text()
    made = list(out.iterdir())
    assert 2 <= len(made) < 300
    assert all(nst.load_image(each).shape == nst.load_image(photo).shape for each in made)


def test_a_folder_that_cannot_be_read_is_reported_and_the_rest_is_done(
    photo, elsewhere, monkeypatch
):
    (elsewhere / "locked").mkdir()

    def refused(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refused)
    run = nst_command("stylize", photo, "locked", "--style", STYLE)
    assert run.exit_code == 2
    assert "Permission denied: 'locked'" in run.output
    assert "1 of 2 could not be done" in run.output
    assert (elsewhere / "photo_linocut.png").exists()


def test_what_cannot_be_reached_is_reported_and_the_rest_is_done(photo, elsewhere):
    run = nst_command("stylize", photo, f"{'x' * 300}.png", f"[{'x' * 300}", "--style", STYLE)
    assert run.exit_code == 2
    assert "2 of 3 could not be done" in run.output
    assert (elsewhere / "photo_linocut.png").exists()


# Says what comes of files and folders for a user who is not root, to whom nothing is locked.
UNPRIVILEGED = """
import os
from nstlib.cli.targets import find_photos
from nstlib.errors import ImageError
from nstlib.files import load_image

# Imported what they need, which may lie where others have no access.
load_image("fine.png")
find_photos(["."], "linocut")
if os.geteuid() == 0:
    os.setuid(65534)
found = find_photos(["fine.png", "locked/inside.png", "locked", "secret.png"], "linocut")
for file in found.files:
    try:
        print(load_image(file).shape)
    except ImageError as error:
        print(str(error).splitlines()[0])
print(found.empty)
"""


@pytest.mark.skipif(os.name != "posix", reason="no such permissions")
def test_files_and_folders_that_may_not_be_read_are_reported():
    # Not in pytest's folder, which only its owner may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "locked").mkdir()
        for each in ("fine.png", "secret.png", "locked/inside.png"):
            nst.save_image(folder / each, nst.photo("coffee", size=48))
        for each, mode in ((".", 0o755), ("secret.png", 0), ("locked", 0)):
            (folder / each).chmod(mode)
        command = [sys.executable, "-c", UNPRIVILEGED]
        run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        (folder / "locked").chmod(0o755)
    assert run.returncode == 0, run.stderr
    fine, inside, secret, empty = run.stdout.splitlines()
    assert fine == "(32, 48, 3)"
    assert "inside.png" in inside
    assert "ermission" in inside
    assert "secret.png" in secret
    assert "ermission" in secret
    assert "Permission denied: 'locked'" in empty


@pytest.mark.parametrize("objective", [{"foo": 1}, ["relu1_1"], {"style_weight": -1}, 7])
def test_a_network_whose_card_is_nonsense_is_refused(photo, elsewhere, objective):
    network = new_network(width=0.05)
    odd = nst.Network(network.model, network.architecture, {"style": "x", "objective": objective})
    nst.save_network(odd, "odd.npz")
    options = ["--network", "odd.npz", "--method", "hybrid", "--steps", 1]
    run = nst_command("stylize", photo, "--style", STYLE, *options)
    assert run.exit_code == 2
    assert "the objective on its card is none" in run.output


# --- the other commands ------------------------------------------------------------------------


def test_styles_are_listed_and_drawn(elsewhere, monkeypatch):
    run = nst_command("styles")
    assert run.exit_code == 0
    for name in (*nst.style_names(), *nst.painting_names()):
        assert name in run.output
    monkeypatch.setattr(overview, "_SHEET", ("coffee",))
    monkeypatch.setattr(nst, "network_names", lambda: [STYLE])
    assert nst_command("styles", "--sheet", "sheet.png").exit_code == 0
    assert min(nst.load_image("sheet.png").shape[:2]) > 200
    assert nst_command("styles", "--sheet", "sheet.png").exit_code == 2
    assert "not of a kind that is written" in nst_command("styles", "--sheet", "sheet.x").output


@pytest.mark.slow
def test_a_network_is_trained_and_used(photo, elsewhere, monkeypatch):
    monkeypatch.setattr(training, "training_objective", tiny.objective)
    options = ["--steps", 2, "--size", 16, "--checkpoint", "run"]
    painting = elsewhere / "mine.png"
    nst.save_image(painting, nst.style("brush_flow", size=64))
    photos = elsewhere / "photos"
    photos.mkdir()
    (photos / "a.png").write_bytes(photo.read_bytes())
    (photos / "bad.png").write_bytes(b"junk")
    run = nst_command("train", painting, "--photos", photos, *options)
    assert run.exit_code == 0, run.output
    assert "bad.png" in run.output
    card = nst.load_network("mine.npz").card
    assert (card["style"], card["licence"], card["steps"], card["size"]) == (
        "mine",
        "unknown",
        2,
        16,
    )
    run = nst_command("stylize", photo, "--style", painting, "--network", "mine.npz", "-o", "o.png")
    assert run.exit_code == 0, run.output
    same(elsewhere / "o.png", nst.load_network("mine.npz").stylize(nst.load_image(photo)))
    assert "mine.npz exists" in nst_command("train", painting, *options).output
    assert nst_command("train", painting, "-o", "net.h5").exit_code == 2
    assert nst_command("train", "nothing.png", "-o", "n.npz").exit_code == 2


@pytest.mark.parametrize(
    ("options", "arguments", "licence"),
    [
        (
            "",
            {"schedule": nst.Schedule(), "objective": None, "start": None, "checkpoint": None},
            "unknown",
        ),
        (
            "--steps 7 --size 40 --seed 3 --style-weight 8 --license CC0 --checkpoint run --start linocut",
            {
                "schedule": nst.Schedule(steps=7, size=40, seed=3),
                "objective": nst.training_objective(8.0),
                "start": STYLE,
                "checkpoint": Path("run"),
            },
            "CC0",
        ),
    ],
    ids=["defaults", "all"],
)
def test_options_of_a_training_are_those_of_the_library(
    photo, monkeypatch, options, arguments, licence
):
    asked = []

    def train(style, photos, **given):
        asked.append((style, photos, given))
        return training.TrainingResult(tiny.network(), pd.DataFrame())

    monkeypatch.setattr(nst, "train", train)
    assert nst_command("train", photo, *options.split(), "-o", "n.npz").exit_code == 0
    ((style, photos, given),) = asked
    np.testing.assert_array_equal(style, nst.load_image(photo, size=64))
    assert photos is None
    start, expected = given.pop("start"), arguments["start"]
    assert (start and start.fingerprint) == (expected and nst.load_network(expected).fingerprint)
    assert given == {name: value for name, value in arguments.items() if name != "start"}
    card = nst.load_network("n.npz").card
    assert (card["style"], card["licence"]) == ("photo", licence)


def test_a_training_starts_from_a_file_and_takes_the_strokes_it_is_told(
    photo, shipped, monkeypatch
):
    asked = []

    def train(style, photos, *, start, **_):
        asked.append((max(style.shape), start.fingerprint))
        return training.TrainingResult(start, pd.DataFrame())

    monkeypatch.setattr(nst, "train", train)
    other = shipped / "slim" / f"{STYLE}.npz"
    run = nst_command("train", photo, "--start", other, "--stroke", 80, "-o", "n.npz")
    assert run.exit_code == 0, run.output
    assert asked == [(80, saved.read_network(other).fingerprint)]
    run = nst_command("train", photo, "--start", "magic", "-o", "m.npz")
    assert run.exit_code == 2
    assert "there is no shipped network 'magic'" in run.output


def test_a_training_with_a_weight_that_is_none_is_refused(photo, elsewhere):
    for weight in ("-1", "nan", "much"):
        run = nst_command("train", photo, "--style-weight", weight, "-o", "n.npz")
        assert run.exit_code == 2
        assert "style" in run.output
    assert files(elsewhere) == ["photo.png"]


def test_a_network_is_exported(elsewhere):
    assert nst_command("export", STYLE, "-o", "net.onnx").exit_code == 0
    onnx.checker.check_model(elsewhere / "net.onnx")
    assert "net.onnx exists" in nst_command("export", STYLE, "-o", "net.onnx").output
    assert nst_command("export", STYLE, "-o", "net.tflite", "--width", 64).exit_code == 2
    assert nst_command("export", "magic", "-o", "other.onnx").exit_code == 2


def test_the_slim_network_is_exported_where_it_is_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(
        nst,
        "export_network",
        lambda network, path, **sides: asked.append((network.fingerprint, sides)) or path,
    )
    sides = ["--height", 480, "--width", 640]
    assert nst_command("export", STYLE, "--slim", "-o", "slim.tflite", *sides).exit_code == 0
    slim = nst.load_network(STYLE, width=SLIM_WIDTH)
    assert slim.fingerprint != nst.load_network(STYLE).fingerprint
    assert asked == [(slim.fingerprint, {"height": 480, "width": 640})]


@pytest.mark.slow
def test_both_methods_are_compared(photo, elsewhere):
    arguments = ["compare", photo, "--style", STYLE, "--size", 48, "--steps", 2]
    run = nst_command(*arguments)
    assert run.exit_code == 0, run.output
    table = pd.read_csv("photo_linocut_compared.csv")
    methods = ["identity", "colour transfer", "johnson", "hybrid 10", "gatys 2"]
    assert list(table["method"]) == methods
    assert (table["seconds"][1:] > 0).all()
    network = nst.load_network(STYLE)
    image, style = nst.load_image(photo, size=48), nst.style(STYLE, size=64)
    painted = {"johnson": network.stylize(image)}
    expected = nst.evaluate(painted, image, style, objective=tiny.objective())
    found = table[table["method"] == "johnson"]
    for yardstick in nst.metrics.YARDSTICKS:
        assert found[yardstick].item() == pytest.approx(
            expected[yardstick].item(), rel=1e-3, nan_ok=True
        )
    assert nst.load_image("photo_linocut_compared.png").shape[1] > 4 * 48
    assert nst_command(*arguments).exit_code == 2
    assert nst_command("compare", photo, "--style", "woodblock_wave").exit_code == 2
    assert nst_command("compare", photo, "--style", STYLE, "-o", "table.csv").exit_code == 2


def test_a_comparison_with_a_style_in_a_folder(photo, elsewhere, shipped):
    (elsewhere / "paintings").mkdir()
    (elsewhere / "paintings" / "x.png").write_bytes(photo.read_bytes())
    command = ["compare", photo, "--style", "paintings/x.png"]
    run = nst_command(*command)
    assert run.exit_code == 2
    assert "--style: paintings/x.png needs --network" in run.output
    (elsewhere / "photo_x_compared.csv").write_text("precious")
    run = nst_command(*command, "--network", shipped / f"{STYLE}.npz")
    assert run.exit_code == 2
    assert "Error: photo_x_compared.csv exists" in run.output


def test_advice(elsewhere):
    run = nst_command("recommend", "--images", 1000, "--quality", "fast")
    assert run.exit_code == 0
    advice = nst.study.recommend(1000, quality="fast")
    assert run.output.startswith(f"{advice.reason}\n  {advice.command}\n")
    assert run.output.endswith(f"From: {'; '.join(advice.sources)}\n")
    run = nst_command("recommend", "--images", 1, "--seconds-per-image", 1e-6)
    assert run.exit_code == 2
    assert "no method at all is fast enough" in run.output


def test_advice_for_a_style_of_ones_own_on_this_machine(elsewhere, monkeypatch):
    speed = nst.study.measured_table("speed")
    slow = speed.assign(seconds=speed["seconds"] * np.where(speed["what"] == "evaluation", 50, 1))
    monkeypatch.setattr(nst.study, "calibrate", lambda: slow)
    case = {"images": 40, "size": 256, "styles": 2, "own_style": True}
    options = ["--images", 40, "--size", 256, "--styles", 2, "--own-style"]
    outputs = []
    for flags, table in (([], None), (["--calibrate"], slow)):
        run = nst_command("recommend", *options, *flags)
        assert run.exit_code == 0, run.output
        advice = nst.study.recommend(**case, speed=table)
        assert run.output.startswith(f"{advice.reason}\n  {advice.command}\n")
        other = advice.runner_up
        assert f"Instead: {other.reason}\n  {other.command}\n" in run.output
        outputs.append(run.output)
    assert outputs[0] != outputs[1]


@pytest.mark.parametrize("command", [None, *cli.main.commands])
def test_help_has_an_example(command):
    run = nst_command(*filter(None, [command]), "--help")
    assert run.exit_code == 0
    assert "Example" in run.output
    assert "nst " in run.output.split("Example")[1]


def test_help_does_not_wait_for_tensorflow():
    code = (
        "import json, sys; from nstlib.cli import main; main(['--help'], standalone_mode=False);"
        "print(json.dumps(sorted({'tensorflow', 'keras', 'pandas', 'psutil'} & set(sys.modules))))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.splitlines()[-1]) == []


def test_the_command_is_installed_under_its_name():
    (entry,) = metadata.entry_points(group="console_scripts", name="nst")
    assert entry.load() is cli.main


@pytest.mark.parametrize(("options", "kept"), [([], True), (["--alpha", "white"], False)])
def test_a_cut_out_gets_its_transparency_back(photo, options, kept):
    ramp = np.linspace(0, 1, 48, dtype=np.float32)[:, None] * np.ones((1, 48), np.float32)
    image = nst.load_image(photo)
    alpha = ramp[: image.shape[0], : image.shape[1]]
    nst.save_image("cut.png", image, alpha=alpha)
    assert nst_command("stylize", "cut.png", "--style", STYLE, *options).exit_code == 0
    found = load_alpha("cut_linocut.png")
    assert (found is not None) is kept
    if kept:
        np.testing.assert_allclose(found, alpha, atol=0.51 / 255)
    assert nst_command("stylize", "cut.png", "--style", STYLE, "-o", "cut.jpg").exit_code == 0


# --- several styles, and masks -----------------------------------------------------------------


@pytest.mark.parametrize("method", ["gatys", "hybrid"])
def test_several_styles_are_mixed_by_their_shares(photo, method):
    nst.save_image("own.png", nst.photo("coffee", size=40))
    options = ["--style", STYLE, "--style", "own.png", "--share", 3, "--share", 1]
    run = nst_command("stylize", photo, "--method", method, "--steps", 2, *options)
    assert run.exit_code == 0, run.output
    styles = [STYLE, nst.load_image("own.png", size=64)]
    options = {"method": method, "steps": 2, "style_shares": (3, 1), "progress": False}
    same("photo_linocut_own.png", nst.stylize(nst.load_image(photo), styles, **options))


def test_a_second_run_of_a_mix_leaves_its_results_out(photo, elsewhere):
    arguments = [*MIX, "--steps", 1, "--skip-existing"]
    assert nst_command("stylize", ".", *arguments).exit_code == 0
    assert nst_command("stylize", ".", *arguments).exit_code == 0
    assert files(elsewhere) == ["photo.png", "photo_linocut_brush_flow.png"]


@pytest.mark.parametrize("engine", ["tensorflow", "openvino"])
def test_one_mask_serves_all_photos_of_its_proportions(photo, elsewhere, engine):
    image = nst.load_image(photo)
    height, width = image.shape[:2]
    mask = np.zeros((2 * height, 2 * width, 3), np.float32)
    mask[:, width:] = 1
    nst.save_image("mask.png", mask)
    (elsewhere / "in").mkdir()
    nst.save_image("in/a.png", image)
    nst.save_image("in/b.png", image[:, :20])
    arguments = ["--style", STYLE, "--mask", "mask.png", "--engine", engine, "-o", "out/"]
    run = nst_command("stylize", "in", *arguments, "--strength", 0.5)
    assert run.exit_code == 2
    assert "in/b.png: mask: " in run.output
    assert files(elsewhere / "out") == ["a_linocut.png"]
    painted = nst.load_image("out/a_linocut.png")
    share = 0.5 * fit_mask(mask, height, width)
    expected = blend(image, nst.load_network(STYLE).stylize(image), share)
    np.testing.assert_allclose(painted, expected, atol=1.5 / 255)


def test_a_masked_cut_out_keeps_its_transparency(photo):
    image = nst.load_image(photo)
    alpha = np.zeros(image.shape[:2], np.float32)
    alpha[8:24, 10:30] = 1
    nst.save_image("cut.png", image, alpha=alpha)
    nst.save_image("mask.png", np.zeros_like(image))
    run = nst_command("stylize", "cut.png", "--style", STYLE, "--mask", "mask.png")
    assert run.exit_code == 0, run.output
    np.testing.assert_allclose(load_alpha("cut_linocut.png"), alpha, atol=0.51 / 255)
    same("cut_linocut.png", nst.load_image("cut.png"))
