"""Delete packs that no row names: orphans of batches that died, and what compaction has replaced. After a grace."""

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

GRACE = timedelta(hours=24)
"""Longer than any signed URL or cache lives, and than any batch that may still commit a pack."""

DAYS_BACK = (1, 2, 3)
"""A pack is looked at on each of these days after it was written; what compaction replaces later waits for a purge."""

RUNS_A_DAY = 96
"""Sweeps come every 15 minutes; each takes its share of the 256 shards, so that a day covers them all."""

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
            standing = _standing(info, store)
            found[standing] += 1
            gone += [info.key] if standing == "orphan" else []
    store.objects.delete(gone)
    return PacksSwept(found.total(), len(gone), found["unreadable"], found["unaccounted"])


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


def _standing(info: ObjectInfo, store: Datastore) -> str:
    """What a pack is: `named` by a row, `orphan`, `unreadable`, or `unaccounted`: perhaps all that is left of one."""
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
    readable = all(_exists(pack, store.objects) for pack in {row.pointer.pack for row in rows})
    return "orphan" if decided and readable else "unaccounted"


def standing_rows(records: Sequence[InstanceRecord], store: Datastore) -> list[InstanceRecord]:
    """Return the rows that stand where a pack's records were committed, primary or beside: each may have been either
    when the pack was written."""
    either = [replace(record, visibility=kind) for record in records for kind in ROWS]
    return [row for some in batched(either, 100, strict=False) for row in store.instances.standing(some)]


def _exists(pack: str, objects: ObjectStore) -> bool:
    try:
        objects.info(pack)
    except NotFoundError:
        return False
    return True
