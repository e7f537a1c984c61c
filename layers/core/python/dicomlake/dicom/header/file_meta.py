"""The file meta information (PS3.10 7.1), read as it is found: without group length, in any encoding, cut short."""

from dataclasses import dataclass

from dicomlake.dicom.header.encoding import EXPLICIT_LITTLE, UNDEFINED, Encoding
from dicomlake.dicom.header.syntax import sniff_encoding
from dicomlake.dicom.header.window import Window
from dicomlake.dicom.instance import Span
from dicomlake.domain.errors import MalformedError, Reason

MEDIA_STORAGE_CLASS, MEDIA_STORAGE_INSTANCE, TRANSFER_SYNTAX = "00020002", "00020003", "00020010"
MAX_LENGTH = 1 << 20
HEADER = 12


@dataclass(frozen=True, slots=True)
class FileMeta:
    """Where the data set begins, and what of group 0002 matters to reading it; empty where it is missing.

    `instance` is where the Media Storage SOP Instance UID lies: it differs from slice to slice, and nobody asks for it.
    """

    end: int
    sop_class: str = ""
    transfer_syntax: str = ""
    instance: Span | None = None


def read_file_meta(window: Window, start: int) -> FileMeta:
    """Read group 0002 from `start` up to the first element of another group."""
    encoding = _encoding_of(window.read(start, min(HEADER, window.size - start)))
    spans: dict[str, Span] = {}
    pos = start
    group = b"\0\x02" if encoding is not None and encoding.big_endian else b"\x02\0"
    while encoding is not None and pos + 8 <= window.size:
        head = window.read(pos, min(HEADER, window.size - pos))
        if head[:2] != group:
            break
        pos = _read_element(window, pos, head.ljust(HEADER, b"\0"), encoding, spans)
    sop_class, syntax = (_text(window, spans.get(tag)) for tag in (MEDIA_STORAGE_CLASS, TRANSFER_SYNTAX))
    return FileMeta(pos, sop_class, syntax, spans.get(MEDIA_STORAGE_INSTANCE))


def _text(window: Window, span: Span | None) -> str:
    return window.read(span[0], span[1] - span[0]).decode("latin-1").strip(" \0") if span else ""


def _encoding_of(head: bytes) -> Encoding | None:
    """Explicit little endian by the standard; others have been seen."""
    return EXPLICIT_LITTLE if head[:2] == b"\x02\x00" and head[4:6].isalpha() else sniff_encoding(head)


def _read_element(window: Window, pos: int, head: bytes, encoding: Encoding, spans: dict[str, Span]) -> int:
    layout = encoding.layout(head[: encoding.key_size])
    (length,) = layout.length(head, layout.skip)
    start = pos + layout.header
    if length == UNDEFINED or length > MAX_LENGTH or start + length > window.size:
        raise MalformedError("the object ends inside its file meta information", Reason.TRUNCATED_HEADER)
    spans[layout.tag] = start, start + length
    return start + length
