"""Search for series and instances (QIDO-RS, PS3.18 10.6): of one study, of one series, or across studies."""

from collections.abc import Iterator
from itertools import islice

from dicomlake.domain.access import advise, matches_level
from dicomlake.domain.answers import describe_instance, describe_series, describe_study, project
from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.matching import is_universal, split_uids
from dicomlake.domain.model import InstanceKey, InstanceRecord, InstanceUid, JsonObject, SeriesUid, StudyUid, Visibility
from dicomlake.domain.query import Query
from dicomlake.domain.study import Series, Study
from dicomlake.ports import Datastore
from dicomlake.usecases.search_studies import ReadMeter, SearchResult, matches_study, matching_studies

SCOPED_BUDGET = 20_000
"""Index items a search inside one study may read: what it reads is bounded by the study, not by the store."""

_SERIES_UID, _INSTANCE_UID = "0020000E", "00080018"


def search_series(query: Query, store: Datastore, base_url: str, study_uid: StudyUid | None = None) -> SearchResult:
    """Return one page of the series that match, of one study or across studies; studies newest first."""
    meter = _meter(query, study_uid)
    scope = QueryLevel.STUDY if study_uid else None
    found = (
        project(query, {**describe_study(study, base_url), **describe_series(study, series, base_url)}, scope)
        for study in _studies(query, store, meter, study_uid)
        for series in _series(query, study, store, meter)
    )
    return _page(found, query, meter)


def search_instances(
    query: Query,
    store: Datastore,
    base_url: str,
    study_uid: StudyUid | None = None,
    series_uid: SeriesUid | None = None,
) -> SearchResult:
    """Return one page of the instances that match: of a series, of a study, or across studies."""
    meter = _meter(query, study_uid)
    scope = QueryLevel.SERIES if series_uid else QueryLevel.STUDY if study_uid else None
    found = (
        project(query, {**above, **describe_instance(record, base_url)}, scope)
        for above, record in _instances(query, store, base_url, study_uid, series_uid, meter)
    )
    return _page(found, query, meter)


def _meter(query: Query, study_uid: StudyUid | None) -> ReadMeter:
    return ReadMeter("search series by series", SCOPED_BUDGET) if study_uid else ReadMeter(advise(query))


def _page(found: Iterator[JsonObject], query: Query, meter: ReadMeter) -> SearchResult:
    page = list(islice(found, query.offset, query.offset + query.limit + 1))
    return SearchResult(tuple(page[: query.limit]), len(page) > query.limit, meter.read)


def _studies(query: Query, store: Datastore, meter: ReadMeter, study_uid: StudyUid | None) -> Iterator[Study]:
    if study_uid is None:
        yield from matching_studies(query, store, meter)
        return
    study = store.studies.study(study_uid)
    meter.count(1)
    if study and matches_study(query, study):
        yield study


def _series(query: Query, study: Study, store: Datastore, meter: ReadMeter) -> Iterator[Series]:
    held = store.studies.series(study.study_uid)
    meter.count(len(held))
    for series in sorted(held, key=_series_order):
        if series.counts.instances and matches_level(query, QueryLevel.SERIES, describe_series(study, series, "")):
            yield series


def _series_order(series: Series) -> tuple[bool, float, str]:
    """By Series Number, those without one last, then by UID."""
    element = series.attributes.get("00200011")
    values = element.get("Value") if isinstance(element, dict) else None
    number = values[0] if isinstance(values, list) and values else None
    known = isinstance(number, int | float)
    return not known, float(number) if isinstance(number, int | float) else 0.0, series.series_uid


def _instances(
    query: Query,
    store: Datastore,
    base_url: str,
    study_uid: StudyUid | None,
    series_uid: SeriesUid | None,
    meter: ReadMeter,
) -> Iterator[tuple[JsonObject, InstanceRecord]]:
    named = _named_instances(query, store, study_uid, series_uid, meter)
    if named is not None:
        for record in named:
            yield from _with_parents(record, query, store, base_url, meter)
        return
    for study in _studies(query, store, meter, study_uid):
        for series in _series(query, study, store, meter):
            if series_uid in (None, series.series_uid):
                above = {**describe_study(study, base_url), **describe_series(study, series, base_url)}
                for record in _records(query, study, series.series_uid, store, meter):
                    yield above, record


def _records(
    query: Query, study: Study, series_uid: SeriesUid, store: Datastore, meter: ReadMeter
) -> Iterator[InstanceRecord]:
    after = ""
    while True:
        page = store.instances.instances(study.study_uid, series_uid, after, limit=max(1, min(1000, meter.left)))
        meter.count(page.read)
        yield from (record for record in page.items if _shown(query, record))
        after = page.after
        if not after:
            return


def _shown(query: Query, record: InstanceRecord) -> bool:
    visible = record.visibility is Visibility.PRIMARY
    return visible and matches_level(query, QueryLevel.INSTANCE, describe_instance(record, ""))


def _named_instances(
    query: Query,
    store: Datastore,
    study_uid: StudyUid | None,
    series_uid: SeriesUid | None,
    meter: ReadMeter,
) -> list[InstanceRecord] | None:
    """Return the instances a query names by SOP Instance UID, None where it names none."""
    text = query.text(_INSTANCE_UID)
    if is_universal(text):
        return None
    found = []
    for uid in dict.fromkeys(split_uids(text)):
        meter.check(2)
        place = store.instances.locate(InstanceUid(uid))
        record = (
            store.instances.instance(InstanceKey(place.study_uid, place.series_uid, place.instance_uid))
            if place
            else None
        )
        meter.count(2 if place else 1)
        inside = record and study_uid in (None, record.key.study_uid) and series_uid in (None, record.key.series_uid)
        if record and inside and _shown(query, record):
            found.append(record)
    return found


def _with_parents(
    record: InstanceRecord,
    query: Query,
    store: Datastore,
    base_url: str,
    meter: ReadMeter,
) -> Iterator[tuple[JsonObject, InstanceRecord]]:
    for study in _studies(query, store, meter, record.key.study_uid):
        for series in _series(query, study, store, meter):
            if series.series_uid == record.key.series_uid:
                yield {**describe_study(study, base_url), **describe_series(study, series, base_url)}, record
