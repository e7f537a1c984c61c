"""docs/conformance.md is what the code's tables say, and each of its Ys has a test."""

import ast
import re
import runpy
from collections.abc import Callable, Iterator
from typing import Any

from dicomlake.dicom.frames.syntaxes import _KEEP_RULES, SYNTAXES
from dicomlake.web.imaging import OFFERED
from dicomlake.web.routes import ROUTES
from tests.docs.docs_given import DOCS, ROOT, names_of_tests, tables

PAGE = (DOCS / "conformance.md").read_text(encoding="utf-8")
GENERATOR: dict[str, Any] = runpy.run_path(str(ROOT / "layers/core/build_conformance.py"))
DICOM = ROOT / "layers/core/python/dicomlake/dicom"


def test_the_page_is_a_fresh_generation() -> None:
    page: Callable[[], str] = GENERATOR["page"]

    assert page() == PAGE


def test_every_reason_to_keep_a_frame_is_explained_and_every_explanation_is_of_one() -> None:
    assert set(GENERATOR["OF_THE_SYNTAX"]) == {row.reason for row in SYNTAXES.values()} - {""}
    assert set(GENERATOR["OF_THE_HEADER"]) == {code for code, _ in _KEEP_RULES}
    assert set(GENERATOR["OF_WHAT_WAS_MET"]) == set(reasons_in_code()) - set(GENERATOR["OF_THE_HEADER"])


def reasons_in_code() -> Iterator[str]:
    """The codes that the storage plan and the transcoder give outside the tables."""
    tree = ast.parse((DICOM / "codecs/transcode.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "kept":
            first = node.args[0]
            assert isinstance(first, ast.Constant)
            yield str(first.value)
    yield from re.findall(
        r'"(no-pixel-data|unknown-syntax|keep-codestream|[a-z]+-encapsulation)"',
        (DICOM / "frames/syntaxes.py").read_text(),
    )


def test_every_y_names_a_test_that_exists() -> None:
    rows = [row for row in tables(PAGE) if len(row) == 5 and row[3] in ("Y", "N")]

    named = {row[2]: re.findall(r"`(test_\w+)`", row[4]) for row in rows if row[3] == "Y"}

    assert len(named) >= 10
    assert [what for what, tests in named.items() if not tests] == []
    assert {test for tests in named.values() for test in tests} <= names_of_tests()


def test_every_dicomweb_route_is_a_service_of_the_standard() -> None:
    services = {(row.method, row.template) for row in GENERATOR["SERVICES"]}

    ours = {(route.method, route.template) for route in ROUTES if route.template.startswith("/dicomweb/")}

    assert ours <= services


def test_every_operation_of_healthimaging_that_is_answered_names_its_test() -> None:
    named = GENERATOR["IMAGING"] | GENERATOR["REFUSED"]

    assert set(OFFERED) <= set(named)
    assert set(named.values()) <= names_of_tests()
