"""The canonical lines of the handlers, read from CloudWatch Logs: what was done and which calls it took."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from dicomlake.client.failure import LakeClientError
from dicomlake.local.endpoints import Endpoints

_PATTERN = '"cpuMs"'
"""Every canonical line has this word, and no other line has."""


def logs_client(endpoints: Endpoints) -> Any:
    """Return a client of CloudWatch Logs: of the local engine, or of the account that credentials lead to."""
    return Session().create_client(
        "logs",
        region_name=endpoints.region,
        endpoint_url=endpoints.s3 or None,
        aws_access_key_id=endpoints.accessKeyId or None,
        aws_secret_access_key=endpoints.secretAccessKey or None,
        config=Config(retries={"mode": "standard", "total_max_attempts": 4}),
    )


def read_lines(client: Any, since_ms: int = 0, until_ms: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each line with its length in bytes, of all functions of the lake, between two times (Unix, ms).

    Raises LakeClientError where the logs cannot be read.
    """
    span = {"startTime": since_ms} | ({"endTime": until_ms} if until_ms else {})
    try:
        for group in client.get_paginator("describe_log_groups").paginate().search("logGroups[].logGroupName"):
            if "dicomlake-" in group:
                yield from _lines_of(client, group, span)
    except (BotoCoreError, ClientError) as exc:
        raise LakeClientError("The lake's logs cannot be read: they hold the counted calls.") from exc


def _lines_of(client: Any, group: str, span: dict[str, int]) -> Iterator[tuple[dict[str, Any], int]]:
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern=_PATTERN, **span)
    for page in pages:
        for event in page["events"]:
            text = event["message"].strip()
            if text.startswith("{") and '"cpuMs"' in text:
                yield json.loads(text), len(text.encode())
