"""Paint the style images of this project from scratch.

Five small painters, each a pure function of a random generator and a size, that imitate five ways of making marks:
leaded glass, brush, woodblock, faceted planes and gouge. Each is a module; `tools` holds what they share.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from . import brush_flow, cubist_planes, linocut, stained_glass, woodblock_wave

HEIGHT, WIDTH = 768, 1024


class Style(NamedTuple):
    """A painter, and the seed and title of the painting that this project keeps of it."""

    painter: Callable[[np.random.Generator, int, int], np.ndarray]
    seed: int
    title: str


STYLES = {
    "stained_glass": Style(stained_glass.paint, 5, "Garden window"),
    "brush_flow": Style(brush_flow.paint, 11, "Dusk over the fields"),
    "woodblock_wave": Style(woodblock_wave.paint, 3, "Breaking waves"),
    "cubist_planes": Style(cubist_planes.paint, 47, "Guitar and bottle"),
    "linocut": Style(linocut.paint, 4, "Red moon"),
}


def paint(name: str, *, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Paint one of `STYLES` with its own seed.

    Args:
        name: one of `STYLES`.
        height, width: of the painting, in pixels.

    Returns:
        float32 (height, width, 3) in [0, 1].
    """
    style = STYLES[name]
    return style.painter(np.random.default_rng(style.seed), height, width)
