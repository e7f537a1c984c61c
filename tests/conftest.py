"""What every test may ask for, and the rule that the corpus is not silently absent where it has to be there."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORPUS = Path(os.environ.get("DICOMLAKE_CORPUS", ROOT.parent / "shared" / "corpus"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's root."""
    return ROOT


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The corpus of difficult files; its tests skip where it is absent."""
    if not CORPUS.is_dir():
        pytest.skip("the corpus is not here; set DICOMLAKE_CORPUS to its directory")
    return CORPUS


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With DICOMLAKE_REQUIRE_CORPUS=1 a test that skips for want of the corpus fails."""
    report = yield
    required = os.environ.get("DICOMLAKE_REQUIRE_CORPUS") == "1"
    if required and report.skipped and "corpus" in str(report.longrepr).lower():
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped for want of the corpus, which DICOMLAKE_REQUIRE_CORPUS=1 asks for"
    return report
