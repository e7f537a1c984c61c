"""Notes of packs that compaction has replaced late: the sweep looks at a pack by its note when it is over its days.

A sweep lists packs by the day they were written, for three days. What is replaced after that, by a late generation,
is found by nothing but a note. A note says "look", never "delete": the sweep judges the pack as it judges any other.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dicomlake.domain.errors import NotFoundError
from dicomlake.domain.study import parse_time
from dicomlake.lake.paths import parse_pack_key
from dicomlake.ports import Clock, IdSource, ObjectInfo, ObjectStore

NOTES = "sweeps/superseded/"

LISTED_FOR = timedelta(days=2)
"""A pack replaced on the day it was written or the day after is looked at on its third day, a grace later at least."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note: its own key, and the packs it names."""

    key: str
    packs: tuple[str, ...]


def note_superseded(packs: Iterable[str], objects: ObjectStore, clock: Clock, ids: IdSource) -> None:
    """Note those of the packs that no listing by day will meet again; written before the pointers switch, so that a
    death in between costs a look in vain and never a pack that stays."""
    today = clock.now().date()
    late = sorted(pack for pack in packs if today - _day_of(pack, today) >= LISTED_FOR)
    if late:
        note_packs(late, objects, ids)


def note_packs(packs: Sequence[str], objects: ObjectStore, ids: IdSource) -> None:
    """Have the sweep look at packs, a grace from now."""
    objects.put(f"{NOTES}{ids.new()}.json", json.dumps(packs).encode(), "application/json")


def due_notes(objects: ObjectStore, before: datetime, out_of_time: Callable[[], bool]) -> Iterator[Note]:
    """Yield the notes written before a time; one that cannot be read names no pack."""
    for info in _listed(objects):
        if out_of_time():
            return
        if info.is_latest and parse_time(info.modified_at) < before:
            yield Note(info.key, _packs(info.key, objects))


def _listed(objects: ObjectStore) -> Iterator[ObjectInfo]:
    after = ""
    while True:
        page = objects.versions(NOTES, after)
        yield from page.items
        after = page.after
        if not after:
            return


def _packs(key: str, objects: ObjectStore) -> tuple[str, ...]:
    try:
        named = json.loads(bytes(objects.get(key)))
    except (NotFoundError, ValueError):
        return ()
    return tuple(map(str, named)) if isinstance(named, list) else ()


def _day_of(pack: str, today: date) -> date:
    """The day a pack was written; one that is named otherwise counts as today's and is not noted."""
    try:
        return parse_pack_key(pack)[0]
    except ValueError:
        return today
