"""What the benchmarks share."""

import nstlib as nst

# Photo and style of the optimisations that are timed beside other loops.
PAIRS = [
    ("astronaut", "brush_flow"),
    ("chelsea", "linocut"),
    ("coffee", "cubist_planes"),
    ("rocket", "stained_glass"),
    ("motorcycle_left", "woodblock_wave"),
]


def full_results(*, seed: int | None = 0) -> nst.study.ResultsFolder:
    """Where the results of the full study are, with a note of this machine.

    Args:
        seed: of the run; None where chance played no part.
    """
    return nst.study.results_folder("full", seed=seed, machine=nst.machine.describe_machine())
