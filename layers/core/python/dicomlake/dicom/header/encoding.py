"""How a data set's bytes are laid out (PS3.5 7.1, annex A), and a memory of what each kind of element header means.

A header's first bytes (tag and VR, or the tag alone where the VR is implicit) name everything that is needed to read
the element: they are looked up as they are. What they mean depends on nothing else, so the memory is shared by all
files; it is bounded, since private tags make it open-ended.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct
from typing import Literal, NamedTuple

from dicomlake.dicom.dictionary.lookup import vr_of
from dicomlake.dicom.header.json_view import FROM_BYTES, FROM_TEXT, FromBytes, FromText
from dicomlake.dicom.header.vr import AMBIGUOUS, KNOWN, LONG_LENGTH

UNDEFINED = 0xFFFFFFFF
MAX_LAYOUTS = 1 << 15

PIXELS, CHARSET, SKIPPED, SEQUENCE, UNKNOWN, CHOICE, DELIMITER, BROKEN, OFFSETS = range(1, 10)
"""What an element needs beyond converting its value; 0 is nothing."""


class Layout(NamedTuple):
    """How to read one kind of element: `length` unpacks the length field `skip` bytes on, the value is at `header`.

    `shape` makes JSON of a decoded text, `convert` of the bytes of any other value; `handling` says what is special.
    """

    tag: str
    vr: str
    convert: FromBytes
    shape: FromText | None
    length: Callable[[bytes, int], tuple[int]]
    skip: int
    header: int
    handling: int


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


class Layouts(dict[bytes, Layout]):
    """What an encoding's headers were found to mean; what is missing is learnt."""

    def __init__(self, encoding: "Encoding") -> None:
        super().__init__()
        self.encoding = encoding

    def __missing__(self, key: bytes) -> Layout:
        layout = self.encoding.learn(key)
        if layout.handling != BROKEN and len(self) < MAX_LAYOUTS:
            self[key] = layout
        return layout


@dataclass(frozen=True, slots=True)
class Encoding:
    """One of the three ways to lay out a data set; `key_size` bytes of a header are what `layouts` is keyed by."""

    explicit: bool
    big_endian: bool
    key_size: int
    short: Struct
    long: Struct
    layouts: "Layouts" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layouts", Layouts(self))

    def layout(self, key: bytes) -> Layout:
        """Return the layout of an element by its header's first bytes."""
        return self.layouts[key]

    def learn(self, key: bytes) -> Layout:
        """Work out the layout of an element by its header's first bytes."""
        return self._explicit(key) if self.explicit else self._implicit(key)

    def tag(self, key: bytes) -> str:
        """Return a header's tag as 8 hex digits."""
        order: Literal["big", "little"] = "big" if self.big_endian else "little"
        return f"{int.from_bytes(key[:2], order):04X}{int.from_bytes(key[2:4], order):04X}"

    def _explicit(self, key: bytes) -> Layout:
        tag, vr = self.tag(key), key[4:6].decode("latin-1")
        if tag.startswith("FFFE"):
            return self._layout(tag, "UN", wide=True, implicit=True)
        if vr not in KNOWN:
            return Layout(tag, vr, FROM_BYTES[False]["UN"], None, self.long.unpack_from, 4, 8, BROKEN)
        return self._layout(tag, vr, wide=vr in LONG_LENGTH, implicit=False)

    def _implicit(self, key: bytes) -> Layout:
        tag = self.tag(key)
        return self._layout(tag, vr_of(tag) or "UN", wide=True, implicit=True)

    def _layout(self, tag: str, vr: str, wide: bool, implicit: bool) -> Layout:
        known = FROM_BYTES[self.big_endian]
        length = self.long.unpack_from if wide else self.short.unpack_from
        skip, header = (4, 8) if implicit else (8, 12) if wide else (6, 8)
        handling = _handling(tag, vr)
        return Layout(tag, vr, known.get(vr, known["UN"]), FROM_TEXT.get(vr), length, skip, header, handling)


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
