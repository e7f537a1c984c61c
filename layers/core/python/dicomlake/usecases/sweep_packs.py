"""Delete packs that no row names: orphans of batches that died, and what compaction has replaced. After a grace."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched

from dicomlake.domain.errors import MalformedError
from dicomlake.domain.ledger import is_decided
from dicomlake.domain.model import InstanceRecord, Visibility
from dicomlake.domain.study import parse_time
from dicomlake.lake.pack import PackReader
from dicomlake.lake.paths import pack_prefixes
from dicomlake.ports import Clock, Datastore, ObjectInfo

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
    instances of which the ledger knows no outcome (an index that was lost shows here)."""

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
    except MalformedError:
        return "unreadable"
    if _is_named(info.key, records, store):
        return "named"
    entries = store.ledger.entries([record.ledger for record in records])
    return "orphan" if all(is_decided(entries.get(record.ledger)) for record in records) else "unaccounted"


def _is_named(pack: str, records: Sequence[InstanceRecord], store: Datastore) -> bool:
    """Whether any row points into the pack; its own footer says which rows could."""
    # Asked for as primary and as kept beside: a record may have been either when its pack was written.
    either = [replace(record, visibility=kind) for record in records for kind in ROWS]
    return any(
        standing.pointer.pack == pack
        for some in batched(either, 100, strict=False)
        for standing in store.instances.standing(some)
    )
