"""Retrieve bulk data (WADO-RS, PS3.18 10.4.1.1.5): what metadata name by a BulkDataURI instead of holding it."""

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass

from dicomlake.dicom.header.json_view import swap
from dicomlake.dicom.header.opened import open_object
from dicomlake.dicom.header.vr import VALUE_SIZES
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.errors import NotAcceptableError, NotFoundError
from dicomlake.domain.levels import text_of
from dicomlake.domain.model import InstanceRecord, JsonObject, JsonValue
from dicomlake.ports import Datastore
from dicomlake.usecases.retrieve_instances import stored_instance
from dicomlake.usecases.stored_instance import StoredInstance

_ENCAPSULATED, _ITS_LENGTH, _ITS_TYPE = "00420011", "00420015", "00420012"
OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class BulkValue:
    """Fact: a value's bytes, little endian, and its media type (that of the document where it is one)."""

    data: bytes
    media_type: str = OCTETS


def retrieve_bulkdata(record: InstanceRecord, name: str, store: Datastore) -> BulkValue:
    """Return the value that the instance's metadata name so: first and last byte in the landed object, as "120-4000".

    Raises NotFoundError where its metadata name no such value.
    """
    instance = stored_instance(record, store)
    found = next((one for one in _named(instance.view) if one[1].get("BulkDataURI") == f"bulk/{name}"), None)
    if found is None:
        raise NotFoundError("the instance's metadata name no such bulk data")
    tag, element = found
    data = _value(instance, name, str(element["vr"]))
    return _document(instance.view, data) if tag == _ENCAPSULATED else BulkValue(data)


def encapsulated_document(record: InstanceRecord, store: Datastore) -> BulkValue:
    """Return the document that an instance encapsulates (PS3.3 C.24.2); NotAcceptableError if it holds none."""
    instance = stored_instance(record, store)
    element = instance.view.get(_ENCAPSULATED)
    if not isinstance(element, dict):
        raise NotAcceptableError("there is no picture of this instance: it is no image and holds no document")
    named = str(element.get("BulkDataURI", "")).removeprefix("bulk/")
    data = _value(instance, named, "OB") if named else b64decode(str(element.get("InlineBinary", "")))
    return _document(instance.view, data)


def read_pixels(record: InstanceRecord, store: Datastore) -> Iterator[bytes]:
    """Yield the stored bytes of all frames, or of a video's stream, in order."""
    instance = stored_instance(record, store)
    return (instance.reader.frame_bytes(frame) for frame in instance.reader.frames(instance.ordinal))


def _named(view: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Yield every element of a data set and its items that names bulk data, with its tag."""
    for tag, element in view.items():
        if not isinstance(element, dict):
            continue
        if "BulkDataURI" in element:
            yield tag, element
        items: JsonValue = element.get("Value")
        for item in items if element.get("vr") in ("SQ", "UN") and isinstance(items, list) else ():
            if isinstance(item, dict):
                yield from _named(item)


def _value(instance: StoredInstance, name: str, vr: str) -> bytes:
    """Return a value by its place, little endian whatever landed."""
    start, _, end = name.partition("-")
    data = _head_bytes(instance, int(start), int(end))
    size = VALUE_SIZES.get(vr, 1)
    if size > 1 and open_object(BufferSource(instance.reader.head(instance.ordinal))).encoding.big_endian:
        return swap(data, size)
    return data


def _head_bytes(instance: StoredInstance, start: int, end: int) -> bytes:
    """Return bytes by their place in the landed object: frames before them are not in the head."""
    taken = 0
    for splice in instance.reader.splices(instance.ordinal):
        if splice.head_offset + taken > start:
            break
        taken += splice.length
    found = b"".join(instance.reader.head_parts(instance.ordinal, start - taken, end - taken))
    if len(found) != end - start:
        raise NotFoundError("the value lies behind pixel data that were transcoded: ask for the instance")
    return found


def _document(view: JsonObject, data: bytes) -> BulkValue:
    """Return an encapsulated document as the document itself: without the byte that made its length even."""
    length = text_of(view, _ITS_LENGTH)
    whole = data[: int(length)] if length.isdigit() and len(data) - 1 <= int(length) <= len(data) else data
    kind = text_of(view, _ITS_TYPE).lower()
    return BulkValue(whole, kind if "/" in kind and kind.isascii() and kind.isprintable() else OCTETS)
