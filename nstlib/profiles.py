"""The two budgets of the study: `quick` to see that everything works, `full` for the results."""

import operator
import os
from dataclasses import dataclass

ENVIRONMENT_VARIABLE = "NSTLIB_PROFILE"


@dataclass(frozen=True)
class Profile:
    """Sizes and counts of one run of the notebooks; never a switch between code paths.

    Attributes:
        name: what the profile is called.
        image_size: longer side of photos and styles, in px.
        gatys_evals: budget of a pixel optimisation that is shown, in gradient evaluations.
        comparison_evals: budget of each cell where many optimisations are compared, in gradient
            evaluations.
        grid_size: longer side of the images in such comparisons, in px.
        reconstruction_evals: budget of a reconstruction from one layer, in gradient evaluations.
        training_steps: length of a training that runs live in a notebook, in batches.
        training_size: side of the square training crops, in px.
        timing_repeats: timed calls of each measurement, a count.
        timing_processes: processes in which a measurement is made where one may differ from another, a count.
        seeds: trainings of a network where one may differ from another, a count.
        style_count: styles of the study, a count.
        photo_count: photos of the study, a count.
        study_evals: largest budget of an optimisation in the study, in gradient evaluations.
        speed_size: longer side of the largest photo that is optimised for its time, in px; networks get twice that.
    """

    name: str
    image_size: int
    gatys_evals: int
    comparison_evals: int
    grid_size: int
    reconstruction_evals: int
    training_steps: int
    training_size: int
    timing_repeats: int
    timing_processes: int
    seeds: int
    style_count: int
    photo_count: int
    study_evals: int
    speed_size: int


QUICK = Profile(
    name="quick",
    image_size=160,
    gatys_evals=25,
    comparison_evals=12,
    grid_size=96,
    reconstruction_evals=40,
    training_steps=40,
    training_size=64,
    timing_repeats=3,
    timing_processes=2,
    seeds=1,
    style_count=2,
    photo_count=2,
    study_evals=10,
    speed_size=256,
)

FULL = Profile(
    name="full",
    image_size=256,
    gatys_evals=100,
    comparison_evals=50,
    grid_size=192,
    reconstruction_evals=100,
    training_steps=300,
    training_size=128,
    timing_repeats=7,
    timing_processes=5,
    seeds=3,
    style_count=6,
    photo_count=5,
    study_evals=200,
    speed_size=1024,
)

_PROFILES = {each.name: each for each in (QUICK, FULL)}


def profile(name: str | None = None) -> Profile:
    """The profile called `name`; None asks the variable NSTLIB_PROFILE, and without it is quick.

    Raises:
        ValueError: if there is no such profile; the accepted names are listed.
    """
    source = "profile"
    if name is None:
        source = ENVIRONMENT_VARIABLE
        name = os.environ.get(ENVIRONMENT_VARIABLE, QUICK.name)
    if name not in _PROFILES:
        raise ValueError(f"{source} is {name!r}; accepted: {', '.join(_PROFILES)}")
    return _PROFILES[name]


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and the Keras backend.

    Two runs on one machine then start from the same random numbers. Kernels that add in a varying
    order may still differ in the last digits: no global determinism flag is set, as it would
    change what is timed.

    Raises:
        ValueError: if `seed` is not an integer in 0 .. 2**32 - 1.
    """
    try:
        value = operator.index(seed)
    except TypeError:
        value = -1
    if isinstance(seed, bool) or not 0 <= value < 2**32:
        raise ValueError(f"seed must be an integer in 0 .. 2**32 - 1, got {seed!r}")

    import keras  # here, so that reading a profile does not load a deep-learning framework

    keras.utils.set_random_seed(value)
