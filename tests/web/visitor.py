"""What a visitor does on try.html, and what is to be seen there."""

import base64
import re

import numpy as np

PIXELS = """id => {
  const canvas = document.getElementById(id);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let text = "";
  for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
  return [canvas.height, canvas.width, btoa(text)];
}"""


def enter(page, address: str) -> None:
    """Opens the page and waits for its first photo."""
    page.goto(f"{address}/try.html")
    page.wait_for_selector("#status:has-text('Choose a painting')")


def painted(page, act) -> str:
    """Does something after which a picture is painted, and waits for it; what the page then says."""
    page.evaluate("document.getElementById('status').textContent = ''")
    act()
    page.wait_for_selector("#status:has-text('Painted in')")
    return page.text_content("#status")


def choose(page, style: str) -> str:
    """Presses the button of a style."""
    return painted(
        page, lambda: page.click(f"#styles button >> nth={style_names(page).index(style)}")
    )


def style_names(page) -> list[str]:
    """The styles that there are buttons for."""
    return page.evaluate(
        "fetch('web/try.json').then(r => r.json()).then(a => a.styles.map(s => s.name))"
    )


def image(page, canvas: str) -> np.ndarray:
    """A canvas as an image of nstlib: "before" is what the network was given, "after" what is shown."""
    height, width, text = page.evaluate(PIXELS, canvas)
    rgba = np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)
    assert (rgba[:, :, 3] == 255).all()
    return rgba[:, :, :3].astype(np.float32) / 255


def levels(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, in levels of 255."""
    assert one.shape == other.shape
    return 255 * float(np.abs(one - other).max())


def give(page, name: str, content: bytes, kind: str = "image/png") -> None:
    """Chooses a file."""
    page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": content})


def problem(page, words: str) -> str:
    """Waits for a sentence on what went wrong."""
    page.wait_for_selector(f"#problem:has-text('{words}')")
    text = page.text_content("#problem")
    assert re.fullmatch(r"[A-Z].*\.", text, re.DOTALL)
    return text
