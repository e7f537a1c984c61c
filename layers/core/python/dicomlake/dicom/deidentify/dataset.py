"""The bytes of a head as a tree of elements with raw values, and back, as Explicit VR Little Endian.

Values are never converted: what is kept is kept byte for byte (big-endian values swapped). That is what makes the walk
cheap, and what leaves texts in their own character set.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from mmap import mmap
from typing import NamedTuple

from dicomlake.dicom.dictionary.lookup import vr_of
from dicomlake.dicom.header.vr import KNOWN, LONG_LENGTH, TEXT, VALUE_SIZES
from dicomlake.dicom.instance import PIXEL_TAGS
from dicomlake.domain.errors import RefusedError

type Dataset = tuple[Element, ...]
type Buffer = bytes | mmap

ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_REPRESENTATION = 0x00280103
UNDEFINED = 0xFFFFFFFF
MAX_DEPTH = 32
"""Of nested sequences; image objects of the standard need 6."""

_LONG = frozenset(vr.encode() for vr in LONG_LENGTH)
_SHORT = frozenset(vr.encode() for vr in KNOWN - LONG_LENGTH)
_CHOICES = {"ox": "OW", "uw": "OW", "xw": "OW", "xs": "US"}


class Element(NamedTuple):
    """One element: its tag, VR and value as it stands (little endian); a sequence has items and no value.

    A named tuple, not a dataclass: a header has hundreds, and building them is a third of the walk.
    """

    tag: int
    vr: str
    value: bytes
    items: tuple[Dataset, ...] | None = None


@dataclass(frozen=True, slots=True)
class PixelHeader:
    """The element whose value the data set leaves out: pixel data of `length` bytes (UNDEFINED: fragments), from
    `offset` on where the object was read whole."""

    tag: int
    vr: str
    length: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """A head as read: the data set up to the pixel data. Preamble, file meta and what follows the pixels are left out:
    none of them is ever carried over."""

    dataset: Dataset
    pixels: PixelHeader | None


@lru_cache(maxsize=8192)
def known_vr(tag: int) -> str:
    """Return the dictionary's VR of a tag, `UN` for an unknown one."""
    return vr_of(f"{tag:08X}") or "UN"


def is_private(tag: int) -> bool:
    """Whether a tag is of a private (odd) group (PS3.5 7.8)."""
    return bool(tag & 0x10000)


def read_head(head: bytes, explicit: bool = True, big_endian: bool = False, private: bool = False) -> Head:
    """Read a head, inflated where it was deflated: an optional preamble and file meta, then the data set.

    Raises RefusedError where it cannot be read to the pixel data: what is not understood is not copied.
    """
    return read_object(head, _after_file_meta(head), explicit, big_endian, private)


def read_object(data: Buffer, start: int, explicit: bool, big_endian: bool, private: bool = False) -> Head:
    """Read a whole object's data set from `start` up to its pixel data; `private` keeps the values of private elements.

    Raises RefusedError where it cannot be read to its end.
    """
    reader = _Reader(data, explicit, big_endian, private)
    try:
        dataset, _ = reader.dataset(start, len(data), 0)
    except (struct.error, IndexError) as exc:
        raise RefusedError("the header cannot be read to its end, so it cannot be cleaned") from exc
    return Head(dataset, reader.pixels)


def _after_file_meta(head: bytes) -> int:
    """Return where the data set starts: behind group 0002, which is always Explicit VR Little Endian (PS3.10 7.1)."""
    at = 132 if head[128:132] == b"DICM" else 0
    while head[at : at + 2] == b"\x02\x00":
        long = head[at + 4 : at + 6] in _LONG
        (length,) = struct.unpack_from("<I" if long else "<H", head, at + (8 if long else 6))
        at += length + (12 if long else 8)
    return at


class _Reader:
    """Reads one encoding of PS3.5 annex A out of one buffer."""

    def __init__(self, data: Buffer, explicit: bool, big_endian: bool, private: bool = False) -> None:
        order = ">" if big_endian else "<"
        self.data = data
        self.explicit = explicit
        self.big_endian = big_endian
        self.private = private
        self.pixels: PixelHeader | None = None
        self.signed = False
        self._tag = struct.Struct(order + "HH").unpack_from
        self._tag_and_length = struct.Struct(order + "HHI").unpack_from
        self._short = struct.Struct(order + "H").unpack_from
        self._long = struct.Struct(order + "I").unpack_from

    def dataset(self, at: int, end: int, depth: int) -> tuple[Dataset, int]:
        """Read elements up to `end` or an item's delimiter; of an element that is there twice, the first counts."""
        if depth > MAX_DEPTH:
            raise RefusedError("sequences are nested deeper than any object of the standard")
        found: dict[int, Element] = {}
        while at < end:
            tag, vr, length, at = self._header(at)
            if tag == ITEM_END:
                break
            if tag in PIXEL_TAGS and not depth:
                self.pixels = PixelHeader(tag, vr, length, at)
                break
            element, at = self._element(tag, vr, length, at, end, depth)
            found.setdefault(tag, element)
        return tuple([found[tag] for tag in sorted(found)]), at

    def _header(self, at: int) -> tuple[int, str, int, int]:
        group, element = self._tag(self.data, at)
        tag = group << 16 | element
        if not self.explicit or group == 0xFFFE:
            return tag, known_vr(tag), self._long(self.data, at + 4)[0], at + 8
        vr = self.data[at + 4 : at + 6]
        if vr in _SHORT:
            return tag, vr.decode(), self._short(self.data, at + 6)[0], at + 8
        if vr in _LONG:
            return tag, vr.decode(), self._long(self.data, at + 8)[0], at + 12
        raise RefusedError("an element has no value representation of the standard")

    def _element(self, tag: int, vr: str, length: int, at: int, end: int, depth: int) -> tuple[Element, int]:
        if length == UNDEFINED:
            return self._undefined(tag, vr, at, end, depth)
        stop = at + length
        if stop > end:
            raise RefusedError("an element ends outside the data set that holds it")
        if is_private(tag) and not self.private:
            return Element(tag, vr, b""), stop
        if vr == "SQ":
            return Element(tag, vr, b"", self._items(at, stop, depth)[0]), stop
        if vr == "UN":
            return self._unknown(tag, at, stop, depth), stop
        return self._plain(tag, vr, self.data[at:stop]), stop

    def _plain(self, tag: int, vr: str, value: bytes) -> Element:
        width = VALUE_SIZES.get(vr, 1) if self.big_endian else 1
        value = swapped(value, width) if width > 1 else value
        if tag == PIXEL_REPRESENTATION:
            self.signed = value[:1] == b"\x01"
        return Element(tag, self._settled(vr), value)

    def _settled(self, vr: str) -> str:
        """Settle a VR that depends on other attributes (PS3.5 annex A.1)."""
        return "SS" if vr == "xs" and self.signed else _CHOICES.get(vr, vr)

    def _undefined(self, tag: int, vr: str, at: int, end: int, depth: int) -> tuple[Element, int]:
        """Read a sequence up to its delimiter, or step over fragments (of a nested image, for instance an icon)."""
        if vr in ("OB", "OW") and self.explicit:
            return Element(tag, "UN", b""), self._after_fragments(at, end)
        reader = self._implicit() if vr == "UN" else self
        items, at = reader._items(at, end, depth, delimited=True)
        return Element(tag, "SQ", b"", items), at

    def _unknown(self, tag: int, at: int, stop: int, depth: int) -> Element:
        """Give a standard element that came as UN its own VR again (PS3.5 6.2.2)."""
        vr = known_vr(tag)
        if vr == "SQ":
            items, _ = self._implicit()._items(at, stop, depth)
            return Element(tag, "SQ", b"", items)
        return Element(tag, self._settled(vr), self.data[at:stop])

    def _implicit(self) -> "_Reader":
        reader = _Reader(self.data, explicit=False, big_endian=False, private=self.private)
        reader.signed = self.signed
        return reader

    def _items(self, at: int, end: int, depth: int, delimited: bool = False) -> tuple[tuple[Dataset, ...], int]:
        items: list[Dataset] = []
        while at < end:
            group, element, length = self._tag_and_length(self.data, at)
            tag, at = group << 16 | element, at + 8
            if tag == SEQUENCE_END:
                return tuple(items), at
            if tag != ITEM or (length != UNDEFINED and at + length > end):
                raise RefusedError("a sequence cannot be read, so it cannot be cleaned")
            stop = end if length == UNDEFINED else at + length
            item, after = self.dataset(at, stop, depth + 1)
            items.append(item)
            at = after if length == UNDEFINED else stop
        if delimited:
            raise RefusedError("a sequence has no end, so it cannot be cleaned")
        return tuple(items), at

    def _after_fragments(self, at: int, end: int) -> int:
        while at < end:
            group, element, length = self._tag_and_length(self.data, at)
            at += 8
            if group << 16 | element == SEQUENCE_END:
                return at
            at += length
        raise RefusedError("an encapsulated value has no end")


def swapped(value: bytes, width: int) -> bytes:
    """Return words of `width` bytes in the other order of bytes; what is left over at the end stays as it is."""
    whole = len(value) - len(value) % width
    swapped = bytearray(value)
    for i in range(width):
        swapped[i:whole:width] = value[width - 1 - i : whole : width]
    return bytes(swapped)


_HEADER_SHORT = struct.Struct("<HH2sH").pack
_HEADER_LONG = struct.Struct("<HH2sHI").pack
_ITEM_HEADER = struct.Struct("<HHI").pack
_PADS = dict.fromkeys(TEXT, b" ") | {"UI": b"\0"}


def encode_dataset(dataset: Dataset) -> bytes:
    """Return a data set as Explicit VR Little Endian, sequences and items with their lengths."""
    return b"".join([encode_element(element) for element in dataset])


def encode_element(element: Element) -> bytes:
    """Return one element; a value too long for its VR's length field is written as UN (PS3.5 6.2.2)."""
    tag, vr, value, items = element
    if items is not None:
        value = b"".join([_encode_item(item) for item in items])
    if len(value) & 1:
        value += _PADS.get(vr, b"\0")
    return encode_header(tag, vr, len(value)) + value


def encode_header(tag: int, vr: str, length: int) -> bytes:
    """Return an element's header in explicit VR (PS3.5 7.1.2)."""
    code = vr.encode()
    if code in _SHORT and length <= 0xFFFF:
        return _HEADER_SHORT(tag >> 16, tag & 0xFFFF, code, length)
    return _HEADER_LONG(tag >> 16, tag & 0xFFFF, b"UN" if code in _SHORT else code, 0, length)


def _encode_item(item: Dataset) -> bytes:
    encoded = encode_dataset(item)
    return _ITEM_HEADER(0xFFFE, 0xE000, len(encoded)) + encoded
