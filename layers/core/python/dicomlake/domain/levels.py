"""Which attributes the index keeps, at which level, and which of them a search matches and returns.

The table holds every attribute that PS3.18 10.6.1.2 and 10.6.3.3 name, and what clients ask for by `includefield`.
Everything else of an instance is in its pack, never in the index.
"""

import json
from dataclasses import dataclass
from enum import IntEnum
from operator import is_

from dicomlake.domain.model import JsonObject, JsonValue


class QueryLevel(IntEnum):
    """The level of an attribute, and of what a search returns."""

    STUDY = 0
    SERIES = 1
    INSTANCE = 2


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of the index: its names, VR and level.

    `returned` attributes are in every answer (PS3.18 10.6.3.3), without a value where none is known, unless they
    `may_be_absent` then; others come when asked for by `includefield`. `computed` ones are derived when answering and
    never stored.
    """

    tag: str
    keyword: str
    vr: str
    level: QueryLevel
    returned: bool = False
    computed: bool = False
    may_be_absent: bool = False


def _rows(level: QueryLevel, text: str) -> tuple[Attribute, ...]:
    """Read a table of `tag keyword VR [flags]` lines; flag r: always returned, o: if it has a value, c: computed."""
    rows = [line.split() for line in text.strip().splitlines()]
    return tuple(
        Attribute(tag, keyword, vr, level, *(flag in "".join(flags) for flag in "rco"))
        for tag, keyword, vr, *flags in rows
    )


# Ordered by importance: where a level's part is over its budget, what stands last is left out.
_STUDY = _rows(
    QueryLevel.STUDY,
    """
    0020000D StudyInstanceUID UI rc
    00080020 StudyDate DA r
    00080030 StudyTime TM r
    00080050 AccessionNumber SH r
    00100010 PatientName PN r
    00100020 PatientID LO r
    00100021 IssuerOfPatientID LO
    00100030 PatientBirthDate DA r
    00100040 PatientSex CS r
    00200010 StudyID SH r
    00080090 ReferringPhysicianName PN r
    00080005 SpecificCharacterSet CS ro
    00080201 TimezoneOffsetFromUTC SH ro
    00081030 StudyDescription LO
    00080056 InstanceAvailability CS rc
    00080061 ModalitiesInStudy CS rc
    00080062 SOPClassesInStudy UI c
    00081190 RetrieveURL UR rc
    00201206 NumberOfStudyRelatedSeries IS rc
    00201208 NumberOfStudyRelatedInstances IS rc
    00080051 IssuerOfAccessionNumberSequence SQ
    00100024 IssuerOfPatientIDQualifiersSequence SQ
    00100032 PatientBirthTime TM
    00101010 PatientAge AS
    00101020 PatientSize DS
    00101030 PatientWeight DS
    00120062 PatientIdentityRemoved CS
    00120063 DeidentificationMethod LO
    00081032 ProcedureCodeSequence SQ
    00081048 PhysiciansOfRecord PN
    00081060 NameOfPhysiciansReadingStudy PN
    00101002 OtherPatientIDsSequence SQ
    00101001 OtherPatientNames PN
    00104000 PatientComments LT
    """,
)
_SERIES = _rows(
    QueryLevel.SERIES,
    """
    0020000E SeriesInstanceUID UI rc
    00080060 Modality CS r
    00200011 SeriesNumber IS r
    0008103E SeriesDescription LO ro
    00201209 NumberOfSeriesRelatedInstances IS rc
    00400244 PerformedProcedureStepStartDate DA ro
    00400245 PerformedProcedureStepStartTime TM ro
    00400275 RequestAttributesSequence SQ ro
    00080021 SeriesDate DA
    00080031 SeriesTime TM
    00180015 BodyPartExamined CS
    00181030 ProtocolName LO
    00200060 Laterality CS
    00185100 PatientPosition CS
    00080070 Manufacturer LO
    00081090 ManufacturerModelName LO
    00080080 InstitutionName LO
    00081010 StationName SH
    00081040 InstitutionalDepartmentName LO
    00200052 FrameOfReferenceUID UI
    00081050 PerformingPhysicianName PN
    00081070 OperatorsName PN
    00181000 DeviceSerialNumber LO
    00181020 SoftwareVersions LO
    00400253 PerformedProcedureStepID SH
    00400254 PerformedProcedureStepDescription LO
    """,
)
_INSTANCE = _rows(
    QueryLevel.INSTANCE,
    """
    00080016 SOPClassUID UI rc
    00080018 SOPInstanceUID UI rc
    00083002 AvailableTransferSyntaxUID UI rc
    00200013 InstanceNumber IS r
    00280010 Rows US ro
    00280011 Columns US ro
    00280100 BitsAllocated US ro
    00280008 NumberOfFrames IS ro
    00080008 ImageType CS
    00200012 AcquisitionNumber IS
    00080023 ContentDate DA
    00080033 ContentTime TM
    00420010 DocumentTitle ST
    00700080 ContentLabel CS
    """,
)
# Matched inside items of the sequences above (PS3.18 Table 10.6.1-5); returned with their sequence.
_NESTED = _rows(
    QueryLevel.SERIES,
    """
    00400009 ScheduledProcedureStepID SH
    00401001 RequestedProcedureID SH
    00400031 LocalNamespaceEntityID UT
    00400032 UniversalEntityID UT
    00080100 CodeValue SH
    00080102 CodingSchemeDesignator SH
    00080104 CodeMeaning LO
    """,
)

ATTRIBUTES: tuple[Attribute, ...] = (*_STUDY, *_SERIES, *_INSTANCE)
"""Every attribute of the index, study level first."""

BY_TAG: dict[str, Attribute] = {row.tag: row for row in ATTRIBUTES}
"""The attributes by their eight upper-case hex digits."""

BY_NAME: dict[str, Attribute] = {name: row for row in (*ATTRIBUTES, *_NESTED) for name in (row.tag, row.keyword)}
"""The attributes, and those inside their sequences, by keyword and by tag."""

BUDGETS: dict[QueryLevel, int] = {QueryLevel.STUDY: 4096, QueryLevel.SERIES: 4096, QueryLevel.INSTANCE: 400}
"""Bytes of JSON a level's part may take in the index."""

_STORED: dict[QueryLevel, tuple[str, ...]] = {
    level: tuple(row.tag for row in ATTRIBUTES if row.level is level and not row.computed) for level in QueryLevel
}
"""The tags of each level's part, most important first."""

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def split(instance: JsonObject) -> tuple[JsonObject, JsonObject, JsonObject]:
    """Return the study's, the series' and the instance's part of an instance's DICOM JSON (PS3.18 F) for the index.

    Empty attributes are left out, as is what is over a level's byte budget, least important first. Instances that
    follow one another share what is equal of them: nobody may change a part.
    """
    return (
        _shared(instance, QueryLevel.STUDY),
        _shared(instance, QueryLevel.SERIES),
        _part(list(map(instance.get, _STORED[QueryLevel.INSTANCE])), QueryLevel.INSTANCE),
    )


_LAST: dict[QueryLevel, tuple[list[JsonValue], JsonObject]] = {}
"""The elements that a level's part was last made of, and the part: a study's instances come together."""


def _shared(instance: JsonObject, level: QueryLevel) -> JsonObject:
    elements = list(map(instance.get, _STORED[level]))
    last = _LAST.get(level)
    if last is None or not _are_the_same(last[0], elements):
        last = _LAST[level] = elements, _part(elements, level)
    return last[1]


def _are_the_same(some: list[JsonValue], others: list[JsonValue]) -> bool:
    """Whether elements are equal and written equally: 1 equals 1.0, its JSON does not."""
    if all(map(is_, some, others)):
        return True
    return some == others and all(
        one is other or _is_without_numbers(one) for one, other in zip(some, others, strict=True)
    )


def _is_without_numbers(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return all(map(_is_without_numbers, value.values()))
    if isinstance(value, list):
        return all(map(_is_without_numbers, value))
    return value is None or isinstance(value, str)


def _part(elements: list[JsonValue], level: QueryLevel) -> JsonObject:
    found = {tag: element for tag, element in zip(_STORED[level], elements, strict=True) if _has_value(element)}
    return found if _size(found) <= BUDGETS[level] else _most_important(found, BUDGETS[level])


def _has_value(element: JsonValue) -> bool:
    return isinstance(element, dict) and bool(element.get("Value"))


def _most_important(found: JsonObject, budget: int) -> JsonObject:
    left = budget - len("{}")
    part: JsonObject = {}
    for tag, element in found.items():
        cost = _size({tag: element}) - len("{}") + len(",")
        if cost <= left:
            part[tag] = element
            left -= cost
    return part


def _size(part: JsonObject) -> int:
    """Bytes of a part as compact JSON in UTF-8."""
    return len(_compact(part).encode())


def first_value(attributes: JsonObject, tag: str) -> JsonValue:
    """Return the first value of an attribute of a DICOM JSON object, or None."""
    element = attributes.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def text_of(attributes: JsonObject, tag: str) -> str:
    """Return the first value of an attribute as text without padding, "" where there is none."""
    value = first_value(attributes, tag)
    return "" if value is None or isinstance(value, dict | list) else str(value).strip(" \0")
