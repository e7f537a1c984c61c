"""Corrections: elements that stand over what was stored, and the Original Attributes items that say so. Pure rules.

The stored head stays the record; a correction is read over it. Which elements may be corrected, and at which level:
what tells instances, series and studies apart, what describes pixels and how text is encoded may not; what the index
holds of a study, a series or an instance is corrected there.
"""

import re
from collections.abc import Iterable, Sequence

from dicomlake.domain.change import StudyChange
from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.levels import ATTRIBUTES, QueryLevel
from dicomlake.domain.model import PIXEL_LAYOUT, InstanceKey, JsonObject, JsonValue
from dicomlake.domain.study import overlaid, parse_time

MAX_ELEMENTS = 100
ORIGINAL = "04000561"
_TAG = re.compile(r"[0-9A-F]{8}\Z")
_VR = re.compile(r"[A-Z]{2}\Z")
_FIXED = frozenset(
    {
        "00080005",
        "00080016",
        "00080018",
        "00083002",
        "0020000D",
        "0020000E",
        *PIXEL_LAYOUT,
        "00282110",
        "00282112",
        "00282114",
        ORIGINAL,
    }
)
"""Identities, the character set, the pixels' description, and what is written by the lake itself."""

_LEVELS = {row.tag: row.level for row in ATTRIBUTES if not row.computed}


def check_values(values: JsonObject, level: QueryLevel) -> None:
    """Raise InvalidRequestError where DICOM JSON holds what may not be corrected, or not at this level."""
    if not 0 < len(values) <= MAX_ELEMENTS:
        raise InvalidRequestError(f"a correction has 1 to {MAX_ELEMENTS} elements")
    for tag, element in values.items():
        _check_tag(tag, level)
        _check_element(element)


def _check_tag(tag: str, level: QueryLevel) -> None:
    if not _TAG.match(tag):
        raise InvalidRequestError("elements are named by tags of 8 upper-case hex digits")
    group = tag[:4]
    if tag in _FIXED or group in ("0000", "0002", "7FE0") or tag[4:] == "0000" or int(group, 16) % 2:
        raise InvalidRequestError(f"({group},{tag[4:]}) may not be corrected: send a new instance instead")
    belongs = _LEVELS.get(tag, level)
    if belongs is not level:
        raise InvalidRequestError(f"({group},{tag[4:]}) belongs to the {belongs.name.lower()}: correct it there")


def _check_element(element: JsonValue) -> None:
    if element is None:
        return
    if not isinstance(element, dict) or not _VR.match(str(element.get("vr", ""))) or "BulkDataURI" in element:
        raise InvalidRequestError("an element is {vr, Value} of DICOM JSON, or null to take it away")
    values = element.get("Value", [])
    if set(element) - {"vr", "Value", "InlineBinary"} or not isinstance(values, list):
        raise InvalidRequestError("an element is {vr, Value} of DICOM JSON, or null to take it away")
    if element["vr"] == "PN" and not all(value is None or isinstance(value, dict) for value in values):
        raise InvalidRequestError("a person's name is an object: {Alphabetic, Ideographic, Phonetic}")


def held_at(values: JsonObject, level: QueryLevel) -> JsonObject:
    """Return those of the elements that the index holds at a level."""
    return {tag: element for tag, element in values.items() if _LEVELS.get(tag) is level}


def concerning(changes: Iterable[StudyChange], key: InstanceKey) -> tuple[StudyChange, ...]:
    """Return the corrections that stand over an instance, in order."""
    return tuple(one for one in changes if one.scope.covers(key))


def corrected(stored: JsonObject, changes: Sequence[StudyChange]) -> JsonObject:
    """Return DICOM JSON with corrections over it, each with its Original Attributes item (PS3.3 C.12.1)."""
    shown = stored
    for change in changes:
        shown = overlaid(shown, {**change.values, ORIGINAL: _original(shown, change)})
    return shown


def _original(shown: JsonObject, change: StudyChange) -> JsonValue:
    """Return Original Attributes Sequence with one more item: what stood there before this correction."""
    held = shown.get(ORIGINAL)
    before = held.get("Value") if isinstance(held, dict) else None
    modified: JsonObject = {tag: shown[tag] for tag in sorted(change.values) if tag in shown}
    stamp = f"{parse_time(change.at):%Y%m%d%H%M%S.%f}+0000"
    item: JsonObject = {
        "04000550": {"vr": "SQ", "Value": [modified]},
        "04000562": {"vr": "DT", "Value": [stamp]},
        "04000563": {"vr": "LO", "Value": ["DICOMLAKE"]},
        "04000564": {"vr": "LO"},
        "04000565": {"vr": "CS", "Value": ["CORRECT"]},
    }
    return {"vr": "SQ", "Value": [*(before if isinstance(before, list) else []), item]}


def changed_tags(changes: Sequence[StudyChange]) -> tuple[str, ...]:
    """Return the tags that corrections change, with the sequence that says so."""
    tags = {tag for change in changes for tag in change.values}
    return tuple(sorted(tags | ({ORIGINAL} if tags else set())))
