"""One digest for one content: equal for two data sets that say the same, however they are encoded.

Left out are the pixels (their frames have digests of their own), what depends on the encoding (0008,0005; group
lengths), where the object came from (0008,0054; 0008,0056) and padding (FFFC,FFFC): architecture, section 8.
"""

import hashlib

import orjson

from dicomlake.dicom.header.json_view import swap
from dicomlake.dicom.header.view_text import NOT_CONTENT
from dicomlake.dicom.header.vr import VALUE_SIZES
from dicomlake.dicom.instance import BulkValue
from dicomlake.dicom.source import ByteSource
from dicomlake.domain.model import JsonObject, JsonValue

STEP = 1 << 20


def content_digest(text: bytes) -> bytes:
    """Return the `canonical_digest` of what has no bulk values and no inner character sets, by its content as JSON."""
    return hashlib.sha256(b"[%b,[]]" % text).digest()


def canonical_digest(
    view: JsonObject, source: ByteSource, bulk: tuple[BulkValue, ...], big_endian: bool, nested_charset: bool
) -> bytes:
    """Return the SHA-256 of a data set's content, 32 bytes.

    `nested_charset` tells that items hold a character set of their own.
    """
    content = view.copy()
    for tag in NOT_CONTENT:
        content.pop(tag, None)
    if nested_charset:
        content = {tag: _without_charset(element) for tag, element in content.items()}
    digest = hashlib.sha256(orjson.dumps([_named(content, bulk), _digests(source, bulk, big_endian)]))
    return digest.digest()


def _without_charset(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_without_charset(item) for item in value]
    if isinstance(value, dict):
        return {tag: _without_charset(inner) for tag, inner in value.items() if tag != "00080005"}
    return value


def _named(content: JsonObject, bulk: tuple[BulkValue, ...]) -> JsonValue:
    """Return the content with bulk values' places taken out: where a value lies is not what it says."""
    if not bulk:
        return content
    uris = {value.uri for value in bulk}
    return _without_uris(content, uris)


def _without_uris(value: JsonValue, uris: set[str]) -> JsonValue:
    if isinstance(value, list):
        return [_without_uris(item, uris) for item in value]
    if isinstance(value, dict):
        return {k: _without_uris(v, uris) for k, v in value.items() if not (k == "BulkDataURI" and v in uris)}
    return value


def _digests(source: ByteSource, bulk: tuple[BulkValue, ...], big_endian: bool) -> JsonValue:
    return [[*value.path, _digest(source, value, big_endian)] for value in bulk if value.path[-1] not in NOT_CONTENT]


def _digest(source: ByteSource, value: BulkValue, big_endian: bool) -> str:
    size = VALUE_SIZES.get(value.vr, 1) if big_endian else 1
    digest = hashlib.sha256()
    for start in range(value.start, value.end, STEP):
        chunk = source.read(start, min(STEP, value.end - start))
        digest.update(swap(bytes(chunk), size) if size > 1 else chunk)
    return digest.hexdigest()
