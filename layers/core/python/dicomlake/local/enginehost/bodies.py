"""Object bodies as parts of files: what the engine holds as bytes in memory, this host holds as a place on disk."""

import contextlib
import mmap
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_COPIED_AT_ONCE = 1 << 18  # stays in the processor's cache between its reading and its writing


@dataclass(frozen=True, slots=True)
class FileSlice:
    """`length` bytes of a file from `offset`: the engine can use it as bytes, and this host need not.

    Object files are replaced and never rewritten, so a hard link to one keeps what it says.
    """

    path: str
    offset: int
    length: int

    @classmethod
    def whole(cls, path: str | None) -> "FileSlice | None":
        """Return all of a file; None where there is none."""
        try:
            return cls(path, 0, os.stat(path).st_size) if path else None
        except OSError:
            return None

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, wanted: slice) -> "FileSlice":
        start, stop, _ = wanted.indices(self.length)
        return FileSlice(self.path, self.offset + start, max(0, stop - start))

    def __buffer__(self, _flags: int) -> memoryview:
        if not self.length:
            return memoryview(b"")
        with Path(self.path).open("rb") as file:
            mapped = mmap.mmap(file.fileno(), self.offset + self.length, access=mmap.ACCESS_READ)
        return memoryview(mapped)[self.offset :]

    def read(self) -> bytes:
        """Return the bytes."""
        file = os.open(self.path, os.O_RDONLY)
        try:
            return os.pread(file, self.length, self.offset)
        finally:
            os.close(file)

    def write_to(self, out: BinaryIO) -> None:
        """Write the bytes to a file, a little at a time."""
        with Path(self.path).open("rb", buffering=0) as source:
            source.seek(self.offset)
            room, left = memoryview(bytearray(_COPIED_AT_ONCE)), self.length
            while left:
                count = source.readinto(room[:left])
                if not count:
                    raise OSError(f"a part's file ends {left} bytes too early")
                out.write(room[:count])
                left -= count


def join(pieces: Sequence[FileSlice]) -> None:
    """Add the pieces to the file that the first of them is the whole of; an OSError leaves that file as it was."""
    first, *rest = pieces
    if not rest:
        return
    with Path(first.path).open("r+b", buffering=0) as out:
        out.seek(first.length)
        try:
            for piece in rest:
                piece.write_to(out)
        except OSError:
            out.truncate(first.length)
            raise


def discard(path: str) -> None:
    """Remove a file that may be gone."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
