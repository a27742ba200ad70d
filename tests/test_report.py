"""The static site, built from the notebooks and tables of the repository."""

import re
from pathlib import Path
from urllib.parse import unquote

import bs4
import nbformat
import pandas as pd
import pytest
from scripts import load

ROOT = Path(__file__).parents[1]


report = load(ROOT / "report" / "build.py")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    target = tmp_path_factory.mktemp("report") / "site"
    report.build(ROOT / "notebooks", ROOT / "results", target)
    return target


@pytest.fixture(scope="module")
def pages(site):
    return {
        path: bs4.BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in site.glob("*.html")
    }


def test_every_notebook_has_a_page_that_the_index_links_to(site, pages):
    names = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {path.stem for path in pages} == names | {"index"}
    linked = {link["href"] for link in pages[site / "index.html"].find_all("a")}
    assert {f"{name}.html" for name in names} <= linked


def test_nothing_comes_from_elsewhere_and_every_link_leads_somewhere(pages):
    for path, soup in pages.items():
        assert not soup.find_all("script")
        for style in soup.find_all("style"):
            assert not re.search(r"(@import|url\()\s*['\"]?https?:", style.text)
        for tag, attribute in (("img", "src"), ("link", "href"), ("a", "href")):
            for element in soup.find_all(tag):
                target = element[attribute]
                if target.startswith(("data:", "#")) or (tag == "a" and ":" in target):
                    continue
                assert (path.parent / unquote(target).split("#")[0]).is_file(), target


def test_every_picture_has_an_alternative_text(pages):
    pictures = [image for soup in pages.values() for image in soup.find_all("img")]
    assert len(pictures) > 30
    assert all(len(image["alt"]) > 10 for image in pictures)


def test_the_index_and_the_readme_carry_the_findings_of_the_table(site, pages):
    findings = pd.read_csv(ROOT / "results" / "tables" / "findings.csv")["finding"]
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    shown = pages[site / "index.html"].get_text()
    assert len(findings) == 5
    for finding in findings:
        assert finding in shown
        assert finding in readme


def notebook(**cell):
    cells = [nbformat.v4.new_markdown_cell("# 00 · A\n\n**Why?**")]
    return nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell("1", **cell)])


def test_a_notebook_that_was_not_executed_is_refused():
    with pytest.raises(report.ReportError, match=r"a\.ipynb: a cell was not executed"):
        report.page(notebook(), "a.ipynb")


def test_a_picture_without_an_alternative_text_is_refused():
    picture = nbformat.v4.new_output("display_data", data={"image/png": "aGk="})
    with pytest.raises(report.ReportError, match="no alternative text"):
        report.page(notebook(execution_count=1, outputs=[picture]), "a.ipynb")
    picture.metadata["image/png"] = {"alt": "a <small> picture"}
    shown = report.page(notebook(execution_count=1, outputs=[picture]), "a.ipynb")
    assert bs4.BeautifulSoup(shown, "html.parser").img["alt"] == "a <small> picture"
