"""What one data store holds, in dictionaries under one lock."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock

from dicomlake.domain.change import StudyChange
from dicomlake.domain.commit import CommitRow, Location
from dicomlake.domain.cursor import Cursor
from dicomlake.domain.image_sets import ImageSet
from dicomlake.domain.imports import ImportJob
from dicomlake.domain.ledger import LedgerEntry
from dicomlake.domain.model import InstanceKey, InstanceRecord, InstanceUid, LedgerKey, SeriesUid, StudyUid
from dicomlake.domain.study import Series, Study
from dicomlake.ports import Change, FeedHead, Page, SearchKey


@dataclass(slots=True)
class MemoryState:
    """The rows of one data store; every port of it locks `lock` for as long as it reads or writes."""

    lock: RLock = field(default_factory=RLock)
    ledger: dict[LedgerKey, LedgerEntry] = field(default_factory=dict)
    quarantined: dict[str, LedgerKey] = field(default_factory=dict)
    instances: dict[InstanceKey, InstanceRecord] = field(default_factory=dict)
    beside: dict[tuple[InstanceKey, str], InstanceRecord] = field(default_factory=dict)
    claims: dict[InstanceUid, Location] = field(default_factory=dict)
    committed: list[CommitRow] = field(default_factory=list)
    unfolded: dict[StudyUid, dict[str, CommitRow]] = field(default_factory=dict)
    studies: dict[StudyUid, Study] = field(default_factory=dict)
    series: dict[StudyUid, dict[SeriesUid, Series]] = field(default_factory=dict)
    search: set[tuple[SearchKey, StudyUid]] = field(default_factory=set)
    pending: dict[StudyUid, dict[LedgerKey, datetime]] = field(default_factory=dict)
    cursors: dict[str, tuple[Cursor, datetime]] = field(default_factory=dict)
    links: dict[str, datetime] = field(default_factory=dict)
    imports: dict[str, ImportJob] = field(default_factory=dict)
    image_sets: dict[str, list[ImageSet]] = field(default_factory=dict)
    members: dict[tuple[str, str], tuple[InstanceUid, ...]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    numbered: set[str] = field(default_factory=set)
    head: FeedHead | None = None
    under_way: dict[StudyUid, StudyChange] = field(default_factory=dict)
    history: dict[StudyUid, dict[int, StudyChange]] = field(default_factory=dict)


def page_of[T](
    items: Iterable[T], place: Callable[[T], str], after: str, limit: int, descending: bool = False
) -> Page[T]:
    """Return the page of `items`, ordered by `place`, that follows the place `after`."""
    ordered = sorted(items, key=place, reverse=descending)
    rest = [i for i in ordered if not after or (place(i) < after if descending else place(i) > after)]
    taken = tuple(rest[:limit])
    return Page(taken, place(taken[-1]) if len(rest) > limit else "", len(taken))
