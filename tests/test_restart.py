"""A study killed at random points, again and again, ends with the tables of one that was left alone."""

import multiprocessing
import time

import numpy as np
import pytest

from nstlib.results import ResultsFolder
from nstlib.study import run_study

KILLS = 10
SMALL = {
    "photos": ["astronaut", "coffee"],
    "styles": ["linocut", "brush_flow"],
    "size": 32,
    "evals": (3,),
    "hybrid_evals": (2,),
}
PROCESSES = multiprocessing.get_context(
    "forkserver"
)  # not a copy of a process in which TensorFlow runs
PROCESSES.set_forkserver_preload(["tensorflow", "nstlib.study", "nstlib.results"])


def work(folder):
    run_study(ResultsFolder(folder, "full"), "study", **SMALL)


def contents(folder):
    """Tables and pictures; the notes beside them hold the time."""
    paths = [path for path in folder.rglob("*.*") if path.suffix in (".csv", ".jpg")]
    return {path.relative_to(folder): path.read_bytes() for path in paths}


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
    work_once = time.perf_counter()
    assert run(folder)
    return contents(folder), time.perf_counter() - work_once


def test_killed_at_random_points_a_study_ends_the_same(undisturbed, tmp_path):
    expected, seconds = undisturbed
    assert len(expected) == 2 + 4
    rng = np.random.default_rng(0)
    kills = studies = 0
    while kills < KILLS:
        folder = tmp_path / str(studies)
        while not run(folder, rng.uniform(0, seconds)):
            kills += 1
        assert contents(folder) == expected
        studies += 1
