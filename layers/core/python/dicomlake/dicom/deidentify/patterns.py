"""What tells an identifier by its form alone, whoever it belongs to: dates, phones, addresses, numbers with a label.

Each pattern is written so that a version, a dose, a measure or a protocol's name does not look like it. Texts are
searched in NFKC form, so full-width digits and half-width kana are already the usual ones.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

type Span = tuple[int, int]

_YEAR = r"(?:19|20)\d\d"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_NAMED_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mrz|mai|juin|juil|okt|dez|févr|avr|août|déc|ene|ago|dic)"
)
_JAPANESE = r"[぀-ヿ㐀-鿿々]"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A kind of identifier, its form, and what else proves it; `group` is what of it identifies."""

    kind: str
    regex: re.Pattern[str]
    proved: Callable[[str], bool] | None = None
    group: int = 0

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where it stands in a text."""
        for match in self.regex.finditer(text):
            if self.proved is None or self.proved(match[0]):
                yield match.span(self.group)


def _digits(text: str) -> list[int]:
    return [int(char) for char in text if char.isdecimal()]


def _is_card(text: str) -> bool:
    """Whether digits pass the check of card numbers (ISO/IEC 7812-1)."""
    digits = _digits(text)[::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return 13 <= len(digits) <= 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def _is_my_number(text: str) -> bool:
    """Whether twelve digits pass the check of Japan's individual numbers (My Number, 総務省令第85号 of 2014, 第5条)."""
    digits = _digits(text)
    if len(digits) != 12 or len(set(digits)) < 3:
        return False
    weighted = sum(digit * (n + 1 if n <= 6 else n - 5) for n, digit in enumerate(digits[10::-1], start=1))
    rest = weighted % 11
    return digits[11] == (0 if rest <= 1 else 11 - rest)


def _is_address(text: str) -> bool:
    """Whether four numbers are an address in a network rather than a version: 10.x, 192.168.x, or long as a whole."""
    parts = text.split(".")
    if any(int(part) > 255 for part in parts):
        return False
    return text.startswith(("10.", "127.", "192.168.", "172.")) or sum(map(len, parts)) >= 9


def _pattern(
    kind: str, form: str, proved: Callable[[str], bool] | None = None, flags: int = re.IGNORECASE, group: int = 0
) -> Pattern:
    return Pattern(kind, re.compile(form, flags), proved, group)


_CASE = 0
DATES: tuple[Pattern, ...] = (
    _pattern("date", rf"(?<![\d.]){_YEAR}([-/.]){_MONTH}\1{_DAY}(?![\d])(?:[T ]\d\d:?\d\d(?::?\d\d)?(?:\.\d+)?)?"),
    _pattern("date", rf"(?<![\d.])(?:{_DAY}([-/.]){_MONTH}|{_MONTH}([-/.]){_DAY})[-/.]{_YEAR}(?!\d|\.\d)"),
    _pattern("date", r"(?<![\d./-])(?:0[1-9]|[12]\d|3[01])([./])(?:0[1-9]|1[0-2])\1\d\d(?![\d./])"),
    _pattern("date", r"(?<![\d./-])(?:0[1-9]|1[0-2])/(?:0[1-9]|[12]\d|3[01])/\d\d(?![\d./])"),
    _pattern(
        "date", rf"(?<!\d){_DAY}(?:st|nd|rd|th|\.)?[ ./-]*{_NAMED_MONTH}[a-zéû]*\.?[ ,./-]*(?:{_YEAR}|\d\d)(?!\d)"
    ),
    _pattern("date", rf"(?<![a-z]){_NAMED_MONTH}[a-zéû]*\.?,?\s+{_YEAR}(?!\d)"),
    _pattern("date", rf"(?<![a-z]){_NAMED_MONTH}[a-zéû]*\.?\s*{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}(?!\d)"),
    _pattern(
        "date",
        r"(?<!\d)(?:(?:19|20)\d\d|(?:明治|大正|昭和|平成|令和)\s?(?:\d{1,2}|元))\s?年(?:\s?\d{1,2}\s?月(?:\s?\d{1,2}\s?日)?)?",
    ),
    _pattern("date", r"(?<![A-Z\d])[MTSHR]\.?\d{1,2}([./-])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])(?!\d)"),
    _pattern(
        "date", rf"(?<![\d.]){_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[T_ ]?\d{{6}}(?:\.\d+)?)?(?![\d]|\.\d)"
    ),
)
OTHERS: tuple[Pattern, ...] = (
    _pattern("uid", r"(?<![\d.])[0-2](?:\.\d+){5,}(?![\d.])"),
    _pattern("e-mail", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    _pattern("address on the net", r"(?:https?|ftp|file|smb)://\S+|\bwww\.\S+"),
    _pattern("address on the net", r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])", _is_address),
    _pattern("phone", r"(?<![\w.])\+\d[\d ()/.-]{6,16}\d"),
    _pattern("phone", r"(?<![\w.,-])\(?0\d{1,4}\)?[-/ ]\d{1,4}[- ]\d{3,4}(?![\d.])"),
    _pattern("phone", r"(?<![\w.,-])\(?0\d{2,5}\)?[-/]\s?\d{5,9}(?![\d.])"),
    _pattern("phone", r"(?<![\w.,-])(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-.]\d{4}(?![\d.])"),
    _pattern("phone", r"(?<![\w.,-])0[5789]0\d{8}(?!\d)"),
    _pattern("card number", r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])", _is_card),
    _pattern("individual number", r"(?<![\d.])\d{4}([ -]?)\d{4}\1\d{4}(?![\d.])", _is_my_number),
    _pattern("social security number", r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"),
    _pattern(
        "age", r"(?<![\d.])\d{1,3}[ -]?(?:years?[ -]old|y\.?/?o\.?(?![a-z])|yrs?[ -]old|jährige?r?|jahre alt|歳|才)"
    ),
    _pattern(
        "number with a label",
        r"(?<![a-z])(?:MRN|SSN|PID|DOB|(?:pat(?:ient|ienten)?|case|fall|acc(?:ession)?|insurance|policy|visit|order)"
        r"[.\s_-]{0,2}(?:IDs?|no|nr|number|nummer|#)\.?|accession|tel(?:efon|ephone)?\.?|phone|fax|mobile|geb\.?|born)"
        r"\s*[:#=.]*\s*((?=[\w./+()-]*\d)[\w./+()-]{2,}(?: \d[\d-]*)*)",
        group=1,
    ),
    _pattern("number with a label", r"(?<![a-z])(?:ID|#)\s?[:#=]\s?((?=[\w-]*\d)[\w-]{3,})", group=1),
    _pattern(
        "number with a label",
        r"(?:患者(?:番号|ID)|被保険者(?:証)?(?:記号|番号)?(?:・番号)?|保険者番号|記号(?:・番号)?|カルテ番号|受付番号|電話(?:番号)?|TEL)"
        r"\s*[:=]?\s*([\w\d・-]*\d[\w\d・-]*)",
        group=1,
    ),
    _pattern("postal address", r"〒\s?\d{3}-?\d{4}"),
    _pattern("postal address", r"(?:北海道|東京都|(?:大阪|京都)府|[㐀-鿿]{2,3}県)[㐀-鿿ぁ-ヿ]{1,12}[\d-]*"),
    _pattern(
        "postal address",
        r"(?<!\w)\d{1,5}\s+(?:[A-Z][\w'.-]+\s+){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Boulevard|Blvd|Drive|Court)\b\.?",
        flags=_CASE,
    ),
    _pattern(
        "postal address",
        r"[A-ZÄÖÜ][\wäöüß-]+(?:straße|strasse|str\.|weg|platz|allee|gasse)\s*\d+\s?[a-z]?\b",
        flags=_CASE,
    ),
    _pattern(
        "name with a title",
        r"(?<!\w)(?:Dr|Prof|Mr|Mrs|Ms|Miss|Herr|Herrn|Frau|Mme|Mlle|Señora?|Sig)\b\.?\s*(?:(?:Dr|med|Prof)\.\s*)*"
        r"([A-ZÀ-Þ][\w'-]+(?:\s+[A-ZÀ-Þ][\w'-]+)?)",
        flags=_CASE,
        group=1,
    ),
    _pattern(
        "name with a title",
        rf"({_JAPANESE}{{1,8}}(?:[ ・]{_JAPANESE}{{1,8}})?)\s?(?:様|殿|先生|さん|氏)(?!{_JAPANESE}*名)",
        group=1,
    ),
    _pattern("name", r"(?<![\w^])[^\W\d_][^\W\d_'.-]+\^(?:[^\W\d_][\w'-]*)?(?:\^[\w.'-]*)*"),
)
"""Dates stand apart, since an option may keep them."""
