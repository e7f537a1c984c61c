"""Sequences and their items (PS3.5 7.5), of any way to delimit them, and what is encapsulated inside items."""

from dicomlake.dicom.header.elements import MAX_DEPTH, Met, Scope, Walk, read_elements
from dicomlake.dicom.header.encoding import EXPLICIT_LITTLE, IMPLICIT_LITTLE, UNDEFINED, Encoding
from dicomlake.dicom.header.recurring import NOTHING
from dicomlake.dicom.header.vr import KNOWN
from dicomlake.dicom.instance import BulkValue
from dicomlake.domain.errors import MalformedError, Reason
from dicomlake.domain.model import JsonValue

ITEM, ITEM_END, SEQUENCE_END = "FFFEE000", "FFFEE00D", "FFFEE0DD"
HEADER = 8
OFFSET, EXTENDED = 4, 8
"""Bytes of one entry of the Basic and of the Extended Offset Table (PS3.5 A.4, PS3.3 C.7.6.3.1.8)."""


def read_sequence(walk: Walk, scope: Scope, met: Met) -> int:
    """Read a sequence into `scope.out`; return where the next element starts."""
    tag = met.tag
    if not met.length:
        scope.out[tag] = {"vr": "SQ"}
        return met.start
    end = met.end if met.length == UNDEFINED else met.start + met.length
    if end > met.end:
        overrun(walk, met)
    if len(scope.path) // 2 >= MAX_DEPTH:
        raise MalformedError("sequences are nested deeper than any that this lake reads", Reason.TOO_LARGE)
    items: list[JsonValue] = []
    scope.out[tag] = {"vr": "SQ", "Value": items}
    pos = _read_items(walk, scope, met, items, end)
    if not items:
        scope.out[tag] = {"vr": "SQ"}
    return pos


def _read_items(walk: Walk, scope: Scope, met: Met, items: list[JsonValue], end: int) -> int:
    """Read items up to the delimiter or the sequence's end."""
    undefined, pos = met.length == UNDEFINED, met.start
    while pos < end:
        tag, length = item_header(walk, pos, met.encoding)
        if tag == ITEM:
            pos = _read_item(walk, scope, met, items, (pos + HEADER, length, end))
        elif tag == SEQUENCE_END:
            return pos + HEADER
        elif tag == ITEM_END:
            walk.warn("stray-delimiter", met.tag)
            pos += HEADER
        elif undefined and items:
            walk.warn("missing-delimiter", met.tag)
            return pos
        else:
            walk.at = pos
            raise MalformedError("a sequence holds something that is no item")
    if undefined:
        walk.warn("missing-delimiter", met.tag)
    elif pos > end:
        walk.warn("wrong-length", met.tag)
    return pos


def _read_item(walk: Walk, scope: Scope, met: Met, items: list[JsonValue], place: tuple[int, int, int]) -> int:
    start, length, end = place
    item_end = end if length == UNDEFINED else start + length
    if item_end > end:
        item_end = _clip(walk, met, item_end, end)
    path = (*scope.path, met.tag, len(items))
    child = Scope({}, scope.charset, scope.odd_text, path, scope, NOTHING)
    items.append(child.out)
    walk.spend(1)
    pos = read_elements(walk, child, start, item_end, met.encoding)
    if length == UNDEFINED and not child.closed:
        walk.warn("missing-delimiter", met.tag)
    return pos


def _clip(walk: Walk, met: Met, item_end: int, end: int) -> int:
    """An item longer than its sequence: where the bytes exist, the sequence's length is the wrong one."""
    if item_end > walk.window.size:
        overrun(walk, met)
    walk.warn("wrong-length", met.tag)
    return end


def item_header(walk: Walk, pos: int, encoding: Encoding) -> tuple[str, int]:
    """Return tag and length of an item or delimiter; they have no VR (PS3.5 7.5)."""
    raw = walk.window.read(pos, HEADER)
    if len(raw) < HEADER:
        walk.at = pos
        raise MalformedError("the object ends inside a sequence", Reason.TRUNCATED_HEADER)
    return encoding.tag(raw), encoding.long.unpack_from(raw, 4)[0]


def overrun(walk: Walk, met: Met) -> None:
    """Raise for a value that ends after what encloses it does."""
    if met.start + met.length > walk.window.size:
        raise MalformedError("the object ends inside an element before its pixels", Reason.TRUNCATED_HEADER)
    raise MalformedError("an element is longer than the item that holds it")


def read_undefined(walk: Walk, scope: Scope, met: Met) -> int:
    """Read a value of undefined length that is not SQ: UN is a sequence in implicit VR (PS3.5 6.2.2, CP-246)."""
    vr = met.vr
    inner = items_encoding(walk, met.start, met.encoding)
    tag, _ = item_header(walk, met.start, inner)
    if tag not in {ITEM, SEQUENCE_END}:
        raise MalformedError("a value has no defined length and is no sequence")
    if vr in {"OB", "OW"} and met.encoding.explicit:
        return _read_encapsulated(walk, scope, met)
    return read_sequence(walk, scope, Met(met.tag, met.vr, met.start, met.length, met.end, inner))


def items_encoding(walk: Walk, start: int, outer: Encoding) -> Encoding:
    """Return how the items of a UN sequence are laid out: implicit little endian by the standard, if not in life."""
    peek = walk.window.read(start, 2 * HEADER)
    if peek[:4] == b"\xff\xfe\xe0\x00":
        return outer
    if peek[12:14].decode("latin-1") not in KNOWN:
        return IMPLICIT_LITTLE
    walk.warn("explicit-in-un")
    return EXPLICIT_LITTLE


def _read_encapsulated(walk: Walk, scope: Scope, met: Met) -> int:
    """Name an encapsulated value inside an item (an icon's pixels) as bulk data: its items, the delimiter included."""
    end, complete = fragments_end(walk, met.start)
    if not complete:
        raise MalformedError("the object ends inside an element before its pixels", Reason.TRUNCATED_HEADER)
    name_bulk(walk, scope, met.tag, met.vr, (met.start, end))
    return end


def fragments_end(walk: Walk, start: int) -> tuple[int, bool]:
    """Return where an encapsulated value ends, by its item headers alone, and whether all of it is there.

    The items are little endian in every transfer syntax that has them (PS3.5 A.4). A value whose last fragment ends
    with the object counts as complete: only its delimiter is missing.
    """
    pos, size = _last_frame(walk, start), walk.window.size
    while pos + HEADER <= size:
        tag, length = _fragment_header(walk, pos)
        if tag != ITEM:
            return _after_fragments(walk, pos, tag)
        if pos + HEADER + length > size:
            return size, False
        pos += HEADER + length
    walk.warn("missing-delimiter", "7FE00010")
    return size, pos == size and pos > start


def _fragment_header(walk: Walk, pos: int) -> tuple[str, int]:
    raw = walk.window.read(pos, HEADER).ljust(HEADER, b"\0")
    return EXPLICIT_LITTLE.tag(raw), int.from_bytes(raw[4:8], "little")


def _last_frame(walk: Walk, start: int) -> int:
    """Return where the last frame's items begin by the offset tables, so that a slide's 100,000 need not be visited.

    Where there is no table, or no item at the place it names, that is `start`: the items are walked.
    """
    tag, length = _fragment_header(walk, start)
    first = start + HEADER + length
    table = walk.tables.get("7FE00001")
    place = (first - OFFSET, OFFSET) if table is None else (table[1] - EXTENDED, EXTENDED)
    if tag != ITEM or (table is None and length < 2 * OFFSET) or place[0] < 0:
        return start
    last = first + int.from_bytes(walk.window.read(*place), "little")
    return last if last < walk.window.size and _fragment_header(walk, last)[0] == ITEM else start


def _after_fragments(walk: Walk, pos: int, tag: str) -> tuple[int, bool]:
    if tag == SEQUENCE_END:
        return pos + HEADER, True
    walk.warn("missing-delimiter", "7FE00010")
    return pos, True


def name_bulk(walk: Walk, scope: Scope, tag: str, vr: str, span: tuple[int, int]) -> None:
    """Let the JSON name a value's place instead of holding it."""
    value = BulkValue((*scope.path, tag), vr, *span)
    walk.bulk.append(value)
    walk.impure += 1
    scope.out[tag] = {"vr": vr, "BulkDataURI": value.uri}
