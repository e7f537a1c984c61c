"""Reads the golden templates as CloudFormation would resolve them, for tests."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
ENVIRONMENTS = ("dev", "staging", "prod")
PARTS = ("storage", "ingest", "study", "api", "observe")

Json = dict[str, Any]


def template(environment: str, part: str) -> Json:
    loaded: Json = json.loads((GOLDEN / environment / f"dicomlake-{environment}-{part}.template.json").read_text())
    return loaded


def manifest() -> Json:
    loaded: Json = json.loads((GOLDEN / "dev" / "manifest.json").read_text())
    return loaded


def of_type(environment: str, kind: str, *parts: str) -> dict[str, Json]:
    """Logical id -> resource of one type, in some or all stacks of an environment."""
    return {
        name: resource
        for part in parts or PARTS
        for name, resource in template(environment, part)["Resources"].items()
        if resource["Type"] == kind
    }


def one(resources: Mapping[str, Json], prefix: str) -> Json:
    """The properties of the only resource whose logical id begins with a prefix."""
    found = [resource["Properties"] for name, resource in resources.items() if name.startswith(prefix)]
    assert len(found) == 1, f"{len(found)} resources begin with {prefix}"
    properties: Json = found[0]
    return properties


def text(value: object) -> str:
    """A value as one string: joins joined, references by the name of what they refer to."""
    if isinstance(value, Mapping):
        ((function, argument),) = value.items()
        if function == "Fn::Join":
            return str(argument[0]).join(text(item) for item in argument[1])
        return text(argument)
    if isinstance(value, list):
        return ".".join(text(item) for item in value)
    return str(value)


def statements(policy: Json) -> list[Json]:
    found: list[Json] = policy["PolicyDocument"]["Statement"]
    return found


def allowed(environment: str, part: str, role: str) -> Iterator[tuple[str, str]]:
    """(action, resource as text) that the policy of a role allows; `role` is how the policy's logical id begins."""
    for statement in statements(one(of_type(environment, "AWS::IAM::Policy", part), role)):
        actions, resources = statement["Action"], statement["Resource"]
        for action in actions if isinstance(actions, list) else [actions]:
            for resource in resources if isinstance(resources, list) else [resources]:
                yield action, text(resource)


def definition(properties: Json) -> Json:
    """A state machine's definition."""
    loaded: Json = json.loads(text(properties["DefinitionString"]))
    return loaded
