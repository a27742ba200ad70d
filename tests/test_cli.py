import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import nstlib as nst
from nstlib import cli

STYLE = "linocut"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Every command runs in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


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


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (["--method", "gatys", "--steps", "2"], {"method": "gatys", "steps": 2}),
        (["--method", "hybrid", "--steps", "1"], {"method": "hybrid", "steps": 1}),
        (["--preserve-color", "histogram"], {"preserve_colour": "histogram"}),
        (["--margin", "8"], {"margin": 8}),
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
    assert "x_linocut.png exists" in run.output
    assert files(elsewhere / "out") == ["x_linocut.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.jpg", "--style", STYLE], "nothing.jpg: no such file"),
        (["photo.png", "--style", "magic"], "'magic' is neither a picture nor one of"),
        (["photo.png", "--style", "magic.png"], "magic.png: no such file"),
        (["photo.png", "--style", "photo.png"], "needs the network that was trained for it"),
        (["photo.png", "--style", STYLE, "--network", "no.npz"], "there is no file 'no.npz'"),
        (["photo.png", "--style", STYLE, "--method", "magic"], "'magic' is not one of 'johnson'"),
        (["photo.png", "--style", STYLE, "--size", "0"], "0 is not in the range"),
        (["photo.png", "--style", STYLE, "-o", "no/where.png"], "its folder does not exist"),
        (["photo.png", "photo.png", "--style", STYLE, "-o", "o.png"], "there are several photos"),
        (["photo.png", "--style", STYLE, "-o", "o.gif"], "o.gif is not of a kind that is written"),
        (["photo.png", "--style", STYLE, "--slim", "--method", "gatys"], "--slim: only with a"),
        (["photo.png", "--style", STYLE, "--slim", "--network", "n.npz"], "--slim: only with a"),
        (["photo.png", "--style", STYLE, "--margin", "8", "--method", "gatys"], "--margin: of a"),
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

    monkeypatch.setattr("nstlib.cli.tempfile.TemporaryFile", refuse)
    monkeypatch.setattr(nst, "train", lambda *args, **options: pytest.fail("it was trained"))
    run = nst_command("train", photo, "-o", "n.npz")
    assert run.exit_code == 2
    assert "n.npz: cannot be written ([Errno 13] Permission denied)" in run.output


def test_bfloat16_is_refused_on_a_processor_without_it(photo, elsewhere, monkeypatch):
    monkeypatch.setattr("nstlib.precision.CPUINFO", elsewhere / "nothing")
    for command in (["stylize", photo, "--style", STYLE], ["train", photo, "-o", "n.npz"]):
        run = nst_command(*command, "--bfloat16")
        assert run.exit_code == 2
        assert "bfloat16" in run.output
        assert files(elsewhere) == ["photo.png"]


@pytest.mark.parametrize("asked", [True, False])
def test_bfloat16_is_used_where_it_is_asked_for(photo, elsewhere, monkeypatch, asked):
    used = []
    monkeypatch.setattr(nst, "use_bfloat16", lambda: used.append(True))
    options = ["--bfloat16"] * asked
    assert nst_command("stylize", photo, "--style", STYLE, *options).exit_code == 0
    assert used == [True] * asked


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


def test_a_signal_in_a_folder_leaves_whole_pictures_only(photo, elsewhere):
    folder = elsewhere / "many"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number:03}.png").symlink_to(photo)
    # A process that was started in the background would ignore the signal.
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program += "from nstlib.cli import main; main()"
    options = ["stylize", "many", "--style", STYLE, "-o", "out"]
    command = [sys.executable, "-c", program, *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while process.poll() is None and len(list((elsewhere / "out").glob("*.png"))) < 2:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        message = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 1, message
    assert "Traceback" not in message
    made = list((elsewhere / "out").iterdir())
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
from nstlib.cli import _pictures
from nstlib.images import ImageError, load_image

load_image("fine.png")  # imported what it needs, which may lie where others have no access
if os.geteuid() == 0:
    os.setuid(65534)
files, empty = _pictures(["fine.png", "locked/inside.png", "locked", "secret.png"])
for file in files:
    try:
        print(load_image(file).shape)
    except ImageError as error:
        print(str(error).splitlines()[0])
print(empty)
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
    assert empty == "['locked']"
    assert "Permission denied: 'locked'" in run.stderr


@pytest.mark.parametrize("objective", [{"foo": 1}, ["relu1_1"], {"style_weight": -1}, 7])
def test_a_network_whose_card_is_nonsense_is_refused(photo, elsewhere, objective):
    network = nst.new_network(width=0.05)
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
    monkeypatch.setattr(cli, "_SHEET", ("coffee",))
    monkeypatch.setattr(nst, "network_names", lambda: [STYLE])
    assert nst_command("styles", "--sheet", "sheet.png").exit_code == 0
    assert min(nst.load_image("sheet.png").shape[:2]) > 200
    assert nst_command("styles", "--sheet", "sheet.png").exit_code == 2
    assert "not of a kind that is written" in nst_command("styles", "--sheet", "sheet.x").output


def test_a_network_is_trained_and_used(photo, elsewhere):
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
    assert nst.load_network("mine.npz").card["style"] == "mine"
    run = nst_command("stylize", photo, "--style", painting, "--network", "mine.npz", "-o", "o.png")
    assert run.exit_code == 0, run.output
    same(elsewhere / "o.png", nst.load_network("mine.npz").stylize(nst.load_image(photo)))
    assert "mine.npz exists" in nst_command("train", painting, *options).output
    assert nst_command("train", painting, "-o", "net.h5").exit_code == 2
    assert nst_command("train", "nothing.png", "-o", "n.npz").exit_code == 2


def test_a_network_is_exported(elsewhere):
    assert nst_command("export", STYLE, "-o", "net.onnx").exit_code == 0
    assert (elsewhere / "net.onnx").stat().st_size > 1e6
    assert "net.onnx exists" in nst_command("export", STYLE, "-o", "net.onnx").output
    assert nst_command("export", STYLE, "-o", "net.tflite").exit_code == 2
    assert nst_command("export", STYLE, "--slim", "-o", "slim.onnx").exit_code == 0
    assert (elsewhere / "slim.onnx").stat().st_size < 1e6
    assert nst_command("export", "magic", "-o", "other.onnx").exit_code == 2


def test_both_methods_are_compared(photo, elsewhere):
    arguments = ["compare", photo, "--style", STYLE, "--size", 48, "--steps", 2]
    run = nst_command(*arguments)
    assert run.exit_code == 0, run.output
    table = pd.read_csv("photo_linocut_compared.csv")
    methods = ["identity", "colour transfer", "johnson", "hybrid 10", "gatys 2"]
    assert list(table["method"]) == methods
    assert (table["seconds"][1:] > 0).all()
    assert nst.load_image("photo_linocut_compared.png").shape[1] > 4 * 48
    assert nst_command(*arguments).exit_code == 2
    assert nst_command("compare", photo, "--style", "woodblock_wave").exit_code == 2
    assert nst_command("compare", photo, "--style", STYLE, "-o", "table.csv").exit_code == 2


def test_advice(elsewhere):
    run = nst_command("recommend", "--images", 1000, "--quality", "fast")
    assert run.exit_code == 0
    advice = nst.recommend(1000, quality="fast")
    assert run.output.startswith(f"{advice.reason}\n  {advice.command}\n")
    run = nst_command("recommend", "--images", 1, "--seconds-per-image", 1e-6)
    assert run.exit_code == 2
    assert "no method at all is fast enough" in run.output


@pytest.mark.parametrize("command", [None, *cli.main.commands])
def test_help_has_an_example(command):
    run = nst_command(*filter(None, [command]), "--help")
    assert run.exit_code == 0
    assert "Example" in run.output
    assert "nst " in run.output.split("Example")[1]


def test_help_does_not_wait_for_tensorflow():
    code = (
        "import json, sys; from nstlib.cli import main; main(['--help'], standalone_mode=False);"
        "print(json.dumps([name in sys.modules for name in ('tensorflow', 'keras')]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.splitlines()[-1]) == [False, False]


def test_the_command_is_installed_under_its_name():
    (entry,) = metadata.entry_points(group="console_scripts", name="nst")
    assert entry.load() is cli.main
