"""What a notebook of the study is: short cells, no functions, executed in order, light."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

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
