"""What the lake holds and what went through it, from the end of the change feed: one read, whatever the size."""

from dataclasses import dataclass

from dicomlake.domain.ledger import Tally
from dicomlake.domain.model import Counts
from dicomlake.ports import Change, ChangeFeed


@dataclass(frozen=True, slots=True)
class Statistics:
    """Fact: totals up to a change number. landed = stored + duplicates + quarantined; `ratio` is landed by stored."""

    change: int
    tally: Tally
    counts: Counts
    ratio: float | None


def lake_statistics(feed: ChangeFeed) -> Statistics:
    """Return the totals of everything numbered so far."""
    head = feed.head()
    counts = head.counts
    ratio = round(counts.landed_bytes / counts.stored_bytes, 3) if counts.stored_bytes else None
    return Statistics(head.number, head.tally, counts, ratio)


def list_changes(feed: ChangeFeed, after: int, limit: int) -> tuple[Change, ...]:
    """Return the changes behind a number, in order."""
    return feed.read(after, limit)
