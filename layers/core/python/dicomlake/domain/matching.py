"""Attribute matching (PS3.4 C.2.2.2): single value, list of UIDs, wildcard, range, person names, sequences.

Text is compared case-sensitively, person names by their folded form. Widths, accents, kana and old character forms of a
name make no difference; with fuzzy matching neither do word order, spelling variants of romaji, and missing ends.
"""

import re
from collections.abc import Callable, Iterable

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.levels import Attribute
from dicomlake.domain.model import JsonObject, JsonValue, is_uid
from dicomlake.domain.names import fold, name_tokens, sound, words

Range = tuple[str, str]
"""Lowest and highest value that match, both included; "" is open."""

_DATE = re.compile(r"[0-9]{8}\Z")
_TIME = re.compile(r"[0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]{1,6})?)?)?\Z")
_ASKED_DATE = re.compile(r"[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])\Z")
_ASKED_TIME = re.compile(r"([01][0-9]|2[0-3])([0-5][0-9](([0-5][0-9]|60)(\.[0-9]{1,6})?)?)?\Z")
_LISTS = re.compile(r"[,\\]")
_NUMBERS = frozenset({"IS", "DS", "US", "UL", "SS", "SL"})
_MAX_TEXT = 1024


def is_universal(text: str) -> bool:
    """Whether a value matches everything, attributes without a value included (PS3.4 C.2.2.2.3)."""
    return not text.strip("*")


def check_value(attribute: Attribute, text: str) -> None:
    """Check that a matching value has the form its VR asks for. Raises InvalidRequestError naming the key."""
    if len(text) > _MAX_TEXT and attribute.vr != "UI":
        raise InvalidRequestError(f"the value of {attribute.keyword} is over {_MAX_TEXT} characters")
    check = _CHECKS.get(attribute.vr)
    if check and not is_universal(text) and not check(text):
        raise InvalidRequestError(f"the value of {attribute.keyword} is not {_FORMS[attribute.vr]}")


def _is_range(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    def _check(text: str) -> bool:
        ends = text.split("-")
        return len(ends) <= 2 and any(ends) and all(not end or pattern.match(end) for end in ends)

    return _check


_CHECKS: dict[str, Callable[[str], bool]] = {
    "DA": _is_range(_ASKED_DATE),
    "TM": _is_range(_ASKED_TIME),
    "UI": lambda text: all(is_uid(uid) for uid in split_uids(text)),
}
_FORMS = {
    "DA": "a date or range: YYYYMMDD, YYYYMMDD-YYYYMMDD, -YYYYMMDD or YYYYMMDD-",
    "TM": "a time or range: HHMMSS, HHMM-HHMM, -HHMM or HHMM-",
    "UI": "a UID or a list of them, separated by commas",
}


def split_uids(text: str) -> tuple[str, ...]:
    """Return the UIDs of a list, separated by comma or backslash."""
    return tuple(uid.strip() for uid in _LISTS.split(text) if uid.strip())


def range_of(text: str) -> Range:
    """Return the ends of a range; a single value is a range from itself to itself, everything an open one."""
    if is_universal(text):
        return "", ""
    low, dash, high = text.partition("-")
    return (low, high) if dash else (low, low)


def value_matches(attribute: Attribute, text: str, element: JsonValue, fuzzy: bool) -> bool:
    """Whether a DICOM JSON attribute matches a value; one of several values is enough."""
    if is_universal(text):
        return True
    values = element.get("Value") if isinstance(element, dict) else None
    matcher = _MATCHERS.get(attribute.vr, _text_matches)
    present = values if isinstance(values, list) else []
    if attribute.vr == "PN":
        matcher = fuzzy_name_matches if fuzzy else name_matches
    return any(value is not None and matcher(text, value) for value in present)


def path_matches(path: tuple[Attribute, ...], text: str, attributes: JsonObject, fuzzy: bool) -> bool:
    """Whether an attribute, or one inside any item of a sequence, matches a value (PS3.4 C.2.2.2.6)."""
    element = attributes.get(path[0].tag)
    if len(path) == 1 or is_universal(text):
        return value_matches(path[0], text, element, fuzzy)
    items = element.get("Value") if isinstance(element, dict) else None
    inner = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return any(path_matches(path[1:], text, item, fuzzy) for item in inner)


def path_is_empty(path: tuple[Attribute, ...], attributes: JsonObject) -> bool:
    """Whether an attribute has no value; inside a sequence: whether no item has one (PS3.4 C.2.2.2)."""
    element = attributes.get(path[0].tag)
    values = element.get("Value") if isinstance(element, dict) else None
    present = [value for value in values if value not in (None, "", {})] if isinstance(values, list) else []
    return all(len(path) > 1 and isinstance(item, dict) and path_is_empty(path[1:], item) for item in present)


# --- one value -----------------------------------------------------------------------------------------------------


def _uid_matches(text: str, value: JsonValue) -> bool:
    return value in split_uids(text)


def date_matches(text: str, value: JsonValue) -> bool:
    """Whether a date lies in a range of dates; what is no date matches nothing."""
    day = str(value).strip().replace(".", "")
    low, high = range_of(text)
    return bool(_DATE.match(day)) and low <= day <= (high or "99999999")


def time_matches(text: str, value: JsonValue) -> bool:
    """Whether a time lies in a range of times; `10` asks for the whole hour."""
    low, high = range_of(text)
    digits = time_digits(str(value), "0")
    return bool(digits) and time_digits(low or "00", "0") <= digits <= time_digits(high or "99", "9")


def time_digits(text: str, fill: str) -> str:
    """Return a time as twelve digits, filled up with the given one; "" where it is no time."""
    plain = text.strip().replace(":", "")
    return plain.replace(".", "").ljust(12, fill) if _TIME.match(plain) else ""


def moment_matches(dates: str, times: str, day: JsonValue, time: JsonValue) -> bool:
    """Whether a date and time together lie between the first ends and the last ends of two ranges (combined matching).

    PS3.4 C.2.2.2.5: 20240101-20240103 with 0800-1200 is from 8:00 on the first to 12:00 on the third.
    """
    (first_day, last_day), (first_time, last_time) = range_of(dates), range_of(times)
    date = str(day or "").strip().replace(".", "")
    if not _DATE.match(date):
        return False
    moment = date + (time_digits(str(time or ""), "0") or "0" * 12)
    low = (first_day or "0" * 8) + time_digits(first_time or "00", "0")
    high = (last_day or "9" * 8) + time_digits(last_time or "99", "9")
    return low <= moment <= high


def _text_matches(text: str, value: JsonValue) -> bool:
    return glob_matches(text, str(value).strip(" \0"))


def _number_matches(text: str, value: JsonValue) -> bool:
    try:
        return float(text) == float(str(value))
    except ValueError:
        return _text_matches(text, value)


def glob_matches(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern in which `*` stands for any characters and `?` for one (PS3.4 C.2.2.2.4).

    Never slower than pattern times text, whatever the pattern.
    """
    at, place, star, mark = 0, 0, -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, mark, place = place, at, place + 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            mark += 1
            at, place = mark, star + 1
        else:
            return False
    return not pattern[place:].strip("*")


# --- person names --------------------------------------------------------------------------------------------------


def groups_of(value: JsonValue) -> tuple[str, str, str]:
    """Return a name's alphabetic, ideographic and phonetic group, from DICOM JSON or from `A=I=P` text."""
    if isinstance(value, dict):
        alphabetic, ideographic, phonetic = (
            str(value.get(name) or "") for name in ("Alphabetic", "Ideographic", "Phonetic")
        )
        return alphabetic, ideographic, phonetic
    parts = [*str(value).split("="), "", ""]
    return parts[0], parts[1], parts[2]


def name_matches(text: str, value: JsonValue) -> bool:
    """Whether a name matches, folded: any group by a pattern without `=`, else group by group."""
    groups = groups_of(value)
    if "=" not in text:
        return any(_group_matches(text, group) for group in groups if group)
    return all(not asked.strip("*") or _group_matches(asked, group) for asked, group in zip_groups(text, groups))


def zip_groups(text: str, groups: tuple[str, str, str]) -> Iterable[tuple[str, str]]:
    """Pair the groups of a pattern with a name's."""
    return zip(groups_of(text), groups, strict=True)


def _group_matches(pattern: str, group: str) -> bool:
    asked, held = fold(pattern).rstrip("^ "), fold(group).rstrip("^ ")
    if " " in asked and "^" not in asked:  # "Yamada Tarou", as people type it
        return _group_matches(asked.replace(" ", "^"), group) or _written_matches(asked, held.replace("^", " "))
    return _written_matches(asked, held) or _components_sound(pattern) == _components_sound(group)


def _written_matches(asked: str, held: str) -> bool:
    return glob_matches(asked, held) if "*" in asked or "?" in asked else asked == held


def _components_sound(group: str) -> list[str]:
    parts = [" ".join(sound(word) for word in words(part)) for part in group.split("^")]
    while parts and not parts[-1]:
        parts.pop()
    return parts


def fuzzy_name_matches(text: str, value: JsonValue) -> bool:
    """Whether every word asked for begins a word of the name, in any group and order, as it sounds or is written."""
    asked = words(text.replace("*", " ").replace("?", " "))
    if not asked:
        return True
    groups = tuple(group for group in groups_of(value) if group)
    written = [fold(word) for group in groups for word in words(group)]
    heard = name_tokens(groups)
    return all(_begins(fold(word), written) or _begins(sound(word), heard) for word in asked)


def _begins(beginning: str, tokens: Iterable[str]) -> bool:
    return any(token.startswith(beginning) for token in tokens)


_MATCHERS: dict[str, Callable[[str, JsonValue], bool]] = {
    "UI": _uid_matches,
    "DA": date_matches,
    "TM": time_matches,
    **dict.fromkeys(_NUMBERS, _number_matches),
}
