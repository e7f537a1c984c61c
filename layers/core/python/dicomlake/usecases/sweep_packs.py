"""Delete packs that no row names: orphans of batches that died, and what compaction has replaced. After a grace.

Packs of the last three days are listed by day; older ones are looked at when compaction noted that it replaced them.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched

from dicomlake.domain.errors import NotFoundError, PermanentError
from dicomlake.domain.ledger import is_decided
from dicomlake.domain.model import InstanceRecord, Visibility
from dicomlake.domain.study import parse_time
from dicomlake.lake.pack import PackReader
from dicomlake.lake.paths import pack_prefixes
from dicomlake.ports import Clock, Datastore, ObjectInfo, ObjectStore
from dicomlake.usecases.superseded_packs import due_notes

GRACE = timedelta(hours=24)
"""Longer than any signed URL or cache lives, and than any batch that may still commit a pack."""

DAYS_BACK = (1, 2, 3)
"""A pack is looked at on each of these days after it was written, later only by its note (superseded_packs)."""

RUNS_A_DAY = 96
"""Sweeps come every 15 minutes; each takes its share of the 256 shards, so that a day covers them all."""

PURGED = ""
"""The pack of a row whose bytes were given up: a purged tombstone names none."""

ROWS = (Visibility.PRIMARY, Visibility.NON_PRIMARY)


@dataclass(frozen=True, slots=True)
class PacksSwept:
    """Facts: packs looked at, deleted, and kept though no row names them: those that cannot be read, and those with
    instances of which the ledger knows no outcome or whose row points nowhere (a lost or restored index shows here)."""

    looked_at: int = 0
    deleted: int = 0
    unreadable: int = 0
    unaccounted: int = 0


def sweep_packs(store: Datastore, clock: Clock, out_of_time: Callable[[], bool]) -> PacksSwept:
    """Look at this run's share of the packs that have come of age."""
    now = clock.now()
    found = Counter[str]()
    gone: list[str] = []
    for prefix in _share(now):
        for info in _old_packs(prefix, store, now):
            if out_of_time():
                break
            standing = _standing(info, store, now)
            found[standing] += 1
            gone += [info.key] if standing == "orphan" else []
    store.objects.delete(gone)
    noted = _sweep_noted(store, now, out_of_time)
    found += noted
    return PacksSwept(found.total(), len(gone) + noted["orphan"], found["unreadable"], found["unaccounted"])


def _sweep_noted(store: Datastore, now: datetime, out_of_time: Callable[[], bool]) -> Counter[str]:
    """Look at every pack that a note of a grace ago names. A note goes when none of its packs has to be looked at
    again: those that a row names have a later note where they are replaced after all."""
    found = Counter[str]()
    for note in due_notes(store.objects, now - GRACE, out_of_time):
        there = [info for pack in note.packs if (info := _found(pack, store.objects))]
        standings = {info.key: _standing(info, store, now) for info in there}
        found.update(standings.values())
        store.objects.delete([pack for pack, standing in standings.items() if standing == "orphan"])
        if set(standings.values()) <= {"orphan", "named"}:
            store.objects.delete([note.key])
    return found


def _share(now: datetime) -> list[str]:
    run = (now.hour * 60 + now.minute) * RUNS_A_DAY // (24 * 60)
    prefixes = (list(pack_prefixes((now - timedelta(days=back)).date())) for back in DAYS_BACK)
    return [prefix for day in prefixes for shard, prefix in enumerate(day) if shard * RUNS_A_DAY // 256 == run]


def _old_packs(prefix: str, store: Datastore, now: datetime) -> list[ObjectInfo]:
    found: list[ObjectInfo] = []
    after = ""
    while True:
        page = store.objects.versions(prefix, after)
        found += [info for info in page.items if info.is_latest and parse_time(info.modified_at) + GRACE < now]
        after = page.after
        if not after:
            return found


def _standing(info: ObjectInfo, store: Datastore, now: datetime) -> str:
    """What a pack is: `named` by a row, `orphan`, `unreadable`, `unaccounted`: perhaps all that is left of one, or
    `fresh`: replaced so lately that a reader may still hold a URL of it."""
    reader = PackReader(lambda start, length: store.objects.read_range(info.key, start, length), info.size, info.key)
    try:
        records = [packed.record for packed in reader.footer().instances]
    except (PermanentError, NotFoundError):  # damaged, of another format version, or just deleted by another sweep
        return "unreadable"
    rows = standing_rows(records, store)
    if any(row.pointer.pack == info.key for row in rows):
        return "named"
    entries = store.ledger.entries([record.ledger for record in records])
    decided = all(is_decided(entries.get(record.ledger)) for record in records)
    instead = [_found(pack, store.objects) for pack in {row.pointer.pack for row in rows} - {PURGED}]
    if not decided or None in instead:
        return "unaccounted"
    written = [parse_time(other.modified_at) for other in instead if other is not None]
    return "fresh" if any(at + GRACE > now for at in written) else "orphan"


def standing_rows(records: Sequence[InstanceRecord], store: Datastore) -> list[InstanceRecord]:
    """Return the rows that stand where a pack's records were committed, primary or beside: each may have been either
    when the pack was written."""
    either = [replace(record, visibility=kind) for record in records for kind in ROWS]
    return [row for some in batched(either, 100, strict=False) for row in store.instances.standing(some)]


def _found(pack: str, objects: ObjectStore) -> ObjectInfo | None:
    try:
        return objects.info(pack)
    except NotFoundError:
        return None
