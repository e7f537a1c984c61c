"""Finding identifiers in a text and taking them out: known ones by their terms, others by their form."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from dicomlake.dicom.deidentify.fold import COMPACT, folded, folded_with_places, normal
from dicomlake.dicom.deidentify.identifiers import Terms
from dicomlake.dicom.deidentify.patterns import DATES, OTHERS, Pattern, Span
from dicomlake.domain.names import sound

MARK = "***"
"""What stands where something was taken out; never longer than that was."""

_WORD = re.compile(r"[^\W_]+")
_UNIT = re.compile(
    r"\s?(?:k?v|ma|mas|mm|cm|m?s|msec|hz|[kmg]hz|%|°|deg|ml|mg|kg|g|fps|bpm|ppm|mhz|t|x\d)(?![a-z])|[.,]\d"
)
_LIKE_VERSIONS = frozenset({"date", "address on the net", "uid"})
_VERSION = re.compile(r"[\d.]+")
_DECIMAL = re.compile(r"\d[.,]\Z")

type Replace = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Hit:
    """Where something was found in a text (in NFKC), and what kind of thing it is."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Search:
    """Searches texts for a patient's terms; `dates` tells whether dates count, `uid` gives what stands for a UID."""

    terms: Terms
    uid: Replace
    dates: bool = True
    patterns: tuple[Pattern, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "patterns", (*OTHERS, *(DATES if self.dates else ())))

    def may_hold(self, text: str, forms: bool = True) -> bool:
        """Whether anything might be in a text, by a look that is quick and never misses; `forms` asks the patterns."""
        plain = folded(normal(text))
        compact = plain.translate(COMPACT)
        return (
            any(term in plain for term in self.terms.anywhere)
            or any(term in compact for term in self.terms.numbers)
            or any(term in compact for term in self.terms.tails)
            or any(term in plain for term in self.terms.words)
            or self._sounds_like(plain)
            or (forms and self.has_form(text))
        )

    def has_form(self, text: str) -> bool:
        """Whether something has the form of an identifier; remembered by text, since headers repeat themselves."""
        return _has_form(text, self.dates)

    def _sounds_like(self, plain: str) -> bool:
        return bool(self.terms.sounds) and any(sound(word) in self.terms.sounds for word in _WORD.findall(plain))

    def hits(self, text: str, forms: bool = True, versions: bool = False) -> list[Hit]:
        """Return what is found in a text that is in NFKC; places may overlap. Where `versions` are told, a form of
        digits and points alone is one."""
        plain, places = folded_with_places(text)
        found = [Hit(places[start], places[end], kind) for start, end, kind in self._known(plain)]
        if forms:
            spans = [(pattern.kind, *span) for pattern in self.patterns for span in pattern.spans(text)]
            found += [
                Hit(start, end, kind)
                for kind, start, end in spans
                if not (versions and kind in _LIKE_VERSIONS and _VERSION.fullmatch(text, start, end))
            ]
        return found

    def _known(self, plain: str) -> Iterator[tuple[int, int, str]]:
        for term in self.terms.anywhere:
            start = plain.find(term)
            while start >= 0:
                yield start, start + len(term), "known text"
                start = plain.find(term, start + len(term))
        for term in self.terms.words:
            if term in plain:
                yield from ((*span, "known word") for span in _alone(term, plain))
        yield from ((*span, "known number") for span in self._numbers(plain))
        yield from ((*span, "known name by its sound") for span in self._sounds(plain))

    def _numbers(self, plain: str) -> Iterator[Span]:
        compact = plain.translate(COMPACT)
        for terms, tail in ((self.terms.numbers, False), (self.terms.tails, True)):
            for term in terms:
                if term in compact:
                    yield from (match.span() for match in _spread(term, tail).finditer(plain))

    def _sounds(self, plain: str) -> Iterator[Span]:
        if self.terms.sounds:
            yield from (match.span() for match in _WORD.finditer(plain) if sound(match[0]) in self.terms.sounds)

    def clean(self, text: str, forms: bool = True, versions: bool = False) -> tuple[str, tuple[str, ...]]:
        """Return a text without what was found in it, and the kinds of that; UIDs become those that stand for them."""
        text = normal(text)
        found = self.hits(text, forms, versions)
        if not found:
            return text, ()
        parts, at = [], 0
        for start, end, kind in _merged(found):
            parts += [text[at:start], self.uid(text[start:end]) if kind == "uid" else MARK[: end - start]]
            at = end
        return "".join((*parts, text[at:])), tuple(sorted({hit.kind for hit in found}))


def _merged(found: Iterable[Hit]) -> list[tuple[int, int, str]]:
    """Return places that do not touch, in order; one that holds others has its own kind."""
    merged: list[tuple[int, int, str]] = []
    for hit in sorted(found, key=lambda hit: (hit.start, -hit.end)):
        if merged and hit.start < merged[-1][1]:
            start, end, kind = merged[-1]
            merged[-1] = start, max(end, hit.end), kind if hit.end <= end else "several"
        else:
            merged.append((hit.start, hit.end, hit.kind))
    return merged


@lru_cache(maxsize=1 << 14)
def _has_form(text: str, dates: bool) -> bool:
    plain = normal(text)
    return any(True for pattern in (*OTHERS, *(DATES if dates else ())) for _ in pattern.spans(plain))


@lru_cache(maxsize=4096)
def _spread(term: str, tail: bool = False) -> re.Pattern[str]:
    """Find a number with marks between its characters, but not inside a longer number; a tail with what leads to it."""
    between = r"[ \-./_\t\u2010\u2013・,:()]{0,2}"
    before = r"(?<!\d)(?<!\d\.)" if term[0].isdecimal() else r"(?<![a-z])"
    if tail:
        before = r"(?:\+?\d[\d ()/.-]{0,8})?"
    after = r"(?!\d)(?!\.\d)" if term[-1].isdecimal() else r"(?![a-z])"
    return re.compile(before + between.join(map(re.escape, term)) + after)


def _alone(term: str, plain: str) -> Iterator[Span]:
    """Yield where a short term stands as a word; a number with a unit or a decimal point is a measure."""
    number = term.isdecimal()
    for match in _word(term).finditer(plain):
        if number and (_UNIT.match(plain, match.end()) or _DECIMAL.search(plain, 0, match.start())):
            continue
        yield match.span()


@lru_cache(maxsize=4096)
def _word(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_]){re.escape(term)}(?![^\W_])")
