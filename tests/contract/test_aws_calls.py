"""How AWS's errors become ours, what is counted of a call, and how clients are made."""

import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from typing import Any
from zlib import crc32

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    FlexibleChecksumError,
    ReadTimeoutError,
)

from dicomlake.adapters.aws_errors import aws_errors
from dicomlake.adapters.calls import CallMeter, Usage
from dicomlake.adapters.clients import AwsClients
from dicomlake.adapters.dynamodb import DynamoDbInstanceIndex, Table
from dicomlake.adapters.dynamodb.table import ABSENT, item_of, put
from dicomlake.adapters.s3 import S3ObjectStore
from dicomlake.domain.errors import (
    LostRaceError,
    NotFoundError,
    RetryableError,
    ThrottledError,
    UnavailableError,
)
from tests.builders import Builder
from tests.contract.conftest import REGION, TABLE, Aws

URL = "http://127.0.0.1/bucket/Patient%5EName"


def refusal(code: str, status: int = 400, **more: Any) -> ClientError:
    answer = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(answer, "GetObject")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal("NoSuchKey", 404), NotFoundError),
        (refusal("404", 404), NotFoundError),
        (refusal("MethodNotAllowed", 405), NotFoundError),
        (refusal("SlowDown", 503), ThrottledError),
        (refusal("ProvisionedThroughputExceededException"), ThrottledError),
        (refusal("ThrottlingException"), ThrottledError),
        (refusal("TransactionConflictException"), LostRaceError),
        (refusal("InternalServerError", 500), UnavailableError),
        (refusal("SomethingNew", 502), UnavailableError),
        (EndpointConnectionError(endpoint_url=URL), UnavailableError),
        (ConnectTimeoutError(endpoint_url=URL), UnavailableError),
        (ReadTimeoutError(endpoint_url=URL), UnavailableError),
        (FlexibleChecksumError(error_msg="differs"), UnavailableError),
    ],
)
def test_what_aws_answers_becomes_an_error_of_the_lake(error: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected), aws_errors():
        raise error


def test_a_connection_error_does_not_carry_the_url_with_the_key() -> None:
    with pytest.raises(UnavailableError) as caught, aws_errors():
        raise EndpointConnectionError(endpoint_url=URL)

    assert "Patient" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("code", ["ValidationException", "AccessDenied", "403"])
def test_a_refusal_that_tells_of_a_defect_passes_through(code: str) -> None:
    with pytest.raises(ClientError), aws_errors():
        raise refusal(code)


class Cancelling:
    """A DynamoDB client whose transactions are cancelled for the given reasons."""

    def __init__(self, *codes: str) -> None:
        self._reasons = [{"Code": code} for code in codes]

    def transact_write_items(self, **_: Any) -> None:
        raise refusal("TransactionCanceledException", CancellationReasons=self._reasons)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("None", "TransactionConflict"), LostRaceError),
        (("ConditionalCheckFailed", "TransactionConflict"), LostRaceError),
        (("ThrottlingError", "None"), ThrottledError),
        (("ProvisionedThroughputExceeded", "None"), ThrottledError),
        (("ValidationError", "None"), ClientError),
    ],
)
def test_a_transaction_cancelled_for_another_reason_tells_no_clashes(
    codes: tuple[str, ...], expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        Table(Cancelling(*codes), "index").transact([put(item_of(("a", "b")), ABSENT)])


class Unprocessing:
    """A DynamoDB client that leaves batches undone so many times."""

    def __init__(self, times: int) -> None:
        self._left = times

    def batch_get_item(self, RequestItems: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        keys = RequestItems["index"]["Keys"]
        done = keys[:1] if self._left else keys
        undone = keys[1:] if self._left else []
        self._left = max(0, self._left - 1)
        return {"Responses": {"index": done}, "UnprocessedKeys": {"index": {"Keys": undone}} if undone else {}}


def test_what_a_batch_left_undone_is_asked_for_again_a_few_times() -> None:
    waits: list[float] = []
    keys = [("a", str(number)) for number in range(10)]

    found = Table(Unprocessing(3), "index", waits.append).get_many(keys)

    assert [item["sk"]["S"] for item in found] == [sk for _, sk in keys]
    assert len(waits) == 3
    with pytest.raises(ThrottledError):
        Table(Unprocessing(9), "index", waits.append).get_many(keys)


class ShortBody:
    """A body that ends after so many bytes."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def readinto(self, view: memoryview | bytearray) -> int:
        part, self._body = self._body[: min(3, len(view))], self._body[3:]
        view[: len(part)] = part
        return len(part)


class ShortBucket:
    def get_object(self, **_: Any) -> dict[str, Any]:
        return {"ContentLength": 10, "Body": ShortBody(b"01234567")}


def test_a_transfer_that_ends_early_is_an_error_not_a_shorter_object() -> None:
    with pytest.raises(UnavailableError, match="ended early"):
        S3ObjectStore(ShortBucket(), "lake").get("packs/1")


class RangelessBucket:
    """A bucket that answers every range with the whole object."""

    def get_object(self, **_: Any) -> dict[str, Any]:
        return {"ResponseMetadata": {"HTTPStatusCode": 200}, "Body": BytesIO(b"0123456789")}


@pytest.mark.parametrize(("start", "expected"), [(0, b"012"), (4, b"456"), (8, b"89"), (10, b""), (11, b"")])
def test_a_range_is_cut_out_where_the_service_answers_the_whole_object(start: int, expected: bytes) -> None:
    assert S3ObjectStore(RangelessBucket(), "lake").read_range("packs/1", start, 3) == expected


def test_an_object_damaged_on_its_way_is_noticed(moto_aws: Aws) -> None:
    client = moto_aws.bucket("lake")
    checksum = b64encode(crc32(b"as it was sent").to_bytes(4)).decode()
    headers = {"content-length": "14", "x-amz-checksum-crc32": checksum}
    bodies = [b"as it was sent", b"as it was bent"]
    client.meta.events.register_first(
        "before-send.s3.GetObject", lambda **_: AWSResponse("http://x", 200, headers, BytesIO(bodies.pop(0)))
    )
    objects = S3ObjectStore(client, "lake")

    assert objects.get("packs/1") == b"as it was sent"
    with pytest.raises(UnavailableError, match="checksum"):
        objects.get("packs/1")


@pytest.fixture
def clients(moto_aws: Aws, monkeypatch: pytest.MonkeyPatch) -> AwsClients:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return AwsClients(REGION)


def test_the_meter_counts_requests_units_and_bytes_of_botocores_clients(clients: AwsClients) -> None:
    clients.client("dynamodb").create_table(TableName="index", **TABLE)
    clients.client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})

    calls_are_counted(clients.meter, Table(clients.client("dynamodb"), "index"), clients.client("s3"), "lake")


@pytest.mark.engine
def test_the_meter_counts_requests_units_and_bytes_of_our_own_calls(engine: Aws, unique: Callable[[str], str]) -> None:
    name, clients = unique("lake"), engine.functions
    engine.table(name)
    engine.bucket(name)

    calls_are_counted(clients.meter, Table(clients.dynamodb, name), clients.s3, name)


def calls_are_counted(meter: CallMeter, table: Table, s3: Any, bucket: str) -> None:
    meter.reset()
    objects = S3ObjectStore(s3, bucket)

    table.write(put(item_of(("a", "b"))))
    table.get(("a", "b"))
    table.query("a", "b", "b")
    objects.put("packs/1", b"x" * 1000)
    objects.get("packs/1")
    used = meter.reset()

    assert used.calls == {
        "dynamodb:PutItem": 1,
        "dynamodb:GetItem": 1,
        "dynamodb:Query": 1,
        "s3:PutObject": 1,
        "s3:GetObject": 1,
    }
    assert used.requests == 5
    assert used.write_units > 0
    assert used.read_units > 0
    assert 1000 < used.bytes_out < 2500
    assert 1000 <= used.bytes_in < 2500
    assert meter.snapshot() == Usage()


def test_the_meter_counts_every_attempt_of_a_retried_call(clients: AwsClients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    busy = AWSResponse("http://x", 503, {}, type("Raw", (), {"stream": lambda self: iter([b""])})())
    clients.client("s3").meta.events.register_first("before-send.s3.GetObject", lambda **_: busy)

    with pytest.raises(RetryableError):
        S3ObjectStore(clients.client("s3"), "lake").get("packs/1")

    assert clients.meter.snapshot().calls == {"s3:GetObject": 3}


def test_a_client_is_made_once_and_path_style_goes_to_another_endpoint(clients: AwsClients) -> None:
    local = AwsClients(REGION, CallMeter(), "http://localhost:4566")

    assert clients.s3 is clients.s3
    assert clients.client("s3") is clients.client("s3")
    assert local.sqs is not local.sns
    assert {local.client(name).meta.endpoint_url for name in ("sns", "sqs")} == {"http://localhost:4566"}
    url = S3ObjectStore(local.s3, "lake").sign_get("packs/1", 60)
    assert url.startswith("http://localhost:4566/lake/packs/1?")


def test_importing_the_adapters_makes_no_client_and_needs_no_library_of_aws() -> None:
    code = (
        "import sys; import dicomlake.adapters.dynamodb, dicomlake.adapters.s3, dicomlake.adapters.clients;"
        "print([m for m in ('boto3', 'botocore', 'numpy', 'pydicom') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.strip() == "[]"


class Reversing:
    """A DynamoDB client that answers batches in another order than they were asked in, as the service may."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, **request: Any) -> Any:
        answer = self._client.batch_get_item(**request)
        answer["Responses"] = {table: list(reversed(items)) for table, items in answer["Responses"].items()}
        return answer


def test_standing_rows_come_in_the_order_asked_whatever_the_service_does(moto_aws: Aws, builder: Builder) -> None:
    index = DynamoDbInstanceIndex(Table(Reversing(moto_aws.table("index")), "index"))
    commit = builder.commit(builder.slices(4))
    index.commit(commit)

    assert index.standing(commit.records) == commit.records
