"""Every method on one photo and one style, under one objective."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nstlib.images import check_image, transfer_colour
from nstlib.johnson import PRECISIONS
from nstlib.johnson.engines import Engine
from nstlib.johnson.network import Network
from nstlib.methods import Painter, network_objective
from nstlib.metrics import evaluate
from nstlib.objective.perceptual import PerceptualLoss
from nstlib.optimization.pixels import gatys
from nstlib.study.method import COLOUR_TRANSFER, IDENTITY, SLIM, WIDE, Method, run_name

#: Where optimisations start, but for the hybrid: the photo in the colours of the style.
START = "colour"
_CURVE = ["evals", "total", "content", "style"]
_OPTIMIZERS = {"gatys": "lbfgs", "adam": "adam", "hybrid": "lbfgs"}


@dataclass(frozen=True)
class Comparison:
    """Every method on one photo and one style.

    Attributes:
        scores: one row a method: method (its label, see `nstlib.study.Method`), evals (gradient evaluations, 0 without
            any), the columns of `nstlib.evaluate`, and equivalent_evals, for networks only: after how many gradient
            evaluations of L-BFGS the total loss is no longer above the network's; infinite if it never was.
        curves: losses along each optimisation: run ("Gatys", "Adam", "hybrid"), evals, total, content, style.
        images: the stylized image of each method, by its label.
    """

    scores: pd.DataFrame
    curves: pd.DataFrame
    images: Mapping[str, np.ndarray]


def compare(
    photo: np.ndarray,
    style: np.ndarray,
    network: Network,
    *,
    slim: Network | None = None,
    engines: Sequence[Engine] = (),
    evals: Sequence[int] = (10, 25, 50, 100),
    adam_evals: Sequence[int] = (),
    hybrid_evals: Sequence[int] = (10,),
    objective: PerceptualLoss | None = None,
    progress: bool = False,
) -> Comparison:
    """Both methods, the hybrid and two baselines on one photo, under one objective.

    The methods are called `identity` (the photo itself), `colour transfer`, `Gatys N` (L-BFGS from that, after N
    gradient evaluations), `Adam N`, `Johnson`, `Johnson slim`, `Johnson bfloat16` and `Johnson int8` (one pass on an
    engine) and `hybrid N` (L-BFGS from what the network made).
    Optimisation runs at full size only, so that an evaluation costs the same everywhere.

    Args:
        photo: the content image, `(H, W, 3)`.
        style: the style image, of any size.
        network: of that style.
        slim: a narrower network of that style; None leaves it out.
        engines: the network in bfloat16 or int8, each from `nstlib.load_engine`; none leaves them out.
        evals: at how many gradient evaluations to look at the optimisation by L-BFGS, at least one number.
        adam_evals: the same for Adam; none leaves it out.
        hybrid_evals: the same for the hybrid; none leaves it out.
        objective: minimised and reported; None is the one that the network was trained on.
        progress: show progress bars.

    Returns:
        Scores, curves and images.

    Raises:
        ImageError, ValueError: bad arguments.
        NetworkError: the network's card says that it was trained on something that is no objective.
        OptimizationError: the loss became infinite or not a number.
    """
    photo, style = check_image(photo, "photo"), check_image(style, "style")
    optimised = optimisations(evals, adam_evals)
    rounded = passes_on_engines([engine.precision for engine in engines])
    painters = {WIDE: network} | ({SLIM: slim} if slim else {})
    painters |= dict(zip(rounded, engines, strict=True))
    common = {"objective": objective or objective_of(network), "progress": progress}
    return joined(
        without_networks(photo, style, optimised, **common),
        with_networks(photo, style, painters, hybrids(hybrid_evals), **common),
    )


def equivalent_evals(history: pd.DataFrame, total: float) -> float:
    """After how many gradient evaluations an optimisation has come as low as a given total loss.

    Args:
        history: columns evals (rising) and total. Where it leaves evaluations out, the loss between two of its rows is
            taken as a straight line.
        total: the loss to reach.

    Returns:
        The number of evaluations after which the total loss is no longer above `total`; infinite if it never is.
    """
    below = (history["total"] <= total).to_numpy()
    if not below.any():
        return np.inf
    first = int(below.argmax())
    evals, totals = history["evals"].to_numpy(float), history["total"].to_numpy(float)
    if first == 0:
        return evals[0]
    # Rising order, as np.interp wants it: the row that is low enough, then the one before.
    reached = np.interp(total, totals[[first, first - 1]], evals[[first, first - 1]])
    return float(np.ceil(np.round(reached, 6)))


def optimisations(evals: Sequence[int], adam_evals: Sequence[int]) -> list[Method]:
    """The optimisations that start from the colour transfer.

    Raises:
        ValueError: none by L-BFGS, with which networks are compared.
    """
    if not evals:
        raise ValueError("evals: give at least one number of gradient evaluations")
    budgets = {"gatys": evals, "adam": adam_evals}
    return [Method(kind, evals=count) for kind, counts in budgets.items() for count in counts]


def hybrids(evals: Sequence[int]) -> list[Method]:
    """The optimisations from the picture of the wide network."""
    return [Method("hybrid", evals=count) for count in evals]


def passes_on_engines(precisions: Sequence[str]) -> list[Method]:
    """The passes of the wide network in which an engine rounds.

    Raises:
        ValueError: a precision that is none, float32, in which an engine paints what the network does, or one twice.
    """
    methods = [Method("johnson", precision=precision) for precision in precisions]
    if WIDE in methods or len({*methods}) < len(methods):
        accepted = " and ".join(
            precision for precision in PRECISIONS if precision != WIDE.precision
        )
        raise ValueError(
            f"engines: {', '.join(precisions)}; accepted: {accepted}, each at most once"
        )
    return methods


def objective_of(network: Network) -> PerceptualLoss:
    """What a network was trained on; the default objective for one made elsewhere, which does not say."""
    return network_objective(network) or PerceptualLoss()


def without_networks(
    photo: np.ndarray,
    style: np.ndarray,
    methods: Sequence[Method],
    *,
    objective: PerceptualLoss,
    progress: bool = False,
) -> Comparison:
    """The baselines, and the given optimisations that start from the colour transfer."""
    images = {IDENTITY: photo, COLOUR_TRANSFER: transfer_colour(photo, style)}
    return _scored(photo, style, images, methods, START, objective, progress)


def with_networks(
    photo: np.ndarray,
    style: np.ndarray,
    painters: Mapping[Method, Painter],
    methods: Sequence[Method],
    *,
    objective: PerceptualLoss,
    progress: bool = False,
) -> Comparison:
    """What networks made, and the given optimisations from the picture of the wide one."""
    images = {method: painter.stylize(photo) for method, painter in painters.items()}
    return _scored(photo, style, images, methods, images[WIDE], objective, progress)


def joined(optimised: Comparison, by_networks: Comparison) -> Comparison:
    """The comparison without networks and the one with them as one, with the evaluations that networks are worth."""
    scores = pd.concat([optimised.scores, by_networks.scores], ignore_index=True)
    history = optimised.curves[optimised.curves["run"] == run_name("gatys")]
    painted = scores["method"].map(lambda label: Method.parse(label).kind == WIDE.kind)
    scores["equivalent_evals"] = [
        equivalent_evals(history, total) if one_pass else np.nan
        for total, one_pass in zip(scores["total"], painted, strict=True)
    ]
    curves = [each.curves for each in (optimised, by_networks) if len(each.curves)]
    images = {**optimised.images, **by_networks.images}
    return Comparison(scores, pd.concat(curves, ignore_index=True), images)


def _scored(
    photo: np.ndarray,
    style: np.ndarray,
    images: Mapping[Method, np.ndarray],
    methods: Sequence[Method],
    init: str | np.ndarray,
    objective: PerceptualLoss,
    progress: bool,
) -> Comparison:
    """Pictures that are there, by their methods, and those of optimisations that start from `init`."""
    images, curves = dict(images), []
    for kind in dict.fromkeys(method.kind for method in methods):
        budgets = tuple(method.evals for method in methods if method.kind == kind)
        result = gatys(
            photo,
            style,
            steps=max(budgets),
            max_evals=max(budgets),
            objective=objective,
            optimizer=_OPTIMIZERS[kind],
            init=init,
            scales=(1,),
            snapshots=budgets,
            progress=progress,
        )
        images |= {Method(kind, evals=count): result.snapshots[count] for count in budgets}
        curves.append(result.history[_CURVE].assign(run=run_name(kind)))
    labelled = {method.label: image for method, image in images.items()}
    scores = evaluate(labelled, photo, style, objective=objective)
    scores.insert(1, "evals", [method.evals for method in images])
    curves = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=["run"])
    return Comparison(scores, curves, labelled)
