"""Searching gives the same answers, in the same order, on every index adapter."""

import pytest

from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import Counts, StudyUid
from dicomlake.domain.query import parse_query
from dicomlake.domain.search_keys import search_keys
from dicomlake.domain.study import Study
from dicomlake.ports import Datastore, Fold
from dicomlake.usecases.search_studies import search_studies
from tests.usecases.stored_lake import element, study_part

STUDIES = {
    "1.2.1": ("20240101", "0800", "P1", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    "1.2.2": ("20240102", "0900", "P1", "Yamashita^Jirou=山下^次郎"),
    "1.2.3": ("20240102", "1000", "p1", "Müller^Ann"),
    "1.2.4": ("", "", "P4", "𩸽田^花"),
    "1.2.5": ("20240102", "1000", "P#5", "Satoh^Yuko"),
}


@pytest.fixture
def studies(store: Datastore) -> Datastore:
    for uid, (day, time, patient, name) in STUDIES.items():
        groups = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False))
        changes = {"t00100020": element("LO", patient), "t00100010": element("PN", {**groups})}
        changes |= {"t00080020": element("DA", *[day][: bool(day)]), "t00080030": element("TM", *[time][: bool(time)])}
        row = Study(StudyUid(uid), version=1, attributes=study_part(uid, **changes), counts=Counts(instances=1))
        store.studies.fold(Fold(row, expected_version=0, add_keys=search_keys(row)))
    return store


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ([], ["1.2.5", "1.2.3", "1.2.2", "1.2.1", "1.2.4"]),
        ([("limit", "2"), ("offset", "2")], ["1.2.2", "1.2.1"]),
        ([("PatientID", "P1")], ["1.2.2", "1.2.1"]),
        ([("PatientID", "P#5")], ["1.2.5"]),
        ([("PatientID", "P1"), ("StudyDate", "-20240101")], ["1.2.1"]),
        ([("AccessionNumber", "A1.2.3")], ["1.2.3"]),
        ([("StudyDate", "20240102")], ["1.2.5", "1.2.3", "1.2.2"]),
        ([("StudyDate", "20240101-20240102"), ("StudyTime", "0830-0930")], ["1.2.2"]),
        ([("StudyDate", "20240102-")], ["1.2.5", "1.2.3", "1.2.2"]),
        ([("PatientName", "YAMA*")], ["1.2.2", "1.2.1"]),
        ([("PatientName", "yamash*")], ["1.2.2"]),
        ([("PatientName", "山*")], ["1.2.2", "1.2.1"]),
        ([("PatientName", "ヤマダ*")], ["1.2.1"]),
        ([("PatientName", "muller^ann")], ["1.2.3"]),
        ([("PatientName", "𩸽*")], ["1.2.4"]),
        ([("PatientName", "Sato"), ("fuzzymatching", "true")], ["1.2.5"]),
        ([("PatientName", "佐藤")], []),
        ([("StudyInstanceUID", "1.2.1,1.2.3,9.9")], ["1.2.3", "1.2.1"]),
    ],
)
def test_the_same_studies_in_the_same_order(
    studies: Datastore, parameters: list[tuple[str, str]], found: list[str]
) -> None:
    result = search_studies(parse_query(QueryLevel.STUDY, parameters), studies, "https://lake")

    uids = [item["0020000D"] for item in result.items]
    assert uids == [element("UI", uid) for uid in found]
