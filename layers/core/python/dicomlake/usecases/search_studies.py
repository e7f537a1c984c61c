"""Search for studies (QIDO-RS, PS3.18 10.6): newest first, from the index only, within a read budget."""

from collections.abc import Iterator
from heapq import merge
from itertools import batched, islice

from dicomlake.domain.access import AccessPath, RowRange, advise, matches_level, plan_access
from dicomlake.domain.answers import describe_study, project
from dicomlake.domain.cursor import Cursor
from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import StudyUid
from dicomlake.domain.query import Query
from dicomlake.domain.search_keys import stamp_of
from dicomlake.domain.study import Study
from dicomlake.ports import Datastore, SearchHit, SearchKey
from dicomlake.usecases.search_pages import (
    LOOK_AHEAD,
    Pages,
    Reader,
    ReadMeter,
    Remaining,
    SearchResult,
    count_ahead,
)

ROWS_A_PAGE = 100


def search_studies(query: Query, store: Datastore, base_url: str, reader: Reader | None = None) -> SearchResult:
    """Return one page of the studies that match; a reader's next page goes on behind it, whatever arrives meanwhile."""
    meter = ReadMeter(advise(query))
    pages = Pages(query, (), store, reader)
    start = pages.start(meter)
    studies, remaining = _page(query, store, meter, start, 0 if start else query.offset)
    items = tuple(project(query, describe_study(study, base_url)) for study in studies)
    pages.end(len(items), place_of(studies[-1]) if studies else None, remaining)
    return SearchResult(items, remaining, meter.read)


def place_of(study: Study) -> Cursor:
    """Return where a study stands in every answer that lists it."""
    return Cursor(stamp_of(study), study.study_uid)


def _page(
    query: Query, store: Datastore, meter: ReadMeter, start: Cursor | None, skip: int
) -> tuple[list[Study], Remaining]:
    path = plan_access(query)
    if not _is_whole(path, query):
        found = islice(matching_studies(query, store, meter, start), skip, None)
        studies = list(islice(found, query.limit))
        return studies, count_ahead(found, meter)
    uids = islice(_ordered_uids(path, store, meter, skip + query.limit + LOOK_AHEAD, start), skip, None)
    studies = []
    while len(studies) < query.limit:
        some = list(islice(uids, min(ROWS_A_PAGE, query.limit - len(studies))))
        if not some:
            break
        studies += _load(iter(some), query, store, meter)
    return studies, count_ahead(uids, meter)


def _is_whole(path: AccessPath, query: Query) -> bool:
    """Whether every row of a path is an answer, so that rows are enough to skip and to count."""
    keys = {match.path[0].keyword for match in query.matches}
    return bool(path.ranges) and path.exact and keys <= {path.key, "StudyDate"}


def matching_studies(query: Query, store: Datastore, meter: ReadMeter, start: Cursor | None = None) -> Iterator[Study]:
    """Yield the studies that match the study-level keys, newest first, those behind `start`."""
    path = plan_access(query)
    if path.ranges and path.in_order:
        yield from _load(_ordered_uids(path, store, meter, ROWS_A_PAGE, start), query, store, meter)
        return
    uids = _ordered_uids(path, store, meter, ROWS_A_PAGE) if path.ranges else iter(path.study_uids)
    ordered = sorted(_load(uids, query, store, meter), key=_age, reverse=True)
    yield from (study for study in ordered if start is None or _age(study) < (start.stamp, start.study_uid))


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


def _ordered_uids(
    path: AccessPath, store: Datastore, meter: ReadMeter, want: int, start: Cursor | None = None
) -> Iterator[StudyUid]:
    """Yield the studies of the rows of a path, each once, backwards through its ranges side by side, behind `start`."""
    key = SearchKey("", f"{path.prefix}{start.stamp}") if start else None
    after = SearchHit(key, start.study_uid).place if key and start else ""
    hits = (_hits(rows, store, meter, want, after) for rows in path.ranges)
    seen: set[StudyUid] = set()
    for hit in merge(*hits, key=_place, reverse=True):
        if hit.study_uid not in seen:
            seen.add(hit.study_uid)
            yield hit.study_uid


def _place(hit: SearchHit) -> str:
    return hit.place


def _hits(rows: RowRange, store: Datastore, meter: ReadMeter, want: int, after: str) -> Iterator[SearchHit]:
    while True:
        meter.check(1)
        limit = min(want, max(1, meter.left), 1000)
        page = store.studies.search(rows.partition, rows.low, rows.high, True, after, limit)
        meter.count(page.read)
        yield from page.items
        after = page.after
        if not after:
            return
