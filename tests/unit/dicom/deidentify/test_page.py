"""The page about de-identification claims nothing without a test, and is what its script makes."""

import importlib.util
import re
from types import ModuleType

from tests.unit.dicom.deidentify.deid_given import ROOT

TESTS = (
    *(ROOT / "tests/unit/dicom/deidentify").glob("test_*.py"),
    ROOT / "tests/usecases/test_deidentify_study.py",
    ROOT / "tests/unit/cli/test_deid.py",
)


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_deid_page", ROOT / "layers/core/build_deid_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_y_of_the_page_names_tests_that_exist() -> None:
    defined = {name for path in TESTS for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)}

    claimed = {test for row in script().ROWS for test in row.tests}

    assert claimed <= defined, claimed - defined
    assert sum(bool(row.tests) for row in script().ROWS) >= 25


def test_the_committed_page_is_what_the_script_makes() -> None:
    page = script().PAGE.read_text()

    assert script().rewritten(page) == page
