"""The values the lake speaks in: identities, landed objects, frames, pack pointers, index records.

All are frozen; an invalid one cannot be built. Integers are bytes, counts or pixels as named.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

DatastoreId = NewType("DatastoreId", str)
StudyUid = NewType("StudyUid", str)
SeriesUid = NewType("SeriesUid", str)
InstanceUid = NewType("InstanceUid", str)
SopClassUid = NewType("SopClassUid", str)
TransferSyntaxUid = NewType("TransferSyntaxUid", str)

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]
JsonObject = dict[str, JsonValue]

_UID = re.compile(r"[0-9]+(\.[0-9]+)*\Z")

PIXEL_LAYOUT = (
    "00280002",
    "00280004",
    "00280006",
    "00280008",
    "00280010",
    "00280011",
    "00280100",
    "00280101",
    "00280102",
    "00280103",
)
"""Tags that tell how pixels lie in memory (PS3.3 C.7.6.3): Samples per Pixel to Pixel Representation."""


def is_uid(text: str) -> bool:
    """Whether the text has the form of a UID (PS3.5 9.1): digits and dots, at most 64 characters.

    Leading zeros in a component break the rule but identify well enough; they pass here and are a warning.
    """
    return 0 < len(text) <= 64 and _UID.match(text) is not None


@dataclass(frozen=True, slots=True, order=True)
class InstanceKey:
    """What identifies an instance in a data store: its study, series and SOP Instance UID."""

    study_uid: StudyUid
    series_uid: SeriesUid
    instance_uid: InstanceUid

    def __post_init__(self) -> None:
        if not (self.study_uid and self.series_uid and self.instance_uid):
            raise ValueError("an instance key needs all three UIDs")


@dataclass(frozen=True, slots=True)
class LandedObject:
    """One version of one object in the landing bucket; `source` names who sent it.

    `landed_at` is when S3 had it (ISO 8601, UTC), "" where that is not known; it identifies nothing: an event and a
    listing may tell it by the second and by the millisecond.
    """

    bucket: str
    key: str
    version_id: str
    size: int
    source: str = "default"
    landed_at: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, order=True)
class LedgerKey:
    """A landed object's row in the ledger; the object's own key never leaves the landing bucket.

    `object_hash` is 32 hex digits of a keyed hash over bucket and key (ids.ledger_key).
    """

    object_hash: str
    version_id: str


class Outcome(StrEnum):
    """Where a landed object ended; a ledger row has exactly one."""

    PENDING = "pending"
    STORED = "stored"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


class Restorable(StrEnum):
    """What can be given back of the landed object."""

    BYTES = "bytes"
    """The landed bytes, SHA-256 equal: native and kept-as-is sources."""
    PIXELS = "pixels"
    """The head's bytes and the pixels, both equal: RLE, J2K, JPEG-LS, JPEG lossless, deflated."""
    KEPT = "kept"
    """The original object is retained."""


class Visibility(StrEnum):
    """Whether readers see an instance."""

    PRIMARY = "primary"
    NON_PRIMARY = "non-primary"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Warned:
    """Something met in a stored instance that a careful reader should know; never patient data."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution of a stored frame, smallest first.

    `end` is the number of bytes of the code stream that hold this and every smaller resolution;
    `crc32` is the zlib CRC-32 of its decoded, little-endian pixels (of the stored bytes where the frame is kept
    in its own syntax: then there is exactly one level and width and height are the frame's).
    """

    width: int
    height: int
    end: int
    crc32: int


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a stored frame lies in its pack, and what it holds."""

    offset: int
    length: int
    native_length: int
    levels: tuple[Level, ...]
    minimum: int | None
    maximum: int | None
    frame_id: str


@dataclass(frozen=True, slots=True)
class Splice:
    """Where bytes of a frame belong in the landed object: `length` bytes of frame `frame_index` from `frame_offset`
    (of its stored bytes, or of its native bytes where it was transcoded) stand before head byte `head_offset`."""

    head_offset: int
    frame_index: int
    frame_offset: int
    length: int


@dataclass(frozen=True, slots=True)
class PackPointer:
    """Where an instance lies in the lake: the pack object's key and its place among the pack's instances.

    `ordinal` is the instance's index in the pack's footer. `first_frame` is offset and length of the only frame of a
    single-frame instance, so that a look-up needs one ranged GET; (0, 0) otherwise. `table_offset` and
    `record_size` place the frame table (docs/lake-format.md) for the rest.
    """

    pack: str
    ordinal: int
    first_frame: tuple[int, int] = (0, 0)
    table_offset: int = 0
    record_size: int = 0


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """An instance as the index holds it; everything needed to find, list, sort, restore and compare it.

    `attributes` is the DICOM JSON (PS3.18 F) of the instance-level attributes a search returns; study and series
    attributes travel beside it in `StudyAttributes` and `SeriesAttributes`, once per commit.
    `content_digest` is 32 hex digits over the canonical data set and the stored frames (architecture, section 8).
    `source` names who sent the landed object and `landed_at` when S3 had it ("" where that is not known): packs tell
    both too, so that a rebuilt ledger does. `changed_at` is when it was hidden, shown again or corrected ("" never).
    """

    key: InstanceKey
    ledger: LedgerKey
    sop_class_uid: SopClassUid
    source_transfer_syntax: TransferSyntaxUid
    stored_transfer_syntax: TransferSyntaxUid
    landed_size: int
    landed_sha256: str
    content_digest: str
    stored_size: int
    frame_count: int
    restorable: Restorable
    pointer: PackPointer
    stored_at: str
    instance_number: int | None = None
    visibility: Visibility = Visibility.PRIMARY
    version: int = 1
    warnings: tuple[Warned, ...] = ()
    attributes: JsonObject = field(default_factory=dict)
    source: str = "default"
    landed_at: str = ""
    changed_at: str = ""

    @property
    def arrived_at(self) -> str:
        """When it landed, as far as known: else when it was stored."""
        return self.landed_at or self.stored_at


@dataclass(frozen=True, slots=True)
class SeriesAttributes:
    """The series-level attributes of one series (DICOM JSON), as its first instance gave them."""

    series_uid: SeriesUid
    attributes: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StudyAttributes:
    """The patient- and study-level attributes of one study (DICOM JSON), as its first instance gave them."""

    study_uid: StudyUid
    attributes: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """What adds up: instances, frames and bytes, landed and stored."""

    instances: int = 0
    frames: int = 0
    landed_bytes: int = 0
    stored_bytes: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.instances + other.instances,
            self.frames + other.frames,
            self.landed_bytes + other.landed_bytes,
            self.stored_bytes + other.stored_bytes,
        )


NO_COUNTS = Counts()
