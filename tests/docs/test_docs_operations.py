"""docs/operations.md: every alarm has its row, every log field its meaning, every command of ours is one."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomlake import wire
from dicomlake.domain.errors import Reason
from dicomlake.domain.events import SettleStudy
from tests.docs.docs_given import DOCS, ROOT, section, tables

PAGE = (DOCS / "operations.md").read_text(encoding="utf-8")
ENTRY = ROOT / "layers/core/python/dicomlake/entry"
ENVIRONMENTS = ("dev", "staging", "prod")
TOLD = ("line", "told")
"""What the log line is called where it is filled; `told` goes into it and into the answer."""
PARTS = {"handling": {"all", "handling", "queues"}}
"""The words of the page for where a field is, by module; a module's own name otherwise."""


def resources(environment: str, kind: str) -> dict[str, dict[str, object]]:
    """Logical id -> properties of every resource of a kind."""
    found: dict[str, dict[str, object]] = {}
    for path in sorted((ROOT / "tests/golden" / environment).glob("*.template.json")):
        stack = json.loads(path.read_text(encoding="utf-8"))["Resources"]
        found |= {name: one.get("Properties", {}) for name, one in stack.items() if one["Type"] == kind}
    return found


def test_every_alarm_has_its_row_and_every_row_its_alarm() -> None:
    rows = [name for row in tables(section(PAGE, "Alarms"))[1:] for name in row[0].split(", ")]

    deployed = {re.sub(r"[0-9A-F]{8}$", "", name) for name in resources("prod", "AWS::CloudWatch::Alarm")}

    assert sorted(rows) == sorted(deployed)


def fields(path: Path) -> Iterator[str]:
    """The fields that a module puts into the log line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) in TOLD:
            chosen = (node.slice.body, node.slice.orelse) if isinstance(node.slice, ast.IfExp) else (node.slice,)
            yield from (ast.literal_eval(one) for one in chosen)
        if isinstance(node, ast.AugAssign) and ast.unparse(node.target) == "line" and isinstance(node.value, ast.Dict):
            yield from (ast.literal_eval(key) for key in node.value.keys if key)
        if isinstance(node, ast.Call):
            yield from named_in(node, names)


def named_in(call: ast.Call, names: dict[str, ast.expr]) -> Iterator[str]:
    """The fields that a call names: a line with values, a metric, a count for each name of a list."""
    match ast.unparse(call.func):
        case "Line":
            yield from (keyword.arg for keyword in call.keywords if keyword.arg)
        case "line.metric":
            name = ast.literal_eval(call.args[0])
            yield name[0].lower() + name[1:]
        case "dict.fromkeys":
            yield from ast.literal_eval(names.get(ast.unparse(call.args[0]), call.args[0]))


def test_the_documented_log_fields_are_those_of_the_code() -> None:
    rows = tables(section(PAGE, "The log"))[1:]
    documented = {
        (module, field) for row in rows for field in re.findall(r"`(\w+)`", row[0]) for module in modules(row[1])
    }

    in_code = {(path.stem, field) for path in ENTRY.glob("*.py") for field in fields(path)}

    assert {field for _, field in in_code} == {field for _, field in documented}
    assert {(module, field) for module, field in in_code if module != "handling"} <= documented | handled(rows)


def modules(cell: str) -> set[str]:
    """The modules of entry/ that a row names; `all` and `queues` are handling's."""
    return {"handling" if word in PARTS["handling"] else word for word in cell.split(", ")}


def handled(rows: list[list[str]]) -> set[tuple[str, str]]:
    """What handling writes may be written by any module too."""
    names = {field for row in rows if "handling" in modules(row[1]) for field in re.findall(r"`(\w+)`", row[0])}
    return {(path.stem, field) for path in ENTRY.glob("*.py") for field in names}


def test_the_settle_command_is_one() -> None:
    block = re.search(r"```json\n(.*?)```", section(PAGE, "Stuck studies"), re.DOTALL)

    assert block
    assert isinstance(wire.loads(block[1]), SettleStudy)


def test_quarantine_speaks_of_every_reason_it_can_replay_or_not() -> None:
    told = set(re.findall(r"`([a-z-]+)`", section(PAGE, "Quarantine")))

    assert {str(reason) for reason in Reason} - told <= {str(Reason.CONFLICT)}


@pytest.mark.parametrize("place", range(len(ENVIRONMENTS)))
def test_logs_are_kept_as_long_as_the_page_says(place: int) -> None:
    row = next(row for row in tables(section(PAGE, "Retention")) if row[0].startswith("function"))

    groups = resources(ENVIRONMENTS[place], "AWS::Logs::LogGroup").values()

    assert {group["RetentionInDays"] for group in groups} == {int(row[1 + place])}
