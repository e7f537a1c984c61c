"""The program of a process that decodes for another one: frames in by one pipe, pixels out by another, until it ends.

It says that it is ready by one byte. A request is the decoder's name (16 bytes) and a length (u64), then so many bytes.
An answer is 1 and the lengths of its type and shape as text (u32) and of its values (u64), then both; or 0 and nothing
where the decoder refuses the bytes.
"""

import struct
import sys
from contextlib import suppress
from typing import BinaryIO

from dicomlake.dicom.codecs.bounded import DECODERS, here

REQUEST = struct.Struct("<16sQ")
READY = b"."
ANSWER = struct.Struct("<BIQ")


def main() -> None:
    """Answer requests until there are no more, or nobody waits for the answer."""
    for decoder in DECODERS:
        with suppress(ValueError):
            here(decoder, b"")  # imports what it needs
    with suppress(BrokenPipeError):
        _serve(sys.stdin.buffer, sys.stdout.buffer)


def _serve(source: BinaryIO, target: BinaryIO) -> None:
    target.write(READY)
    target.flush()
    while len(head := source.read(REQUEST.size)) == REQUEST.size:
        name, length = REQUEST.unpack(head)
        data = source.read(length)
        try:
            dtype, shape, values = here(name.rstrip(b"\0").decode(), data)
        except (ValueError, TypeError, MemoryError, OverflowError):
            target.write(ANSWER.pack(0, 0, 0))
        else:
            meta = ";".join((dtype, *map(str, shape))).encode()
            target.write(ANSWER.pack(1, len(meta), len(values)) + meta)
            target.write(values)
        target.flush()
