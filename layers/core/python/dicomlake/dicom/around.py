"""What recurs in a series but for one value: the bytes before and after that value, and what was read of them.

File meta information differs from slice to slice in the SOP Instance UID, the main header of a code stream in its
tile-parts' lengths. Where all bytes but those of that one value are the same, and it is as long, so is all that does
not depend on it.
"""

from typing import NamedTuple

KNOWN = 64
"""Beginnings that are remembered: some hundred bytes each, and never more than was looked at first."""


class Around[T](NamedTuple):
    """Bytes that begin with `before`, a value that ends at `resumes`, and `after`; `meaning` is what they say."""

    before: bytes
    resumes: int
    after: bytes
    meaning: T


class Recurring[T]:
    """What was read lately, found by its first `key_size` bytes.

    Threads may share it: what is remembered never changes, and is right whoever put it there.
    """

    def __init__(self, key_size: int) -> None:
        self._key_size = key_size
        self._known: dict[bytes, Around[T]] = {}

    def find(self, data: bytes, end: int) -> Around[T] | None:
        """Return what is known of bytes that begin like `data` up to `end`, if all but one value was met before."""
        known = self._known.get(data[: self._key_size])
        if known is None or known.resumes + len(known.after) > end:
            return None
        return known if data.startswith(known.before) and data.startswith(known.after, known.resumes) else None

    def remember(self, data: bytes, value: tuple[int, int], end: int, meaning: T) -> None:
        """Keep what the bytes up to `end` say apart from the value that lies from `value[0]` to `value[1]`."""
        if len(self._known) >= KNOWN:
            self._known.clear()
        start, resumes = value
        self._known[data[: self._key_size]] = Around(data[:start], resumes, data[resumes:end], meaning)
