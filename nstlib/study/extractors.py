"""The same optimisation with several extractors behind the objective: what the frozen network decides."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nstlib.images import check_image, transfer_colour
from nstlib.metrics import evaluate
from nstlib.objective.perceptual import LossTerms, PerceptualLoss
from nstlib.optimization.pixels import gatys

#: The columns of `nstlib.evaluate` that know no trained weight: the only ones by which extractors can be compared.
NETWORK_FREE = ("ssim", "edges", "strokes", "patches", "patch", "colour")
_START = "start: colour transfer"


@dataclass(frozen=True)
class ExtractorComparison:
    """One photo and one style, optimised under objectives that differ in their extractor.

    Attributes:
        scores: one row an extractor, before them one for the start: extractor (its name in `images`), style_weight (β
            as used; NaN for the start), then the columns `NETWORK_FREE`.
        images: the start, then the stylized image of each extractor, by name.
    """

    scores: pd.DataFrame
    images: Mapping[str, np.ndarray]


def compare_extractors(
    photo: np.ndarray,
    style: np.ndarray,
    objectives: Mapping[str, PerceptualLoss],
    *,
    evals: int,
    progress: bool = False,
) -> ExtractorComparison:
    """The same optimisation under each objective: one start, one number of gradient evaluations, one balance.

    The start is the photo with the colours of the style. A β means something else in every extractor: there, the style
    term of each objective has the ratio to the content term that it has in the first objective (`with_balance_of`).

    Args:
        photo: the content image, `(H, W, 3)`.
        style: the style image, of any size.
        objectives: by the name of their extractor; the β of all but the first is replaced.
        evals: gradient evaluations of L-BFGS for each, all at full size.
        progress: show progress bars.

    Returns:
        Scores by the yardsticks that know no trained weight, and images.

    Raises:
        ImageError, ValueError: bad arguments.
        ExtractorError: weights that are not to be had.
    """
    if not objectives:
        raise ValueError("objectives is empty; at least one is needed")
    photo, style = check_image(photo, "photo"), check_image(style, "style")
    start = transfer_colour(photo, style)
    reference = next(iter(objectives.values()))
    balanced = {
        name: each
        if each is reference
        else with_balance_of(reference, each, start, photo=photo, style=style)
        for name, each in objectives.items()
    }
    budget = {"steps": evals, "max_evals": evals, "scales": (1,)}
    images = {
        name: gatys(photo, style, objective=each, init=start, progress=progress, **budget).image
        for name, each in balanced.items()
    }
    images = {_START: start, **images}
    weights = {name: each.style_weight for name, each in balanced.items()}
    scores = evaluate(images, photo, style).rename(columns={"method": "extractor"})
    scores.insert(1, "style_weight", scores["extractor"].map(weights))
    return ExtractorComparison(scores[["extractor", "style_weight", *NETWORK_FREE]], images)


def with_balance_of(
    reference: PerceptualLoss,
    objective: PerceptualLoss,
    image: np.ndarray,
    *,
    photo: np.ndarray,
    style: np.ndarray,
) -> PerceptualLoss:
    """An objective with the β that makes style count as much beside content as in another objective, at one image.

    Args:
        reference: the other objective.
        objective: whose β to replace.
        image: where both are looked at: not the photo, whose content term is 0.
        photo: the content image, of the same size.
        style: the style image, of any size.

    Returns:
        `objective` with β · style / (α · content) at `image` equal to that of `reference`.

    Raises:
        ValueError: an image at which one of the terms is 0, or an objective without content.
    """
    if not (reference.content_weight and objective.content_weight):
        raise ValueError("content_weight: 0 leaves nothing for style to be balanced with")
    theirs, ours = (_terms(each, image, photo, style) for each in (reference, objective))
    if not min(*theirs, *ours) > 0:
        raise ValueError("image: a term of an objective is 0 there, so nothing can be balanced")
    ratio = reference.style_weight * theirs[1] / (reference.content_weight * theirs[0])
    return replace(objective, style_weight=ratio * objective.content_weight * ours[0] / ours[1])


def _terms(objective, image, photo, style) -> tuple[float, float]:
    terms: LossTerms = objective(
        image[None], objective.content_targets(photo[None]), objective.style_targets(style[None])
    )
    return float(terms.content), float(terms.style)
