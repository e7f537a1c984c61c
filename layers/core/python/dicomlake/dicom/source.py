"""Where bytes are read from: a whole object in memory, or ranges of one that lies elsewhere."""

from dataclasses import dataclass, field
from typing import Protocol


class ByteSource(Protocol):
    """Random access to one object's bytes; `size` is their number."""

    @property
    def size(self) -> int:
        """The number of bytes of the object."""

    def read(self, start: int, length: int) -> memoryview:
        """Return the bytes from `start`; exactly `length` of them, or fewer where the object ends."""


@dataclass(frozen=True, slots=True)
class BufferSource:
    """An object that is in memory as a whole; reads are views, nothing is copied."""

    buffer: bytes | bytearray | memoryview = field(repr=False)
    view: memoryview = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "view", memoryview(self.buffer).cast("B"))

    @property
    def size(self) -> int:
        """The number of bytes of the object."""
        return len(self.view)

    def read(self, start: int, length: int) -> memoryview:
        """Return a view of `length` bytes from `start`, or of fewer where the object ends."""
        return self.view[start : start + length]
