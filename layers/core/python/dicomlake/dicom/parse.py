"""One pass from an object's bytes to its head and its DICOM JSON view.

    parsed = parse(BufferSource(body))

Whatever can be read is read, and each repair leaves a warning with a stable code (docs/parse.md); what cannot be read
raises MalformedError, what is no instance NotAnInstanceError, each with its Reason.
"""

from dataclasses import dataclass

from dicomlake.dicom.canonical import canonical_digest
from dicomlake.dicom.classify import Start, find_start
from dicomlake.dicom.encoding import EXPLICIT_LITTLE, Encoding
from dicomlake.dicom.file_meta import FileMeta, read_file_meta
from dicomlake.dicom.identity import identify, is_well_formed, refuse_non_instances
from dicomlake.dicom.inflate import inflate
from dicomlake.dicom.instance import BulkValue, ParsedInstance, PixelAttributes, PixelElement, Span
from dicomlake.dicom.pixel_attributes import pixel_attributes
from dicomlake.dicom.source import BufferSource, ByteSource
from dicomlake.dicom.syntax import (
    DEFLATED,
    NATIVE,
    STREAMS,
    SYNTAX_OF,
    declared_encoding,
    sniff_encoding,
)
from dicomlake.dicom.walk import BULK_LIMIT, DataSet, read_data_set
from dicomlake.dicom.window import Window
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


@dataclass(frozen=True, slots=True)
class _Opened:
    """An object whose file meta is read: where and how its data set lies, and what it took to find that out."""

    window: Window
    start: int
    encoding: Encoding
    meta: FileMeta
    inflated: bool
    warnings: tuple[Warned, ...]


def parse(source: ByteSource, bulk_limit: int = BULK_LIMIT) -> ParsedInstance:
    """Read one object: its identity, the bytes outside its pixels, and its metadata as DICOM JSON.

    The pixels are never read, only their item headers. Values above `bulk_limit` bytes are named, not held.
    Raises MalformedError and NotAnInstanceError; their `reason` is where the object goes.
    """
    found = find_start(source)
    opened = _open(source, found)
    refuse_non_instances(opened.meta.sop_class, {})
    data_set = read_data_set(opened.window, opened.start, opened.encoding, bulk_limit)
    refuse_non_instances(opened.meta.sop_class, data_set.json)
    return _assemble(opened, data_set)


def _open(source: ByteSource, found: Start) -> _Opened:
    window = Window(source)
    meta = read_file_meta(window, found.offset)
    warnings = [Warned(found.warning)] if found.warning else []
    if meta.end == found.offset:
        warnings.append(Warned("no-file-meta"))
    head = window.read(meta.end, min(16, window.size - meta.end))
    sniffed = sniff_encoding(head)
    if meta.transfer_syntax in DEFLATED and sniffed is None:
        return _open_deflated(window, meta, warnings)
    return _Opened(window, meta.end, _choose(meta, sniffed, len(head), warnings), meta, False, tuple(warnings))


def _choose(meta: FileMeta, sniffed: Encoding | None, size: int, warnings: list[Warned]) -> Encoding:
    """Return how the data set is laid out; the bytes outweigh what the file meta says."""
    if size < 8:
        raise MalformedError("the object ends before its data set", Reason.TRUNCATED_HEADER)
    if not meta.transfer_syntax:
        if sniffed is None:
            raise MalformedError("no transfer syntax is declared and the data set does not tell it")
        warnings.append(Warned("no-transfer-syntax"))
        return sniffed
    declared = declared_encoding(meta.transfer_syntax)
    if sniffed is None or sniffed == declared:
        return declared
    warnings.append(Warned("wrong-transfer-syntax", SYNTAX_OF[sniffed]))
    return sniffed


def _open_deflated(window: Window, meta: FileMeta, warnings: list[Warned]) -> _Opened:
    body, rest, whole = inflate(window.source, meta.end)
    if rest > 1:
        warnings.append(Warned("trailing-bytes"))
    if not whole:
        warnings.append(Warned("truncated-deflate"))
    return _Opened(Window(body), meta.end, EXPLICIT_LITTLE, meta, True, tuple(warnings))


def _assemble(opened: _Opened, data_set: DataSet) -> ParsedInstance:
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
        canonical=canonical_digest(
            data_set.json, source, data_set.bulk, opened.encoding.big_endian, data_set.nested_charset
        ),
        warnings=warnings,
    )


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


def _effective_syntax(opened: _Opened, pixels: PixelElement | None) -> tuple[TransferSyntaxUid, tuple[Warned, ...]]:
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
    if not pixels.encapsulated and declared.startswith(("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5")):
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
