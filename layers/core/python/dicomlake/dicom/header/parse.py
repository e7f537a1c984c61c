"""One pass from an object's bytes to its head and its DICOM JSON view.

    parsed = parse(BufferSource(body))

Whatever can be read is read, and each repair leaves a warning with a stable code (docs/parse.md); what cannot be read
raises MalformedError, what is no instance NotAnInstanceError, each with its Reason.
"""

from dicomlake.dicom.header.canonical import canonical_digest, content_digest
from dicomlake.dicom.header.fallback import read_with_pydicom
from dicomlake.dicom.header.identity import identify, is_well_formed, refuse_non_instances
from dicomlake.dicom.header.opened import Opened, open_object
from dicomlake.dicom.header.pixel_attributes import pixel_attributes
from dicomlake.dicom.header.syntax import ENCAPSULATED, NATIVE, STREAMS, SYNTAX_OF
from dicomlake.dicom.header.walk import BULK_LIMIT, DataSet, read_data_set
from dicomlake.dicom.header.window import Window
from dicomlake.dicom.instance import BulkValue, ParsedInstance, PixelAttributes, PixelElement, Span
from dicomlake.dicom.source import BufferSource, ByteSource
from dicomlake.domain.errors import MalformedError, Reason
from dicomlake.domain.model import InstanceKey, TransferSyntaxUid, Warned

__all__ = [
    "BULK_LIMIT",
    "BufferSource",
    "BulkValue",
    "ByteSource",
    "ParsedInstance",
    "PixelAttributes",
    "PixelElement",
    "parse",
]


def parse(source: ByteSource, bulk_limit: int = BULK_LIMIT) -> ParsedInstance:
    """Read one object: its identity, the bytes outside its pixels, and its metadata as DICOM JSON.

    The pixels are never read, only their item headers. Values above `bulk_limit` bytes are named, not held.
    Raises MalformedError and NotAnInstanceError; their `reason` is where the object goes.
    """
    opened = open_object(source)
    refuse_non_instances(opened.meta.sop_class, {})
    data_set = _read(opened, bulk_limit)
    refuse_non_instances(opened.meta.sop_class, data_set.json)
    return _assemble(opened, data_set)


def _read(opened: Opened, bulk_limit: int) -> DataSet:
    """Read the data set on the walk, or with pydicom where the walk declines it."""
    try:
        return read_data_set(opened.window, opened.start, opened.encoding, bulk_limit)
    except MalformedError as exc:
        if exc.reason is not Reason.MALFORMED or opened.inflated or opened.encoding.big_endian:
            raise
    return read_with_pydicom(opened.window)


def _assemble(opened: Opened, data_set: DataSet) -> ParsedInstance:
    key, sop_class = identify(data_set.json)
    source, pixels = opened.window.source, data_set.pixels
    syntax, syntax_warnings = _effective_syntax(opened, pixels)
    warnings = (*opened.warnings, *data_set.warnings, *syntax_warnings, *_uid_warnings(key))
    return ParsedInstance(
        key=key,
        sop_class_uid=sop_class,
        transfer_syntax=syntax,
        source=source,
        inflated=opened.inflated,
        big_endian=opened.encoding.big_endian,
        head_spans=_head_spans(pixels, source.size),
        pixels=pixels,
        pixel_attributes=_attributes(data_set),
        json=data_set.json,
        bulk=data_set.bulk,
        canonical=_canonical(opened, data_set),
        warnings=warnings,
        text=data_set.text.whole if data_set.text else None,
    )


def _canonical(opened: Opened, data_set: DataSet) -> bytes:
    if data_set.text and not data_set.bulk and not data_set.nested_charset:
        return content_digest(data_set.text.content)
    source, big_endian = opened.window.source, opened.encoding.big_endian
    return canonical_digest(data_set.json, source, data_set.bulk, big_endian, data_set.nested_charset)


def _head_spans(pixels: PixelElement | None, size: int) -> tuple[Span, ...]:
    """Return all of the source outside the pixel value."""
    if pixels is None:
        return ((0, size),)
    spans = ((0, pixels.value_offset), (pixels.value_end, size))
    return tuple(span for span in spans if span[0] < span[1])


def _attributes(data_set: DataSet) -> PixelAttributes | None:
    if data_set.pixels is None:
        return None
    tables = data_set.tables
    return pixel_attributes(data_set.json, data_set.pixels.tag, tables.get("7FE00001"), tables.get("7FE00002"))


def _effective_syntax(opened: Opened, pixels: PixelElement | None) -> tuple[TransferSyntaxUid, tuple[Warned, ...]]:
    """Return the transfer syntax that the bytes are in; pixels outweigh what the file meta says."""
    declared = opened.meta.transfer_syntax
    laid_out = SYNTAX_OF[opened.encoding]
    native = not declared or declared in NATIVE
    syntax = laid_out if native else declared
    if pixels is None or opened.inflated:
        return TransferSyntaxUid(syntax), ()
    if pixels.encapsulated and native:
        syntax = _sniff_stream(opened.window, pixels) or syntax
        return TransferSyntaxUid(syntax), (Warned("wrong-transfer-syntax", syntax),)
    if not pixels.encapsulated and declared.startswith(ENCAPSULATED):
        return TransferSyntaxUid(laid_out), (Warned("wrong-transfer-syntax", laid_out),)
    return TransferSyntaxUid(syntax), ()


def _sniff_stream(window: Window, pixels: PixelElement) -> str:
    """Return the transfer syntax of fragments by how the first code stream begins, or "" where that tells nothing."""
    table = int.from_bytes(window.read(pixels.value_offset + 4, 4), "little")
    start = pixels.value_offset + 16 + table
    head = window.read(start, max(0, min(4, window.size - start)))
    return next((syntax for magic, syntax in STREAMS if head.startswith(magic)), "")


def _uid_warnings(key: InstanceKey) -> tuple[Warned, ...]:
    uids = (key.study_uid, key.series_uid, key.instance_uid)
    return () if all(map(is_well_formed, uids)) else (Warned("uid-form"),)
