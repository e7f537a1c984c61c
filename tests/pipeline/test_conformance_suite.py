"""The conformance suite, which takes any DICOMweb service, against the lake; as a reader, so without DELETE."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.running import RunningLake

KNOWN = {
    "options describes the service": "API Gateway takes OPTIONS for a browser's preflight where cors_origins are set",
    "metadata come as xml": "metadata come as DICOM JSON only",
}
"""What this lake fails, and why; docs/conformance-suite.md says it too."""


@pytest.mark.engine
def test_the_lake_fails_no_clause_but_those_that_the_page_names(
    lake: RunningLake, repository: Path, tmp_path: Path
) -> None:
    told = tmp_path / "findings.json"
    run = [sys.executable, "-m", "tests.conformance.run", lake.endpoints.dicomweb, "--json", str(told)]

    done = subprocess.run(run, cwd=repository, capture_output=True, text=True, check=False)  # noqa: S603

    findings = json.loads(told.read_text())["findings"]
    failed = {one["states"]: one["why"] for one in findings if one["outcome"] == "failed"}
    assert done.returncode == 1, done.stdout
    assert failed.keys() == KNOWN.keys(), failed
    assert {one["clause"] for one in findings if one["outcome"] == "skipped"} <= {"beyond the standard"}
    assert len(findings) > 140


def test_the_page_names_what_the_lake_fails(repository: Path) -> None:
    page = (repository / "docs" / "conformance-suite.md").read_text(encoding="utf-8")

    assert [name for name in KNOWN if name not in page] == []
