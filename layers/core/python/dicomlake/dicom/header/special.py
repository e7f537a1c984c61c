"""What the walk does with elements that need more than converting their value; one handler a kind (encoding.Layout)."""

from dicomlake.dicom.dictionary.lookup import private_vr_of, vr_of
from dicomlake.dicom.header.elements import Handler, Met, Scope, Walk
from dicomlake.dicom.header.encoding import (
    BROKEN,
    CHARSET,
    CHOICE,
    DELIMITER,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_BIG,
    IMPLICIT_LITTLE,
    OFFSETS,
    PIXELS,
    SEQUENCE,
    SKIPPED,
    UNDEFINED,
    UNKNOWN,
    Encoding,
)
from dicomlake.dicom.header.nested import (
    HEADER,
    ITEM_END,
    fragments_end,
    items_encoding,
    name_bulk,
    overrun,
    read_sequence,
    read_undefined,
)
from dicomlake.dicom.header.recurring import NOTHING
from dicomlake.dicom.instance import PIXELS_URI, PixelElement
from dicomlake.dicom.text.charset import charset_of
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import JsonObject

CHOSEN = {"ox": "OW", "uw": "OW", "xw": "OW", "xs": "US"}
"""What a VR that depends on other attributes is where they do not say."""


def read_value(walk: Walk, scope: Scope, met: Met) -> int:
    """Read a value that the loop did not: long, across the window's edge, of undefined length, or past the end."""
    if met.length == UNDEFINED:
        return read_undefined(walk, scope, met)
    return _read_as(walk, scope, met, met.vr)


def _read_as(walk: Walk, scope: Scope, met: Met, vr: str) -> int:
    end = met.start + met.length
    if end > met.end:
        overrun(walk, met)
    if met.length > walk.limit:
        name_bulk(walk, scope, met.tag, vr, (met.start, end))
    else:
        walk.store(scope, met.tag, vr, walk.window.read(met.start, met.length), met.encoding)
    if met.length & 1:
        walk.warn("odd-length")
    return end


def read_pixels(walk: Walk, scope: Scope, met: Met) -> int:
    """Note where the pixel data lie; inside an item (an icon) they are a value like any other."""
    vr = CHOSEN.get(met.vr, met.vr)
    if vr == "UN":
        walk.warn("un-known-tag", met.tag)
        vr = "OB" if met.length == UNDEFINED else CHOSEN.get(vr_of(met.tag) or "", "OW")
    if scope.parent is not None or walk.pixels is not None or not met.length:
        return _read_inner_pixels(walk, scope, met, vr)
    end, complete = _pixels_end(walk, met)
    walk.pixels = PixelElement(int(met.tag, 16), vr, met.start, end - met.start, met.length == UNDEFINED, not complete)
    if not complete:
        walk.warn("truncated-pixels")
    scope.out[met.tag] = {"vr": vr, "BulkDataURI": PIXELS_URI}
    if met.length != UNDEFINED and met.length & 1:
        walk.warn("odd-length")
    return _after_pixels(walk, met, end)


def read_offsets(walk: Walk, scope: Scope, met: Met) -> int:
    """Read a value of the Extended Offset Table and note where it lies (PS3.3 C.7.6.3.1.8)."""
    if scope.parent is None:
        walk.tables[met.tag] = (met.start, met.start + met.length)
    return read_value(walk, scope, met)


def _read_inner_pixels(walk: Walk, scope: Scope, met: Met, vr: str) -> int:
    if met.length == UNDEFINED:
        end, complete = fragments_end(walk, met.start)
        name_bulk(walk, scope, met.tag, vr, (met.start, end))
        return end if complete else walk.window.size
    return _read_as(walk, scope, met, vr)


def _pixels_end(walk: Walk, met: Met) -> tuple[int, bool]:
    if met.length == UNDEFINED:
        return fragments_end(walk, met.start)
    end = met.start + met.length
    return min(end, walk.window.size), end <= walk.window.size


def _after_pixels(walk: Walk, met: Met, pos: int) -> int:
    """Return where to read on after the pixels: the end, where what follows is no element."""
    if pos >= met.end or _is_element(walk, met, pos):
        return pos
    walk.warn("trailing-bytes")
    return met.end


def _is_element(walk: Walk, met: Met, pos: int) -> bool:
    raw = walk.window.read(pos, min(12, met.end - pos))
    if len(raw) < HEADER:
        return False
    tag, layout = met.encoding.tag(raw), met.encoding.layout(raw[: met.encoding.key_size])
    if tag <= met.tag or layout.handling in {BROKEN, DELIMITER}:
        return False
    (length,) = layout.length(raw.ljust(16, b"\0"), layout.skip)
    return length == UNDEFINED or pos + layout.header + length <= met.end


def read_charset(walk: Walk, scope: Scope, met: Met) -> int:
    """Store the Specific Character Set and read what follows in this data set or item by it (PS3.3 C.12.1.1.2)."""
    end = _read_as(walk, scope, met, "CS")
    element = scope.out["00080005"]
    values = element.get("Value") if isinstance(element, dict) else None
    terms = tuple(str(value or "") for value in values) if isinstance(values, list) else ()
    charset, known = charset_of(terms)
    if not known:
        walk.warn("charset-unknown")
    scope.charset, scope.odd_text = charset, charset is not None and charset.odd
    scope.runs = NOTHING if scope.odd_text else scope.runs
    walk.nested_charset = walk.nested_charset or scope.parent is not None
    return end


def skip_group_length(walk: Walk, scope: Scope, met: Met) -> int:
    """Pass over a group length; JSON holds none (PS3.18 F.2.2)."""
    if met.tag == "00000000" or met.start + met.length > met.end:
        raise MalformedError("the data set goes on with something that is no element")
    scope.skipped += 1
    return met.start + met.length


def read_unknown(walk: Walk, scope: Scope, met: Met) -> int:
    """Read a UN value as what the tag is known to be: by the dictionary, or by its private creator."""
    vr = _known_vr(scope, met.tag)
    if vr != "UN" and met.encoding.explicit and int(met.tag[3], 16) % 2 == 0:
        walk.warn("un-known-tag", met.tag)
    if met.length == UNDEFINED:
        return read_undefined(walk, scope, met)
    if vr == "SQ" and met.length:
        return _read_unknown_sequence(walk, scope, met)
    return _read_choice(walk, scope, met, vr)


def _known_vr(scope: Scope, tag: str) -> str:
    if int(tag[3], 16) % 2 == 0:
        return vr_of(tag) or "UN"
    if tag[4:6] == "00":
        return "LO" if tag[6:] >= "10" else "UN"
    creator = scope.out.get(f"{tag[:4]}00{tag[4:6]}")
    values = creator.get("Value") if isinstance(creator, dict) else None
    name = values[0] if isinstance(values, list) else None
    return private_vr_of(name, tag) or "UN" if isinstance(name, str) else "UN"


def _read_unknown_sequence(walk: Walk, scope: Scope, met: Met) -> int:
    """Read a UN value that should be a sequence; where it is none, keep its bytes."""
    if met.start + met.length > met.end:
        overrun(walk, met)
    inner = items_encoding(walk, met.start, met.encoding)
    bulk, undecided, choices = len(walk.bulk), len(walk.undecided), len(walk.choices)
    try:
        return read_sequence(walk, scope, Met(met.tag, met.vr, met.start, met.length, met.end, inner))
    except MalformedError:
        del walk.bulk[bulk:], walk.undecided[undecided:], walk.choices[choices:]
        walk.warn("invalid-value", met.tag)
        return _read_as(walk, scope, met, "UN")


def read_choice(walk: Walk, scope: Scope, met: Met) -> int:
    """Read a value whose VR depends on other attributes (PS3.5 A.1): implicit VR, so the dictionary could not say."""
    return _read_choice(walk, scope, met, met.vr)


def _read_choice(walk: Walk, scope: Scope, met: Met, vr: str) -> int:
    if vr == "xs" and 0 < met.length <= walk.limit and met.start + met.length <= met.end:
        raw = walk.window.read(met.start, met.length)
        scope.out[met.tag] = {"vr": "US"}
        walk.choices.append((scope, met.tag, raw, met.encoding))
        return met.start + met.length
    if vr == "uw" and _lut_entries(scope.out) == 1:
        return _read_as(walk, scope, met, "US")
    return _read_as(walk, scope, met, CHOSEN.get(vr, vr))


def _lut_entries(out: JsonObject) -> object:
    """The first value of LUT Descriptor; LUT Data of one entry are US, of more OW (PS3.3 C.11.1.1)."""
    descriptor = out.get("00283002")
    values = descriptor.get("Value") if isinstance(descriptor, dict) else None
    return values[0] if isinstance(values, list) else None


def settle_choices(walk: Walk) -> None:
    """Give the values that are US or SS their VR, by the Pixel Representation of their data set or one around it."""
    for scope, tag, raw, encoding in walk.choices:
        walk.store(scope, tag, "SS" if _is_signed(scope) else "US", raw, encoding)


def _is_signed(scope: Scope | None) -> bool:
    while scope is not None:
        element = scope.out.get("00280103")
        values = element.get("Value") if isinstance(element, dict) else None
        if isinstance(values, list):
            return values[0] == 1
        scope = scope.parent
    return False


def meet_delimiter(walk: Walk, scope: Scope, met: Met) -> int:
    """End the item at its delimiter, or at the next item or the sequence's delimiter where its own is missing."""
    scope.skipped += 1
    if scope.parent is None:
        raise MalformedError("an item or a delimiter stands outside a sequence")
    scope.closed = True
    if met.tag == ITEM_END:
        return met.start
    return met.start - HEADER


def read_broken(walk: Walk, scope: Scope, met: Met) -> int:
    """Read an element without a VR inside explicit VR: written as implicit, or with a VR that is none of PS3.5's."""
    if met.length == UNDEFINED or met.start + met.length <= met.end:
        end = _read_implicit(walk, scope, met)
        walk.warn("implicit-in-explicit", met.tag)
        return end
    if met.vr.strip(" ?") == "" or (met.vr.isupper() and met.vr.isascii()):
        walk.warn("unknown-vr", met.tag)
        return _read_foreign(walk, scope, met)
    raise MalformedError("the data set goes on with something that is no element")


def _read_implicit(walk: Walk, scope: Scope, met: Met) -> int:
    encoding = IMPLICIT_BIG if met.encoding.big_endian else IMPLICIT_LITTLE
    header = walk.window.read(met.start - HEADER, HEADER)
    layout = encoding.layout(header[:4])
    if layout.vr == "UN" and int(layout.tag[3], 16) % 2 == 0:
        raise MalformedError("the data set goes on with something that is no element")
    inner = Met(layout.tag, layout.vr, met.start, met.length, met.end, encoding)
    if layout.handling == SEQUENCE:
        outer = EXPLICIT_BIG if met.encoding.big_endian else EXPLICIT_LITTLE
        inner = Met(layout.tag, layout.vr, met.start, met.length, met.end, _items_of(walk, met.start, outer, encoding))
    return HANDLERS[layout.handling](walk, scope, inner)


def _items_of(walk: Walk, start: int, explicit: Encoding, implicit: Encoding) -> Encoding:
    """Return how the items of a sequence without a VR are laid out, by the first element of the first item."""
    peek = walk.window.read(start, 2 * HEADER)
    return implicit if explicit.layout(peek[8:14].ljust(6, b"\0")).handling == BROKEN else explicit


def _read_foreign(walk: Walk, scope: Scope, met: Met) -> int:
    """Read an element whose VR is unknown: a VR of later editions has a 32-bit length (PS3.5 6.2, note)."""
    head = walk.window.read(met.start - HEADER, 12).ljust(12, b"\0")
    length, start = met.encoding.long.unpack_from(head, 8)[0], met.start + 4
    if head[6:8] != b"\0\0" or start + length > met.end:
        length, start = met.encoding.short.unpack_from(head, 6)[0], met.start
    vr = _known_vr(scope, met.tag)
    inner = Met(met.tag, met.vr, start, length, met.end, met.encoding)
    return _read_choice(walk, scope, inner, "UN" if vr == "SQ" else vr)


HANDLERS: dict[int, Handler] = {
    0: read_value,
    PIXELS: read_pixels,
    CHARSET: read_charset,
    SKIPPED: skip_group_length,
    SEQUENCE: read_sequence,
    UNKNOWN: read_unknown,
    CHOICE: read_choice,
    DELIMITER: meet_delimiter,
    BROKEN: read_broken,
    OFFSETS: read_offsets,
}
