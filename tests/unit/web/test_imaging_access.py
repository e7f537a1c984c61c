"""Who may call the HealthImaging API, by boto3's own client: signatures, times, data stores, and what errors become."""

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

import dicomlake
from dicomlake.domain import errors
from dicomlake.domain.errors import PipelineError
from dicomlake.domain.model import DatastoreId
from dicomlake.web.app import answer
from dicomlake.web.imaging_errors import EXCEPTIONS, imaging_error
from dicomlake.web.imaging_model_table import ERRORS
from dicomlake.web.services import OpenStore, Services
from tests.unit.web.imaging_client import ACCOUNT, REGION, answered_by, imaging_client, issued, wound
from tests.usecases.stored_lake import OPERATOR, StoredLake

STORE, OTHER = DatastoreId("a" * 32), DatastoreId("b" * 32)
ARN = f"arn:aws:medical-imaging:{REGION}:{ACCOUNT}:datastore/{STORE}"


@pytest.fixture
def lake() -> StoredLake:
    lake = StoredLake()
    wound(lake.clock)
    return lake


@pytest.fixture
def services(lake: StoredLake) -> Services:
    stores = {name: OpenStore(name, lake.datastore, label=label) for name, label in ((STORE, "one"), (OTHER, "two"))}
    return replace(lake.services(), stores=stores, default_store=STORE)


@pytest.fixture
def denied(services: Services) -> Any:
    """A call that has to be refused: `denied(client)` asks, and returns what the refusal says."""

    def ask(client: Any) -> str:
        with pytest.raises(client.exceptions.AccessDeniedException) as refused:
            client.get_datastore(datastoreId=STORE)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        return str(refused.value.response["message"])

    return ask


def test_a_key_of_the_lake_signs_as_boto3_signs(services: Services) -> None:
    client = imaging_client(services, issued(services))

    listed = client.list_datastores()["datastoreSummaries"]
    one = client.get_datastore(datastoreId=STORE)["datastoreProperties"]

    assert [store["datastoreName"] for store in listed] == ["one", "two"]
    assert one["datastoreArn"] == ARN
    assert (one["datastoreStatus"], one["losslessStorageFormat"]) == ("ACTIVE", "HTJ2K")
    assert one["createdAt"] == services.clock.now().replace(microsecond=one["createdAt"].microsecond)


def test_a_key_opens_its_own_data_store_and_shows_no_other(services: Services, denied: Any) -> None:
    own, other = (imaging_client(services, issued(services, store)) for store in (STORE, OTHER))

    assert own.get_datastore(datastoreId=STORE)
    assert [store["datastoreId"] for store in own.list_datastores()["datastoreSummaries"]] == [STORE]
    assert "not for this data store" in denied(other)
    with pytest.raises(other.exceptions.AccessDeniedException):
        other.list_tags_for_resource(resourceArn=ARN)
    with pytest.raises(other.exceptions.AccessDeniedException):
        other.get_datastore(datastoreId="c" * 32)


def test_a_wrong_secret_an_unknown_and_a_revoked_key_are_refused_alike(services: Services, denied: Any) -> None:
    revoked = issued(services, revoked_at="2026-01-02T00:00:00.000Z")
    clients = (
        imaging_client(services, issued(services), aws_secret_access_key="x" * 40),
        imaging_client(services, replace(issued(services), access_key_id="DLAKUNKNOWN")),
        imaging_client(services, revoked),
    )

    assert {denied(client) for client in clients} == {
        "the request's signature does not match: check the access key, its secret, and the clock"
    }


@pytest.mark.parametrize("seconds", [301, -301])
def test_a_request_signed_five_minutes_from_now_is_refused(
    lake: StoredLake, services: Services, denied: Any, seconds: float
) -> None:
    client = imaging_client(services, issued(services))
    lake.clock.advance(seconds)

    assert "over 5 minutes from the lake's" in denied(client)


def test_a_signature_for_another_region_is_told_the_right_one(services: Services, denied: Any) -> None:
    assert REGION in denied(imaging_client(services, issued(services), region_name="us-east-1"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"authorization": ""}, "sign the request"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=x"}, "Credential, SignedHeaders and Signature"),
        ({"x-amz-date": "yesterday"}, "X-Amz-Date"),
        ({"x-amz-security-token": "more"}, "x-amz-"),
        ({"host": "elsewhere.example.org"}, "does not match"),
    ],
)
def test_what_a_signature_does_not_cover_is_refused(services: Services, change: dict[str, str], told: str) -> None:
    event = _event_of(services)
    event["headers"] |= change

    answered = answer(event, services)

    assert answered["statusCode"] == 403
    assert told in json.loads(answered["body"])["message"]


def test_a_signed_body_cannot_be_exchanged(services: Services) -> None:
    event = _event_of(services, lambda client: client.tag_resource(resourceArn=ARN, tags={"a": "b"}))

    refused = answer({**event, "body": '{"tags":{"a":"c"}}', "isBase64Encoded": False}, services)

    assert answer(event, services)["statusCode"] == 200
    assert refused["statusCode"] == 403
    assert refused["headers"]["x-amzn-errortype"] == "AccessDeniedException"


def test_the_host_that_a_proxy_was_called_by_is_the_signed_one(services: Services) -> None:
    event = _event_of(services)
    headers = {**event["headers"], "x-forwarded-host": event["headers"]["host"], "host": "inside:4566"}

    assert answer({**event, "headers": headers}, services)["statusCode"] == 200


def test_a_read_only_key_changes_nothing(services: Services) -> None:
    client = imaging_client(services, issued(services, read_only=True))

    assert client.list_tags_for_resource(resourceArn=ARN)["tags"] == {}
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.tag_resource(resourceArn=ARN, tags={"a": "b"})


def test_tags_are_set_listed_and_taken_away(services: Services) -> None:
    client = imaging_client(services, issued(services))

    client.tag_resource(resourceArn=ARN, tags={"ward": "1", "owner": "x"})
    client.tag_resource(resourceArn=ARN, tags={"owner": "y"})
    client.untag_resource(resourceArn=ARN, tagKeys=["ward", "never"])

    assert client.list_tags_for_resource(resourceArn=ARN)["tags"] == {"owner": "y"}
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_tags_for_resource(resourceArn=ARN.replace(ACCOUNT, "210987654321"))


def test_data_stores_are_made_and_unmade_by_deploying(services: Services) -> None:
    client = imaging_client(services, issued(services))

    with pytest.raises(client.exceptions.ServiceQuotaExceededException, match="add one to its stacks"):
        client.create_datastore(datastoreName="third")
    with pytest.raises(client.exceptions.ConflictException, match="take it out of them"):
        client.delete_datastore(datastoreId=STORE)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.delete_datastore(datastoreId="c" * 32)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda client: client.get_datastore(datastoreId="UPPER"), "datastoreId"),
        (lambda client: client.list_datastores(maxResults=51), "maxResults"),
        (lambda client: client.list_datastores(datastoreStatus="SLEEPING"), "datastoreStatus"),
        (lambda client: client.list_datastores(nextToken="*"), "nextToken"),
        (lambda client: client.list_tags_for_resource(resourceArn="arn:aws:s3:::bucket"), "resourceArn"),
    ],
)
def test_what_the_model_forbids_is_a_validation_exception(services: Services, call: Any, told: str) -> None:
    client = imaging_client(services, issued(services))

    with pytest.raises(client.exceptions.ValidationException, match=told):
        call(client)


def test_lists_are_turned_by_page(services: Services) -> None:
    client = imaging_client(services, issued(services))

    pages = list(client.get_paginator("list_datastores").paginate(PaginationConfig={"PageSize": 1}))

    assert [store["datastoreId"] for page in pages for store in page["datastoreSummaries"]] == [STORE, OTHER]
    assert len(pages) == 2


def test_every_error_of_the_tree_is_one_of_the_models() -> None:
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, PipelineError)]

    for kind in classes:
        answered = imaging_error(kind("text"), "r")
        name = answered.headers["x-amzn-errortype"]
        assert answered.status == ERRORS[name]
        assert json.loads(answered.body)["message"]
    assert [known for known, _ in EXCEPTIONS][-1] is PipelineError


def test_keys_are_issued_listed_and_revoked_by_operators(services: Services) -> None:
    asked = {"name": "reading room", "datastore": STORE, "readOnly": True}
    made = _operate(services, "POST", "/lake/keys", asked)
    client = imaging_client(
        services,
        issued(services),
        aws_access_key_id=made["accessKeyId"],
        aws_secret_access_key=made["secretAccessKey"],
    )

    before = client.get_datastore(datastoreId=STORE)
    listed = _operate(services, "GET", "/lake/keys")["keys"]
    revoked = _operate(services, "DELETE", f"/lake/keys/{made['accessKeyId']}")

    assert before["datastoreProperties"]["datastoreId"] == STORE
    assert made["secretAccessKey"] not in json.dumps(listed)
    assert revoked["revokedAt"]
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_datastore(datastoreId=STORE)


@pytest.mark.parametrize("asked", [{}, {"name": "a", "datastore": "c" * 32}, {"name": "", "datastore": "all"}])
def test_a_key_is_asked_for_by_a_name_and_a_data_store(services: Services, asked: dict[str, str]) -> None:
    event = _operator_event("POST", "/lake/keys", asked)

    assert answer(event, services)["statusCode"] == 400


def _operate(services: Services, method: str, path: str, body: object = None) -> dict[str, Any]:
    answered = answer(_operator_event(method, path, body), services)
    assert answered["statusCode"] < 300, answered
    document: dict[str, Any] = json.loads(answered["body"])
    return document


def _operator_event(method: str, path: str, body: object) -> dict[str, Any]:
    return {
        "rawPath": path,
        "headers": {"host": "lake.example.org"},
        "requestContext": {"http": {"method": method}, "authorizer": {"iam": {"userArn": OPERATOR}}},
        "body": json.dumps(body) if body is not None else None,
    }


def _event_of(services: Services, call: Any = lambda client: client.get_datastore(datastoreId=STORE)) -> dict[str, Any]:
    """The event of a call that boto3 signed."""
    seen: list[dict[str, Any]] = []
    client = imaging_client(services, issued(services), seen=seen)
    call(client)
    return seen[-1]


# --- IAM principals ------------------------------------------------------------------------------------------------


def _as(services: Services, arn: str) -> Any:
    """dicomlake's own client, whose requests the gateway authenticated as a principal's."""
    session = boto3.Session(aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="x" * 40)
    made = dicomlake.imaging_client("https://lake.example.org", REGION, session)
    seen: list[str] = []

    def ask(event: dict[str, Any]) -> dict[str, Any]:
        seen.append(event["headers"]["authorization"])
        assert "/execute-api/aws4_request" in seen[-1]
        context = {**event["requestContext"], "authorizer": {"iam": {"userArn": arn}}}
        return answer({**event, "requestContext": context}, services)

    return answered_by(made, ask)


def test_an_operator_signs_with_its_own_credentials_and_may_do_all(services: Services) -> None:
    client = _as(replace(services, operators=frozenset({OPERATOR})), OPERATOR)

    client.tag_resource(resourceArn=ARN, tags={"a": "b"})

    assert client.list_tags_for_resource(resourceArn=ARN)["tags"] == {"a": "b"}
    assert len(client.list_datastores()["datastoreSummaries"]) == 2


def test_a_reader_reads_the_default_data_store_where_it_is_cleared(services: Services) -> None:
    reader = "arn:aws:sts::123456789012:assumed-role/reader/me"
    held = services.stores[STORE]
    cleared = replace(services, stores={**services.stores, STORE: replace(held, cleared=True)})

    client = _as(cleared, reader)

    assert [one["datastoreId"] for one in client.list_datastores()["datastoreSummaries"]] == [STORE]
    for refused in (
        lambda: client.get_datastore(datastoreId=OTHER),
        lambda: client.tag_resource(resourceArn=ARN, tags={"a": "b"}),
        lambda: _as(services, reader).list_datastores(),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()
