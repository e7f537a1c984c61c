"""When event sources are looked at: the engine looks once a second, or when something new came.

So it comes late to what becomes visible later, drops the batching window of streams, and looks at no queue while a
stream's function runs.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

IDLE_WAKE_GAP = 0.005
"""Seconds that the engine rests after a look that found nothing; its own 0.05 are paid at every step of a study."""


class Waker:
    """Has the engine look at its event sources when something is due; each look says what is due next."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._changed = threading.Condition()
        self._due = math.inf
        threading.Thread(target=self._run, name="event-sources", daemon=True).start()

    def at(self, due: float) -> None:
        """Look again at `due`, in seconds of the epoch."""
        with self._changed:
            if due < self._due:
                self._due = due
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while (left := self._due - time.time()) > 0:
                    self._changed.wait(left if left < math.inf else None)
                self._due = math.inf
            self._wake()


class StreamPoller:
    """Takes the place of the engine's `_poll_dynamodb_streams`: the same look, by a thread of its own."""

    def __init__(self, functions: Any, tables: Any, waker: Waker) -> None:
        self._functions = functions
        self._waker = waker
        self._look: Callable[[], bool] = functions._poll_dynamodb_streams
        self._since: Callable[..., list[dict[str, Any]]] = tables.stream_records_since
        self._wanted = threading.Event()
        threading.Thread(target=self._run, name="stream-poller", daemon=True).start()

    def poll(self) -> bool:
        """Have the streams looked at; the queues need not wait for what comes of it."""
        self._wanted.set()
        return False

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            try:
                while self._look():
                    continue
            except Exception:
                logging.getLogger(__name__).exception("a look at the streams failed; the next one starts where it did")

    def records_since(self, table: str, position: int, limit: int, **scope: Any) -> list[dict[str, Any]]:
        """Take the place of `stream_records_since`: a part of a batch is there when its window is over."""
        records = self._since(table, position, limit, **scope)
        window = 0.0 if scope or len(records) >= limit else max(self._windows(table), default=0.0)
        if not records or not window:
            return records
        due = _written_at(records[0]) + window
        if due <= time.time():
            return records
        self._waker.at(due)
        return []

    def _windows(self, table: str) -> Iterator[float]:
        for _, _, mapping in self._functions._iter_all_esms():
            if f":table/{table}/" in mapping.get("EventSourceArn", ""):
                yield float(mapping.get("MaximumBatchingWindowInSeconds") or 0)


def _written_at(record: dict[str, Any]) -> float:
    """When a record was written: its sequence number begins with the milliseconds of the epoch, in 20 digits."""
    return int(record["dynamodb"]["SequenceNumber"][:20]) / 1000
