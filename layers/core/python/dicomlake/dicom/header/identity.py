"""Which instance a data set is, and what is none: directories and objects that belong to no patient."""

import re

from dicomlake.domain.errors import MalformedError, NotAnInstanceError, Reason
from dicomlake.domain.model import InstanceKey, InstanceUid, JsonObject, SeriesUid, SopClassUid, StudyUid, is_uid

STUDY, SERIES, INSTANCE, SOP_CLASS = "0020000D", "0020000E", "00080018", "00080016"
DIRECTORY_RECORDS = "00041220"
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"

NON_PATIENT = frozenset(
    {
        "1.2.840.10008.5.1.4.38.1",  # Hanging Protocol
        "1.2.840.10008.5.1.4.39.1",  # Color Palette
        "1.2.840.10008.5.1.4.43.1",  # Generic Implant Template
        "1.2.840.10008.5.1.4.44.1",  # Implant Assembly Template
        "1.2.840.10008.5.1.4.45.1",  # Implant Template Group
        "1.2.840.10008.5.1.4.1.1.200.1",  # CT Defined Procedure Protocol
        "1.2.840.10008.5.1.4.1.1.200.3",  # Protocol Approval
        "1.2.840.10008.5.1.4.1.1.200.7",  # XA Defined Procedure Protocol
        "1.2.840.10008.5.1.4.1.1.201.1",  # Inventory
    }
)
"""SOP classes of non-patient objects (PS3.3 A.1.2, PS3.4 annex GG)."""

_LEADING_ZERO = re.compile(r"(?:^|\.)0[^.]")

NAMES = {STUDY: "Study Instance UID", SERIES: "Series Instance UID", INSTANCE: "SOP Instance UID"}
NAMES |= {SOP_CLASS: "SOP Class UID"}


def refuse_non_instances(sop_class: str, view: JsonObject) -> None:
    """Raise NotAnInstanceError for a directory or a non-patient object."""
    if sop_class == MEDIA_STORAGE_DIRECTORY or DIRECTORY_RECORDS in view:
        raise NotAnInstanceError("the object is a media directory", Reason.DIRECTORY)
    if sop_class in NON_PATIENT or _uid(view, SOP_CLASS) in NON_PATIENT:
        raise NotAnInstanceError("the object's SOP class is one of non-patient objects", Reason.NON_PATIENT)


def identify(view: JsonObject) -> tuple[InstanceKey, SopClassUid]:
    """Return the instance's key and SOP class; raise MalformedError where one of the four UIDs is missing or none."""
    uids = {tag: _uid(view, tag) for tag in (STUDY, SERIES, INSTANCE, SOP_CLASS)}
    for tag, uid in uids.items():
        if not uid:
            raise MalformedError(f"{NAMES[tag]} is missing or empty", Reason.MISSING_UID)
        if not is_uid(uid):
            raise MalformedError(f"{NAMES[tag]} is not a UID", Reason.INVALID_UID)
    key = InstanceKey(StudyUid(uids[STUDY]), SeriesUid(uids[SERIES]), InstanceUid(uids[INSTANCE]))
    return key, SopClassUid(uids[SOP_CLASS])


def is_well_formed(uid: str) -> bool:
    """Whether no component of a UID has a leading zero (PS3.5 9.1)."""
    return _LEADING_ZERO.search(uid) is None


def _uid(view: JsonObject, tag: str) -> str:
    element = view.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return str(values[0] or "").strip() if isinstance(values, list) and values else ""
