"""The rows a study is found by, and the partitions a search reads: both sides of the same table, in one place.

| asked for | partition | sort | read backwards |
|---|---|---|---|
| everything, or a range of dates | `studies` | `<date>#<time>` | newest first |
| PatientID | `patient#<id>` | same | newest first |
| PatientID of an issuer | `patient-of#<issuer>` LF `<id>` | same | newest first |
| AccessionNumber | `accession#<number>` | same | newest first |
| StudyID | `study-id#<id>` | same | newest first |
| ModalitiesInStudy, Modality | `modality#<code>` | same | newest first |
| PatientName | `name#<first letters>` | `<token>#<date>#<time>` | by token, then newest |
| ReferringPhysicianName | `referrer#<first letters>` | same | by token, then newest |
| what is not ready yet | `open#<shard>` | `<since>#<generation>` | oldest first |

The index adds the study's UID to every sort text. A row costs two writes a study (it is part of a transaction), so
there is one per distinct token, for the first eleven words of a name: at most 28, and one a modality.
"""

import re
from dataclasses import dataclass
from zlib import crc32

from dicomlake.domain.levels import first_value, text_of
from dicomlake.domain.model import JsonObject
from dicomlake.domain.names import name_tokens
from dicomlake.domain.study import Study


@dataclass(frozen=True, slots=True)
class SearchKey:
    """One row by which a study is found: a partition (what is asked) and a sort text (how answers are ordered)."""

    partition: str
    sort: str


STUDIES = "studies"
"""The partition that lists every study."""

OPEN_SHARDS = 8
"""Partitions of the studies that are not ready: each study is written there and deleted again within minutes."""

UNKNOWN_DAY = "00000000"
"""The day of a study without a usable Study Date; sorts before every other."""

FIRST_DAY = "00000001"
"""Before every day but the unknown one."""

END = "\U0010ffff"
"""Sorts behind every text a sort key holds."""

MAX_TOKEN = 64
"""Characters of a name's word that its row holds."""

MAX_EXACT = 256
"""Characters of a value that has rows of its own; longer ones (the standard allows 64) are found by the list of all."""

_MAX_TOKENS = 11
_DATE = re.compile(r"[0-9]{8}\Z")
_TIME = re.compile(r"[0-9]{2,6}")
_EXACT = (("accession", "00080050"), ("patient", "00100020"), ("study-id", "00200010"))
_NAMES = (("name", "00100010"), ("referrer", "00080090"))


def search_keys(study: Study) -> tuple[SearchKey, ...]:
    """Return every row by which a study is found, without duplicates; pure, so that two calls can be compared."""
    attributes = study.attributes
    stamp = stamp_of(study)
    rows = [SearchKey(STUDIES, stamp)]
    for name, tag in _EXACT:
        text = text_of(attributes, tag)
        if 0 < len(text) <= MAX_EXACT:
            rows.append(SearchKey(exact_partition(name, text), stamp))
    issuer, patient_id = text_of(attributes, "00100021"), text_of(attributes, "00100020")
    if 0 < len(issuer) <= MAX_EXACT and 0 < len(patient_id) <= MAX_EXACT:
        rows.append(SearchKey(issued_partition(issuer, patient_id), stamp))
    rows.extend(
        SearchKey(exact_partition("modality", code), stamp) for code in study.modalities if len(code) <= MAX_EXACT
    )
    for name, tag in _NAMES:
        rows.extend(_name_rows(name, attributes, tag, stamp))
    return tuple(dict.fromkeys(rows))


def open_key(study: Study) -> SearchKey:
    """Return the row that lists a study whose generation is not ready yet, oldest first in its shard."""
    shard = crc32(study.study_uid.encode()) % OPEN_SHARDS
    return SearchKey(open_partition(shard), f"{study.generation_started_at}#{study.generation}")


def open_partition(shard: int) -> str:
    """Return one partition of the studies that are receiving or settling."""
    return f"open#{shard}"


def _name_rows(name: str, attributes: JsonObject, tag: str, stamp: str) -> list[SearchKey]:
    tokens = name_tokens(name_groups(attributes, tag))[:_MAX_TOKENS]
    return [SearchKey(name_partition(name, token), f"{token[:MAX_TOKEN]}#{stamp}") for token in tokens]


def name_groups(attributes: JsonObject, tag: str) -> tuple[str, ...]:
    """Return the component groups of the first person name of an attribute, those that have text."""
    value = first_value(attributes, tag)
    groups = value.values() if isinstance(value, dict) else (value,)
    return tuple(group for group in groups if isinstance(group, str) and group)


def day_of(attributes: JsonObject) -> str:
    """Return a study's day, YYYYMMDD; UNKNOWN_DAY where its Study Date is missing or no date."""
    text = text_of(attributes, "00080020").replace(".", "")
    return text if _DATE.match(text) else UNKNOWN_DAY


def time_of(attributes: JsonObject) -> str:
    """Return a study's time of day as six digits, what is missing as zeros."""
    found = _TIME.match(text_of(attributes, "00080030").replace(":", ""))
    return (found.group() if found else "").ljust(6, "0")


def stamp_of(study: Study) -> str:
    """Return the text by which studies are ordered in time: `<date>#<time>`."""
    return f"{day_of(study.attributes)}#{time_of(study.attributes)}"


def exact_partition(name: str, value: str) -> str:
    """Return the partition of the studies whose `accession`, `patient`, `study-id` or a `modality` is exactly this."""
    return f"{name}#{value}"


def issued_partition(issuer: str, patient_id: str) -> str:
    """Return the partition of the studies of one patient of one issuer."""
    return f"patient-of#{issuer}\n{patient_id}"


def name_partition(name: str, token: str) -> str:
    """Return the partition of a name token: two letters of a sound, one ideograph, so that none is hot."""
    return f"{name}#{token[: partition_letters(token)]}"


def partition_letters(token: str) -> int:
    """Return how many letters of a token choose its partition: 1 where it begins with an ideograph, else 2."""
    return 1 if token[:1] >= "\u2e80" else 2
