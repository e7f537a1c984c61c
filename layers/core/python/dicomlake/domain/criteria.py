"""One matching key of a search: what is asked of an attribute, and whether a study, series or instance has it.

Beside single values, ranges and wildcards (domain.matching) a key may ask for any of some values, for all of them
(Multiple Value Matching) or for none at all (Empty Value Matching), PS3.4 C.2.2.2.
"""

from dataclasses import dataclass
from enum import StrEnum

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.levels import Attribute
from dicomlake.domain.matching import check_value, path_is_empty, path_matches
from dicomlake.domain.model import JsonObject

EMPTY_VALUE = '""'
"""The value that asks for attributes without a value, where Empty Value Matching is switched on."""

_OFFSET_FROM_UTC = "00080201"
_TEXT_WITH_BACKSLASHES = ("ST", "LT", "UT", "UR")


class MatchKind(StrEnum):
    """How the values of a key are meant."""

    SINGLE = "single"
    ANY = "any"
    ALL = "all"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Match:
    """One matching key: the attribute's path (a sequence and what is in its items, or one attribute) and the values.

    `values` has one element but for the kinds ANY and ALL; a list of UIDs is one value.
    """

    path: tuple[Attribute, ...]
    values: tuple[str, ...]
    kind: MatchKind = MatchKind.SINGLE

    @property
    def tag(self) -> str:
        """The tag of the attribute that the answer echoes."""
        return self.path[0].tag

    @property
    def text(self) -> str:
        """The value, where there is one; "" for lists and for the empty value."""
        return self.values[0] if self.kind is MatchKind.SINGLE else ""


def read_match(path: tuple[Attribute, ...], text: str, empty: bool = False, multiple: bool = False) -> Match:
    """Return the key that a request's value means.

    `empty` and `multiple` are the parameters `emptyvaluematching` and `multiplevaluematching` (PS3.18 8.3.4). A comma
    or backslash in a code string (CS), which may hold neither, lists values of which any will do. Raises
    InvalidRequestError naming the key where the value has not the form of its VR.
    """
    attribute = path[-1]
    if empty and text == EMPTY_VALUE:
        return Match(path, (text,), MatchKind.EMPTY)
    text = _with_sign(attribute, text)
    values, kind = _listed(attribute, text, multiple)
    for value in values:
        check_value(attribute, value)
    return Match(path, values, kind)


def _listed(attribute: Attribute, text: str, multiple: bool) -> tuple[tuple[str, ...], MatchKind]:
    code, listed = attribute.vr == "CS", "\\" in text
    if attribute.vr == "UI" or attribute.vr in _TEXT_WITH_BACKSLASHES or not (listed or (code and "," in text)):
        return (text,), MatchKind.SINGLE
    if listed and not (code or multiple):
        raise InvalidRequestError(f"a list of values of {attribute.keyword} takes multiplevaluematching=true")
    parts = text.replace(",", "\\").split("\\") if code else text.split("\\")
    values = tuple(dict.fromkeys(stripped for part in parts if (stripped := part.strip())))
    return values or ("",), MatchKind.ALL if listed and multiple else MatchKind.ANY


def _with_sign(attribute: Attribute, text: str) -> str:
    """Give an offset from UTC its plus again, which stands for a space in a query that was not percent-encoded."""
    return f"+{text}" if attribute.tag == _OFFSET_FROM_UTC and len(text) == 4 and text.isdecimal() else text


def holds(match: Match, attributes: JsonObject, fuzzy: bool) -> bool:
    """Whether the DICOM JSON of a study, series or instance has what a key asks for."""
    if match.kind is MatchKind.EMPTY:
        return path_is_empty(match.path, attributes)
    found = (path_matches(match.path, value, attributes, fuzzy) for value in match.values)
    return all(found) if match.kind is MatchKind.ALL else any(found)
