"""What the clauses came to: a pytest plug-in that gathers outcomes by clause and tells them as a table and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

SIGNS = {"passed": "pass", "failed": "FAIL", "skipped": "skip"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One test: its clause of the standard, what it states, what came of it, and why where it did not pass."""

    clause: str
    states: str
    outcome: str
    why: str


class Report:
    """Gathers findings while tests run."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Note a test once: when it ran, or when its preparation ended it."""
        if call.when == "call" or (call.when == "setup" and call.excinfo):
            marked = item.get_closest_marker("clause")
            states = item.name.removeprefix("test_").replace("_", " ")
            self.findings.append(Finding(marked.args[0] if marked else "", states, *outcome_of(call)))

    def table(self) -> str:
        """Return the findings as a table, by clause in the standard's order."""
        lines = [
            f"{one.clause:<20} {SIGNS[one.outcome]:<5} {one.states}{f'  ({one.why})' if one.why else ''}"
            for one in ordered(self.findings)
        ]
        return "\n".join([f"{'PS3.18':<20} {'':<5} states", *lines, "", self.totals()])

    def totals(self) -> str:
        """Return the totals in a line."""
        counts = {sign: sum(one.outcome == name for one in self.findings) for name, sign in SIGNS.items()}
        return f"{counts['pass']} pass, {counts['FAIL']} fail, {counts['skip']} skip"

    def write(self, file: Path, base: str) -> None:
        """Write the findings as JSON."""
        told = {"base": base, "totals": self.totals(), "findings": [asdict(one) for one in ordered(self.findings)]}
        file.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def outcome_of(call: pytest.CallInfo[None]) -> tuple[str, str]:
    """Return what came of a call, and the first line of why it did not pass."""
    if call.excinfo is None:
        return "passed", ""
    outcome = "skipped" if call.excinfo.errisinstance(pytest.skip.Exception) else "failed"
    lines = str(call.excinfo.value).splitlines() or [call.excinfo.typename]
    return outcome, lines[0][:160]


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """Sort findings by the numbers of their clauses, those outside the standard last."""
    return sorted(findings, key=lambda one: place(one.clause))


def place(clause: str) -> tuple[bool, list[int]]:
    """Return where a clause stands in the standard."""
    numbers = [int(one) for one in clause.split(".") if one.isdigit()]
    return not numbers, numbers
