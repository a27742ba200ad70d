"""What one picture costs by each method, from the measured seconds of its work."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from nstlib.johnson import SLIM_WIDTH
from nstlib.johnson.engines import load_engine
from nstlib.johnson.network import load_network
from nstlib.johnson.schedule import Schedule
from nstlib.johnson.training import training_objective
from nstlib.machine.precision import has_bfloat16
from nstlib.metrics import YARDSTICKS
from nstlib.study.method import Method
from nstlib.study.statistics import break_even
from nstlib.study.timing import (
    ENGINE,
    evaluation_seconds,
    pass_name,
    pass_seconds,
    training_seconds,
)

_HERE = Path(__file__).parents[1]
_FOLDERS = (_HERE / "assets" / "tables", _HERE.parent / "results" / "tables")  # wheel, checkout
_CALIBRATED = "brush_flow"  # the network that is timed


def calibrate(
    *,
    sizes: Sequence[int] = (256,),
    pass_sizes: Sequence[int] | None = None,
    training_size: int = Schedule.size,
    repeats: int = 5,
) -> pd.DataFrame:
    """Measures this machine: a table for `recommend(speed=...)`, in about a minute on two cores.

    Evaluations and training steps are in the precision that TensorFlow uses: float32 unless `nstlib.use_bfloat16` was
    called in this process.

    Args:
        sizes: longer sides in px at which a gradient evaluation is timed.
        pass_sizes: at which a pass through a network of either width is timed, and where OpenVINO is installed also on
            it: of the wide one in every precision that this machine and what is installed allow. None is `sizes`.
        training_size: side in px of the crop at which a training step is timed.
        repeats: timed calls of each.

    Returns:
        One row a kind of work and size; the columns are those of `nstlib.study.timing`.
    """
    pass_sizes = sizes if pass_sizes is None else pass_sizes
    networks = {
        pass_name(width): load_network(_CALIBRATED, width=width) for width in (1.0, SLIM_WIDTH)
    }
    objective = training_objective()
    engines = {
        pass_name(width, engine=True, precision=precision): load_engine(
            _CALIBRATED, width=width, precision=precision
        )
        for width, precision in _on_engine()
    }
    passes = [
        pass_seconds(network, pass_sizes, what=what, repeats=repeats)
        for what, network in (networks | engines).items()
    ]
    evaluations = evaluation_seconds(objective, sizes, repeats=repeats)
    steps = training_seconds(networks["pass"], objective, training_size, repeats=repeats)
    return pd.concat([*passes, evaluations, steps], ignore_index=True)


def measured_table(name: str) -> pd.DataFrame:
    """A table of the full study that travels with the library.

    Args:
        name: such as "speed".

    Returns:
        The table.

    Raises:
        FileNotFoundError: there is none of that name.
    """
    for folder in _FOLDERS:
        path = folder / f"{name}.csv"
        if path.is_file():
            return pd.read_csv(path, keep_default_na=False, na_values=[""])
    raise FileNotFoundError(f"there is no measured table {name!r}")


def expected_seconds(what: str, pixels: float, speed: pd.DataFrame) -> float:
    """Seconds of a kind of work at a size, from measured ones.

    Between two measured sizes the seconds a pixel are interpolated over the logarithm of the pixels; beyond them they
    are those of the nearest.

    Args:
        what: a kind of work of `nstlib.study.timing`, such as `"pass"` or `"evaluation"`.
        pixels: of the picture.
        speed: a table like `calibrate` makes.

    Returns:
        Seconds.

    Raises:
        ValueError: nothing of that kind was measured.
    """
    rows = speed[speed["what"] == what].sort_values("pixels")
    if rows.empty:
        raise ValueError(
            f"speed: there is no row for {what!r}; there are {sorted(set(speed['what']))}"
        )
    each = rows["seconds"] / rows["pixels"]
    return float(pixels * np.interp(np.log(pixels), np.log(rows["pixels"]), each))


def expected_training(speed: pd.DataFrame, schedule: Schedule | None = None) -> float:
    """Seconds of a training.

    Args:
        speed: a table like `calibrate` makes.
        schedule: how long, and on what; None is as `nstlib.train` does it when told nothing else.

    Returns:
        Seconds, those of a step of one crop times the crops of a batch; infinite where no step was measured.
    """
    if "training step" not in set(speed["what"]):
        return math.inf
    schedule = schedule or Schedule()
    sides = Counter(schedule.size_of(step) for step in range(schedule.steps))
    return sum(
        steps * schedule.batch_size * expected_seconds("training step", side**2, speed)
        for side, steps in sides.items()
    )


def expected_break_even(
    speed: pd.DataFrame,
    *,
    evals: int,
    size: int = 512,
    more: int = 0,
    schedules: Sequence[Schedule] = (Schedule(),),
) -> tuple[float, float, float]:
    """The number of pictures from which on a network of one's own has paid for its training.

    Args:
        speed: a table like `calibrate` makes.
        evals: gradient evaluations that each picture would take otherwise.
        size: longer side of the pictures in px; photos of 3:2.
        more: evaluations after each pass in TensorFlow, as of the hybrid.
        schedules: of the trainings, one after the other; none for a network that is there already.

    Returns:
        Pictures (`nstlib.study.break_even`) by the medians, the fewest, and the most that the quartiles allow; infinite
        where no training step was measured.
    """
    pixels = size * size * 2 / 3

    def pictures(training: str, network: str, evaluation: str) -> float:
        seconds = {end: speed.assign(seconds=speed[end]) for end in ("seconds", "low", "high")}
        each = expected_seconds("evaluation", pixels, seconds[evaluation])
        painted = expected_seconds(pass_name(), pixels, seconds[network]) + more * each
        trained = sum(expected_training(seconds[training], schedule) for schedule in schedules)
        return math.inf if math.isinf(trained) else break_even(trained, painted, evals * each)

    return (
        pictures("seconds", "seconds", "seconds"),
        pictures("low", "low", "high"),
        pictures("high", "high", "low"),
    )


def expected_costs(scores: pd.DataFrame, speed: pd.DataFrame, *, size: int = 512) -> pd.DataFrame:
    """What one picture by each method of the study costs at a size, beside the means of its scores.

    Args:
        scores: a table like `nstlib.study.run_study` makes.
        speed: a table like `calibrate` makes.
        size: longer side of the picture in px; photos of 3:2.

    Returns:
        One row a method: method, evals, seconds, and the mean over all pairs of each yardstick that `scores` has. The
        baselines cost nothing that was measured: 0.

    Raises:
        ValueError: a kind of work that was not measured, or a label that is that of no method.
    """
    yardsticks = [name for name in YARDSTICKS if name in scores]
    rows = scores.groupby("method", sort=False)[["evals", *yardsticks]].mean().reset_index()
    work = [work_of(Method.parse(label), speed) for label in rows["method"]]
    pixels = size * size * 2 / 3
    each = {kind: expected_seconds(kind, pixels, speed) for kind in {*itertools.chain(*work)}}
    rows.insert(2, "seconds", [sum(each[kind] * n for kind, n in row.items()) for row in work])
    return rows


def work_of(method: Method, speed: pd.DataFrame) -> dict[str, int]:
    """What a picture takes: how often each kind of work of `nstlib.study.timing`; nothing for the baselines.

    Args:
        method: of the study.
        speed: a table like `calibrate` makes; its kinds of pass decide what runs the network.
    """
    on_engine = engine_of(method, speed) == ENGINE
    name = pass_name(method.width, engine=on_engine, precision=method.precision)
    work = {name: int(method.uses_network), "evaluation": method.evals}
    return {kind: count for kind, count in work.items() if count}


def engine_of(method: Method, speed: pd.DataFrame) -> str:
    """What runs the network of a method: "openvino" where that was measured, and wherever TensorFlow cannot.

    Args:
        method: of the study.
        speed: a table like `calibrate` makes.

    Returns:
        "openvino" or "tensorflow", the latter also for a method without network.
    """
    on_engine = pass_name(method.width, engine=True, precision=method.precision)
    there = method.precision != "float32" or on_engine in set(speed["what"])
    # The hybrid goes on in TensorFlow, and passes there too.
    return ENGINE if method.kind == "johnson" and there else "tensorflow"


def _on_engine() -> list[tuple[float, str]]:
    """Widths and precisions in which OpenVINO can run a network here."""
    if not find_spec(ENGINE):
        return []
    able = {"bfloat16": has_bfloat16(), "int8": bool(find_spec("nncf"))}
    faster = [(1.0, precision) for precision, can in able.items() if can]
    return [(1.0, "float32"), *faster, (SLIM_WIDTH, "float32")]
