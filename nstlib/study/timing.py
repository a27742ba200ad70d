"""What a pass, a gradient evaluation and a training step cost on this machine, as rows of one kind of table.

Columns: what (a pass as `pass_name` calls it, `"evaluation"` or `"training step"`), size (longer side in px), pixels,
seconds (the median), low and high (the quartiles), first (seconds of the first one at that size, which pays for tracing
and, for an evaluation, for the targets), repeats.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from nstlib.arguments import check_count
from nstlib.data import STYLE_SIZE
from nstlib.data.pictures import photo as load_photo
from nstlib.data.pictures import style as load_style
from nstlib.images import resize
from nstlib.johnson.network import Network
from nstlib.johnson.schedule import Schedule
from nstlib.johnson.training import train
from nstlib.machine.measuring import in_fresh_process, measure
from nstlib.methods import Painter
from nstlib.objective.perceptual import PerceptualLoss
from nstlib.optimization.pixels import gatys

_WARM_UP = 2  # evaluations or steps that pay for tracing and cold caches
_PHOTO, _STYLE = "coffee", "brush_flow"
ENGINE = "openvino"  # what runs a network other than TensorFlow


def pass_name(width: float = 1.0, *, engine: bool = False, precision: str = "float32") -> str:
    """What the rows of a pass are called.

    Args:
        width: of the network; any but 1 is slim.
        engine: whether it is a pass on OpenVINO, not in TensorFlow.
        precision: of the engine.

    Returns:
        Such as "pass", "slim pass", "openvino pass" or "openvino int8 pass": float32 goes without saying.
    """
    words = {ENGINE: engine, precision: precision != "float32", "slim": width != 1, "pass": True}
    return " ".join(word for word, said in words.items() if said)


def pass_seconds(
    network: Painter, sizes: Sequence[int], *, what: str = "pass", repeats: int = 7
) -> pd.DataFrame:
    """Seconds of one pass through a network.

    Args:
        network: whose pass it is, of `load_network` or `load_engine`.
        sizes: longer sides of photos of 3:2, in px.
        what: the rows are to be called.
        repeats: timed passes at each size, at least 2.

    Returns:
        One row a size.
    """
    rows = []
    for size in sizes:
        photo = resize(load_photo(_PHOTO), size)
        timing = measure(network.stylize, photo, repeats=repeats)
        rows.append(_row(what, photo, timing.seconds, timing.first_call))
    return pd.DataFrame(rows)


def batch_seconds(
    network: Network, size: int, batches: Sequence[int], *, repeats: int = 7
) -> pd.DataFrame:
    """Seconds a photo when several of one size pass through a network together.

    Args:
        network: whose pass it is.
        size: longer side of the photos of 3:2, in px.
        batches: how many photos at a time.
        repeats: timed passes of each batch, at least 2.

    Returns:
        One row a batch: batch, seconds, low, high, repeats.
    """
    photo = resize(load_photo(_PHOTO), size)
    rows = []
    for count in batches:
        batch = np.repeat(photo[None], count, axis=0)
        timing = measure(network.model.predict_on_batch, batch, repeats=repeats)
        row = _row("pass", photo, np.divide(timing.seconds, count), timing.first_call)
        rows.append({"batch": count} | row)
    return pd.DataFrame(rows)[["batch", "seconds", "low", "high", "repeats"]]


def evaluation_seconds(
    objective: PerceptualLoss, sizes: Sequence[int], *, repeats: int = 7
) -> pd.DataFrame:
    """Seconds of one gradient evaluation inside `nstlib.gatys`, L-BFGS included.

    Args:
        objective: what is evaluated.
        sizes: longer sides of photos of 3:2, in px.
        repeats: timed steps at each size; a step of L-BFGS takes one evaluation or more.

    Returns:
        One row a size.
    """
    style = load_style(_STYLE, size=STYLE_SIZE)
    rows = []
    for size in sizes:
        photo = resize(load_photo(_PHOTO), size)
        # The first row of the history, the start, is one of the warm-ups.
        most = {"steps": repeats + _WARM_UP - 1, "scales": (1,), "objective": objective}
        history = gatys(photo, style, **most, progress=False).history
        seconds = seconds_per_evaluation(history).iloc[_WARM_UP:]
        rows.append(_row("evaluation", photo, seconds, history["seconds"].iloc[0]))
    return pd.DataFrame(rows)


def seconds_per_evaluation(history: pd.DataFrame) -> pd.Series:
    """What an evaluation took in each step of an optimisation, from the history of `nstlib.gatys`; NaN in the first."""
    return history["seconds"].diff() / history["evals"].diff()


def training_seconds(
    start: Network, objective: PerceptualLoss, size: int = Schedule.size, *, repeats: int = 7
) -> pd.DataFrame:
    """Seconds of one step of `nstlib.train`, with one square crop a step.

    Args:
        start: the network to go on from.
        objective: what is minimised.
        size: side of the crops, in px.
        repeats: timed steps.

    Returns:
        One row.
    """
    photo = resize(load_photo(_PHOTO), (size, size))
    style = load_style(_STYLE, size=STYLE_SIZE)
    schedule = Schedule(steps=repeats + _WARM_UP, size=size, small_share=0)
    options = {"schedule": schedule, "objective": objective, "start": start, "progress": False}
    seconds = train(style, [photo], **options).history["seconds"]
    return pd.DataFrame(
        [_row("training step", photo, seconds.diff().iloc[_WARM_UP:], seconds.iloc[0])]
    )


def speedups(speed: pd.DataFrame, evals: Sequence[int] = (100, 300, 500)) -> pd.DataFrame:
    """How many passes take as long as an optimisation, at every size at which both were measured.

    Args:
        speed: a table like `nstlib.study.calibrate` makes.
        evals: numbers of gradient evaluations of the optimisation.

    Returns:
        One row a size, number of evaluations and kind of pass: size, evals, what, speedup (the ratio of the medians),
        low and high (the least and the greatest that the quartiles of both allow).
    """
    timed = ["size", "seconds", "low", "high"]
    passes = speed.loc[speed["what"].str.endswith("pass"), ["what", *timed]]
    evaluations = speed.loc[speed["what"] == "evaluation", timed]
    both = passes.merge(evaluations, on="size", suffixes=("_pass", ""))
    both = both.merge(pd.Series(evals, name="evals"), how="cross")
    both["speedup"] = both["evals"] * both["seconds"] / both["seconds_pass"]
    both["low"] *= both["evals"] / both["high_pass"]
    both["high"] *= both["evals"] / both["low_pass"]
    return both[["size", "evals", "what", "speedup", "low", "high"]]


def across_processes(
    function: Callable[..., pd.DataFrame], processes: int, **options: object
) -> pd.DataFrame:
    """The table of a function like those above, from several fresh processes, one after the other.

    What two processes measure may differ by more than the repeats of either: by where their memory lies, and by what
    else the machine does meanwhile. Seconds and first are medians over the processes, low and high the quartiles of
    the processes' seconds; repeats are those of each process, and the column processes says how many there were.

    Args:
        function: one that can be imported by name and gives the same rows each time.
        processes: at least 2.
        options: of the function.

    Returns:
        The rows of the function, with the column processes.

    Raises:
        ValueError: fewer than two processes.
    """
    check_count(processes, "processes", least=2)
    tables = [in_fresh_process(function, **options) for _ in range(processes)]
    rows = pd.concat(tables).groupby(["what", "size", "pixels"], sort=False)
    low, median, high = (rows["seconds"].quantile(share) for share in (0.25, 0.5, 0.75))
    table = pd.DataFrame({"seconds": median, "low": low, "high": high})
    table["first"], table["repeats"] = rows["first"].median(), rows["repeats"].first()
    return table.assign(processes=processes).reset_index()


def _row(what: str, photo: np.ndarray, seconds: Sequence[float], first: float) -> dict:
    low, median, high = np.percentile(list(seconds), [25, 50, 75])
    return {
        "what": what,
        "size": max(photo.shape[:2]),
        "pixels": photo.shape[0] * photo.shape[1],
        "seconds": median,
        "low": low,
        "high": high,
        "first": first,
        "repeats": len(seconds),
    }
