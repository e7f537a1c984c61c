"""Pages of a search go on behind where they ended, on every index adapter."""

from datetime import UTC, datetime, timedelta

import pytest

from dicomlake.domain.cursor import Cursor
from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import Counts, InstanceUid, StudyUid
from dicomlake.domain.query import parse_query
from dicomlake.domain.search_keys import STUDIES, SearchKey, search_keys
from dicomlake.domain.study import Study
from dicomlake.ports import Datastore, Fold, SearchHit
from dicomlake.usecases.search_children import search_instances
from dicomlake.usecases.search_pages import Reader
from dicomlake.usecases.search_studies import search_studies
from tests.builders import Builder
from tests.contract.test_study_index import fold_all
from tests.usecases.stored_lake import element, study_part

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CURSOR = Cursor("20240101#080000", StudyUid("1.2.1"), (False, 7.5, "1.2.1.1"), InstanceUid("1.2.1.1.1"))
READER = Reader("reader", NOW)


def add(store: Datastore, uid: str, day: str) -> None:
    part = study_part(uid, t00080020=element("DA", day))
    row = Study(StudyUid(uid), version=1, attributes=part, counts=Counts(instances=1))
    store.studies.fold(Fold(row, expected_version=0, add_keys=search_keys(row)))


@pytest.mark.parametrize("cursor", [CURSOR, Cursor("", StudyUid("1.2.1"))])
def test_a_cursor_comes_back_as_it_was_until_it_expires(store: Datastore, cursor: Cursor) -> None:
    store.studies.save_cursor("a", Cursor("first", StudyUid("1.2.9")), NOW + timedelta(hours=1))
    store.studies.save_cursor("a", cursor, NOW + timedelta(hours=1))

    assert store.studies.cursor("a", NOW) == cursor
    assert store.studies.cursor("a", NOW + timedelta(hours=1)) is None
    assert store.studies.cursor("b", NOW) is None


def test_a_listing_goes_on_behind_a_place_whether_or_not_a_row_is_there(store: Datastore) -> None:
    for number in range(1, 5):
        add(store, f"1.2.{number}", f"2024010{number}")
    there = SearchHit(SearchKey(STUDIES, "20240103#101500"), StudyUid("1.2.3"))
    nowhere = SearchHit(SearchKey(STUDIES, "20240102#235959"), StudyUid("1.2.9"))

    behind = [store.studies.search(STUDIES, newest_first=True, after=hit.place) for hit in (there, nowhere)]

    assert [[hit.study_uid for hit in page.items] for page in behind] == [["1.2.2", "1.2.1"]] * 2


def test_pages_of_studies_neither_repeat_nor_lose_what_was_there(store: Datastore) -> None:
    for number in range(1, 6):
        add(store, f"1.2.{number}", f"2024010{number}")

    found: list[object] = []
    for arriving in ("1.3.1", "1.3.2", "1.3.3"):
        query = parse_query(QueryLevel.STUDY, [("limit", "2"), ("offset", str(len(found)))])
        found += [item["0020000D"] for item in search_studies(query, store, "", READER).items]
        add(store, arriving, "20250101")

    assert found == [element("UI", f"1.2.{number}") for number in (5, 4, 3, 2, 1)]


def test_pages_of_instances_go_on_behind_the_last_one(store: Datastore, builder: Builder) -> None:
    commit = builder.commit(builder.slices(7))
    study_uid = commit.records[0].key.study_uid
    assert store.instances.commit(commit) == ()
    fold_all(store, study_uid)
    uids = sorted(record.key.instance_uid for record in commit.records)
    series_uid = commit.records[0].key.series_uid

    found: list[object] = []
    for _ in range(4):
        query = parse_query(QueryLevel.INSTANCE, [("limit", "2"), ("offset", str(len(found)))])
        result = search_instances(query, store, "", study_uid, None, READER)
        found += [item["00080018"] for item in result.items]

    assert found == [element("UI", uid) for uid in uids]
    behind = store.instances.instances_behind(study_uid, series_uid, InstanceUid(uids[4]))
    assert [record.key.instance_uid for record in behind.items] == uids[5:]
