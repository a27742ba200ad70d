"""What is tracked stays light, the front page short, and its links lead somewhere."""

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
LARGEST_FILE, LARGEST_TREE = 10e6, 45e6  # bytes
MOST_WORDS = 800  # three minutes
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(ROOT / name / "README.md" for name in ("data", "findings")),
]
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def tracked() -> dict[str, int]:
    """Bytes by name of all that git tracks here, or would with the next commit, and that is still there."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if run.returncode != 0:
        pytest.skip("no checkout: git tracks nothing here")
    names = filter(None, run.stdout.decode().split("\0"))
    return {name: (ROOT / name).stat().st_size for name in names if (ROOT / name).is_file()}


def test_no_tracked_file_is_heavy():
    sizes = tracked()
    assert len(sizes) > 100
    assert {name: size for name, size in sizes.items() if size > LARGEST_FILE} == {}


def test_the_tracked_tree_is_light():
    assert sum(tracked().values()) <= LARGEST_TREE


def test_the_front_page_is_short():
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    assert 300 < len(words) <= MOST_WORDS


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_pictures_have_a_text(page):
    for picture, text, target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("https://", "http://", "#")):
            assert (page.parent / unquote(target).partition("#")[0]).exists(), target
        if picture:
            assert len(text) > 20, f"{target} has no alternative text"


def test_every_file_that_the_prose_names_is_there():
    texts = [page.read_text(encoding="utf-8") for page in [*PAGES, *(ROOT / "docs").rglob("*.md")]]
    named = re.findall(
        r"`((?:benchmarks|data|docs|findings|nstlib|tests)/[\w./]*)`", "\n".join(texts)
    )
    assert len(named) > 10
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_the_front_page_says_what_each_folder_is():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = {Path(name).parts[0] for name in tracked() if len(Path(name).parts) > 1}
    assert {"nstlib", "docs", "tests"} <= folders
    shown = {folder for folder in folders if not folder.startswith(".")}
    assert {folder for folder in shown if f"{folder}/" not in text} == set()
