"""The two pages of the site that work, served from this machine, and a Chromium that visits them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scripts import load

ROOT = Path(__file__).parents[2]
CAMERA = "--use-fake-device-for-media-stream"  # shows a test picture
NO_SERVER = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def browsing():
    """What the benchmark of the page shares with the tests."""
    pytest.importorskip("playwright.sync_api")
    return load(ROOT / "benchmarks" / "browsing.py")


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
def address(site, browsing):
    """Where the site is served."""
    with browsing.served(site) as address:
        yield address


@pytest.fixture(scope="session")
def chromium(browsing):
    """A browser without a graphics processor."""
    try:
        with browsing.chromium(browsing.NO_GPU, CAMERA) as browser:
            yield browser
    except FileNotFoundError as error:
        pytest.skip(str(error))


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
