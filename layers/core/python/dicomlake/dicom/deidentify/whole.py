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
    encode_dataset,
    encode_header,
    swapped,
)
from dicomlake.dicom.deidentify.gate import admit
from dicomlake.dicom.deidentify.identifiers import Identifier
from dicomlake.dicom.deidentify.names import KeyedNames, PatientIdentity
from dicomlake.dicom.deidentify.options import Option
from dicomlake.dicom.deidentify.pixel_frames import described
from dicomlake.dicom.deidentify.pixel_look import Looked, Looking, look_at
from dicomlake.dicom.deidentify.plan import Edit, identifiers_in
from dicomlake.dicom.deidentify.policy import Policy
from dicomlake.dicom.deidentify.statements import Done
from dicomlake.dicom.deidentify.streams import without_texts
from dicomlake.dicom.deidentify.whole_object import WholeObject
from dicomlake.dicom.header.syntax import DEFLATED, NATIVE
from dicomlake.domain.errors import RefusedError
from dicomlake.domain.model import InstanceKey
from dicomlake.domain.picture_text import Line

PIXEL_DATA = 0x7FE00010
_WINDOW = 8 * 1024 * 1024
NOBODY = Looking()
_ROWS, _COLUMNS, _FRAMES = 0x00280010, 0x00280011, 0x00280008
_SAMPLES, _ALLOCATED = 0x00280002, 0x00280100
_WORDS = {"OB": 1, "OW": 2, "OF": 4, "OD": 8, "OL": 4, "OV": 8, "UN": 1}


@dataclass(frozen=True, slots=True)
class Under:
    """What copies are made under: the names of the data store, and who looks at pixels."""

    names: KeyedNames
    looking: Looking = NOBODY


@dataclass(frozen=True, slots=True)
class CleanObject:
    """A de-identified copy: its key, what was changed, what was filled over in its frames, and its bytes in parts."""

    key: InstanceKey
    edits: tuple[Edit, ...]
    dataset: Dataset = field(repr=False)
    boxes: tuple[Line, ...] = field(repr=False)
    parts: Iterator[bytes] = field(repr=False)


def identity_and_identifiers(
    whole: WholeObject, source: str, names: KeyedNames, policy: Policy
) -> tuple[str, frozenset[Identifier]]:
    """Return a patient's pseudonym and what in this object identifies them: what other objects are searched for."""
    subject = subject_of(identity_of(whole.dataset, source), names)
    profile = profile_of(whole.dataset, policy.options)
    return subject.pseudonym, identifiers_in(whole.dataset, profile, subject)


def clean_whole(
    whole: WholeObject, policy: Policy, identity: PatientIdentity, under: Under, known: frozenset[Identifier]
) -> CleanObject:
    """Return the de-identified copy of an object under a policy.

    `known` is what identifies the patient in other objects. Raises RefusedError where the policy does not take it.
    """
    if whole.syntax in DEFLATED and whole.syntax not in NATIVE:
        raise RefusedError("the pixels lie on another server")
    admitted = admit(whole.dataset, whole.head.pixels, policy)
    subject = subject_of(identity, under.names, known)
    looked = look_at(whole, policy, admitted.look, subject, under.looking)
    done = Done(policy.options, pixels_cleaned=looked is not None, recognizable=admitted.recognizable)
    dataset, edits = clean_dataset(whole.dataset, subject, done, policy.rules)
    if looked is not None and looked.boxes:
        dataset = described(dataset, looked.frames)
        parts = _decoded(dataset, looked)
    else:
        parts = _as_they_are(whole, dataset)
    return CleanObject(key_of(dataset), edits, dataset, looked.boxes if looked else (), parts)


def _decoded(dataset: Dataset, looked: Looked) -> Iterator[bytes]:
    """Yield a file whose frames are written native, without loss, what was found in them filled over."""
    frames = looked.frames
    length = frames.layout.native_length * len(frames.plan)
    yield file_start(dataset, EXPLICIT_LITTLE_ENDIAN)
    yield encode_dataset(dataset)
    yield encode_header(PIXEL_DATA, "OW" if frames.layout.bits_allocated > 8 else "OB", length + length % 2)
    yield from frames.filled(looked.boxes)
    yield b"\0" * (length % 2)


def _as_they_are(whole: WholeObject, dataset: Dataset) -> Iterator[bytes]:
    yield file_start(dataset, EXPLICIT_LITTLE_ENDIAN if whole.syntax in NATIVE else whole.syntax)
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
    return Option.SAFE_PRIVATE in policy.options or bool(policy.rules.private)
