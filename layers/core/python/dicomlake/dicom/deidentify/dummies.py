"""Values that stand in where one has to be: valid for their VR, the same for everyone, ASCII in every character set."""

from collections.abc import Mapping

from dicomlake.dicom.deidentify.dataset import Dataset, Element, known_vr
from dicomlake.dicom.deidentify.names import KeyedNames
from dicomlake.dicom.header.vr import KNOWN, NUMBER_FORMATS, VALUE_SIZES

_TEXT = dict.fromkeys(["LO", "LT", "SH", "ST", "UC", "UT"], b"REMOVED")
_BINARY = {vr: bytes(VALUE_SIZES[vr]) for vr in NUMBER_FORMATS} | {"AT": bytes(4)}
_BLOBS = {vr: bytes(max(2, VALUE_SIZES[vr])) for vr in ["OB", "OD", "OF", "OL", "OV", "OW", "UN"]}
DUMMIES: Mapping[str, bytes] = {
    **_TEXT,
    **_BINARY,
    **_BLOBS,
    "AE": b"REMOVED",
    "AS": b"000Y",
    "CS": b"REMOVED",
    "DA": b"19000101",
    "DS": b"0",
    "DT": b"19000101000000",
    "IS": b"0",
    "PN": b"Removed",
    "TM": b"000000",
    "UR": b"urn:uuid:00000000-0000-0000-0000-000000000000",
}
"""By VR; UI has none (UIDs are mapped), SQ keeps its shape (`dummy_items`)."""

_DUMMY_CODE = (
    Element(0x00080100, "SH", b"REMOVED"),
    Element(0x00080102, "SH", b"99REMOVED"),
    Element(0x00080104, "LO", b"REMOVED"),
)
_CODING_SCHEME = 0x00080102


def dummy_of(element: Element, names: KeyedNames) -> Element:
    """Return the element with a dummy value; the dictionary's VR wins over one that it contradicts."""
    if element.items is not None:
        return element._replace(items=dummy_items(element.items, names))
    vr = known_vr(element.tag)
    vr = vr if vr in KNOWN and vr not in ("UN", "SQ") else element.vr
    if vr == "UI":
        return map_uids(element, names)
    return Element(element.tag, vr, DUMMIES[vr])


def dummy_items(items: tuple[Dataset, ...], names: KeyedNames) -> tuple[Dataset, ...]:
    """Return items of the same shape with dummies in every place; an empty sequence gets one dummy code item.

    Types of attributes inside are kept so: what had a value has one. CS values are terms of the standard and stay.
    """
    if not items:
        return (_DUMMY_CODE,)
    return tuple(
        [tuple([_dummy_inside(element, names) for element in item if _is_standard(element)]) for item in items]
    )


def _is_standard(element: Element) -> bool:
    """Leave out private elements, group lengths, and what nothing tells how to read."""
    return not element.tag & 0x10000 and element.tag & 0xFFFF != 0 and element.vr != "UN"


def _dummy_inside(element: Element, names: KeyedNames) -> Element:
    if element.vr == "CS" or not (element.value or element.items):
        return element
    if element.tag == _CODING_SCHEME:
        return element._replace(value=b"99REMOVED")
    return dummy_of(element, names)


def map_uids(element: Element, names: KeyedNames) -> Element:
    """Return the element with every UID of its value mapped; empty ones stay empty."""
    uids = element.value.decode("ascii", "replace").split("\\")
    mapped = [names.uid(uid) if uid else "" for uid in (uid.strip(" \0") for uid in uids)]
    return element._replace(vr="UI", value="\\".join(mapped).encode("ascii"))
