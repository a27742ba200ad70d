import numpy as np
import pandas as pd
import pytest

from nstlib.study.conclusions import main_findings
from nstlib.study.costs import expected_break_even

PHOTOS, STYLES = ("p", "q"), ("s", "t")
# Every pair has the same scores but for a factor, so that means are those of the first times 1.5.
METHODS = {  # total, strokes, lpips, equivalent evaluations
    "identity": (9.0, 0.2, 0.0, np.nan),
    "colour transfer": (5.0, 0.3, 0.1, np.nan),
    "Gatys 10": (3.0, 0.5, 0.4, np.nan),
    "Gatys 50": (2.0, 0.6, 0.5, np.nan),
    "Gatys 100": (1.0, 0.8, 0.6, np.nan),
    "Adam 10": (4.0, 0.4, 0.4, np.nan),
    "Johnson": (2.5, 0.7, 0.55, 20.0),
    "Johnson slim": (2.8, 0.6, 0.5, 15.0),
    "hybrid 5": (2.2, 0.7, 0.5, np.nan),
    "hybrid 10": (2.0, 0.7, 0.5, np.nan),
}


@pytest.fixture
def speed():
    kinds = {"pass": 0.5, "slim pass": 0.1, "openvino int8 pass": 0.125, "evaluation": 1.0}
    rows = [
        {"what": what, "size": size, "pixels": size * size * 2 / 3, "seconds": seconds * size / 512}
        for what, seconds in kinds.items()
        for size in (256, 512)
    ]
    rows.append({"what": "training step", "size": 256, "pixels": 256**2, "seconds": 0.5})
    table = pd.DataFrame(rows)
    return table.assign(low=0.8 * table["seconds"], high=1.25 * table["seconds"])


@pytest.fixture
def scores():
    factors = {("p", "s"): 1.0, ("p", "t"): 1.2, ("q", "s"): 1.8, ("q", "t"): 2.0}
    rows = [
        {"photo": photo, "style_image": style, "method": method}
        | {"total": total * factor, "strokes": strokes * factor, "lpips": lpips * factor}
        | {"equivalent_evals": worth * factor}
        for (photo, style), factor in factors.items()
        for method, (total, strokes, lpips, worth) in METHODS.items()
    ]
    return pd.DataFrame(rows)


def of(findings, number):
    return findings[findings["number"] == number]


def test_five_findings_each_from_its_table(speed, scores):
    findings = main_findings(speed, scores, resamples=20)
    assert list(findings) == ["number", "finding", "value", "low", "high", "table"]
    assert findings["number"].is_monotonic_increasing
    assert findings.groupby("number")["table"].unique().str.join("").to_dict() == {
        1: "speed",
        2: "scores",
        3: "scores",
        4: "scores",
        5: "speed",
    }
    assert (findings["low"] <= findings["value"]).all()
    assert (findings["value"] <= findings["high"]).all()


def test_passes_are_the_plain_one_and_the_fastest_that_is_not_slim(speed, scores):
    first, second = of(main_findings(speed, scores, resamples=20), 1).itertuples()
    assert first.finding == (
        "At 512 px, 100 evaluations take 200 (128 to 312) times as long as one pass."
    )
    assert "one openvino int8 pass." in second.finding
    assert (second.value, second.low) == pytest.approx((800, 512))


def test_a_pass_is_worth_the_median_of_the_pairs(speed, scores):
    (row,) = of(main_findings(speed, scores, resamples=20), 2).itertuples()
    assert (row.value, row.low, row.high) == (24, 20, 36)  # of 20, 24, 36 and 40; lower ones
    scores.loc[scores["equivalent_evals"] > 30, "equivalent_evals"] = np.inf
    (row,) = of(main_findings(speed, scores, resamples=20), 2).itertuples()
    assert (row.value, row.high) == (24, np.inf)


def test_one_pass_is_compared_with_the_two_longest_optimisations(speed, scores):
    rows = of(main_findings(speed, scores, resamples=20), 3)
    assert rows["value"].tolist() == pytest.approx([0.15, -0.15, 0.075, -0.075])
    assert rows["finding"].str.contains("of 50 ").tolist() == [True, False, True, False]
    assert rows["finding"].str.contains("LPIPS").tolist() == [False, False, True, True]


def test_starts_are_compared_at_equal_evaluations_alone(speed, scores):
    (row,) = of(main_findings(speed, scores, resamples=20), 4).itertuples()
    assert row.finding.startswith("At 10 evaluations")
    assert row.value == pytest.approx(-1.5)


def test_training_pays_when_the_costs_say_so(speed, scores):
    (row,) = of(main_findings(speed, scores, size=256, resamples=20), 5).itertuples()
    assert "256 px" in row.finding
    assert (row.value, row.low, row.high) == expected_break_even(speed, evals=100, size=256)
