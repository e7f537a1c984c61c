"""SQS event sources as Lambda polls them: batches over 10 and the batching window, both of which the engine drops."""

import threading
import time
from typing import Any

PAYLOAD_ITEMS_LIMIT = 10_000


class QueueReceiver:
    """Takes the place of the engine's `_receive_messages_for_esm`."""

    def __init__(self, engine_sqs: Any, engine_lambda: Any) -> None:
        self._sqs = engine_sqs
        self._lambda = engine_lambda
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
            if self._should_wait(queue, batch_size):
                return []
            visibility = int(queue["attributes"].get("VisibilityTimeout", "30"))
            taken: list[dict[str, Any]] = self._sqs._collect_msgs(
                queue, min(int(batch_size or 1), PAYLOAD_ITEMS_LIMIT), visibility
            )
            return taken

    def _should_wait(self, queue: dict[str, Any], batch_size: int) -> bool:
        window = self._window(str(queue["attributes"].get("QueueArn", "")))
        if not window:
            return False
        now = time.time()
        since = [message["visible_at"] for message in queue["messages"] if message["visible_at"] <= now]
        if not since or len(since) >= batch_size:
            return False
        left: float = min(since) + window - now
        if left > 0:
            timer = threading.Timer(left, self._lambda._esm_wake.set)
            timer.daemon = True
            timer.start()
        return left > 0

    def _window(self, queue_arn: str) -> float:
        windows = (
            esm.get("MaximumBatchingWindowInSeconds") or 0
            for _, _, esm in self._lambda._iter_all_esms()
            if esm.get("EventSourceArn") == queue_arn
        )
        return float(next(windows, 0))
