import io
import sys

import numpy as np
import pytest
import tiny
from PIL import Image

from nstlib.data.pictures import photo
from nstlib.errors import ImageError
from nstlib.images import to_uint8
from nstlib.johnson.training import training_objective
from nstlib.study import widget
from nstlib.study.widget import explorer, painted

SETTINGS = {"photo": "coffee", "style": "linocut", "style_weight": 6.0, "steps": 2, "size": 48}


@pytest.fixture(autouse=True)
def shipped(tiny_network, monkeypatch):
    """A small network in place of each that ships, a small style image and quick scores."""
    monkeypatch.setattr(widget, "load_network", {"linocut": tiny_network}.__getitem__)
    monkeypatch.setattr(widget, "network_names", lambda: ["linocut"])
    monkeypatch.setattr(widget, "style_size", lambda name: 48)
    monkeypatch.setattr(widget, "evaluate", tiny.evaluate)
    painted.cache_clear()  # a session's networks are no other test's
    yield tiny_network
    painted.cache_clear()


def parts(box):
    (row,) = box.children
    controls, picture = row.children
    *choices, button, note = controls.children
    return {choice.description: choice for choice in choices}, button, note, picture


def test_without_ipywidgets_it_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(
        ModuleNotFoundError, match="explorer needs ipywidgets: pip install ipywidgets"
    ):
        explorer()


def test_it_paints_what_was_chosen_and_says_what_it_cost(shipped):
    choices, button, note, picture = parts(explorer(size=48))
    assert choices["style"].options == ("linocut",)
    assert choices["β"].value == pytest.approx(training_objective().style_weight)
    choices["photo"].value = "coffee"
    assert picture.value == b""
    button.click()
    shown = np.asarray(Image.open(io.BytesIO(picture.value)))
    expected = shipped.stylize(photo("coffee", size=48))
    np.testing.assert_array_equal(shown, to_uint8(expected))
    for name in ("seconds", "total", "lpips"):
        assert f"<td>{name}&emsp;</td>" in note.value
    assert "nan" not in note.value  # of a photo too small for one yardstick
    assert not button.disabled

    choices["method"].value, choices["steps"].value = "gatys", 1
    before = picture.value
    button.click()
    assert picture.value != before


def test_an_error_is_shown_and_the_panel_lives_on(monkeypatch):
    _, button, note, _ = parts(explorer(size=48))

    def fail(**_):
        raise ImageError("photo: <too> strange")

    with monkeypatch.context() as patch:
        patch.setattr(widget, "painted", fail)
        button.click()
        assert note.value == "<b>photo: &lt;too&gt; strange</b>"
        assert not button.disabled
    button.click()
    assert "total" in note.value


def test_nothing_is_painted_twice(shipped):
    first, _ = painted(method="johnson", **SETTINGS)
    again, _ = painted(method="johnson", **SETTINGS)
    assert again is first


def test_beta_is_what_is_minimised_and_reported():
    image, row = painted(method="gatys", **SETTINGS)
    other, more = painted(method="gatys", **SETTINGS | {"style_weight": 600.0})
    assert row["total"] == pytest.approx(row["content"] + 6 * row["style"], rel=0.05)
    assert more["total"] == pytest.approx(more["content"] + 600 * more["style"], rel=0.05)
    assert more["seconds"] > 0
    assert not np.array_equal(image, other)


def test_a_size_that_shows_nothing():
    with pytest.raises(ImageError, match="size: 8 px is too small"):
        painted(method="johnson", **SETTINGS | {"size": 8})
