"""Time, names, secrets, and how listings are paged."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dicomlake.domain.ids import LakeSecret


@dataclass(frozen=True, slots=True)
class Page[T]:
    """One page of a listing; `after` continues it ("" at the end); `read` counts the index items it cost."""

    items: tuple[T, ...]
    after: str = ""
    read: int = 0


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


class IdSource(Protocol):
    """New names that collide with nothing."""

    def new(self) -> str:
        """Return 32 fresh random hex digits."""
        ...


class SecretSource(Protocol):
    """Where the lake's secret is kept."""

    def lake_secret(self) -> LakeSecret:
        """Return the secret from which keyed names are derived; fetched once per process."""
        ...
