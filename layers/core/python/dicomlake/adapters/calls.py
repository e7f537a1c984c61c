"""What clients cost: every request they send, retries too, and the capacity that DynamoDB says it took."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

READS = frozenset({"GetItem", "BatchGetItem", "Query", "TransactGetItems"})


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used since the last reset: requests by `service:Operation`, DynamoDB request units, body bytes."""

    calls: Mapping[str, int] = field(default_factory=dict)
    read_units: float = 0.0
    write_units: float = 0.0
    bytes_out: int = 0
    bytes_in: int = 0

    @property
    def requests(self) -> int:
        """All requests together."""
        return sum(self.calls.values())


class CallMeter:
    """Counts what the clients that it watches send and receive."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._start()

    def _start(self) -> None:
        self._calls: Counter[str] = Counter()
        self._units = {"read": 0.0, "write": 0.0}
        self._bytes = {"out": 0, "in": 0}

    def watch(self, client: Any) -> None:
        """Count a client's requests from now on; each attempt of a retried call is one."""
        events = client.meta.events
        events.register("before-send", self._count_request)
        events.register("response-received", self._count_response)

    def snapshot(self) -> Usage:
        """Return what was used since the last reset."""
        with self._lock:
            return self._used()

    def reset(self) -> Usage:
        """Return what was used and begin at nothing again."""
        with self._lock:
            used = self._used()
            self._start()
        return used

    def _used(self) -> Usage:
        return Usage(
            dict(self._calls), self._units["read"], self._units["write"], self._bytes["out"], self._bytes["in"]
        )

    def sent(self, service: str, operation: str, length: int) -> None:
        """Count a request and the bytes of its body."""
        with self._lock:
            self._calls[f"{service}:{operation}"] += 1
            self._bytes["out"] += length

    def received(self, length: int) -> None:
        """Count the bytes of an answer's body."""
        with self._lock:
            self._bytes["in"] += length

    def consumed(self, operation: str, capacity: Any) -> None:
        """Count what DynamoDB says an operation took: one `ConsumedCapacity`, or one a table."""
        tables = [capacity] if isinstance(capacity, Mapping) else capacity or []
        kind = "read" if operation in READS else "write"
        with self._lock:
            self._units[kind] += sum(float(table.get("CapacityUnits", 0)) for table in tables)

    def _count_request(self, request: Any, event_name: str, **rest: Any) -> None:
        _, service, operation = event_name.split(".")
        self.sent(service, operation, _body_length(request.headers))

    def _count_response(
        self,
        event_name: str,
        response_dict: Mapping[str, Any] | None = None,
        parsed_response: Mapping[str, Any] | None = None,
        **rest: Any,
    ) -> None:
        operation = event_name.rsplit(".", 1)[-1]
        if operation != "HeadObject":
            self.received(int((response_dict or {}).get("headers", {}).get("content-length", 0)))
        self.consumed(operation, (parsed_response or {}).get("ConsumedCapacity"))


def _body_length(headers: Mapping[str, Any]) -> int:
    """Bytes of a request's body; S3 uploads travel in chunks with their checksum behind, so without a length."""
    return int(headers.get("X-Amz-Decoded-Content-Length") or headers.get("Content-Length") or 0)
