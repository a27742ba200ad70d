"""What is committed under results/ belongs to the networks that ship, and the prose quotes it."""

import functools
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from nstlib.johnson.saved import network_names, network_path, read_network

ROOT = Path(__file__).parents[2]
TABLES = {path.stem: path for path in sorted((ROOT / "results" / "tables").glob("*.csv"))}
NUMBER = r"-?\d+(?:\.\d+)?"
INTERVAL = re.compile(rf"({NUMBER}) \(({NUMBER}) to ({NUMBER})\)")

Row = tuple[float, float, float]
every_table = pytest.mark.parametrize("name", TABLES)


def prose(root: Path) -> dict[str, str]:
    """The README, the pages of the site and the markdown of the notebooks: text by file."""
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    texts = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in pages}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        markdown = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        texts[str(path.relative_to(root))] = "\n\n".join(markdown)
    return texts


def rows_with_intervals(table: pd.DataFrame) -> list[Row]:
    """Value, low and high of every row of a table, for each of its columns that has an interval."""
    found = []
    for column in table.select_dtypes("number"):
        for bounds in (["low", "high"], [f"{column}_low", f"{column}_high"]):
            if {*bounds} <= {*table.columns} - {column}:
                found += table[[column, *bounds]].itertuples(index=False, name=None)
    return found


@functools.cache
def committed_intervals() -> list[Row]:
    return [row for path in TABLES.values() for row in rows_with_intervals(pd.read_csv(path))]


def rounds_to(value: float, written: str) -> bool:
    decimals = len(written.partition(".")[2])
    return abs(value - float(written)) <= 0.51 * 10**-decimals


def unfounded(text: str, rows: list[Row]) -> list[tuple[str, ...]]:
    """The intervals in a text that are no row's."""

    def stands_in(quoted: tuple[str, ...], row: Row) -> bool:
        return all(rounds_to(value, written) for value, written in zip(row, quoted, strict=True))

    # "Lower by 0.5 (0.3 to 0.8)" is a difference of -0.5 (-0.8 to -0.3).
    both = [*rows, *((-value, -high, -low) for value, low, high in rows)]
    quoted = INTERVAL.findall(" ".join(text.split()))
    return [each for each in quoted if not any(stands_in(each, row) for row in both)]


@pytest.mark.parametrize("name", prose(ROOT))
def test_every_interval_in_the_prose_stands_in_a_table(name):
    assert unfounded(prose(ROOT)[name], committed_intervals()) == []


def test_the_prose_is_found(tmp_path):
    (tmp_path / "docs" / "guide").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "README.md").write_text("front")
    (tmp_path / "docs" / "guide" / "page.md").write_text("page")
    cells = [{"cell_type": "markdown", "source": ["a ", "b"]}, {"cell_type": "code", "source": []}]
    (tmp_path / "notebooks" / "00.ipynb").write_text(json.dumps({"cells": cells}))
    assert list(prose(tmp_path).values()) == ["front", "page", "a b"]


def test_an_interval_that_stands_nowhere_is_found():
    table = pd.DataFrame({"mean": [0.512], "low": [0.3], "high": [0.78], "n": [12]})
    rows = rows_with_intervals(table)
    assert unfounded("a mean of 0.51 (0.30 to\n0.78), and lower by 0.51 (0.30 to 0.78)", rows) == []
    assert unfounded("lower by -0.5 (-0.8 to -0.3)", rows) == []
    assert unfounded("0.53 (0.30 to 0.78)", rows) == [("0.53", "0.30", "0.78")]
    assert unfounded("0.512 (0.301 to 0.78)", rows) == [("0.512", "0.301", "0.78")]
    assert unfounded("0.51 (0.30 to 0.78)", []) == [("0.51", "0.30", "0.78")]


def test_a_column_with_bounds_of_its_own_is_an_interval():
    table = pd.DataFrame(
        {"ratio": [2.0], "ratio_low": [1.5], "ratio_high": [3.0], "seconds": [9.0]}
    )
    assert rows_with_intervals(table) == [(2.0, 1.5, 3.0)]


@every_table
def test_a_table_says_where_it_came_from(name):
    note = json.loads(TABLES[name].with_suffix(".json").read_text(encoding="utf-8"))
    assert {"profile", "caption"} <= set(note)
    assert note["profile"] == "full"


@functools.cache
def fingerprints() -> set[str]:
    """Those of the networks that ship."""
    widths = (1.0, 0.25)
    return {
        read_network(network_path(name, width=width)).fingerprint
        for width in widths
        for name in network_names(width)
    }


@every_table
def test_scores_of_networks_are_those_of_the_networks_that_ship(name):
    table = pd.read_csv(TABLES[name])
    if "weights" in table:
        assert set(table["weights"].dropna()) <= fingerprints()
