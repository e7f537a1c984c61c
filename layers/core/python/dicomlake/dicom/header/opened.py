"""Opening an object: where its data set begins, how it is laid out, and inflating it where it is deflated."""

from dataclasses import dataclass

from dicomlake.dicom.around import Recurring
from dicomlake.dicom.header.classify import find_start
from dicomlake.dicom.header.encoding import EXPLICIT_LITTLE, Encoding
from dicomlake.dicom.header.file_meta import FileMeta, read_file_meta
from dicomlake.dicom.header.inflate import inflate
from dicomlake.dicom.header.syntax import DEFLATED, SYNTAX_OF, declared_encoding, sniff_encoding
from dicomlake.dicom.header.window import Window
from dicomlake.dicom.source import ByteSource
from dicomlake.domain.errors import MalformedError, Reason
from dicomlake.domain.model import Warned


@dataclass(frozen=True, slots=True)
class Opened:
    """An object whose file meta is read: where and how its data set lies, and what it took to find that out."""

    window: Window
    start: int
    encoding: Encoding
    meta: FileMeta
    inflated: bool
    warnings: tuple[Warned, ...]


_SNIFFED = 16
"""Bytes of a data set by which it is told how it is laid out."""
_PREAMBLES: Recurring[tuple[int, Encoding, FileMeta, tuple[Warned, ...]]] = Recurring(160)
"""What objects of the same preamble, file meta and first element had in common, but for the SOP Instance UID."""


def open_object(source: ByteSource) -> Opened:
    """Find the data set of an object; raise NotAnInstanceError or MalformedError where there is none."""
    window = Window(source)
    known = _PREAMBLES.find(window.data, window.have)
    if known:
        start, encoding, meta, warnings = known.meaning
        return Opened(window, start, encoding, meta, False, warnings)
    opened = _open(window)
    meta, end = opened.meta, opened.start + _SNIFFED
    if meta.instance and not opened.inflated and end <= window.have:
        _PREAMBLES.remember(window.data, meta.instance, end, (opened.start, opened.encoding, meta, opened.warnings))
    return opened


def _open(window: Window) -> Opened:
    found = find_start(window.source)
    meta = read_file_meta(window, found.offset)
    warnings = [Warned(found.warning)] if found.warning else []
    if meta.end == found.offset:
        warnings.append(Warned("no-file-meta"))
    head = window.read(meta.end, min(_SNIFFED, window.size - meta.end))
    sniffed = sniff_encoding(head)
    if meta.transfer_syntax in DEFLATED and sniffed is None:
        return _open_deflated(window, meta, warnings)
    return Opened(window, meta.end, _choose(meta, sniffed, len(head), warnings), meta, False, tuple(warnings))


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


def _open_deflated(window: Window, meta: FileMeta, warnings: list[Warned]) -> Opened:
    body, rest, whole = inflate(window.source, meta.end)
    if rest > 1:
        warnings.append(Warned("trailing-bytes"))
    if not whole:
        warnings.append(Warned("truncated-deflate"))
    return Opened(Window(body), meta.end, EXPLICIT_LITTLE, meta, True, tuple(warnings))
