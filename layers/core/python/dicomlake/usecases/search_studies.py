"""Search for studies (QIDO-RS, PS3.18 10.6): newest first, from the index only, within a read budget."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import batched, islice

from dicomlake.domain.access import READ_BUDGET, AccessPath, RowRange, advise, matches_level, plan_access
from dicomlake.domain.answers import describe_study, project
from dicomlake.domain.errors import TooLargeError
from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import JsonObject, StudyUid
from dicomlake.domain.query import Query
from dicomlake.domain.search_keys import stamp_of
from dicomlake.domain.study import Study
from dicomlake.ports import Datastore, SearchHit

ROWS_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Fact: the answers as DICOM JSON, whether more remain behind them, and how many index items were read."""

    items: tuple[JsonObject, ...]
    more: bool
    read: int


@dataclass(slots=True)
class ReadMeter:
    """Counts the index items one search reads. Raises TooLargeError beyond the budget, with the advice."""

    advice: str
    budget: int = READ_BUDGET
    read: int = field(default=0, init=False)

    @property
    def left(self) -> int:
        """How many items may still be read."""
        return self.budget - self.read

    def count(self, items: int) -> None:
        """Add what was read."""
        self.read += items
        self.check(0)

    def check(self, items: int) -> None:
        """Refuse to read so many more items if that is over the budget."""
        if self.read + items > self.budget:
            raise TooLargeError(f"the search reads more than {self.budget} index items: {self.advice}")


def search_studies(query: Query, store: Datastore, base_url: str) -> SearchResult:
    """Return one page of the studies that match."""
    meter = ReadMeter(advise(query))
    found = matching_studies(query, store, meter, skip=query.offset, want=query.limit + 1)
    page = list(islice(found, query.limit + 1))
    items = tuple(project(query, describe_study(study, base_url)) for study in page[: query.limit])
    return SearchResult(items, len(page) > query.limit, meter.read)


def matching_studies(
    query: Query, store: Datastore, meter: ReadMeter, skip: int = 0, want: int = ROWS_A_PAGE
) -> Iterator[Study]:
    """Yield the studies that match the study-level keys, newest first, without the first `skip`.

    `want` is how many the caller will take at most: pages are cut to it, so that nothing is read in vain.
    """
    path = plan_access(query)
    if path.ranges and path.exact and {match.path[0].keyword for match in query.matches} <= {path.key}:
        uids = islice(_ordered_uids(path, store, meter, skip + want), skip, None)
        yield from _load(islice(uids, want), query, store, meter)
        yield from _load(uids, query, store, meter)  # only where rows led to studies without instances
        return
    candidates = _ordered_uids(path, store, meter, ROWS_A_PAGE) if path.ranges else iter(path.study_uids)
    found = _load(candidates, query, store, meter)
    ordered = found if path.ranges and path.in_order else iter(sorted(found, key=_age, reverse=True))
    yield from islice(ordered, skip, None)


def _age(study: Study) -> tuple[str, str]:
    """The order of the rows of a partition, which the index ends with the study's UID."""
    return stamp_of(study), study.study_uid


def _load(uids: Iterator[StudyUid], query: Query, store: Datastore, meter: ReadMeter) -> Iterator[Study]:
    for batch in batched(uids, ROWS_A_PAGE, strict=False):
        meter.check(len(batch))
        held = store.studies.studies(batch)
        meter.count(len(batch))
        for uid in batch:
            study = held.get(uid)
            if study and study.counts.instances and matches_study(query, study):
                yield study


def matches_study(query: Query, study: Study) -> bool:
    """Whether a study matches the study-level keys of a query."""
    return matches_level(query, QueryLevel.STUDY, describe_study(study, ""))


def _ordered_uids(path: AccessPath, store: Datastore, meter: ReadMeter, want: int) -> Iterator[StudyUid]:
    """Yield the studies of the path's rows, each once, backwards range by range."""
    seen: set[StudyUid] = set()
    for rows in path.ranges:
        for hit in _hits(rows, store, meter, want):
            if hit.study_uid not in seen:
                seen.add(hit.study_uid)
                yield hit.study_uid


def _hits(rows: RowRange, store: Datastore, meter: ReadMeter, want: int) -> Iterator[SearchHit]:
    after = ""
    while True:
        meter.check(1)
        limit = min(want, max(1, meter.left), 1000)
        page = store.studies.search(rows.partition, rows.low, rows.high, True, after, limit)
        meter.count(page.read)
        yield from page.items
        after = page.after
        if not after:
            return
