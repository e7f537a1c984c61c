"""How a search finds its studies: the table of access paths, most selective first. Pure data; nothing is read here.

docs/api.md shows the same table with the most items each path reads.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from dicomlake.domain.criteria import Match, MatchKind, holds
from dicomlake.domain.levels import QueryLevel, first_value
from dicomlake.domain.matching import (
    groups_of,
    is_universal,
    moment_matches,
    range_of,
    split_uids,
)
from dicomlake.domain.model import JsonObject, StudyUid
from dicomlake.domain.names import sound, sound_prefixes, words
from dicomlake.domain.query import Query
from dicomlake.domain.search_keys import (
    END,
    FIRST_DAY,
    MAX_EXACT,
    MAX_TOKEN,
    STUDIES,
    exact_partition,
    issued_partition,
    name_partition,
    partition_letters,
)

READ_BUDGET = 2000
"""Index items one request may read before it is refused; never a silent truncation."""

STUDY_DATE, STUDY_TIME = "00080020", "00080030"
_WILD = re.compile(r"[*?]")
_COMBINED = {STUDY_DATE: STUDY_TIME, "00400244": "00400245", "00080021": "00080031", "00080023": "00080033"}


@dataclass(frozen=True, slots=True)
class RowRange:
    """Search rows of one partition whose sort text lies from `low` to `high`; "" is open."""

    partition: str
    low: str = ""
    high: str = ""


@dataclass(frozen=True, slots=True)
class AccessPath:
    """Where the candidates of a search are read: either these studies, or the rows of these ranges.

    `in_order` where reading the ranges backwards, side by side, is newest first; `exact` where every row matches the
    parameter that chose the path, named by `key`, and StudyDate.
    """

    key: str
    study_uids: tuple[StudyUid, ...] = ()
    ranges: tuple[RowRange, ...] = ()
    in_order: bool = True
    exact: bool = True

    @property
    def prefix(self) -> str:
        """What stands before the time in the sort text of the rows of a path that is in order."""
        return self.ranges[0].low if _is_exact(self.ranges) else ""


def plan_access(query: Query) -> AccessPath:
    """Return the most selective path that a query's keys allow."""
    return next(path for path in (plan(query) for plan in _PLANS) if path is not None)


def _by_study(query: Query) -> AccessPath | None:
    text = query.text("0020000D")
    uids = dict.fromkeys(StudyUid(uid) for uid in split_uids(text)) if not is_universal(text) else {}
    return AccessPath("StudyInstanceUID", study_uids=tuple(uids)) if uids else None


def _by_exact(name: str, tag: str, keyword: str) -> Callable[[Query], AccessPath | None]:
    def _plan(query: Query) -> AccessPath | None:
        text = query.text(tag)
        if not _is_exact_value(text):
            return None
        return AccessPath(keyword, ranges=(_dated(exact_partition(name, text), query),))

    return _plan


def _by_issued_patient(query: Query) -> AccessPath | None:
    patient_id, issuer = query.text("00100020"), query.text("00100021")
    if not _is_exact_value(patient_id) or not _is_exact_value(issuer):
        return None
    return AccessPath("PatientID", ranges=(_dated(issued_partition(issuer, patient_id), query),))


def _by_modality(query: Query) -> AccessPath | None:
    """By any modality of a list; of one that a study has to have whole, by the first."""
    for tag in ("00080061", "00080060"):
        match = next((match for match in query.matches if match.tag == tag and match.kind is not MatchKind.EMPTY), None)
        values = match.values if match else ()
        if match and all(map(_is_exact_value, values)):
            wanted = values[:1] if match.kind is MatchKind.ALL else values
            ranges = tuple(_dated(exact_partition("modality", value), query) for value in wanted)
            return AccessPath("ModalitiesInStudy", ranges=ranges, exact=match.kind is not MatchKind.ALL)
    return None


def _is_exact_value(text: str) -> bool:
    return 0 < len(text) <= MAX_EXACT and not _WILD.search(text)


def _dated(partition: str, query: Query) -> RowRange:
    low, high = range_of(query.text(STUDY_DATE))
    return RowRange(partition, low or (FIRST_DAY if high else ""), high + END if high else "")


def _by_name(name: str, tag: str, keyword: str) -> Callable[[Query], AccessPath | None]:
    def _plan(query: Query) -> AccessPath | None:
        choices = [ranges for token in _asked_tokens(query.text(tag), query.fuzzy) if (ranges := _rows(name, *token))]
        if not choices:
            return None
        best = max(choices, key=lambda ranges: (_is_exact(ranges), min(len(one.low) for one in ranges)))
        return AccessPath(keyword, ranges=best, in_order=_is_exact(best), exact=False)

    return _plan


def _asked_tokens(text: str, fuzzy: bool) -> list[tuple[str, bool]]:
    """Return the words of a name pattern that its rows are found by, and whether each is only a beginning."""
    tokens = []
    for group in groups_of(text):
        for part in re.split(r"[\^\s\u3000]+", group):
            literal = _WILD.split(part)[0]
            inner = words(literal)
            for position, word in enumerate(inner):
                cut = literal != part and position == len(inner) - 1
                tokens.append((word, cut or fuzzy))
    return tokens


def _rows(name: str, word: str, beginning: bool) -> tuple[RowRange, ...]:
    """Return the rows of a word, () where it is too short to choose a partition."""
    if not beginning:
        token = sound(word)[:MAX_TOKEN]
        return (RowRange(name_partition(name, token), f"{token}#", f"{token}#{END}"),) if token else ()
    starts = tuple(start[:MAX_TOKEN] for start in sound_prefixes(word))
    if not starts or any(len(start) < partition_letters(start) for start in starts):
        return ()
    return tuple(RowRange(name_partition(name, start), start, start + END) for start in starts)


def _is_exact(ranges: tuple[RowRange, ...]) -> bool:
    return len(ranges) == 1 and ranges[0].low.endswith("#")


def _by_date(query: Query) -> AccessPath:
    return AccessPath("StudyDate", ranges=(_dated(STUDIES, query),))


_PLANS: tuple[Callable[[Query], AccessPath | None], ...] = (
    _by_study,
    _by_exact("accession", "00080050", "AccessionNumber"),
    _by_issued_patient,
    _by_exact("patient", "00100020", "PatientID"),
    _by_name("name", "00100010", "PatientName"),
    _by_name("referrer", "00080090", "ReferringPhysicianName"),
    _by_exact("study-id", "00200010", "StudyID"),
    _by_modality,
    _by_date,
)
_ADVICE = (
    ("StudyInstanceUID", "0020000D"),
    ("AccessionNumber", "00080050"),
    ("PatientID", "00100020"),
    ("StudyDate", STUDY_DATE),
    ("ModalitiesInStudy", "00080061"),
)


def advise(query: Query) -> str:
    """Say which key would make a search that was over its budget selective enough."""
    missing = [keyword for keyword, tag in _ADVICE if not query.text(tag)]
    names = f"{', '.join(missing[:-1])} or {missing[-1]}" if len(missing) > 1 else "".join(missing)
    return f"add {names}" if missing else "narrow the range of StudyDate"


def matches_level(query: Query, level: QueryLevel, attributes: JsonObject) -> bool:
    """Whether one study, series or instance matches the keys of its level."""
    asked = query.at(level)
    pairs = _combined_ranges(asked)
    joined = {match.tag for pair in pairs for match in pair}
    return all(holds(match, attributes, query.fuzzy) for match in asked if match.tag not in joined) and all(
        _pair_matches(dates, times, attributes) for dates, times in pairs
    )


def _combined_ranges(asked: tuple[Match, ...]) -> list[tuple[Match, Match]]:
    """Return the date and time keys that are one range together: both given, both as ranges."""
    ranged = {match.tag: match for match in asked if len(match.path) == 1 and "-" in match.text}
    return [(ranged[day], ranged[time]) for day, time in _COMBINED.items() if day in ranged and time in ranged]


def _pair_matches(dates: Match, times: Match, attributes: JsonObject) -> bool:
    day, time = first_value(attributes, dates.tag), first_value(attributes, times.tag)
    return moment_matches(dates.text, times.text, day, time)
