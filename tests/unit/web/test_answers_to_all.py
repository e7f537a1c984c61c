"""What holds for every answer: methods that are not there, OPTIONS, request ids, and callers who come by a token."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from dicomlake.web.app import answer
from dicomlake.web.capabilities import OPENAPI, WADL
from dicomlake.web.openapi import openapi_document
from dicomlake.web.routes import ROUTES
from tests.unit.web.events import body_of, event, get
from tests.usecases.stored_lake import StoredLake

ROOT = "/dicomweb/reading-room"
RESOURCE = "{http://wadl.dev.java.net/2009/02}resource"


@pytest.fixture(scope="module")
def lake() -> StoredLake:
    lake = StoredLake()
    lake.add("1.2.1", "1.2.1.1", [[b"a"]])
    return lake


def ask(lake: StoredLake, url: str, method: str, **sent: str) -> dict[str, Any]:
    return answer(event(url, method=method, **sent), lake.services())


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("PUT", f"{ROOT}/studies/1.2.1/series", "GET, HEAD, OPTIONS"),
        ("PATCH", "/lake/statistics", "GET, HEAD, OPTIONS"),
        ("GET", "/uploads", "POST, OPTIONS"),
        ("DELETE", "/lake/where", "GET, POST, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_a_405_that_names_what_is_allowed(
    lake: StoredLake, method: str, url: str, allowed: str
) -> None:
    response = ask(lake, url, method)

    assert response["statusCode"] == 405
    assert response["headers"]["allow"] == allowed
    assert json.loads(body_of(response))["reason"] == "method-not-allowed"


def test_options_names_the_methods_of_a_resource(lake: StoredLake) -> None:
    response = ask(lake, f"{ROOT}/studies/1.2.1/metadata", "OPTIONS", caller="")

    assert response["statusCode"] == 204
    assert response["headers"]["allow"] == "GET, PATCH, PUT, HEAD, OPTIONS"


def test_options_of_nothing_is_a_404(lake: StoredLake) -> None:
    assert ask(lake, "/nothing/here", "OPTIONS")["statusCode"] == 404


@pytest.mark.parametrize("accept", ["", "*/*", WADL])
def test_options_of_a_service_describes_it_in_wadl(lake: StoredLake, accept: str) -> None:
    response = ask(lake, ROOT, "OPTIONS", accept=accept)
    resources = ElementTree.fromstring(body_of(response)).iter(RESOURCE)  # noqa: S314 - our own answer

    assert response["headers"]["content-type"] == WADL
    described = [path for path in openapi_document(ROUTES)["paths"] if path.startswith("/dicomweb/")]
    assert {one.get("path") for one in resources} == set(described)


def test_options_of_a_service_describes_it_as_openapi_too(lake: StoredLake) -> None:
    response = ask(lake, ROOT, "OPTIONS", accept=OPENAPI)

    assert json.loads(body_of(response)) == openapi_document(ROUTES, "https://lake.example.org")


def test_options_in_another_form_is_not_acceptable(lake: StoredLake) -> None:
    assert ask(lake, ROOT, "OPTIONS", accept="text/html")["statusCode"] == 406


@pytest.mark.parametrize("url", [f"{ROOT}/studies", f"{ROOT}/studies/9.9/metadata", "/nothing", "/lake/statistics"])
def test_every_answer_names_its_request(lake: StoredLake, url: str) -> None:
    assert get(lake.services(), url)["headers"]["x-request-id"] == "request-1"


# --- tokens --------------------------------------------------------------------------------------------------------


def by_token(lake: StoredLake, url: str, cleared: bool = True, **claims: object) -> int:
    """The status of a request whose token the gateway checked."""
    sent = event(url, caller="")
    sent["requestContext"]["authorizer"] = {"jwt": {"claims": {"sub": "u1", "iss": "https://pool", **claims}}}
    return int(answer(sent, lake.services(cleared=cleared))["statusCode"])


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 403),
        ({"cognito:groups": "[reading:read]"}, 200),
        ({"cognito:groups": "[other:read reading:read]"}, 200),
        ({"cognito:groups": ["reading:read"]}, 200),
        ({"cognito:groups": "[reading:upload]"}, 403),
        ({"cognito:groups": "[other:read]"}, 403),
        ({"cognito:groups": "[reading:reader]"}, 403),
        ({"scope": "openid dicomlake/reading:read"}, 200),
        ({"scope": "reading:read"}, 403),
        ({"cognito:groups": "[operator]"}, 200),
    ],
)
def test_a_token_reads_a_data_store_by_its_groups_and_scopes(
    lake: StoredLake, claims: dict[str, object], status: int
) -> None:
    assert by_token(lake, f"{ROOT}/studies", **claims) == status


def test_a_token_may_read_a_store_that_is_not_cleared_only_where_it_says_so(lake: StoredLake) -> None:
    assert by_token(lake, f"{ROOT}/studies", cleared=False, scope="dicomlake/reading:read") == 200
    assert by_token(lake, f"{ROOT}/studies", cleared=False, scope="dicomlake/other:read") == 403


def test_operating_takes_the_operators_group(lake: StoredLake) -> None:
    assert by_token(lake, "/lake/statistics", scope="dicomlake/reading:read dicomlake/reading:upload") == 403
    assert by_token(lake, "/lake/statistics", scope="dicomlake/operator") == 200


def test_any_token_may_ask_what_the_api_is(lake: StoredLake) -> None:
    assert by_token(lake, "/openapi.json") == 200
