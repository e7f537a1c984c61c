"""What each room may import (docs/architecture.md, section 2): the table is the rule, the tests hold the code to it."""

import ast
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/core/python/dicomlake"
STDLIB = frozenset(sys.stdlib_module_names)


@dataclass(frozen=True)
class Room:
    """A room's rule: what it may import besides the standard library, and what of the library it may not."""

    may: tuple[str, ...]
    never: tuple[str, ...] = ()
    inner: tuple[str, ...] = field(default=())


DOMAIN = ("dicomlake.domain",)
CODECS = ("pydicom", "numpy", "imagecodecs", "ojph", "openjpeg", "rle", "zstandard", "orjson")
ROOMS = {
    "domain": Room(DOMAIN, never=("os", "io", "time", "logging", "pathlib", "socket", "random", "subprocess")),
    "dicom": Room((*DOMAIN, "dicomlake.dicom", *CODECS), never=("os", "socket", "logging", "subprocess")),
    "lake": Room((*DOMAIN, "dicomlake.lake", "zstandard", "orjson"), never=("os", "socket", "logging", "subprocess")),
    "usecases": Room(
        (*DOMAIN, "dicomlake.dicom", "dicomlake.lake", "dicomlake.ports", "dicomlake.usecases"),
        never=("os", "time", "socket", "logging", "random", "subprocess"),
    ),
    "web": Room(
        (*DOMAIN, "dicomlake.lake", "dicomlake.ports", "dicomlake.usecases", "dicomlake.web", "orjson", "zstandard"),
        never=("os", "socket", "subprocess"),
    ),
    "adapters": Room(
        (*DOMAIN, "dicomlake.ports", "dicomlake.adapters", "boto3", "botocore", "orjson", "numpy", "rapidocr"), never=()
    ),
}
OUTER = ("aws_lambda_powertools", "boto3", "botocore")


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return found


def is_under(module: str, roots: tuple[str, ...]) -> bool:
    return any(module == root or module.startswith(root + ".") for root in roots)


def files(room: str) -> list[Path]:
    return sorted((PACKAGE / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_its_row_allows(room: str) -> None:
    rule = ROOMS[room]

    for path in files(room):
        for module in imports(path):
            top = module.split(".")[0]
            allowed = is_under(module, rule.may) or (top in STDLIB and top not in rule.never) or module == "dicomlake"
            assert allowed, f"{path.relative_to(ROOT)} imports {module}"


INNER_ORDER = ("text", "dictionary", "header", "frames", "codecs", "files", "pictures", "documents", "deidentify")


def test_the_rooms_within_dicom_import_only_those_before_them() -> None:
    """`instance`, `source` and `around`, which stand beside the rooms, import none of them."""
    assert {path.name for path in (PACKAGE / "dicom").iterdir() if (path / "__init__.py").exists()} == {*INNER_ORDER}

    for path in files("dicom"):
        inner = path.relative_to(PACKAGE / "dicom").parts[0]
        before = INNER_ORDER[: INNER_ORDER.index(inner)] if inner in INNER_ORDER else ()
        later = tuple(f"dicomlake.dicom.{name}" for name in INNER_ORDER if name not in (*before, inner))
        for module in imports(path):
            assert not is_under(module, later), f"{path.relative_to(ROOT)} imports {module}"


def test_no_room_is_empty() -> None:
    for room in ROOMS:
        assert len(files(room)) > 2, room


def test_adapters_do_not_know_each_other() -> None:
    shared = {"aws_errors", "clients", "calls", "rest"}

    for path in files("adapters"):
        own = path.relative_to(PACKAGE / "adapters").parts[0].removesuffix(".py")
        for module in imports(path):
            if module.startswith("dicomlake.adapters."):
                other = module.split(".")[2]
                assert other == own or other in shared, f"{path.name} imports the adapter {other}"


def test_functions_wire_and_nothing_else() -> None:
    handlers = sorted((ROOT / "functions").glob("*/*.py"))

    assert len(handlers) >= 10
    for path in handlers:
        assert len(path.read_text().splitlines()) <= 40, path
        for module in imports(path):
            assert is_under(module, ("dicomlake", "dicomlake.entry", "aws_lambda_powertools", "sys")), (
                f"{path} imports {module}"
            )


def test_stacks_know_nothing_of_the_package() -> None:
    for path in sorted((ROOT / "stacks").rglob("*.py")):
        for module in imports(path):
            assert not is_under(module, ("dicomlake", *OUTER)), f"{path} imports {module}"


def test_only_the_composition_root_reads_the_environment() -> None:
    readers = {"entry", "cli", "client", "local"}

    for path in sorted(PACKAGE.rglob("*.py")):
        top = path.relative_to(PACKAGE).parts[0]
        if top not in readers:
            assert "os.environ" not in path.read_text(), path


def test_the_look_up_path_starts_without_pydicom_and_numpy() -> None:
    code = (
        "import sys; import dicomlake.web.app, dicomlake.entry;"
        "print([m for m in ('pydicom','numpy','imagecodecs','ojph') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.strip() == "[]"


def test_broad_excepts_stand_only_at_the_border() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        if relative.parts[0] in ("entry", "local", "cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                names = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else {"bare"}
                assert not names & {"Exception", "BaseException", "bare"}, f"{relative}:{node.lineno}"
