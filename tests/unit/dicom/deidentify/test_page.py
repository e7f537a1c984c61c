"""The page about de-identification claims nothing without a test."""

import re

from tests.unit.dicom.deidentify.deid_given import ROOT

PAGE = ROOT / "docs/deidentification.md"
TESTS = (*(ROOT / "tests/unit/dicom/deidentify").glob("test_*.py"), ROOT / "tests/usecases/test_deidentify_study.py")


def test_every_y_of_the_page_names_tests_that_exist() -> None:
    defined = {name for path in TESTS for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)}
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if re.search(r"\| [YN] \|", line)]

    claimed = {row[2].strip(): re.findall(r"`(test_\w+)`", row[4]) for row in rows if row[3].strip() == "Y"}

    assert len(claimed) >= 15
    assert [what for what, tests in claimed.items() if not tests] == []
    assert {test for tests in claimed.values() for test in tests} <= defined
