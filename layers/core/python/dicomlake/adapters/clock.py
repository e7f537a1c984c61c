"""The machine's own time and randomness."""

import secrets
from datetime import UTC, datetime


class SystemClock:
    """The system's time."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)


class RandomIdSource:
    """Ids from the system's random source."""

    def new(self) -> str:
        """Return 32 fresh random hex digits."""
        return secrets.token_hex(16)
