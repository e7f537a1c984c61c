"""One suite a port, run on every adapter: memory, and AWS's services as moto and the embedded engine tell them.

`-m "not engine"` leaves out the engine; without its environment (`make setup`) its tests skip.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

import botocore.session
import pytest
from moto import mock_aws

from dicomlake.adapters.clients import AwsClients
from dicomlake.adapters.dynamodb import dynamodb_datastore
from dicomlake.adapters.memory import MemoryBuckets, MemoryDatastore, MemoryObjectStore
from dicomlake.adapters.s3 import S3ObjectStore
from dicomlake.local.engine import free_port
from dicomlake.ports import Datastore, ObjectStore
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

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


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
    """Clients for one place: botocore's for moto in this process, for the engine those that the functions have."""

    def __init__(self, endpoint: str = "") -> None:
        self._session = botocore.session.Session()
        self._endpoint = {"endpoint_url": endpoint} if endpoint else {}

    def client(self, service: str) -> Any:
        """Return a client."""
        return self._session.create_client(service, **CREDENTIALS, **self._endpoint)

    def ours(self, service: str) -> Any:
        """Return the client that the adapters are given: a function's own in the engine, botocore's in moto."""
        return getattr(self.functions, service) if self._endpoint else self.client(service)

    def table(self, name: str) -> Any:
        """Make an index table; return a client that can be used from threads."""
        client = self.client("dynamodb")
        client.create_table(TableName=name, **TABLE)
        return self.ours("dynamodb") if self._endpoint else OneAtATime(client)

    def bucket(self, name: str) -> Any:
        """Make a versioned bucket; return a client."""
        client = self.client("s3")
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return self.ours("s3")

    @property
    def functions(self) -> AwsClients:
        """The clients as a function makes them."""
        return AwsClients(REGION, env=ENVIRONMENT, **self._endpoint)


OpenBucket = Callable[[str], ObjectStore]
ENGINE = Path(__file__).parents[2] / "build/engine-venv/bin/ministack"
PLACES = ["memory", "moto", pytest.param("engine", marks=pytest.mark.engine)]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engine: runs on the embedded engine")


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What botocore's clients sign with where ours hand a call on."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def builder() -> Builder:
    return Builder(7)


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Makes names of buckets and tables that no other test of the same engine uses."""
    suffix = uuid4().hex[:12]
    return lambda name: f"{name}-{suffix}"


@pytest.fixture
def moto_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with mock_aws():
        yield Aws()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """The embedded engine, started once and empty."""
    if not ENGINE.exists():
        pytest.skip("the engine's environment is missing; run make setup")
    home, port = tmp_path_factory.mktemp("engine"), free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "BIND_HOST": "127.0.0.1",
        "DOCKER_HOST": "unix:///nonexistent",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_REGION": REGION,
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(home / "state"),
        "S3_DATA_DIR": str(home / "s3"),
    }
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([str(ENGINE)], env=environment, cwd=home, stdout=log, stderr=log)  # noqa: S603
    try:
        wait_until_it_answers(process, f"http://127.0.0.1:{port}")
        yield Aws(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(30)


def wait_until_it_answers(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the engine ended while it started"
        try:
            with urlopen(f"{url}/_ministack/health", timeout=2):  # noqa: S310
                return
        except (URLError, OSError):
            time.sleep(0.05)
    pytest.fail("the engine did not answer within 60 s")


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Aws | None:
    """Where the adapters under test run; None is memory."""
    if request.param == "memory":
        return None
    aws: Aws = request.getfixturevalue("moto_aws" if request.param == "moto" else "engine")
    return aws


@pytest.fixture(params=["moto", pytest.param("engine", marks=pytest.mark.engine)])
def cloud(request: pytest.FixtureRequest) -> Aws:
    """Each place that speaks AWS's protocols."""
    aws: Aws = request.getfixturevalue("moto_aws" if request.param == "moto" else "engine")
    return aws


@pytest.fixture
def store(place: Aws | None, unique: Callable[[str], str]) -> Datastore:
    """An empty data store."""
    if place is None:
        return MemoryDatastore()
    name = unique("index")
    return dynamodb_datastore(place.table(name), name, MemoryObjectStore("lake"))


@pytest.fixture
def bucket(place: Aws | None) -> OpenBucket:
    """Opens versioned buckets of one place by name."""
    if place is None:
        buckets = MemoryBuckets()
        return lambda name: MemoryObjectStore(name, buckets)
    return lambda name: S3ObjectStore(place.bucket(name), name)


@pytest.fixture
def objects(bucket: OpenBucket, unique: Callable[[str], str]) -> ObjectStore:
    """An empty versioned bucket."""
    return bucket(unique("lake"))
