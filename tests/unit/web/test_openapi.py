"""The OpenAPI document says what the routes and handlers do, and what is committed is what is generated."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from dicomlake.web.authorize import Permission
from dicomlake.web.described import DESCRIBED
from dicomlake.web.errors import STATUSES
from dicomlake.web.openapi import openapi_document
from dicomlake.web.routes import ROUTES
from tests.unit.web.events import get_json
from tests.usecases.stored_lake import StoredLake

COMMITTED = Path(__file__).parents[3] / "docs/openapi.json"
DOCUMENT = openapi_document(ROUTES)
OPERATIONS: list[tuple[str, dict[str, Any]]] = [
    (f"{method.upper()} {path}", operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]
SOURCES = Path(__file__).parents[3] / "layers/core/python/dicomlake/web"


def test_the_document_is_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_route_is_described_and_nothing_else() -> None:
    told = "add a row to DESCRIBED in web/described.py, then run layers/core/build_openapi.py"

    ours = {(route.method, route.template) for route in ROUTES if route.permission is not Permission.SIGNED}
    assert ours == set(DESCRIBED), told


def test_the_committed_document_is_what_the_code_generates() -> None:
    assert json.loads(COMMITTED.read_text()) == DOCUMENT, "run layers/core/build_openapi.py"


def test_operation_ids_are_unique() -> None:
    names = [operation["operationId"] for _, operation in OPERATIONS]

    assert len(set(names)) == len(names)


def test_every_error_of_the_table_is_described() -> None:
    assert set(DOCUMENT["components"]["responses"]) == {str(status.code) for _, status in STATUSES}


def test_every_parameter_that_a_handler_reads_is_described() -> None:
    read = set()
    for source in SOURCES.glob("*.py"):
        read |= set(re.findall(r"request\.(?:parameter|number)\(\s*\"(\w+)\"", source.read_text()))
    described = {one["name"] for _, operation in OPERATIONS for one in operation["parameters"]}

    assert read - described == set()


def test_the_api_serves_the_document_with_its_own_address() -> None:
    lake = StoredLake()

    served = get_json(lake.services(), "/openapi.json")

    assert served == openapi_document(ROUTES, "https://lake.example.org")


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_an_operation_names_the_parameters_of_its_path(name: str, operation: dict[str, Any]) -> None:
    in_path = [one["name"] for one in operation["parameters"] if one["in"] == "path"]

    assert in_path == re.findall(r"\{(\w+)\}", name)
