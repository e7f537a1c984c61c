"""From one element's value to its DICOM JSON form (PS3.18 F.2): `{"vr": .., "Value": [..]}` and its kin.

Text arrives decoded (`from_text`), everything else as the bytes of the source (`from_bytes`). A value that does not
have the form its VR demands raises ValueError; the caller keeps its bytes as UN.
"""

from array import array
from binascii import b2a_base64
from collections.abc import Callable
from math import isfinite, isnan
from struct import Struct, unpack

from dicomlake.dicom.header.vr import NUMBER_FORMATS, ONE_VALUE, TEXT, WORD_SIZES
from dicomlake.dicom.text.names import person_name
from dicomlake.domain.model import JsonObject, JsonValue

FromText = Callable[[str], JsonObject]
FromBytes = Callable[[bytes], JsonObject]

PADDING = " \0"
SAFE_INTEGER = (1 << 53) - 1
"""The largest integer that every JSON reader keeps (PS3.18 F.2.3 allows a string beyond it)."""

_WORDS = {2: "H", 4: "I", 8: "Q"}


def _several(vr: str) -> FromText:
    def _shape(text: str) -> JsonObject:
        text = text.rstrip(PADDING)
        if "\\" in text:
            return {"vr": vr, "Value": [part.rstrip(PADDING) or None for part in text.split("\\")]}
        return {"vr": vr, "Value": [text]} if text else {"vr": vr}

    return _shape


def _several_trimmed(vr: str) -> FromText:
    def _shape(text: str) -> JsonObject:
        text = text.strip(PADDING)
        if "\\" in text:
            return {"vr": vr, "Value": [part.strip(PADDING) or None for part in text.split("\\")]}
        return {"vr": vr, "Value": [text]} if text else {"vr": vr}

    return _shape


def _one(vr: str) -> FromText:
    def _shape(text: str) -> JsonObject:
        text = text.rstrip(PADDING)
        return {"vr": vr, "Value": [text]} if text else {"vr": vr}

    return _shape


def _numbers_in_text(vr: str) -> FromText:
    def _shape(text: str) -> JsonObject:
        text = text.strip(PADDING)
        if "\\" in text:
            return {"vr": vr, "Value": [number_or_text(part.strip(PADDING)) for part in text.split("\\")]}
        return {"vr": vr, "Value": [number_or_text(text)]} if text else {"vr": vr}

    return _shape


def number_or_text(text: str) -> JsonValue:
    """Return an IS or DS value as a number where its text comes back exactly, else as the text (PS3.18 F.2.3)."""
    if not text:
        return None
    try:
        if "." in text:
            if text[-1] == "0" and text[-2:] != ".0":
                return text  # no float is written with zeros at its end
            number = float(text)
            return number if repr(number) == text and "e" not in text else text
        whole = int(text)
    except ValueError:
        return text
    return whole if str(whole) == text and -SAFE_INTEGER <= whole <= SAFE_INTEGER else text


def _names(text: str) -> JsonObject:
    text = text.rstrip(PADDING)
    if not text:
        return {"vr": "PN"}
    return {"vr": "PN", "Value": [person_name(part) for part in text.split("\\")]}


def _text_shapes() -> dict[str, FromText]:
    shapes = {vr: _one(vr) if vr in ONE_VALUE else _several(vr) for vr in TEXT}
    shapes |= {vr: _several_trimmed(vr) for vr in ("AE", "CS")}
    return shapes | {vr: _numbers_in_text(vr) for vr in ("DS", "IS")} | {"PN": _names}


FROM_TEXT: dict[str, FromText] = _text_shapes()
"""Text VR -> from decoded text, values still joined by backslashes, to the element's JSON."""


def _integers(vr: str, order: str) -> FromBytes:
    size, form = _form(vr)
    single = Struct(f"{order}{form}").unpack

    def _shape(raw: bytes) -> JsonObject:
        if len(raw) == size:
            return {"vr": vr, "Value": [*single(raw)]}
        return {"vr": vr, "Value": [*unpack(f"{order}{_count(raw, size)}{form}", raw)]}

    return _shape


def _long_integers(vr: str, order: str) -> FromBytes:
    size, form = _form(vr)

    def _shape(raw: bytes) -> JsonObject:
        values = unpack(f"{order}{_count(raw, size)}{form}", raw)
        return {"vr": vr, "Value": [v if -SAFE_INTEGER <= v <= SAFE_INTEGER else str(v) for v in values]}

    return _shape


def _floats(vr: str, order: str) -> FromBytes:
    size, form = _form(vr)

    def _shape(raw: bytes) -> JsonObject:
        values = unpack(f"{order}{_count(raw, size)}{form}", raw)
        return {"vr": vr, "Value": [value if isfinite(value) else not_finite(value) for value in values]}

    return _shape


def not_finite(value: float) -> str:
    """Return what stands for a number that JSON does not have: a string (PS3.18 F.2.3, note)."""
    if isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _tags(order: str) -> FromBytes:
    def _shape(raw: bytes) -> JsonObject:
        words = unpack(f"{order}{2 * _count(raw, 4)}H", raw)
        return {"vr": "AT", "Value": [f"{g:04X}{e:04X}" for g, e in zip(words[::2], words[1::2], strict=True)]}

    return _shape


def _form(vr: str) -> tuple[int, str]:
    form = NUMBER_FORMATS[vr]
    return {"h": 2, "H": 2, "i": 4, "I": 4, "f": 4, "q": 8, "Q": 8, "d": 8}[form], form


def _count(raw: bytes, size: int) -> int:
    count, rest = divmod(len(raw), size)
    if rest:
        raise ValueError("the value's length is no multiple of its VR's size")
    return count


def _binary(vr: str) -> FromBytes:
    def _shape(raw: bytes) -> JsonObject:
        return {"vr": vr, "InlineBinary": b2a_base64(raw, newline=False).decode("ascii")}

    return _shape


def _swapped_binary(vr: str, size: int) -> FromBytes:
    plain = _binary(vr)
    return lambda raw: plain(swap(raw, size))


def swap(raw: bytes, size: int) -> bytes:
    """Reverse the bytes of each word of `size`; bytes after the last whole word stay as they are."""
    whole = len(raw) - len(raw) % size
    words = array(_WORDS[size], raw[:whole])
    words.byteswap()
    return words.tobytes() + raw[whole:]


def _binary_shapes(order: str) -> dict[str, FromBytes]:
    shapes = {vr: _integers(vr, order) for vr in ("SL", "SS", "UL", "US")}
    shapes |= {vr: _long_integers(vr, order) for vr in ("SV", "UV")}
    shapes |= {vr: _floats(vr, order) for vr in ("FD", "FL")}
    shapes |= {vr: _binary(vr) if n == 1 or order == "<" else _swapped_binary(vr, n) for vr, n in WORD_SIZES.items()}
    return shapes | {"AT": _tags(order)}


FROM_BYTES: dict[bool, dict[str, FromBytes]] = {False: _binary_shapes("<"), True: _binary_shapes(">")}
"""Big endian? -> VR that is not text -> from the value's bytes to the element's JSON."""
