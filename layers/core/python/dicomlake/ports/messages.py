"""Topics, queues and state machines."""

from collections.abc import Sequence
from typing import Protocol

from dicomlake.domain.model import LandedObject


class EventPublisher(Protocol):
    """The topic on which the lake tells what happened."""

    def publish(self, event: object) -> None:
        """Publish one event of domain.events."""
        ...


class WorkQueue(Protocol):
    """A queue of commands of one kind."""

    def send(self, commands: Sequence[object], delay_seconds: int = 0) -> None:
        """Send commands of domain.events, to be seen after the delay (0-900 s)."""
        ...

    def send_timed(self, commands: Sequence[tuple[object, int]]) -> None:
        """Send commands each with a delay of its own (0-900 s), in as few requests as commands of one delay."""
        ...


class Workflows(Protocol):
    """The state machines."""

    def settle_study(self, name: str, command: object, large: bool) -> None:
        """Start the study machine; starting the same name twice is once where the machine allows it."""
        ...

    def ingest_large(self, name: str, landed: LandedObject) -> None:
        """Start the large-object machine; starting the same name twice is once."""
        ...
