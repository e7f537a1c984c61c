"""The metadata of an image set as HealthImaging's document, schema 1.1: keywords, and each attribute at its level.

An instance whose patient's, study's or series' attribute differs from the level's keeps its own beside its others, so
that nothing is lost by normalising. docs/decisions/0111 says where this departs from what AWS is seen to answer.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dicomlake.dicom.dictionary.lookup import keyword_of, may_have_several_values
from dicomlake.domain.image_sets import ImageSet
from dicomlake.domain.model import Frame, InstanceRecord, JsonObject, JsonValue
from dicomlake.domain.names import written_name
from dicomlake.domain.served import HTJ2K, NATIVE
from dicomlake.usecases.image_set_levels import EXPECTED, LEVELS, Level

SCHEMA_VERSION = "1.1"
NOT_THEIRS = frozenset({"00083002"})
"""Added for DICOMweb's readers."""


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """One instance of an image set: its record, its DICOM JSON, and its frames' records."""

    record: InstanceRecord
    metadata: JsonObject
    frames: tuple[Frame, ...]


@dataclass(slots=True)
class _Shared:
    """The attributes of each level as the first instance gave them."""

    levels: dict[Level, JsonObject] = field(default_factory=dict)

    def take(self, metadata: JsonObject) -> JsonObject:
        """Return what is the instance's own, its keywords not yet spelled."""
        own: JsonObject = {}
        for tag, element in metadata.items():
            level = LEVELS.get(tag)
            if tag in NOT_THEIRS:
                continue
            if level is None or self.levels.setdefault(level, {}).setdefault(tag, element) != element:
                own[tag] = element
        return own


def write_document(image_set: ImageSet, datastore_id: str, parts: Iterable[DocumentPart]) -> JsonObject:
    """Return the document of an image set; instances stand in the order given."""
    shared = _Shared()
    instances: JsonObject = {str(part.record.key.instance_uid): _instance(part, shared) for part in parts}
    series: JsonObject = {"DICOM": _level(shared, Level.SERIES), "Instances": instances}
    study: JsonObject = {"DICOM": _level(shared, Level.STUDY), "Series": {str(image_set.series_uid): series}}
    return {
        "SchemaVersion": SCHEMA_VERSION,
        "DatastoreID": datastore_id,
        "ImageSetID": image_set.image_set_id,
        "Patient": {"DICOM": _level(shared, Level.PATIENT)},
        "Study": study,
    }


def _level(shared: _Shared, level: Level) -> JsonObject:
    """A level's attributes; those that every image set has are null where they are missing."""
    held = shared.levels.get(level, {})
    missing: JsonObject = {str(keyword_of(tag)): None for tag in EXPECTED[level] if tag not in held}
    return missing | _attributes(held)


def _instance(part: DocumentPart, shared: _Shared) -> JsonObject:
    record = part.record
    meta: JsonObject = {
        "TransferSyntaxUID": record.source_transfer_syntax,
        "MediaStorageSOPClassUID": record.sop_class_uid,
        "MediaStorageSOPInstanceUID": record.key.instance_uid,
    }
    own = _attributes(shared.take(part.metadata))
    pixels: JsonObject = {"PixelData": None} if part.frames else {}
    document: JsonObject = {"DICOM": meta | {"InstanceNumber": None} | own | pixels}
    document["DICOMVRs"] = dict(_unnamed(part.metadata))
    if part.frames:
        kept = record.stored_transfer_syntax != HTJ2K
        stored: JsonObject = {"StoredTransferSyntaxUID": record.stored_transfer_syntax} if kept else {}
        document |= stored | {"ChecksumType": _checksum_type(record)}
    document["ImageFrames"] = [_frame(frame) for frame in part.frames]
    return document


def _checksum_type(record: InstanceRecord) -> str:
    """Of what the checksums are: decoded pixels, or the stored bytes of a frame that is kept in its own syntax."""
    return "DECOMPRESSED" if record.stored_transfer_syntax in (HTJ2K, *NATIVE) else "COMPRESSED"


def _frame(frame: Frame) -> JsonObject:
    return {
        "ID": frame.frame_id,
        "PixelDataChecksumFromBaseToFullResolution": [
            {"Width": level.width, "Height": level.height, "Checksum": level.crc32} for level in frame.levels
        ],
        "MinPixelValue": frame.minimum,
        "MaxPixelValue": frame.maximum,
        "FrameSizeInBytes": frame.length,
        "FrameSizeInBytesDecompressed": frame.native_length,
    }


def _attributes(elements: JsonObject) -> JsonObject:
    return {keyword_of(tag) or tag: _value(tag, element) for tag, element in elements.items()}


def _unnamed(elements: JsonObject) -> Iterator[tuple[str, JsonValue]]:
    """The VRs of elements without a keyword, also of those in sequences."""
    for tag, element in elements.items():
        if not isinstance(element, dict):
            continue
        if keyword_of(tag) is None:
            yield tag, element["vr"]
        items = element.get("Value") if element["vr"] == "SQ" else None
        for item in items if isinstance(items, list) else ():
            yield from _unnamed(item) if isinstance(item, dict) else ()


def _value(tag: str, element: JsonValue) -> JsonValue:
    """An element as the document has it: bulk data and what is empty are null, small binary values base64."""
    if not isinstance(element, dict) or "BulkDataURI" in element:
        return None
    if "InlineBinary" in element:
        return element["InlineBinary"]
    values = element.get("Value")
    if not isinstance(values, list) or not values:
        return None
    vr = str(element["vr"])
    texts = [_one(vr, value) for value in values]
    alone = len(texts) == 1 and vr != "SQ" and not may_have_several_values(tag)
    return texts[0] if alone else texts


def _one(vr: str, value: JsonValue) -> JsonValue:
    if value is None:
        return ""
    if vr == "SQ":
        return _attributes(value) if isinstance(value, dict) else {}
    if vr == "PN":
        return written_name(value)
    if vr in ("DS", "IS") and not isinstance(value, str):
        return repr(value)
    return value
