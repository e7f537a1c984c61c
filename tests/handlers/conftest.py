"""The deployed handlers over moto, each with the environment variables that its golden template gives it."""

import importlib.util
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

Event = dict[str, Any]
REGION = "eu-central-1"
QUEUES = (
    "ingest-work",
    "ingest-one-work",
    "large-work",
    "settle-work",
    "study-work",
    "deidentify-work",
    "change-work",
    "import-work",
)
STORES = {
    "clinical": {"name": "clinical", "table": "clinical-index", "bucket": "clinical-packs", "cleared": True},
    "research": {"name": "research", "table": "research-index", "bucket": "research-packs", "cleared": False},
}
LOGICAL = {
    "ingest_instances": ("ingest", "IngestFunction"),
    "quarantine_crashed": ("ingest", "QuarantineCrashedFunction"),
    "start_large": ("ingest", "StartLargeFunction"),
    "track_study": ("study", "TrackStudyFunction"),
    "settle_study": ("study", "SettleStudyFunction"),
    "plan_study": ("study", "PlanStudyFunction"),
    "compact_series": ("study", "CompactSeriesFunction"),
    "finish_study": ("study", "FinishStudyFunction"),
    "sequence_changes": ("study", "SequenceChangesFunction"),
    "sweep_lake": ("study", "SweepLakeFunction"),
    "deidentify_study": ("study", "DeidentifyStudyFunction"),
    "answer_operations": ("api", "AnswerOperationsFunction"),
    "answer_imaging": ("api", "AnswerImagingFunction"),
    "run_import": ("api", "RunImportFunction"),
    "answer_dicomweb": ("api", "AnswerClinicalFunction"),
    "answer_pixels": ("api", "AnswerClinicalPixelsFunction"),
    "store_instances": ("api", "StoreInstancesFunction"),
    "answer_changes": ("api", "AnswerChangesFunction"),
    "change_study": ("study", "ChangeStudyFunction"),
}
"""Folder of functions/ -> stack and resource; the resource's variables are the ones a handler is given here."""


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells a handler of its invocation."""

    aws_request_id: str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    memory_limit_in_mb: int = 1769
    left_ms: int = 30_000

    def get_remaining_time_in_millis(self) -> int:
        """Return the time that is left."""
        return self.left_ms


@dataclass(frozen=True)
class DeployedLake:
    """AWS as moto tells it, with the lake's resources in it."""

    golden: Path
    root: Path
    set_variable: Callable[[str, str], None]
    queue_urls: dict[str, str]
    values: dict[str, str]
    context: Context = field(default_factory=Context)

    def run(self, folder: str, event: Event) -> Any:
        """Run one event through a fresh copy of a deployed handler module."""
        for name in self.variables(folder):
            self.set_variable(name, self.values[name])
        return loaded(self.root / "functions" / folder / "handler.py").handler(event, self.context)

    def variables(self, folder: str) -> list[str]:
        """The names of the environment variables that the golden dev template gives a function."""
        stack, beginning = LOGICAL[folder]
        template = json.loads((self.golden / f"dicomlake-dev-{stack}.template.json").read_text())
        length = len(beginning) + 8
        found = [
            resource["Properties"]["Environment"]["Variables"]
            for name, resource in template["Resources"].items()
            if name.startswith(beginning) and len(name) == length
        ]
        assert len(found) == 1
        return list(found[0])

    def client(self, service: str) -> Any:
        """Return a client."""
        return boto3.client(service, region_name=REGION)

    def put(self, key: str, body: bytes) -> str:
        """Let an object land; return its version."""
        return str(self.client("s3").put_object(Bucket="landing", Key=key, Body=body)["VersionId"])

    def sent(self, queue: str) -> list[Event]:
        """Take the messages out of a queue."""
        url, found = self.queue_urls[queue], list[Event]()
        while messages := self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                self.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def rows(self, store: str) -> list[Event]:
        """Every item of a data store's table."""
        items: list[Event] = self.client("dynamodb").scan(TableName=f"{store}-index")["Items"]
        return items

    def keys(self, bucket: str) -> list[str]:
        """Every key of a bucket."""
        return [one["Key"] for one in self.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def loaded(file: Path) -> ModuleType:
    """Import a module by its file, as a new one."""
    spec = importlib.util.spec_from_file_location(f"deployed_{file.parent.name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Where moto answers."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


@pytest.fixture
def deployed(repository: Path, monkeypatch: pytest.MonkeyPatch, moto_url: str) -> DeployedLake:
    """The lake's resources in an empty moto."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "DICOMLAKE_"))]:
        monkeypatch.delenv(name)
    told = {"REGION": REGION, "ACCESS_KEY_ID": "t", "SECRET_ACCESS_KEY": "t", "ENDPOINT_URL": moto_url}
    for name, value in told.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    urlopen(Request(f"{moto_url}/moto-api/reset", method="POST")).close()  # noqa: S310 - our own server
    queues = {name: _queue(name) for name in (*QUEUES, "told")}
    golden = repository / "tests" / "golden" / "dev"
    return DeployedLake(golden, repository, monkeypatch.setenv, queues, _values(queues))


def _values(queues: dict[str, str]) -> dict[str, str]:
    """Make everything that is not a queue; return the value of each variable."""
    for bucket in ("landing", "quarantine", "clinical-packs", "research-packs"):
        _bucket(bucket)
    for table in ("clinical-index", "research-index"):
        _table(table)
    secret = boto3.client("secretsmanager", region_name=REGION).create_secret(Name="lake", SecretString="s" * 64)
    urls = {
        f"DICOMLAKE_{name.removesuffix('-work').replace('-', '_').upper()}_QUEUE_URL": queues[name] for name in QUEUES
    }
    return {
        **urls,
        **{f"DICOMLAKE_{name}": arn for name, arn in _machines().items()},
        "DICOMLAKE_ENVIRONMENT": "dev",
        "DICOMLAKE_STORES": json.dumps(STORES),
        "DICOMLAKE_DEFAULT_STORE": "clinical",
        "DICOMLAKE_RESEARCH_STORE": "research",
        "DICOMLAKE_SECRET_ARN": secret["ARN"],
        "DICOMLAKE_LINK_SECRET_ARN": secret["ARN"],
        "DICOMLAKE_LANDING_BUCKET": "landing",
        "DICOMLAKE_QUARANTINE_BUCKET": "quarantine",
        "DICOMLAKE_EVENTS_TOPIC": _topic(queues["told"]),
        "DICOMLAKE_LARGE_LIMIT": str(256 * 1024 * 1024),
        "DICOMLAKE_QUIET_SECONDS": "2",
        "DICOMLAKE_SETTLE_CAP_SECONDS": "180",
        "DICOMLAKE_OPERATOR_ROLE_ARN": "arn:aws:iam::123456789012:role/operator",
    }


def _queue(name: str) -> str:
    return str(boto3.client("sqs", region_name=REGION).create_queue(QueueName=name)["QueueUrl"])


def _bucket(name: str) -> None:
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _table(name: str) -> None:
    keys = {"pk": "HASH", "sk": "RANGE"}
    boto3.client("dynamodb", region_name=REGION).create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        BillingMode="PAY_PER_REQUEST",
    )


def _topic(queue_url: str) -> str:
    """A topic whose messages a test finds in a queue."""
    sns, sqs = (boto3.client(service, region_name=REGION) for service in ("sns", "sqs"))
    topic = str(sns.create_topic(Name="lake-events")["TopicArn"])
    arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return topic


def _machines() -> dict[str, str]:
    steps = boto3.client("stepfunctions", region_name=REGION)
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    made = {"STUDY_MACHINE_ARN": "EXPRESS", "LARGE_STUDY_MACHINE_ARN": "STANDARD", "LARGE_MACHINE_ARN": "STANDARD"}
    role = "arn:aws:iam::123456789012:role/machine"
    return {
        name: steps.create_state_machine(name=name, definition=definition, roleArn=role, type=kind)["stateMachineArn"]
        for name, kind in made.items()
    }
