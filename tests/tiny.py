"""An objective of one layer, networks of a few channels and quick scores, for tests of what is done with them."""

from collections.abc import Mapping

import keras
import numpy as np
import pandas as pd

from nstlib.johnson.network import Network, new_network
from nstlib.metrics import YARDSTICKS
from nstlib.objective.perceptual import PerceptualLoss


def objective() -> PerceptualLoss:
    """The same settings each time, so that what is compiled for them is compiled once in a session."""
    return PerceptualLoss(content_layers=("relu1_2",), style_layers=("relu1_2",))


def network(seed: int = 0) -> Network:
    """Untrained; what it paints depends on the seed. Its card says that it was trained on `objective()`."""
    keras.utils.set_random_seed(seed)
    made = new_network(width=0.05)
    return Network(made.model, made.architecture, {"objective": objective().settings()})


def evaluate(
    images: Mapping[str, np.ndarray],
    photo: np.ndarray,
    style: np.ndarray,
    *,
    objective: PerceptualLoss,
) -> pd.DataFrame:
    """In place of `nstlib.evaluate`: its terms, NaN for patches as of a small photo, and for the rest one distance."""
    targets = objective.content_targets(photo[None]), objective.style_targets(style[None])
    rows = []
    for method, image in images.items():
        row = dict.fromkeys(YARDSTICKS, np.abs(image - photo).mean()) | {"patches": np.nan}
        terms = objective(image[None], *targets)
        row |= {name: float(getattr(terms, name)) for name in ("total", "content", "style")}
        rows.append({"method": method} | row)
    return pd.DataFrame(rows)
