"""A study killed at random points, again and again, ends with the tables of one that was left alone."""

import multiprocessing
import time

import numpy as np
import pandas as pd
import pytest

from nstlib.images import load_image
from nstlib.results import ResultsFolder
from nstlib.study import run_study

KILLS = 10
SMALL = {
    "photos": ["astronaut", "coffee", "rocket"],
    "styles": ["linocut"],
    "size": 32,
    "evals": (2,),
}
# Not by fork, which would copy a process in which TensorFlow runs.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tensorflow", "nstlib.study", "nstlib.results"])


def work(folder):
    run_study(ResultsFolder(folder, "full"), "study", **SMALL)


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


def run(folder, limit=None) -> bool:
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


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Contents of the results, and the seconds that they took."""
    folder = tmp_path_factory.mktemp("undisturbed")
    start = time.perf_counter()
    assert run(folder)
    return contents(folder), time.perf_counter() - start


def test_killed_at_random_points_a_study_ends_the_same(undisturbed, tmp_path):
    expected, seconds = undisturbed
    assert [len(each) for each in expected] == [2, len(SMALL["photos"])]
    rng = np.random.default_rng(0)
    kills = studies = 0
    while kills < KILLS:
        folder = tmp_path / str(studies)
        while not run(folder, rng.uniform(0, seconds)):
            kills += 1
        assert_same(contents(folder), expected)
        studies += 1
