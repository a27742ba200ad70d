"""The page try.html in Chromium: seconds to a picture, and what the page loads.

    make web-tools docs                 # node.js for onnxruntime-web, and a chromium on the path
    .venv/bin/python benchmarks/page.py

The site of build/docs is served from this machine, to one thread of WebAssembly, as on any static host. Seconds are
those from the press of a style's button to the picture and its line, on a square photo:

- first picture: in a browser context of its own, so with an empty cache; the button is pressed as soon as there is one;
- another style: later on the same page, the network of the style still to be fetched and prepared;
- style again: the same presses once more.

Megabytes are the bytes of the answers: all that the page loads before a style is pressed, and the file of each network.
results/tables/benchmark_page.csv has median, lowest and highest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from browsing import NO_GPU, chromium, served
from common import full_results
from playwright.sync_api import Browser, Page

import nstlib as nst

SITE = Path(__file__).parents[1] / "build" / "docs"
SIZES = (256, 384, 512)
TURNS = 9
READY = "#status:has-text('Choose a painting')"
# From the press of a button to the first frame that has the picture; milliseconds.
PRESS = """index => new Promise((resolve) => {
  const status = document.getElementById("status");
  const start = performance.now();
  new MutationObserver((_, observer) => {
    if (!status.textContent.startsWith("Painted in")) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
  }).observe(status, { childList: true });
  document.querySelectorAll("#styles button")[index].click();
})"""


@contextmanager
def visited(browser: Browser, address: str) -> Iterator[tuple[Page, dict]]:
    """The page in a context of its own, as soon as a style can be pressed; and the bytes of the answers by address."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    loaded = {}
    context.on("requestfinished", lambda request: loaded.update({request.url: request}))
    page = context.new_page()
    page.goto(f"{address}/try.html")
    page.wait_for_selector(READY)
    yield page, loaded
    context.close()


def first_picture(browser: Browser, address: str) -> float:
    """Seconds on a cold page."""
    with visited(browser, address) as (page, _):
        return page.evaluate(PRESS, 0) / 1000


def later_pictures(browser: Browser, address: str, size: int) -> pd.DataFrame:
    """One row for each press after the first."""
    with visited(browser, address) as (page, _):
        page.check(f"input[name='size'][value='{size}']")
        page.evaluate(PRESS, 0)
        rows = [
            {"what": what, "px": size, "seconds": page.evaluate(PRESS, turn) / 1000}
            for what in ("another style", "style again")
            for turn in range(1, 1 + TURNS)
        ]
    return pd.DataFrame(rows)


def weights(browser: Browser, address: str) -> pd.DataFrame:
    """Megabytes before the first style is pressed, and of each style."""
    with visited(browser, address) as (page, loaded):
        page.wait_for_load_state("networkidle")
        before = megabytes(loaded)
        rows = [{"what": "page before the first style", "megabytes": sum(before.values())}]
        for index in range(page.locator("#styles button").count()):
            page.evaluate(PRESS, index)
        after = megabytes(loaded)
    new = [size for url, size in after.items() if url not in before and url.endswith(".onnx")]
    return pd.DataFrame(rows + [{"what": "network of a style", "megabytes": size} for size in new])


def megabytes(loaded: dict) -> dict[str, float]:
    """By address, without what the page makes itself."""
    files = {url: request for url, request in loaded.items() if url.startswith("http")}
    return {url: request.sizes()["responseBodySize"] / 1e6 for url, request in files.items()}


def main() -> None:
    if not (SITE / "web/runtime_wasm.z").is_file():
        raise SystemExit("build/docs has no page that paints: make docs, with npm.")
    results = full_results(seed=None)
    with served(SITE) as address, chromium(NO_GPU) as browser:
        version = browser.version
        first = [first_picture(browser, address) for _ in range(TURNS)]
        parts = [
            pd.DataFrame({"what": "first picture", "px": SIZES[0], "seconds": first}),
            *(later_pictures(browser, address, size) for size in SIZES),
            weights(browser, address),
        ]
    table = nst.study.median_ranges(
        pd.concat(parts).astype({"px": "Int64"}), ["what", "px"], ["seconds", "megabytes"]
    ).dropna(subset="median")
    caption = (
        f"The page try.html in Chromium {version} without a GPU, one thread of WebAssembly: seconds from a press to "
        f"the picture, of {TURNS} presses each ({TURNS} fresh contexts for the first picture), and megabytes of the "
        "answers; medians, lowest and highest."
    )
    results.table("benchmark_page", table.reset_index(drop=True), caption=caption)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
