"""The rules that no single module can keep: who imports whom, and what no module does."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "nstlib"
TOP = "nstlib"

# The package above all modules. It names everything, and only the command line stands above it.
FLOORS = {
    "errors": 0,
    "arguments": 1,
    "images": 2,
    "machine": 3,
    "masks": 3,
    "containers": 2,
    "colour_profiles": 2,
    "decoding": 3,
    "files": 4,
    "data": 5,
    "objective": 5,
    "metrics": 6,
    "optimization": 6,
    "johnson": 6,
    "methods": 7,
    "study": 8,
    TOP: 9,
    "cli": 10,
}
LONGEST_BODY = 60  # lines of a function without its docstring


def dotted(path: Path) -> str:
    """nstlib/johnson/network.py is "johnson.network", nstlib/johnson/__init__.py "johnson"."""
    parts = path.relative_to(LIBRARY).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or TOP


MODULES = {dotted(path): path for path in sorted(LIBRARY.rglob("*.py"))}
SCRIPTS = sorted(
    path
    for folder in ("benchmarks", "data", "docs", "findings", "nstlib", "tests")
    for path in (ROOT / folder).rglob("*.py")
)
every_module = pytest.mark.parametrize("module", MODULES)


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def absolute(source: str | None, level: int, module: str) -> str:
    """The full name of what `from ...source import` means inside a module of the library."""
    if level == 0:
        return source or ""
    path = MODULES[module].relative_to(ROOT).parts
    return ".".join([*path[: len(path) - level], *filter(None, [source])])


def imported(module: str) -> set[str]:
    """Full dotted names of all that a module imports, inside functions too."""
    names = set()
    for node in ast.walk(parse(MODULES[module])):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = absolute(node.module, node.level, module)
            names |= {f"{source}.{alias.name}" for alias in node.names}
    return names


def imported_modules(module: str) -> set[str]:
    """The modules of the library that a module imports."""
    found = set()
    for name in imported(module):
        path = name.split(".")
        if path[0] == TOP:
            ends = range(len(path), 0, -1)
            found.add(next(m for end in ends if (m := ".".join(path[1:end]) or TOP) in MODULES))
    return found


def place(module: str) -> str:
    """The package, or the module beside the packages, that a module belongs to."""
    return module.partition(".")[0]


# --- floors ------------------------------------------------------------------------------------


def test_every_place_has_a_floor():
    assert {place(module) for module in MODULES} == set(FLOORS)


@every_module
def test_imports_go_down(module):
    others = {place(name) for name in imported_modules(module)} - {place(module)}
    assert {other for other in others if FLOORS[other] >= FLOORS[place(module)]} == set()


def test_imports_are_seen():
    """The rule above is worth nothing if the imports are not found."""
    assert {"objective.features", "objective.losses"} <= imported_modules("objective.perceptual")
    assert {"images", "objective.perceptual"} <= imported_modules("optimization.pixels")
    assert TOP in imported_modules("cli.common")


def test_no_module_imports_itself_by_way_of_others():
    above: dict[str, set[str]] = {}

    def visit(module: str, path: tuple[str, ...]) -> set[str]:
        assert module not in path, " -> ".join([*path, module])
        if module not in above:
            below = imported_modules(module) - {module}
            above[module] = below.union(*(visit(each, (*path, module)) for each in below))
        return above[module]

    for module in MODULES:
        visit(module, ())


@pytest.mark.parametrize("pair", [("optimization", "johnson"), ("johnson", "optimization")])
def test_the_two_methods_do_not_know_each_other(pair):
    one, other = pair
    known = set().union(*(imported_modules(each) for each in MODULES if place(each) == one))
    assert {place(module) for module in known} & {one, other} == {one}


def test_tensorflow_is_named_for_the_tape_and_for_its_precision_only():
    users = [m for m in MODULES if any(n.split(".")[0] == "tensorflow" for n in imported(m))]
    assert users == ["machine.precision", "optimization.pixels"]


def test_importing_the_package_loads_no_framework():
    code = "import sys, nstlib; print(sorted({'tensorflow', 'keras', 'jax'} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


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


@every_module
def test_nothing_prints(module):
    printed = [
        node.lineno
        for node in ast.walk(parse(MODULES[module]))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert printed == []


@every_module
def test_the_environment_is_not_read_at_import(module):
    readers = {"environ", "environb", "getenv"}
    lines = [
        node.lineno
        for node in run_at_import(parse(MODULES[module]))
        if (isinstance(node, ast.Attribute) and node.attr in readers)
        or (isinstance(node, ast.ImportFrom) and readers & {alias.name for alias in node.names})
    ]
    assert lines == []


@every_module
def test_no_folder_is_made_at_import(module):
    makers = {"mkdir", "makedirs", "mkdtemp", "TemporaryDirectory"}
    lines = [
        node.lineno
        for node in run_at_import(parse(MODULES[module]))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "attr", None) or getattr(node.func, "id", None)) in makers
    ]
    assert lines == []


def body_lines(function: ast.FunctionDef) -> int:
    """Lines from the first statement behind the docstring to the last; 0 for a docstring alone."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_functions_are_short():
    lengths = {
        f"{path.relative_to(ROOT)}: {node.name}": body_lines(node)
        for path in SCRIPTS
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef)
    }
    assert len(lengths) > 300
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_BODY} == {}


def test_the_length_of_a_function_leaves_its_docstring_out():
    (function,) = ast.parse(
        'def f():\n    """One\n\n    two.\n    """\n    a = 1\n    return a'
    ).body
    assert body_lines(function) == 2


def test_docstrings_are_of_googles_style():
    texts = [
        ast.get_docstring(node) or ""
        for path in SCRIPTS
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    ]
    assert sum("\nArgs:\n" in text for text in texts) > 30
    others = re.compile(r"^\s*(Parameters|Returns|Raises)\n\s*-{3,}|^\s*:(param|returns)\b", re.M)
    assert [text for text in texts if others.search(text)] == []
