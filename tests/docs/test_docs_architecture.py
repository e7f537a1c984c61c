"""docs/architecture.md: its names are deployed, its rooms are the enforced ones, its failures are tested."""

import json
import re

import pytest

from tests.architecture.test_rooms import ROOMS
from tests.docs.docs_given import DOCS, ROOT, names_of_tests, section, tables

PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")
DIAGRAM = section(PAGE, "The way of an image").split("```")[1]
STACKS = sorted((ROOT / "tests/golden/dev").glob("*.template.json"))
SUFFIXES = {
    "AWS::Lambda::Function": "Function",
    "AWS::SQS::Queue": "Queue",
    "AWS::SNS::Topic": "",
    "AWS::StepFunctions::StateMachine": "",
    "AWS::S3::Bucket": "Bucket",
    "AWS::DynamoDB::Table": "",
}
NOT_ON_THE_WAY = {"AccessLogs"}


def deployed(kind: str) -> set[str]:
    """The names of the resources of a kind, without what the CDK adds; dead-letter queues of work queues left out."""
    resources = [json.loads(path.read_text(encoding="utf-8"))["Resources"] for path in STACKS]
    ids = {name for some in resources for name, resource in some.items() if resource["Type"] == kind}
    names = {re.sub(rf"(?:{SUFFIXES[kind]})?[0-9A-F]{{8}}$", "", name) for name in ids}
    return {name for name in names if not name.endswith("WorkDead")} - NOT_ON_THE_WAY


def spelled(kind: str, name: str) -> str:
    """A name as the diagram writes it: queues in lower case with hyphens."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower() if kind == "AWS::SQS::Queue" else name


@pytest.mark.parametrize("kind", SUFFIXES)
def test_every_deployed_resource_is_in_the_diagram(kind: str) -> None:
    names = {spelled(kind, name) for name in deployed(kind)}

    assert len(names) > 1
    assert {name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", DIAGRAM)} == set()


def test_every_queue_of_the_diagram_is_deployed() -> None:
    drawn = set(re.findall(r"\b[a-z-]+-(?:work|dead)\b", DIAGRAM))

    assert drawn == {spelled("AWS::SQS::Queue", name) for name in deployed("AWS::SQS::Queue")}


def test_the_rooms_are_the_enforced_ones() -> None:
    rows = {row[0]: row for row in tables(section(PAGE, "Rooms"))}

    for room, rule in ROOMS.items():
        row = rows[f"`{room}/`"]
        assert set(re.findall(r"`([^`]+)`", row[1])) == set(rule.may), room
        assert set(re.findall(r"`([^`]+)`", row[2])) == set(rule.never), room


def test_every_failure_names_a_test_that_exists() -> None:
    rows = tables(section(PAGE, "What dies, and then"))[1:]

    named = {row[0]: re.findall(r"`(test_\w+)`", row[2]) for row in rows}

    assert len(named) > 20
    assert [what for what, tests in named.items() if not tests] == []
    assert set(re.findall(r"`(test_\w+)`", PAGE)) - {"test_rooms"} <= names_of_tests()


def test_the_walk_goes_through_the_code_in_order() -> None:
    steps = re.findall(r"^(\d+)\. ", section(PAGE, "Follow one image"), re.MULTILINE)

    assert [int(step) for step in steps] == list(range(1, len(steps) + 1))
