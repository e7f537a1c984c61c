"""What is known to identify this patient: the values that the profile takes out, as terms to search what is left for.

A term is one of five kinds. `anywhere`: long enough to mean itself wherever it stands, also inside a word. `words`:
short, so only as a word of its own. `numbers`: characters with whatever stands between them (03-1234, 03 1234).
`tails`: the end of such a number, whatever it begins with. `sounds`: a reading, which kana and romaji write in many
ways.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from dicomlake.dicom.deidentify.fold import COMPACT, folded, normal
from dicomlake.dicom.deidentify.ordinary import ORDINARY
from dicomlake.dicom.deidentify.standard import standard
from dicomlake.dicom.dictionary.lookup import keyword_of
from dicomlake.domain.names import sound, words


class Kind(StrEnum):
    """What a value identifies by."""

    NAME = "name"
    ID = "id"
    PHONE = "phone"
    PLACE = "place"
    DATE = "date"
    TIME = "time"


type Identifier = tuple[Kind, str]
"""A kind and the value's text as the header has it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What to search for, folded (fold.py)."""

    anywhere: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    tails: frozenset[str] = frozenset()
    sounds: frozenset[str] = frozenset()


SHORTEST_ANYWHERE = 5
SHORTEST_NUMBER = 6
_BY_VR = {"PN": Kind.NAME, "DA": Kind.DATE, "DT": Kind.DATE, "TM": Kind.TIME}
_TEXT_VRS = frozenset({"LO", "SH", "ST", "LT", "UC", "UT", "AE"})
_BY_KEYWORD = (
    (re.compile(r"Telephone|Telecom|Phone|EmailAddress"), Kind.PHONE),
    (
        re.compile(r"Institution|Address|Location|Region|Country|Organization|Department|Facility|SiteName|Occupation"),
        Kind.PLACE,
    ),
    (re.compile(r"(ID|IDs|Number|Identifier|Locator|Value|Title|StationName|MachineName|Issuer|Barcode)\Z"), Kind.ID),
)
_IDEOGRAPH = re.compile(r"[㐀-鿿豈-﫿々가-힣]")
_KANA = re.compile(r"[ぁ-ゟ]")
_LATIN = re.compile(r"[a-z]+\Z")
_PIECES = re.compile(r"[,;|\r\n]+")
_UMLAUTS = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ø", "oe"), ("å", "aa"))


@lru_cache(maxsize=4096)
def kind_of(tag: int, vr: str) -> Kind | None:
    """Return what a value that the profile takes out identifies by; None for descriptions, codes and numbers."""
    if vr in _BY_VR:
        return _BY_VR[vr]
    if vr not in _TEXT_VRS or tag not in standard().actions:
        return None
    keyword = keyword_of(f"{tag:08X}") or ""
    return next((kind for pattern, kind in _BY_KEYWORD if pattern.search(keyword)), None)


def terms_of(identifiers: Iterable[Identifier]) -> Terms:
    """Return what to search for to find any of these identifiers."""
    found = [_terms(kind, text) for kind, text in identifiers]
    return Terms(
        frozenset().union(*[terms.anywhere for terms in found]),
        frozenset().union(*[terms.words for terms in found]),
        frozenset().union(*[terms.numbers for terms in found]),
        frozenset().union(*[terms.tails for terms in found]),
        frozenset().union(*[terms.sounds for terms in found]),
    )


@lru_cache(maxsize=1 << 14)
def _terms(kind: Kind, text: str) -> Terms:
    return _OF_KIND[kind](normal(text).strip(" \0"))


def _name_terms(text: str) -> Terms:
    """Terms of a person's name: its parts in every group, whole where it is written without spaces."""
    anywhere: set[str] = set()
    alone: set[str] = set()
    sounds: set[str] = set()
    for group in text.split("="):
        parts = [part for part in words(group) if part]
        for part in (*parts, *_with_apostrophes(group)):
            for spelling in _spellings(part):
                _add_word(spelling, anywhere, alone)
        joined = folded("".join(parts))
        if len(parts) > 1:
            (anywhere if len(joined) >= SHORTEST_ANYWHERE else alone).update({joined, folded("".join(reversed(parts)))})
        if _IDEOGRAPH.search(joined) or _KANA.search(joined):
            anywhere |= {joined} if len(joined) > 1 else set()
            sounds |= {sound(part) for part in parts}
    if sounds:
        sounds |= {sound(part) for part in words(text.split("=")[0])}
    return Terms(frozenset(anywhere), frozenset(alone), sounds=frozenset(one for one in sounds if len(one) > 3))


def _with_apostrophes(group: str) -> set[str]:
    """Words as they are written with an apostrophe of either form: straight or curled."""
    found = {word for word in re.split(r"[\s^,]+", group) if "'" in word or "\u2019" in word}
    return {word.replace(*pair) for word in found for pair in (("'", "\u2019"), ("\u2019", "'"))}


def _spellings(part: str) -> set[str]:
    """A word folded, and as it is written without umlauts, or with them."""
    lower = part.lower()
    spelled, plain = lower, lower
    for mark, letters in _UMLAUTS:
        spelled, plain = spelled.replace(mark, letters), plain.replace(letters, mark)
    return {folded(lower), folded(spelled), folded(plain)}


def _add_word(word: str, anywhere: set[str], alone: set[str]) -> None:
    if word in ORDINARY:
        return
    wide = bool(_IDEOGRAPH.search(word)) or bool(_KANA.search(word))
    if len(word) >= (2 if wide else SHORTEST_ANYWHERE) and not (
        wide and len(word) == 2 and not _IDEOGRAPH.search(word)
    ):
        anywhere.add(word)
    elif len(word) > 1 or wide:
        alone.add(word)


def _id_terms(text: str) -> Terms:
    anywhere: set[str] = set()
    alone: set[str] = set()
    numbers: set[str] = set()
    for value in text.split("\\"):
        plain = folded(value).strip()
        compact = plain.translate(COMPACT)
        if plain in ORDINARY or not compact or len(set(compact)) == 1:
            continue
        if not any(char.isdecimal() for char in compact):
            _add_word(plain, anywhere, alone)
        elif len(compact) >= SHORTEST_NUMBER:
            numbers |= {compact, compact.lstrip("0") if len(compact.lstrip("0")) >= SHORTEST_NUMBER else compact}
        elif len(compact) > 2:
            alone.add(plain)
    return Terms(frozenset(anywhere), frozenset(alone), frozenset(numbers))


def _phone_terms(text: str) -> Terms:
    """The last eight digits: what stays the same with and without the code of a country or a trunk."""
    digits = [re.sub(r"\D", "", value) for value in text.split("\\")]
    return Terms(tails=frozenset(number[-8:] for number in digits if len(number) >= SHORTEST_NUMBER))


def _place_terms(text: str) -> Terms:
    """A place as a whole, its pieces between commas, and its words that no other place is called by."""
    whole = folded(text.replace("\\", "\n"))
    pieces = {piece.strip() for piece in (*_PIECES.split(whole), whole)}
    alone = {word for word in re.findall(r"[^\W\d_]+", whole) if len(word) > SHORTEST_ANYWHERE and word not in ORDINARY}
    wide = {piece for piece in pieces if _IDEOGRAPH.search(piece) and len(piece) > 2}
    return Terms(
        frozenset({piece for piece in pieces if len(piece) >= SHORTEST_ANYWHERE and piece not in ORDINARY} | wide),
        frozenset(alone),
    )


def _date_terms(text: str) -> Terms:
    """A date without its marks, in the orders that people write it; with marks any date is found by its form."""
    numbers: set[str] = set()
    written: set[str] = set()
    for value in text.split("\\"):
        digits = re.sub(r"[-./]", "", value.strip())[:8]
        if len(digits) == 8 and digits.isdecimal() and digits[:4] not in ("1900", "0000"):
            year, month, day = digits[:4], digits[4:6], digits[6:]
            numbers |= {digits, day + month + year, month + day + year, digits[2:], day + month + year[2:]}
            short = (day.lstrip("0"), month.lstrip("0"), year[2:])
            written |= {mark.join(order) for mark in "./-" for order in (short, (short[1], short[0], short[2]))}
    return Terms(words=frozenset(written), numbers=frozenset(numbers))


def _time_terms(text: str) -> Terms:
    digits = (value.strip().replace(":", "")[:6] for value in text.split("\\"))
    return Terms(
        numbers=frozenset(time for time in digits if len(time) == 6 and time.isdecimal() and time[2:] != "0000")
    )


_OF_KIND = {
    Kind.NAME: _name_terms,
    Kind.ID: _id_terms,
    Kind.PHONE: _phone_terms,
    Kind.PLACE: _place_terms,
    Kind.DATE: _date_terms,
    Kind.TIME: _time_terms,
}
