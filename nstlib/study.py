"""Every method on one photo and style, and on many: what notebook 05 compares, kept pair by pair."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nstlib.data import STYLE_SIZE
from nstlib.data import photo as load_photo
from nstlib.data import style as load_style
from nstlib.gatys import gatys
from nstlib.images import check_image, load_image, resize, transfer_colour
from nstlib.methods import network_objective
from nstlib.metrics import evaluate
from nstlib.perceptual import PerceptualLoss
from nstlib.results import ResultsFolder
from nstlib.transformer import SLIM_WIDTH, Network, load_network, network_names

BASELINES = ("identity", "colour transfer")
WIDE, SLIM = "Johnson", "Johnson slim"
_RUNS = ("Gatys", "hybrid")
_PAIR = ["photo", "style_image"]
_KEY = [*_PAIR, "size", "objective"]
_CURVE = ["evals", "total", "content", "style"]
_STRIP = 192  # px, the height of a strip of pictures
_GAP = 4  # px between them


@dataclass(frozen=True)
class Comparison:
    """Every method on one photo and one style.

    Attributes:
        scores: one row a method: method, evals (gradient evaluations, 0 without any), the columns of
            `nstlib.evaluate`, and equivalent_evals, for networks only: after how many gradient evaluations of
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
    slim: Network | None = None,
    evals: Sequence[int] = (10, 25, 50, 100),
    adam_evals: Sequence[int] = (),
    hybrid_evals: Sequence[int] = (10,),
    objective: PerceptualLoss | None = None,
    progress: bool = False,
) -> Comparison:
    """Both methods, the hybrid and two baselines on one photo, under one objective.

    The methods are called `identity` (the photo itself), `colour transfer`, `Gatys N` (L-BFGS from the photo, after N
    gradient evaluations), `Adam N`, `Johnson`, `Johnson slim` and `hybrid N` (L-BFGS from what the network made).
    Optimisation runs at full size only, so that an evaluation costs the same everywhere.

    Args:
        photo, style: the content and the style image.
        network: of that style.
        slim: a narrower network of that style; None leaves it out.
        evals, adam_evals, hybrid_evals: at how many gradient evaluations to look at each optimisation; none leaves
            Adam or the hybrid out.
        objective: minimised and reported; None is the one that the network was trained on.
        progress: show progress bars.

    Raises:
        ImageError, ValueError: bad arguments.
        OptimizationError: the loss became infinite or not a number.
    """
    photo, style = check_image(photo, "photo"), check_image(style, "style")
    _check_evals(evals)
    objective = objective or network_objective(network) or PerceptualLoss()
    networks = {WIDE: network} | ({SLIM: slim} if slim else {})
    return _joined(
        _without_networks(photo, style, objective, evals, adam_evals, progress),
        _with_networks(photo, style, objective, networks, hybrid_evals, progress),
    )


def equivalent_evals(history: pd.DataFrame, total: float) -> float:
    """Gradient evaluations after which an optimisation's total loss is no longer above `total`; infinite if never.

    Where the history leaves evaluations out, the loss between two of its rows is taken as a straight line.
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
    strips: bool = True,
    on_pair: Callable[[str, str], None] | None = None,
) -> pd.DataFrame:
    """`compare` for every photo and every style that has a shipped network; goes on where an earlier run stopped.

    After each pair its rows are in the tables NAME and NAME_curves, and a strip of pictures (style image, photo, the
    longest optimisation, the networks, the longest hybrid) in images/NAME_PHOTO_STYLE.jpg. What the tables hold
    already is not done again, unless the size, the objective, the weights of a network or the numbers of evaluations
    changed; where only networks did, the optimisations from the photo stay. The end of a run that was killed and
    started again is that of one that was not. Pairs that are not asked for stay in the tables.

    Args:
        results: the folder to write to.
        name: of the tables, made of a-z, 0-9 and _.
        photos, styles: names that nstlib knows.
        size: longer side of the photos in px; style images have 384, as for the networks' training.
        evals, adam_evals, hybrid_evals: as for `compare`.
        strips: write the strips of pictures.
        on_pair: told the names of photo and style of each pair that is about to be done.

    Returns:
        The rows asked for of the table NAME: photo, style_image, size, objective (its fingerprint), weights (a
        fingerprint of the network's; empty where none was used), and the scores of `compare`.

    Raises:
        DataError, NetworkError: a photo, style or network that is not known.
        ValueError: no evaluations asked for.
    """
    _check_evals(evals)
    networks = {style: _shipped(style) for style in styles}
    alone = dict.fromkeys([*BASELINES, *_named("Gatys", evals), *_named("Adam", adam_evals)], "")
    scores = _read(results, name, ["method", "weights"])
    curves = _read(results, f"{name}_curves", ["run", *_CURVE])
    wanted = list(itertools.product(photos, styles))
    for photo_name, style_name in wanted:
        widths = networks[style_name]
        weights = {label: network.fingerprint for label, network in widths.items()}
        painted = weights | dict.fromkeys(_named("hybrid", hybrid_evals), weights[WIDE])
        objective = network_objective(widths[WIDE])
        key = dict(zip(_KEY, (photo_name, style_name, size, objective.fingerprint), strict=True))
        earlier = _rows_of(scores, key)
        path = results.folder / "images" / f"{name}_{photo_name}_{style_name}.jpg"
        drawn = path.exists() or not strips
        if drawn and _holds(earlier, alone | painted):
            continue
        if on_pair:
            on_pair(photo_name, style_name)

        photo = load_photo(photo_name, size=size)
        style = load_style(style_name, size=STYLE_SIZE)
        history = _rows_of(curves, key)
        runs = {"Gatys", "Adam"} if adam_evals else {"Gatys"}
        unpainted = earlier[~earlier["method"].str.startswith((WIDE, "hybrid"))]
        if drawn and _holds(unpainted, alone) and runs <= set(history["run"]):
            images = {_named("Gatys", evals)[-1]: _panel(path, photo, style)} if strips else {}
            optimised = Comparison(unpainted, history, images)
        else:
            optimised = _without_networks(photo, style, objective, evals, adam_evals)
        new = _with_networks(photo, style, objective, widths, hybrid_evals)
        found = _joined(optimised, new)

        rows = found.scores.assign(**key, weights=found.scores["method"].map(alone | painted))
        scores = _replaced(scores, rows, wanted)
        curves = _replaced(curves, _thinned(found.curves).assign(**key), wanted)
        if strips:
            caption = (
                "Style image, photo, the longest optimisation, the networks, the longest hybrid."
            )
            strip = _strip(photo, style, found.images)
            results.image(path.stem, strip, suffix=path.suffix, caption=caption)
        caption = f"Losses along each optimisation; photos of {size} px."
        results.table(f"{name}_curves", curves, caption=caption)
        # Last, because what is in this table counts as done.
        count = scores.groupby(_PAIR).ngroups
        caption = f"Every method on {count} pairs of photo and style; photos of {size} px."
        results.table(name, scores, caption=caption)
    table = _read(results, name, ["method", "weights"])
    return table[_in(table, wanted)].reset_index(drop=True)


def _without_networks(photo, style, objective, evals, adam_evals=(), progress=False) -> Comparison:
    """The baselines, and the optimisations from the photo."""
    images = {"identity": photo, "colour transfer": transfer_colour(photo, style)}
    runs = {"Gatys": (evals, {}), "Adam": (adam_evals, {"optimizer": "adam"})}
    return _scored(photo, style, objective, images, runs, progress)


def _with_networks(
    photo, style, objective, networks, hybrid_evals=(), progress=False
) -> Comparison:
    """What networks made, and the optimisation from the picture of the wide one."""
    images = {label: network.stylize(photo) for label, network in networks.items()}
    runs = {"hybrid": (hybrid_evals, {"init": images[WIDE]})}
    return _scored(photo, style, objective, images, runs, progress)


def _scored(photo, style, objective, images, runs, progress) -> Comparison:
    """Pictures that are there, and those of optimisations: their budgets of evaluations and further arguments."""
    images, curves = dict(images), []
    spent = dict.fromkeys(images, 0)
    for run, (budgets, options) in runs.items():
        if not budgets:
            continue
        most = {"steps": max(budgets), "max_evals": max(budgets), "scales": (1,)}
        options = most | options | {"objective": objective, "snapshots": tuple(budgets)}
        result = gatys(photo, style, **options, progress=progress)
        curves.append(result.history[_CURVE].assign(run=run))
        names = _named(run, budgets)
        images |= dict(zip(names, (result.snapshots[count] for count in budgets), strict=True))
        spent |= dict(zip(names, budgets, strict=True))
    scores = evaluate(images, photo, style, objective=objective)
    scores.insert(1, "evals", scores["method"].map(spent))
    curves = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=["run"])
    return Comparison(scores, curves, images)


def _joined(optimised: Comparison, painted: Comparison) -> Comparison:
    scores = pd.concat([optimised.scores, painted.scores], ignore_index=True)
    history = optimised.curves[optimised.curves["run"] == "Gatys"]
    networks = scores["method"].isin([WIDE, SLIM])
    scores["equivalent_evals"] = [
        equivalent_evals(history, total) if by_network else np.nan
        for total, by_network in zip(scores["total"], networks, strict=True)
    ]
    later = optimised.curves[optimised.curves["run"] != "hybrid"], painted.curves
    curves = pd.concat([each for each in later if len(each)], ignore_index=True)
    return Comparison(scores, curves, {**optimised.images, **painted.images})


def _check_evals(evals) -> None:
    if not evals:
        raise ValueError("evals: give at least one number of gradient evaluations")


def _named(run: str, budgets: Sequence[int]) -> list[str]:
    return [f"{run} {count}" for count in budgets]


def _shipped(style: str) -> dict[str, Network]:
    """The networks of a style by what the study calls them."""
    networks = {WIDE: load_network(style)}
    if style in network_names(SLIM_WIDTH):
        networks[SLIM] = load_network(style, width=SLIM_WIDTH)
    return networks


def _read(results: ResultsFolder, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """A table of an earlier run, empty if there is none or it is of an older nstlib."""
    columns = [*_KEY, *columns]
    try:
        # Fingerprints are no numbers, though some look so.
        table = results.read(name, text=("objective", "weights"))
    except FileNotFoundError:
        return pd.DataFrame(columns=columns)
    return table if set(columns) <= set(table.columns) else pd.DataFrame(columns=columns)


def _rows_of(table: pd.DataFrame, key: Mapping) -> pd.DataFrame:
    """The rows of one pair, made at this size and for this objective, without what says so."""
    same = np.logical_and.reduce([table[column] == value for column, value in key.items()])
    return table[same].drop(columns=_KEY)


def _holds(rows: pd.DataFrame, weights: Mapping[str, str]) -> bool:
    """Whether the rows are just these methods, each once, with these weights."""
    found = dict(zip(rows["method"], rows["weights"], strict=True))
    return len(found) == len(rows) and found == dict(weights)


def _replaced(table: pd.DataFrame, rows: pd.DataFrame, wanted) -> pd.DataFrame:
    """The table with these rows of one pair in place of what it had of that pair; the wanted pairs first, in order."""
    columns = [*_KEY, *(column for column in rows if column not in _KEY)]
    pair = tuple(rows[_PAIR].iloc[0])
    parts = dict(list(table.groupby(_PAIR, sort=False))) | {pair: rows[columns]}
    order = sorted(parts, key=lambda each: wanted.index(each) if each in wanted else len(wanted))
    return pd.concat([parts[each] for each in order], ignore_index=True)


def _in(table: pd.DataFrame, pairs) -> np.ndarray:
    return pd.MultiIndex.from_frame(table[_PAIR]).isin(pairs)


def _thinned(curves: pd.DataFrame) -> pd.DataFrame:
    """All of the first twenty steps, then the first in every five evaluations and the last: enough for a figure."""
    by_run = curves.groupby("run")
    fives = curves["evals"] // 5
    new = fives != fives.groupby(curves["run"]).shift()
    last = by_run.cumcount(ascending=False) == 0
    return curves[(by_run.cumcount() <= 20) | new | last]


def _strip(photo: np.ndarray, style: np.ndarray, images: Mapping[str, np.ndarray]) -> np.ndarray:
    """Pictures side by side; the last of each optimisation is its longest."""
    longest = {run: [name for name in images if name.startswith(f"{run} ")][-1:] for run in _RUNS}
    names = [*longest["Gatys"], WIDE, SLIM, *longest["hybrid"]]
    shown = [style, photo, *(images[name] for name in names if name in images)]
    height = _height(photo)
    shown = [resize(each, (height, _width(each, height))) for each in shown]
    gap = np.ones((height, _GAP, 3), np.float32)
    return np.concatenate([part for each in shown for part in (each, gap)][:-1], axis=1)


def _panel(path: Path, photo: np.ndarray, style: np.ndarray) -> np.ndarray:
    """The longest optimisation from the photo, out of a strip of pictures."""
    height = _height(photo)
    width = _width(photo, height)
    left = _width(style, height) + _GAP + width + _GAP
    return load_image(path)[:, left : left + width]


def _height(photo: np.ndarray) -> int:
    return min(_STRIP, photo.shape[0])


def _width(image: np.ndarray, height: int) -> int:
    return round(height * image.shape[1] / image.shape[0])
