"""An instance's DICOM JSON (PS3.18 F) as packs and series metadata hold it: one compact object, UTF-8."""

from collections.abc import Sequence

import orjson

from dicomlake.domain.change import StudyChange
from dicomlake.domain.correction import concerning, corrected
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import InstanceRecord, JsonObject


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


_AVAILABLE = "00083002"
_BULK = b'"BulkDataURI":"'


def shown_metadata(packed: bytes, record: InstanceRecord, changes: Sequence[StudyChange] = ()) -> bytes:
    """Return an instance's DICOM JSON as readers get it, from what its pack holds.

    Available Transfer Syntax UID is added in its place (PS3.18 F.2 orders attributes by tag), and bulk data are named
    relative to the study: `series/{uid}/instances/{uid}/bulkdata/...`. `changes` are the study's
    corrections. Raises MalformedError if it is no JSON object.
    """
    available: JsonObject = {_AVAILABLE: {"vr": "UI", "Value": [record.stored_transfer_syntax]}}
    stored = corrected(decode_metadata(packed), concerning(changes, record.key))
    shown = encode_metadata(dict(sorted({**stored, **available}.items())))
    key = record.key
    place = f"series/{key.series_uid}/instances/{key.instance_uid}/bulkdata/".encode()
    return shown.replace(_BULK + b"bulk/", _BULK + place).replace(_BULK + b"pixeldata", _BULK + place + b"pixeldata")


def placed_metadata(shown: bytes, study_url: str) -> bytes:
    """Return DICOM JSON whose bulk data are named by absolute URLs; values cannot hold what is looked for."""
    return shown.replace(_BULK + b"series/", _BULK + f"{study_url}/series/".encode())
