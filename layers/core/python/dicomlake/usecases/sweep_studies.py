"""Find studies that should have settled long ago and look at them again: a lost timer, a machine that failed."""

from datetime import datetime, timedelta

from dicomlake.domain.events import SettleStudy
from dicomlake.domain.model import DatastoreId
from dicomlake.domain.search_keys import OPEN_SHARDS, open_partition
from dicomlake.domain.study import SettlePolicy, format_time
from dicomlake.ports import Clock, Datastore, WorkQueue

STUCK_AFTER = timedelta(minutes=10)
"""Beyond the cap: longer than the Express machine may run."""

MOST = 100


def sweep_studies(
    datastore_id: DatastoreId, store: Datastore, timers: WorkQueue, policy: SettlePolicy, clock: Clock
) -> int:
    """Send a settle command for every generation that is overdue; return how many were."""
    return look_again(datastore_id, store, timers, clock.now() - timedelta(seconds=policy.cap_seconds) - STUCK_AFTER)


def look_again(datastore_id: DatastoreId, store: Datastore, timers: WorkQueue, before: datetime) -> int:
    """Send a settle command for every open generation that started before a time; return how many did."""
    overdue = format_time(before)
    hits = [
        hit
        for shard in range(OPEN_SHARDS)
        for hit in store.studies.search(open_partition(shard), high=overdue, limit=MOST).items
    ]
    commands = [SettleStudy(datastore_id, hit.study_uid, int(hit.key.sort.rsplit("#", 1)[1])) for hit in hits]
    if commands:
        timers.send(commands)
    return len(commands)
