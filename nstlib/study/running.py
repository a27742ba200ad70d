"""`compare` on many pairs of photo and style, kept pair by pair: a run that was stopped goes on where it was."""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nstlib.data.pictures import photo as load_photo
from nstlib.data.pictures import style as load_style
from nstlib.data.pictures import style_size
from nstlib.errors import ClusterError
from nstlib.files import load_image, save_image
from nstlib.images import resize
from nstlib.johnson import SLIM_WIDTH
from nstlib.johnson.engines import Engine, load_engine
from nstlib.johnson.network import Network, load_network
from nstlib.johnson.saved import network_names
from nstlib.metrics import YARDSTICKS
from nstlib.objective.perceptual import PerceptualLoss
from nstlib.study.comparison import (
    START,
    Comparison,
    hybrids,
    joined,
    objective_of,
    optimisations,
    passes_on_engines,
    with_networks,
    without_networks,
)
from nstlib.study.method import COLOUR_TRANSFER, IDENTITY, SLIM, WIDE, Method, run_name
from nstlib.study.results import ResultsFolder

if TYPE_CHECKING:
    from distributed import Client

_PAIR = ["photo", "style_image"]
_KEY = [*_PAIR, "size", "style_size", "objective", "start"]
_SCORES = ["method", "weights", *YARDSTICKS]
_CURVES = ["run", "evals", "total", "content", "style"]
_FINGERPRINTS = ("objective", "weights")
_STRIP = 256  # px, the height of a strip of pictures
_GAP = 4  # px between them
_STRIP_CAPTION = "Style image, photo, the longest optimisation, the networks, the longest hybrid."


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
    engines: Sequence[str] = (),
    strips: Collection[tuple[str, str]] | None = None,
    on_pair: Callable[[str, str], None] | None = None,
    client: "Client | None" = None,
) -> pd.DataFrame:
    """`compare` for every photo and every style that has a shipped network; goes on where an earlier run stopped.

    After each pair its rows are in the tables NAME and NAME_curves, and a strip of pictures (style image, photo, the
    longest optimisation, the networks, the longest hybrid) in images/NAME_PHOTO_STYLE.jpg. What the tables hold
    already is not done again, unless a size, the objective, the start of the optimisations, the weights of a network,
    the numbers of evaluations or the engines changed, or a strip that is asked for is missing. Where only networks or
    engines did, the optimisations that start elsewhere stay; for their part of the strip the folder cache/ keeps the
    image of the longest: without it they are done again for a strip, or there is none where none is asked for. The end
    of a run that was killed and started again is that of one that was not. Pairs that are not asked for stay in the
    tables, and where nothing is left to do no file is written.

    Args:
        results: the folder to write to.
        name: of the tables, made of a-z, 0-9 and _.
        photos: names that nstlib knows.
        styles: names that nstlib knows, each with a shipped network.
        size: longer side of the photos in px; style images have that of `nstlib.data.pictures.style_size`.
        evals: as for `compare`.
        adam_evals: as for `compare`.
        hybrid_evals: as for `compare`.
        engines: `"bfloat16"`, `"int8"` or both: the network in these precisions on `nstlib.load_engine`.
        strips: the pairs of photo and style that are compared again where nothing but their strip is missing; None
            names them all.
        on_pair: told the names of photo and style of each pair that is about to be done.
        client: of a Dask cluster (`nstlib.machine.cluster`), whose workers compare the pairs, each pair on one; files
            are written here. Workers load pictures and networks by name: they need the same nstlib, and no files of
            this machine. None compares here, one pair after the other.

    Returns:
        The rows asked for of the table NAME: photo, style_image, size, style_size, objective (its fingerprint), start
        (of the optimisations other than the hybrid, as `init` of `nstlib.gatys`), weights (a fingerprint of the
        network's; empty where none was used), and the scores of `compare`.

    Raises:
        DataError, NetworkError: a photo, style or network that is not known.
        EngineError, PrecisionError: engines asked for that this machine does not have.
        ClusterError: with `client`, some pairs failed twice, and the others are done; or the scheduler was lost.
        ValueError: no evaluations asked for, or engines that there are not.
    """
    optimised, mixed = optimisations(evals, adam_evals), hybrids(hybrid_evals)
    rounded = passes_on_engines(engines)
    networks = {style: _shipped(style) for style in styles}
    wanted = list(itertools.product(photos, styles))
    tables = _Tables(results, name, wanted)
    due = {}
    for photo, style in wanted:
        pair = _Pair(photo, style, size, networks[style], optimised, mixed, rounded)
        job = _left_to_do(tables, pair, strip=strips is None or (photo, style) in strips)
        if job:
            due[photo, style] = job

    def arguments(names):
        if on_pair:
            on_pair(*names)
        return *names, due[names].earlier is None

    comparing = _Comparing(size, optimised, mixed, rounded, {} if client else networks)
    for names, compared in _compared(comparing, due, arguments, client):
        tables.put(due[names].pair, _found(due[names], *compared))
    return tables.wanted_scores()


def pictures_of_strip(strip: np.ndarray, *, proportions: float, count: int) -> list[np.ndarray]:
    """The last pictures of a strip that `run_study` wrote; all but the style image are as wide as the photo.

    Args:
        strip: `(H, W, 3)`.
        proportions: width of the photo divided by its height.
        count: of the pictures; the last is that of the longest hybrid, if there was one.

    Returns:
        The pictures, from left to right.
    """
    width = round(strip.shape[0] * proportions)
    ends = [strip.shape[1] - place * (width + _GAP) for place in reversed(range(count))]
    return [strip[:, end - width : end] for end in ends]


@dataclass(frozen=True)
class _Pair:
    """A photo and a style by name, and how they are to be compared."""

    photo: str
    style: str
    size: int
    networks: Mapping[Method, Network]
    optimised: Sequence[Method]
    mixed: Sequence[Method]
    rounded: Sequence[Method]

    @property
    def objective(self) -> PerceptualLoss:
        return objective_of(self.networks[WIDE])

    @property
    def key(self) -> dict[str, str | int]:
        """What its rows in the tables have in common."""
        values = (self.size, style_size(self.style), self.objective.fingerprint, START)
        return dict(zip(_KEY, (self.photo, self.style, *values), strict=True))

    @property
    def without_weights(self) -> dict[str, str]:
        """The label of each method without a network; in the table its weights are empty."""
        methods = (IDENTITY, COLOUR_TRANSFER, *self.optimised)
        return {method.label: "" for method in methods}

    @property
    def with_weights(self) -> dict[str, str]:
        """The label of each method with a network, and the fingerprint of the network's weights."""
        weights = {method: network.fingerprint for method, network in self.networks.items()}
        weights |= dict.fromkeys((*self.rounded, *self.mixed), weights[WIDE])
        return {method.label: fingerprint for method, fingerprint in weights.items()}


class _Tables:
    """The two tables of a study, scores and curves, as they grow."""

    def __init__(
        self, results: ResultsFolder, name: str, wanted: Sequence[tuple[str, str]]
    ) -> None:
        self.results, self.name, self.wanted = results, name, wanted
        self.scores = self._read(name, _SCORES)
        self.curves = self._read(f"{name}_curves", _CURVES)

    def hold(self, pair: _Pair) -> bool:
        """Whether there is nothing left to measure."""
        return _has(_rows_of(self.scores, pair), pair.without_weights | pair.with_weights)

    def optimisations_of(self, pair: _Pair) -> Comparison | None:
        """What an earlier run found without networks, but for the images; None unless all of it is there."""
        scores, curves = _rows_of(self.scores, pair), _rows_of(self.curves, pair)
        scores = scores[scores["weights"] == ""]
        runs = {run_name(method.kind) for method in pair.optimised}
        curves = curves[curves["run"].isin(runs)]
        whole = _has(scores, pair.without_weights) and runs == set(curves["run"])
        return Comparison(scores, curves, {}) if whole else None

    def put(self, pair: _Pair, found: Comparison) -> None:
        """Writes what was found in place of what there was of this photo and style."""
        weights = found.scores["method"].map(pair.without_weights | pair.with_weights)
        self.scores = self._with(self.scores, found.scores.assign(**pair.key, weights=weights))
        self.curves = self._with(self.curves, _thinned(found.curves).assign(**pair.key))
        caption = f"Losses along each optimisation; photos of {pair.size} px."
        self.results.table(f"{self.name}_curves", self.curves, caption=caption)
        # Last, because what is in this table counts as done.
        count = self.scores.groupby(_PAIR).ngroups
        caption = f"Every method on {count} pairs of photo and style; photos of {pair.size} px."
        self.results.table(self.name, self.scores, caption=caption)

    def wanted_scores(self) -> pd.DataFrame:
        """The rows of the wanted pairs, as the file has them."""
        table = self._read(self.name, _SCORES)
        asked_for = pd.MultiIndex.from_frame(table[_PAIR]).isin(self.wanted)
        return table[asked_for].reset_index(drop=True)

    def _read(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        """A table of an earlier run, empty if there is none or it is of an older nstlib."""
        empty = pd.DataFrame(columns=[*_KEY, *columns])
        try:
            table = self.results.read(name, text=_FINGERPRINTS)  # no numbers, though some look so
        except FileNotFoundError:
            return empty
        return table if set(empty.columns) <= set(table.columns) else empty

    def _with(self, table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
        """The table with the rows of one pair; the wanted pairs first, in order, then the others."""
        rows = rows[[*_KEY, *(column for column in rows if column not in _KEY)]]
        parts = dict(list(table.groupby(_PAIR, sort=False))) | {tuple(rows[_PAIR].iloc[0]): rows}
        places = {pair: place for place, pair in enumerate(self.wanted)}
        order = sorted(parts, key=lambda pair: places.get(pair, len(places)))
        return pd.concat([parts[pair] for pair in order], ignore_index=True)


class _Pictures:
    """The strip of one pair, and the image of its longest optimisation, from which the strip can be drawn again."""

    def __init__(self, results: ResultsFolder, name: str, pair: _Pair) -> None:
        stem = f"{name}_{pair.photo}_{pair.style}"
        self.results = results
        self.strip = results.folder / "images" / f"{stem}.jpg"
        made_by = (name, *pair.key.values(), _longest("gatys", pair).evals)
        self.kept = results.folder / "cache" / f"{'_'.join(map(str, made_by))}.png"

    def keep(self, image: np.ndarray) -> None:
        """Keeps the image of the longest optimisation."""
        self.kept.parent.mkdir(parents=True, exist_ok=True)
        save_image(self.kept, image)

    def draw(self, pair: _Pair, photo: np.ndarray, style: np.ndarray, found: Comparison) -> None:
        """Writes the strip. The optimisation is drawn as it was kept, so that it looks the same each time."""
        mixed = [_longest("hybrid", pair)] if pair.mixed else []
        shown = [found.images[method.label] for method in (*pair.networks, *mixed)]
        strip = _side_by_side([style, photo, load_image(self.kept), *shown], photo.shape[0])
        suffix = self.strip.suffix
        self.results.image(self.strip.stem, strip, suffix=suffix, caption=_STRIP_CAPTION)


@dataclass(frozen=True)
class _Comparing:
    """Every method on a pair; networks are loaded once, in whichever process."""

    size: int
    optimised: Sequence[Method]
    mixed: Sequence[Method]
    rounded: Sequence[Method]
    networks: dict[str, Mapping[Method, Network]] = field(default_factory=dict)
    engines: dict[str, Mapping[Method, Engine]] = field(default_factory=dict)

    def __call__(self, photo: str, style: str, anew: bool) -> tuple[Comparison | None, Comparison]:
        """Without networks, if it is to be done anew, and with them."""
        if style not in self.networks:
            self.networks[style] = _shipped(style)
        if style not in self.engines:
            self.engines[style] = _on_engines(style, self.rounded)
        networks = self.networks[style]
        objective = objective_of(networks[WIDE])
        images = load_photo(photo, size=self.size), load_style(style, size=style_size(style))
        optimised = None
        if anew:
            optimised = without_networks(*images, self.optimised, objective=objective)
        painters = {**networks, **self.engines[style]}
        return optimised, with_networks(*images, painters, self.mixed, objective=objective)


def _compared(
    comparing: _Comparing,
    pairs: Iterable[tuple[str, str]],
    arguments: Callable[[tuple[str, str]], tuple],
    client: "Client | None",
) -> Iterator[tuple[tuple[str, str], tuple[Comparison | None, Comparison]]]:
    """What `comparing` gives for each pair, here or on a cluster."""
    if client is None:
        for names in pairs:
            yield names, comparing(*arguments(names))
        return
    from nstlib.machine.cluster import spread

    failed = {}
    for names, outcome in spread(client, comparing, pairs, arguments):
        if isinstance(outcome, Exception):
            failed[names] = outcome
        else:
            yield names, outcome
    if failed:
        (first, error), *_ = failed.items()
        raise ClusterError(
            f"{len(failed)} pairs could not be compared, the first of them {' and '.join(first)}: {error}"
        ) from error


@dataclass(frozen=True)
class _Due:
    """A pair that is to be compared, the pictures to write, and what an earlier run found without networks."""

    pair: _Pair
    pictures: _Pictures | None
    earlier: Comparison | None


def _left_to_do(tables: _Tables, pair: _Pair, *, strip: bool) -> _Due | None:
    """What is to be done about a pair whose strip is asked for, or is not; None where all is there."""
    pictures = _Pictures(tables.results, tables.name, pair)
    # A strip that is there is drawn anew with its pair, or it would go on showing an earlier network.
    drawn = strip or pictures.strip.exists()
    if tables.hold(pair) and (pictures.strip.exists() or not drawn):
        return None
    kept = pictures.kept.exists()
    earlier = tables.optimisations_of(pair) if kept or not drawn else None
    return _Due(pair, None if earlier and not kept else pictures, earlier)


def _found(due: _Due, optimised: Comparison | None, painted: Comparison) -> Comparison:
    """All that is known of a pair, its pictures written."""
    pair, pictures = due.pair, due.pictures
    if pictures and optimised:
        pictures.keep(optimised.images[_longest("gatys", pair).label])
    found = joined(optimised or due.earlier, painted)
    if pictures:
        photo = load_photo(pair.photo, size=pair.size)
        pictures.draw(pair, photo, load_style(pair.style, size=style_size(pair.style)), found)
    return found


def _shipped(style: str) -> dict[Method, Network]:
    """The networks of a style."""
    networks = {WIDE: load_network(style)}
    if style in network_names(SLIM_WIDTH):
        networks[SLIM] = load_network(style, width=SLIM_WIDTH)
    return networks


def _on_engines(style: str, rounded: Sequence[Method]) -> dict[Method, Engine]:
    """The wide network of a style on engines."""
    return {method: load_engine(style, precision=method.precision) for method in rounded}


def _longest(kind: str, pair: _Pair) -> Method:
    methods = [method for method in (*pair.optimised, *pair.mixed) if method.kind == kind]
    return max(methods, key=lambda method: method.evals)


def _rows_of(table: pd.DataFrame, pair: _Pair) -> pd.DataFrame:
    """The rows of one pair, made at this size and for this objective, without what says so."""
    same = np.logical_and.reduce([table[column] == value for column, value in pair.key.items()])
    return table[same].drop(columns=_KEY)


def _has(rows: pd.DataFrame, weights: Mapping[str, str]) -> bool:
    """Whether the rows are just these methods, each once, with these weights."""
    found = dict(zip(rows["method"], rows["weights"], strict=True))
    return len(found) == len(rows) and found == weights


def _thinned(curves: pd.DataFrame) -> pd.DataFrame:
    """All of the first twenty steps, then the first in every five evaluations and the last: enough for a figure."""
    by_run = curves.groupby("run")
    fives = curves["evals"] // 5
    new = fives != fives.groupby(curves["run"]).shift()
    last = by_run.cumcount(ascending=False) == 0
    return curves[(by_run.cumcount() <= 20) | new | last]


def _side_by_side(images: Sequence[np.ndarray], height: int) -> np.ndarray:
    """Pictures of one height in a row, with gaps."""
    height = min(_STRIP, height)
    sizes = [(height, round(height * image.shape[1] / image.shape[0])) for image in images]
    shown = [resize(image, size) for image, size in zip(images, sizes, strict=True)]
    gap = np.ones((height, _GAP, 3), np.float32)
    return np.concatenate([part for image in shown for part in (image, gap)][:-1], axis=1)
