"""What of the site is not written by hand: the notebooks, the table of the networks, that of the public names."""

import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import nstlib

COLUMNS_OF_NETWORKS = (
    "name",
    "width",
    "β",
    "steps",
    "style image",
    "crops of",
    "seconds",
    "on",
    "licence",
)
UNKNOWN = "–"


def make(root: Path, docs: Path) -> None:
    """Writes the tables and copies of the notebooks into the folder of the site."""
    networks = sorted((root / "nstlib" / "assets" / "networks").rglob("*.npz"))
    cards = sorted(map(card, networks), key=lambda c: (-width(c), c["style"]))
    write_table(docs / "networks_table.md", COLUMNS_OF_NETWORKS, map(network_row, cards))
    write_table(docs / "names_table.md", ("name", "what it is"), map(name_row, nstlib.__all__))
    for name in ("cluster_plan", "page"):
        table = measured_table(root / "results" / "tables" / f"benchmark_{name}.csv")
        (docs / f"{name}_table.md").write_text(table, encoding="utf-8")
    for old in (docs / "notebooks").glob("*.ipynb"):
        old.unlink()
    for path in sorted((root / "notebooks").glob("[0-9]*.ipynb")):
        notebook = shown(json.loads(path.read_text(encoding="utf-8")))
        copy = docs / "notebooks" / path.name
        copy.write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows as a table in Markdown."""
    path.write_text(_markdown([columns, *rows]), encoding="utf-8")


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    """The first row is the head."""
    head, *rest = rows
    lines = [head, ["---"] * len(head), *rest]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def measured_table(path: Path) -> str:
    """A table of the results in Markdown: numbers with three digits, a dash for none.

    As long as the table is not there, a line says so in its place.
    """
    if not path.exists():
        return "The table follows with the measurements.\n"
    table = pd.read_csv(path)
    rows = [[_three_digits(value) for value in row] for row in table.itertuples(index=False)]
    return _markdown([[*table.columns], *rows])


def _three_digits(value: Any) -> str:
    if pd.isna(value):
        return UNKNOWN
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def name_row(name: str) -> tuple[str, str]:
    """A public name, linked to its documentation, and the first line of its docstring."""
    value = getattr(nstlib, name)
    target = value.__name__
    if not inspect.ismodule(value):
        target = f"{value.__module__}.{target}"
    return f"{{py:obj}}`nst.{name} <{target}>`", value.__doc__.splitlines()[0]


# --- networks ----------------------------------------------------------------------------------


def card(path: Path) -> dict[str, Any]:
    """The model card in a network's file, with its architecture; no network is built for it."""
    with np.load(path, allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes())
    return {"style": path.stem, **header["card"], "architecture": header["architecture"]}


def width(card: Mapping[str, Any]) -> float:
    return card["architecture"].get("width", 1.0)


def network_row(card: Mapping[str, Any]) -> list[str]:
    """What the table says of one network; a dash for what its card does not hold."""
    machine = card.get("machine", {})
    where = machine.get("accelerator") or f"CPU × {machine.get('cores', UNKNOWN)}"
    values = (
        card["style"],
        _short(width(card)),
        _short(card.get("objective", {}).get("style_weight")),
        card.get("steps"),
        _pixels(card.get("style_size")),
        _pixels(card.get("size")),
        card.get("seconds"),
        f"{where}, {card.get('precision', UNKNOWN)}",
        card.get("licence"),
    )
    return [UNKNOWN if value is None else str(value) for value in values]


def _pixels(length: int | None) -> str | None:
    return None if length is None else f"{length} px"


def _short(number: float | None) -> str | None:
    return None if number is None else f"{number:g}"


# --- notebooks ---------------------------------------------------------------------------------


def shown(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook as the site shows it: its widgets as the text they come with, its pictures with their own text."""
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        outputs = cell.get("outputs", [])
        for output in outputs:
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
        texts = [text for output in outputs if (text := alternative_text(output))]
        if texts:
            cell["metadata"]["mystnb"] = {"image": {"alt": " ".join(texts)}}
    return notebook


def alternative_text(output: Mapping[str, Any]) -> str | None:
    """What the metadata of an output say of its picture."""
    kinds = output.get("metadata", {}).values()
    return next((kind["alt"] for kind in kinds if isinstance(kind, dict) and "alt" in kind), None)
