"""What a search asks for (PS3.18 8.3.4 and 10.6): read from the request's parameters, checked, as plain data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dicomlake.domain.criteria import Match, read_match
from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.levels import BY_NAME, BY_TAG, Attribute, QueryLevel

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Query:
    """One search: the level of its answers, what they match, what they contain, and which of them are asked for.

    `include` holds tags.
    """

    level: QueryLevel
    matches: tuple[Match, ...] = ()
    include: frozenset[str] = frozenset()
    include_all: bool = False
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    fuzzy: bool = False

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
    asked: dict[tuple[Attribute, ...], str] = {}
    for name, value in parameters:
        if name.lower() == "includefield":
            includes.extend(part.strip() for part in value.split(","))
        elif name.lower() in _OPTIONS:
            options[name.lower()] = value.strip()
        elif not name.lower().startswith(_SIGNATURE):
            _add_asked(asked, _path(name, level), value.strip(" \0"))
    empty, multiple = _truth("emptyvaluematching", options), _truth("multiplevaluematching", options)
    return Query(
        level=level,
        matches=tuple(read_match(path, text, empty, multiple) for path, text in asked.items()),
        include=frozenset(_include_tags(includes)),
        include_all="all" in includes,
        limit=min(MAX_LIMIT, _whole_number("limit", options, DEFAULT_LIMIT, smallest=1)),
        offset=_whole_number("offset", options, 0, smallest=0),
        fuzzy=_truth("fuzzymatching", options),
    )


_OPTIONS = (
    "limit",
    "offset",
    "fuzzymatching",
    "emptyvaluematching",
    "multiplevaluematching",
    "accept",
    "charset",
)
_SIGNATURE = "x-amz-"
"""How the parameters of a signed URL begin, which the gateway has checked."""


def _add_asked(asked: dict[tuple[Attribute, ...], str], path: tuple[Attribute, ...], text: str) -> None:
    """Note a key's value; only lists of UIDs and of code strings may come as repeated keys."""
    if path in asked and asked[path] != text and path[-1].vr not in ("UI", "CS"):
        raise InvalidRequestError(f"the key {path[-1].keyword} is given twice: give one value")
    asked[path] = f"{asked[path]},{text}" if path in asked and asked[path] != text else text


def _path(name: str, level: QueryLevel) -> tuple[Attribute, ...]:
    """Return the attributes a key names, by keyword, by tag, or as a dotted path into a sequence (PS3.18 8.3.4.1)."""
    path = tuple(_attribute(part, name) for part in name.split("."))
    if path[0].level > level:
        raise InvalidRequestError(f"the key {path[0].keyword} cannot be matched at this level: search further down")
    nested = len(path) == 2 and path[0].vr == "SQ"
    alone = len(path) == 1 and path[0].vr != "SQ" and path[0].tag in BY_TAG
    if not nested and not alone:
        raise InvalidRequestError(
            f"the key {path[0].keyword} is matched by an attribute inside its sequence: Sequence.Attribute"
        )
    if path[-1].vr == "UR":
        raise InvalidRequestError(f"the key {path[-1].keyword} is derived when answering: it cannot be matched")
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
