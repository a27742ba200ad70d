"""Every method on one photo and style, and on many: what notebook 05 compares, kept pair by pair."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nstlib.data import STYLE_SIZE
from nstlib.data import photo as load_photo
from nstlib.data import style as load_style
from nstlib.gatys import gatys
from nstlib.images import check_image, resize, transfer_colour
from nstlib.metrics import evaluate
from nstlib.perceptual import PerceptualLoss
from nstlib.results import ResultsFolder
from nstlib.transformer import Network, load_network

_CURVE = ["evals", "total", "content", "style"]
_STRIP = 192  # px, the height of a strip of pictures
_GAP = 4  # px between them


@dataclass(frozen=True)
class Comparison:
    """Every method on one photo and one style.

    Attributes:
        scores: one row a method: method, evals (gradient evaluations, 0 without any), the columns of
            `nstlib.evaluate`, and equivalent_evals, for the network only: after how many gradient evaluations of
            L-BFGS from the photo the total loss is no longer above the network's; infinite if it never was.
        curves: losses along each optimisation: run ("Gatys", "Adam", "hybrid"), evals, total, content, style.
        images: the stylized image of each method.
    """

    scores: pd.DataFrame
    curves: pd.DataFrame
    images: Mapping[str, np.ndarray]


def compare(
    photo: np.ndarray,
    style: np.ndarray,
    network: Network,
    *,
    evals: Sequence[int] = (10, 25, 50, 100),
    adam_evals: Sequence[int] = (),
    hybrid_evals: Sequence[int] = (10,),
    objective: PerceptualLoss | None = None,
    progress: bool = False,
) -> Comparison:
    """Both methods, the hybrid and two baselines on one photo, under one objective.

    The methods are called `identity` (the photo itself), `colour transfer`, `Gatys N` (L-BFGS from the photo, after N
    gradient evaluations), `Adam N`, `Johnson` and `hybrid N` (L-BFGS from what the network made). Optimisation runs at
    full size only, so that an evaluation costs the same everywhere.

    Args:
        photo, style: the content and the style image.
        network: of that style.
        evals, adam_evals, hybrid_evals: at how many gradient evaluations to look at each optimisation; none leaves
            Adam or the hybrid out.
        objective: minimised and reported; None is the one that the network was trained on.
        progress: show progress bars.

    Raises:
        ImageError, ValueError: bad arguments.
        OptimizationError: the loss became infinite or not a number.
    """
    photo, style = check_image(photo, "photo"), check_image(style, "style")
    if not evals:
        raise ValueError("evals: give at least one number of gradient evaluations")
    objective = objective or PerceptualLoss(**network.card.get("objective", {}))
    fast = network.stylize(photo)
    runs = {
        "Gatys": (evals, {}),
        "Adam": (adam_evals, {"optimizer": "adam"}),
        "hybrid": (hybrid_evals, {"init": fast}),
    }
    images = {"identity": photo, "colour transfer": transfer_colour(photo, style), "Johnson": fast}
    spent = dict.fromkeys(images, 0)
    histories = {}
    for name, (budgets, options) in runs.items():
        if not budgets:
            continue
        most = {"steps": max(budgets), "max_evals": max(budgets), "scales": (1,)}
        options = most | options | {"objective": objective, "snapshots": tuple(budgets)}
        result = gatys(photo, style, **options, progress=progress)
        histories[name] = result.history
        images |= {f"{name} {count}": result.snapshots[count] for count in budgets}
        spent |= {f"{name} {count}": count for count in budgets}
    scores = evaluate(images, photo, style, objective=objective)
    scores.insert(1, "evals", scores["method"].map(spent))
    network_row = scores["method"] == "Johnson"
    reached = equivalent_evals(histories["Gatys"], scores.loc[network_row, "total"].item())
    scores["equivalent_evals"] = np.where(network_row, reached, np.nan)
    curves = pd.concat([history[_CURVE].assign(run=name) for name, history in histories.items()])
    return Comparison(scores, curves.reset_index(drop=True), images)


def equivalent_evals(history: pd.DataFrame, total: float) -> float:
    """Gradient evaluations after which an optimisation's total loss is no longer above `total`; infinite if never."""
    reached = history.loc[history["total"] <= total, "evals"]
    return float(reached.min()) if len(reached) else np.inf


def run_study(
    results: ResultsFolder,
    name: str,
    *,
    photos: Sequence[str],
    styles: Sequence[str],
    size: int,
    evals: Sequence[int],
    adam_evals: Sequence[int] = (),
    hybrid_evals: Sequence[int] = (),
    on_pair: Callable[[str, str], None] | None = None,
) -> pd.DataFrame:
    """`compare` for every photo and every style that has a shipped network; goes on where an earlier run stopped.

    After each pair its rows are in the tables NAME and NAME_curves, and a strip of pictures (style image, photo, the
    longest optimisation, the network, the longest hybrid) in images/NAME_PHOTO_STYLE.jpg. A pair that the tables hold
    already is not done again, unless its network's weights or the numbers of evaluations changed. The end of a run
    that was killed and started again is that of one that was not.

    Args:
        results: the folder to write to.
        name: of the tables, made of a-z, 0-9 and _.
        photos, styles: names that nstlib knows.
        size: longer side of the photos in px; style images have 384, as for the networks' training.
        evals, adam_evals, hybrid_evals: as for `compare`.
        on_pair: told the names of photo and style of each pair that is about to be done.

    Returns:
        The table NAME: photo, style_image, weights (a fingerprint of the network's), and the scores of `compare`.

    Raises:
        DataError, NetworkError: a photo, style or network that is not known.
    """
    networks = {style: load_network(style) for style in styles}
    weights = {style: network.fingerprint for style, network in networks.items()}
    wanted = list(itertools.product(photos, styles))
    methods = ["identity", "colour transfer", "Johnson"]
    for run, budgets in (("Gatys", evals), ("Adam", adam_evals), ("hybrid", hybrid_evals)):
        methods += [f"{run} {count}" for count in budgets]
    scores = _finished(_read(results, name), wanted, weights, methods)
    curves = _read(results, f"{name}_curves")
    for photo_name, style_name in wanted:
        if (photo_name, style_name) in scores:
            continue
        if on_pair:
            on_pair(photo_name, style_name)
        found = compare(
            load_photo(photo_name, size=size),
            load_style(style_name, size=STYLE_SIZE),
            networks[style_name],
            evals=evals,
            adam_evals=adam_evals,
            hybrid_evals=hybrid_evals,
        )
        key = {"photo": photo_name, "style_image": style_name, "weights": weights[style_name]}
        scores[photo_name, style_name] = _labelled(found.scores, key)
        others = [
            rows
            for pair, rows in _pairs(curves).items()
            if pair in scores and pair != (photo_name, style_name)
        ]
        curves = pd.concat([*others, _labelled(_thinned(found.curves), key)], ignore_index=True)
        strip = _strip(load_style(style_name, size=STYLE_SIZE), found.images)
        caption = "Style image, photo, the longest optimisation, the network, the longest hybrid."
        picture = f"{name}_{photo_name}_{style_name}"
        results.image(picture, strip, suffix=".jpg", caption=caption)
        caption = f"Losses along each optimisation; photos of {size} px."
        results.table(f"{name}_curves", curves, caption=caption)
        # Last, because a pair in this table counts as done.
        table = pd.concat(scores.values(), ignore_index=True)
        caption = f"Every method on {len(scores)} pairs of photo and style; photos of {size} px."
        results.table(name, table, caption=caption)
    return results.read(name)


def _read(results: ResultsFolder, name: str) -> pd.DataFrame:
    try:
        return results.read(name)
    except FileNotFoundError:
        return pd.DataFrame(columns=["photo", "style_image", "weights", "method"])


def _pairs(table: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Rows by pair of photo and style, in the order of the table."""
    return dict(list(table.groupby(["photo", "style_image"], sort=False)))


def _finished(table, wanted, weights, methods) -> dict[tuple[str, str], pd.DataFrame]:
    """Those pairs of the table that are wanted, done with these weights and all these methods."""
    return {
        pair: rows
        for pair, rows in _pairs(table).items()
        if pair in wanted
        and set(rows["weights"]) == {weights[pair[1]]}
        and sorted(rows["method"]) == sorted(methods)
    }


def _labelled(table: pd.DataFrame, key: Mapping[str, str]) -> pd.DataFrame:
    return pd.concat([pd.DataFrame([key] * len(table), index=table.index), table], axis=1)


def _thinned(curves: pd.DataFrame) -> pd.DataFrame:
    """All of the first twenty steps, then every fifth and the last: enough for a figure."""
    step = curves.groupby("run").cumcount()
    last = step == curves.groupby("run")["evals"].transform("size") - 1
    return curves[(step <= 20) | (step % 5 == 0) | last]


def _strip(style: np.ndarray, images: Mapping[str, np.ndarray]) -> np.ndarray:
    """Pictures side by side; the last of each run is its longest."""
    shown = [style, images["identity"]]
    for run in ("Gatys", "Johnson", "hybrid"):
        shown += [image for name, image in images.items() if name.startswith(run)][-1:]
    height = min(_STRIP, images["identity"].shape[0])
    shown = [
        resize(each, (height, round(height * each.shape[1] / each.shape[0]))) for each in shown
    ]
    gap = np.ones((height, _GAP, 3), np.float32)
    return np.concatenate([part for each in shown for part in (each, gap)][:-1], axis=1)
