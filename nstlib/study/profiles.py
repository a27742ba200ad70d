"""The budgets of the study: `smoke` runs every cell, `quick` has something to show, `full` gives the results."""

import os
from dataclasses import dataclass

from nstlib.arguments import check_seed

ENVIRONMENT_VARIABLE = "NSTLIB_PROFILE"


@dataclass(frozen=True)
class Profile:
    """Sizes and counts of one run of the notebooks; never a switch between code paths.

    Attributes:
        name: what the profile is called.
        image_size: longer side of photos and styles, in px.
        gatys_evals: budget of a pixel optimisation that is shown, in gradient evaluations.
        comparison_evals: budget of each cell where many optimisations are compared, in gradient evaluations.
        grid_size: longer side of the images in such comparisons, in px.
        reconstruction_evals: budget of a reconstruction from one layer, in gradient evaluations.
        training_steps: length of a training that runs live in a notebook, in batches.
        training_size: side of the square training crops, in px.
        variant_count: architectures of the ablation of the network, a count.
        timing_repeats: timed calls of each measurement, a count.
        timing_processes: processes in which a measurement is made where one may differ from another, a count.
        timing_crop: side of the square crops on which a training step is timed, in px.
        seeds: trainings of a network where one may differ from another, a count.
        style_count: styles of the study, a count.
        photo_count: photos of the study, a count.
        study_evals: largest budget of an optimisation in the study, in gradient evaluations.
        resamples: of each bootstrap interval, a count.
        speed_size: longer side of the largest photo that is optimised, in px; networks get twice that.
    """

    name: str
    image_size: int
    gatys_evals: int
    comparison_evals: int
    grid_size: int
    reconstruction_evals: int
    training_steps: int
    training_size: int
    variant_count: int
    timing_repeats: int
    timing_processes: int
    timing_crop: int
    seeds: int
    style_count: int
    photo_count: int
    study_evals: int
    resamples: int
    speed_size: int


# At 72 px a photo of 3:2 is as high as the largest window of a yardstick.
SMOKE = Profile(
    name="smoke",
    image_size=72,
    gatys_evals=5,
    comparison_evals=3,
    grid_size=64,
    reconstruction_evals=3,
    training_steps=3,
    training_size=64,
    variant_count=1,
    timing_repeats=2,
    timing_processes=2,
    timing_crop=64,
    seeds=1,
    style_count=2,
    photo_count=2,
    study_evals=5,
    resamples=50,
    speed_size=192,
)

QUICK = Profile(
    name="quick",
    image_size=160,
    gatys_evals=25,
    comparison_evals=12,
    grid_size=96,
    reconstruction_evals=40,
    training_steps=40,
    training_size=64,
    variant_count=4,
    timing_repeats=3,
    timing_processes=2,
    timing_crop=128,
    seeds=1,
    style_count=2,
    photo_count=2,
    study_evals=10,
    resamples=500,
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
    variant_count=5,
    timing_repeats=5,
    timing_processes=5,
    timing_crop=256,
    seeds=3,
    style_count=8,
    photo_count=8,
    study_evals=100,
    resamples=2000,
    speed_size=1024,
)

_PROFILES = {each.name: each for each in (SMOKE, QUICK, FULL)}


def profile(name: str | None = None) -> Profile:
    """A profile by its name.

    Args:
        name: `"smoke"`, `"quick"` or `"full"`; None asks the variable NSTLIB_PROFILE, and without it is quick.

    Returns:
        The profile.

    Raises:
        ValueError: there is no such profile; the accepted names are listed.
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

    Two runs on one machine then start from the same random numbers. Kernels that add in a varying order may still
    differ in the last digits: no global determinism flag is set, as it would change what is timed.

    Args:
        seed: a whole number from 0 to 2**32 - 1.

    Raises:
        ValueError: not such a number.
    """
    check_seed(seed)

    import keras  # here, so that reading a profile does not load a deep-learning framework

    keras.utils.set_random_seed(int(seed))
