"""What the figures are made of: the theme, a figure that notebooks show, axes, legends, and checks of tables."""

import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

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
from PIL import Image

THEME = {
    **sns.plotting_context("notebook", font_scale=0.95),
    **sns.axes_style("whitegrid"),
}
PALETTE = sns.color_palette("colorblind")
MARKERS = "osD^vP*X<>"
INK = "0.25"  # grey of text and marks that belong to no group
LETTER = 0.087  # width of an average letter, in inches
_PALETTE_SIZE = 128  # colours of a chart
_JPEG_QUALITY = 75
_WIDEST = 1000  # px of a JPEG: about the width of a notebook's column, to which wider ones are shrunk when shown

_LABELS = {
    "evals": "gradient evaluations",
    "step": "training steps",
}
# Where a text may stand beside its point: offset in points, and which of its edges is there.
_PLACES = (
    ((9, 0), "left", "center"),
    ((-9, 0), "right", "center"),
    ((0, 9), "center", "bottom"),
    ((0, -9), "center", "top"),
    ((7, 7), "left", "bottom"),
    ((-7, 7), "right", "bottom"),
    ((7, -7), "left", "top"),
    ((-7, -7), "right", "top"),
)


class NotebookFigure(Figure):
    """A figure that notebooks show without pyplot.

    The alternative text of the picture is its label (`set_label`, as of every matplotlib artist), or else the titles
    of its axes. Notebooks are committed with their pictures, so these are as small as their sharpness allows: a PNG has
    a palette of its own, which charts, with their few colours, do not show; a JPEG is for photographs.

    Args:
        shown_as: "png" or "jpeg".
        *args, **options: as of matplotlib's `Figure`.
    """

    def __init__(self, *args, shown_as: str = "png", **options) -> None:
        super().__init__(*args, **options)
        FigureCanvasAgg(self)
        self._shown_as = shown_as

    def _repr_png_(self) -> tuple[bytes, dict[str, str]] | None:
        return self._encoded(_as_png) if self._shown_as == "png" else None

    def _repr_jpeg_(self) -> tuple[bytes, dict[str, str]] | None:
        return self._encoded(_as_jpeg) if self._shown_as == "jpeg" else None

    def _encoded(self, encode: Callable[[Image.Image], bytes]) -> tuple[bytes, dict[str, str]]:
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", bbox_inches="tight")
        with Image.open(drawn) as picture:
            encoded = encode(picture.convert("RGB"))
        titles = " · ".join(ax.get_title() for ax in self.axes if ax.get_title())
        return encoded, {"alt": self.get_label() or titles}


def _as_png(picture: Image.Image) -> bytes:
    few = picture.quantize(_PALETTE_SIZE, dither=Image.Dither.NONE)
    return _saved(few, "PNG", optimize=True)


def _as_jpeg(picture: Image.Image) -> bytes:
    picture.thumbnail((_WIDEST, picture.height), Image.Resampling.LANCZOS)
    return _saved(picture, "JPEG", quality=_JPEG_QUALITY, optimize=True, progressive=True)


def _saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def settled(fig: Figure) -> Figure:
    """The figure after one layout, so that its ticks and texts take the theme that is on now."""
    fig.draw_without_rendering()
    return fig


# --- axes and legends --------------------------------------------------------------------------


def axis_name(column: str) -> str:
    """What an axis or a legend calls a column."""
    return _LABELS.get(column, str(column).replace("_", " "))


def distinct_colours(count: int, argument: str) -> list[tuple[float, float, float]]:
    """The first `count` colours of the palette.

    Raises:
        ValueError: naming `argument`: more groups than colours.
    """
    if count > len(PALETTE):
        raise ValueError(
            f"{argument}: {count} groups, but only {len(PALETTE)} colours can be told apart"
        )
    return list(PALETTE[:count])


def log_axis(ax: Axes, which: str, *, nonpositive: str = "mask") -> None:
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


def legend_right(ax: Axes, column: str) -> None:
    """Move the legend that seaborn drew to the right of the axes."""
    sns.move_legend(
        ax, "upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, title=axis_name(column)
    )


def legend_below(fig: Figure, lines: Mapping[str, Line2D]) -> None:
    """One legend for all panels, in rows of about equal length."""
    fitting = int(fig.get_figwidth() / (max(map(len, lines)) * LETTER + 0.7))
    rows = math.ceil(len(lines) / max(1, fitting))
    fig.legend(
        lines.values(),
        lines.keys(),
        loc="outside lower center",
        ncols=math.ceil(len(lines) / rows),
        frameon=False,
    )


def write_beside(ax: Axes, xs: Iterable[float], ys: Iterable[float], texts: Iterable[str]) -> None:
    """Write each text beside its point, where it covers the least of the points and other texts."""
    frame = ax.get_window_extent()
    points = ax.transData.transform(np.column_stack([xs, ys]).astype(float))
    taken = [Bbox.from_bounds(px - 7, py - 7, 14, 14) for px, py in points]
    for point, text in zip(zip(xs, ys, strict=True), texts, strict=True):
        note = ax.annotate(text, point, (0, 0), textcoords="offset points", fontsize=9, color=INK)
        note.set_in_layout(False)
        note.set_path_effects([withStroke(linewidth=3, foreground="white")])
        _put(note, min(_PLACES, key=lambda place, note=note: _cost(note, place, frame, taken)))
        taken.append(note.get_window_extent())


def _cost(
    note: Annotation, place: tuple[tuple[int, int], str, str], frame: Bbox, taken: list[Bbox]
) -> float:
    """The area that a note would cover at a place, outside of the frame counting four times."""
    _put(note, place)
    box = note.get_window_extent()
    inside = Bbox.intersection(box, frame)
    outside = _area(box) - (_area(inside) if inside else 0.0)
    crossed = (Bbox.intersection(box, other) for other in taken)
    return 4 * outside + sum(_area(each) for each in crossed if each)


def _put(note: Annotation, place: tuple[tuple[int, int], str, str]) -> None:
    note.xyann, horizontal, vertical = place
    note.set(ha=horizontal, va=vertical)


def _area(box: Bbox) -> float:
    return box.width * box.height


# --- checks ------------------------------------------------------------------------------------


def listed(names: Iterable) -> str:
    """Names as a message lists them."""
    return ", ".join(str(name) for name in names) or "none"


def check_filled(argument: str, values: Sequence | Mapping) -> None:
    """Refuse an empty argument.

    Raises:
        ValueError: naming `argument`.
    """
    if not len(values):
        raise ValueError(f"{argument} is empty; at least one entry is needed")


def check_columns(
    table: pd.DataFrame,
    name: str,
    *,
    present: Sequence[str] = (),
    numeric: Sequence[str] = (),
) -> None:
    """Refuse a table without rows, without one of the columns, or with text where numbers belong.

    Raises:
        ValueError: naming the table and the column.
    """
    for column in (*present, *numeric):
        if column not in table.columns:
            raise ValueError(
                f"{name} has no column {column!r}; its columns: {listed(table.columns)}"
            )
    if table.empty:
        raise ValueError(f"{name} is empty; at least one row and one column are needed")
    for column in numeric:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise ValueError(f"column {column!r} of {name} must be numeric")


def check_positive(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse what a log axis cannot show.

    Raises:
        ValueError: naming the columns.
    """
    if not (table[list(columns)] > 0).all(axis=None):
        raise ValueError(f"columns {listed(columns)} must be positive on a log axis")


def check_unique(table: pd.DataFrame, keys: Sequence[str]) -> None:
    """Refuse two rows for one bar.

    Raises:
        ValueError: naming the bar and the columns `keys`.
    """
    twice = table.loc[table.duplicated(list(keys)), list(keys)]
    if len(twice):
        raise ValueError(
            f"{listed(twice.iloc[0])} comes twice in {listed(keys)}; accepted: one row a bar"
        )


def reaches(table: pd.DataFrame, y: str, ends: Sequence[str]) -> np.ndarray | None:
    """How far each interval reaches below and above its value.

    Args:
        table: one row a value.
        y: column of the values.
        ends: columns of the lower and the upper ends of the intervals, or none.

    Returns:
        (2, n), as `errorbar` takes it; None without `ends`.

    Raises:
        ValueError: a value lies outside its interval.
    """
    if not ends:
        return None
    low, middle, high = (table[column].to_numpy(dtype=float) for column in (ends[0], y, ends[1]))
    if not ((low <= middle) & (middle <= high)).all():
        raise ValueError(f"column {y!r} must lie between its interval, columns {listed(ends)}")
    return np.stack([middle - low, high - middle])
