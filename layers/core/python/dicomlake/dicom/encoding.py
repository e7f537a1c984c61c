"""How a data set's bytes are laid out (PS3.5 7.1, annex A), and a memory of what each kind of element header means.

A header's first bytes (tag and VR, or the tag alone where the VR is implicit) name everything that is needed to read
the element: they are looked up as they are. What they mean depends on nothing else, so the memory is shared by all
files; it is bounded, since private tags make it open-ended.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

from dicomlake.dicom.dictionary import vr_of
from dicomlake.dicom.json_view import FROM_BYTES, FROM_TEXT
from dicomlake.dicom.vr import AMBIGUOUS, KNOWN, LONG_LENGTH, TEXT
from dicomlake.domain.model import JsonObject

UNDEFINED = 0xFFFFFFFF
MAX_LAYOUTS = 1 << 15

PIXELS, CHARSET, SKIPPED, SEQUENCE, UNKNOWN, CHOICE, DELIMITER, BROKEN, OFFSETS = range(1, 10)
"""What an element needs beyond converting its value; 0 is nothing."""


class Layout(NamedTuple):
    """How to read one kind of element: `length` unpacks the length field `skip` bytes on, the value is at `header`."""

    tag: str
    vr: str
    convert: Callable[[bytes], JsonObject] | None
    text: bool
    length: Callable[[bytes, int], tuple[int]]
    skip: int
    header: int
    handling: int


def _ascii(vr: str) -> Callable[[bytes], JsonObject]:
    shape = FROM_TEXT[vr]
    return lambda raw: shape(raw.decode("ascii"))


FROM_ASCII = {vr: _ascii(vr) for vr in FROM_TEXT}

SPECIAL_TAGS = {
    "00080005": CHARSET,
    "7FE00001": OFFSETS,
    "7FE00002": OFFSETS,
    "7FE00008": PIXELS,
    "7FE00009": PIXELS,
    "7FE00010": PIXELS,
    "FFFEE000": DELIMITER,
    "FFFEE00D": DELIMITER,
    "FFFEE0DD": DELIMITER,
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """One of the three ways to lay out a data set; `key_size` bytes of a header are what `layouts` is keyed by."""

    explicit: bool
    big_endian: bool
    key_size: int
    short: Struct
    long: Struct
    layouts: dict[bytes, Layout] = field(default_factory=dict, repr=False, compare=False)

    def learn(self, key: bytes) -> Layout:
        """Work out the layout of an element by its header's first bytes, and remember it."""
        layout = self._explicit(key) if self.explicit else self._implicit(key)
        if layout.handling != BROKEN and len(self.layouts) < MAX_LAYOUTS:
            self.layouts[key] = layout
        return layout

    def tag(self, key: bytes) -> str:
        """Return a header's tag as 8 hex digits."""
        order = "big" if self.big_endian else "little"
        return f"{int.from_bytes(key[:2], order):04X}{int.from_bytes(key[2:4], order):04X}"

    def _explicit(self, key: bytes) -> Layout:
        tag, vr = self.tag(key), key[4:6].decode("latin-1")
        if tag.startswith("FFFE"):
            return self._layout(tag, "UN", wide=True, implicit=True)
        if vr not in KNOWN:
            return Layout(tag, vr, None, False, self.long.unpack_from, 4, 8, BROKEN)
        return self._layout(tag, vr, wide=vr in LONG_LENGTH, implicit=False)

    def _implicit(self, key: bytes) -> Layout:
        tag = self.tag(key)
        return self._layout(tag, vr_of(tag) or "UN", wide=True, implicit=True)

    def _layout(self, tag: str, vr: str, wide: bool, implicit: bool) -> Layout:
        handling = _handling(tag, vr)
        known = FROM_BYTES[self.big_endian] | FROM_ASCII
        convert = None if handling else known[vr]
        length = self.long.unpack_from if wide else self.short.unpack_from
        skip, header = (4, 8) if implicit else (8, 12) if wide else (6, 8)
        return Layout(tag, vr, convert, vr in TEXT, length, skip, header, handling)


def _handling(tag: str, vr: str) -> int:
    if tag in SPECIAL_TAGS:
        return SPECIAL_TAGS[tag]
    if tag.endswith("0000"):
        return SKIPPED
    if vr == "SQ":
        return SEQUENCE
    if vr == "UN":
        return UNKNOWN
    return CHOICE if vr in AMBIGUOUS else 0


EXPLICIT_LITTLE = Encoding(True, False, 6, Struct("<H"), Struct("<I"))
EXPLICIT_BIG = Encoding(True, True, 6, Struct(">H"), Struct(">I"))
IMPLICIT_LITTLE = Encoding(False, False, 4, Struct("<H"), Struct("<I"))
IMPLICIT_BIG = Encoding(False, True, 4, Struct(">H"), Struct(">I"))
"""No transfer syntax has it; sequences of implicit VR inside a big-endian data set do (and ACR-NEMA files)."""
