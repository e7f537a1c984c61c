"""The ledger: one row per version of a landed object, saying where it ended.

Landed = stored + duplicates + quarantined, at any moment.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dicomlake.domain.errors import EXPLANATIONS, Reason
from dicomlake.domain.model import InstanceKey, LandedObject, LedgerKey, Outcome, Warned


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a landed object, and when (ISO 8601, UTC)."""

    name: str
    at: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Where one landed object is: pending, or ended as stored, duplicate or quarantined.

    `landed_at` is when S3 had the object, "" where that is not known (after a rebuild, of a de-identified copy).
    `instance` is known once the header was read; `reason`, `detail` and `repair` where it is quarantined.
    `quarantine_key` names the copy in the quarantine bucket.
    """

    key: LedgerKey
    outcome: Outcome
    size: int
    landed_at: str = ""
    source: str = "default"
    instance: InstanceKey | None = None
    reason: Reason | None = None
    detail: str = ""
    quarantine_key: str = ""
    attempts: int = 0
    warnings: tuple[Warned, ...] = ()
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        if (self.outcome is Outcome.QUARANTINED) != (self.reason is not None):
            raise ValueError("a ledger entry has a reason exactly when it is quarantined")

    def after(self, name: str, at: str) -> "LedgerEntry":
        """Return the entry with one more step."""
        return replace(self, steps=(*self.steps, Step(name, at)))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a landed object came from: who sent it, and when S3 had it ("" where that is not known)."""

    source: str = "default"
    landed_at: str = ""


UNKNOWN = Origin()
"""Of an object that tells neither."""


def origin_of(landed: LandedObject) -> Origin:
    """Return the origin of a landed object."""
    return Origin(landed.source, landed.landed_at)


def alarming(entries: Iterable[LedgerEntry]) -> int:
    """Count the quarantined objects that somebody should look at (domain.errors: `Explanation.alarms`)."""
    return sum(1 for entry in entries if entry.reason is not None and EXPLANATIONS[entry.reason].alarms)


def is_decided(entry: LedgerEntry | None) -> bool:
    """Whether a landed object has ended: it has an entry, and not a pending one."""
    return entry is not None and entry.outcome is not Outcome.PENDING


@dataclass(frozen=True, slots=True)
class Tally:
    """How many landed objects ended where; the numbers that must add up."""

    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0

    @property
    def landed(self) -> int:
        """Every object that landed and was decided."""
        return self.stored + self.duplicates + self.quarantined

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.stored + other.stored, self.duplicates + other.duplicates, self.quarantined + other.quarantined
        )


NO_TALLY = Tally()
