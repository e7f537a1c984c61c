"""The deflated transfer syntaxes (PS3.5 A.5): the data set behind the file meta, inflated within bounds."""

import zlib

from dicomlake.dicom.source import BufferSource, ByteSource
from dicomlake.domain.errors import MalformedError, Reason

MAX_INFLATED = 256 << 20
STEP = 1 << 20
RAW, WRAPPED = -zlib.MAX_WBITS, zlib.MAX_WBITS


def inflate(source: ByteSource, start: int) -> tuple[BufferSource, int, bool]:
    """Return the file with its data set inflated, how many bytes followed the stream, and whether it was whole.

    The standard's streams are raw (RFC 1951); such with a zlib header (RFC 1950) are read too.
    """
    body = bytearray(source.read(0, start))
    first = bytes(source.read(start, 2))
    wrapped = len(first) == 2 and first[0] & 0x0F == 8 and int.from_bytes(first) % 31 == 0
    engine = zlib.decompressobj(WRAPPED if wrapped else RAW)
    try:
        rest = _feed(engine, source, start, body)
    except zlib.error as exc:
        if len(body) == start:
            raise MalformedError("the deflated data set cannot be inflated") from exc
        return BufferSource(body), 0, False
    return BufferSource(body), rest, engine.eof


def _feed(engine: "zlib._Decompress", source: ByteSource, start: int, body: bytearray) -> int:
    pos = start
    while pos < source.size and not engine.eof:
        pending = bytes(source.read(pos, STEP))
        pos += len(pending)
        while pending and not engine.eof:
            body += engine.decompress(pending, STEP)
            pending = engine.unconsumed_tail
            if len(body) > MAX_INFLATED:
                raise MalformedError("the deflated data set inflates beyond what this lake reads", Reason.TOO_LARGE)
    return len(engine.unused_data) + source.size - pos
