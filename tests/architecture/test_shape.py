"""How the code is cut: sizes, documentation, names (docs/contributing: the numbers we hold ourselves to)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for room in ("layers/core/python/dicomlake", "functions", "stacks")
    for path in sorted((ROOT / room).rglob("*.py"))
]
GENERATED = ("_table.py",)
LONGEST_FUNCTION = 40
LONGEST_FILE = 300


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def public(tree: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Every function and class that can be named from outside: of the module and of its public classes."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    if not path.name.endswith(GENERATED):
        lines = len(path.read_text().splitlines())
        assert lines <= LONGEST_FILE, f"{lines} lines"
    for node in functions(path):
        assert body_lines(node) <= LONGEST_FUNCTION, f"{node.name}: {body_lines(node)} lines"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_function_is_typed(path: Path) -> None:
    for node in functions(path):
        assert node.returns is not None, f"{path.name}:{node.lineno} {node.name} says not what it returns"
        args = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        untyped = [a.arg for a in args if a.annotation is None and a.arg not in ("self", "cls")]
        assert not untyped, f"{path.name}:{node.lineno} {node.name}: {untyped}"


def test_public_names_are_documented() -> None:
    bare = []
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), f"{path} has no first line"
        bare += [f"{path.relative_to(ROOT)}:{node.lineno}" for node in public(tree) if not ast.get_docstring(node)]
    assert not bare


def test_no_file_is_named_after_nothing() -> None:
    for path in SOURCES:
        assert path.stem not in ("utils", "helpers", "common", "misc"), path
