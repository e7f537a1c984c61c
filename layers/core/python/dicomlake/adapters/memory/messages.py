"""Topic, queue and state machines in memory: they remember what they were given."""

from collections.abc import Sequence
from threading import Lock

from dicomlake.domain.model import LandedObject


class MemoryEventPublisher:
    """Remembers every event, in order, in `events`."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def publish(self, event: object) -> None:
        """Publish one event."""
        self.events.append(event)


class MemoryWorkQueue:
    """Remembers every command with its delay, in order, in `sent`."""

    def __init__(self) -> None:
        self.sent: list[tuple[object, int]] = []

    @property
    def commands(self) -> list[object]:
        """The commands alone, in the order they were sent."""
        return [command for command, _ in self.sent]

    def send(self, commands: Sequence[object], delay_seconds: int = 0) -> None:
        """Send commands, to be seen after the delay (0-900 s)."""
        self.send_timed([(command, delay_seconds) for command in commands])

    def send_timed(self, commands: Sequence[tuple[object, int]]) -> None:
        """Send commands each with a delay of its own (0-900 s)."""
        if not all(0 <= delay_seconds <= 900 for _, delay_seconds in commands):
            raise ValueError("a queue delays a message by 0 to 900 seconds")
        self.sent.extend(commands)

    def take(self) -> list[tuple[object, int]]:
        """Return what was sent since the last call, with delays, and forget it."""
        taken, self.sent = self.sent, []
        return taken


class MemoryWorkflows:
    """Remembers the first start of every name: studies in `studies` (command, large), objects in `large_objects`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.studies: dict[str, tuple[object, bool]] = {}
        self.large_objects: dict[str, LandedObject] = {}

    def settle_study(self, name: str, command: object, large: bool) -> None:
        """Start the study machine once per name."""
        with self._lock:
            self.studies.setdefault(name, (command, large))

    def ingest_large(self, name: str, landed: LandedObject) -> None:
        """Start the large-object machine once per name."""
        with self._lock:
            self.large_objects.setdefault(name, landed)
