"""Figures of the study: arrays and pandas tables in, a matplotlib `Figure` out.

Nothing here computes results, and nothing goes through pyplot: a figure is returned, a notebook
shows it when it is the last expression of a cell, and no global state or style changes.
Photographs are shown as JPEG and charts as PNG, which keeps notebooks small.
"""

import io
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import Bbox

_THEME = {
    **sns.plotting_context("notebook", font_scale=0.95),
    **sns.axes_style("whitegrid"),
}
_PALETTE = sns.color_palette("colorblind")
_MARKERS = "osD^vP*X<>"
_SIDEWAYS = 1.02  # factor on the cost between neighbouring groups of `pareto`
_INK = "0.25"  # grey of text and marks that belong to no group
_WIDTH = 12.0  # widest figure made of images, in inches
_HEIGHT = 2.4  # height of one image, in inches
_GAP = 0.14  # between two images, in inches
_LINE = 0.22  # height of a line of text, in inches
_LETTER = 0.087  # width of an average letter, in inches

_LABELS = {
    "evals": "gradient evaluations",
    "step": "training steps",
}
_LOSSES = {
    "total": "total loss",
    "content": "content loss",
    "style": "style loss",
    "tv": "total variation loss",
}

Cells = Sequence[Sequence[np.ndarray | None]] | Mapping[str, Mapping[str, np.ndarray | None]]


class NotebookFigure(Figure):
    """A figure that notebooks show without pyplot; `shown_as` is "png" or "jpeg".

    The alternative text of the picture is its label (`set_label`, as of every matplotlib artist), or else the titles
    of its axes.
    """

    def __init__(self, *args, shown_as: str = "png", **options) -> None:
        super().__init__(*args, **options)
        FigureCanvasAgg(self)
        self._shown_as = shown_as

    def _repr_png_(self) -> tuple[bytes, dict[str, str]] | None:
        return self._rendered("png") if self._shown_as == "png" else None

    def _repr_jpeg_(self) -> tuple[bytes, dict[str, str]] | None:
        return self._rendered("jpeg", quality=75) if self._shown_as == "jpeg" else None

    def _rendered(self, form: str, **options) -> tuple[bytes, dict[str, str]]:
        buffer = io.BytesIO()
        self.savefig(buffer, format=form, bbox_inches="tight", pil_kwargs=options)
        titles = " · ".join(ax.get_title() for ax in self.axes if ax.get_title())
        return buffer.getvalue(), {"alt": self.get_label() or titles}


@matplotlib.rc_context(_THEME)
def gallery(
    photo: np.ndarray,
    style: np.ndarray,
    images: Mapping[str, np.ndarray],
    *,
    captions: Mapping[str, str] | None = None,
) -> Figure:
    """The content image, the style image and every result, side by side at equal heights.

    Args:
        photo: (H, W, 3) in [0, 1], like every image here; sizes may differ.
        style: the style image.
        images: title of each result to its image, in the order of showing.
        captions: a line below some of the results, by their title.

    Raises:
        ValueError: if `images` is empty, an image is malformed, or a caption has no image.
    """
    _check_filled("images", images)
    captions = dict(captions or {})
    strangers = [name for name in captions if name not in images]
    if strangers:
        raise ValueError(
            f"captions name {_listed(strangers)}, not in images; accepted: {_listed(images)}"
        )
    panels = [
        ("Content image", _check_image(photo, "photo"), ""),
        ("Style image", _check_image(style, "style"), ""),
    ]
    for name, image in images.items():
        panels.append((name, _check_image(image, f"images[{name!r}]"), captions.get(name, "")))

    widths = [_HEIGHT * _aspect(image) for _, image, _ in panels]
    # A row may be up to a fifth wider than planned, rather than leave one image on a row alone.
    row_count = max(1, math.ceil(sum(widths) / _WIDTH - 0.2))
    per_row = math.ceil(len(panels) / row_count)
    rows = [range(len(panels))[i : i + per_row] for i in range(0, len(panels), per_row)]
    titles = [_wrapped(name, width) for (name, _, _), width in zip(panels, widths, strict=True)]
    notes = [_wrapped(note, width) for (_, _, note), width in zip(panels, widths, strict=True)]

    above = [_text_height(titles[i] for i in row) for row in rows]
    below = [_text_height(notes[i] for i in row) for row in rows]
    full_width = max(sum(widths[i] + _GAP for i in row) for row in rows) + _GAP
    full_height = sum(above) + sum(below) + len(rows) * (_HEIGHT + _GAP)
    fig = NotebookFigure(figsize=(full_width, full_height), shown_as="jpeg")
    top = 0.0
    for row, title_height, note_height in zip(rows, above, below, strict=True):
        top += title_height
        left = _GAP
        for i in row:
            ax = _image_axes(fig, left, top, widths[i], _HEIGHT, panels[i][1])
            ax.set_title(titles[i])
            ax.set_xlabel(notes[i])
            left += widths[i] + _GAP
        top += _HEIGHT + note_height + _GAP
    return fig


@matplotlib.rc_context(_THEME)
def image_grid(images: Cells, *, title: str | None = None) -> Figure:
    """Images in rows and columns, with the labels of both where they have any.

    Args:
        images: row label to column label to image, each row with the same columns; or rows as
            lists of equal length, without labels. An image is (H, W, 3) in [0, 1]; None leaves a
            cell empty.
        title: a line above the grid.

    Raises:
        ValueError: if there is no image, the rows differ in their columns, or an image is
            malformed.
    """
    rows, row_labels, column_labels = _cells(images)
    aspects = [
        max((_aspect(image) for image in column if image is not None), default=1.0)
        for column in zip(*rows, strict=True)
    ]
    height = min(_HEIGHT, max(0.9, _WIDTH / sum(aspects)))
    widths = [height * aspect for aspect in aspects]
    row_names = [textwrap.fill(label, 16) for label in row_labels]
    column_names = [
        _wrapped(label, width) for label, width in zip(column_labels, widths, strict=True)
    ]
    longest = max(len(line) for name in row_names for line in (name or " ").split("\n"))
    margin = _GAP + (longest * _LETTER if any(row_names) else 0.0)
    heading = _LINE * 1.5 if title else 0.0
    top = heading + _text_height(column_names) + _GAP / 2
    full_width = margin + sum(widths) + _GAP * len(widths)
    full_height = top + len(rows) * (height + _GAP)

    fig = NotebookFigure(figsize=(full_width, full_height), shown_as="jpeg")
    for row, row_name in zip(rows, row_names, strict=True):
        left = margin
        for image, width in zip(row, widths, strict=True):
            _image_axes(fig, left, top, width, height, image)
            left += width + _GAP
        fig.axes[-len(widths)].set_ylabel(row_name, rotation=0, ha="right", va="center")
        top += height + _GAP
    for ax, column_name in zip(fig.axes, column_names, strict=False):
        ax.set_title(column_name)
    if title:
        fig.suptitle(title, y=1 - 0.2 * heading / full_height, va="top")
    return fig


@matplotlib.rc_context(_THEME)
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
    _check_filled("histories", histories)
    _check_filled("columns", columns)
    for name, history in histories.items():
        _check_columns(history, f"histories[{name!r}]", numeric=(x, *columns))
    per_level = {
        name: level if isinstance(level, Mapping) else {columns[0]: level}
        for name, level in (levels or {}).items()
    }
    for name, level in per_level.items():
        strangers = [column for column in level if column not in columns]
        if strangers:
            raise ValueError(
                f"levels[{name!r}] names {_listed(strangers)}; accepted: {_listed(columns)}"
            )
    colours = _colours(len(histories) + len(per_level), "histories and levels together")

    fig = NotebookFigure(figsize=(4.1 * len(columns) + 0.3, 4.0), layout="constrained")
    axes = fig.subplots(1, len(columns), sharex=True, squeeze=False)[0]
    for ax, column in zip(axes, columns, strict=True):
        for (name, history), colour in zip(histories.items(), colours, strict=False):
            ax.plot(history[x], history[column], color=colour, label=name)
        for (name, level), colour in zip(per_level.items(), colours[len(histories) :], strict=True):
            if column in level:
                ax.axhline(level[column], color=colour, linestyle="--", label=name)
        ax.set(title=_loss_title(column), xlabel=_label(x))
        _log_axis(ax, "y")
    axes[0].set_ylabel("loss (log scale)")
    named = {
        label: line
        for ax in axes
        for line, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    _legend_below(fig, named)
    return _settled(fig)


@matplotlib.rc_context(_THEME)
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
    _check_columns(history, "history", numeric=("step", *columns))
    if isinstance(smooth, bool) or not isinstance(smooth, (int, np.integer)) or smooth < 1:
        raise ValueError(f"smooth must be an integer of at least 1, got {smooth!r}")
    medians = history[list(columns)].rolling(int(smooth), center=True, min_periods=1).median()

    fig = NotebookFigure(figsize=(10, 6.2), layout="constrained")
    axes = fig.subplots(2, 2, sharex=True)
    for ax, column in zip(axes.flat, columns, strict=True):
        ax.plot(history["step"], history[column], color=_PALETTE[0], alpha=0.3, linewidth=1)
        ax.plot(history["step"], medians[column], color=_PALETTE[0], linewidth=2.2)
        ax.set_title(_loss_title(column))
        _log_axis(ax, "y")
    for ax in axes[-1]:
        ax.set_xlabel(_label("step"))
    for ax in axes[:, 0]:
        ax.set_ylabel("loss (log scale)")
    fig.get_layout_engine().set(h_pad=0.1)
    names = ("as recorded", f"rolling median of {smooth} records")
    _legend_below(fig, dict(zip(names, axes[0, 0].lines, strict=True)))
    return _settled(fig)


@matplotlib.rc_context(_THEME)
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
    _check_columns(table, "table", present=(x,), numeric=(y, *ends))
    _check_unique(table, (x,))
    seconds = table[y].to_numpy(dtype=float)
    low, high = (table[end].to_numpy(dtype=float) for end in ends) if ends else (seconds, seconds)
    if not (low > 0).all():
        raise ValueError(f"columns {_listed((y, *ends))} must be positive on a log axis")
    _check_interval(low, seconds, high, y, ends)

    names = [textwrap.fill(str(name), 28) for name in table[x]]
    fig = NotebookFigure(figsize=(8.5, 1.1 + 0.5 * len(names)), layout="constrained")
    ax = fig.subplots()
    places = np.arange(len(names))
    ax.barh(places, seconds, height=0.65, color=_PALETTE[0])
    if ends:
        ax.errorbar(
            seconds,
            places,
            xerr=(seconds - low, high - seconds),
            fmt="none",
            ecolor=_INK,
            capsize=3,
        )
    for place, value, end in zip(places, seconds, high, strict=True):
        ax.annotate(_duration(value), (end, place), (6, 0), textcoords="offset points", va="center")
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    _log_axis(ax, "x", nonpositive="clip")
    # Room for the value labels on the right, and a visible stub for the shortest bar on the left.
    decades = max(1.0, math.log10(high.max() / low.min()))
    ax.set_xlim(low.min() / 10 ** (0.15 * decades), high.max() * 10 ** (0.15 * decades))
    ax.set_xlabel(f"{_label(y)} (log scale)")
    return _settled(fig)


@matplotlib.rc_context(_THEME)
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
    _check_columns(table, "table", present=(hue, *texts), numeric=(x, y))
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
        palette=_colours(len(order), hue),
        s=80,
        ax=ax,
    )
    ax.margins(0.08)
    ax.set(xlabel=_label(x), ylabel=_label(y))
    _legend_right(ax, hue)
    _settled(fig)
    if label is not None:
        _write_beside(ax, table[x], table[y], table[label].astype(str))
    return fig


@matplotlib.rc_context(_THEME)
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
    _check_columns(table, "table", present=(hue,), numeric=(x, y, *ends))
    if not (table[[x, y, *ends]] > 0).all(axis=None):
        raise ValueError(f"columns {_listed((x, y, *ends))} must be positive on a log axis")
    groups = dict(list(table.groupby(hue, sort=False)))
    fig = NotebookFigure(figsize=(7.5, 4.8), layout="constrained")
    ax = fig.subplots()
    for (name, rows), colour, marker in zip(
        groups.items(), _colours(len(groups), hue), _MARKERS, strict=False
    ):
        rows = rows.sort_values(x)
        around = None
        if ends:
            low, middle, high = (rows[column].to_numpy(float) for column in (ends[0], y, ends[1]))
            _check_interval(low, middle, high, y, ends)
            around = (middle - low, high - middle)
        style = {"color": colour, "marker": marker, "label": str(name), "capsize": 3}
        ax.errorbar(rows[x], rows[y], yerr=around, **style)
    for which in "xy":
        _log_axis(ax, which)
    ax.set(xlabel=f"{_label(x)} (log scale)", ylabel=f"{_label(y)} (log scale)")
    lines = dict(zip(groups, ax.containers, strict=True))
    _legend_below(fig, {str(name): container.lines[0] for name, container in lines.items()})
    return _settled(fig)


@matplotlib.rc_context(_THEME)
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
        front: column of booleans: whether the method is on the front, as `nstlib.pareto_front` finds it.
        low, high: columns with the interval around `y`.

    Raises:
        ValueError: if a column is missing or not numeric, a value is not positive or lies outside its interval.
    """
    _check_columns(table, "table", present=(hue, label, front), numeric=(x, y, low, high))
    if not (table[[x, y, low]] > 0).all(axis=None):
        raise ValueError(f"columns {_listed((x, y, low))} must be positive on a log axis")
    fig = NotebookFigure(figsize=(8.5, 5.2), layout="constrained")
    ax = fig.subplots()
    joined = table[table[front].astype(bool)].sort_values(x)
    style = {"color": _PALETTE[7], "linewidth": 1, "drawstyle": "steps-post", "zorder": 0}
    ax.plot(joined[x], joined[y], label="nothing beats it: filled", **style)
    groups = dict(list(table.groupby(hue, sort=False)))
    colours = _colours(len(groups), hue)
    places = pd.Series(index=table.index, dtype=float)
    for step, rows in enumerate(groups.values()):
        places[rows.index] = rows[x] * _SIDEWAYS ** (step - (len(groups) - 1) / 2)
        bottom, middle, top = (rows[column].to_numpy(float) for column in (low, y, high))
        _check_interval(bottom, middle, top, y, (low, high))
        for filled in (True, False):
            which = rows[front].to_numpy(dtype=bool) == filled
            around = (middle - bottom)[which], (top - middle)[which]
            style = {"color": colours[step], "marker": _MARKERS[step], "linestyle": "none"}
            style |= {"capsize": 3, "elinewidth": 1, "mfc": colours[step] if filled else "white"}
            ax.errorbar(places[rows.index][which], middle[which], yerr=around, **style)
    for which in "xy":
        _log_axis(ax, which)
    ax.margins(0.1)
    ax.set(
        xlabel=f"{_label(x)} (log scale; less is better)",
        ylabel=f"{_label(y)} (log scale; less is better)",
    )
    lines = {
        str(name): Line2D([], [], color=colour, marker=marker, linestyle="none")
        for name, colour, marker in zip(groups, colours, _MARKERS, strict=False)
    }
    _legend_below(fig, lines | {ax.lines[0].get_label(): ax.lines[0]})
    _settled(fig)
    written = table[label].astype(str) != ""
    _write_beside(ax, places[written], table[y][written], table[label][written].astype(str))
    return fig


@matplotlib.rc_context(_THEME)
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
    _check_columns(table, "table", numeric=tuple(table.columns))
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
    return _settled(fig)


@matplotlib.rc_context(_THEME)
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
    _check_columns(table, "table", present=keys, numeric=(y, *ends))
    _check_unique(table, keys)
    places = table[x].astype(str)
    groups = places if hue is None else table[hue].astype(str)
    order = list(dict.fromkeys(places))
    group_order = [""] if hue is None else list(dict.fromkeys(groups))
    fig = NotebookFigure(
        figsize=(min(12.0, 3.0 + 0.35 * len(order) * (len(group_order) + 1)), 4.5),
        layout="constrained",
    )
    ax = fig.subplots()
    colours = _colours(len(group_order), hue or x)
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
    if ends:
        low, middle, high = (
            table[column].to_numpy(dtype=float) for column in (ends[0], y, ends[1])
        )
        _check_interval(low, middle, high, y, ends)
        ax.errorbar(
            _bar_centres(places, groups, order, group_order),
            middle,
            yerr=(middle - low, high - middle),
            fmt="none",
            ecolor=_INK,
            capsize=3,
        )
    ax.set(xlabel=_label(x), ylabel=_label(y))
    ax.grid(visible=False, axis="x")
    room = (fig.get_figwidth() - 2.5) / len(order) / _LETTER
    if max(len(name) for name in order) > room:
        ax.set_xticks(range(len(order)), order, rotation=30, ha="right", rotation_mode="anchor")
    if hue is not None:
        _legend_right(ax, hue)
    return _settled(fig)


# --- layout ---------------------------------------------------------------------------------


def _image_axes(
    fig: Figure, left: float, top: float, width: float, height: float, image: np.ndarray | None
) -> Axes:
    """Axes for one image, placed in inches from the upper left corner; None shows nothing."""
    full_width, full_height = fig.get_size_inches()
    ax = fig.add_axes(
        (
            left / full_width,
            1 - (top + height) / full_height,
            width / full_width,
            height / full_height,
        )
    )
    if image is not None:
        ax.imshow(image)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.patch.set_visible(False)
    return ax


def _aspect(image: np.ndarray) -> float:
    return image.shape[1] / image.shape[0]


def _wrapped(text: str, width: float) -> str:
    """Text broken into lines that fit `width` inches."""
    return textwrap.fill(text, max(8, int(width / _LETTER)))


def _text_height(texts: Iterable[str]) -> float:
    """Inches that the tallest of several texts needs; nothing for empty ones."""
    lines = max(text.count("\n") + 1 if text else 0 for text in texts)
    return lines * _LINE + 0.1 if lines else 0.0


def _label(column: str) -> str:
    return _LABELS.get(column, str(column).replace("_", " "))


def _loss_title(column: str) -> str:
    return _LOSSES.get(column, _label(column)).capitalize()


def _duration(seconds: float) -> str:
    for limit, unit, name in (
        (1e-3, 1e-6, "µs"),
        (1, 1e-3, "ms"),
        (120, 1, "s"),
        (7200, 60, "min"),
    ):
        if seconds < limit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 3600:.3g} h"


def _colours(count: int, argument: str) -> list:
    if count > len(_PALETTE):
        raise ValueError(
            f"{argument}: {count} groups, but only {len(_PALETTE)} colours can be told apart"
        )
    return list(_PALETTE[:count])


def _log_axis(ax: Axes, which: str, *, nonpositive: str = "mask") -> None:
    """Make axis "x" or "y" logarithmic, with plain numbers; one without positive data stays as is.

    Ticks stand at powers of ten, and between them where the data spans few decades.
    """
    x = which == "x"
    low = ax.dataLim.minposx if x else ax.dataLim.minposy
    high = ax.dataLim.xmax if x else ax.dataLim.ymax
    if not np.isfinite(low) or high <= 0:
        return
    (ax.set_xscale if x else ax.set_yscale)("log", nonpositive=nonpositive)
    axis = ax.xaxis if x else ax.yaxis
    between = (1, 1.5, 2, 3, 4, 5, 7) if high / low <= 8 else (1, 2, 5)
    axis.set_major_locator(LogLocator(subs=between if high / low <= 100 else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _legend_right(ax: Axes, column: str) -> None:
    sns.move_legend(
        ax, "upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, title=_label(column)
    )


def _legend_below(fig: Figure, lines: Mapping[str, Line2D]) -> None:
    """One legend for all panels, in rows of about equal length."""
    fitting = int(fig.get_figwidth() / (max(map(len, lines)) * _LETTER + 0.7))
    rows = math.ceil(len(lines) / max(1, fitting))
    fig.legend(
        lines.values(),
        lines.keys(),
        loc="outside lower center",
        ncols=math.ceil(len(lines) / rows),
        frameon=False,
    )


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


def _write_beside(ax: Axes, xs: Iterable[float], ys: Iterable[float], texts: Iterable[str]) -> None:
    """Write each text beside its point, where it covers the least of the points and other texts."""
    places = [
        ((9, 0), "left", "center"),
        ((-9, 0), "right", "center"),
        ((0, 9), "center", "bottom"),
        ((0, -9), "center", "top"),
        ((7, 7), "left", "bottom"),
        ((-7, 7), "right", "bottom"),
        ((7, -7), "left", "top"),
        ((-7, -7), "right", "top"),
    ]
    frame = ax.get_window_extent()
    points = ax.transData.transform(np.column_stack([xs, ys]).astype(float))
    taken = [Bbox.from_bounds(px - 7, py - 7, 14, 14) for px, py in points]
    for point, text in zip(zip(xs, ys, strict=True), texts, strict=True):
        note = ax.annotate(text, point, (0, 0), textcoords="offset points", fontsize=9, color=_INK)
        note.set_in_layout(False)
        note.set_path_effects([withStroke(linewidth=3, foreground="white")])

        def cost(place, note=note) -> float:
            _put(note, place)
            box = note.get_window_extent()
            inside = Bbox.intersection(box, frame)
            outside = _area(box) - (_area(inside) if inside else 0.0)
            crossed = (Bbox.intersection(box, other) for other in taken)
            return 4 * outside + sum(_area(each) for each in crossed if each)

        _put(note, min(places, key=cost))
        taken.append(note.get_window_extent())


def _put(note: Annotation, place: tuple[tuple[int, int], str, str]) -> None:
    note.xyann, horizontal, vertical = place
    note.set(ha=horizontal, va=vertical)


def _area(box: Bbox) -> float:
    return box.width * box.height


def _settled(fig: Figure) -> Figure:
    """The figure after one layout, so that its ticks and texts take the theme that is on now."""
    fig.draw_without_rendering()
    return fig


# --- checks ---------------------------------------------------------------------------------


def _listed(names: Iterable) -> str:
    return ", ".join(str(name) for name in names) or "none"


def _check_filled(argument: str, values: Sequence | Mapping) -> None:
    if not len(values):
        raise ValueError(f"{argument} is empty; at least one entry is needed")


def _check_image(image: np.ndarray, name: str) -> np.ndarray:
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise ValueError(f"{name} has shape {array.shape}; accepted: (H, W, 3)")
    if not (array.min() >= 0 and array.max() <= 1):
        raise ValueError(f"{name} has values outside [0, 1]")
    return array


def _cells(images: Cells) -> tuple[list[list[np.ndarray | None]], list[str], list[str]]:
    """Rows of checked images, the row labels and the column labels ("" where there are none)."""
    _check_filled("images", images)
    if isinstance(images, Mapping):
        labels = [str(row) for row in images]
        columns = list(next(iter(images.values())))
        for label, row in images.items():
            if list(row) != columns:
                raise ValueError(
                    f"images[{label!r}] has columns {_listed(row)}; accepted: {_listed(columns)}"
                )
        rows = [list(row.values()) for row in images.values()]
    else:
        rows = [list(row) for row in images]
        labels = [""] * len(rows)
        columns = [""] * len(rows[0])
        for i, row in enumerate(rows):
            if len(row) != len(columns):
                raise ValueError(
                    f"images[{i}] has {len(row)} columns; accepted: {len(columns)}, as images[0]"
                )
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            row[j] = None if image is None else _check_image(image, f"images, row {i} column {j}")
    if all(image is None for row in rows for image in row):
        raise ValueError("images is empty; at least one image is needed")
    return rows, labels, [str(column) for column in columns]


def _check_columns(
    table: pd.DataFrame,
    name: str,
    *,
    present: Sequence[str] = (),
    numeric: Sequence[str] = (),
) -> None:
    for column in (*present, *numeric):
        if column not in table.columns:
            raise ValueError(
                f"{name} has no column {column!r}; its columns: {_listed(table.columns)}"
            )
    if table.empty:
        raise ValueError(f"{name} is empty; at least one row and one column are needed")
    for column in numeric:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise ValueError(f"column {column!r} of {name} must be numeric")


def _check_unique(table: pd.DataFrame, keys: Sequence[str]) -> None:
    twice = table.loc[table.duplicated(list(keys)), list(keys)]
    if len(twice):
        raise ValueError(
            f"{_listed(twice.iloc[0])} comes twice in {_listed(keys)}; accepted: one row a bar"
        )


def _check_interval(
    low: np.ndarray, middle: np.ndarray, high: np.ndarray, y: str, ends: Sequence[str]
) -> None:
    if not ((low <= middle) & (middle <= high)).all():
        raise ValueError(f"column {y!r} must lie between its interval, columns {_listed(ends)}")
