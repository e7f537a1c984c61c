"""The content tree of a structured report or key object selection (PS3.3 C.17.3), read from its DICOM JSON."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from dicomlake.domain.levels import text_of
from dicomlake.domain.model import JsonObject

_CHILDREN, _VALUE_TYPE, _CONCEPT, _POINTER = "0040A730", "0040A040", "0040A043", "0040DB73"
_NUMBER, _UNITS, _QUALIFIER = "0040A300", "004008EA", "0040A301"
_CODE_VALUES = ("00080100", "00080119", "00080120")
_REFERENCED, _INSTANCE, _FRAMES = "00081199", "00081155", "00081160"


@dataclass(frozen=True, slots=True)
class Line:
    """One content item: its depth (1 at the top), its place ("1.2.3"), concept and value; an instance it refers to."""

    depth: int
    place: str
    concept: str
    value: str = ""
    instance_uid: str = ""


def is_document(view: JsonObject) -> bool:
    """Whether an instance is a content tree: its root is a container with content."""
    return text_of(view, _VALUE_TYPE) == "CONTAINER" and bool(items(view, _CHILDREN))


def items(view: JsonObject, tag: str) -> list[JsonObject]:
    """Return the items of a sequence; none where there is none."""
    element = view.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def texts(view: JsonObject, tag: str) -> str:
    """Return all values of an attribute as text, separated by backslashes; of a name its groups, separated by `=`."""
    element = view.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return "\\".join(map(_text, values)) if isinstance(values, list) else ""


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "=".join(str(value.get(group) or "") for group in ("Alphabetic", "Ideographic", "Phonetic")).rstrip("=")
    return "" if value is None else str(value).strip(" \0")


def code(view: JsonObject, tag: str) -> str:
    """Return what a coded concept means, its code where it has no meaning."""
    for item in items(view, tag)[:1]:
        return texts(item, "00080104") or next(filter(None, (texts(item, one) for one in _CODE_VALUES)), "")
    return ""


def lines(root: JsonObject) -> Iterator[Line]:
    """Yield the content items below the root, each before those that it contains."""
    waiting = _below(root, "1", 1)
    while waiting:
        depth, place, item = waiting.pop()
        yield Line(depth, place, code(item, _CONCEPT), _value(item), _refers_to(item))
        waiting += _below(item, place, depth + 1)


def _below(item: JsonObject, place: str, depth: int) -> list[tuple[int, str, JsonObject]]:
    found = [(depth, f"{place}.{number}", one) for number, one in enumerate(items(item, _CHILDREN), 1)]
    return found[::-1]


def _refers_to(item: JsonObject) -> str:
    return next((texts(one, _INSTANCE) for one in items(item, _REFERENCED)), "")


def _value(item: JsonObject) -> str:
    """Return a content item's value as it is read; one that stands elsewhere in the tree by its place there."""
    pointed = texts(item, _POINTER)
    if pointed:
        return f"see {pointed.replace('\\', '.')}"
    read = _VALUES.get(text_of(item, _VALUE_TYPE))
    return read(item) if read else ""


def _numeric(item: JsonObject) -> str:
    for measured in items(item, _NUMBER)[:1]:
        units = items(measured, _UNITS)[:1]
        unit = next((texts(one, "00080100") for one in units), "")
        return f"{texts(measured, '0040A30A')} {'' if unit == '1' else unit}".strip()
    return code(item, _QUALIFIER)


def _reference(item: JsonObject) -> str:
    for one in items(item, _REFERENCED)[:1]:
        frames = texts(one, _FRAMES).replace("\\", ", ")
        return f"instance {texts(one, _INSTANCE)}" + (f", frames {frames}" if frames else "")
    return ""


def _plain(tag: str) -> Callable[[JsonObject], str]:
    return lambda item: texts(item, tag)


def _coordinates(item: JsonObject) -> str:
    return f"{texts(item, '00700023')} {texts(item, '00700022').replace('\\', ' ')}".strip()


def _times(item: JsonObject) -> str:
    values = (texts(item, tag) for tag in ("0040A130", "0040A132", "0040A138", "0040A13A"))
    return " ".join(value.replace("\\", " ") for value in values if value)


_VALUES: MappingProxyType[str, Callable[[JsonObject], str]] = MappingProxyType(
    {
        "TEXT": _plain("0040A160"),
        "PNAME": _plain("0040A123"),
        "DATE": _plain("0040A121"),
        "TIME": _plain("0040A122"),
        "DATETIME": _plain("0040A120"),
        "UIDREF": _plain("0040A124"),
        "CODE": lambda item: code(item, "0040A168"),
        "NUM": _numeric,
        "IMAGE": _reference,
        "COMPOSITE": _reference,
        "WAVEFORM": _reference,
        "SCOORD": _coordinates,
        "SCOORD3D": _coordinates,
        "TCOORD": _times,
    }
)
"""Value Type -> how its value is read (PS3.3 Table C.17.3-7); what is not named has a concept only."""
