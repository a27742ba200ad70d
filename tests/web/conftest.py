"""The two pages of the site that work, served from this machine, and a Chromium that visits them."""

import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# No sandbox, as in a container; nothing of its own that goes to the network; a camera that shows a test picture.
OPTIONS = [
    *("--no-sandbox", "--disable-gpu"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--use-fake-device-for-media-stream",),
]
NO_SERVER = "http://127.0.0.1:9"


class Quiet(SimpleHTTPRequestHandler):
    """Hands out files without a word."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A folder with try.html, gallery.html and what they load; paintings are not fetched for it."""
    pytest.importorskip("myst_nb")
    if not (ROOT / "build/web/.installed").is_file():
        pytest.skip("onnxruntime-web is not installed: make docs, with npm")
    target = tmp_path_factory.mktemp("site")
    chosen = ["-D", "include_patterns=try.md,gallery.md", "-D", "root_doc=try"]
    offline = {"HTTP_PROXY": NO_SERVER, "HTTPS_PROXY": NO_SERVER, "NSTLIB_DATA_DIR": str(target)}
    run = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", *chosen, str(ROOT / "docs"), str(target)],
        cwd=ROOT,
        env=os.environ | offline | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return target


@pytest.fixture(scope="session")
def address(site):
    """Where the site is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def chromium():
    """The browser of the system; Playwright fetches none."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no chromium on the path")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A page of its own: nothing cached, and no script may fail."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)  # ms
    failures = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    context.close()
    assert failures == []
