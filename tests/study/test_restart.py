"""A study killed at random points, again and again, ends with the tables of one that was left alone."""

import multiprocessing
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tiny

from nstlib.files import load_image
from nstlib.metrics import YARDSTICKS
from nstlib.optimization.pixels import GatysResult
from nstlib.study import comparison, running
from nstlib.study.results import ResultsFolder

KILLS = 10
SMALL = {
    "photos": ["astronaut", "coffee", "rocket"],
    "styles": ["linocut"],
    "size": 32,
    "evals": (2,),
}
# Not by fork, which would copy a process in which TensorFlow runs.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tensorflow", "pytest", "nstlib.study.running"])


def painted(folder):
    """The study with a small network, in a process of its own: what it replaces is replaced for good."""
    study(folder, tiny.network())


def sketched(folder):
    """The study with arithmetic in place of every network, so that most of its time goes into files."""
    comparison.gatys, comparison.evaluate = sketch, distances
    card = {"objective": tiny.objective().settings()}
    study(folder, SimpleNamespace(stylize=np.flipud, fingerprint="0" * 12, card=card))


def study(folder, network):
    running.load_network = lambda name: network
    running.network_names = lambda width: []
    running.style_size = lambda name: 48
    running.run_study(ResultsFolder(folder, "full"), "study", **SMALL)


def sketch(photo, style, *, snapshots, **_):
    image = 0.5 * (photo + style.mean())
    evals = np.arange(1, max(snapshots) + 1)
    losses = dict.fromkeys(("total", "content", "style"), 1 / evals)
    history = pd.DataFrame({"evals": evals, **losses})
    return GatysResult(image, history, dict.fromkeys(snapshots, image))


def distances(images, photo, style, *, objective):
    rows = [
        [name, *[np.abs(image - photo).mean()] * len(YARDSTICKS)] for name, image in images.items()
    ]
    return pd.DataFrame(rows, columns=["method", *YARDSTICKS])


def contents(folder):
    """Tables and pictures by name; the notes beside them hold the time."""
    tables = {path.stem: pd.read_csv(path) for path in folder.rglob("*.csv")}
    return tables, {path.stem: load_image(path) for path in folder.rglob("*.jpg")}


def assert_same(found, expected):
    """Not by the byte: from one process to the next a sum of floats may differ in its seventh digit."""
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
    for name, table in expected[0].items():
        pd.testing.assert_frame_equal(found[0][name], table, rtol=1e-4)
    for name, image in expected[1].items():
        np.testing.assert_allclose(found[1][name], image, atol=4.1 / 255)


def run(work, folder, limit=None) -> bool:
    """Whether the study came to its end; after `limit` seconds it is killed."""
    process = PROCESSES.Process(target=work, args=(folder,))
    process.start()
    process.join(limit)
    if process.is_alive():
        process.kill()
        process.join()
        return False
    assert process.exitcode == 0
    return True


@pytest.mark.slow
@pytest.mark.parametrize("work", [sketched, pytest.param(painted, marks=pytest.mark.full)])
def test_killed_at_random_points_a_study_ends_the_same(tmp_path, work):
    run(work, tmp_path / "first")  # the server of the processes loads what they share
    start = time.perf_counter()
    assert run(work, tmp_path / "undisturbed")
    seconds = time.perf_counter() - start
    expected = contents(tmp_path / "undisturbed")
    assert [len(each) for each in expected] == [2, len(SMALL["photos"])]
    rng = np.random.default_rng(0)
    kills = studies = 0
    while kills < KILLS:
        folder = tmp_path / str(studies)
        while not run(work, folder, rng.uniform(0, seconds)):
            kills += 1
        assert_same(contents(folder), expected)
        studies += 1
