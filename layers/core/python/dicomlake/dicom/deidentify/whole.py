"""A whole DICOM file made into its de-identified copy, its pixels as they are or as they must be."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from dicomlake.dicom.deidentify.clean import (
    EXPLICIT_LITTLE_ENDIAN,
    clean_dataset,
    file_start,
    identity_of,
    key_of,
    profile_of,
    subject_of,
)
from dicomlake.dicom.deidentify.dataset import (
    ITEM,
    SEQUENCE_END,
    UNDEFINED,
    Buffer,
    Dataset,
    Head,
    encode_dataset,
    encode_header,
    read_object,
    swapped,
)
from dicomlake.dicom.deidentify.gate import DIRECTORY, refuse
from dicomlake.dicom.deidentify.identifiers import Identifier
from dicomlake.dicom.deidentify.names import KeyedNames, PatientIdentity
from dicomlake.dicom.deidentify.options import Option
from dicomlake.dicom.deidentify.plan import Edit, identifiers_in
from dicomlake.dicom.deidentify.policy import Policy
from dicomlake.dicom.deidentify.statements import Done
from dicomlake.dicom.deidentify.streams import without_texts
from dicomlake.dicom.header.opened import open_object
from dicomlake.dicom.header.syntax import DEFLATED, NATIVE, SYNTAX_OF
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.errors import RefusedError
from dicomlake.domain.model import InstanceKey

_WINDOW = 8 * 1024 * 1024
_ROWS, _COLUMNS, _FRAMES = 0x00280010, 0x00280011, 0x00280008
_SAMPLES, _ALLOCATED = 0x00280002, 0x00280100
_WORDS = {"OB": 1, "OW": 2, "OF": 4, "OD": 8, "OL": 4, "OV": 8, "UN": 1}


@dataclass(frozen=True, slots=True)
class WholeObject:
    """A file as read: its data set, its transfer syntax, and its bytes (inflated where they were deflated)."""

    head: Head
    syntax: str
    big_endian: bool
    data: Buffer = field(repr=False)

    @property
    def dataset(self) -> Dataset:
        """What stands before the pixel data."""
        return self.head.dataset


@dataclass(frozen=True, slots=True)
class CleanObject:
    """A de-identified copy: its key, what was changed, and its bytes in parts."""

    key: InstanceKey
    edits: tuple[Edit, ...]
    dataset: Dataset = field(repr=False)
    parts: Iterator[bytes] = field(repr=False)


def read_whole(data: Buffer, private: bool = False) -> WholeObject:
    """Read a DICOM file up to its pixels; raises NotAnInstanceError, MalformedError or RefusedError for other files."""
    opened = open_object(BufferSource(memoryview(data)))
    body: Buffer = data
    if opened.inflated:
        body = bytes(opened.window.source.read(0, opened.window.size))
    if opened.meta.sop_class == DIRECTORY:
        raise RefusedError("a DICOMDIR lists files by what identifies them: give the files it names")
    encoding = opened.encoding
    head = read_object(body, opened.start, encoding.explicit, encoding.big_endian, private)
    syntax = opened.meta.transfer_syntax
    if opened.inflated or not syntax or (syntax in NATIVE and NATIVE[syntax] != encoding):
        syntax = SYNTAX_OF[encoding]
    return WholeObject(head, syntax, encoding.big_endian, body)


def identity_and_identifiers(
    whole: WholeObject, source: str, names: KeyedNames, policy: Policy
) -> tuple[str, frozenset[Identifier]]:
    """Return a patient's pseudonym and what in this object identifies them: what other objects are searched for."""
    subject = subject_of(identity_of(whole.dataset, source), names)
    profile = profile_of(whole.dataset, policy.options)
    return subject.pseudonym, identifiers_in(whole.dataset, profile, subject)


def clean_whole(
    whole: WholeObject, policy: Policy, identity: PatientIdentity, names: KeyedNames, known: frozenset[Identifier]
) -> CleanObject:
    """Return the de-identified copy of an object under a policy.

    `known` is what identifies the patient in other objects. Raises RefusedError where the policy does not take it.
    """
    recognizable = refuse(whole.dataset, whole.head.pixels, whole.syntax, policy)
    done = Done(policy.options, recognizable=recognizable)
    dataset, edits = clean_dataset(whole.dataset, subject_of(identity, names, known), done)
    native = whole.syntax in NATIVE
    syntax = EXPLICIT_LITTLE_ENDIAN if native else whole.syntax
    if whole.syntax in DEFLATED and not native:
        raise RefusedError("the pixels lie on another server")
    return CleanObject(key_of(dataset), edits, dataset, _parts(whole, dataset, syntax))


def _parts(whole: WholeObject, dataset: Dataset, syntax: str) -> Iterator[bytes]:
    yield file_start(dataset, syntax)
    yield encode_dataset(dataset)
    pixels = whole.head.pixels
    if pixels is None:
        return
    if pixels.length == UNDEFINED:
        yield encode_header(pixels.tag, "OB", UNDEFINED)
        yield from _fragments(whole.data, pixels.offset)
    else:
        yield from _native(whole, pixels.vr)


def _native(whole: WholeObject, vr: str) -> Iterator[bytes]:
    """Yield native pixels in little endian; what the file has behind the last frame is not theirs and stays out."""
    pixels = whole.head.pixels
    if pixels is None:
        return
    vr = vr if vr in _WORDS and vr != "UN" else "OW"
    expected = native_length(whole.dataset)
    length = min(pixels.length, expected) if expected else pixels.length
    if pixels.offset + length > len(whole.data):
        raise RefusedError("the pixel data ends early")
    yield encode_header(pixels.tag, vr, length + length % 2)
    width = max(_WORDS[vr], _number(whole.dataset, _ALLOCATED) // 8) if whole.big_endian else 1
    for at in range(pixels.offset, pixels.offset + length, _WINDOW):
        window = whole.data[at : min(at + _WINDOW, pixels.offset + length)]
        yield swapped(window, width) if width > 1 else window
    yield b"\0" * (length % 2)


def native_length(dataset: Dataset) -> int:
    """Return the bytes that native pixels have by their attributes; 0 where those do not tell."""
    values = {element.tag: element.value for element in dataset}
    try:
        frames = int(values[_FRAMES].strip(b" \0")) if values.get(_FRAMES, b"").strip(b" \0") else 1
    except ValueError:
        return 0
    bits = _number(dataset, _ROWS) * _number(dataset, _COLUMNS) * _number(dataset, _ALLOCATED)
    return (bits * (_number(dataset, _SAMPLES) or 1) * frames + 7) // 8


def _number(dataset: Dataset, tag: int) -> int:
    return next((int.from_bytes(element.value[:2], "little") for element in dataset if element.tag == tag), 0)


def _fragments(data: Buffer, at: int) -> Iterator[bytes]:
    """Yield encapsulated fragments, texts in their code streams overwritten; nothing behind their end."""
    first = True
    while True:
        if at + 8 > len(data):
            raise RefusedError("the pixel data ends early")
        group, element, length = struct.unpack_from("<HHI", data, at)
        tag = group << 16 | element
        if tag == SEQUENCE_END:
            yield struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
            return
        if tag != ITEM or at + 8 + length > len(data):
            raise RefusedError("the pixel data's fragments cannot be read")
        fragment = data[at + 8 : at + 8 + length]
        yield data[at : at + 8] + (fragment if first else without_texts(fragment))
        first = False
        at += 8 + length


def keeps_private(policy: Policy) -> bool:
    """Whether an object's private values have to be read at all."""
    return Option.SAFE_PRIVATE in policy.options
