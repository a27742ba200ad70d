"""What is committed under results/ belongs to the networks that ship, and the prose quotes it."""

import functools
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nstlib.data import photo_names
from nstlib.transformer import Network, load_network, network_names

ROOT = Path(__file__).parents[1]
TABLES = {path.stem: path for path in (ROOT / "results" / "tables").glob("*.csv")}
NUMBER = r"-?\d+(?:\.\d+)?"
INTERVAL = re.compile(rf"({NUMBER}) \(({NUMBER}) to ({NUMBER})\)")


def prose():
    """Name and text of the README and of every markdown cell."""
    yield "README.md", (ROOT / "README.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                yield path.name, "".join(cell["source"])


@functools.cache
def intervals() -> list[tuple[float, float, float]]:
    """Value, low and high of every row of every table that has an interval."""
    found = []
    for path in TABLES.values():
        table = pd.read_csv(path)
        for column in table.select_dtypes("number"):
            for bounds in (["low", "high"], [f"{column}_low", f"{column}_high"]):
                if {*bounds} <= {*table.columns} - {column}:
                    found += table[[column, *bounds]].itertuples(index=False, name=None)
    return found


@functools.cache
def shipped() -> dict[tuple[str, float], Network]:
    """The networks that ship, by name and width."""
    return {
        (name, width): load_network(name, width=width)
        for width in (1.0, 0.25)
        for name in network_names(width)
    }


@functools.cache
def fingerprints() -> set[str]:
    """Those of the networks that ship."""
    return {network.fingerprint for network in shipped().values()}


def rounds_to(value: float, written: str) -> bool:
    decimals = len(written.partition(".")[2])
    return abs(value - float(written)) <= 0.51 * 10**-decimals


QUOTED = [(name, match.groups()) for name, text in prose() for match in INTERVAL.finditer(text)]


def test_the_prose_quotes_intervals():
    assert len(QUOTED) >= 15


@pytest.mark.parametrize(("where", "quoted"), QUOTED)
def test_every_interval_in_the_prose_stands_in_a_table(where, quoted):
    # "Lower by 0.5 (0.3 to 0.8)" is a difference of -0.5 (-0.8 to -0.3).
    assert any(
        all(rounds_to(value, written) for value, written in zip(row, quoted, strict=True))
        for value, low, high in intervals()
        for row in ((value, low, high), (-value, -high, -low))
    )


@pytest.mark.parametrize("size", [256, 512])
def test_every_network_is_compared_on_every_photo(size):
    table = pd.read_csv(TABLES[f"networks_{size}"])
    assert set(table["size"]) == {size}
    pairs = itertools.product(photo_names(), network_names())
    expected = pd.MultiIndex.from_tuples(pairs, names=["photo", "style_image"])
    for method, rows in table.groupby("method"):
        found = pd.MultiIndex.from_frame(rows[["photo", "style_image"]])
        assert found.sort_values().equals(expected.sort_values()), method
    assert table["method"].nunique() == 8


@pytest.mark.parametrize("size", [256, 512])
def test_the_summary_is_that_of_the_table_and_has_the_seconds_of_each_method(size):
    table = pd.read_csv(TABLES[f"networks_{size}"])
    summary = pd.read_csv(TABLES[f"networks_{size}_summary"], index_col=["style_image", "method"])
    for yardstick in ("total", "content", "style", "ssim"):
        groups = table.groupby(["style_image", "method"])[yardstick]
        for statistic in ("mean", "std"):
            found = summary[f"{yardstick}_{statistic}"].sort_index()
            assert np.allclose(found, groups.agg(statistic).sort_index(), rtol=1e-4, atol=1e-5)
    seconds = summary.groupby("method")["seconds"].agg(["min", "max"])
    assert (seconds["min"] == seconds["max"]).all()  # not of single pairs
    in_order = ["identity", "Johnson slim", "Johnson", "Gatys 10", "Gatys 100"]
    assert seconds.loc[in_order, "min"].is_monotonic_increasing


def test_artefacts_are_measured_of_every_network():
    table = pd.read_csv(TABLES["artefacts"])
    assert set(table["weights"].dropna()) == fingerprints()
    assert (table.groupby(["method", "style_image"]).size() == len(photo_names())).all()
    summary = pd.read_csv(TABLES["artefacts_summary"]).query("method == 'Johnson'")
    wide = summary.pivot_table(index="style_image", columns="yardstick", values="median")
    # The lowest are those trained against it.
    assert set(wide["patches"].nsmallest(2).index) == {"brush_flow", "pointillist"}
    assert (wide["edge_margin"] < wide["edge"] / 2).all()
    checkerboard = wide["checkerboard"]
    assert checkerboard.idxmin() == "pointillist"
    assert checkerboard["pointillist"] < 1


@pytest.mark.parametrize("name", sorted(TABLES))
def test_scores_of_networks_are_those_of_the_networks_that_ship(name):
    table = pd.read_csv(TABLES[name])
    if "weights" in table:
        assert set(table["weights"].dropna()) <= fingerprints()


def test_runs_from_other_seeds_differ_by_less_than_further_rounds_bring():
    summary = pd.read_csv(TABLES["repeat_summary"], index_col="yardstick")
    runs = summary.filter(like="seed ")
    assert runs.shape[1] == 3
    shares = (runs.max(axis=1) - runs.min(axis=1)) / runs.mean(axis=1)
    assert np.allclose(shares, summary["range_share"], rtol=1e-3)
    for yardstick in ("total", "style", "moments", "patch"):
        row = runs.loc[yardstick]
        assert row.max() - row.min() < row.min() - summary.loc[yardstick, "as it ships"]
        assert row.max() < 0.5 * summary.loc[yardstick, "where they start"]


def test_the_means_lie_no_higher_than_those_of_the_original_authors_networks():
    table = pd.read_csv(TABLES["benchmark_authors"]).set_index(["by", "style_image"])
    ours, theirs = (table.loc[by].sort_index() for by in ("this project", "Johnson et al."))
    assert len(ours) == 5
    assert (ours[["content", "moments"]] < theirs[["content", "moments"]]).all(axis=None)
    assert (ours["patch"].round(3) <= theirs["patch"]).all()  # theirs is given in three digits


@pytest.mark.parametrize("name", network_names())
def test_slim_networks_stay_within_a_fifth_of_the_wide_ones(name):
    summary = pd.read_csv(TABLES["benchmark_slim_summary"], index_col="style_image")
    assert (summary.loc[name, ["content_share_mean", "style_share_mean"]] < 1.2).all()


def test_the_slim_benchmark_has_every_style_and_names_its_weights():
    summary = pd.read_csv(TABLES["benchmark_slim_summary"])
    assert sorted(summary["style_image"]) == sorted(network_names())
    assert pd.read_csv(TABLES["benchmark_slim"])["weights"].notna().all()
