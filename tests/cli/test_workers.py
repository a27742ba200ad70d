"""The same pictures and the same messages by a plain loop, by worker processes, and by a cluster."""

import os
import subprocess
import sys

import pytest
import tiny
from click.testing import CliRunner

import nstlib as nst
from nstlib import cli
from nstlib.machine.cluster import local_cluster

pytestmark = pytest.mark.slow


def nst_command(*arguments):
    return CliRunner().invoke(cli.main, [str(each) for each in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three photos and one that is none, a style image, and the network for it."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "in").mkdir()
    for name in ("astronaut", "coffee", "rocket"):
        nst.save_image(folder / "in" / f"{name}.png", nst.photo(name, size=64))
    (folder / "in" / "bad.png").write_bytes(b"nothing")
    nst.save_image(folder / "mine.png", nst.style("brush_flow", size=64))
    nst.save_network(tiny.network().labelled("mine"), folder / "mine.npz")
    return folder


def painted(folder, name, *options):
    """What a run says on its two streams, and the pictures."""
    style = ("--style", folder / "mine.png", "--network", folder / "mine.npz")
    run = nst_command("stylize", folder / "in", *style, "-o", folder / f"{name}/", *options)
    assert run.exit_code == 2, run.output
    made = {path.name: path.read_bytes() for path in (folder / name).iterdir()}
    errors = [line for line in run.stderr.splitlines() if "bad" in line or "Error" in line]
    return made, errors, sorted(run.stdout.replace(f"{folder / name}/", "").split())


@pytest.fixture(scope="module")
def plain(folder):
    return painted(folder, "plain")


def test_worker_processes_paint_what_a_plain_loop_does(folder, plain):
    assert sorted(plain[0]) == ["astronaut_mine.png", "coffee_mine.png", "rocket_mine.png"]
    assert "1 of 4 could not be done" in plain[1][-1]
    assert painted(folder, "workers", "--workers", 2) == plain


def test_hosts_that_see_no_file_paint_the_same(folder, plain):
    with local_cluster(1) as client:
        address = client.scheduler.address
        assert painted(folder, "hosts", "--scheduler", address) == plain
        (folder / "hosts" / "coffee_mine.png").unlink()
        again = painted(folder, "hosts", "--scheduler", address, "--skip-existing")
    assert again[0] == plain[0]
    assert again[2] == ["coffee_mine.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_before_it_is_read(folder, tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with local_cluster(1) as client:
        style = ("--style", folder / "mine.png", "--network", folder / "mine.npz")
        where = ("--scheduler", client.scheduler.address, "-o", tmp_path / "made/")
        run = nst_command("stylize", tmp_path, *style, *where)
    assert run.exit_code == 2
    assert "a.png: is not a regular file" in run.stderr


def test_one_core_paints_the_same_in_this_process_and_in_workers(folder):
    made, *_ = painted(folder, "one each", "--workers", 2, "--threads", 1)
    style = ["--style", folder / "mine.png", "--network", folder / "mine.npz"]
    arguments = ["stylize", folder / "in", *style, "-o", folder / "one core/", "--threads", 1]
    program = "import sys; from nstlib.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2, run.stderr  # of the file that is no picture
    assert {path.name: path.read_bytes() for path in (folder / "one core").iterdir()} == made


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scheduler", "tcp://a:1", "--workers", "2"], "--scheduler: not with --workers"),
        (["--scheduler", "tcp://a:1", "--threads", "1"], "--scheduler: not with --workers"),
        (["--threads", "100000"], "100000 cores were asked for"),
        (["--workers", "0"], "0 is not in the range"),
    ],
)
def test_bad_usage(folder, options, message):
    run = nst_command("stylize", folder / "in", "--style", "wave", "-o", folder / "x/", *options)
    assert run.exit_code == 2
    assert message in run.output


def test_without_the_extra_one_line_names_it(folder, monkeypatch):
    monkeypatch.delitem(sys.modules, "nstlib.machine.cluster")
    monkeypatch.setitem(sys.modules, "distributed", None)
    command = ("stylize", folder / "in", "--style", "wave", "-o", folder / "y/", "--workers", 2)
    run = nst_command(*command)
    assert run.exit_code == 2
    assert run.stderr.splitlines()[-1].startswith("Error: cluster: the package distributed is")
