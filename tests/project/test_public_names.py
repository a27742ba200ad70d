"""What the packages offer: which names, annotated and documented, and one family of errors."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import nstlib
from nstlib import errors

ROOT = Path(__file__).parents[2]
STUBS = sorted((ROOT / "nstlib").rglob("*.pyi"))
MOST_NAMES = 40  # in the package itself: what a newcomer can look through
TREES = {
    path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "nstlib").rglob("*.py"))
}


def public(kind) -> dict[str, ast.AST]:
    """Classes or functions at the top of any module, without a leading underscore, by file and name."""
    return {
        f"{path}: {node.name}": node
        for path, tree in TREES.items()
        for node in tree.body
        if isinstance(node, kind) and not node.name.startswith("_")
    }


FUNCTIONS, CLASSES = public(ast.FunctionDef), public(ast.ClassDef)
# The functions of the command line are commands: click gives them their arguments, and a user types their names.
COMMANDS = {where for where in FUNCTIONS if where.startswith("nstlib/cli")}
# A layer's or a metric's methods are Keras' own, with its signatures and its documentation.
METHODS = {
    f"{owner}.{node.name}": node
    for owner, each in CLASSES.items()
    if not any(ast.unparse(base).startswith("keras.") for base in each.bases)
    for node in each.body
    if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
}


def name_of(where: str) -> str:
    return where.rpartition(" ")[2]


# --- names -------------------------------------------------------------------------------------


def test_the_package_has_few_names():
    assert 20 < len(nstlib.__all__) <= MOST_NAMES


def package_of(stub: Path):
    return importlib.import_module(".".join(stub.parent.relative_to(ROOT).parts))


every_stub = pytest.mark.parametrize("stub", STUBS, ids=lambda path: path.parent.name)


@every_stub
def test_a_stub_offers_what_it_imports(stub):
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    (listed,) = [ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign)]
    assert sorted(alias.asname or alias.name for node in imports for alias in node.names) == listed
    assert sorted(package_of(stub).__all__) == listed


@every_stub
def test_everything_a_stub_offers_is_there_and_documented(stub):
    package = package_of(stub)
    for name in package.__all__:
        value = getattr(package, name)
        assert inspect.ismodule(value) or inspect.isclass(value) or inspect.isfunction(value)
        text = value.__doc__ or ""  # not inspect.getdoc, which would take that of a base class
        assert text.strip(), name
        assert not text.startswith(f"{name}("), f"{name}: what a dataclass writes by itself"


def test_no_name_is_both_a_module_and_something_in_one():
    modules = {path.stem for path in TREES} | {path.parent.name for path in TREES}
    others = {name_of(where) for where in [*FUNCTIONS, *CLASSES] if where not in COMMANDS}
    assert {"pixels", "johnson"} <= modules
    assert {"gatys", "Network"} <= others
    assert modules & others == set()


# --- documentation -----------------------------------------------------------------------------


def test_every_module_class_and_function_is_documented():
    everything = TREES | FUNCTIONS | CLASSES | METHODS
    assert len(everything) > 150
    assert [str(where) for where, node in everything.items() if not ast.get_docstring(node)] == []


def unannotated(function: ast.FunctionDef) -> list[str]:
    """The parameters of a function without an annotation, and "return" if it has none."""
    arguments = function.args
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    missing = [
        each.arg
        for each in parameters
        if each.annotation is None and each.arg not in ("self", "cls")
    ]
    return missing + ["return"] * (function.returns is None)


def test_every_public_function_is_annotated():
    missing = {
        where: unannotated(node)
        for where, node in (FUNCTIONS | METHODS).items()
        if where not in COMMANDS
    }
    assert len(missing) > 100
    assert {where: names for where, names in missing.items() if names} == {}


def test_a_missing_annotation_is_found():
    (half,) = ast.parse("def half(a: int, b, *, c=None, **rest): ...").body
    assert unannotated(half) == ["b", "c", "return"]


# --- errors ------------------------------------------------------------------------------------


def test_every_error_is_an_nst_error():
    raised = [each for each in vars(errors).values() if inspect.isclass(each)]
    assert len(raised) > 5
    assert [each for each in raised if not issubclass(each, errors.NstError)] == []


def test_the_errors_stand_in_one_module():
    others = {
        where: [ast.unparse(base) for base in node.bases]
        for where, node in CLASSES.items()
        if not where.startswith("nstlib/errors.py")
    }
    assert [
        w for w, bases in others.items() if any(b.endswith(("Error", "Exception")) for b in bases)
    ] == []
