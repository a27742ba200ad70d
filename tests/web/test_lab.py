"""The explorer of notebook 06 in a JupyterLab: run from top to bottom, Paint is pressed, and a picture comes."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import nstlib as nst

pytestmark = [pytest.mark.web, pytest.mark.full]

ROOT = Path(__file__).parents[2]
NOTEBOOK = "06_choosing.ipynb"
PATIENCE = 240  # seconds, for the server to start and for the notebook to run


@pytest.fixture
def lab(tmp_path):
    """The address of a server whose folder holds a copy of the notebook."""
    (tmp_path / "results").mkdir()
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / NOTEBOOK, tmp_path / "notebooks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    options = {
        "ServerApp.token": "''",
        "ServerApp.password": "''",
        "ServerApp.allow_root": True,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": tmp_path,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            *(f"--{k}={v}" for k, v in options.items()),
        ],
        cwd=ROOT,
        env=os.environ
        | {
            "NSTLIB_PROFILE": "smoke",
            "PYTHONPATH": str(ROOT),
            "JUPYTER_CONFIG_DIR": str(tmp_path / "settings"),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"{address}/api")
        yield address
    finally:
        server.terminate()
        server.wait(30)


def wait_for(address: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(address) as answer:
                json.load(answer)
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def test_the_explorer_paints(page, lab):
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(f"{lab}/lab/tree/notebooks/{NOTEBOOK}?reset")
    page.wait_for_selector("#jp-main-statusbar :text('Idle')")  # a kernel, for this notebook
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.click("li.lm-MenuBar-item:has-text('Run')")
    page.click("li.lm-Menu-item:has-text('Run All Cells') >> nth=0")
    paint = page.locator("button:has-text('Paint')")
    paint.wait_for()
    paint.scroll_into_view_if_needed()
    paint.click()
    panel = page.locator(".widget-vbox", has=paint)
    panel.locator("table td:has-text('seconds')").wait_for()
    picture = panel.locator("img")
    sides = picture.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert sides == [nst.study.profile("smoke").image_size] * 2
    shown = picture.bounding_box()
    assert shown["width"] == pytest.approx(shown["height"], abs=1)  # as square as it is
    source = picture.get_attribute("src")
    seconds = panel.locator("tr:has-text('seconds') td").nth(1).text_content()
    assert re.fullmatch(r"\d+\.\d{3}", seconds)
    assert source.startswith("blob:")
