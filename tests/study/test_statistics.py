import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nstlib.study.statistics import (
    break_even,
    growth,
    interval_text,
    mean_interval,
    mean_intervals,
    median_ranges,
    paired_differences,
    pareto_front,
    three_digits,
)


def grid(values, method="a"):
    """A table with one row a cell: photos are rows of `values`, styles are columns."""
    places = itertools.product(range(values.shape[0]), range(values.shape[1]))
    return pd.DataFrame(
        {"photo": f"p{i}", "style_image": f"s{j}", "method": method, "total": values[i, j]}
        for i, j in places
    )


# --- intervals ---------------------------------------------------------------------------------


def test_the_interval_holds_the_mean_and_nothing_else_where_all_values_are_equal():
    assert mean_interval(grid(np.full((3, 4), 2.5)), "total") == (2.5, 2.5, 2.5)


def test_pairs_of_one_photo_are_not_independent():
    """Six styles on each of six photos that differ only by photo tell no more than six numbers."""
    by_photo = np.random.default_rng(0).normal(size=(6, 1))
    mean, low, high = mean_interval(grid(by_photo.repeat(6, axis=1)), "total")
    alone = stats.bootstrap((by_photo[:, 0],), np.mean, method="percentile", rng=0)
    expected = alone.confidence_interval
    assert mean == pytest.approx(by_photo.mean())
    assert high - low == pytest.approx(expected.high - expected.low, rel=0.1)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        values = rng.normal(size=(12, 1)) + rng.normal(size=(1, 12)) + rng.normal(size=(12, 12))
        _, low, high = mean_interval(grid(values), "total", resamples=200)
        covered += low <= 0 <= high
    assert covered >= 51  # 57 expected; the chance of fewer than 51 is below 1%


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.01254, "0.0125"), (12.54, "12.5"), (999.4, "999"), (999.6, "1,000"), (1e6, "1,000,000")],
)
def test_three_digits(value, text):
    assert three_digits(value) == text


def test_the_order_of_the_rows_does_not_matter():
    table = grid(np.random.default_rng(0).normal(size=(4, 5)))
    assert mean_interval(table.sample(frac=1, random_state=0), "total") == mean_interval(
        table, "total"
    )


def test_intervals_of_every_method_and_yardstick():
    rng = np.random.default_rng(0)
    table = pd.concat([grid(rng.normal(size=(3, 4)), method) for method in ("b", "a")])
    table["ssim"] = table["total"] ** 2
    found = mean_intervals(table, ["ssim", "total"])
    assert found[["method", "yardstick"]].agg(" ".join, axis=1).tolist() == [
        "b ssim",
        "b total",
        "a ssim",
        "a total",
    ]
    alone = mean_interval(table[table["method"] == "a"], "ssim")
    assert tuple(found.loc[2, ["mean", "low", "high"]]) == alone


def test_medians_of_known_groups():
    table = pd.DataFrame(
        {
            "size": [512, 512, 512, 256, 256, 256],
            "start": ["photo", "photo", "photo", None, None, None],
            "seconds": [4.0, 1.0, 2.0, 7.0, 9.0, math.nan],
            "evals": [1, 1, 4, 3, 5, 10],
        }
    )
    found = median_ranges(table, ["size", "start"], ["seconds", "evals"])
    assert found["size"].tolist() == [512, 256, 512, 256]
    assert found["yardstick"].tolist() == ["seconds", "seconds", "evals", "evals"]
    assert found[["median", "low", "high"]].to_numpy().tolist() == [
        [2.0, 1.0, 4.0],
        [8.0, 7.0, 9.0],
        [1.0, 1.0, 4.0],
        [5.0, 3.0, 10.0],
    ]


def test_medians_with_quartiles_are_numpys():
    table = pd.DataFrame({"group": "a", "value": np.random.default_rng(0).normal(size=30)})
    found = median_ranges(table, ["group"], ["value"], quantiles=(0.25, 0.75))
    expected = np.quantile(table["value"], [0.5, 0.25, 0.75])
    np.testing.assert_allclose(found[["median", "low", "high"]].to_numpy()[0], expected)


@pytest.mark.parametrize(
    ("columns", "quantiles", "message"),
    [(["loss"], (0, 1), "no column loss"), (["total"], (0.9, 0.1), "rising order")],
)
def test_medians_that_are_refused(columns, quantiles, message):
    with pytest.raises(ValueError, match=message):
        median_ranges(grid(np.zeros((2, 3))), ["photo"], columns, quantiles=quantiles)


def test_an_interval_in_words():
    rows = [(0.99512, 0.7371, 1.2249), (277.2, 273, 289.4), (1074.0, 997, math.inf)]
    table = pd.DataFrame(rows, columns=["value", "low", "high"])
    assert interval_text(table, "value").tolist() == [
        "0.995 (0.737 to 1.22)",
        "277 (273 to 289)",
        "1070 (997 to inf)",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="total"), "no column total"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "p0 with s0 comes twice"),
        (lambda t: t.iloc[1:], "total of p0 with s0 is missing"),
        (lambda t: t[t["photo"] == "p0"], r"1 photo\(s\) and 3 style\(s\)"),
    ],
)
def test_tables_that_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        mean_interval(change(grid(np.zeros((2, 3)))), "total")


# --- differences -------------------------------------------------------------------------------


def test_differences_of_known_data():
    rng = np.random.default_rng(0)
    first, noise = rng.normal(size=(2, 5, 6))
    table = pd.concat([grid(first + 1 + 0.1 * noise, "a"), grid(first, "b")])
    (row,) = paired_differences(table, [("a", "b")], ["total"]).to_dict("records")
    change = 1 + 0.1 * noise
    assert row["difference"] == pytest.approx(change.mean())
    assert row["low"] < row["difference"] < row["high"]
    assert row["effect_size"] == pytest.approx(change.mean() / change.std(ddof=1))
    assert (row["share_lower"], row["pairs"]) == (0, 30)


def test_the_other_way_round_is_the_negative():
    table = pd.concat(
        grid(np.random.default_rng(seed).normal(size=(4, 4)), name)
        for seed, name in enumerate("ab")
    )
    there, back = paired_differences(table, [("a", "b"), ("b", "a")], ["total"]).to_dict("records")
    assert there["difference"] == pytest.approx(-back["difference"])
    assert (there["low"], there["high"]) == pytest.approx((-back["high"], -back["low"]))
    assert there["share_lower"] == pytest.approx(1 - back["share_lower"])


def test_a_method_that_is_not_there():
    with pytest.raises(ValueError, match="no method 'c'; there are a"):
        paired_differences(grid(np.zeros((2, 2))), [("a", "c")], ["total"])


# --- fronts ------------------------------------------------------------------------------------


def test_the_front_of_a_known_table():
    table = pd.DataFrame({"a": [1, 2, 3, 2, 1], "b": [3, 2, 1, 3, 3]})
    assert pareto_front(table, ["a", "b"]).tolist() == [True, True, True, False, True]
    assert pareto_front(table, ["a"]).tolist() == [True, False, False, False, True]


def test_nothing_on_the_front_is_beaten_and_everything_else_is():
    table = pd.DataFrame(np.random.default_rng(0).integers(6, size=(40, 3)), columns=list("abc"))
    front = pareto_front(table, list("abc"))
    for row, on_front in zip(table.to_numpy(), front, strict=True):
        others = table.to_numpy()
        beaten = ((others <= row).all(axis=1) & (others < row).any(axis=1)).any()
        assert on_front == (not beaten)


# --- growth and break-even ---------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [0.5, 1, 2])
def test_growth_finds_the_exponent(exponent):
    sizes = np.array([100, 200, 400, 800])
    noise = np.exp(np.random.default_rng(0).normal(scale=0.05, size=4))
    assert growth(sizes, 3 * sizes**exponent) == pytest.approx((exponent,) * 3)
    found, low, high = growth(sizes, 3 * sizes**exponent * noise)
    assert low < exponent < high
    assert found == pytest.approx((low + high) / 2)


@pytest.mark.parametrize(
    ("sizes", "seconds", "message"),
    [
        ([1, 2], [1, 2], "three"),
        ([1, 1, 2], [1, 2, 3], "three"),
        ([1, 2, 3], [1, 0, 2], "above 0"),
        ([1, 2, math.inf], [1, 2, 3], "finite"),
        ([1, 2, 3], [1, 2], "one duration each"),
    ],
)
def test_growth_that_cannot_be_fitted(sizes, seconds, message):
    with pytest.raises(ValueError, match=message):
        growth(sizes, seconds)


def test_break_even_is_the_first_number_at_which_training_has_paid():
    for training, network, optimization in ((600, 0.1, 30), (1, 0.5, 0.75), (90, 0, 30)):
        count = break_even(training, network, optimization)
        assert training + count * network <= count * optimization * (1 + 1e-12)
        fewer = count - 1
        assert training + fewer * network > fewer * optimization
    assert break_even(0, 0.1, 30) == 1
    assert break_even(0, 30, 30) == math.inf


@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
@pytest.mark.parametrize("name", ["training", "network", "optimization"])
def test_durations_that_are_none(name, value):
    with pytest.raises(ValueError, match=f"{name}: {value} is not a duration"):
        break_even(**{"training": 1, "network": 1, "optimization": 1} | {name: value})


def test_a_column_that_is_not_there_is_named():
    table = pd.concat([grid(np.zeros((2, 2)), method) for method in ("a", "b")])
    with pytest.raises(ValueError, match="table: there is no column nope"):
        paired_differences(table, [("a", "b")], ["nope"])
