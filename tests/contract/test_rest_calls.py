"""Our own calls of AWS's services: signed as botocore signs, sent again as often, and kept to what they can."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote
from zlib import crc32

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.adapters.calls import CallMeter
from dicomlake.adapters.dynamodb import Table
from dicomlake.adapters.dynamodb.table import ABSENT, Refusal, item_of, put
from dicomlake.adapters.rest import Place, RestDynamoDb, RestS3, RestSns, connections, place
from dicomlake.adapters.rest.signature import UNSIGNED, Credentials, Request, Signer
from dicomlake.adapters.s3 import S3ObjectStore
from dicomlake.adapters.sns import EncodedMessage, SnsEventPublisher
from dicomlake.domain.errors import NotFoundError, ThrottledError, UnavailableError
from tests import http_served
from tests.http_served import Quiet

WHO = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
NOW = datetime(2026, 11, 22, 20, 15, 4, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server under test answers once."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: str = ""
    """`before` or `amid` the answer, or `after` it; "": the connection stays open."""


@dataclass(slots=True)
class Server:
    """A server that answers by a script, and what it was asked."""

    replies: list[Reply]
    origin: str = ""
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)

    def place(self) -> Place:
        return Place("eu-central-1", WHO, self.origin)

    def objects(self, meter: CallMeter) -> S3ObjectStore:
        return S3ObjectStore(RestS3(self.place(), meter, no_botocore), "lake")

    def table(self, meter: CallMeter) -> Table:
        return Table(RestDynamoDb(self.place(), meter), "index", lambda _: None)


def no_botocore() -> Any:
    raise AssertionError("this call is ours")


@contextmanager
def serving(*replies: Reply) -> Iterator[Server]:
    told = Server(list(replies))

    class Handler(Quiet, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            told.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            told.connections.add(self.client_address)
            reply = told.replies.pop(0)
            self.close_connection = bool(reply.hang_up)
            if reply.hang_up == "before":
                return
            self.send_response(reply.status)
            for name, value in {"content-length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body[: 3 if reply.hang_up == "amid" else None])

        do_GET = do_PUT = do_POST = answer  # noqa: N815

    with http_served.serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as told.origin:
        yield told


@pytest.fixture
def meter() -> CallMeter:
    return CallMeter()


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between attempts, which are not waited."""
    waited: list[float] = []
    monkeypatch.setattr(place.time, "sleep", waited.append)
    return waited


@given(
    key=TEXT,
    query=st.dictionaries(TEXT.filter(bool), TEXT, max_size=3),
    value=st.text("abc  \t", max_size=9),
    token=st.sampled_from(["", "token/+="]),
    service=st.sampled_from(["s3", "dynamodb"]),
)
def test_a_signature_is_the_one_that_botocore_makes(
    key: str, query: dict[str, str], value: str, token: str, service: str
) -> None:
    path = quote(f"/{key}", "/-_.~") if service == "s3" else "/"
    headers = {"x-amz-meta-a": value.strip(), "content-type": "text/plain", "x-amz-content-sha256": UNSIGNED}
    request = Request("PUT", "lake.example:8042", path, query, headers)
    theirs = AWSRequest("PUT", f"http://lake.example:8042{path}", dict(headers), b"", params=query)
    who = BotocoreCredentials(WHO.access_key_id, WHO.secret_access_key, token or None)
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(who, service, "eu-central-1")
    theirs.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
    theirs.headers["X-Amz-Date"] = theirs.context["timestamp"]
    if token:
        theirs.headers["X-Amz-Security-Token"] = token
    expected = auth.signature(auth.string_to_sign(theirs, auth.canonical_request(theirs)), theirs)

    signer = Signer(Credentials(WHO.access_key_id, WHO.secret_access_key, token), "eu-central-1", service)
    signed = signer.sign(request, UNSIGNED, NOW)

    assert signed["authorization"].rpartition("Signature=")[2] == expected
    assert signer.sign(request, UNSIGNED, NOW) == signed


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, "https://lake.s3.eu-central-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566/"}, "http://127.0.0.1:4566"),
        ({"AWS_USE_FIPS_ENDPOINT": "false"}, "https://lake.s3.eu-central-1.amazonaws.com"),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, None),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:4566"}, None),
        ({"AWS_SECRET_ACCESS_KEY": ""}, None),
    ],
)
def test_what_the_environment_does_not_say_whole_is_left_to_botocore(env: dict[str, str], expected: str | None) -> None:
    found = Place.from_env({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", **env}, "eu-central-1")

    assert (found and found.origin("s3", "lake")) == expected


@pytest.mark.parametrize(
    ("region", "expected"),
    [("cn-north-1", "https://sns.cn-north-1.amazonaws.com.cn"), ("us-iso-east-1", None), ("", None)],
)
def test_a_region_has_its_partitions_hosts(region: str, expected: str | None) -> None:
    found = Place.from_env({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, region)

    assert (found and found.origin("sns")) == expected


def test_requests_share_a_connection_and_a_closed_one_is_replaced(meter: CallMeter) -> None:
    with serving(Reply(body=b"one"), Reply(body=b"two", hang_up="after"), Reply(body=b"three")) as server:
        objects = server.objects(meter)

        found = [objects.get("packs/1"), objects.read_range("packs/1", 0, 3), objects.get("packs/2")]

        assert [bytes(one) for one in found] == [b"one", b"two", b"three"]
        assert len(server.connections) == 2


def test_connections_that_broke_unseen_cost_one_attempt(meter: CallMeter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_ended", lambda _: False)
    with serving(*[Reply(body=b"old", hang_up="after")] * 3, Reply(body=b"new")) as server:
        client = RestS3(server.place(), meter, no_botocore)
        for body in [client.get_object(Bucket="lake", Key="packs/1")["Body"] for _ in range(3)]:
            body.read()

        found = S3ObjectStore(client, "lake").get("packs/2")

    assert found == b"new"
    assert meter.snapshot().calls["s3:GetObject"] == 3 + 2


def test_a_request_that_is_refused_for_now_is_sent_three_times_and_counted(
    meter: CallMeter, waits: list[float]
) -> None:
    slow = Reply(503, b"<Error><Code>SlowDown</Code><Message>in a minute</Message></Error>")
    with serving(slow, slow, slow) as server, pytest.raises(ThrottledError):
        server.objects(meter).get("packs/1")

    assert meter.snapshot().calls == {"s3:GetObject": 3}
    assert len(waits) == 2
    assert waits[0] <= 1
    assert waits[1] <= 2


def test_an_answer_that_does_not_come_is_asked_for_again(meter: CallMeter) -> None:
    with serving(Reply(hang_up="before"), Reply(500, b""), Reply(body=b"late")) as server:
        assert server.objects(meter).get("packs/1") == b"late"


@pytest.mark.parametrize("status", [200, 206])
@pytest.mark.parametrize(
    "read", [lambda objects, key: objects.get(key), lambda objects, key: objects.read_range(key, 0, 20)]
)
def test_a_transfer_that_ends_early_is_an_error_without_the_key(
    meter: CallMeter, status: int, read: Callable[[S3ObjectStore, str], Any]
) -> None:
    with serving(Reply(status, b"0123456789", hang_up="amid")) as server, pytest.raises(UnavailableError) as caught:
        read(server.objects(meter), "in/Patient^Name")

    assert "Patient" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_no_one_who_listens_is_unavailable(meter: CallMeter) -> None:
    with serving() as server:
        pass

    with pytest.raises(UnavailableError):
        server.objects(meter).get("packs/1")


def test_an_object_damaged_on_its_way_is_noticed(meter: CallMeter) -> None:
    checksum = {"x-amz-checksum-crc32": base64.b64encode(crc32(b"as it was sent").to_bytes(4)).decode()}
    with serving(
        Reply(body=b"as it was sent", headers=checksum), Reply(body=b"as it was bent", headers=checksum)
    ) as server:
        objects = server.objects(meter)

        assert objects.get("packs/1") == b"as it was sent"
        with pytest.raises(UnavailableError, match="checksum"):
            objects.get("packs/1")


def test_a_checksum_of_parts_and_one_of_a_range_prove_nothing_here(meter: CallMeter) -> None:
    parts = {"x-amz-checksum-crc32": "AAAAAA==-2"}
    with serving(
        Reply(body=b"whole", headers=parts), Reply(206, b"who", {"x-amz-checksum-crc32": "AAAAAA=="})
    ) as server:
        objects = server.objects(meter)

        assert (objects.get("packs/1"), objects.read_range("packs/1", 0, 3)) == (b"whole", b"who")


def test_an_object_is_written_with_its_checksum_and_key(meter: CallMeter) -> None:
    with serving(Reply()) as server:
        S3ObjectStore(RestS3(server.place(), meter, no_botocore), "lake", "arn:key").put("a b/患", memoryview(b"abc"))
        ((method, path, headers, body),) = server.asked

    assert (method, path, body) == ("PUT", "/lake/a%20b/%E6%82%A3", b"abc")
    assert headers["x-amz-checksum-crc32"] == base64.b64encode(crc32(b"abc").to_bytes(4)).decode()
    assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == "arn:key"
    assert meter.snapshot().bytes_out == 3


def test_a_call_that_is_not_ours_is_botocores(meter: CallMeter) -> None:
    class Botocore:
        def get_object(self, **named: Any) -> dict[str, Any]:
            return {"by": "botocore", **named}

        def list_buckets(self) -> str:
            return "listed"

    client = RestS3(Place("eu-central-1", WHO), meter, Botocore)

    assert client.list_buckets() == "listed"
    assert client.get_object(Bucket="lake", Key="a", PartNumber=1)["by"] == "botocore"
    assert client.get_object(Bucket="dotted.name", Key="a")["by"] == "botocore"
    with pytest.raises(AttributeError, match="not a call on items"):
        RestDynamoDb(Place("eu-central-1", WHO), meter).scan()


def test_a_transaction_is_sent_again_under_the_same_token(meter: CallMeter) -> None:
    with serving(Reply(hang_up="before"), Reply(body=b'{"ConsumedCapacity":[{"CapacityUnits":4}]}')) as server:
        refusals = server.table(meter).transact([put(item_of(("a", "b"), d={"B": b"\x00\xff"}))])
        first, second = (json.loads(body) for *_, body in server.asked)

    assert refusals == ()
    assert first == second
    assert first["TransactItems"][0]["Put"]["Item"]["d"] == {"B": "AP8="}
    assert meter.snapshot().write_units == 4


def test_a_cancelled_transaction_tells_what_stood_in_its_way_in_bytes(meter: CallMeter) -> None:
    held = {"pk": {"S": "a"}, "sk": {"S": "b"}, "d": {"B": "AP8="}}
    said = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "CancellationReasons": [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": held}],
    }
    with serving(Reply(400, json.dumps(said).encode())) as server:
        refusals = server.table(meter).transact([put(item_of(("a", "b")), ABSENT)] * 2)

    assert refusals == (Refusal(1, {**held, "d": {"B": b"\x00\xff"}}),)


def test_a_refusal_by_sns_names_its_code(meter: CallMeter) -> None:
    missing = Reply(
        404, b"<ErrorResponse><Error><Code>NotFound</Code><Message>no &lt;topic&gt;</Message></Error></ErrorResponse>"
    )
    with serving(missing) as server:
        publisher = SnsEventPublisher(
            RestSns(server.place(), meter), "arn", lambda _: EncodedMessage("ü&=", {"a": "b"})
        )
        with pytest.raises(NotFoundError):
            publisher.publish(object())
        ((_, _, _, body),) = server.asked

    assert body == (
        b"Action=Publish&Version=2010-03-31&TopicArn=arn&Message=%C3%BC%26%3D&MessageAttributes.entry.1.Name=a"
        b"&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=b"
    )
