"""Time, names and secrets that tests can set."""

import hashlib
from datetime import UTC, datetime, timedelta

from dicomlake.domain.ids import LakeSecret


class MemoryClock:
    """A clock that stands still until it is set or advanced."""

    def __init__(self, at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.set(at)

    def now(self) -> datetime:
        """Return the time that was set."""
        return self._at

    def set(self, at: datetime) -> None:
        """Set the time; it must be aware."""
        if at.tzinfo is None:
            raise ValueError("a clock's time is aware")
        self._at = at.astimezone(UTC)

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds."""
        self._at += timedelta(seconds=seconds)


class MemoryIdSource:
    """Ids that look random and are the same in every run with the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._count = 0

    def new(self) -> str:
        """Return the next 32 hex digits."""
        self._count += 1
        return hashlib.sha256(f"{self._seed}/{self._count}".encode()).hexdigest()[:32]


class MemorySecretSource:
    """A secret that is given."""

    def __init__(self, value: bytes = b"a secret for tests, 32 bytes long") -> None:
        self._secret = LakeSecret(value)

    def lake_secret(self) -> LakeSecret:
        """Return the secret."""
        return self._secret
