"""The ways a value's bytes may be read as text, and how to write a text back in the same way."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from dicomlake.dicom.text.charset import Charset, CodecCharset, charset_of
from dicomlake.dicom.text.iso2022 import ESCAPES, Iso2022

type Encode = Callable[[str], bytes]

_UNDECLARED = ("utf-8", "cp932", "euc_jp", "gb18030", "euc_kr", "latin-1")
"""What bytes above 7F are tried as beside what is declared: senders are wrong about it every day."""
_BY_ESCAPE = ((b"\x1b$)C", "euc_kr"), (b"\x1b$)A", "gb2312"), (b"\x1b$(D", "iso2022_jp_1"), (b"\x1b$", "iso2022_jp"))
_SPLIT = re.compile(rb"\\")


def readings(raw: bytes, declared: bytes) -> Iterator[tuple[str, Encode]]:
    """Yield a value's readings, the likeliest first: plain ASCII has one, other bytes as many as make sense.

    `declared` is the raw value of Specific Character Set.
    """
    if raw.isascii() and b"\x1b" not in raw:
        yield raw.decode("ascii"), _ascii
        return
    charset = _charset(declared)
    if charset is not None:
        text, sound = charset.decode(raw, False)
        if sound:
            yield text, _writer(charset, raw)
    if b"\x1b" in raw:
        yield Iso2022((6,)).decode(raw, False)[0], _writer(None, raw)
        return
    for codec in _UNDECLARED:
        if not (isinstance(charset, CodecCharset) and charset.codec == codec):
            try:
                yield raw.decode(codec), lambda text, codec=codec: text.encode(codec, "replace")  # type: ignore[misc]
            except UnicodeDecodeError:
                continue


@lru_cache(maxsize=64)
def _charset(declared: bytes) -> Charset | None:
    terms = tuple(term.strip().decode("ascii", "replace") for term in _SPLIT.split(declared.strip(b" \0")))
    return charset_of(terms)[0]


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")


def _writer(charset: Charset | None, raw: bytes) -> Encode:
    if isinstance(charset, CodecCharset):
        return lambda text: text.encode(charset.codec, "replace")
    codec = next((codec for escape, codec in _BY_ESCAPE if escape in raw), "")
    if codec in ("euc_kr", "gb2312"):
        return lambda text: _designated(text, codec)
    if codec:
        return lambda text: text.encode(codec, "replace")
    single = next((escape for escape in ESCAPES if escape in raw), b"")
    return _ascii if single else (lambda text: text.encode("latin-1", "replace"))


def _designated(text: str, codec: str) -> bytes:
    """Write Korean or Chinese after the escape sequence that the value had (PS3.5 annexes I and K)."""
    escape = b"\x1b$)C" if codec == "euc_kr" else b"\x1b$)A"
    encoded = text.encode(codec, "replace")
    return encoded if encoded.isascii() else b"\\".join(escape + part for part in encoded.split(b"\\"))
