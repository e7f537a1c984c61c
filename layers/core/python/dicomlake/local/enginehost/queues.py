"""SQS event sources as Lambda polls them: batches over 10 and the batching window, both of which the engine drops."""

import bisect
import math
import time
from typing import Any

from .polling import Waker

PAYLOAD_ITEMS_LIMIT = 10_000


class QueueReceiver:
    """Takes the place of the engine's `_receive_messages_for_esm`."""

    def __init__(self, engine_sqs: Any, engine_lambda: Any, waker: Waker) -> None:
        self._sqs = engine_sqs
        self._lambda = engine_lambda
        self._waker = waker
        self.draining = False

    def receive(self, queue_url: str, batch_size: int) -> list[dict[str, Any]]:
        """Take a batch when it is full or its window is over, else nothing (and come back when it is)."""
        if self.draining:
            return []
        with self._sqs._queues_lock:
            queue = self._sqs._get_q(queue_url)
            if not queue["messages"]:
                return []
            self._sqs._expire_retained(queue)
            self._sqs._dlq_sweep(queue)
            due = self._due(queue, batch_size)
            taken: list[dict[str, Any]] = []
            if due <= time.time():
                visibility = int(queue["attributes"].get("VisibilityTimeout", "30"))
                taken = self._sqs._collect_msgs(queue, min(int(batch_size or 1), PAYLOAD_ITEMS_LIMIT), visibility)
            else:
                self._waker.at(due)
            return taken

    def _due(self, queue: dict[str, Any], batch_size: int) -> float:
        """When there is a batch: now when enough is visible, else when the window is over, or when the next one is."""
        now = time.time()
        times = sorted(message["visible_at"] for message in queue["messages"])
        visible = bisect.bisect_right(times, now)
        if visible >= batch_size:
            return now
        later = times[visible] if visible < len(times) else math.inf
        window = self._window(str(queue["attributes"].get("QueueArn", "")))
        return float(min(times[0] + window, later) if visible else later)

    def _window(self, queue_arn: str) -> float:
        windows = (
            esm.get("MaximumBatchingWindowInSeconds") or 0
            for _, _, esm in self._lambda._iter_all_esms()
            if esm.get("EventSourceArn") == queue_arn
        )
        return float(next(windows, 0))
