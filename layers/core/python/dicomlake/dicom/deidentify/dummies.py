"""Values that stand in where one has to be: valid for their VR, the same for everyone, ASCII in every character set."""

from collections.abc import Mapping

from dicomlake.dicom.deidentify.dataset import Dataset, Element, known_vr
from dicomlake.dicom.deidentify.kept_uids import KEPT_UIDS
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
    "IS": b"1",
    "PN": b"Removed",
    "TM": b"000000",
    "UR": b"urn:uuid:00000000-0000-0000-0000-000000000000",
}
"""By VR; UI has none (UIDs are mapped), SQ keeps its shape (`dummy_items`)."""

_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>endobj\nxref\n0 4\n0000000000 65535 f \n"
    b"0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n164\n"
    b"%%EOF\n"
)
"""One empty page (ISO 32000-1): the document that stands for one that was taken out."""
_BY_TAG: Mapping[int, bytes] = {
    0x00420011: _PDF + b"\0" * (len(_PDF) % 2),  # Encapsulated Document
    0x00420015: len(_PDF).to_bytes(4, "little"),  # Encapsulated Document Length
    0x00100040: b"O",  # Patient's Sex: M, F and O are all there is (PS3.3 C.7.1.1)
    0x04000565: b"CORRECT",  # Reason for the Attribute Modification: COERCE or CORRECT (PS3.3 C.12.1.1.9)
}
"""What the standard leaves a choice of few for."""

_VOCABULARIES = frozenset(b"DCM SRT SCT SNM3 SNM LN UCUM RADLEX FMA NCIt UMLS ISO639_1 ISO3166_1 BI MDC".split())
"""Coding schemes whose codes name things, never people; local ones (99...) may hold anything."""

_DUMMY_CODE = (
    Element(0x00080100, "SH", b"REMOVED"),
    Element(0x00080102, "SH", b"99REMOVED"),
    Element(0x00080104, "LO", b"REMOVED"),
)
_SHAPES = frozenset({"CS", "US", "UL", "SS", "SL", "AT"})
"""Terms, counts, dimensions and tags: what an item is like, and nothing that anyone measured of a patient."""
_CODING_SCHEME = 0x00080102
_CODE = frozenset({0x00080100, _CODING_SCHEME, 0x00080103, 0x00080104, 0x0008010F})


def dummy_of(element: Element, names: KeyedNames) -> Element:
    """Return the element with a dummy value; the dictionary's VR wins over one that it contradicts.

    A sequence without items gets one dummy code item; what happens inside one with items is `stays_in_dummy`'s.
    """
    if element.items is not None:
        return element._replace(items=element.items or (_DUMMY_CODE,))
    if element.tag == _CODING_SCHEME:
        return element._replace(value=b"99REMOVED")
    vr = known_vr(element.tag)
    vr = vr if vr in KNOWN and vr not in ("UN", "SQ") else element.vr
    if vr == "UI":
        return map_uids(element, names)
    return Element(element.tag, vr, _BY_TAG.get(element.tag) or _as_many(DUMMIES[vr], element, vr))


def _as_many(dummy: bytes, element: Element, vr: str) -> bytes:
    """Repeat a number as often as there were values: coordinates come in pairs, and an ellipse has four of them."""
    if vr in ("DS", "IS"):
        return b"\\".join([dummy] * (element.value.count(b"\\") + 1))
    if vr in NUMBER_FORMATS:
        return dummy * max(1, len(element.value) // len(dummy))
    return dummy


def stays_in_dummy(element: Element, item: Dataset) -> bool:
    """Whether an element stays in an item of a sequence that is made a dummy: its shape does, its values do not.

    CS values are terms of the standard and stay, classes of objects and codes of published vocabularies too, but for
    what the value pass finds in them. What had a value has one after, so Types inside are kept.
    """
    if element.vr in _SHAPES or element.tag in KEPT_UIDS or not (element.value or element.items):
        return True
    return element.tag in _CODE and _is_of_a_vocabulary(item)


def _is_of_a_vocabulary(item: Dataset) -> bool:
    """Whether an item is a code of a published vocabulary, which means what it means for everyone."""
    return any(element.tag == _CODING_SCHEME and element.value.strip(b" \0") in _VOCABULARIES for element in item)


def map_uids(element: Element, names: KeyedNames) -> Element:
    """Return the element with every UID of its value mapped; empty ones stay empty."""
    uids = element.value.decode("ascii", "replace").split("\\")
    mapped = [names.uid(uid) if uid else "" for uid in (uid.strip(" \0") for uid in uids)]
    return element._replace(vr="UI", value="\\".join(mapped).encode("ascii"))
