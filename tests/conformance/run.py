"""Run the DICOMweb conformance tests against a base URL; they store studies of their own making, with random UIDs.

    python -m tests.conformance.run http://127.0.0.1:8042/dicomweb/clinical [--json FILE] [--header "Name: value"]

The table of clauses is the last that is printed; the exit code is 1 where a clause failed, 2 where nothing ran.
"""

import argparse
import os
import sys
from pathlib import Path

import pytest

from tests.conformance.report import Report

HERE = Path(__file__).parent


def main(arguments: list[str] | None = None) -> int:
    """Run the tests; return the exit code."""
    parser = argparse.ArgumentParser(prog="tests.conformance.run", description="DICOMweb conformance of a service")
    parser.add_argument("base", help="the base URL, to which /studies is appended")
    parser.add_argument("--json", type=Path, help="write the findings to this file too")
    parser.add_argument("--header", action="append", default=[], help="sent with each request, as Name: value")
    parser.add_argument("--wado", default="", help="where WADO-URI is, if not at /wado below the base URL")
    asked = parser.parse_args(arguments)
    os.environ["CONFORMANCE_BASE"] = asked.base.rstrip("/")
    os.environ["CONFORMANCE_HEADERS"] = "\n".join(asked.header)
    os.environ["CONFORMANCE_WADO"] = asked.wado
    report = Report()
    code = pytest.main(
        ["-q", "--tb=no", "--no-header", "-r", "", "-p", "no:cacheprovider", str(HERE)], plugins=[report]
    )
    sys.stdout.write(f"\n{report.table()}\n")
    if asked.json:
        report.write(asked.json, asked.base)
    failed = any(one.outcome == "failed" for one in report.findings)
    return 1 if failed else 0 if code == pytest.ExitCode.OK else 2


if __name__ == "__main__":
    raise SystemExit(main())
