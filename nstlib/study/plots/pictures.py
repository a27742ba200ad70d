"""Figures made of images."""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nstlib.images import check_image
from nstlib.study.plots.parts import LETTER, THEME, NotebookFigure, check_filled, listed

_WIDTH = 12.0  # widest figure, in inches
_HEIGHT = 2.4  # height of one image, in inches
_GAP = 0.14  # between two images, in inches
_LINE = 0.22  # height of a line of text, in inches

Cells = Sequence[Sequence[np.ndarray | None]] | Mapping[str, Mapping[str, np.ndarray | None]]


class _Panel(NamedTuple):
    """An image of a gallery, with its texts broken to its width (in inches)."""

    image: np.ndarray
    title: str
    note: str
    width: float


@matplotlib.rc_context(THEME)
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

    Returns:
        The figure, in as many rows as it takes to stay about 12 inches wide.

    Raises:
        ImageError: if an image is unusable; see `nstlib.images.check_image`.
        ValueError: if `images` is empty, or a caption has no image.
    """
    check_filled("images", images)
    captions = dict(captions or {})
    strangers = [name for name in captions if name not in images]
    if strangers:
        raise ValueError(
            f"captions name {listed(strangers)}, not in images; accepted: {listed(images)}"
        )
    rows = _broken(
        [
            _panel(check_image(photo, "photo"), "Content image"),
            _panel(check_image(style, "style"), "Style image"),
            *(
                _panel(check_image(image, f"images[{name!r}]"), name, captions.get(name, ""))
                for name, image in images.items()
            ),
        ]
    )
    above = [_text_height(panel.title for panel in row) for row in rows]
    below = [_text_height(panel.note for panel in row) for row in rows]
    full_width = max(sum(panel.width + _GAP for panel in row) for row in rows) + _GAP
    full_height = sum(above) + sum(below) + len(rows) * (_HEIGHT + _GAP)
    fig = NotebookFigure(figsize=(full_width, full_height), shown_as="jpeg")
    top = 0.0
    for row, title_height, note_height in zip(rows, above, below, strict=True):
        _draw_row(fig, row, top + title_height)
        top += title_height + _HEIGHT + note_height + _GAP
    return fig


@matplotlib.rc_context(THEME)
def image_grid(images: Cells, *, title: str | None = None) -> Figure:
    """Images in rows and columns, with the labels of both where they have any.

    Args:
        images: row label to column label to image, each row with the same columns; or rows as
            lists of equal length, without labels. An image is (H, W, 3) in [0, 1]; None leaves a
            cell empty.
        title: a line above the grid.

    Raises:
        ImageError: if an image is unusable; see `nstlib.images.check_image`.
        ValueError: if there is no image, or the rows differ in their columns.
    """
    rows, row_labels, column_labels = _cells(images)
    aspects = [
        max((_aspect(image) for image in column if image is not None), default=1.0)
        for column in zip(*rows, strict=True)
    ]
    height = min(_HEIGHT, max(0.9, _WIDTH / sum(aspects)))
    widths = [height * aspect for aspect in aspects]
    row_names = [textwrap.fill(label, 18, break_long_words=False) for label in row_labels]
    column_names = [
        _wrapped(label, width) for label, width in zip(column_labels, widths, strict=True)
    ]
    longest = max(len(line) for name in row_names for line in (name or " ").split("\n"))
    margin = _GAP + (longest * LETTER if any(row_names) else 0.0)
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


# --- layout ------------------------------------------------------------------------------------


def _panel(image: np.ndarray, title: str, note: str = "") -> _Panel:
    width = _HEIGHT * _aspect(image)
    return _Panel(image, _wrapped(title, width), _wrapped(note, width), width)


def _broken(panels: list[_Panel]) -> list[list[_Panel]]:
    """The panels in rows of equal number."""
    # A row may be up to a fifth wider than planned, rather than leave one image on a row alone.
    count = max(1, math.ceil(sum(panel.width for panel in panels) / _WIDTH - 0.2))
    each = math.ceil(len(panels) / count)
    return [panels[i : i + each] for i in range(0, len(panels), each)]


def _draw_row(fig: Figure, row: list[_Panel], top: float) -> None:
    """A row of panels, their images `top` inches from the upper edge."""
    left = _GAP
    for panel in row:
        ax = _image_axes(fig, left, top, panel.width, _HEIGHT, panel.image)
        ax.set_title(panel.title)
        ax.set_xlabel(panel.note)
        left += panel.width + _GAP


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
    return textwrap.fill(text, max(8, int(width / LETTER)))


def _text_height(texts: Iterable[str]) -> float:
    """Inches that the tallest of several texts needs; nothing for empty ones."""
    lines = max(text.count("\n") + 1 if text else 0 for text in texts)
    return lines * _LINE + 0.1 if lines else 0.0


# --- cells of a grid ---------------------------------------------------------------------------


def _cells(images: Cells) -> tuple[list[list[np.ndarray | None]], list[str], list[str]]:
    """Rows of checked images, the row labels and the column labels ("" where there are none)."""
    check_filled("images", images)
    rows, labels, columns = (_labelled if isinstance(images, Mapping) else _unlabelled)(images)
    if all(image is None for row in rows for image in row):
        raise ValueError("images is empty; at least one image is needed")
    checked = [
        [
            None if image is None else check_image(image, f"images, row {i} column {j}")
            for j, image in enumerate(row)
        ]
        for i, row in enumerate(rows)
    ]
    return checked, labels, columns


def _labelled(images: Mapping) -> tuple[list[list[np.ndarray | None]], list[str], list[str]]:
    columns = list(next(iter(images.values())))
    for label, row in images.items():
        if list(row) != columns:
            raise ValueError(
                f"images[{label!r}] has columns {listed(row)}; accepted: {listed(columns)}"
            )
    rows = [list(row.values()) for row in images.values()]
    return rows, [str(label) for label in images], [str(column) for column in columns]


def _unlabelled(images: Sequence) -> tuple[list[list[np.ndarray | None]], list[str], list[str]]:
    count = len(images[0])
    for i, row in enumerate(images):
        if len(row) != count:
            raise ValueError(f"images[{i}] has {len(row)} columns; accepted: {count}, as images[0]")
    return [list(row) for row in images], [""] * len(images), [""] * count
