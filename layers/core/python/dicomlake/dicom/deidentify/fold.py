"""Texts as they are compared: width, case, accents, kana script and old character forms do not count.

Every character folds alone, so that a place in the folded text is a place in the text.
"""

import unicodedata
from functools import lru_cache

from dicomlake.domain import names

_SEPARATORS = " -./_\t\u2010\u2013\u30fb,:()"
COMPACT = str.maketrans("", "", _SEPARATORS)
"""Takes out what people put between the digits of an ID, a phone or a date."""


def normal(text: str) -> str:
    """Return a text in NFKC: one character for each way of writing it."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def folded(text: str) -> str:
    """Return a text (in NFKC) folded for comparison."""
    return text.lower() if text.isascii() else "".join([_folded(char) for char in text])


def folded_with_places(text: str) -> tuple[str, list[int]]:
    """Return a text (in NFKC) folded, and for each character of that where it came from, with the end added."""
    if text.isascii():
        return text.lower(), list(range(len(text) + 1))
    out: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        plain = _folded(char)
        out.append(plain)
        places += [place] * len(plain)
    return "".join(out), [*places, len(text)]


@lru_cache(maxsize=8192)
def _folded(char: str) -> str:
    return " " if char.isspace() else names.fold(char)
