"""Figures made of numbers."""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nstlib.arguments import check_count
from nstlib.study.plots.parts import (
    INK,
    LETTER,
    MARKERS,
    PALETTE,
    THEME,
    NotebookFigure,
    axis_name,
    check_columns,
    check_filled,
    check_positive,
    check_unique,
    distinct_colours,
    legend_below,
    legend_right,
    listed,
    log_axis,
    reaches,
    settled,
    write_beside,
)
from nstlib.study.statistics import three_digits

_WHISKERS = {"fmt": "none", "ecolor": INK, "capsize": 3}  # intervals around bars
_SIDEWAYS = 1.02  # factor on the cost between neighbouring groups of `pareto`
_LOSSES = {
    "total": "total loss",
    "content": "content loss",
    "style": "style loss",
    "tv": "total variation loss",
}


@matplotlib.rc_context(THEME)
def loss_curves(
    histories: Mapping[str, pd.DataFrame],
    *,
    x: str = "evals",
    columns: Sequence[str] = ("total", "content", "style"),
    levels: Mapping[str, float | Mapping[str, float]] | None = None,
) -> Figure:
    """One panel a loss on a log axis, one line a method.

    Values that are not positive, such as the content loss of a start from the photo, have no
    place on a log axis and leave a gap.

    Args:
        histories: name of each method, at most ten, to a table with `x` and `columns`.
        x: column on the horizontal axis.
        columns: the losses to show.
        levels: name to a value drawn as a dashed horizontal line, for example the loss that a
            network reaches: one number for the first panel, or column name to number.

    Raises:
        ValueError: if a mapping is empty or a column is missing or not numeric.
    """
    check_filled("histories", histories)
    check_filled("columns", columns)
    for name, history in histories.items():
        check_columns(history, f"histories[{name!r}]", numeric=(x, *columns))
    per_level = _per_panel(levels or {}, columns)
    colours = distinct_colours(len(histories) + len(per_level), "histories and levels together")

    fig = NotebookFigure(figsize=(4.1 * len(columns) + 0.3, 4.0), layout="constrained")
    axes = fig.subplots(1, len(columns), sharex=True, squeeze=False)[0]
    named = {}  # not by the labels of the lines: one that begins with _ would be left out
    for ax, column in zip(axes, columns, strict=True):
        for (name, history), colour in zip(histories.items(), colours, strict=False):
            (named[name],) = ax.plot(history[x], history[column], color=colour, label=name)
        for (name, level), colour in zip(per_level.items(), colours[len(histories) :], strict=True):
            if column in level:
                named[name] = ax.axhline(level[column], color=colour, linestyle="--", label=name)
        ax.set(title=_loss_title(column), xlabel=axis_name(x))
        log_axis(ax, "y")
    axes[0].set_ylabel("loss (log scale)")
    legend_below(fig, named)
    return settled(fig)


@matplotlib.rc_context(THEME)
def training_curve(history: pd.DataFrame, *, smooth: int = 25) -> Figure:
    """The losses of a training, one panel each on a log axis: faint as recorded, bold smoothed.

    The bold line is the rolling median of `smooth` records centred on each step (fewer at the two
    ends); the legend says so.

    Args:
        history: columns `step`, `total`, `content`, `style` and `tv`, one row a record.
        smooth: records in the window, at least 1.

    Raises:
        ValueError: if a column is missing or not numeric, or `smooth` is out of range.
    """
    columns = ("total", "content", "style", "tv")
    check_columns(history, "history", numeric=("step", *columns))
    check_count(smooth, "smooth", least=1)
    medians = history[list(columns)].rolling(int(smooth), center=True, min_periods=1).median()

    fig = NotebookFigure(figsize=(10, 6.2), layout="constrained")
    axes = fig.subplots(2, 2, sharex=True)
    for ax, column in zip(axes.flat, columns, strict=True):
        ax.plot(history["step"], history[column], color=PALETTE[0], alpha=0.3, linewidth=1)
        ax.plot(history["step"], medians[column], color=PALETTE[0], linewidth=2.2)
        ax.set_title(_loss_title(column))
        log_axis(ax, "y")
    for ax in axes[-1]:
        ax.set_xlabel(axis_name("step"))
    for ax in axes[:, 0]:
        ax.set_ylabel("loss (log scale)")
    fig.get_layout_engine().set(h_pad=0.1)
    names = ("as recorded", f"rolling median of {smooth} records")
    legend_below(fig, dict(zip(names, axes[0, 0].lines, strict=True)))
    return settled(fig)


@matplotlib.rc_context(THEME)
def timing_bars(
    table: pd.DataFrame,
    *,
    x: str = "method",
    y: str = "seconds",
    error: tuple[str, str] | None = ("low", "high"),
) -> Figure:
    """One horizontal bar a row, from top to bottom, on a log axis and labelled with its duration.

    Only the ends of the bars mean something: a log axis has no zero for them to start from.

    Args:
        table: one row a bar.
        x: column with the names of the bars, each once.
        y: column with positive durations, in seconds.
        error: columns with the lower and the upper end of the interval drawn around each
            duration, in seconds; None draws no interval.

    Raises:
        ValueError: if a column is missing or not numeric, a name comes twice, or a duration is
            not positive or lies outside its interval.
    """
    ends = tuple(error or ())
    check_columns(table, "table", present=(x,), numeric=(y, *ends))
    check_unique(table, (x,))
    check_positive(table, (y, *ends))
    around = reaches(table, y, ends)
    seconds = table[y].to_numpy(dtype=float)
    low, high = (table[end].to_numpy(dtype=float) for end in ends or (y, y))

    names = [textwrap.fill(str(name), 28) for name in table[x]]
    fig = NotebookFigure(figsize=(8.5, 1.1 + 0.5 * len(names)), layout="constrained")
    ax = fig.subplots()
    places = np.arange(len(names))
    ax.barh(places, seconds, height=0.65, color=PALETTE[0])
    if around is not None:
        ax.errorbar(seconds, places, xerr=around, **_WHISKERS)
    for place, value, end in zip(places, seconds, high, strict=True):
        ax.annotate(_duration(value), (end, place), (6, 0), textcoords="offset points", va="center")
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    log_axis(ax, "x", nonpositive="clip")
    # Room for the value labels on the right, and a visible stub for the shortest bar on the left.
    decades = max(1.0, math.log10(high.max() / low.min()))
    ax.set_xlim(low.min() / 10 ** (0.15 * decades), high.max() * 10 ** (0.15 * decades))
    ax.set_xlabel(f"{axis_name(y)} (log scale)")
    return settled(fig)


@matplotlib.rc_context(THEME)
def quality_scatter(
    table: pd.DataFrame, *, x: str, y: str, hue: str, label: str | None = None
) -> Figure:
    """One point a row; colour and marker both say the group.

    Args:
        table: one row a point.
        x, y: numeric columns on the axes.
        hue: column with the groups, at most ten.
        label: column with a text to write beside each point.

    Raises:
        ValueError: if a column is missing or not numeric, or there are too many groups.
    """
    texts = () if label is None else (label,)
    check_columns(table, "table", present=(hue, *texts), numeric=(x, y))
    groups = table[hue].astype(str)
    order = list(dict.fromkeys(groups))
    fig = NotebookFigure(figsize=(8.5, 5.2), layout="constrained")
    ax = fig.subplots()
    sns.scatterplot(
        x=table[x],
        y=table[y],
        hue=groups,
        style=groups,
        hue_order=order,
        style_order=order,
        palette=distinct_colours(len(order), hue),
        s=80,
        ax=ax,
    )
    ax.margins(0.08)
    ax.set(xlabel=axis_name(x), ylabel=axis_name(y))
    legend_right(ax, hue)
    settled(fig)
    if label is not None:
        write_beside(ax, table[x], table[y], table[label].astype(str))
    return fig


@matplotlib.rc_context(THEME)
def growth_lines(
    table: pd.DataFrame,
    *,
    x: str = "size",
    y: str = "seconds",
    hue: str = "what",
    error: tuple[str, str] | None = ("low", "high"),
) -> Figure:
    """One line a group through its rows, both axes logarithmic: a straight line is a power of the size.

    Args:
        table: one row a point.
        x, y: numeric columns, all values positive.
        hue: column with the groups, at most ten; colour and marker both say the group.
        error: columns with the lower and the upper end of the interval around each point; None draws none.

    Raises:
        ValueError: if a column is missing or not numeric, a value is not positive or lies outside its interval.
    """
    ends = tuple(error or ())
    check_columns(table, "table", present=(hue,), numeric=(x, y, *ends))
    check_positive(table, (x, y, *ends))
    groups = dict(list(table.groupby(hue, sort=False)))
    fig = NotebookFigure(figsize=(7.5, 4.8), layout="constrained")
    ax = fig.subplots()
    for (name, rows), colour, marker in zip(
        groups.items(), distinct_colours(len(groups), hue), MARKERS, strict=False
    ):
        rows = rows.sort_values(x)
        style = {"color": colour, "marker": marker, "label": str(name), "capsize": 3}
        ax.errorbar(rows[x], rows[y], yerr=reaches(rows, y, ends), **style)
    for which in "xy":
        log_axis(ax, which)
    ax.set(xlabel=f"{axis_name(x)} (log scale)", ylabel=f"{axis_name(y)} (log scale)")
    lines = dict(zip(groups, ax.containers, strict=True))
    legend_below(fig, {str(name): container.lines[0] for name, container in lines.items()})
    return settled(fig)


@matplotlib.rc_context(THEME)
def pareto(
    table: pd.DataFrame, *, x: str, y: str, hue: str, label: str, front: str, low: str, high: str
) -> Figure:
    """Methods by cost and by a loss, less of both being better; a grey line joins those that nothing beats. Log axes.

    Points that nothing beats are filled, the others hollow. So that intervals at one cost can be told apart, groups are
    moved sideways by a few percent; the line stands where the costs are.

    Args:
        table: one row a method.
        x: numeric column with the cost, positive.
        y: numeric column with the loss, positive.
        hue: column with the groups, at most ten; colour and marker both say the group.
        label: column with what is written beside each point; an empty text writes nothing.
        front: column of booleans: whether the method is on the front, as `nstlib.study.pareto_front` finds it.
        low, high: columns with the interval around `y`.

    Raises:
        ValueError: if a column is missing or not numeric, a value is not positive or lies outside its interval.
    """
    check_columns(table, "table", present=(hue, label, front), numeric=(x, y, low, high))
    check_positive(table, (x, y, low))
    table = table.reset_index(drop=True)
    fig = NotebookFigure(figsize=(8.5, 5.2), layout="constrained")
    ax = fig.subplots()
    joined = table[table[front].astype(bool)].sort_values(x)
    style = {"color": PALETTE[7], "linewidth": 1, "drawstyle": "steps-post", "zorder": 0}
    ax.plot(joined[x], joined[y], label="nothing beats it: filled", **style)
    groups = dict(list(table.groupby(hue, sort=False)))
    colours = distinct_colours(len(groups), hue)
    places = pd.Series(index=table.index, dtype=float)
    for step, rows in enumerate(groups.values()):
        places[rows.index] = rows[x] * _SIDEWAYS ** (step - (len(groups) - 1) / 2)
        around = reaches(rows, y, (low, high))
        for filled in (True, False):
            which = rows[front].to_numpy(dtype=bool) == filled
            style = {"color": colours[step], "marker": MARKERS[step], "linestyle": "none"}
            style |= {"capsize": 3, "elinewidth": 1, "mfc": colours[step] if filled else "white"}
            ax.errorbar(places[rows.index][which], rows[y][which], yerr=around[:, which], **style)
    for which in "xy":
        log_axis(ax, which)
    ax.margins(0.1)
    ax.set(
        xlabel=f"{axis_name(x)} (log scale; less is better)",
        ylabel=f"{axis_name(y)} (log scale; less is better)",
    )
    lines = {
        str(name): Line2D([], [], color=colour, marker=marker, linestyle="none")
        for name, colour, marker in zip(groups, colours, MARKERS, strict=False)
    }
    legend_below(fig, lines | {ax.lines[0].get_label(): ax.lines[0]})
    settled(fig)
    written = table[label].astype(str) != ""
    write_beside(ax, places[written], table[y][written], table[label][written].astype(str))
    return fig


@matplotlib.rc_context(THEME)
def heatmap(table: pd.DataFrame, *, title: str, fmt: str = ".2f") -> Figure:
    """A table of numbers as colours, each cell with its number.

    Args:
        table: numeric; the index labels the rows, the columns label themselves, and the names of
            both label the axes. A missing value leaves its cell empty.
        title: a line above the figure.
        fmt: format of the numbers.

    Raises:
        ValueError: if the table is empty or a column is not numeric.
    """
    check_columns(table, "table", numeric=tuple(table.columns))
    height, width = table.shape
    fig = NotebookFigure(
        figsize=(2.6 + 0.85 * max(width, 3), 1.5 + 0.55 * height), layout="constrained"
    )
    ax = fig.subplots()
    sns.heatmap(
        table,
        annot=True,
        fmt=fmt,
        cmap="crest",
        linewidths=1,
        cbar_kws={"pad": 0.02},
        ax=ax,
    )
    ax.set_title(title, pad=10)
    ax.tick_params(axis="y", rotation=0)
    ax.tick_params(axis="both", length=0)
    return settled(fig)


@matplotlib.rc_context(THEME)
def bars(
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    hue: str | None = None,
    error: tuple[str, str] | None = None,
) -> Figure:
    """Vertical bars, one a row of the table, side by side within each `x` where `hue` is given.

    Args:
        table: one row a bar, already aggregated.
        x: column with the places on the horizontal axis, in the order of the table.
        y: numeric column with the heights.
        hue: column with the bars of each place, at most ten; another column than `x`.
        error: columns with the lower and the upper end of the interval around each height.

    Raises:
        ValueError: if a column is missing or not numeric, a bar comes twice, or a height lies
            outside its interval.
    """
    if hue == x:
        raise ValueError(f"hue is {hue!r}, the same as x; accepted: another column, or None")
    keys = (x,) if hue is None else (x, hue)
    ends = tuple(error or ())
    check_columns(table, "table", present=keys, numeric=(y, *ends))
    check_unique(table, keys)
    around = reaches(table, y, ends)
    places = table[x].astype(str)
    groups = places if hue is None else table[hue].astype(str)
    order = list(dict.fromkeys(places))
    group_order = [""] if hue is None else list(dict.fromkeys(groups))
    fig = NotebookFigure(
        figsize=(min(12.0, 3.0 + 0.35 * len(order) * (len(group_order) + 1)), 4.5),
        layout="constrained",
    )
    ax = fig.subplots()
    colours = distinct_colours(len(group_order), hue or x)
    sns.barplot(
        x=places,
        y=table[y],
        order=order,
        hue=None if hue is None else groups,
        hue_order=None if hue is None else group_order,
        color=colours[0] if hue is None else None,
        palette=None if hue is None else colours,
        dodge=hue is not None,
        saturation=1,
        errorbar=None,
        ax=ax,
    )
    if around is not None:
        centres = _bar_centres(places, groups, order, group_order)
        ax.errorbar(centres, table[y], yerr=around, **_WHISKERS)
    ax.set(xlabel=axis_name(x), ylabel=axis_name(y))
    ax.grid(visible=False, axis="x")
    room = (fig.get_figwidth() - 2.5) / len(order) / LETTER
    if max(len(name) for name in order) > room:
        ax.set_xticks(range(len(order)), order, rotation=30, ha="right", rotation_mode="anchor")
    if hue is not None:
        legend_right(ax, hue)
    return settled(fig)


# --- parts of one chart ------------------------------------------------------------------------


def _per_panel(
    levels: Mapping[str, float | Mapping[str, float]], columns: Sequence[str]
) -> dict[str, Mapping[str, float]]:
    """Name of each level to column to value; a bare number belongs to the first column."""
    per_panel = {
        name: level if isinstance(level, Mapping) else {columns[0]: level}
        for name, level in levels.items()
    }
    for name, level in per_panel.items():
        strangers = [column for column in level if column not in columns]
        if strangers:
            raise ValueError(
                f"levels[{name!r}] names {listed(strangers)}; accepted: {listed(columns)}"
            )
    return per_panel


def _loss_title(column: str) -> str:
    return _LOSSES.get(column, axis_name(column)).capitalize()


def _duration(seconds: float) -> str:
    """A duration in a fitting unit, to three digits."""
    for limit, unit, name in (
        (0.9995e-3, 1e-6, "µs"),
        (0.9995, 1e-3, "ms"),
        (120, 1, "s"),
        (7200, 60, "min"),
    ):
        if seconds < limit:
            return f"{three_digits(seconds / unit)} {name}"
    return f"{three_digits(seconds / 3600)} h"


def _bar_centres(
    places: Iterable[str], groups: Iterable[str], order: list[str], group_order: list[str]
) -> list[float]:
    """Where seaborn puts the bar of each row: groups share a width of 0.8 around each place."""
    count = len(group_order)
    share = 0.8 / count
    return [
        order.index(place)
        + (0 if count == 1 else (group_order.index(group) - (count - 1) / 2) * share)
        for place, group in zip(places, groups, strict=True)
    ]
