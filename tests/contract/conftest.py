"""One suite a port, run on every adapter: memory, and AWS's services as moto tells them."""

import os
from collections.abc import Iterator
from threading import Lock
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from dicomlake.adapters.dynamodb import dynamodb_datastore
from dicomlake.adapters.memory import MemoryDatastore, MemoryObjectStore
from dicomlake.ports import Datastore
from tests.builders import Builder

REGION = "eu-central-1"
TABLE = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "BillingMode": "PAY_PER_REQUEST",
}
CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": REGION}


class OneAtATime:
    """A client whose calls never overlap: moto copies its tables for a transaction and puts them back on failure,
    so that parallel calls undo each other. What happens between calls still interleaves."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = Lock()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **named: Any) -> Any:
            with self._lock:
                return method(*args, **named)

        return call


class Aws:
    """Clients for one engine: moto in this process."""

    def __init__(self) -> None:
        self._session = botocore.session.Session()

    def client(self, service: str) -> Any:
        """Return a client of the engine."""
        return self._session.create_client(service, **CREDENTIALS)

    def table(self, name: str) -> Any:
        """Make an index table; return a client that can be used from threads."""
        client = self.client("dynamodb")
        client.create_table(TableName=name, **TABLE)
        return OneAtATime(client)

    def bucket(self, name: str) -> Any:
        """Make a versioned bucket; return a client."""
        client = self.client("s3")
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return client


@pytest.fixture
def builder() -> Builder:
    return Builder(7)


@pytest.fixture
def moto_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with mock_aws():
        yield Aws()


@pytest.fixture(params=["memory", "moto"])
def store(request: pytest.FixtureRequest) -> Datastore:
    if request.param == "memory":
        return MemoryDatastore()
    client = request.getfixturevalue("moto_aws").table("index")
    return dynamodb_datastore(client, "index", MemoryObjectStore("lake"))
