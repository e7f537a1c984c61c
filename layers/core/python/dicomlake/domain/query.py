"""What a search asks for (PS3.18 8.3.4 and 10.6): read from the request's parameters, checked, as plain data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.levels import BY_NAME, Attribute, QueryLevel
from dicomlake.domain.matching import check_value

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
_UNSUPPORTED = ("emptyvaluematching", "multiplevaluematching")


@dataclass(frozen=True, slots=True)
class Match:
    """One matching key: the attribute's path (a sequence and what is in its items, or one attribute) and the value."""

    path: tuple[Attribute, ...]
    text: str

    @property
    def tag(self) -> str:
        """The tag of the attribute that the answer echoes."""
        return self.path[0].tag


@dataclass(frozen=True, slots=True)
class Query:
    """One search: the level of its answers, what they match, what they contain, and which of them are asked for.

    `include` holds tags; `ignored` names parameters that were given but have no effect, for a warning.
    """

    level: QueryLevel
    matches: tuple[Match, ...] = ()
    include: frozenset[str] = frozenset()
    include_all: bool = False
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    fuzzy: bool = False
    ignored: tuple[str, ...] = ()

    def at(self, level: QueryLevel) -> tuple[Match, ...]:
        """Return the matching keys whose attribute is of one level."""
        return tuple(match for match in self.matches if match.path[0].level is level)

    def text(self, tag: str) -> str:
        """Return the value asked for an attribute, "" where it is not asked for."""
        return next((match.text for match in self.matches if match.path[-1].tag == tag and len(match.path) == 1), "")


def parse_query(level: QueryLevel, parameters: Sequence[tuple[str, str]]) -> Query:
    """Read a search from decoded name-value pairs. Raises InvalidRequestError naming the parameter that is wrong."""
    options: dict[str, str] = {}
    includes: list[str] = []
    matches: dict[tuple[Attribute, ...], str] = {}
    for name, value in parameters:
        if name.lower() == "includefield":
            includes.extend(value.split(","))
        elif name.lower() in _OPTIONS:
            options[name.lower()] = value.strip()
        else:
            _add_match(matches, level, name, value)
    return Query(
        level=level,
        matches=tuple(Match(path, text) for path, text in matches.items()),
        include=frozenset(_include_tags(includes)),
        include_all="all" in includes,
        limit=min(MAX_LIMIT, _whole_number("limit", options, DEFAULT_LIMIT, smallest=1)),
        offset=_whole_number("offset", options, 0, smallest=0),
        fuzzy=_truth("fuzzymatching", options),
        ignored=tuple(name for name in _UNSUPPORTED if _truth(name, options)),
    )


_OPTIONS = ("limit", "offset", "fuzzymatching", "accept", "charset", *_UNSUPPORTED)


def _add_match(matches: dict[tuple[Attribute, ...], str], level: QueryLevel, name: str, value: str) -> None:
    path = _path(name, level)
    text = value.strip(" \0")
    if path in matches and path[-1].vr != "UI":
        raise InvalidRequestError(f"the key {path[-1].keyword} is given twice: give one value")
    text = f"{matches[path]},{text}" if path in matches else text
    check_value(path[-1], text)
    matches[path] = text


def _path(name: str, level: QueryLevel) -> tuple[Attribute, ...]:
    """Return the attributes a key names, by keyword, by tag, or as a dotted path into a sequence (PS3.18 8.3.4.1)."""
    path = tuple(_attribute(part, name) for part in name.split("."))
    if path[0].level > level:
        raise InvalidRequestError(f"the key {path[0].keyword} cannot be matched at this level: search further down")
    nested = len(path) == 2 and path[0].vr == "SQ"
    if not nested and (len(path) != 1 or path[0].vr == "SQ"):
        raise InvalidRequestError(
            f"the key {path[0].keyword} takes one attribute inside a sequence: Sequence.Attribute"
        )
    return path


def _attribute(name: str, key: str) -> Attribute:
    found = BY_NAME.get(name) or BY_NAME.get(name.upper())
    if found is None:
        raise InvalidRequestError(f"the key {_shown(key)} cannot be matched: see docs/api.md for those that can")
    return found


def _shown(name: str) -> str:
    """A parameter's name as it may stand in an error text: short and without control characters."""
    return "".join(char if char.isprintable() else "?" for char in name[:64])


def _include_tags(names: Iterable[str]) -> Iterable[str]:
    """Yield the tags of the fields asked for; fields that are not in the index are no error (PS3.18 8.3.4.3)."""
    for name in names:
        root = name.strip().split(".")[0]
        found = BY_NAME.get(root) or BY_NAME.get(root.upper())
        if found:
            yield found.tag


def _whole_number(name: str, options: dict[str, str], default: int, smallest: int) -> int:
    text = options.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < smallest:
        raise InvalidRequestError(f"the parameter {name} takes a whole number from {smallest}")
    return int(text)


def _truth(name: str, options: dict[str, str]) -> bool:
    text = options.get(name, "false").lower()
    if text not in ("true", "false", ""):
        raise InvalidRequestError(f"the parameter {name} takes true or false")
    return text == "true"
