"""Which method for which constraints, from what was measured: the tables `speed` and `study_256` of the study."""

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from nstlib.arguments import check_count
from nstlib.errors import RecommendationError
from nstlib.johnson import SLIM_WIDTH
from nstlib.johnson.engines import load_engine
from nstlib.johnson.network import load_network
from nstlib.johnson.schedule import Schedule
from nstlib.johnson.training import training_objective
from nstlib.machine.memory import estimate_memory
from nstlib.metrics import YARDSTICKS
from nstlib.study.method import SLIM, Method
from nstlib.study.timing import evaluation_seconds, pass_seconds, training_seconds

_HERE = Path(__file__).parents[1]
_FOLDERS = (_HERE / "assets" / "tables", _HERE.parent / "results" / "tables")  # wheel, checkout
_PASSES = {1.0: "pass", SLIM_WIDTH: "slim pass"}  # by the width of the network
_ENGINE = "openvino"  # and of a pass on it: "openvino pass"
# How far above the best measured method a method's means may lie: total loss, patch distance.
_CALIBRATED = "brush_flow"  # the network that is timed
_FACTORS = {"fast": (math.inf, math.inf), "balanced": (2.0, 2.0), "best": (1.1, 2.0)}


@dataclass(frozen=True)
class Recommendation:
    """What to use, why, and what to expect.

    Attributes:
        method: as `nstlib.stylize` calls it: "johnson", "gatys" or "hybrid".
        evals: gradient evaluations a picture, 0 for a pass through the network.
        width: of the network, as `nstlib.load_network` takes it: 1, or 0.25 for a slim one; 1 without any.
        command: what does it on the command line, for one photo.
        reason: one sentence.
        seconds_per_image: expected, training left out. An optimisation counts its evaluations at full size: from 512 px
            on `nstlib.gatys` begins small by itself, with at most 10 steps at a quarter and at half of the size.
        training_seconds: expected, for all styles together; 0 with shipped networks and without any.
        total_seconds: expected, for everything.
        scores: means over the pairs of the study at 256 px, by yardstick, as far as the table has them.
        sources: the rows that the numbers come from, as "table: row"; a table that the caller gave is called so.
        runner_up: the quickest of another method, itself without one; None if no other method satisfies them.
    """

    method: str
    evals: int
    width: float
    command: str
    reason: str
    seconds_per_image: float
    training_seconds: float
    total_seconds: float
    scores: pd.Series
    sources: tuple[str, ...]
    runner_up: "Recommendation | None" = None


def recommend(
    images: int,
    *,
    size: int = 512,
    seconds_per_image: float = math.inf,
    styles: int = 1,
    own_style: bool = False,
    quality: str = "balanced",
    device: str = "cpu",
    speed: pd.DataFrame | None = None,
    scores: pd.DataFrame | None = None,
) -> Recommendation:
    """The method that takes the least time in all among those that are good enough and fast enough.

    Good enough is meant against the best of the methods that come into question (not Adam), in mean total loss and in
    mean patch distance (which no method minimises) over all its pairs: `"balanced"` allows twice the best of each,
    `"best"` only a tenth more total loss, `"fast"` anything whose total loss is below that of both baselines, the
    untouched photo and the colour transfer.

    Where the speed of OpenVINO was measured (`"openvino pass"`), a pass is expected there: it paints the same picture.

    Args:
        images: pictures to make, in all styles together.
        size: their longer side in px, at least 64; photos of 3:2.
        seconds_per_image: the longest that one picture may take, training left out.
        styles: how many different ones.
        own_style: styles that no shipped network knows; a network is then trained for each, as `nstlib.train` does it
            when told nothing else, and is expected to be as good as the shipped wide ones.
        quality: `"fast"`, `"balanced"` or `"best"`.
        device: `"cpu"`; nothing else was measured.
        speed: a table like `calibrate` makes; None is the study's, see its note for the machine.
        scores: a table like `nstlib.study.run_study` makes; None is the study's.

    Returns:
        What to use, and as its `runner_up` what else would do.

    Raises:
        RecommendationError: nothing satisfies all constraints, or fits the memory of this machine.
        ValueError: bad arguments.
    """
    _check(images, size, seconds_per_image, styles, quality)
    if device != "cpu":
        raise RecommendationError(
            f"device: nothing was measured on {device!r}, only on 'cpu'; measure it yourself, there, with "
            "speed=nst.study.calibrate(), and leave device out"
        )
    tables = {"speed": speed, "study_256": scores}
    sources = {name: f"{name} (given)" for name, table in tables.items() if table is not None}
    speed = measured_table("speed") if speed is None else speed
    scores = measured_table("study_256") if scores is None else scores
    if _PASSES[SLIM_WIDTH] not in set(speed["what"]):  # a table of one's own may do without
        scores = scores[scores["method"] != SLIM.label]
    options = _options(scores, speed, images=images, size=size, styles=styles, own=own_style)
    good = options[_good_enough(options, quality)]
    fitting = good[good["seconds"] <= seconds_per_image]
    if fitting.empty:
        raise RecommendationError(_nothing_fits(options, good, seconds_per_image, quality))
    ranked = fitting.sort_values(["everything", "total"]).to_dict("records")
    best, *others = ranked
    # Of another kind: more evaluations of the same one are no alternative.
    second = next((row for row in others if row["method"].kind != best["method"].kind), None)
    least, more = (
        f"takes the least time of all that is {_good(quality)}",
        f"takes more, but is {_good(quality)} too",
    )
    return dataclasses.replace(
        _recommendation(best, least, images, size, sources),
        runner_up=second and _recommendation(second, more, images, size, sources),
    )


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
    work = [_work(Method.parse(label), speed) for label in rows["method"]]
    pixels = size * size * 2 / 3
    each = {kind: expected_seconds(kind, pixels, speed) for kind in {*itertools.chain(*work)}}
    rows.insert(2, "seconds", [sum(each[kind] * n for kind, n in row.items()) for row in work])
    return rows


def calibrate(
    *,
    sizes: Sequence[int] = (256,),
    pass_sizes: Sequence[int] | None = None,
    training_size: int = Schedule.size,
    repeats: int = 5,
) -> pd.DataFrame:
    """Measures this machine: a table for `recommend(speed=...)`, in about a minute on two cores.

    Args:
        sizes: longer sides in px at which a gradient evaluation is timed.
        pass_sizes: at which a pass through a network of either width is timed, also on OpenVINO where it is installed;
            None is `sizes`.
        training_size: side in px of the crop at which a training step is timed.
        repeats: timed calls of each.

    Returns:
        One row a kind of work and size; the columns are those of `nstlib.study.timing`.
    """
    pass_sizes = sizes if pass_sizes is None else pass_sizes
    networks = {what: load_network(_CALIBRATED, width=width) for width, what in _PASSES.items()}
    objective = training_objective()
    engines = {
        f"{_ENGINE} {what}": load_engine(_CALIBRATED, width=width)
        for width, what in _PASSES.items()
        if find_spec(_ENGINE)
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


def _options(
    scores: pd.DataFrame, speed: pd.DataFrame, *, images: int, size: int, styles: int, own: bool
) -> pd.DataFrame:
    """What can be recommended, and the baselines: one row a `Method`, with what it costs and how good it was."""
    rows = expected_costs(scores, speed, size=size)
    rows["method"] = rows["method"].map(Method.parse)
    rows["work"] = [_work(method, speed) for method in rows["method"]]
    rows = rows[[_is_option(method, size, own) for method in rows["method"]]]
    if all(method.is_baseline for method in rows["method"]):
        raise RecommendationError(
            f"size: for pictures of {size} px no method has enough memory on this machine"
        )
    each = styles * _training_seconds(speed) if own else 0.0
    training = np.array([each if method.uses_network else 0.0 for method in rows["method"]])
    rows = rows.assign(training=training, everything=training + images * rows["seconds"])
    return rows[np.isfinite(rows["everything"])]  # what was not measured cannot be recommended


def _is_option(method: Method, size: int, own: bool) -> bool:
    """Whether to consider it: L-BFGS stands for Gatys, and what does not fit the memory is no option."""
    if method.is_baseline:
        return True
    # Of a style of one's own there is no slim network: it would have to be made from the trained one.
    slim_of_own = own and method.width != 1
    return method.kind != "adam" and not slim_of_own and _fits(method, size)


def _fits(method: Method, size: int) -> bool:
    """Whether a picture of 3:2 fits the memory of this machine."""
    kind = f"{method.kind} slim" if method == SLIM else method.kind
    needed = estimate_memory(max(1, round(size * 2 / 3)), size, method=kind)
    return needed <= psutil.virtual_memory().total


def _training_seconds(speed: pd.DataFrame) -> float:
    """Of a training by `nstlib.train` when told nothing else; infinite where no step was measured."""
    if "training step" not in set(speed["what"]):
        return math.inf
    usual = Schedule()
    sides = Counter(usual.size_of(step) for step in range(usual.steps))
    return sum(
        steps * expected_seconds("training step", side**2, speed) for side, steps in sides.items()
    )


def _good_enough(options: pd.DataFrame, quality: str) -> pd.Series:
    baseline = options["method"].map(lambda method: method.is_baseline)
    methods, (total, patch) = options[~baseline], _FACTORS[quality]
    return (
        ~baseline
        & (options["total"] < options.loc[baseline, "total"].min())
        & (options["total"] <= total * methods["total"].min())
        & (options["patch"] <= patch * methods["patch"].min())
    )


def _work(method: Method, speed: pd.DataFrame) -> dict[str, int]:
    """What a picture takes: how often each kind of work; nothing for the baselines."""
    passes = {}
    if method.uses_network:
        usual = _PASSES[method.width]
        on_engine = f"{_ENGINE} {usual}"
        # The hybrid goes on in TensorFlow, and passes there too.
        there = method.kind == "johnson" and on_engine in set(speed["what"])
        passes = {on_engine if there else usual: 1}
    return passes | ({"evaluation": method.evals} if method.evals else {})


def _good(quality: str) -> str:
    return f"good enough for quality={quality!r}"


def _recommendation(
    row: Mapping, verdict: str, images: int, size: int, sources: Mapping[str, str]
) -> Recommendation:
    method = row["method"]
    pictures = "1 picture" if images == 1 else f"{images} pictures"
    reason = (
        f"{method.label} {verdict}: {_span(row['everything'])} for {pictures} of {size} px; in the study, at 256 px, "
        f"its mean total loss was {row['total']:.2f}, its patch distance {row['patch']:.3f}"
        f"{', with networks that had more training' if row['training'] else ''}."
    )
    kinds = [*row["work"], *(["training step"] if row["training"] else [])]
    means = {name: row[name] for name in YARDSTICKS if name in row}
    study, speed = (sources.get(name, name) for name in ("study_256", "speed"))
    return Recommendation(
        method=method.kind,
        evals=method.evals,
        width=method.width,
        command=_command(row),
        reason=reason,
        seconds_per_image=row["seconds"],
        training_seconds=row["training"],
        total_seconds=row["everything"],
        scores=pd.Series(means, name=method.label),
        sources=(f"{study}: {method.label}", *(f"{speed}: {kind}" for kind in kinds)),
    )


def _command(row: Mapping) -> str:
    """Such as "nst stylize PHOTO --style STYLE --method hybrid --steps 10"."""
    method, command = row["method"], "nst stylize PHOTO --style STYLE"
    if row["training"]:
        command = "nst train PAINTING -o MINE.npz && nst stylize PHOTO --style PAINTING --network MINE.npz"
    if method.evals:
        command += f" --method {method.kind} --steps {method.evals}"
    if any(kind.startswith(_ENGINE) for kind in row["work"]):
        command += f" --engine {_ENGINE}"
    return f"{command} --slim" if method.width != 1 else command


def _nothing_fits(
    options: pd.DataFrame, good: pd.DataFrame, seconds_per_image: float, quality: str
) -> str:
    if good.empty:
        return f"quality: no measured method is both close enough in total loss and in patch distance for {quality!r}"
    nearest = good.sort_values("seconds").iloc[0]
    text = (
        f"seconds_per_image: within {seconds_per_image:g} s nothing is good enough for quality={quality!r}; the "
        f"fastest that is, {nearest['method'].label}, takes {_span(nearest['seconds'])} a picture"
    )
    within = options[(options["seconds"] <= seconds_per_image) & _good_enough(options, "fast")]
    if within.empty:
        return f"{text}, and no method at all is fast enough: choose a smaller size"
    best = within.sort_values("total").iloc[0]
    lowest = f"{best['method'].label} has the lowest total loss, {best['total']:.2f}"
    return f"{text}. Within the limit {lowest}: {_command(best)}"


def _span(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.2g} s"


def _check(images: int, size: int, seconds_per_image: float, styles: int, quality: str) -> None:
    for name, value, least in (("images", images, 1), ("size", size, 64), ("styles", styles, 1)):
        check_count(value, name, least=least)
    if not (isinstance(seconds_per_image, int | float) and seconds_per_image > 0):
        raise ValueError(f"seconds_per_image: {seconds_per_image!r} is not a number above 0")
    if quality not in _FACTORS:
        raise ValueError(f"quality: {quality!r} is not one of {', '.join(_FACTORS)}")
