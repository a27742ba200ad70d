"""Renders the executed notebooks into a static site that opens offline.

    .venv/bin/python report/build.py

Reads notebooks/ and results/, writes build/report/: index.html with the findings in one screen, a page for each
notebook, and copies of the tables and figures. Nothing is loaded from the network by any page.
"""

import argparse
import html
import shutil
from pathlib import Path

import bs4
import nbformat
import pandas as pd
from nbconvert import HTMLExporter

ROOT = Path(__file__).parents[1]
SHOWN = ["total", "content", "style", "ssim", "patch"]  # of the yardsticks, with their intervals
PAGE = (Path(__file__).parent / "index.html").read_text(encoding="utf-8")


class ReportError(ValueError):
    """The notebooks or tables are not what a report can be made from."""


def build(notebooks: Path, results: Path, target: Path) -> Path:
    """Writes the site and returns its index page.

    Raises:
        ReportError: a notebook was not executed, or a picture in it has no alternative text.
        FileNotFoundError: a table or figure that the index page shows is not there.
    """
    shutil.rmtree(target, ignore_errors=True)
    for kind in ("tables", "figures", "images"):
        shutil.copytree(results / kind, target / kind, ignore=shutil.ignore_patterns("*.json"))
    pages = {}
    for path in sorted(notebooks.glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        pages[path.stem] = _title_and_question(notebook)
        (target / f"{path.stem}.html").write_text(page(notebook, path.name), encoding="utf-8")
    index = target / "index.html"
    index.write_text(_index(results, pages), encoding="utf-8")
    return index


def page(notebook: nbformat.NotebookNode, name: str) -> str:
    """One notebook as a page of its own: no scripts, and an alternative text for every picture."""
    texts = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.execution_count is None:
            raise ReportError(f"{name}: a cell was not executed; run `make study` first")
        texts += _alternative_texts(cell, name)
    notebook.metadata.pop("widgets", None)
    body, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    soup = bs4.BeautifulSoup(body, "html.parser")
    for script in soup.find_all("script"):  # typesetting and widgets, all from other hosts
        script.decompose()
    pictures = soup.select(".jp-RenderedImage img")
    if len(pictures) != len(texts):
        raise ReportError(f"{name}: {len(pictures)} pictures, but {len(texts)} alternative texts")
    for picture, text in zip(pictures, texts, strict=True):
        picture["alt"] = text
    link = soup.new_tag("a", href="index.html", style="margin: 1em; display: inline-block")
    link.string = "← all notebooks"
    soup.body.insert(0, link)
    return str(soup)


def _alternative_texts(cell: nbformat.NotebookNode, name: str) -> list[str]:
    texts = []
    for output in cell.get("outputs", []):
        for kind in ("image/png", "image/jpeg"):
            if kind in output.get("data", {}):
                text = output.metadata.get(kind, {}).get("alt")
                if not text:
                    raise ReportError(f"{name}: a picture has no alternative text")
                texts.append(text)
    return texts


def _title_and_question(notebook: nbformat.NotebookNode) -> tuple[str, str]:
    """Of the first cell: "# Title", a blank line, "**Question?** ..."."""
    title, _, question, *_ = notebook.cells[0].source.splitlines()
    return title.removeprefix("# "), question.split("**")[1]


def _index(results: Path, pages: dict[str, tuple[str, str]]) -> str:
    findings = _table(results, "findings")
    sentences = (
        f'<li>{html.escape(row.finding)} <a href="tables/{row.table}.csv">{row.table}</a></li>'
        for row in findings.itertuples()
    )
    links = (
        f'<li><a href="{stem}.html">{html.escape(title)}</a>: {html.escape(question)}</li>'
        for stem, (title, question) in pages.items()
    )
    return PAGE.format(
        findings="\n".join(sentences),
        notebooks="\n".join(links),
        table=_methods(results).to_html(index=False, border=0),
    )


def _methods(results: Path) -> pd.DataFrame:
    """One row a method: seconds, and each mean with its interval."""
    seconds = _table(results, "choosing_costs")[["method", "seconds"]]
    means = _table(results, "quality_means")
    ends = means[["mean", "low", "high"]].map("{:.3g}".format)
    means["shown"] = ends["mean"] + " (" + ends["low"] + "–" + ends["high"] + ")"
    shown = means.pivot_table(index="method", columns="yardstick", values="shown", aggfunc="first")
    table = seconds.merge(shown[SHOWN].reset_index(), how="left")
    return table.assign(seconds=table["seconds"].map("{:.3g}".format))


def _table(results: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(results / "tables" / f"{name}.csv", keep_default_na=False, na_values=[""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks")
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "report")
    print(build(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
