"""The Makefile: the Python that it takes, and the commands that the prose names."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROSE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def installing(folder: Path, pythons: dict[str, int]) -> subprocess.CompletedProcess:
    """What `make install` would do where only these Pythons are, each of which exits with a code."""
    for name, code in pythons.items():
        (folder / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (folder / name).chmod(0o755)
    for tool in ("make", "sh", "find"):
        (folder / tool).symlink_to(shutil.which(tool))
    return subprocess.run(
        ["make", "--always-make", "--dry-run", "install"],
        cwd=ROOT,
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("pythons", "chosen"),
    [
        ({"python3": 0}, "python3"),
        ({"python3": 0, "python3.11": 0}, "python3.11"),
        ({"python3.11": 0, "python3.12": 0, "python3.13": 0}, "python3.13"),
        # A python3 that is too old, and a version that is named but does not start, as those of pyenv may.
        ({"python3": 1, "python3.12": 0, "python3.13": 127}, "python3.12"),
    ],
)
def test_make_takes_the_newest_python_that_starts(tmp_path, pythons, chosen):
    run = installing(tmp_path, pythons)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == f"{chosen} -m venv .venv"


def test_make_says_so_where_no_python_will_do(tmp_path):
    run = installing(tmp_path, {"python3": 1})
    assert run.returncode != 0
    assert "no Python from 3.11 to 3.13 was found" in run.stderr


def test_every_command_that_the_prose_names_is_a_target():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    named = {
        name
        for path in PROSE
        for name in re.findall(
            r"(?:^|`)make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert {"study", "test", "test-fast", "docs"} <= named
    assert named <= set(phony.split())
