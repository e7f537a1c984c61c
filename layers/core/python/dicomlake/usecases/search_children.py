"""Search for series and instances (QIDO-RS, PS3.18 10.6): of one study, of one series, or across studies."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from dicomlake.domain.access import advise, matches_level
from dicomlake.domain.answers import describe_instance, describe_series, describe_study, project
from dicomlake.domain.cursor import Cursor, SeriesOrder
from dicomlake.domain.levels import QueryLevel, first_value
from dicomlake.domain.matching import is_universal, split_uids
from dicomlake.domain.model import InstanceKey, InstanceRecord, InstanceUid, JsonObject, SeriesUid, StudyUid, Visibility
from dicomlake.domain.query import Query
from dicomlake.domain.study import Series, Study
from dicomlake.ports import Datastore, Page
from dicomlake.usecases.search_pages import LOOK_AHEAD, Pages, Reader, ReadMeter, SearchResult, count_ahead
from dicomlake.usecases.search_studies import matches_study, matching_studies, place_of

SCOPED_BUDGET = 20_000
"""Index items a search inside one study may read: what it reads is bounded by the study, not by the store."""

_SERIES_UID, _INSTANCE_UID = "0020000E", "00080018"


@dataclass(frozen=True, slots=True)
class Found:
    """One answer on its way: what it tells, and where it stands among the others (None: nowhere that lasts)."""

    described: JsonObject
    place: Cursor | None


@dataclass(frozen=True, slots=True)
class Search:
    """One search below studies: what is asked, where, and what it has read; `start` is what the page starts behind."""

    query: Query
    store: Datastore
    base_url: str
    study_uid: StudyUid | None
    series_uid: SeriesUid | None
    meter: ReadMeter
    start: Cursor | None = None

    @property
    def scope(self) -> QueryLevel | None:
        """The level of what the request's path names."""
        return QueryLevel.SERIES if self.series_uid else QueryLevel.STUDY if self.study_uid else None

    def describe(self, study: Study, series: Series) -> JsonObject:
        """Return all a search can tell of a series and of its study."""
        return {**describe_study(study, self.base_url), **describe_series(study, series, self.base_url)}


def search_series(
    query: Query, store: Datastore, base_url: str, study_uid: StudyUid | None = None, reader: Reader | None = None
) -> SearchResult:
    """Return one page of the series that match, of one study or across studies; studies newest first."""
    search, pages = _begin(query, store, base_url, study_uid, None, reader)
    return _page(_found_series(search), search, pages)


def search_instances(
    query: Query,
    store: Datastore,
    base_url: str,
    study_uid: StudyUid | None = None,
    series_uid: SeriesUid | None = None,
    reader: Reader | None = None,
) -> SearchResult:
    """Return one page of the instances that match: of a series, of a study, or across studies."""
    search, pages = _begin(query, store, base_url, study_uid, series_uid, reader)
    return _page(_found_instances(search), search, pages)


def _begin(
    query: Query,
    store: Datastore,
    base_url: str,
    study_uid: StudyUid | None,
    series_uid: SeriesUid | None,
    reader: Reader | None,
) -> tuple[Search, Pages]:
    meter = ReadMeter("search series by series", SCOPED_BUDGET) if study_uid else ReadMeter(advise(query))
    pages = Pages(query, (study_uid or "", series_uid or ""), store, reader)
    return Search(query, store, base_url, study_uid, series_uid, meter, pages.start(meter)), pages


def _page(found: Iterator[Found], search: Search, pages: Pages) -> SearchResult:
    query, skip = search.query, 0 if search.start else search.query.offset
    page = list(islice(found, skip, skip + query.limit))
    items = tuple(project(query, one.described, search.scope) for one in page)
    remaining = count_ahead(found, search.meter)
    pages.end(len(items), page[-1].place if page else None, remaining)
    return SearchResult(items, remaining, search.meter.read)


def _found_series(search: Search) -> Iterator[Found]:
    for study in _studies(search):
        for series in _series(search, study):
            place = _behind(search, study, series)
            if search.start != place:
                yield Found(search.describe(study, series), place)


def _behind(search: Search, study: Study, series: Series) -> Cursor:
    """Where a series stands."""
    above = place_of(study)
    return Cursor(above.stamp, above.study_uid, _series_order(series))


def _studies(search: Search) -> Iterator[Study]:
    """Yield the studies in question: first the one in which the page starts."""
    start, store = search.start, search.store
    first = search.study_uid or (start.study_uid if start else None)
    if first:
        search.meter.count(1)
        study = store.studies.study(first)
        if study and matches_study(search.query, study):
            yield study
    if not search.study_uid:
        yield from matching_studies(search.query, store, search.meter, start)


def _series(search: Search, study: Study) -> Iterator[Series]:
    """Yield the series of a study that match; in the study in which the page starts, from the one in which it does."""
    held = search.store.studies.series(study.study_uid)
    search.meter.count(len(held))
    start = search.start.series if search.start and search.start.study_uid == study.study_uid else None
    for series in sorted(held, key=_series_order):
        due = series.counts.instances and (start is None or start <= _series_order(series))
        if due and matches_level(search.query, QueryLevel.SERIES, describe_series(study, series, "")):
            yield series


def _series_order(series: Series) -> SeriesOrder:
    """By Series Number, those without one last, then by UID."""
    number = first_value(series.attributes, "00200011")
    known = isinstance(number, int | float)
    return not known, float(number) if isinstance(number, int | float) else 0.0, series.series_uid


def _found_instances(search: Search) -> Iterator[Found]:
    if not is_universal(search.query.text(_INSTANCE_UID)):
        yield from _found_by_uid(search)
        return
    for study in _studies(search):
        for series in _series(search, study):
            if search.series_uid in (None, series.series_uid):
                yield from _found_in(search, study, series)


def _found_in(search: Search, study: Study, series: Series) -> Iterator[Found]:
    above, place = search.describe(study, series), _behind(search, study, series)
    for record in _records(search, place):
        if _shown(search.query, record):
            here = Cursor(place.stamp, place.study_uid, place.series, record.key.instance_uid)
            yield Found({**above, **describe_instance(record, search.base_url)}, here)


def _records(search: Search, place: Cursor) -> Iterator[InstanceRecord]:
    page = _first_records(search, place)
    while True:
        search.meter.count(page.read)
        yield from page.items
        if not page.after:
            return
        series_uid = SeriesUid(place.series[2]) if place.series else None
        page = search.store.instances.instances(place.study_uid, series_uid, page.after, _rows_at_once(search))


def _first_records(search: Search, place: Cursor) -> Page[InstanceRecord]:
    """Read the first rows of a series, or those behind the instance at which the page starts."""
    index, limit, start = search.store.instances, _rows_at_once(search), search.start
    series_uid = SeriesUid(place.series[2]) if place.series else SeriesUid("")
    if start and start.instance_uid and (start.study_uid, start.series) == (place.study_uid, place.series):
        return index.instances_behind(place.study_uid, series_uid, start.instance_uid, limit)
    return index.instances(place.study_uid, series_uid, limit=limit)


def _rows_at_once(search: Search) -> int:
    """No more rows than the page and what is counted behind it need, if every one is an answer."""
    wanted = (0 if search.start else search.query.offset) + search.query.limit + LOOK_AHEAD
    return max(1, min(1000, wanted, search.meter.left))


def _shown(query: Query, record: InstanceRecord) -> bool:
    visible = record.visibility is Visibility.PRIMARY
    return visible and matches_level(query, QueryLevel.INSTANCE, describe_instance(record, ""))


def _found_by_uid(search: Search) -> Iterator[Found]:
    """Yield the instances that a query names by SOP Instance UID, in the order it names them."""
    for uid in dict.fromkeys(split_uids(search.query.text(_INSTANCE_UID))):
        record = _named(search, InstanceUid(uid))
        if record and _shown(search.query, record):
            yield from _with_parents(search, record)


def _named(search: Search, instance_uid: InstanceUid) -> InstanceRecord | None:
    search.meter.check(2)
    place = search.store.instances.locate(instance_uid)
    search.meter.count(2 if place else 1)
    if place is None or search.study_uid not in (None, place.study_uid):
        return None
    if search.series_uid not in (None, place.series_uid):
        return None
    return search.store.instances.instance(InstanceKey(place.study_uid, place.series_uid, place.instance_uid))


def _with_parents(search: Search, record: InstanceRecord) -> Iterator[Found]:
    search.meter.count(1)
    study = search.store.studies.study(record.key.study_uid)
    if study is None or not matches_study(search.query, study):
        return
    for series in _series(search, study):
        if series.series_uid == record.key.series_uid:
            described = {**search.describe(study, series), **describe_instance(record, search.base_url)}
            yield Found(described, None)
