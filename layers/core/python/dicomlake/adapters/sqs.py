"""A queue of commands, on SQS."""

from collections.abc import Callable, Sequence
from itertools import batched
from secrets import SystemRandom
from time import sleep
from typing import Any

from dicomlake.adapters.aws_errors import aws_errors
from dicomlake.domain.errors import ThrottledError, UnavailableError

BATCH = 10
TRIES = 5
_RANDOM = SystemRandom()


class SqsWorkQueue:
    """Sends commands to one queue; `encode` is the wire format."""

    def __init__(
        self, client: Any, queue_url: str, encode: Callable[[object], str], wait: Callable[[float], None] = sleep
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._encode = encode
        self._wait = wait

    def send(self, commands: Sequence[object], delay_seconds: int = 0) -> None:
        """Send commands, to be seen after the delay (0-900 s); ten a request."""
        self.send_timed([(command, delay_seconds) for command in commands])

    def send_timed(self, commands: Sequence[tuple[object, int]]) -> None:
        """Send commands each with a delay of its own (0-900 s); ten a request."""
        if not all(0 <= delay_seconds <= 900 for _, delay_seconds in commands):
            raise ValueError("a queue delays a message by 0 to 900 seconds")
        for some in batched(commands, BATCH, strict=False):
            entries = [
                {"Id": str(number), "MessageBody": self._encode(command), "DelaySeconds": delay_seconds}
                for number, (command, delay_seconds) in enumerate(some)
            ]
            self._send_all(entries)

    def _send_all(self, entries: list[dict[str, Any]]) -> None:
        """Send a batch, then what of it failed, a few times. What was sent is not sent again."""
        for attempt in range(TRIES):
            if attempt:
                self._wait(_RANDOM.uniform(0.25, 1.0) * 0.05 * 2**attempt)
            with aws_errors():
                answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
            failed = {entry["Id"]: entry for entry in answer.get("Failed", [])}
            refused = sorted({entry.get("Code", "") for entry in failed.values() if entry.get("SenderFault")})
            if refused:
                raise UnavailableError(f"the queue refused a message ({', '.join(refused)})")
            entries = [entry for entry in entries if entry["Id"] in failed]
            if not entries:
                return
        raise ThrottledError("the queue failed a part of a batch every time; try again later")
