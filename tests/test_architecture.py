"""The rules that no single module can keep: who imports whom, what is pinned, what a notebook is."""

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import nstlib

ROOT = Path(__file__).parents[1]

# Imports go strictly down. `__init__` is the roof: it names everything and nothing may import it.
FLOORS = {
    "arguments": 0,
    "images": 0,
    "losses": 0,
    "lbfgs": 0,
    "benchmark": 0,
    "plots": 0,
    "profiles": 0,
    "results": 0,
    "statistics": 0,
    "data": 1,
    "features": 1,
    "memory": 1,
    "precision": 1,
    "transformer": 2,
    "perceptual": 2,
    "gatys": 3,
    "training": 3,
    "export": 3,
    "metrics": 3,
    "methods": 4,
    "explorer": 5,
    "speed": 5,
    "study": 5,
    "recommend": 6,
    "cli": 8,
    "__init__": 7,
}
MODULES = sorted(path.stem for path in (ROOT / "nstlib").glob("*.py"))


def parse(module: str) -> ast.Module:
    return ast.parse((ROOT / "nstlib" / f"{module}.py").read_text(encoding="utf-8"))


def imported(module: str) -> set[str]:
    """Full dotted names of all that a module imports, inside functions too."""
    names = set()
    for node in ast.walk(parse(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = ".".join(filter(None, ["nstlib" if node.level else "", node.module]))
            names |= {f"{source}.{alias.name}" for alias in node.names}
    return names


def imported_modules(module: str) -> set[str]:
    """Modules of this library that a module imports; `__init__` for the package as such."""
    paths = [name.split(".") for name in imported(module)]
    inside = {path[1] if len(path) > 1 else "" for path in paths if path[0] == "nstlib"}
    return {name if name in FLOORS else "__init__" for name in inside}


# --- floors ------------------------------------------------------------------------------------


def test_the_library_is_flat():
    assert [path for path in (ROOT / "nstlib").rglob("*.py") if path.stem not in MODULES] == []


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module):
    assert module in FLOORS, f"{module} has no floor: give it one above everything that it imports"
    not_below = {n for n in imported_modules(module) if FLOORS[n] >= FLOORS[module]}
    assert not_below == set()


def test_imports_are_seen():
    """The rule above is worth nothing if the imports are not found."""
    assert {"features", "losses"} <= imported_modules("perceptual")
    assert {"images", "perceptual"} <= imported_modules("gatys")


def test_training_does_not_know_the_other_method():
    assert "gatys" not in imported_modules("training")


def test_tensorflow_is_named_for_the_tape_and_for_its_precision_only():
    users = [m for m in MODULES if any(n.split(".")[0] == "tensorflow" for n in imported(m))]
    assert users == ["gatys", "precision"]


# --- manners -----------------------------------------------------------------------------------


def run_at_import(tree: ast.Module):
    """Every node outside of the bodies of functions; decorators and defaults are outside."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += [*node.decorator_list, node.args]
        elif isinstance(node, ast.Lambda):
            pending.append(node.args)
        else:
            pending += ast.iter_child_nodes(node)


@pytest.mark.parametrize("module", MODULES)
def test_nothing_prints(module):
    printed = [
        node.lineno
        for node in ast.walk(parse(module))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert printed == []


@pytest.mark.parametrize("module", MODULES)
def test_the_environment_is_not_read_at_import(module):
    readers = {"environ", "environb", "getenv"}
    lines = [
        node.lineno
        for node in run_at_import(parse(module))
        if (isinstance(node, ast.Attribute) and node.attr in readers)
        or (isinstance(node, ast.ImportFrom) and readers & {alias.name for alias in node.names})
    ]
    assert lines == []


# --- the package -------------------------------------------------------------------------------


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_importing_the_package_loads_no_framework():
    code = "import sys, nstlib; print(sorted({'tensorflow', 'keras', 'jax'} & set(sys.modules)))"
    assert python(code) == "[]"


def test_gatys_is_the_function_whichever_name_comes_first():
    code = """
import json, sys

firsts = {
    "nst.gatys": "nst.gatys",
    "nst.GatysResult": "nst.GatysResult",
    "nst.evaluate": "nst.evaluate",
    "nst.plots": "nst.plots",
    "import nstlib.gatys": "__import__('nstlib.gatys')",
    "from nstlib import gatys": "__import__('nstlib', fromlist=['gatys'])",
    "from nstlib.gatys import gatys": "__import__('nstlib.gatys', fromlist=['gatys'])",
}
kinds = {}
for name, first in firsts.items():
    for module in [m for m in sys.modules if m.split(".")[0] == "nstlib"]:
        del sys.modules[module]
    import nstlib as nst
    eval(first)
    kinds[name] = [type(nst.gatys).__name__, type(sys.modules["nstlib.gatys"]).__name__]
print(json.dumps(kinds))
"""
    kinds = json.loads(python(code))
    assert len(kinds) == 7
    assert {name: kind for name, kind in kinds.items() if kind != ["function", "module"]} == {}


@pytest.mark.parametrize("name", nstlib.__all__)
def test_a_public_name_is_there_and_documented(name):
    value = getattr(nstlib, name)
    assert inspect.ismodule(value) or inspect.isclass(value) or inspect.isfunction(value)
    text = value.__doc__ or ""  # the object's own: inspect.getdoc would take that of a base class
    assert text.strip()
    # What dataclasses and named tuples write themselves is no documentation.
    assert not text.startswith(f"{name}(")


# --- pins --------------------------------------------------------------------------------------


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def asked_for() -> dict[str, SpecifierSet]:
    """Range by package, of the dependencies and of every extra but that of the benchmarks (PyTorch is large)."""
    extras = {k: v for k, v in project()["optional-dependencies"].items() if k != "bench"}
    groups = [project()["dependencies"], *extras.values()]
    requirements = [Requirement(line) for group in groups for line in group]
    itself = canonicalize_name(project()["name"])
    ranges = {canonicalize_name(r.name): r.specifier for r in requirements}
    return {name: wanted for name, wanted in ranges.items() if name != itself}


def environment() -> tuple[list[str], list[str]]:
    """Lines of environment.yml: for conda, for pip."""
    lines = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    (pip,) = [line["pip"] for line in lines if isinstance(line, dict)]
    return [line for line in lines if isinstance(line, str)], pip


def pins() -> dict[str, str]:
    found = {}
    for line in environment()[1]:
        requirement = Requirement(line)
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", f"{line} does not pin one version"
        assert "*" not in specifier.version, f"{line} does not pin one version"
        found[canonicalize_name(requirement.name)] = specifier.version
    return found


def test_everything_asked_for_is_pinned_and_nothing_else():
    assert sorted(pins()) == sorted(asked_for())
    assert len(pins()) == len(environment()[1])


@pytest.mark.parametrize(("name", "wanted"), asked_for().items())
def test_the_pin_is_in_the_range(name, wanted):
    assert wanted.contains(pins()[name])


def test_the_python_of_conda_is_one_that_the_package_takes():
    (line,) = [line for line in environment()[0] if re.match(r"python\b", line)]
    assert SpecifierSet(project()["requires-python"]).contains(line.removeprefix("python="))


# --- notebooks ---------------------------------------------------------------------------------

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def sources(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in code_cells(path)]


def defines_a_function(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return True
        case ast.Assign(value=ast.Lambda()) | ast.AnnAssign(value=ast.Lambda()):
            return True
        case ast.NamedExpr(value=ast.Lambda()):
            return True
    return False


@every_notebook
def test_a_notebook_defines_no_functions(path):
    for source in sources(path):
        plain = re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)  # not Python: magics
        assert not any(map(defines_a_function, ast.walk(ast.parse(plain)))), source
        assert "sys.path" not in source, source


@every_notebook
def test_cells_are_short(path):
    long = [source for source in sources(path) if len(source.strip().splitlines()) > 12]
    assert long == []


@every_notebook
def test_notebooks_begin_alike(path):
    assert sources(path)[0] == sources(NOTEBOOKS[0])[0]


@every_notebook
def test_a_notebook_has_outputs_that_must_reproduce(path):
    assert sum("# NBVAL_CHECK_OUTPUT" in source for source in sources(path)) >= 2


@every_notebook
def test_a_notebook_is_light(path):
    assert path.stat().st_size < 1.5e6


@every_notebook
def test_a_notebook_shows_no_path_of_the_machine(path):
    assert "PosixPath" not in path.read_text(encoding="utf-8")


@every_notebook
def test_a_notebook_was_executed_in_order(path):
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))
