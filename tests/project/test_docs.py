"""The site: it builds without a warning, opens offline, and leaves nobody without a text or a target."""

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from scripts import load

from nstlib.johnson.network import Network, new_network, save_network

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# What no page documents: the command line has its own help, and `arguments` checks what users give.
WITHOUT_A_PAGE = {"nstlib", "nstlib.cli", "nstlib.arguments"}

pages = load(DOCS / "pages.py")


def modules() -> set[str]:
    """The full names of all modules, but for those inside the packages of figures and of the command line."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "nstlib").rglob("*.py")]
    names = {".".join(part for part in path.parts if part != "__init__") for path in paths}
    return {name for name in names if not name.startswith(("nstlib.study.plots.", "nstlib.cli."))}


def test_every_module_has_its_place_in_the_api():
    texts = [path.read_text(encoding="utf-8") for path in (DOCS / "api").glob("*.md")]
    documented = re.findall(r"automodule:: ([\w.]+)", "\n".join(texts))
    assert len(documented) == len(set(documented))
    assert modules() - set(documented) == WITHOUT_A_PAGE
    assert set(documented) <= modules()


def test_what_measures_is_listed_with_its_tables():
    """Scripts that are there, and tables that are there or said to be missing."""
    text = (DOCS / "performance.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| [^|]+ \| (?:`|notebook)([^|]+) \| ([^|]+) \|$", text, flags=re.MULTILINE
    )
    scripts = {name for script, _ in rows for name in re.findall(r"benchmarks/(\S+\.py)", script)}
    assert scripts == {
        path.relative_to(ROOT / "benchmarks").as_posix()
        for path in (ROOT / "benchmarks").rglob("*.py")
        if "full_results" in path.read_text(encoding="utf-8") and path.name != "common.py"
    }
    tables = {
        name: star for star, name in re.findall(r"(\*?)`(\w+)`", " ".join(n for _, n in rows))
    }
    there = {path.stem for path in (ROOT / "results" / "tables").glob("*.csv")}
    assert {name for name, star in tables.items() if not star} <= there
    assert {name for name, star in tables.items() if star} & there == set()


def test_a_row_of_the_table_is_what_the_card_says(tmp_path):
    network = new_network(width=0.03)
    card = {
        "style": "wave",
        "licence": "CC0",
        "objective": {"style_weight": 5.0},
        "steps": 600,
        "style_size": 384,
        "size": 256,
        "seconds": 99.5,
        "precision": "bfloat16",
        "machine": {"cores": 2},
    }
    path = save_network(Network(network.model, network.architecture, card), tmp_path / "a.npz")
    row = pages.network_row(pages.card(path))
    assert row == [
        "wave",
        "0.03",
        "5",
        "600",
        "384 px",
        "256 px",
        "99.5",
        "CPU × 2, bfloat16",
        "CC0",
    ]
    assert len(row) == len(pages.COLUMNS_OF_NETWORKS)


def test_a_measured_table_is_shown_with_three_digits(tmp_path):
    assert "follows" in pages.measured_table(tmp_path / "none.csv")
    (tmp_path / "a.csv").write_text(
        "network,hosts,hours\nwide,10,0.12345\nslim,100,12345.6\nnone,1,\n"
    )
    assert pages.measured_table(tmp_path / "a.csv").splitlines() == [
        "| network | hosts | hours |",
        "| --- | --- | --- |",
        "| wide | 10 | 0.123 |",
        "| slim | 100 | 12,346 |",
        "| none | 1 | – |",
    ]


def test_a_card_that_says_nothing_gives_dashes(tmp_path):
    path = save_network(new_network(width=0.03), tmp_path / "mine.npz")
    assert pages.network_row(pages.card(path))[:4] == ["mine", "0.03", "–", "–"]


def test_a_picture_of_a_notebook_keeps_its_text():
    picture = {"data": {"image/png": "aGk="}, "metadata": {"image/png": {"alt": "a wave"}}}
    widget = {"data": {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "a panel"}}
    cells = [{"metadata": {}, "outputs": [picture]}, {"metadata": {}, "outputs": [widget]}, {}]
    notebook = pages.shown({"metadata": {"widgets": {}}, "cells": cells})
    first, second, third = notebook["cells"]
    assert first["metadata"] == {"mystnb": {"image": {"alt": "a wave"}}}
    assert second["outputs"] == [{"data": {"text/plain": "a panel"}}]
    assert third == {}
    assert notebook["metadata"] == {}


# --- the whole site ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages of the site, parsed, by file."""
    bs4 = pytest.importorskip("bs4")
    pytest.importorskip("myst_nb")
    target = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "-n", "-q"]
    run = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(DOCS), str(target)],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return {
        path: bs4.BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in target.rglob("*.html")
        if "_static" not in path.parts  # templates of the theme
    }


@pytest.mark.full
def test_every_notebook_and_every_page_is_there(site):
    names = {path.stem for path in site}
    assert {path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")} <= names
    assert {path.stem for path in DOCS.rglob("*.md") if "_table" not in path.name} <= names


@pytest.mark.full
def test_nothing_is_loaded_from_elsewhere(site):
    for path, soup in site.items():
        for tag, attribute in (("script", "src"), ("img", "src"), ("iframe", "src")):
            for element in soup.find_all(tag, attrs={attribute: True}):
                assert not urlparse(element[attribute]).netloc, (path.name, element[attribute])
        for link in soup.find_all("link", href=True):
            assert not urlparse(link["href"]).netloc, (path.name, link["href"])
        for script in soup.find_all("script"):
            assert not re.search(r"(import|from|src=)\s*\(?['\"]https?:", script.text), path.name
    folder = min(site, key=lambda path: len(path.parts)).parent
    for sheet in folder.rglob("*.css"):
        assert not re.search(
            r"(@import|url\()\s*['\"]?(https?:)?//", sheet.read_text(encoding="utf-8")
        )


@pytest.mark.full
def test_every_link_leads_somewhere(site):
    named = {path: {each["id"] for each in soup.find_all(id=True)} for path, soup in site.items()}
    for path, soup in site.items():
        for tag, attribute in (("a", "href"), ("img", "src"), ("link", "href"), ("script", "src")):
            for element in soup.find_all(tag, attrs={attribute: True}):
                link = urlparse(element[attribute])
                if link.scheme or link.netloc or element[attribute] == "#":
                    continue
                target = (path.parent / unquote(link.path)).resolve() if link.path else path
                assert target.is_file(), (path.name, element[attribute])
                if link.fragment and target in site:
                    assert unquote(link.fragment) in named[target], (path.name, link.fragment)


@pytest.mark.full
def test_every_picture_has_an_alternative_text(site):
    pictures = [picture for soup in site.values() for picture in soup.find_all("img")]
    ours = [picture for picture in pictures if not picture["src"].startswith("_static/")]
    assert len(ours) > 0
    assert [picture["src"] for picture in ours if len(picture.get("alt", "")) <= 10] == []


@pytest.mark.full
def test_formulas_are_drawn_by_the_browser(site):
    (design,) = [soup for path, soup in site.items() if path.stem == "design"]
    assert len(design.find_all("math")) >= 2


@pytest.mark.full
def test_the_docstrings_are_on_the_pages(site):
    (metrics,) = [soup for path, soup in site.items() if path.stem == "metrics"]
    assert metrics.find(id="nstlib.metrics.lpips") is not None
    assert "Learned perceptual distance" in metrics.get_text()
