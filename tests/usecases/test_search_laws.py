"""The law of access paths: a search finds exactly what looking at every study would find, in the same order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dicomlake.adapters.memory import MemoryDatastore
from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import JsonObject
from dicomlake.domain.query import parse_query
from dicomlake.domain.search_keys import stamp_of
from dicomlake.usecases.search_studies import matches_study, search_studies
from tests.usecases.stored_lake import StoredLake, element

FAMILIES = [
    "Yamada",
    "Yamashita",
    "Yamamoto",
    "Satoh",
    "Sato",
    "Satō",
    "Ohno",
    "Ono",
    "Machida",
    "Macchiato",
    "O'Brien",
]
IDEOGRAMS = ["山田", "山下", "佐藤", "髙橋", "高橋", "渡邊"]
KANA = ["ヤマダ", "やました", "さとう", "おおの", "しょうじ", "ｼﾏﾀﾞ"]
GIVEN = ["Tarou", "Taro", "Jun'ichi", "Mary Ann", "Anna-Lena", ""]
WORDS = [*FAMILIES, *IDEOGRAMS, *KANA]
IDS = ["P1", "p1", "P1 ", "000001", "A#B", "*"]
DATES = ["20231231", "20240101", "20240102", "2024.01.02", "", "unknown"]
MODALITIES = [("CT",), ("MR",), ("CT", "PT"), ("MR", "PT", "SR"), ()]


def store_of_everything() -> MemoryDatastore:
    lake = StoredLake()
    for number in range(180):
        name = {
            "Alphabetic": f"{FAMILIES[number % len(FAMILIES)]}^{GIVEN[number % len(GIVEN)]}",
            "Ideographic": f"{IDEOGRAMS[number % len(IDEOGRAMS)]}^太郎" if number % 2 else "",
            "Phonetic": KANA[number % len(KANA)] if number % 3 else "",
        }
        lake.add_row(
            f"1.2.{number}",
            modalities=MODALITIES[number % len(MODALITIES)],
            t00100010=element("PN", {**name}),
            t00100020=element("LO", IDS[number % len(IDS)]),
            t00100021=element("LO", f"H{number % 4}" if number % 4 else ""),
            t00080020=element("DA", DATES[number % len(DATES)]),
            t00080030=element("TM", f"{number % 24:02d}"),
            t00080050=element("SH", f"A{number % 50}"),
            t00200010=element("SH", str(number % 3)),
            t00080090=element("PN", {"Alphabetic": f"{FAMILIES[-1 - number % len(FAMILIES)]}^Dr"}),
        )
    return lake.datastore


STORE = store_of_everything()


@st.composite
def names(draw: st.DrawFn) -> str:
    """A name or a piece of one, with or without wildcards, in any letters."""
    word = draw(st.sampled_from(WORDS))
    word = word[: draw(st.integers(1, len(word)))] if draw(st.booleans()) else word
    word = draw(st.sampled_from([word, word.upper(), word.lower()]))
    tail = draw(st.sampled_from(["", "*", "^*", "^T*", "^taro", "?*", " taro", "*^太郎"]))
    return draw(st.sampled_from(["", "", "", "*", "=", "=="])) + word + tail


queries = st.fixed_dictionaries(
    {},
    optional={
        "PatientName": names(),
        "ReferringPhysicianName": names(),
        "PatientID": st.sampled_from([*IDS, "P?", "none"]),
        "IssuerOfPatientID": st.sampled_from(["H1", "H2", "H*"]),
        "AccessionNumber": st.sampled_from(["A1", "A4*", "none"]),
        "StudyID": st.sampled_from(["1", "?"]),
        "StudyDate": st.sampled_from(["20240101", "20231231-20240101", "-20240101", "20240101-"]),
        "StudyTime": st.sampled_from(["10", "0500-1300", "-12"]),
        "ModalitiesInStudy": st.sampled_from(["CT", "PT", "CT,MR", "PT\\CT", "C?", "XA", "PT,CT,SR"]),
        "multiplevaluematching": st.sampled_from(["true", "false"]),
        "fuzzymatching": st.sampled_from(["true", "false"]),
    },
)


@settings(max_examples=150, deadline=None)
@given(queries)
def test_a_search_finds_what_looking_at_every_study_would_find(asked: dict[str, str]) -> None:
    query = parse_query(QueryLevel.STUDY, [*asked.items(), ("limit", "1000")])
    every = sorted(STORE.state.studies.values(), key=lambda study: (stamp_of(study), study.study_uid), reverse=True)

    found = [item["0020000D"] for item in search_studies(query, STORE, "").items]

    assert found == [element("UI", study.study_uid) for study in every if matches_study(query, study)]


@settings(max_examples=50, deadline=None)
@given(queries, st.integers(1, 40))
def test_pages_joined_are_the_whole_answer(asked: dict[str, str], limit: int) -> None:
    parameters = list(asked.items())
    whole = search_studies(parse_query(QueryLevel.STUDY, [*parameters, ("limit", "1000")]), STORE, "").items

    pages: list[JsonObject] = []
    more = True
    while more:
        page = [("limit", str(limit)), ("offset", str(len(pages)))]
        result = search_studies(parse_query(QueryLevel.STUDY, [*parameters, *page]), STORE, "")
        pages, more = [*pages, *result.items], result.more

    assert tuple(pages) == whole
