"""A panel for notebooks: choose photo, style, method, β and steps; see picture, losses and seconds."""

import dataclasses
import html
import io
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image

from nstlib.data.pictures import photo as load_photo
from nstlib.data.pictures import photo_names, style_names, style_size
from nstlib.data.pictures import style as load_style
from nstlib.errors import ImageError
from nstlib.images import to_uint8
from nstlib.johnson.network import load_network
from nstlib.johnson.saved import network_names
from nstlib.johnson.training import training_objective
from nstlib.methods import METHODS, stylize
from nstlib.metrics import YARDSTICKS, evaluate
from nstlib.study.comparison import objective_of

if TYPE_CHECKING:
    from ipywidgets import Button, VBox

_WIDE = {"description_width": "90px"}


def explorer(
    *,
    photos: Sequence[str] | None = None,
    styles: Sequence[str] | None = None,
    size: int = 256,
) -> "VBox":
    """A panel that paints a photo in a style by the chosen method and says what it cost.

    Nothing is computed before the button is pressed, and nothing new where the same was asked for before. A network
    knows nothing of β: it was trained with its own.

    Args:
        photos: names to choose from; None is `photo_names()`.
        styles: names to choose from, each with a shipped network; None is every own style image that has one.
        size: longer side of the photo in px.

    Returns:
        The panel; the last line of a cell shows it.

    Raises:
        ModuleNotFoundError: there is no ipywidgets.
    """
    # Here, so that the rest of `nstlib.study` is imported without it.
    try:
        import ipywidgets as widgets
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "nstlib.study.explorer needs ipywidgets: pip install ipywidgets", name="ipywidgets"
        ) from error

    beta = training_objective().style_weight
    choices = {
        "photo": widgets.Dropdown(options=list(photos or photo_names()), description="photo"),
        "style": widgets.Dropdown(options=list(styles or _offline()), description="style"),
        "method": widgets.Dropdown(options=list(METHODS), description="method"),
        "style_weight": widgets.FloatLogSlider(
            value=beta, min=-1, max=3, step=0.1, description="β"
        ),
        "steps": widgets.IntSlider(value=20, min=1, max=200, description="steps"),
    }
    for choice in choices.values():
        choice.style = _WIDE
    button = widgets.Button(description="Paint", button_style="primary")
    # Beside the controls, a small picture would be stretched to their height.
    picture = widgets.Image(format="png", layout={"align_self": "flex-start"})
    note = widgets.HTML()

    def paint(_: "Button") -> None:
        button.disabled = True
        note.value = "painting …"
        try:
            settings = {name: choice.value for name, choice in choices.items()}
            image, row = painted(**settings, size=size)
            picture.value, note.value = _png(image), _table(row)
        except Exception as error:  # a panel has no other place to show it
            note.value = f"<b>{html.escape(str(error))}</b>"
        finally:
            button.disabled = False

    button.on_click(paint)
    controls = widgets.VBox([*choices.values(), button, note])
    return widgets.VBox([widgets.HBox([controls, picture])])


@lru_cache(maxsize=32)
def painted(
    *, photo: str, style: str, method: str, style_weight: float, steps: int, size: int
) -> tuple[np.ndarray, pd.Series]:
    """A picture and what it cost.

    Args:
        photo: name of a photo.
        style: name of a style image that has a shipped network.
        method: `"johnson"`, `"gatys"` or `"hybrid"`.
        style_weight: β of the objective that is minimised and reported; a network was trained with its own.
        steps: of the optimisation; a network needs none.
        size: longer side of the photo in px, at least 32.

    Returns:
        The stylized image, and its scores: the columns of `nstlib.evaluate` for the chosen β, and `seconds`.

    Raises:
        NetworkError, DataError, ImageError, ValueError: as `nstlib.stylize`.
    """
    if size < 32:
        raise ImageError(f"size: {size} px is too small to see a style; accepted: at least 32")
    network = load_network(style)
    objective = objective_of(network)
    objective = dataclasses.replace(objective, style_weight=style_weight)
    content, painting = load_photo(photo, size=size), load_style(style, size=style_size(style))
    options = {"method": method, "network": network, "objective": objective, "steps": steps}
    start = time.perf_counter()
    image = stylize(content, painting, **options, progress=False)
    seconds = time.perf_counter() - start
    scores = evaluate({method: image}, content, painting, objective=objective).iloc[0]
    return image, pd.concat([scores, pd.Series({"seconds": seconds})])


def _offline() -> list[str]:
    """Styles that need no download and have a network."""
    return [name for name in style_names() if name in network_names()]


def _png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(buffer, format="png")
    return buffer.getvalue()


def _table(row: pd.Series) -> str:
    shown = row[["seconds", *YARDSTICKS]].dropna()
    lines = (f"<tr><td>{name}&emsp;</td><td>{value:.3f}</td></tr>" for name, value in shown.items())
    return f"<table>{''.join(lines)}</table>"
