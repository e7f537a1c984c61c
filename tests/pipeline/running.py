"""What tests do to a running lake: let objects land, ask where they are, read its logs, queues, buckets and tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import batched
from typing import Any

import requests

from dicomlake.local.endpoints import Endpoints
from tests.pipeline.lakes import client, until

STACKS = tuple(f"dicomlake-dev-{part}" for part in ("storage", "ingest", "study", "api", "observe"))
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Landed:
    """A version of an object in the landing bucket."""

    key: str
    version: str


@dataclass(frozen=True)
class RunningLake:
    """A lake, by its endpoints; everything here goes over the wire as a user's or an operator's calls do."""

    endpoints: Endpoints

    @cached_property
    def s3(self) -> Any:
        """S3."""
        return client(self.endpoints, "s3")

    @cached_property
    def sqs(self) -> Any:
        """SQS."""
        return client(self.endpoints, "sqs")

    @cached_property
    def tables(self) -> Any:
        """DynamoDB."""
        return client(self.endpoints, "dynamodb")

    @cached_property
    def resources(self) -> dict[str, str]:
        """Physical ids by logical id, of every stack."""
        formation = client(self.endpoints, "cloudformation")
        found: dict[str, str] = {}
        for stack in STACKS:
            for page in formation.get_paginator("list_stack_resources").paginate(StackName=stack):
                some = page["StackResourceSummaries"]
                found |= {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in some}
        return found

    def named(self, beginning: str) -> str:
        """Return the physical id of the one resource whose logical id is this and the CDK's hash."""
        length = len(beginning) + 8
        found = [
            physical
            for logical, physical in self.resources.items()
            if logical.startswith(beginning) and len(logical) == length
        ]
        assert len(found) == 1, f"{len(found)} resources are named {beginning}"
        return found[0]

    def put(self, key: str, body: bytes) -> Landed:
        """Let an object land."""
        answer = self.s3.put_object(Bucket=self.endpoints.landingBucket, Key=key, Body=body)
        return Landed(key, answer["VersionId"])

    def ask(self, path: str, operator: bool = True, **headers: str) -> requests.Response:
        """GET a path of the API, as the operator or as a reader."""
        token = {"Authorization": f"Bearer {self.endpoints.operatorToken}"} if operator else {}
        return requests.get(self.endpoints.imaging + path, headers={**token, **headers}, timeout=60)

    def document(self, path: str) -> Document:
        """GET a path of the API that answers with a JSON object."""
        answer = self.ask(path)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        told: Document = answer.json()
        return told

    def where(self, landed: Sequence[Landed]) -> list[Document | None]:
        """Ask what became of objects, a thousand a request."""
        found: list[Document | None] = []
        for some in batched(landed, 1000, strict=False):
            asked = {"objects": [{"key": one.key, "version": one.version} for one in some]}
            answer = requests.post(f"{self.endpoints.lake}/where", json=asked, timeout=60)
            assert answer.status_code == 200, answer.text
            found += answer.json()["objects"]
        return found

    def decided(self, landed: Sequence[Landed], seconds: float = 240.0) -> list[Document]:
        """Wait until every object is decided; return the entries in order."""

        def look() -> tuple[bool, list[Document]]:
            found = [one for one in self.where(landed) if one is not None and one["outcome"] != "pending"]
            return len(found) == len(landed), found

        until(lambda: look()[0], seconds)
        complete, entries = look()
        assert complete, f"{len(landed) - len(entries)} objects were not decided within {seconds:.0f} s"
        return entries

    def ready(self, study: str, generation: int = 1, seconds: float = 240.0) -> Document:
        """Wait until a generation of a study is ready; return the study."""

        def look() -> Document | None:
            answer = self.ask(f"/lake/studies/{study}")
            found: Document = answer.json() if answer.status_code == 200 else {}
            return found if (found.get("readyGeneration") or 0) >= generation else None

        found = until(look, seconds)
        assert found is not None, f"not ready within {seconds:.0f} s: {self.ask(f'/lake/studies/{study}').text}"
        return found

    def versions(self, bucket: str) -> list[Document]:
        """List every version of every object of a bucket."""
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        return [version for page in pages for version in page.get("Versions", [])]

    def buckets(self) -> list[str]:
        """Name every bucket of the lake."""
        return [one["Name"] for one in self.s3.list_buckets()["Buckets"] if one["Name"].startswith("dicomlake-")]

    def log_lines(self, group: str = "") -> Iterator[str]:
        """Yield every line of the log groups whose name has this in it."""
        logs = client(self.endpoints, "logs")
        for page in logs.get_paginator("describe_log_groups").paginate():
            names = [one["logGroupName"] for one in page["logGroups"]]
            for name in (one for one in names if group in one):
                for events in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                    yield from (event["message"] for event in events["events"])

    def queues(self) -> dict[str, str]:
        """Return the queues' URLs by logical id."""
        return {logical: url for logical, url in self.resources.items() if url.startswith("http://")}

    def depth(self, queue: str) -> int:
        """Return how many messages a queue holds: visible, delayed and in flight."""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
        ]
        told = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return sum(int(told[name]) for name in names)

    def at_rest(self, seconds: float = 240.0) -> None:
        """Wait until no queue holds a message."""

        def depths() -> dict[str, int]:
            held = {logical: self.depth(url) for logical, url in self.queues().items()}
            return {logical: number for logical, number in held.items() if number}

        assert until(lambda: not depths(), seconds), depths()

    def totals(self) -> Document:
        """Return the lake's totals, once the change feed has caught up with all that landed."""
        self.at_rest()
        versions = len(self.versions(self.endpoints.landingBucket))
        assert until(lambda: self.document("/lake/statistics")["landed"] == versions)
        return self.document("/lake/statistics")

    def rows(self, table: str) -> Iterator[Document]:
        """Yield every item of a table."""
        for page in self.tables.get_paginator("scan").paginate(TableName=table):
            yield from page["Items"]
