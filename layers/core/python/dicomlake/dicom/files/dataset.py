"""A head as a pydicom data set in little endian, without its pixel data: what a written file is made from."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, VR

from dicomlake.dicom.header.encoding import Encoding
from dicomlake.dicom.header.opened import open_object
from dicomlake.dicom.instance import PIXEL_TAGS
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import Splice

_UNDEFINED = 0xFFFFFFFF
_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
_WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_TRAILING_PADDING = 0xFFFCFFFC
_OFFSET_TABLES = frozenset({0x7FE00001, 0x7FE00002, 0x7FE00003})
UNREADABLE = (
    struct.error,
    EOFError,
    OSError,
    TypeError,
    ValueError,
    NotImplementedError,
    KeyError,
    OverflowError,
    AttributeError,
)
"""What pydicom raises on data sets it cannot read or write."""


@dataclass(frozen=True, slots=True)
class HeadDataset:
    """A head's data set; `pixel_tag` and `pixel_vr` are those of the pixel data that belong to it, 0 and "" if none."""

    dataset: Dataset
    pixel_tag: int
    pixel_vr: str


def read_head(head: bytes, splices: Iterable[Splice] = ()) -> HeadDataset:
    """Read a stored head (the landed bytes without the frames') into a data set that can be written little endian.

    File meta, group lengths, offset tables, trailing padding and the pixel data itself are left out; values that do not
    fit a 16-bit length become UN (PS3.5 6.2.2, CP-1066). Raises MalformedError if pydicom cannot read it.
    """
    opened = open_object(BufferSource(head))
    encoding, stream = opened.encoding, BytesIO(head)
    stream.seek(opened.start)
    try:
        dataset = _read(stream, encoding)
        pixel_tag, pixel_vr, value, length = _pixel_header(head, stream.tell(), encoding)
        if pixel_tag:
            dataset.update(_after_pixels(head[_value_end(head, value, length, tuple(splices)) :], encoding, pixel_tag))
        _normalise(dataset, encoding)
    except UNREADABLE as error:
        raise MalformedError("a stored head cannot be read into a data set") from error
    return HeadDataset(dataset, pixel_tag, pixel_vr)


def _read(stream: BytesIO, encoding: Encoding) -> Dataset:
    return read_dataset(
        stream,
        is_implicit_VR=not encoding.explicit,
        is_little_endian=not encoding.big_endian,
        stop_when=lambda tag, _vr, _length: tag in PIXEL_TAGS,
    )


def _pixel_header(head: bytes, at: int, encoding: Encoding) -> tuple[int, str, int, int]:
    """Return tag, VR, offset of the value and length of the pixel data that start at `at`; tag 0 if none do."""
    order = ">" if encoding.big_endian else "<"
    if at + 8 > len(head):
        return 0, "", at, 0
    group, element = struct.unpack_from(f"{order}HH", head, at)
    tag = group << 16 | element
    if not encoding.explicit:
        return tag, "OW", at + 8, struct.unpack_from(f"{order}I", head, at + 4)[0]
    return tag, head[at + 4 : at + 6].decode("latin-1"), at + 12, struct.unpack_from(f"{order}I", head, at + 8)[0]


def _value_end(head: bytes, value: int, length: int, splices: tuple[Splice, ...]) -> int:
    """Return where in the head the pixel data's value ends, its frames being elsewhere.

    Of a native value the pad byte is left, of a kept encapsulated one its items' headers and delimiter, of a transcoded
    encapsulated one nothing.
    """
    if length != _UNDEFINED:
        return value + length - sum(splice.length for splice in splices)
    if not splices and head[value : value + 4] != _ITEM:
        return value
    found = head.find(_DELIMITER, splices[-1].head_offset if splices else value)
    return found + len(_DELIMITER) if found >= 0 else len(head)


def _after_pixels(data: bytes, encoding: Encoding, pixel_tag: int) -> dict[BaseTag, DataElement | RawDataElement]:
    """Return the elements after the pixel data (digital signatures); what cannot be read there is left out."""
    try:
        rest = _read(BytesIO(data), encoding)
    except UNREADABLE:
        return {}
    return {tag: rest.get_item(tag) for tag in list(rest.keys()) if tag > pixel_tag and tag != _TRAILING_PADDING}


def _normalise(dataset: Dataset, encoding: Encoding) -> None:
    """Leave what can be written in Explicit VR Little Endian as it is; pydicom drops group lengths when it writes."""
    for tag in [tag for tag in list(dataset.keys()) if tag.group <= 2 or tag in _OFFSET_TABLES]:
        del dataset[tag]
    _settle(dataset, encoding)
    if not encoding.explicit:
        _widen(dataset)
    if encoding.big_endian:
        _swap(dataset)


def _widen(dataset: Dataset) -> None:
    """Make UN of values above 64 KB in VRs whose explicit length has 16 bits."""
    for tag in list(dataset.keys()):
        raw = dataset.get_item(tag)
        if isinstance(raw, RawDataElement) and raw.value is not None and len(raw.value) > 0xFFFF:
            if raw.VR in EXPLICIT_VR_LENGTH_16 or (raw.VR is None and _dictionary_vr(tag) in EXPLICIT_VR_LENGTH_16):
                dataset[tag] = DataElement(tag, VR.UN, raw.value)
        elif dataset[tag].VR == VR.SQ:
            for item in dataset[tag].value:
                _widen(item)


def _settle(dataset: Dataset, encoding: Encoding) -> None:
    """Give a VR to what has none: an implicit element in an explicit data set, retired curve data (50xx,3000)."""
    for tag in list(dataset.keys()):
        raw = dataset.get_item(tag)
        if isinstance(raw, RawDataElement) and raw.VR is None and encoding.explicit:
            dataset[tag] = raw._replace(VR=VR.UN)
        elif isinstance(raw, RawDataElement) and raw.VR is None and _is_curve(tag):
            dataset[tag] = DataElement(tag, VR.OW, raw.value)


def _is_curve(tag: BaseTag) -> bool:
    return tag.group & 0xFF00 == 0x5000 and tag.element == 0x3000


def _dictionary_vr(tag: BaseTag) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return VR.UN


def _swap(dataset: Dataset) -> None:
    """Swap the words of big-endian values that pydicom carries as bytes (PS3.5 7.3)."""
    for element in dataset:
        if element.VR == VR.SQ:
            for item in element.value:
                _swap(item)
        elif element.VR in _WORDS and isinstance(element.value, bytes):
            element.value = np.frombuffer(element.value, f"u{_WORDS[element.VR]}").byteswap().tobytes()
