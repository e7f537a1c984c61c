"""From an object's head to the head of its de-identified copy: read, refuse, plan, apply, write."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from dicomlake.dicom.deidentify.dataset import (
    Dataset,
    Element,
    PixelHeader,
    encode_dataset,
    encode_element,
    encode_header,
    read_head,
)
from dicomlake.dicom.deidentify.identifiers import Identifier
from dicomlake.dicom.deidentify.names import KeyedNames, PatientIdentity
from dicomlake.dicom.deidentify.options import Option
from dicomlake.dicom.deidentify.plan import Edit, Subject, apply_edits, plan_edits
from dicomlake.dicom.deidentify.profile import Profile, profile_for
from dicomlake.dicom.deidentify.refusal import NATIVE_SYNTAXES, refuse_content
from dicomlake.dicom.deidentify.rules import NO_RULES, Rules
from dicomlake.dicom.deidentify.statements import PATIENT_ID, Done, statements
from dicomlake.dicom.header.parse import parse
from dicomlake.dicom.instance import ParsedInstance
from dicomlake.domain.errors import PermanentError, RefusedError
from dicomlake.domain.model import InstanceKey, InstanceUid, SeriesUid, StudyUid

EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
IMPLEMENTATION_CLASS_UID = "2.25.152335469705584180728471584836084844978"
IMPLEMENTATION_VERSION = "DICOMLAKE_DEID_1"

SOP_CLASS_UID, SOP_INSTANCE_UID = 0x00080016, 0x00080018
STUDY_UID, SERIES_UID = 0x0020000D, 0x0020000E
ISSUER_OF_PATIENT_ID = 0x00100021


@dataclass(frozen=True, slots=True)
class CleanHead:
    """The head of a de-identified copy, Explicit VR Little Endian: `before` and `after` are the bytes around the value
    of the pixel data, which has `pixel_length` bytes without its padding; `edits` are what was changed."""

    key: InstanceKey
    before: bytes
    after: bytes
    pixel_length: int
    edits: tuple[Edit, ...]

    @property
    def size(self) -> int:
        """The bytes of the whole object, pixels included."""
        return len(self.before) + self.pixel_length + len(self.after)

    def view(self) -> tuple[ParsedInstance, bytes]:
        """Parse the new head, as ingest parses a landed object, and return that with its DICOM JSON text.

        Raises RefusedError where it does not read back: then the original was stranger than it looked.
        """
        try:
            parsed = parse(_Outline(self.before, self.after, self.size))
        except PermanentError as exc:
            raise RefusedError("the edited header does not read back") from exc
        if parsed.key != self.key:
            raise RefusedError("the edited header reads back as another instance")
        return parsed, orjson.dumps(parsed.json)


@dataclass(frozen=True, slots=True)
class _Outline:
    """An object with nothing (zeros) for pixels: a ByteSource with all that is needed to parse it."""

    before: bytes
    after: bytes
    size: int

    def read(self, start: int, length: int) -> memoryview:
        """Return the bytes from `start`; fewer than `length` where the object ends."""
        end = min(start + length, self.size)
        tail = self.size - len(self.after)
        gap = max(0, min(end, tail) - max(start, len(self.before)))
        after = self.after[max(0, start - tail) : max(0, end - tail)]
        return memoryview(self.before[start:end] + bytes(gap) + after)


def clean_head(head: bytes, source_syntax: str, source: str, pixel_length: int, names: KeyedNames) -> CleanHead:
    """De-identify a head by the Basic Profile and return the new one.

    `head` is the landed bytes outside the pixel data value (inflated where it was deflated), `source` names who sent
    the object, `pixel_length` is what its native frames have together. The pixels are not touched. Raises RefusedError
    for what this stage does not take (refusal.py) and for what cannot be read to its end.
    """
    explicit, big_endian = NATIVE_SYNTAXES[source_syntax]
    read = read_head(head, explicit, big_endian)
    refuse_content(read.dataset, read.pixels)
    identity = identity_of(read.dataset, source)
    done = Done(cleared=False)
    dataset, edits = clean_dataset(read.dataset, subject_of(identity, names), done)
    return _assemble(dataset, read.pixels, pixel_length, edits)


def subject_of(identity: PatientIdentity, names: KeyedNames, known: frozenset[Identifier] = frozenset()) -> Subject:
    """Return what stands for a patient under the names of a data store."""
    return Subject(names, names.patient(identity), names.days(identity), known)


def clean_dataset(
    dataset: Dataset, subject: Subject, done: Done, rules: Rules = NO_RULES
) -> tuple[Dataset, tuple[Edit, ...]]:
    """Return a data set de-identified by the Basic Profile, the options of `done` and rules, and what was changed."""
    profile = profile_of(dataset, done.options)
    edits = plan_edits(dataset, profile, subject, statements(subject.pseudonym, done), rules)
    return apply_edits(dataset, edits), edits


def profile_of(dataset: Dataset, options: frozenset[Option]) -> Profile:
    """Return the profile for an object of this data set's class."""
    present = {element.tag: element.value for element in dataset}
    return profile_for(uid_in(present, SOP_CLASS_UID), frozenset(present), options)


def identity_of(dataset: Dataset, source: str) -> PatientIdentity:
    """Return who the patient of a data set is; `source` names who sent it."""
    texts = {element.tag: element.value for element in dataset}
    return PatientIdentity(
        texts.get(PATIENT_ID, b""), texts.get(ISSUER_OF_PATIENT_ID, b""), source, uid_in(texts, STUDY_UID)
    )


def uid_in(texts: Mapping[int, bytes], tag: int) -> str:
    """Return a UID of a data set's values by tag; RefusedError where it is missing."""
    text = texts.get(tag, b"").strip(b" \0").decode("ascii", "replace")
    if not text:
        raise RefusedError("a UID that identifies the object is missing")
    return text


def key_of(dataset: Dataset) -> InstanceKey:
    """Return the UIDs that a data set's object is known by."""
    texts = {element.tag: element.value for element in dataset}
    return InstanceKey(
        StudyUid(uid_in(texts, STUDY_UID)),
        SeriesUid(uid_in(texts, SERIES_UID)),
        InstanceUid(uid_in(texts, SOP_INSTANCE_UID)),
    )


def _assemble(dataset: Dataset, pixels: PixelHeader | None, pixel_length: int, edits: tuple[Edit, ...]) -> CleanHead:
    if pixels is None:
        raise RefusedError("pixel data: an image without pixels is not understood")
    key = key_of(dataset)
    padding = b"\0" * (pixel_length & 1)
    before = b"".join(
        (
            file_start(dataset, EXPLICIT_LITTLE_ENDIAN),
            encode_dataset(dataset),
            encode_header(pixels.tag, "OW", pixel_length + len(padding)),
        )
    )
    return CleanHead(key, before, padding, pixel_length, edits)


def file_start(dataset: Dataset, syntax: str) -> bytes:
    """Return an empty preamble and a new group 0002 (PS3.10 7.1): nothing of the original's, no AE titles."""
    texts = {element.tag: element.value for element in dataset}
    elements = (
        Element(0x00020001, "OB", b"\0\1"),
        Element(0x00020002, "UI", uid_in(texts, SOP_CLASS_UID).encode()),
        Element(0x00020003, "UI", uid_in(texts, SOP_INSTANCE_UID).encode()),
        Element(0x00020010, "UI", syntax.encode()),
        Element(0x00020012, "UI", IMPLEMENTATION_CLASS_UID.encode()),
        Element(0x00020013, "SH", IMPLEMENTATION_VERSION.encode()),
    )
    group = encode_dataset(elements)
    return bytes(128) + b"DICM" + encode_element(Element(0x00020000, "UL", len(group).to_bytes(4, "little"))) + group
