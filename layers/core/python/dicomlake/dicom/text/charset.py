"""Character sets (PS3.3 C.12.1.1.2, PS3.5 6.1): from a Specific Character Set to a decoder of its texts.

Terms are read as people write them ("ISO IR 100", "utf-8"). Three kinds of set exist: those of one Python codec
(single bytes, UTF-8, GB18030, GBK), those with escape sequences (iso2022), and none declared, which `charset_of` tells
by None: ASCII, or whatever the bytes give evidence of (charset_guess).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from dicomlake.dicom.text.iso2022 import SETS, SINGLE, Iso2022

_CODECS = SINGLE | {192: "utf-8"}
"""The same, and UTF-8, which stands alone: it takes no code extensions (PS3.3 C.12.1.1.2)."""

_NAMES = {"GB18030": "gb18030", "GBK": "gbk", "UTF8": "utf-8", "UNICODE11UTF8": "utf-8", "LATIN1": "latin-1"}
_SPELLING = re.compile(r"[\s_\-]+")
_NUMBER = re.compile(r"(?:ISO)?(?:2022)?(?:IR)?0*([0-9]{1,3})\Z")
DEFAULT = 6


class Charset(Protocol):
    """Decodes the texts of one data set or item; `odd` tells that ASCII bytes may not mean ASCII characters."""

    @property
    def name(self) -> str:
        """What to call the set in a warning."""

    @property
    def odd(self) -> bool:
        """Whether even a text of ASCII bytes has to be decoded."""

    def decode(self, raw: bytes, splits: bool) -> tuple[str, bool]:
        """Return the text, and whether all of its bytes were sound; a backslash in it always parts values.

        `splits` tells that byte 5C parts values in this VR whatever the set shows it as.
        """

    def doubtful(self, raw: bytes) -> bool:
        """Whether bytes that this set does not read are likelier of another set than damaged."""


@dataclass(frozen=True, slots=True)
class CodecCharset:
    """A character set that is one Python codec and needs no escape sequences."""

    codec: str
    odd: bool = False

    @property
    def name(self) -> str:
        """The codec's name."""
        return self.codec

    def decode(self, raw: bytes, splits: bool) -> tuple[str, bool]:
        """Return the text, with U+FFFD for bytes that are not of this set."""
        try:
            return raw.decode(self.codec), True
        except UnicodeDecodeError:
            return raw.decode(self.codec, "replace"), False

    def doubtful(self, raw: bytes) -> bool:
        """UTF-8 is a form that other sets do not have: what breaks it is likely one of them."""
        return self.codec == "utf-8"


def charset_of(terms: tuple[str, ...]) -> tuple[Charset | None, bool]:
    """Return the decoder for the values of Specific Character Set, and whether all of them are known.

    None means that nothing beyond ASCII is declared.
    """
    return _charset_of(terms)


@lru_cache(maxsize=256)
def _charset_of(terms: tuple[str, ...]) -> tuple[Charset | None, bool]:
    sets = [_set_of(term) for term in terms]
    known = None not in sets
    alone = next((CodecCharset(s) for s in sets if isinstance(s, str)), None)
    if alone:
        return alone, known
    numbers = tuple(s for s in sets if isinstance(s, int))
    if len(numbers) == 1 and numbers[0] in _CODECS and not terms[0].upper().startswith("ISO 2022"):
        return CodecCharset(_CODECS[numbers[0]]), known
    if set(numbers) <= {DEFAULT}:
        return None, known
    return Iso2022(numbers), known


def _set_of(term: str) -> int | str | None:
    """Return a term's ISO registration number, the codec of a set that stands alone, or None where it is unknown."""
    plain = _SPELLING.sub("", term.upper())
    if not plain:
        return DEFAULT
    if plain in _NAMES:
        return _NAMES[plain]
    match = _NUMBER.match(plain)
    number = int(match[1]) if match else 0
    if number == 192:
        return "utf-8"
    return number if number in SETS or number == DEFAULT else None
