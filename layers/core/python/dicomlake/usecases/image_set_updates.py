"""What UpdateImageSetMetadata's JSON means: elements by keyword at one level of the document, as DICOM JSON by tag."""

import json
from dataclasses import dataclass
from typing import Any

from dicomlake.dicom.dictionary.lookup import tag_of, vr_of
from dicomlake.domain.change import Scope
from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.image_sets import ImageSet
from dicomlake.domain.model import InstanceUid, JsonObject, JsonValue

_NUMBERS = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "FL", "FD"})
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


@dataclass(frozen=True, slots=True)
class Update:
    """What is asked: elements (null takes one away), and of what."""

    scope: Scope
    values: JsonObject


def read_updates(updates: dict[str, Any], image_set: ImageSet) -> Update:
    """Return what DICOMUpdates ask. Raises InvalidRequestError where they are of several levels, or not understood."""
    found: dict[Scope, JsonObject] = {}
    for name, removes in (("updatableAttributes", False), ("removableAttributes", True)):
        if updates.get(name):
            for scope, elements in _levels(_document(updates[name]), image_set):
                found.setdefault(scope, {}).update(_values(elements, removes))
    if len(found) != 1:
        raise InvalidRequestError("give attributes of one level a request: study and patient, series, or instance")
    ((scope, values),) = found.items()
    return Update(scope, values)


def _document(blob: bytes | str) -> dict[str, Any]:
    try:
        document = json.loads(blob)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("the attributes are not JSON") from error
    if not isinstance(document, dict):
        raise InvalidRequestError("the attributes are a JSON object as GetImageSetMetadata gives it")
    return document


def _levels(document: dict[str, Any], image_set: ImageSet) -> list[tuple[Scope, dict[str, Any]]]:
    study = _part(document, "Study")
    series_parts = _part(study, "Series")
    if set(series_parts) - {image_set.series_uid}:
        raise InvalidRequestError("the attributes name a series that the image set does not hold")
    series = _part(series_parts, image_set.series_uid)
    below = _part(series, "Instances")
    whole = Scope(image_set.study_uid)
    listed = [
        (whole, _part(_part(document, "Patient"), "DICOM")),
        (whole, _part(study, "DICOM")),
        (Scope(image_set.study_uid, image_set.series_uid), _part(series, "DICOM")),
        *(
            (Scope(image_set.study_uid, image_set.series_uid, InstanceUid(uid)), _part(_part(below, uid), "DICOM"))
            for uid in below
        ),
    ]
    return [(scope, elements) for scope, elements in listed if elements]


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    part = document.get(name) or {}
    if not isinstance(part, dict):
        raise InvalidRequestError("the attributes are a JSON object as GetImageSetMetadata gives it")
    return part


def _values(elements: dict[str, Any], removes: bool) -> JsonObject:
    found: JsonObject = {}
    for keyword, value in elements.items():
        tag = tag_of(keyword)
        vr = vr_of(tag) if tag else None
        if tag is None or vr is None or len(vr) != 2 or not vr.isupper() or vr == "SQ":
            raise InvalidRequestError("an attribute is named by its keyword, and is no sequence and not private")
        values = value if isinstance(value, list) else [value]
        found[tag] = None if removes or value in (None, "") else {"vr": vr, "Value": [_one(vr, one) for one in values]}
    return found


def _one(vr: str, value: Any) -> JsonValue:
    if vr == "PN":
        groups = zip(_GROUPS, str(value).split("="), strict=False)
        return {name: group for name, group in groups if group}
    if vr in _NUMBERS and isinstance(value, str):
        try:
            return float(value) if vr in ("DS", "FL", "FD") and not value.strip().lstrip("+-").isdigit() else int(value)
        except ValueError:
            raise InvalidRequestError("a value of an attribute is not of its kind") from None
    if not isinstance(value, str | int | float):
        raise InvalidRequestError("a value of an attribute is not of its kind")
    return value
