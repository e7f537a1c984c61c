"""S3 event notifications by a few standing threads: the engine starts a thread per object, and loses those in flight
at its end."""

import contextvars
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_THREADS = 4


class Notifications:
    """Takes the place of the engine's `_fire_s3_event_async`."""

    def __init__(self, engine_s3: Any) -> None:
        self._s3 = engine_s3
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3-events")

    def fire(self, bucket_name: str, key: str, event_name: str, *about: object, **more: object) -> None:
        """Hand one event over; its sequencer is drawn now, so that order can be told later."""
        if bucket_name not in self._s3._bucket_notifications:
            return
        sequencer = self._s3._next_event_sequencer(event_name)
        more.setdefault("version_id", None)
        send = functools.partial(
            self._s3._fire_s3_event, bucket_name, key, event_name, *about, sequencer=sequencer, **more
        )
        self._threads.submit(contextvars.copy_context().run, send)

    def close(self) -> None:
        """Deliver what was handed over."""
        self._threads.shutdown(wait=True)
