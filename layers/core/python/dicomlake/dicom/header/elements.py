"""The walk: element after element from bytes to DICOM JSON, in one pass.

This is the loop that every header of every instance goes through, so it is written for speed: one dictionary look-up
tells what an element header means (encoding.Layout), everything that needs more than converting a value leaves the
loop through `Walk.handlers`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from struct import error as struct_error
from typing import NamedTuple

from dicomlake.dicom.header.encoding import DELIMITER, SEQUENCE, SKIPPED, Encoding
from dicomlake.dicom.header.json_view import FROM_BYTES, FROM_TEXT
from dicomlake.dicom.header.recurring import ESCAPE, NOTHING, Runs
from dicomlake.dicom.header.view_text import Written
from dicomlake.dicom.header.vr import ONE_VALUE, TEXT
from dicomlake.dicom.header.window import Window
from dicomlake.dicom.instance import BulkValue, PixelElement, Span
from dicomlake.dicom.text.charset import Charset
from dicomlake.domain.errors import MalformedError, Reason
from dicomlake.domain.model import JsonObject, Warned

MAX_ELEMENTS = 600_000
"""Of one instance, items included; about 250 MB of JSON objects."""
MAX_DEPTH = 64
"""Of nested sequences; JSON writers give up at about 80."""
AMPLE, TOO_MUCH = 16 << 20, 64 << 20
"""Bytes of values in the JSON view from which only short ones are held, and from which the walk gives up."""
SHORT = 1 << 10
PURE = frozenset({0, DELIMITER, SEQUENCE, SKIPPED})
"""What is handled by its bytes alone."""


@dataclass(slots=True)
class Scope:
    """One data set or item on the walk: what it holds so far, and what its text is written in.

    `odd_text` is set where ASCII bytes may not mean ASCII characters. `closed` ends the item.
    `skipped` counts elements that JSON does not hold: group lengths, delimiters. `runs` are what may recur in it.
    """

    out: JsonObject
    charset: Charset | None
    odd_text: bool
    path: tuple[str | int, ...]
    parent: "Scope | None"
    runs: Runs
    closed: bool = False
    skipped: int = 0


class Met(NamedTuple):
    """An element that needs more than converting: where its value starts, its length field, its encoding.

    `end` is where the enclosing data set or item ends.
    """

    tag: str
    vr: str
    start: int
    length: int
    end: int
    encoding: Encoding


Handler = Callable[["Walk", Scope, Met], int]
"""Handles one element and returns where the next one starts."""


class Undecided(NamedTuple):
    """A text whose character set is not declared, or not the one it is in: where it belongs and its bytes.

    `damaged` is what the declared set makes of it, "" where none is declared.
    """

    out: JsonObject
    tag: str
    vr: str
    raw: bytes
    damaged: str = ""


class Walk:
    """The state of one walk: what was met besides the elements themselves.

    `impure` counts whatever more than its bytes decided, or that was not stored in its place. `special` and `sequences`
    tell of elements of the data set that were handled, by where they lie, where the next one starts: `sequences` of
    those that their bytes alone decided.
    """

    __slots__ = (
        "at",
        "budget",
        "bulk",
        "choices",
        "handlers",
        "impure",
        "limit",
        "nested_charset",
        "pixels",
        "recurred",
        "sequences",
        "special",
        "tables",
        "undecided",
        "warnings",
        "window",
    )

    def __init__(self, window: Window, handlers: Mapping[int, Handler], limit: int) -> None:
        self.window = window
        self.handlers = handlers
        self.limit = limit
        self.budget = MAX_ELEMENTS
        self.at = 0
        self.pixels: PixelElement | None = None
        self.tables: dict[str, Span] = {}
        self.bulk: list[BulkValue] = []
        self.undecided: list[Undecided] = []
        self.choices: list[tuple[Scope, str, bytes, Encoding]] = []
        self.nested_charset = False
        self.recurred: list[Written] = []
        self.special: dict[int, int] = {}
        self.sequences: dict[int, int] = {}
        self.impure = 0
        self.warnings: dict[str, Warned] = {}

    def warn(self, code: str, detail: str = "") -> None:
        """Note a finding; a code is noted once, with the first detail."""
        self.impure += 1
        self.warnings.setdefault(code, Warned(code, detail))

    def handle(self, handling: int, scope: Scope, met: Met, pos: int) -> int:
        """Let its handler read the element at `pos`; return where the next one starts."""
        self.at, before = pos, self.impure
        after = self.handlers[handling](self, scope, met)
        self.impure += handling not in PURE
        if scope.runs is not NOTHING:
            pure = handling == SEQUENCE and self.impure == before
            (self.sequences if pure else self.special)[pos] = after
        return after

    def text(self, scope: Scope, tag: str, vr: str, raw: bytes) -> None:
        """Store a text that is not plain ASCII; where no character set is declared, later (charset_guess)."""
        charset = scope.charset
        self.impure += 1
        decoded, sound = charset.decode(raw, vr not in ONE_VALUE) if charset else ("", False)
        if sound:
            scope.out[tag] = FROM_TEXT[vr](decoded)
        elif charset is None or charset.doubtful(raw):
            scope.out[tag] = {"vr": vr}
            self.undecided.append(Undecided(scope.out, tag, vr, raw, decoded))
        else:
            self.warn("charset-invalid", tag)
            scope.out[tag] = FROM_TEXT[vr](decoded)

    def store(self, scope: Scope, tag: str, vr: str, raw: bytes, encoding: Encoding) -> None:
        """Store a value of any VR but SQ."""
        if not raw:
            scope.out[tag] = {"vr": vr}
        elif vr not in TEXT:
            self._convert(scope.out, tag, FROM_BYTES[encoding.big_endian][vr], raw)
        elif scope.odd_text or ESCAPE in raw or not raw.isascii():
            self.text(scope, tag, vr, raw)
        else:
            scope.out[tag] = FROM_TEXT[vr](raw.decode("ascii"))

    def _convert(self, out: JsonObject, tag: str, convert: Callable[[bytes], JsonObject], raw: bytes) -> None:
        try:
            out[tag] = convert(raw)
        except (ValueError, struct_error):
            self.invalid(out, tag, raw)

    def invalid(self, out: JsonObject, tag: str, raw: bytes) -> None:
        """Store a value that its VR does not allow: as its bytes."""
        self.warn("invalid-value", tag)
        out[tag] = FROM_BYTES[False]["UN"](raw)

    def finish(self, scope: Scope, elements: int, odd: int) -> None:
        """Account for one data set or item that was read to its end."""
        self.spend(elements)
        if odd & 1:
            self.warn("odd-length")
        if len(scope.out) + scope.skipped < elements:
            self.warn("duplicate-tag")
        tags = list(scope.out)
        ordered = sorted(tags)
        if tags != ordered:
            self.warn("out-of-order")
            held = dict(scope.out)
            scope.out.clear()
            scope.out.update((tag, held[tag]) for tag in ordered)

    def spend(self, elements: int) -> None:
        """Count elements and items against what one instance may have."""
        self.budget -= elements
        if self.budget < 0:
            raise MalformedError("the header is larger than any that this lake reads", Reason.TOO_LARGE)

    def move(self, start: int, elements: int) -> None:
        """Move the window; hold fewer values inline when many were, and give up on what no memory would hold."""
        self.window.move(start)
        if self.window.copied > AMPLE:
            self.limit = min(self.limit, SHORT)
        if self.window.copied > TOO_MUCH or elements > self.budget:
            raise MalformedError("the header is larger than any that this lake reads", Reason.TOO_LARGE)


def read_elements(walk: Walk, scope: Scope, start: int, end: int, encoding: Encoding) -> int:
    """Read the elements from `start` up to `end` or the item's delimiter into `scope.out`; return where they end."""
    window, out, layouts, key_size = walk.window, scope.out, encoding.layouts, encoding.key_size
    data, base, fence, reach = window.bounds(end)
    pos, count, odd = start, 0, 0
    limit, odd_text, runs = walk.limit, scope.odd_text, scope.runs
    while pos < end:
        at = pos - base
        if not 0 <= at <= fence:
            walk.move(pos, count)
            data, base, fence, reach = window.bounds(end)
            at, limit = 0, walk.limit
        key = data[at : at + key_size]
        if key in runs and (run := runs.match(key, data, at, min(reach, at + limit))):
            walk.recurred.append(Written(len(out), len(run.elements), run.text))
            out.update(run.elements)
            pos, count = pos + len(run.raw), count + len(run.elements)
            continue
        count += 1
        tag, vr, convert, shape, length_of, skip, header, handling = layouts[key]
        (length,) = length_of(data, at + skip)
        at += header
        stop = at + length
        if handling or stop > reach or length > limit:
            pos = walk.handle(handling, scope, Met(tag, vr, base + at, length, end, encoding), pos)
            if scope.closed:
                break
            data, base, fence, reach = window.bounds(end)
            limit, odd_text, runs = walk.limit, scope.odd_text, scope.runs
            continue
        raw, pos, odd = data[at:stop], base + stop, odd | length
        if shape is None:
            try:
                out[tag] = convert(raw) if raw else {"vr": vr}
            except (ValueError, struct_error):
                walk.invalid(out, tag, raw)
        elif odd_text or ESCAPE in raw or not raw.isascii():
            walk.text(scope, tag, vr, raw)
        else:
            out[tag] = shape(raw.decode("ascii"))
    walk.finish(scope, count, odd)
    return pos
