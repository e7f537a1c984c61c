"""Reading multipart bodies (RFC 2046 5.1, RFC 2387) while they arrive: part by part, in memory bounded by one chunk.

    for part in read_parts(chunks, boundary):
        for piece in part.body: ...

How the body is cut into chunks makes no difference. Lines end in CRLF; a body whose first delimiter line ends in a
bare LF is read with bare LFs throughout. A preamble and an epilogue are skipped.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dicomlake.domain.errors import InvalidRequestError

MAX_HEADERS = 16 * 1024
"""Bytes of one part's header lines."""

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,199}[0-9A-Za-z'()+_,./:=?-]\Z")
"""RFC 2046 5.1.1 without its limit of 70 characters, which real senders exceed."""

_MAX_PADDING = 256
"""Bytes of white space behind a boundary (RFC 2046: transport padding)."""


@dataclass(frozen=True, slots=True)
class IncomingPart:
    """One part as it arrives: header names in lower case; `body` yields its bytes once, before the next part."""

    headers: Mapping[str, str]
    body: Iterator[bytes] = field(repr=False)

    @property
    def content_type(self) -> str:
        """The Content-Type of the part, "" where it names none."""
        return self.headers.get("content-type", "")


def read_parts(chunks: Iterable[bytes], boundary: str) -> Iterator[IncomingPart]:
    """Yield the parts of a body in order; what is not read of a part is skipped.

    Raises InvalidRequestError where the boundary is none, or the body does not follow it to its closing delimiter.
    """
    if not _BOUNDARY.match(boundary):
        raise InvalidRequestError("the Content-Type of a multipart body names its boundary (RFC 2046 5.1.1)")
    reader = _Reader(iter(chunks), b"--" + boundary.encode())
    while reader.enter_part():
        part = IncomingPart(reader.headers(), reader.body())
        yield part
        for _ in part.body:
            pass


class _Reader:
    """The bytes that have arrived and were not handed out yet, and where in the body they lie."""

    def __init__(self, chunks: Iterator[bytes], dash_boundary: bytes) -> None:
        self._chunks = chunks
        self._mark = dash_boundary
        self._held = bytearray()
        self._newline = b""
        self._began = False
        self._closed = False

    def enter_part(self) -> bool:
        """Go behind the delimiter that is next; False behind the closing one, whose epilogue is left unread."""
        if not self._began:
            self._began = True
            self._skip_preamble()
        return not self._closed

    def headers(self) -> dict[str, str]:
        """Read a part's header lines up to the empty one; folded lines are joined (RFC 5322 2.2.3)."""
        lines: list[str] = []
        size = 0
        while line := self._line(MAX_HEADERS - size):
            size += len(line) + 2
            text = line.decode("utf-8", "replace")
            if text[0] in " \t" and lines:
                lines[-1] += f" {text.strip()}"
            else:
                lines.append(text)
        pairs = (line.partition(":") for line in lines)
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    def body(self) -> Iterator[bytes]:
        """Yield a part's bytes up to the delimiter behind it, and go behind that."""
        delimiter = self._newline + self._mark
        if self._held.startswith(self._mark) or self._needs(len(self._mark)).startswith(self._mark):
            self._held[:0] = self._newline  # an empty part: its header's end is the delimiter's beginning
        start = 0
        while True:
            found = self._held.find(delimiter, start)
            if found >= 0 and self._ends_here(found + len(delimiter)):
                if found:
                    yield self._taken(found)
                self._leave(len(delimiter))
                return
            if found >= 0:
                start = found + 1
                continue
            safe = max(0, len(self._held) - len(delimiter) + 1)
            if safe:
                yield self._taken(safe)
            start = 0
            self._more("a part ends without its closing boundary")

    def _taken(self, count: int) -> bytes:
        with memoryview(self._held) as view:
            taken = bytes(view[:count])
        del self._held[:count]
        return taken

    def _skip_preamble(self) -> None:
        """Find the first delimiter: at the very beginning, or at the beginning of a line."""
        while True:
            at = -1
            while (at := self._held.find(self._mark, at + 1)) >= 0:
                if (at == 0 or self._held[at - 1 : at] == b"\n") and self._ends_here(at + len(self._mark)):
                    self._leave(at + len(self._mark))
                    return
            keep = len(self._mark) + 1
            if len(self._held) > keep:
                del self._held[:-keep]
                self._held[:0] = b"\r" if not self._held.startswith(b"\n") else b""
            self._more("the body does not hold the boundary that its Content-Type names")

    def _ends_here(self, at: int) -> bool:
        """Whether a delimiter ends where the boundary does: by `--`, or by white space and a line's end."""
        while True:
            rest = bytes(self._held[at : at + _MAX_PADDING])
            if rest.startswith(b"--"):
                return True
            line = rest.lstrip(b" \t")
            if line.startswith((b"\n", b"\r\n")):
                return True
            if line not in (b"", b"\r", b"-") or len(rest) >= _MAX_PADDING or not self._fill():
                return False

    def _leave(self, at: int) -> None:
        """Drop everything up to the end of a delimiter's line, and learn from the first how lines end here."""
        del self._held[:at]
        if self._held.startswith(b"--"):
            self._closed = True
            return
        end = self._held.index(b"\n")
        if not self._newline:
            self._newline = b"\r\n" if self._held[:end].endswith(b"\r") else b"\n"
        del self._held[: end + 1]

    def _line(self, limit: int) -> bytes:
        while (end := self._held.find(b"\n")) < 0:
            if len(self._held) > limit:
                break
            self._more("the body ends inside the headers of a part")
        if end < 0 or end > limit:
            raise InvalidRequestError(f"the headers of a part are over {MAX_HEADERS // 1024} KB")
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        return line.removesuffix(b"\r")

    def _needs(self, count: int) -> bytes:
        """Return the next so many bytes, fewer at the end, without taking them."""
        while len(self._held) < count and self._fill():
            pass
        return bytes(self._held[:count])

    def _more(self, problem: str) -> None:
        if not self._fill():
            raise InvalidRequestError(f"{problem}: the request was cut short, or its boundary is another one")

    def _fill(self) -> bool:
        """Take the next chunk; False at the end of the body."""
        for chunk in self._chunks:
            if chunk:
                self._held += chunk
                return True
        return False
