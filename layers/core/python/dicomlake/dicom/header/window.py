"""The part of a source that is being read: one copy of some kilobytes, moved along as needed."""

from dicomlake.dicom.source import ByteSource

FIRST = 16 << 10
NEXT = 64 << 10
JUMPED = 4 << 10
HEADER = 12
"""The longest element header (PS3.5 7.1.2)."""
_ZEROS = bytes(HEADER)


class Window:
    """`data` holds the source's bytes from `base`, `have` of them and then zeros, so that headers can be unpacked.

    `fence` is the last index at which a whole header is sure to be in `data`; past it, `move` before reading.
    `copied` counts the bytes that were looked at: about what the JSON view holds.
    """

    __slots__ = ("base", "copied", "data", "fence", "have", "size", "source")

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.size = source.size
        self.base = self.have = self.copied = 0
        self.move(0, FIRST)

    def move(self, start: int, length: int = 0) -> None:
        """Let the window begin at `start`; after a jump it is small, since another may follow."""
        chunk = self.source.read(start, length or (NEXT if start <= self.base + self.have else JUMPED))
        self.base = start
        self.have = len(chunk)
        self.copied += self.have
        self.data = b"".join((chunk, _ZEROS))
        self.fence = self.have - HEADER if start + self.have < self.size else self.have

    def bounds(self, end: int) -> tuple[bytes, int, int, int]:
        """Return data, base, fence, and the index up to which values of an item that ends at `end` may reach."""
        return self.data, self.base, self.fence, min(self.have, end - self.base)

    def read(self, start: int, length: int) -> bytes:
        """Return bytes of the source without moving the window."""
        at = start - self.base
        if at >= 0 and at + length <= self.have:
            return self.data[at : at + length]
        self.copied += length
        return bytes(self.source.read(start, length))
