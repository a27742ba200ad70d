"""Which method for which constraints, from what was measured: the tables `speed` and `study_256` of the study."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import psutil

from nstlib.arguments import check_count, is_finite
from nstlib.errors import RecommendationError
from nstlib.machine.memory import estimate_memory
from nstlib.machine.precision import has_bfloat16
from nstlib.metrics import YARDSTICKS
from nstlib.study.costs import (
    engine_of,
    expected_costs,
    expected_training,
    measured_table,
    work_of,
)
from nstlib.study.method import Method
from nstlib.study.statistics import three_digits
from nstlib.study.timing import ENGINE

# How far above the best measured method a method's means may lie: total loss, patch distance.
_FACTORS = {"fast": (math.inf, math.inf), "balanced": (2.0, 2.0), "best": (1.1, 2.0)}


@dataclass(frozen=True)
class Recommendation:
    """What to use, why, and what to expect.

    Attributes:
        method: as `nstlib.stylize` calls it: "johnson", "gatys" or "hybrid".
        evals: gradient evaluations a picture, 0 for a pass through the network.
        width: of the network, as `nstlib.load_network` takes it: 1, or 0.25 for a slim one; 1 without any.
        engine: what runs the network: "openvino" (`nstlib.load_engine`, with the extra `fast`) or "tensorflow"; the
            latter without any.
        precision: of the engine: "float32", "bfloat16" or "int8".
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
    engine: str
    precision: str
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
    In bfloat16 and int8 it paints another, so these are methods of their own, with scores of their own. A method whose
    work was not measured does not come into question, nor does bfloat16 on a processor without instructions for it.

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
    scores = scores[scores["method"].isin(_measured(scores["method"].unique(), speed))]
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


def _options(
    scores: pd.DataFrame, speed: pd.DataFrame, *, images: int, size: int, styles: int, own: bool
) -> pd.DataFrame:
    """What can be recommended, and the baselines: one row a `Method`, with what it costs and how good it was."""
    rows = expected_costs(scores, speed, size=size)
    rows["method"] = rows["method"].map(Method.parse)
    rows["work"] = [work_of(method, speed) for method in rows["method"]]
    rows["engine"] = [engine_of(method, speed) for method in rows["method"]]
    rows = rows[[_is_option(method, own) for method in rows["method"]]]
    _check_methods(rows, "speed: nothing that could be recommended was measured")
    asked = zip(rows["method"], rows["engine"], strict=True)
    rows = rows[[method.is_baseline or _fits(method, engine, size) for method, engine in asked]]
    _check_methods(
        rows, f"size: for pictures of {size} px no method has enough memory on this machine"
    )
    each = styles * expected_training(speed) if own else 0.0
    training = np.array([each if method.uses_network else 0.0 for method in rows["method"]])
    rows = rows.assign(training=training, everything=training + images * rows["seconds"])
    return rows[np.isfinite(rows["everything"])]  # what was not measured cannot be recommended


def _measured(labels: Iterable[str], speed: pd.DataFrame) -> list[str]:
    """The methods all of whose work was measured: a table of one's own may do without some."""
    kinds = {*speed["what"]}
    return [label for label in labels if work_of(Method.parse(label), speed).keys() <= kinds]


def _check_methods(rows: pd.DataFrame, otherwise: str) -> None:
    if all(method.is_baseline for method in rows["method"]):
        raise RecommendationError(otherwise)


def _is_option(method: Method, own: bool) -> bool:
    """Whether to consider it: L-BFGS stands for Gatys, and what the processor cannot do is no option."""
    # Of a style of one's own there is no slim network: it would have to be made from the trained one.
    slim_of_own = own and method.width != 1
    able = method.precision != "bfloat16" or has_bfloat16()
    return method.kind != "adam" and not slim_of_own and able


def _fits(method: Method, engine: str, size: int) -> bool:
    """Whether a picture of 3:2 fits the memory of this machine."""
    kind = ENGINE if engine == ENGINE else method.kind
    if method.kind == "johnson" and method.width != 1:
        kind += " slim"
    needed = estimate_memory(max(1, round(size * 2 / 3)), size, method=kind)
    return needed <= psutil.virtual_memory().total


def _good_enough(options: pd.DataFrame, quality: str) -> pd.Series:
    baseline = options["method"].map(lambda method: method.is_baseline)
    methods, (total, patch) = options[~baseline], _FACTORS[quality]
    return (
        ~baseline
        & (options["total"] < options.loc[baseline, "total"].min())
        & (options["total"] <= total * methods["total"].min())
        & (options["patch"] <= patch * methods["patch"].min())
    )


def _good(quality: str) -> str:
    return f"good enough for quality={quality!r}"


def _recommendation(
    row: Mapping, verdict: str, images: int, size: int, sources: Mapping[str, str]
) -> Recommendation:
    method = row["method"]
    pictures = "1 picture" if images == 1 else f"{images} pictures"
    on_engine = " on OpenVINO" if row["engine"] == ENGINE else ""
    reason = (
        f"{method.label}{on_engine} {verdict}: "
        f"{_span(row['everything'])} for {pictures} of {size} px; in the study, at 256 px, "
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
        engine=row["engine"],
        precision=method.precision,
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
    if row["engine"] == ENGINE:
        command += f" --engine {ENGINE}"
    if method.precision != "float32":
        command += f" --precision {method.precision}"
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
            return f"{three_digits(seconds / length)} {unit}"
    return f"{seconds:.2g} s"


def _check(images: int, size: int, seconds_per_image: float, styles: int, quality: str) -> None:
    for name, value, least in (("images", images, 1), ("size", size, 64), ("styles", styles, 1)):
        check_count(value, name, least=least)
    limited = is_finite(seconds_per_image) or seconds_per_image == math.inf
    if not limited or seconds_per_image <= 0:
        raise ValueError(f"seconds_per_image: {seconds_per_image!r} is not a number above 0")
    if quality not in _FACTORS:
        raise ValueError(f"quality: {quality!r} is not one of {', '.join(_FACTORS)}")
