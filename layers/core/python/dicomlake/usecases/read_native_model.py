"""Read the Native DICOM Model (PS3.19 A.1), XML, as DICOM JSON."""

from collections.abc import Callable
from types import MappingProxyType
from xml.etree import ElementTree

from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import JsonObject, JsonValue

_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_MOST_ABSENT = 64
"""Empty values of one attribute that a document may leave out: each takes memory that it does not pay for."""
_NUMBERS: MappingProxyType[str, Callable[[str], int | float]] = MappingProxyType(
    {**dict.fromkeys(("SL", "SS", "SV", "UL", "US", "UV"), int), **dict.fromkeys(("FL", "FD"), float)}
)


def read_native_model(document: bytes) -> JsonObject:
    """Return the data set of a document of the Native DICOM Model. Raises MalformedError where it is none."""
    if b"<!DOCTYPE" in document or b"\0" in document:
        raise MalformedError("the metadata's XML is not UTF-8, or declares a document type, which this model has not")
    try:
        root = ElementTree.fromstring(document)  # noqa: S314 - without a document type there are no entities
        if _name(root) != "NativeDicomModel":
            raise MalformedError("the metadata's XML is no Native DICOM Model (PS3.19 A.1)")
        return _dataset(root)
    except (ElementTree.ParseError, ValueError, KeyError) as error:
        raise MalformedError("the metadata's XML is no Native DICOM Model (PS3.19 A.1)") from error


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _dataset(parent: ElementTree.Element) -> JsonObject:
    attributes = (element for element in parent if _name(element) == "DicomAttribute")
    return {element.attrib["tag"].upper(): _attribute(element) for element in attributes}


def _attribute(element: ElementTree.Element) -> JsonObject:
    found: JsonObject = {"vr": element.attrib.get("vr", "UN")}
    values: list[tuple[int, JsonValue]] = []
    for child in element:
        kind = _name(child)
        if kind == "BulkData":
            found["BulkDataURI"] = child.attrib.get("uri") or child.attrib.get("uuid") or ""
        elif kind == "InlineBinary":
            found["InlineBinary"] = "".join((child.text or "").split())
        else:
            values.append((int(child.attrib.get("number", len(values) + 1)), _value(child, str(found["vr"]))))
    if values:
        last = max(number for number, _ in values)
        if not 0 < last <= len(values) + _MOST_ABSENT:
            raise ValueError("values are numbered from 1, and those without content are few")
        held: list[JsonValue] = [None] * last
        for number, value in values:
            held[number - 1] = value
        found["Value"] = held
    return found


def _value(child: ElementTree.Element, vr: str) -> JsonValue:
    kind = _name(child)
    if kind == "Item":
        return _dataset(child)
    if kind == "PersonName":
        return {_name(group): _person(group) for group in child if _name(group) in _GROUPS}
    text = child.text or ""
    return _NUMBERS[vr](text) if vr in _NUMBERS else text


def _person(group: ElementTree.Element) -> str:
    parts = {_name(part): part.text or "" for part in group}
    return "^".join(parts.get(component, "") for component in _COMPONENTS).rstrip("^")
