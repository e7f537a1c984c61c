"""Searches at every level against an oracle that knows nothing of the index: it looks at everything, naively."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import SeriesUid, StudyUid
from dicomlake.domain.query import parse_query
from dicomlake.usecases.search_children import search_instances, search_series
from dicomlake.usecases.search_studies import search_studies
from tests.usecases.stored_lake import StoredLake, element, study_part

MODALITIES = ("CT", "MR", "PT")
NAMES = ("Adams^Ann", "Adams^Bob", "Baker^Ann", "Clark")
STUDIES = 12


@dataclass(frozen=True)
class Held:
    """One instance with all that is asked of it and of what it belongs to."""

    study: str
    date: str
    time: str
    patient: str
    name: str
    modalities: frozenset[str]
    series: str
    number: int
    modality: str
    instance: str
    image: int


def held() -> list[Held]:
    """Every instance there is, in the order in which answers list them."""
    found = []
    for number in range(STUDIES):
        study = f"1.2.{100 + number}"
        series = [(one, MODALITIES[(number + one) % 3]) for one in range(1, 2 + number % 3)]
        found += [
            Held(
                study=study,
                date=f"202401{1 + number % 5:02d}",
                time=f"{8 + number % 4:02d}3000",
                patient=f"P{number % 4}",
                name=NAMES[number % len(NAMES)],
                modalities=frozenset(code for _, code in series),
                series=f"{study}.{one}",
                number=one,
                modality=code,
                instance=f"{study}.{one}.{image}",
                image=image,
            )
            for one, code in series
            for image in range(1, 2 + (number + one) % 4)
        ]
    newest_first = sorted(found, key=lambda one: (one.date, one.time, one.study), reverse=True)
    return sorted(newest_first, key=lambda one: [other.study for other in newest_first].index(one.study))


def stored(instances: list[Held]) -> StoredLake:
    lake = StoredLake()
    for series in dict.fromkeys(one.series for one in instances):
        inside = [one for one in instances if one.series == series]
        first = inside[0]
        part = study_part(
            first.study,
            t00080020=element("DA", first.date),
            t00080030=element("TM", first.time),
            t00100020=element("LO", first.patient),
            t00100010=element("PN", {"Alphabetic": first.name}),
        )
        lake.add(first.study, series, [[b"x"]] * len(inside), attributes=part, modality=first.modality)
    return lake


EVERYTHING = held()
LAKE = stored(EVERYTHING)


def wild(pattern: str, text: str) -> bool:
    return bool(re.fullmatch("".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern), text))


def within(asked: str, text: str) -> bool:
    low, dash, high = asked.partition("-")
    return low <= text <= (high or "99999999") if dash else text == low


ORACLE: dict[str, Callable[[str, Held], bool]] = {
    "StudyDate": lambda asked, one: within(asked, one.date),
    "PatientID": lambda asked, one: wild(asked, one.patient),
    "PatientName": lambda asked, one: wild(asked.casefold(), one.name.casefold()),
    "ModalitiesInStudy": lambda asked, one: any(
        wild(code, held_) for code in asked.split(",") for held_ in one.modalities
    ),
    "StudyInstanceUID": lambda asked, one: one.study in re.split(r"[,\\]", asked),
    "Modality": lambda asked, one: any(wild(code, one.modality) for code in asked.split(",")),
    "SeriesNumber": lambda asked, one: int(asked) == one.number,
    "SeriesInstanceUID": lambda asked, one: one.series in re.split(r"[,\\]", asked),
    "InstanceNumber": lambda asked, one: int(asked) == one.image,
    "SOPInstanceUID": lambda asked, one: one.instance in re.split(r"[,\\]", asked),
}
UIDS = ["1.2.101", "1.2.105,1.2.103", "1.2.102\\1.2.9", "1.2.9"]
QUERIES = {
    QueryLevel.STUDY: {
        "StudyDate": st.sampled_from(["20240102", "20240102-20240104", "-20240103", "20240104-", "20250101"]),
        "PatientID": st.sampled_from(["P1", "p1", "P?", "*3"]),
        "PatientName": st.sampled_from(["adams*", "ADAMS^ANN", "*^ann", "Clark", "B*", "Nobody"]),
        "ModalitiesInStudy": st.sampled_from(["CT", "MR,PT", "?T", "XA"]),
        "StudyInstanceUID": st.sampled_from(UIDS),
    },
    QueryLevel.SERIES: {
        "Modality": st.sampled_from(["CT", "MR,PT", "?T", "XA"]),
        "SeriesNumber": st.sampled_from(["1", "02", "9"]),
        "SeriesInstanceUID": st.sampled_from(["1.2.101.1", "1.2.105.2,1.2.103.1", "1.2.9"]),
    },
    QueryLevel.INSTANCE: {
        "InstanceNumber": st.sampled_from(["1", "3"]),
        "SOPInstanceUID": st.sampled_from(["1.2.101.1.1", "1.2.9"]),
    },
}
TAGS = {QueryLevel.STUDY: "0020000D", QueryLevel.SERIES: "0020000E", QueryLevel.INSTANCE: "00080018"}


@st.composite
def searches(draw: st.DrawFn) -> tuple[QueryLevel, str, str, dict[str, str]]:
    """A level, the study and series in the path, and some keys of that level and of those above."""
    level = draw(st.sampled_from(list(QueryLevel)))
    keys = {name: value for one in QueryLevel if one <= level for name, value in QUERIES[one].items()}
    asked = draw(st.fixed_dictionaries({}, optional=keys))
    within_one = draw(st.sampled_from(EVERYTHING))
    study = within_one.study if level > QueryLevel.STUDY and draw(st.booleans()) else ""
    series = within_one.series if level is QueryLevel.INSTANCE and study and draw(st.booleans()) else ""
    return level, study, series, asked


@settings(max_examples=250, deadline=None)
@given(searches())
def test_a_search_finds_what_the_oracle_finds_in_its_order(search: tuple[QueryLevel, str, str, dict[str, str]]) -> None:
    level, study, series, asked = search
    query = parse_query(level, [*asked.items(), ("limit", "1000")])
    name = ("study", "series", "instance")[level]
    inside = [one for one in EVERYTHING if study in ("", one.study) and series in ("", one.series)]
    matching = [one for one in inside if all(ORACLE[key](value, one) for key, value in asked.items())]

    if level is QueryLevel.STUDY:
        result = search_studies(query, LAKE.datastore, "")
    elif level is QueryLevel.SERIES:
        result = search_series(query, LAKE.datastore, "", StudyUid(study) if study else None)
    else:
        scope = (StudyUid(study) if study else None, SeriesUid(series) if series else None)
        result = search_instances(query, LAKE.datastore, "", *scope)

    expected = dict.fromkeys(str(getattr(one, name)) for one in matching)
    assert [item[TAGS[level]] for item in result.items] == [element("UI", uid) for uid in expected]
    assert result.remaining.certain
    assert result.read <= 2000
