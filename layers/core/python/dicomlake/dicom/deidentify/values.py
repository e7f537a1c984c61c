"""The value pass: what the profile leaves is searched for what identifies the patient, text and bytes alike."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dicomlake.dicom.deidentify.dataset import Element
from dicomlake.dicom.deidentify.dummies import DUMMIES
from dicomlake.dicom.deidentify.fold import COMPACT, folded, normal
from dicomlake.dicom.deidentify.icc import ICC_PROFILE, without_texts
from dicomlake.dicom.deidentify.search import Search
from dicomlake.dicom.deidentify.texts import readings

type Path = tuple[int, ...]

FREE_TEXT = frozenset({"LO", "LT", "SH", "ST", "UC", "UT", "UR", "PN"})
WHOLE_VALUES = frozenset({"CS", "AE", "AS", "IS", "DS"})
"""Terms and numbers: a value of these either is an identifier or it is none, nothing is cut out of it."""
BLOBS = frozenset({"OB", "OW", "UN"})
SEARCHED = FREE_TEXT | WHOLE_VALUES | BLOBS

TECHNICAL = frozenset(
    {
        0x00080005,  # Specific Character Set
        0x00080070,  # Manufacturer
        0x00080100,  # Code Value
        0x00080102,  # Coding Scheme Designator
        0x00080103,  # Coding Scheme Version
        0x00081090,  # Manufacturer's Model Name
        0x00181018,  # Secondary Capture Device Manufacturer's Model Name
        0x00181019,  # Secondary Capture Device Software Versions
        0x0018101A,  # Hardcopy Device Software Version
        0x00181020,  # Software Versions
        0x00120063,  # De-identification Method
    }
)
"""Here digits with points are a version, and no date or address."""

LONGEST = {"SH": 16, "LO": 64}
LARGEST_BLOB = 4 * 1024 * 1024
"""Bytes of a value beyond which only its beginning and end are searched: tables of that size hold samples."""
_EDGE = 64 * 1024

_RUNS = re.compile(rb"(?:[\x20-\x7e]|[\x80-\xff]{2,}){6,}")
_WIDE_RUNS = re.compile(rb"(?:[\x20-\x7e]\0){5,}|(?:\0[\x20-\x7e]){5,}")


@dataclass(frozen=True, slots=True)
class Kept:
    """An element that the profile leaves as it is: `forms` tells whether patterns are searched for besides known terms;
    `charset` is the raw Specific Character Set that its texts are in."""

    path: Path
    element: Element
    charset: bytes
    forms: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What the value pass makes of an element, and the kinds of what it took out of it."""

    path: Path
    element: Element
    kinds: tuple[str, ...]


def search_values(kept: list[Kept], search: Search) -> Iterator[Found]:
    """Yield the elements that hold something of the patient, cleaned."""
    suspects = [item for item in kept if item.element.vr in BLOBS or not _is_plain(item.element.value)]
    plain = [item for item in kept if item.element.vr not in BLOBS and _is_plain(item.element.value)]
    if search.may_hold("\n".join([item.element.value.decode("ascii") for item in plain]), forms=False):
        suspects += plain
    else:
        suspects += [item for item in plain if item.forms and search.has_form(item.element.value.decode("ascii"))]
    for item in suspects:
        after, kinds = _cleaned(item, search)
        if kinds:
            yield Found(item.path, after, kinds)


def _is_plain(value: bytes) -> bool:
    return value.isascii() and b"\x1b" not in value


def _cleaned(item: Kept, search: Search) -> tuple[Element, tuple[str, ...]]:
    element = item.element
    if element.tag == ICC_PROFILE:
        return element._replace(value=without_texts(element.value)), ("text of a colour profile",)
    if element.vr in BLOBS:
        value, kinds = _clean_blob(element.value, search)
    elif element.vr in WHOLE_VALUES:
        value, kinds = _clean_whole(element.value, element.vr, search)
    else:
        value, kinds = _clean_text(item, search)
    return element._replace(value=value), kinds


def _clean_text(item: Kept, search: Search) -> tuple[bytes, tuple[str, ...]]:
    """Clean a text in every way that it may be read; in the first that shows something it is written back."""
    element = item.element
    for text, encode in readings(element.value, item.charset):
        if search.may_hold(text, item.forms):
            cleaned, kinds = search.clean(text, item.forms, element.tag in TECHNICAL)
            if kinds:
                return _fitting(cleaned, element.vr, text, encode(cleaned)), kinds
    return element.value, ()


def _fitting(cleaned: str, vr: str, text: str, written: bytes) -> bytes:
    """Return what was written, or a dummy where a UID's stand-in made it longer than its VR allows."""
    longest = LONGEST.get(vr)
    if longest and len(cleaned) > len(text) and any(len(value) > longest for value in cleaned.split("\\")):
        return DUMMIES[vr]
    return written


def _clean_whole(raw: bytes, vr: str, search: Search) -> tuple[bytes, tuple[str, ...]]:
    values = raw.split(b"\\")
    cleaned = [DUMMIES[vr] if _names_the_patient(value, vr, search) else value for value in values]
    return b"\\".join(cleaned), ("known value",) if cleaned != values else ()


def _names_the_patient(value: bytes, vr: str, search: Search) -> bool:
    plain = folded(normal(value.strip(b" \0").decode("latin-1")))
    if vr in ("IS", "DS") and not plain.isdecimal():
        return False
    if plain.translate(COMPACT) in search.terms.numbers:
        return True
    return vr not in ("IS", "DS") and any(term in plain for term in search.terms.anywhere)


def _clean_blob(raw: bytes, search: Search) -> tuple[bytes, tuple[str, ...]]:
    """Overwrite texts inside bytes where they stand, so that every offset in them stays true."""
    value, kinds = bytearray(raw), set[str]()
    for start, end in _parts(len(raw)):
        for run in (*_RUNS.finditer(raw, start, end), *_WIDE_RUNS.finditer(raw, start, end)):
            found = _kinds_in(run[0], search)
            if found:
                kinds.update(found)
                value[run.start() : run.end()] = bytes(run.end() - run.start())
    return bytes(value), tuple(sorted(kinds))


def _parts(size: int) -> Iterable[tuple[int, int]]:
    return ((0, size),) if size <= LARGEST_BLOB else ((0, _EDGE), (size - _EDGE, size))


def _kinds_in(run: bytes, search: Search) -> tuple[str, ...]:
    readable = run.replace(b"\0", b"") if b"\0" in run else run
    for text, _ in readings(readable, b""):
        if search.may_hold(text):
            kinds = search.clean(text)[1]
            if kinds:
                return kinds
    return ()
