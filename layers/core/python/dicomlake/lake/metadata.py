"""An instance's DICOM JSON (PS3.18 F) as packs and series metadata hold it: one compact object, UTF-8."""

import orjson

from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import JsonObject


def encode_metadata(instance: JsonObject) -> bytes:
    """Return an instance's DICOM JSON as bytes."""
    return orjson.dumps(instance)


def decode_metadata(data: bytes) -> JsonObject:
    """Return the DICOM JSON that bytes hold. Raises MalformedError if they hold no JSON object."""
    try:
        instance = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise MalformedError("an instance's metadata in a pack is not JSON") from error
    if not isinstance(instance, dict):
        raise MalformedError("an instance's metadata in a pack is no JSON object")
    return instance
