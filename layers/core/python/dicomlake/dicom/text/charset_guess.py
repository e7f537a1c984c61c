"""What undeclared text is written in, by the evidence of all such text of one instance together.

Tried in this order: escape sequences (ISO 2022 tells itself), UTF-8 (its form does not come about by chance),
single accented letters inside Latin words, then the double-byte sets of East Asia by how much of each text they can
read and how common the characters are. What is left is Latin-1, which any bytes are.
"""

import codecs
import re

from dicomlake.dicom.text.charset import Charset, CodecCharset
from dicomlake.dicom.text.iso2022 import ASCII, ESCAPES, Iso2022

LATIN = CodecCharset("latin-1")

_ACCENT = re.compile(rb"(?<=[A-Za-z])[\xc0-\xff](?![\x80-\xff])|(?<![\x80-\xff])[\xc0-\xff](?=[a-z])")
_KANA = re.compile("[぀-ヿ]")
_COMMON_JAPANESE = frozenset("田山本木中村小川藤佐高井野松林島原橋崎石太郎子美一二三郎花病院検査頭胸腹部")
_COMMON_CHINESE = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何罗郑梁谢宋唐许韩冯邓曹华国军明医院头胸腹部检查放射科影像"
)

Texts = list[bytes]
ENOUGH = 1 << 16
"""Bytes of text that are looked at."""
_HIGH = re.compile(rb"[\x80-\xff]")


def guess(texts: Texts) -> Charset:
    """Return the character set that undeclared texts are most likely written in."""
    joined = _evidence(texts)
    if any(escape in joined for escape in ESCAPES):
        return Iso2022((ASCII,))
    if _reads(joined, "utf-8"):
        return CodecCharset("utf-8")
    if _looks_latin(joined):
        return LATIN
    candidates = [codec for codec in ("cp932", "euc_jp", "gb18030") if _reads(joined, codec)]
    best = max(candidates, key=lambda codec: _score(joined, codec), default=None)
    return CodecCharset(best) if best and _score(joined, best) > 0 else LATIN


def _evidence(texts: Texts) -> bytes:
    """Return what fits of the texts, the short ones first; of a single long one what begins at its first high byte."""
    joined, room = bytearray(), ENOUGH
    for text in sorted(texts, key=len):
        room -= len(text) + 1
        if room < 0:
            break
        joined += text + b"\0"
    if joined:
        return bytes(joined)
    long = min(texts, key=len)
    high = _HIGH.search(long)
    return long[high.start() if high else 0 :][:ENOUGH]


def _read(raw: bytes, codec: str) -> str:
    """Decode strictly, but for a character that the end of the evidence cuts."""
    return codecs.getincrementaldecoder(codec)().decode(raw)


def _reads(raw: bytes, codec: str) -> bool:
    try:
        _read(raw, codec)
    except UnicodeDecodeError:
        return False
    return True


def _looks_latin(raw: bytes) -> bool:
    """Whether high bytes stand alone between letters, and none is a control of Latin-1 (80-9F)."""
    return re.search(rb"[\x80-\x9f]", raw) is None and _ACCENT.search(raw) is not None


def _score(raw: bytes, codec: str) -> float:
    """How much like names and findings of its language the text looks; 0 and below is no evidence."""
    text = _read(raw, codec)
    wide = [c for c in text if ord(c) > 0x2E80]
    if not wide:
        return 0.0
    return sum(_weight(c, codec) for c in wide) / len(wide)


def _weight(char: str, codec: str) -> float:
    if "\uff61" <= char <= "\uff9f":
        return -0.5
    if _KANA.match(char):
        return 2.0 if codec != "gb18030" else 0.0
    common = _COMMON_CHINESE if codec == "gb18030" else _COMMON_JAPANESE
    return 1.5 if char in common else 0.5 if _is_frequent(char, codec) else -0.5


def _is_frequent(char: str, codec: str) -> bool:
    """Whether a character is in the first level of its national standard, which holds the ones in daily use."""
    if codec == "gb18030":
        raw = char.encode("gb18030")
        return len(raw) == 2 and 0xB0 <= raw[0] <= 0xD7 and raw[1] >= 0xA1
    raw = char.encode("euc_jp", "ignore")
    return len(raw) == 2 and 0xB0 <= raw[0] <= 0xCF
