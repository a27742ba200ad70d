"""Calls on worker processes that fail, die, run out of memory, or lose their scheduler."""

import functools
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import dask
import numpy as np
import pytest

from nstlib.cli.painting import Painting
from nstlib.cli.workers import _paint_missing
from nstlib.errors import ClusterError, ImageError
from nstlib.files import load_image, save_image
from nstlib.machine.cluster import connected, local_cluster, spread

pytestmark = pytest.mark.slow


def pictures(folder: Path, count: int) -> dict[Path, Path]:
    """Photos of noise that differ, and where the painted ones go."""
    (folder / "painted").mkdir()
    rng = np.random.default_rng(0)
    photos = [folder / f"{number:02}.png" for number in range(count)]
    for photo in photos:
        save_image(photo, rng.random((24, 20, 3), dtype=np.float32))
    return {photo: folder / "painted" / photo.name for photo in photos}


def invert(log: Path, photo: Path, target: Path) -> None:
    """In place of a network; says that it was here."""
    time.sleep(0.02)
    save_image(target, 1 - load_image(photo))
    with log.open("a") as file:
        file.write(f"{photo.name}\n")


def halve(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


class FailingOnce:
    """Fails at the first call for a number; else, how many calls this copy saw."""

    def __init__(self, folder: Path):
        self.folder, self.calls = folder, 0

    def __call__(self, number: int) -> int:
        self.calls += 1
        mark = self.folder / str(number)
        if not mark.exists():
            mark.touch()
            raise OSError("not yet")
        return self.calls


def slim_painting() -> Painting:
    """By a network that ships, on OpenVINO."""
    options = {"size": None, "alpha": "white", "style_weight": None, "steps": None}
    options |= {"strength": 1.0, "preserve_colour": None, "shares": ()}
    return Painting(
        styles=["wave"],
        method="johnson",
        network="wave",
        width=0.25,
        engine="openvino",
        precision="float32",
        mask=None,
        options=options,
    )


def kill_one(client, rng: random.Random) -> None:
    processes = [nanny.pid for nanny in client.cluster.workers.values() if nanny.pid]
    os.kill(rng.choice(processes), signal.SIGKILL)


def painted_under_fire(paint, targets, kills: int) -> list[Path]:
    """The photos in the order in which they were reported, while workers are killed."""
    rng, reported = random.Random(0), []
    moments = set(rng.sample(range(1, len(targets) - 3), kills))
    with local_cluster(3) as client:
        function = functools.partial(_paint_missing, paint)
        for photo, error in spread(client, function, targets, lambda each: (each, targets[each])):
            assert error is None
            reported.append(photo)
            if len(reported) in moments:
                time.sleep(rng.uniform(0, 0.05))
                kill_one(client, rng)
    return reported


# --- calls -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client():
    with local_cluster(2) as client:
        yield client


def test_each_call_gives_its_result_or_its_error(client):
    def arguments(number):
        if number == 4:
            raise OSError("gone")
        return (number,)

    outcomes = dict(spread(client, halve, range(40), arguments))
    assert sorted(outcomes) == list(range(40))
    assert {n: r for n, r in outcomes.items() if n % 2 == 0 and n != 4} == {
        n: n // 2 for n in range(0, 40, 2) if n != 4
    }
    assert {str(outcomes[n]) for n in (3, 39)} == {"3 is odd", "39 is odd"}
    assert str(outcomes[4]) == "gone"


def test_what_fails_once_is_done_and_the_function_stays_on_its_worker(client, tmp_path):
    outcomes = dict(spread(client, FailingOnce(tmp_path), range(8), lambda number: (number,)))
    assert sorted(outcomes) == list(range(8))
    # Two copies, one a worker, saw all sixteen calls between them.
    assert max(outcomes.values()) >= 8


def test_no_calls_are_no_results(client):
    assert list(spread(client, halve, [], lambda number: (number,))) == []


def test_each_worker_has_cores_of_its_own():
    def cores_of_all_threads():
        found = set()
        for thread in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):  # one that has just ended
                found |= os.sched_getaffinity(int(thread.name))
        return found

    own = sorted(os.sched_getaffinity(0))
    with local_cluster(2, threads=1) as client:
        cores = [each for found in client.run(cores_of_all_threads).values() for each in found]
    assert sorted(cores) == sorted([own[0], own[1 % len(own)]])


# --- faults ------------------------------------------------------------------------------------


def test_a_killed_worker_costs_no_picture(tmp_path):
    targets, log = pictures(tmp_path, 30), tmp_path / "log"
    reported = painted_under_fire(functools.partial(invert, log), targets, kills=1)
    assert sorted(reported) == sorted(targets)
    for photo, target in targets.items():
        np.testing.assert_allclose(load_image(target), 1 - load_image(photo), atol=0.01)
    lines = log.read_text().splitlines()
    assert len(set(lines)) == len(lines)


class KillingAt:
    """Ends its process at one of the numbers."""

    def __init__(self, deadly: int):
        self.deadly = deadly

    def __call__(self, number: int) -> int:
        if number == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return number


def test_what_kills_its_workers_is_reported_and_what_only_was_beside_it_is_done():
    # A scheduler that gives up a call at the first death: also those that only waited on that worker.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        local_cluster(1) as client,
    ):
        outcomes = dict(spread(client, KillingAt(2), range(8), lambda number: (number,)))
    assert "workers died at it" in str(outcomes.pop(2))
    assert outcomes == {number: number for number in range(8) if number != 2}


@pytest.mark.full
def test_ten_killed_workers_cost_no_picture(tmp_path):
    targets, painting = pictures(tmp_path, 60), slim_painting()
    reported = painted_under_fire(painting, targets, kills=10)
    assert sorted(reported) == sorted(targets)
    expected = tmp_path / "expected.png"
    for photo, target in targets.items():
        painting(photo, expected)
        assert target.read_bytes() == expected.read_bytes()


@pytest.mark.full
def test_a_worker_that_dies_again_and_again_comes_back():
    with local_cluster(1) as client:
        # Longer than the 15 s after which Dask would give it up.
        until = time.monotonic() + 18
        while time.monotonic() < until:
            with suppress(IndexError, ProcessLookupError):  # dead already
                kill_one(client, random.Random(0))
            time.sleep(0.3)
        assert list(spread(client, halve, [2], lambda number: (number,))) == [(2, 1)]


def test_a_worker_with_too_little_memory_names_the_size_that_fits(tmp_path):
    photo, target = tmp_path / "large.png", tmp_path / "painted.png"
    save_image(photo, np.full((1800, 2400, 3), 0.5, np.float32))
    painting = slim_painting()
    with local_cluster(1, memory=800 * 2**20) as client:
        ((_, error),) = spread(client, painting, [photo], lambda each: (each, target))
    assert isinstance(error, ImageError)
    assert "the largest of this shape that fits has" in str(error)
    assert "(--size " in str(error)


@contextmanager
def scheduler_and_worker(folder: Path):
    """In processes of their own: the scheduler's, and its address."""
    file = folder / "scheduler.json"
    options = ["--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", str(file)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    commands = (
        ["distributed.cli.dask_scheduler", "--port", "0", *options],
        ["distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *options],
    )
    running = [subprocess.Popen([sys.executable, "-m", *command], **quiet) for command in commands]
    try:
        deadline = time.monotonic() + 60
        while not (file.exists() and file.read_text().endswith("}")):
            assert running[0].poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield running[0], json.loads(file.read_text())["address"]
    finally:
        for process in running:
            process.kill()
            process.wait()


def test_without_its_scheduler_a_run_ends_and_what_was_done_stays(tmp_path):
    targets, done = pictures(tmp_path, 40), []
    paint, killed = functools.partial(invert, tmp_path / "log"), []
    with scheduler_and_worker(tmp_path) as (scheduler, address), connected(address) as client:

        def run():
            for photo, _ in spread(client, paint, targets, lambda each: (each, targets[each])):
                done.append(photo)
                if len(done) == 3:
                    scheduler.kill()
                    killed.append(time.monotonic())

        with pytest.raises(ClusterError, match=r"the connection to .* was lost; what was done"):
            run()
        assert time.monotonic() - killed[0] < 30
    assert 3 <= len(done) < len(targets)
    for photo in done:
        np.testing.assert_allclose(load_image(targets[photo]), 1 - load_image(photo), atol=0.01)


def test_a_client_that_gave_up_its_scheduler_says_which_it_was():
    with local_cluster(1) as client:
        address = client.scheduler.address
        outcomes = spread(client, halve, range(0, 80, 2), lambda number: (number,))
        next(outcomes)
        client.close()
        with pytest.raises(ClusterError, match=f"the connection to {address} was lost"):
            list(outcomes)


def test_an_address_where_nobody_answers(monkeypatch):
    monkeypatch.setattr("nstlib.machine.cluster._PATIENCE", 0.5)
    with pytest.raises(ClusterError, match=r"'tcp://127\.0\.0\.1:9' does not answer"):
        connected("tcp://127.0.0.1:9").__enter__()
    with pytest.raises(ClusterError, match="'nonsense://' does not answer"):
        connected("nonsense://").__enter__()


def test_without_the_extra_the_error_names_it():
    code = (
        "import sys; sys.modules['distributed'] = None\n"
        "from nstlib.errors import ClusterError\n"
        "try: import nstlib.machine.cluster\n"
        "except ClusterError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == (
        "cluster: the package distributed is missing; pip install 'nst-study[cluster]'"
    )
