"""The arithmetic of the study: paired differences with intervals, growth with size, break-even."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

_LEVEL = 0.95


def mean_interval(
    table: pd.DataFrame, column: str, *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of a column over all pairs of photo and style, and its 95% bootstrap confidence interval.

    Photos and styles are resampled independently of one another, each with replacement (Owen 2007, the pigeonhole
    bootstrap): the pairs of one photo, or of one style, are not independent, and resampling pairs would make the
    interval too narrow. Percentile intervals by `scipy.stats.bootstrap`.

    Args:
        table: one row for each photo with each style: columns `photo`, `style_image` and `column`.
        column: the name of a numeric column.
        resamples: how many, at least 1.
        seed: of the resampling.

    Returns:
        Mean, lower and upper end.

    Raises:
        ValueError: a missing column, a pair that is missing or comes twice, a value that is not finite, or fewer than
            two photos or styles.
    """
    grid = _grid(table, column)
    if min(grid.shape) < 2:
        raise ValueError(
            f"table: {grid.shape[0]} photo(s) and {grid.shape[1]} style(s); an interval needs two of each"
        )

    def mean(photos, styles):
        return grid[np.ix_(photos, styles)].mean()

    found = stats.bootstrap(
        tuple(np.arange(count) for count in grid.shape),
        mean,
        n_resamples=resamples,
        vectorized=False,
        method="percentile",
        confidence_level=_LEVEL,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(grid.mean()), float(found.low), float(found.high)


def mean_intervals(
    table: pd.DataFrame, columns: Sequence[str], *, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """`mean_interval` of several columns for each method.

    Args:
        table: one row for each photo, style and method, as `nstlib.study.run_study` makes it.
        columns: the yardsticks.
        resamples: as for `mean_interval`.
        seed: as for `mean_interval`.

    Returns:
        One row a method, in the order of the table, and yardstick: method, yardstick, mean, low, high.

    Raises:
        ValueError: as `mean_interval`.
    """
    rows = [
        (method, column, *mean_interval(scores, column, resamples=resamples, seed=seed))
        for method, scores in table.groupby("method", sort=False)
        for column in columns
    ]
    return pd.DataFrame(rows, columns=["method", "yardstick", "mean", "low", "high"])


def median_ranges(
    table: pd.DataFrame,
    by: Sequence[str],
    columns: Sequence[str],
    *,
    quantiles: tuple[float, float] = (0.0, 1.0),
) -> pd.DataFrame:
    """Medians of groups of rows, and how far the values spread.

    Args:
        table: one row a measurement.
        by: columns that tell the groups apart; one without a value is a group of its own.
        columns: the numeric columns to describe; values that are missing are left out.
        quantiles: the lower and the upper end; as they stand the lowest and the highest value.

    Returns:
        One row a group, in the order of the table, and yardstick: the columns of `by`, yardstick, median, low, high.

    Raises:
        ValueError: a missing column, or quantiles that are not between 0 and 1 and in rising order.
    """
    missing = {*by, *columns} - set(table.columns)
    if missing:
        raise ValueError(f"table: there is no column {', '.join(sorted(missing))}")
    low, high = quantiles
    if not 0 <= low <= high <= 1:
        raise ValueError(f"quantiles: {quantiles!r} are not two of 0 to 1 in rising order")
    groups = table.groupby([*by], sort=False, dropna=False)
    found = {
        column: pd.DataFrame(
            {
                "median": groups[column].median(),
                "low": groups[column].quantile(low),
                "high": groups[column].quantile(high),
            }
        )
        for column in columns
    }
    rows = pd.concat(found, names=["yardstick"]).reset_index()
    return rows[[*by, "yardstick", "median", "low", "high"]]


def interval_text(table: pd.DataFrame, column: str) -> pd.Series:
    """Each value with its interval as people write it: "0.995 (0.737 to 1.22)", three significant digits.

    Args:
        table: with the numeric columns `column`, `low` and `high`.
        column: the name of the column with the values.

    Returns:
        One text a row, with the index of the table.
    """
    digits = {"precision": 3, "fractional": False, "trim": "-"}
    text = table[[column, "low", "high"]].astype(float).map(np.format_float_positional, **digits)
    return text[column] + " (" + text["low"] + " to " + text["high"] + ")"


def three_digits(value: float) -> str:
    """A number above 0 to three significant digits, or whole from 1,000 on: "0.0125", "12.5", "12,500"."""
    return f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"


def paired_differences(
    table: pd.DataFrame,
    comparisons: Iterable[tuple[str, str]],
    columns: Sequence[str],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Two methods on the same pairs of photo and style: how much one differs from the other, with intervals.

    Args:
        table: one row for each photo, style and method, as `nstlib.study.run_study` makes it.
        comparisons: pairs (method, other).
        columns: the yardsticks.
        resamples: as for `mean_interval`.
        seed: as for `mean_interval`.

    Returns:
        One row a comparison and yardstick: method, other, yardstick; difference, low, high (mean of method minus other
        and its interval, see `mean_interval`); effect_size (Cohen's d of paired data, the mean difference in standard
        deviations of the differences); share_lower (of the pairs, in which method is lower than other); pairs.

    Raises:
        ValueError: a method that is not in the table, or a table that `mean_interval` would refuse.
    """
    known = list(dict.fromkeys(table["method"]))
    rows = []
    for method, other in comparisons:
        for name in (method, other):
            if name not in known:
                raise ValueError(
                    f"comparisons: there is no method {name!r}; there are {', '.join(known)}"
                )
        for column in columns:
            _check_columns(table, column)
            sides = [table[table["method"] == name] for name in (method, other)]
            difference = _keyed(sides[0], column) - _keyed(sides[1], column)
            frame = difference.rename("difference").reset_index()
            mean, low, high = mean_interval(frame, "difference", resamples=resamples, seed=seed)
            spread = difference.std(ddof=1)
            rows.append(
                {
                    "method": method,
                    "other": other,
                    "yardstick": column,
                    "difference": mean,
                    "low": low,
                    "high": high,
                    "effect_size": mean / spread if spread else math.nan,
                    "share_lower": float((difference < 0).mean()),
                    "pairs": len(difference),
                }
            )
    return pd.DataFrame(rows)


def pareto_front(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Which rows no other row beats: none is at least as low in every column and lower in one.

    Args:
        table: one row a candidate.
        columns: numeric columns in which less is better.

    Returns:
        Booleans, one a row.
    """
    values = table[list(columns)].to_numpy(dtype=float)
    no_worse = (values[None] <= values[:, None]).all(axis=2)
    better = (values[None] < values[:, None]).any(axis=2)
    return ~(no_worse & better).any(axis=1)


def growth(sizes: Sequence[float], seconds: Sequence[float]) -> tuple[float, float, float]:
    """The exponent b of seconds = a · size^b, fitted by least squares on log-log axes, and its 95% interval.

    With sizes in pixels, 1 means that twice the pixels take twice as long.

    Args:
        sizes: at least three different ones, in any unit, above 0.
        seconds: the duration at each, above 0.

    Returns:
        Exponent, lower and upper end (Student's t, N - 2 degrees of freedom).

    Raises:
        ValueError: fewer than three sizes, or a value that is not finite and above 0.
    """
    sizes, seconds = np.asarray(sizes, float), np.asarray(seconds, float)
    if len(sizes) != len(seconds) or len(np.unique(sizes)) < 3:
        raise ValueError(
            "sizes: a fit with an interval needs three different sizes, one duration each"
        )
    if not all((values > 0).all() and np.isfinite(values).all() for values in (sizes, seconds)):
        raise ValueError("sizes, seconds: every value must be finite and above 0 on log axes")
    fit = stats.linregress(np.log(sizes), np.log(seconds))
    reach = stats.t.ppf((1 + _LEVEL) / 2, len(sizes) - 2) * fit.stderr
    return float(fit.slope), float(fit.slope - reach), float(fit.slope + reach)


def break_even(training: float, network: float, optimization: float) -> float:
    """The number of pictures from which on training and passes take no longer than optimising each picture.

    Args:
        training: seconds of the training, 0 for a network that is there already.
        network: seconds of one pass.
        optimization: seconds of one optimised picture.

    Returns:
        A whole number of at least 1; infinite if a pass takes as long as an optimisation or longer.

    Raises:
        ValueError: a duration that is negative or not finite.
    """
    for name, value in (
        ("training", training),
        ("network", network),
        ("optimization", optimization),
    ):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name}: {value!r} is not a duration in seconds, 0 or more")
    if network >= optimization:
        return math.inf
    return float(max(1, math.ceil(training / (optimization - network))))


def _keyed(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows.set_index(["photo", "style_image"])[column]


def _check_columns(table: pd.DataFrame, column: str) -> None:
    missing = {"photo", "style_image", column} - set(table.columns)
    if missing:
        raise ValueError(f"table: there is no column {', '.join(sorted(missing))}")


def _grid(table: pd.DataFrame, column: str) -> np.ndarray:
    """Values by photo (rows) and style (columns)."""
    _check_columns(table, column)
    pairs = table[["photo", "style_image"]]
    if pairs.duplicated().any():
        twice = " with ".join(pairs[pairs.duplicated()].iloc[0])
        raise ValueError(f"table: the pair {twice} comes twice; accepted: one row a pair")
    places = pd.MultiIndex.from_product(
        [sorted(table["photo"].unique()), sorted(table["style_image"].unique())]
    )
    values = _keyed(table, column).reindex(places)
    if values.isna().any():
        photo, style = values.index[values.isna()][0]
        raise ValueError(f"table: {column} of {photo} with {style} is missing")
    infinite = ~np.isfinite(values.astype(float))
    if infinite.any():
        photo, style = values.index[infinite][0]
        raise ValueError(f"table: {column} of {photo} with {style} is not finite; it has no mean")
    return values.to_numpy(dtype=float).reshape([len(level) for level in places.levels])
