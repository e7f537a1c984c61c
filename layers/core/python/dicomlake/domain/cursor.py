"""Where a page of a search ended: what the next page starts behind, and the name under which a reader finds it again.

An offset counts from the start of an answer, and studies that arrive meanwhile move that start. So the last answer of a
page is remembered, and the offset behind it means: go on behind that answer (PS3.18 8.3.4.4).
"""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b

from dicomlake.domain.model import InstanceUid, StudyUid
from dicomlake.domain.query import Query

KEPT = timedelta(hours=1)
"""How long the end of a page is remembered."""

SeriesOrder = tuple[bool, float, str]
"""How series are ordered in a study: without a Series Number, the number, the UID."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last answer of a page: its study's place in time, and below it the series' and the instance's."""

    stamp: str
    study_uid: StudyUid
    series: SeriesOrder | None = None
    instance_uid: InstanceUid | None = None


def cursor_name(query: Query, scope: tuple[str, ...], reader: str, offset: int) -> str:
    """Return the name of a reader's page of a search: 32 hex digits over who asks, what for, where, and the offset."""
    keys = sorted((*(one.tag for one in match.path), match.kind, *match.values) for match in query.matches)
    asked = (reader, int(query.level), scope, query.fuzzy, keys, offset)
    return blake2b(repr(asked).encode(), digest_size=16).hexdigest()
