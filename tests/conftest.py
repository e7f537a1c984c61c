"""What every test may ask for, and the rule that the corpus is not silently absent where it has to be there."""

import os
import secrets
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORPUS = Path(os.environ.get("DICOMLAKE_CORPUS", ROOT.parent / "shared" / "corpus"))


os.environ.setdefault("DICOMLAKE_PLANTED_SEED", str(secrets.randbelow(10**6)))


def pytest_report_header() -> str:
    """Say the seed of this run's invented people (tests/planted), which gives them again."""
    return f"DICOMLAKE_PLANTED_SEED={os.environ['DICOMLAKE_PLANTED_SEED']}"


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


SHARED = ("corpus_lake", "lake", "quick_lake", "small")
"""Lakes that tests share, and so a process: two lakes of a kind would be started twice and filled twice."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In two processes, tests that share a lake stay together, as do those of a file; lakes go first."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        shared = next((name for name in SHARED if name in names), None)
        group = {"corpus_lake": "lake"}.get(str(shared), shared) or item.nodeid.split("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: "pipeline" not in item.path.parts)


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
