"""Pages of a search: joined they are what was there when the first was read, whatever arrives meanwhile."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomlake.domain.errors import TooLargeError
from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import StudyUid
from dicomlake.domain.query import parse_query
from dicomlake.usecases.search_children import search_instances, search_series
from dicomlake.usecases.search_pages import Reader, Remaining, SearchResult
from dicomlake.usecases.search_studies import search_studies
from tests.usecases.stored_lake import StoredLake, element, study_part

STUDY = StudyUid("1.2.500")


class Searched:
    """A lake of few studies that one reader pages through; studies, series and instances come between pages."""

    def __init__(self, level: QueryLevel, scoped: bool = False) -> None:
        self.lake = StoredLake()
        self.level, self.study = level, STUDY if scoped else None
        self.reader = Reader("reader", self.lake.clock.now())
        self.added = 0
        for number in (500, 400, 600):
            for series in (2, 1, 10):
                self.add(number, series, 2)

    def add(self, number: int, series: int, instances: int, first: int = 1) -> None:
        """Store instances: the study's number is its date's day, so that newest first is highest first."""
        study = f"1.2.{number}"
        part = study_part(study, t00080020=element("DA", f"2024{1 + number // 100:02d}{1 + number % 28:02d}"))
        self.lake.add(study, f"{study}.{series}", [[b"x"]] * instances, first=first, attributes=part)

    def page(self, offset: int, limit: int, reader: Reader | None, *keys: tuple[str, str]) -> SearchResult:
        """Read one page."""
        query = parse_query(self.level, [("limit", str(limit)), ("offset", str(offset)), *keys])
        store = self.lake.datastore
        if self.level is QueryLevel.STUDY:
            return search_studies(query, store, "", reader)
        if self.level is QueryLevel.SERIES:
            return search_series(query, store, "", self.study, reader)
        return search_instances(query, store, "", self.study, None, reader)

    def uids(self, result: SearchResult) -> list[str]:
        """The UIDs of a page's answers."""
        tag = {QueryLevel.STUDY: "0020000D", QueryLevel.SERIES: "0020000E", QueryLevel.INSTANCE: "00080018"}[self.level]
        return [str(item[tag]["Value"][0]) for item in result.items]  # type: ignore[index, call-overload]

    def everything(self, *keys: tuple[str, str]) -> list[str]:
        """What is there now, in order."""
        return self.uids(self.page(0, 1000, None, *keys))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(QueryLevel)),
    st.booleans(),
    st.sampled_from([(), (("PatientID", "P1"),), (("PatientName", "Yama*"),), (("StudyDescription", "Ch*"),)]),
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from([350, 500, 550, 650]), st.sampled_from([1, 5, 11]), st.integers(3, 6))),
)
def test_pages_hold_what_was_there_once_each_in_order_whatever_arrives_between_them(
    level: QueryLevel, scoped: bool, keys: tuple[tuple[str, str], ...], limit: int, arriving: list[tuple[int, int, int]]
) -> None:
    searched = Searched(level, scoped and level is not QueryLevel.STUDY)
    before = searched.everything(*keys)

    found: list[str] = []
    while True:
        result = searched.page(len(found), limit, searched.reader, *keys)
        found += searched.uids(result)
        if not result.more:
            break
        if arriving:
            number, series, first = arriving.pop()
            if not {f"1.2.{number}.{series}.{first}"} & set(searched.everything()):
                store_once(searched, number, series, first)

    assert len(set(found)) == len(found)
    assert [uid for uid in found if uid in before] == before
    assert [uid for uid in searched.everything(*keys) if uid in found] == found


def store_once(searched: Searched, number: int, series: int, first: int) -> None:
    """Store an instance that is not there yet."""
    held = searched.lake.datastore.state.instances
    if not any(key.instance_uid == f"1.2.{number}.{series}.{first}" for key in held):
        searched.add(number, series, 1, first)


@pytest.fixture(scope="module")
def lake_of_many() -> StoredLake:
    lake = StoredLake()
    for number in range(6000):
        lake.add_row(
            f"1.2.{number}", t00080030=element("TM", f"{number // 3600:02d}{number % 3600 // 60:02d}{number % 60:02d}")
        )
    return lake


def test_no_page_reads_more_than_the_first_however_far_behind_it_is(lake_of_many: StoredLake) -> None:
    reader = Reader("reader", lake_of_many.clock.now())
    offset, reads = 0, []

    while offset < 6000:
        query = parse_query(QueryLevel.STUDY, [("limit", "500"), ("offset", str(offset))])
        result = search_studies(query, lake_of_many.datastore, "", reader)
        offset, reads = offset + len(result.items), [*reads, result.read]

    assert len(reads) == 12
    assert max(reads) <= reads[0] + 1 <= 1201
    with pytest.raises(TooLargeError):
        search_studies(query, lake_of_many.datastore, "", replace(reader, name="another"))


def test_readers_do_not_move_each_others_pages() -> None:
    searched = Searched(QueryLevel.STUDY)
    searched.page(0, 1, searched.reader)
    searched.add(700, 1, 1)
    searched.page(0, 1, replace(searched.reader, name="another"))

    assert searched.uids(searched.page(1, 1, searched.reader)) == ["1.2.500"]
    assert searched.uids(searched.page(1, 1, replace(searched.reader, name="another"))) == ["1.2.600"]


def test_after_an_hour_an_offset_counts_from_the_start_again() -> None:
    searched = Searched(QueryLevel.STUDY)
    searched.page(0, 1, searched.reader)
    searched.add(700, 1, 1)
    late = replace(searched.reader, now=searched.reader.now + timedelta(hours=1))

    assert searched.uids(searched.page(1, 1, late)) == ["1.2.600"]


def test_a_page_of_another_question_starts_nowhere_else() -> None:
    searched = Searched(QueryLevel.STUDY)
    searched.page(0, 1, searched.reader, ("StudyDate", "20240601-20240631"))

    assert searched.uids(searched.page(1, 1, searched.reader)) == ["1.2.500"]


@pytest.mark.parametrize(
    ("level", "limit", "remaining"),
    [(QueryLevel.STUDY, 1, 2), (QueryLevel.SERIES, 2, 7), (QueryLevel.INSTANCE, 5, 13), (QueryLevel.STUDY, 3, 0)],
)
def test_what_remains_is_counted(level: QueryLevel, limit: int, remaining: int) -> None:
    assert Searched(level).page(0, limit, None).remaining == Remaining(remaining)


@pytest.mark.parametrize(
    ("keys", "remaining"),
    [
        ([], Remaining(200, certain=False)),
        ([("StudyTime", "0139")], Remaining(59, certain=False)),
        ([("StudyTime", "013959")], Remaining(0, certain=False)),
        ([("PatientID", "P1")], Remaining(200, certain=False)),
        ([("StudyInstanceUID", "1.2.1,1.2.2,1.2.3")], Remaining(2)),
    ],
)
def test_what_remains_is_counted_as_far_as_a_page_may_look(
    lake_of_many: StoredLake, keys: list[tuple[str, str]], remaining: Remaining
) -> None:
    query = parse_query(QueryLevel.STUDY, [("limit", "1"), *keys])

    assert search_studies(query, lake_of_many.datastore, "").remaining == remaining
