"""No search reads more when the store is larger: index items are counted, at 100 studies and at 10,000."""

from collections.abc import Sequence

import pytest

from dicomlake.adapters.memory import MemoryStudyIndex
from dicomlake.domain.errors import TooLargeError
from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import JsonObject, StudyUid
from dicomlake.domain.query import parse_query
from dicomlake.domain.study import Study
from dicomlake.ports import Page, SearchHit
from dicomlake.usecases.search_pages import SearchResult
from dicomlake.usecases.search_studies import search_studies
from tests.builders import with_ports
from tests.usecases.stored_lake import StoredLake, element

SMALL, LARGE = 100, 10_000


class CountedStudies(MemoryStudyIndex):
    """The memory adapter, counting every item that leaves it."""

    read = 0

    def search(
        self,
        partition: str,
        low: str = "",
        high: str = "",
        newest_first: bool = False,
        after: str = "",
        limit: int = 100,
    ) -> Page[SearchHit]:
        page = super().search(partition, low, high, newest_first, after, limit)
        self.read += page.read
        return page

    def studies(self, study_uids: Sequence[StudyUid]) -> dict[StudyUid, Study]:
        self.read += len(study_uids)
        return super().studies(study_uids)


class CountedLake:
    def __init__(self, studies: int) -> None:
        lake = StoredLake()
        for number in range(studies):
            lake.add_row(f"1.2.{number}", **row(number))
        self.counted = CountedStudies(lake.datastore.state)
        held = lake.datastore
        self.store = with_ports(held, studies=self.counted)

    def search(self, *parameters: tuple[str, str]) -> tuple[SearchResult, int]:
        """Return what a search found, and how many items left the index for it."""
        before = self.counted.read
        result = search_studies(parse_query(QueryLevel.STUDY, parameters), self.store, "https://lake")
        return result, self.counted.read - before


def row(number: int) -> dict[str, JsonObject]:
    """Study `number`: every day has 20 studies, every patient 4, every family name 25."""
    day = number // 20
    return {
        "t00080020": element("DA", f"{2020 + day // 336:04d}{1 + day % 336 // 28:02d}{1 + day % 28:02d}"),
        "t00080030": element("TM", f"{8 + number % 10:02d}{number % 60:02d}00"),
        "t00080050": element("SH", f"ACC{number}"),
        "t00100020": element("LO", f"PAT{number // 4}"),
        "t00100010": element("PN", {"Alphabetic": f"{family(number // 25)}^Given"}),
        "t00200010": element("SH", "1"),
    }


def family(number: int) -> str:
    """A family name that no other begins like."""
    return "".join("bdgkmnrst"[number // 9**place % 9] + "aeiou"[(number + place) % 5] for place in range(4))


@pytest.fixture(scope="module")
def small() -> CountedLake:
    return CountedLake(SMALL)


@pytest.fixture(scope="module")
def large() -> CountedLake:
    return CountedLake(LARGE)


@pytest.mark.parametrize(
    ("parameters", "found", "reads"),
    [
        ([("limit", "25")], 25, 250),
        ([("limit", "25"), ("offset", "50")], 25, 300),
        ([("StudyInstanceUID", "1.2.7,1.2.3")], 2, 2),
        ([("AccessionNumber", "ACC7")], 1, 2),
        ([("PatientID", "PAT3")], 4, 8),
        ([("PatientName", f"{family(2)}*")], 25, 50),
        ([("PatientName", family(2)), ("fuzzymatching", "true")], 25, 50),
        ([("StudyDate", "20200102")], 20, 40),
        ([("StudyID", "1"), ("StudyDate", "20200102")], 20, 40),
        ([("ModalitiesInStudy", "CT"), ("limit", "10")], 10, 220),
        ([("ModalitiesInStudy", "CT,MR"), ("StudyDate", "20200101-"), ("limit", "10")], 10, 220),
        ([("ModalitiesInStudy", "PT\\CT"), ("multiplevaluematching", "true")], 0, 0),
        ([("StudyDescription", "Ch*"), ("limit", "10")], 10, 400),
        ([("PatientID", "nobody")], 0, 0),
    ],
)
def test_a_search_reads_the_same_in_a_store_a_hundred_times_larger(
    small: CountedLake, large: CountedLake, parameters: list[tuple[str, str]], found: int, reads: int
) -> None:
    for lake in (small, large):
        result, counted = lake.search(*parameters)

        assert len(result.items) == found
        assert counted == result.read
        assert counted <= reads


def test_pages_joined_are_the_whole_list_newest_first_without_gap_or_repeat(small: CountedLake) -> None:
    pages = [small.search(("limit", "7"), ("offset", str(offset)))[0] for offset in range(0, SMALL, 7)]

    items = [item for page in pages for item in page.items]
    assert len({str(item["0020000D"]) for item in items}) == SMALL
    stamps = [(str(item["00080020"]), str(item["00080030"])) for item in items]
    assert stamps == sorted(stamps, reverse=True)
    assert [page.more for page in pages] == [True] * (len(pages) - 1) + [False]


@pytest.mark.parametrize(
    ("parameters", "advice"),
    [
        (
            [("StudyDescription", "Knee")],
            "add StudyInstanceUID, AccessionNumber, PatientID, StudyDate or ModalitiesInS",
        ),
        ([("StudyID", "1"), ("StudyDescription", "Knee")], "PatientID"),
        ([("StudyDate", "20200101-"), ("StudyDescription", "Knee")], "PatientID or ModalitiesInStudy"),
        ([("offset", "5000")], "StudyDate"),
        ([("PatientName", "*a*"), ("StudyDescription", "Knee")], "PatientID"),
    ],
)
def test_a_search_over_its_budget_is_refused_with_the_key_to_add(
    large: CountedLake, parameters: list[tuple[str, str]], advice: str
) -> None:
    before = large.counted.read
    with pytest.raises(TooLargeError, match=advice):
        large.search(*parameters)

    assert large.counted.read - before <= 2000


def test_the_budget_never_cuts_an_answer_short(large: CountedLake) -> None:
    result, _ = large.search(("limit", "900"))

    assert len(result.items) == 900
    assert result.more
