"""What handlers print, in the log group of their function: one stream per execution environment, as on AWS."""

import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

# The engine keeps log events in memory: beyond this many per stream the oldest go.
KEPT_EVENTS = 10_000
KEPT_STREAMS = 50
_lock = threading.Lock()


def new_stream_name(version: str) -> str:
    """Return a stream name of Lambda's form: date, version, random."""
    return f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"


def report_lines(request_id: str, version: str, output: str, numbers: str) -> list[str]:
    """Frame what was printed by the START, END and REPORT lines of the platform."""
    body = output.replace("\r", "\n").splitlines()
    start = f"START RequestId: {request_id} Version: {version}"
    return [start, *body, f"END RequestId: {request_id}", f"REPORT RequestId: {request_id}\t{numbers}"]


def append(engine_logs: Any, group_name: str, stream_name: str, lines: list[str]) -> None:
    """Append lines to a stream of the engine's CloudWatch Logs, making group and stream where they are new."""
    now = int(time.time() * 1000)
    with _lock:
        group = _group(engine_logs, group_name, now)
        stream = _stream(group, stream_name, now)
        events = [{"timestamp": now, "message": line, "ingestionTime": now} for line in lines]
        engine_logs._append_log_events(stream, events)
        del stream["events"][:-KEPT_EVENTS]
    if group["subscriptionFilters"]:
        plain = [{"timestamp": now, "message": line} for line in lines]
        engine_logs._fanout_to_subscription_filters(group_name, stream_name, plain)


def _group(engine_logs: Any, name: str, now: int) -> dict[str, Any]:
    if name not in engine_logs._log_groups:
        engine_logs._log_groups[name] = {
            "arn": engine_logs._make_group_arn(name),
            "creationTime": now,
            "retentionInDays": None,
            "tags": {},
            "subscriptionFilters": {},
            "streams": {},
        }
    group: dict[str, Any] = engine_logs._log_groups[name]
    return group


def _stream(group: dict[str, Any], name: str, now: int) -> dict[str, Any]:
    streams: dict[str, Any] = group["streams"]
    if name not in streams:
        while len(streams) >= KEPT_STREAMS:
            del streams[next(iter(streams))]
        streams[name] = {
            "events": [],
            "uploadSequenceToken": "1",
            "creationTime": now,
            "firstEventTimestamp": None,
            "lastEventTimestamp": None,
            "lastIngestionTime": None,
        }
    stream: dict[str, Any] = streams[name]
    return stream
