import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from nstlib.data import photo
from nstlib.explorer import explorer, painted
from nstlib.images import ImageError
from nstlib.transformer import load_network

SETTINGS = {"photo": "coffee", "style": "linocut", "style_weight": 6.0, "evals": 2, "size": 48}


def parts(panel):
    (row,) = panel.children
    controls, picture = row.children
    *choices, button, note = controls.children
    return choices, button, note, picture


def test_without_ipywidgets_it_says_what_is_missing():
    program = "import sys; sys.modules['ipywidgets'] = None; import nstlib; nstlib.explorer()"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert run.returncode != 0
    assert "nstlib.explorer needs ipywidgets: pip install ipywidgets" in run.stderr


def test_it_paints_what_was_chosen_and_says_what_it_cost():
    choices, button, note, picture = parts(explorer(size=48))
    by_name = {choice.description: choice for choice in choices}
    assert "linocut" in by_name["style"].options
    by_name["photo"].value, by_name["style"].value = "coffee", "linocut"
    assert picture.value == b""
    button.click()
    shown = np.asarray(Image.open(io.BytesIO(picture.value)))
    expected = load_network("linocut").stylize(photo("coffee", size=48))
    np.testing.assert_array_equal(shown, np.round(expected * 255).astype(np.uint8))
    assert "total" in note.value
    assert not button.disabled

    by_name["method"].value, by_name["evaluations"].value = "gatys", 1
    before = picture.value
    button.click()
    assert picture.value != before


def test_an_error_is_shown_and_the_panel_lives_on(monkeypatch):
    _, button, note, _ = parts(explorer(size=48))

    def fail(**_):
        raise ImageError("photo: <too> strange")

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["nstlib.explorer"], "painted", fail)
        button.click()
        assert note.value == "<b>photo: &lt;too&gt; strange</b>"
        assert not button.disabled
    button.click()
    assert "total" in note.value


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
