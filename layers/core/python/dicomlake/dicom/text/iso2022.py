"""Texts with code extensions (ISO/IEC 2022 as PS3.5 6.1.2.5 uses it): Japanese, Korean, Chinese and mixed alphabets.

Two code elements are active at any place: G0 for bytes below 80, G1 for those above. Escape sequences change one of
them; value delimiters, `^` and `=` in names, and ends of lines put both back to what the first value of Specific
Character Set says. Real texts forget the sequences that lead back, so a delimiter is also recognised where a set of two
bytes a character is active and one byte is left over.
"""

import re
from dataclasses import dataclass
from functools import cache

SINGLE = {
    100: "latin-1",
    101: "iso8859_2",
    109: "iso8859_3",
    110: "iso8859_4",
    126: "iso8859_7",
    127: "iso8859_6",
    138: "iso8859_8",
    144: "iso8859_5",
    148: "iso8859_9",
    166: "iso8859_11",
    203: "iso8859_15",
}
"""ISO registration number -> Python codec, for the sets whose lower half is ASCII (PS3.3 table C.12-2, C.12-5)."""
LONG = 1 << 12
"""Bytes between two escapes above which no text of a person is looked at character by character."""
DOUBLE = {58, 149}
"""G1 sets of two bytes a character."""
KANJI, KANJI_SUPPLEMENT, ROMAJI, KANA, ASCII = 87, 159, 14, 13, 6

SETS = frozenset({*SINGLE, *DOUBLE, KANJI, KANJI_SUPPLEMENT, ROMAJI, KANA, ASCII})

ESCAPES: dict[bytes, tuple[int, int]] = {
    b"\x1b(B": (0, ASCII),
    b"\x1b(J": (0, ROMAJI),
    b"\x1b)I": (1, KANA),
    b"\x1b(I": (0, KANA),
    b"\x1b$B": (0, KANJI),
    b"\x1b$@": (0, KANJI),
    b"\x1b$(B": (0, KANJI),
    b"\x1b$(D": (0, KANJI_SUPPLEMENT),
    b"\x1b$)C": (1, 149),
    b"\x1b$)A": (1, 58),
    b"\x1b-A": (1, 100),
    b"\x1b-B": (1, 101),
    b"\x1b-C": (1, 109),
    b"\x1b-D": (1, 110),
    b"\x1b-F": (1, 126),
    b"\x1b-G": (1, 127),
    b"\x1b-H": (1, 138),
    b"\x1b-L": (1, 144),
    b"\x1b-M": (1, 148),
    b"\x1b-T": (1, 166),
    b"\x1b-b": (1, 203),
}
"""Escape sequence -> (0 for G0 or 1 for G1, ISO registration number) (PS3.3 tables C.12-3, C.12-4)."""

_ESCAPE = re.compile(rb"(\x1b\$[()][A-D]|\x1b\$[@AB]|\x1b[()\-][@-~])")
_RUNS = re.compile(rb"[\x80-\xff]+|[\x00-\x7f]+")
_PAIRS = re.compile(rb"(?:(?![=^\\][=^\\ ])[\x21-\x7e][\x00-\x7f])*")
"""Pairs of a two-byte set: none begins with a control or a space, and two delimiters in a row are delimiters."""
_DELIMITERS = b"\\^=\r\n\x0c\t"

_ROMAJI = str.maketrans({"\\": "\N{YEN SIGN}", "~": "\N{OVERLINE}"})

Decoded = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Iso2022:
    """The decoder for the ISO registration numbers of a Specific Character Set, in its order."""

    numbers: tuple[int, ...]

    @property
    def name(self) -> str:
        """The family's name."""
        return "iso2022"

    @property
    def odd(self) -> bool:
        """Whether 5C and 7E are a yen sign and an overline from the start (JIS X 0201)."""
        return self._initial()[0] == ROMAJI

    def _initial(self) -> tuple[int, int]:
        """The code elements at the start of a value and after a delimiter."""
        first = self.numbers[0]
        if first in {ROMAJI, KANA}:
            return ROMAJI, KANA
        if first in SINGLE or first in DOUBLE:
            return ASCII, first
        high = (number for number in self.numbers if number in SINGLE or number in DOUBLE or number == KANA)
        return ASCII, next(high, KANA)

    def decode(self, raw: bytes, splits: bool) -> Decoded:
        """Return the text, and whether all bytes were sound; U+FFFD stands for those that were not."""
        initial = self._initial()
        active = list(initial)
        parts: list[str] = []
        sound = True
        for piece in _ESCAPE.split(raw):
            if piece in ESCAPES:
                element, number = ESCAPES[piece]
                active[element] = number
                continue
            sound = self._piece(piece, active, initial, parts) and sound
        if not sound and (other := self._shift_jis(raw)):
            return other, False
        text = "".join(parts)
        romaji = initial[0] == ROMAJI or b"\x1b(J" in raw
        return text.replace("\N{YEN SIGN}", "\\") if splits and romaji else text, sound

    def doubtful(self, raw: bytes) -> bool:
        """Escape sequences tell their sets: what cannot be read is damaged."""
        return False

    def _shift_jis(self, raw: bytes) -> str:
        """Return a text that is Shift JIS under a declaration of JIS X 0201, as Japanese systems write it, or ""."""
        if self._initial()[0] != ROMAJI or b"\x1b" in raw:
            return ""
        try:
            return raw.decode("cp932")
        except UnicodeDecodeError:
            return ""

    def _piece(self, piece: bytes, active: list[int], initial: tuple[int, int], parts: list[str]) -> bool:
        """Decode what stands between two escape sequences."""
        sound = True
        for run in _RUNS.findall(piece):
            if run[0] >= 0x80:
                text, good = decode_high(active[1], run)
            elif active[0] in {KANJI, KANJI_SUPPLEMENT}:
                text, good = _double_low(run, active, initial)
            else:
                text, good = _low(run, active, initial)
            parts.append(text)
            sound = sound and good
        return sound


def _low(run: bytes, active: list[int], initial: tuple[int, int]) -> Decoded:
    """Decode single bytes of G0; a delimiter among them resets both code elements for what follows."""
    if active[0] == KANA:
        return decode_high(KANA, bytes(byte | 0x80 if byte > 0x20 else byte for byte in run))
    romaji = active[0] == ROMAJI
    if any(byte in run for byte in _DELIMITERS):
        active[:] = initial
    text = run.decode("ascii")
    return text.translate(_ROMAJI) if romaji else text, True


def _double_low(run: bytes, active: list[int], initial: tuple[int, int]) -> Decoded:
    """Decode pairs of G0 up to a byte that is no first half of one; the rest is read anew."""
    pairs = _PAIRS.match(run)
    at = pairs.end() if pairs else 0
    text, sound = _pairs(active[0], run[:at])
    if at >= len(run):
        return text, sound
    active[:] = initial
    rest, good = _low(run[at:], active, initial)
    return text + rest, sound and good


def _pairs(number: int, raw: bytes) -> Decoded:
    if number == KANJI_SUPPLEMENT:
        high = b"".join(b"\x8f" + bytes((a | 0x80, b | 0x80)) for a, b in zip(raw[::2], raw[1::2], strict=True))
        return _decode(high, ("euc_jp",))
    text, sound = _decode(bytes(byte | 0x80 for byte in raw), ("euc_jp",))
    if sound or len(raw) > LONG:
        return text, sound
    texts = [_kanji(a, b) for a, b in zip(raw[::2], raw[1::2], strict=True)]
    return "".join(texts), "\N{REPLACEMENT CHARACTER}" not in texts


@cache
def _kanji(first: int, second: int) -> str:
    """Decode one pair of JIS X 0208, with the extensions of code page 932 that Japanese systems write under it."""
    try:
        return bytes((first | 0x80, second | 0x80)).decode("euc_jp")
    except UnicodeDecodeError:
        return _shifted(first, second).decode("cp932", "replace")[:1]


def _shifted(first: int, second: int) -> bytes:
    """Return the Shift JIS form of a pair of JIS X 0208."""
    lead = (first + 1) // 2 + (0x70 if first < 0x5F else 0xB0)
    trail = second + 0x7E if first % 2 == 0 else second + (0x20 if second > 0x5F else 0x1F)
    return bytes((lead, trail))


def decode_high(number: int, run: bytes) -> Decoded:
    """Decode a run of bytes above 7F by a G1 set."""
    if number == 149:
        return _decode(run, ("euc_kr", "cp949"))
    if number == 58:
        return _decode(run, ("gb2312", "gb18030"))
    if number == KANA:
        return run.decode("cp932", "replace"), max(run) < 0xE0 and min(run) > 0xA0
    return _decode(run, (SINGLE.get(number, "latin-1"),))


def _decode(raw: bytes, codecs: tuple[str, ...]) -> Decoded:
    for codec in codecs:
        try:
            return raw.decode(codec), True
        except UnicodeDecodeError:
            continue
    return raw.decode(codecs[-1], "replace"), False
