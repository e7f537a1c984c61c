"""Metadata and bulk data that come as parts of one request: collected in bounded memory, then made into DICOM files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from dicomlake.dicom.files.assemble import Assembled, BulkData, assemble
from dicomlake.dicom.source import BufferSource, ByteSource
from dicomlake.domain.errors import InvalidRequestError, MalformedError, PermanentError, Reason, TooLargeError
from dicomlake.domain.model import (
    InstanceKey,
    InstanceUid,
    JsonObject,
    JsonValue,
    LandedObject,
    Outcome,
    SeriesUid,
    StudyUid,
)
from dicomlake.domain.multipart import IncomingPart
from dicomlake.domain.store_response import StoreResult
from dicomlake.lake.paths import answer_key
from dicomlake.ports import IdSource, ObjectStore
from dicomlake.usecases.ranged_source import RangedSource
from dicomlake.usecases.read_native_model import read_native_model

JSON, XML = "application/dicom+json", "application/dicom+xml"
METADATA = frozenset({JSON, XML, "application/json"})
"""Media types of metadata; every other part of such a request is bulk data."""

TOO_DEEP = "the metadata's sequences nest too deep"
LARGEST_METADATA = 32 * 1024 * 1024
HELD = 8 * 1024 * 1024
"""Bytes of bulk data that are kept in memory, each and, eight times that, together; others are kept for a day in the
bucket and read by ranges."""


@dataclass(slots=True)
class SentMetadata:
    """What came so far: data sets as DICOM JSON, and bulk data by their Content-Location."""

    objects: ObjectStore
    ids: IdSource
    instances: list[JsonObject] = field(default_factory=list)
    bulks: dict[str, list[BulkData]] = field(default_factory=dict)
    held: int = 0

    def take(self, part: IncomingPart, media_type: str, transfer_syntax: str) -> None:
        """Take one part. Raises InvalidRequestError or MalformedError for metadata that are none."""
        if media_type not in METADATA:
            bulk = BulkData(media_type, transfer_syntax, self._source(part.body))
            self.bulks.setdefault(part.headers.get("content-location", ""), []).append(bulk)
            return
        document = _whole(part.body)
        if media_type == XML:
            self.instances.append(_read(document))
        else:
            self.instances += _datasets(document)

    def _source(self, body: Iterator[bytes]) -> ByteSource:
        held = bytearray()
        for piece in body:
            held += piece
            if len(held) > HELD or self.held + len(held) > 8 * HELD:
                return self._spooled(held, body)
        self.held += len(held)
        return BufferSource(held)

    def _spooled(self, held: bytearray, rest: Iterator[bytes]) -> ByteSource:
        key = answer_key(self.ids.new())
        with self.objects.open_writer(key) as writer:
            writer.write(held)
            for piece in rest:
                writer.write(piece)
            size = writer.commit()
        return RangedSource(self.objects, LandedObject("", key, "", size))

    def assembled(self) -> Iterator[Assembled | StoreResult]:
        """Yield a file for each instance, or why there is none; files are to be read in order."""
        self._name_the_only_one()
        for metadata in self.instances:
            try:
                yield assemble(metadata, self.bulks)
            except PermanentError as error:
                yield refused(metadata, error)
            except RecursionError:
                yield refused(metadata, MalformedError(TOO_DEEP))

    def _name_the_only_one(self) -> None:
        """A part without a Content-Location can only be what the only BulkDataURI means."""
        if "" not in self.bulks:
            return
        uris = {str(element["BulkDataURI"]) for one in self.instances for element in _bulk_elements(one)}
        missing = uris - self.bulks.keys()
        if len(missing) == 1:
            self.bulks[missing.pop()] = self.bulks.pop("")


def _whole(body: Iterator[bytes]) -> bytes:
    held = bytearray()
    for piece in body:
        held += piece
        if len(held) > LARGEST_METADATA:
            raise TooLargeError("the metadata of a request are at most 32 MiB: send fewer instances at once")
    return bytes(held)


def _read(document: bytes) -> JsonObject:
    try:
        return read_native_model(document)
    except MalformedError as error:
        raise InvalidRequestError(str(error)) from error
    except RecursionError as error:
        raise InvalidRequestError(TOO_DEEP) from error


def _datasets(document: bytes) -> list[JsonObject]:
    """One data set or an array of them (PS3.18 F.2.1)."""
    try:
        content = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("the metadata are not JSON, or nest too deep") from error
    found = content if isinstance(content, list) else [content]
    if not all(isinstance(one, dict) and all(isinstance(element, dict) for element in one.values()) for one in found):
        raise InvalidRequestError("the metadata are no DICOM JSON: an array of objects, one an instance (PS3.18 F.2)")
    return found


def _bulk_elements(metadata: JsonObject) -> Iterator[JsonObject]:
    waiting: list[JsonValue] = [metadata]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
            if "BulkDataURI" in value:
                yield value
        elif isinstance(value, list):
            waiting.extend(value)


def refused(metadata: JsonObject, error: PermanentError) -> StoreResult:
    """Return what a sender is told of metadata that make no file: there is nothing that could land."""
    study, series, instance, sop_class = (
        _uid(metadata, tag) for tag in ("0020000D", "0020000E", "00080018", "00080016")
    )
    named = study and series and instance
    key = InstanceKey(StudyUid(study), SeriesUid(series), InstanceUid(instance)) if named else None
    reason = error.reason if error.reason is Reason.UNSUPPORTED else Reason.MALFORMED
    return StoreResult(Outcome.QUARANTINED, key, sop_class, reason, detail=error.detail)


def _uid(metadata: JsonObject, tag: str) -> str:
    element = metadata.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return str(values[0] or "").strip() if isinstance(values, list) and values else ""
