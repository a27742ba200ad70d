"""The gallery of the study's pictures, in a browser."""

import json
from pathlib import Path

import pytest
from scripts import load
from studies import LABELS, write_study

pytestmark = pytest.mark.web

SHOWN = "#shown figure:nth-child(2) img"
web_files = load(Path(__file__).parents[2] / "docs" / "web_files.py")


@pytest.fixture
def gallery(page, address, site, tmp_path):
    """The page with a study of two photos and two styles."""
    write_study(tmp_path, photos=("chelsea", "coffee"), styles=("wave", "linocut"))
    study = web_files.read_study(tmp_path, site / "web" / "study")
    page.route("**/study.json", lambda route: route.fulfill(body=json.dumps(study)))
    page.goto(f"{address}/gallery.html")
    page.wait_for_selector("#wall")
    return page


def cells(page) -> list[list[str]]:
    """The rows of scores as they are shown."""
    rows = page.locator("#scores tbody tr").all()
    return [row.locator("th, td").all_text_contents() for row in rows]


def test_every_choice_shows_another_picture_and_its_scores(gallery):
    seen = set()
    for photo in ("chelsea", "coffee"):
        for style in ("wave", "linocut"):
            gallery.check(f"#of-photo [value='{photo}']")
            gallery.check(f"#of-style [value='{style}']")
            for place, label in enumerate(LABELS):
                gallery.check(f"#of-method [value='{label}']")
                gallery.wait_for_function(f"document.querySelector('{SHOWN}').naturalWidth > 0")
                picture = gallery.locator(SHOWN)
                seen.add(picture.get_attribute("src"))
                assert label in picture.get_attribute("alt")
                assert "in the style" not in gallery.get_attribute("#shown img >> nth=0", "alt")
                assert label in gallery.text_content("#caption")
                current = gallery.locator("#scores [aria-current] th").all_text_contents()
                assert current == [label] == [cells(gallery)[place][0]]
    assert len(seen) == 2 * 2 * len(LABELS)


def test_the_scores_are_those_of_the_table(gallery):
    assert cells(gallery)[0] == ["Gatys 100", "1.00", "0.250", "–"]
    assert cells(gallery)[2] == ["Johnson slim", "3.00", "0.250", "0.500"]


def test_a_study_without_pictures_shows_its_scores_and_says_how_to_make_them(page, address):
    page.goto(f"{address}/gallery.html")
    page.wait_for_selector("#wall")
    strips = page.evaluate(
        "fetch('web/study.json').then(r => r.json()).then(s => s.pairs[0].pictures)"
    )
    assert page.is_visible("#unpainted") == (strips is None)
    assert len(cells(page)) >= 3


def test_without_a_study_the_page_says_how_to_make_one(page, address):
    empty = {"size": None, "scores": {}, "pairs": []}
    page.route("**/study.json", lambda route: route.fulfill(body=json.dumps(empty)))
    page.goto(f"{address}/gallery.html")
    page.wait_for_load_state("networkidle")
    assert "make study" in page.text_content("#none")
    assert page.is_visible("#none")
    assert not page.is_visible("#wall")


def test_no_two_parts_have_one_name(gallery):
    ids = gallery.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert sorted(set(ids)) == sorted(ids)


def test_it_fits_a_telephone(gallery):
    gallery.set_viewport_size({"width": 360, "height": 740})
    assert gallery.evaluate("document.documentElement.scrollWidth") <= 360
    picture = gallery.locator(SHOWN).bounding_box()
    assert 200 < picture["width"] <= 360
    last = gallery.locator("#of-method label >> nth=-1").bounding_box()
    assert picture["y"] < last["y"] < picture["y"] + 740 - last["height"]  # both in sight
    table = gallery.locator("#scores")
    assert table.evaluate("table => table.scrollWidth <= table.parentElement.clientWidth")
