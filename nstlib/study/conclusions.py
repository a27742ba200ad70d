"""The main findings of the study as sentences, each with a number and its interval, from its two tables."""

from collections.abc import Iterator

import pandas as pd

from nstlib.study.costs import expected_break_even
from nstlib.study.method import WIDE, Method
from nstlib.study.statistics import interval_text, paired_differences
from nstlib.study.timing import pass_name, speedups

_EVALS = 100  # of the optimisation that costs are stated for
_SEEN = {
    "strokes": "the strength of strokes (the painting's: 1)",
    "lpips": "the distance to the photo (LPIPS)",
}
_Row = tuple[int, str, float, float, float, str]


def main_findings(
    speed: pd.DataFrame, scores: pd.DataFrame, *, size: int = 512, resamples: int = 2000
) -> pd.DataFrame:
    """What the study has to say to someone who asks: optimise pixels, or train a network?

    Five findings: what an optimisation costs in passes; what a pass is worth in evaluations; what one pass leaves out
    beside the two longest optimisations; what optimisation gains from a start at the network's picture; and after how
    many pictures training has paid.

    Args:
        speed: a table like `nstlib.study.calibrate` makes, with `size` among its sizes.
        scores: a table like `nstlib.study.run_study` makes.
        size: longer side of the pictures in px for what is said of seconds.
        resamples: of the intervals.

    Returns:
        One row a sentence: number (of the finding, 1 to 5; one may take several sentences), finding, value, low, high,
        table (`"speed"` or `"scores"`, where it comes from). The intervals are 95% over photos and styles for
        differences, quartiles over the pairs for the worth of a pass, and what the quartiles of the timings allow for
        ratios of seconds.
    """
    rows = [
        *_passes_an_optimisation_costs(speed, size),
        _evaluations_a_pass_is_worth(scores),
        *_differences(scores, resamples),
        _pictures_until_training_has_paid(speed, size),
    ]
    table = pd.DataFrame(rows, columns=["number", "finding", "value", "low", "high", "table"])
    shown = interval_text(table, "value")
    table["finding"] = [
        text.format(number) for text, number in zip(table["finding"], shown, strict=True)
    ]
    return table


def _passes_an_optimisation_costs(speed: pd.DataFrame, size: int) -> Iterator[_Row]:
    ratios = speedups(speed, [_EVALS]).query("size == @size").set_index("what")
    wide = ratios.loc[~ratios.index.str.contains("slim"), "speedup"]
    for what in dict.fromkeys([pass_name(), wide.idxmax()]):
        text = f"At {size} px, {_EVALS} evaluations take {{}} times as long as one {what}."
        yield 1, text, *ratios.loc[what, ["speedup", "low", "high"]], "speed"


def _evaluations_a_pass_is_worth(scores: pd.DataFrame) -> _Row:
    worth = scores.loc[scores["method"] == WIDE.label, "equivalent_evals"]
    # Infinite is more than were made, and between two such there is nothing to interpolate.
    quartiles = worth.quantile([0.5, 0.25, 0.75], interpolation="lower")
    text = "Under the objective of its training, one pass is worth {} evaluations."
    return 2, text, *quartiles, "scores"


def _differences(scores: pd.DataFrame, resamples: int) -> Iterator[_Row]:
    for number, text, pair, yardstick in _claims(scores):
        found = paired_differences(scores, [pair], [yardstick], resamples=resamples)
        yield number, text, *found.loc[0, ["difference", "low", "high"]], "scores"


def _claims(scores: pd.DataFrame) -> Iterator[tuple[int, str, tuple[str, str], str]]:
    """Number, sentence, the two methods that are compared, and the yardstick, of findings 3 and 4."""
    methods = [Method.parse(label) for label in scores["method"].unique()]
    gatys, hybrid = (
        sorted(each.evals for each in methods if each.kind == kind) for kind in ("gatys", "hybrid")
    )
    for yardstick, words in _SEEN.items():
        for evals in gatys[-2:]:
            text = f"One pass in place of {evals} evaluations changes {words} by {{}}."
            yield 3, text, (WIDE.label, Method("gatys", evals=evals).label), yardstick
    for evals in sorted({*gatys} & {*hybrid}):
        text = (
            f"At {evals} evaluations, a start from the network's picture in place of the colour transfer "
            "changes the total loss by {}."
        )
        mixed, optimised = (Method(kind, evals=evals).label for kind in ("hybrid", "gatys"))
        yield 4, text, (mixed, optimised), "total"


def _pictures_until_training_has_paid(speed: pd.DataFrame, size: int) -> _Row:
    paid = expected_break_even(speed, evals=_EVALS, size=size)
    text = f"For a new style, training has paid after {{}} pictures of {size} px at {_EVALS} evaluations each."
    return 5, text, *paid, "speed"
