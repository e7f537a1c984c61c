"""Find commits that no fold took up, and tell of them again: an InstancesStored that was lost, or failed every time.

The change feed lists every commit in order, so a sweep reads each of its entries once, some time after it was made.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import takewhile

from dicomlake.domain.errors import NotFoundError
from dicomlake.domain.events import InstancesStored
from dicomlake.domain.model import DatastoreId
from dicomlake.domain.study import parse_time
from dicomlake.ports import Clock, Datastore, WorkQueue

GRACE = timedelta(minutes=15)
"""Age from which a commit that is not folded is lost: folds come within seconds, their retries within minutes."""

CHANGES_A_PAGE = 1000

CURSOR = "sweeps/changes.json"


def sweep_commits(
    datastore_id: DatastoreId, store: Datastore, queue: WorkQueue, clock: Clock, out_of_time: Callable[[], bool]
) -> int:
    """Go through the changes since the last sweep; return how many studies had commits that were not folded."""
    after, found = _cursor(store), 0
    due = clock.now() - GRACE
    while True:
        changes = list(takewhile(lambda one: parse_time(one.row.at) < due, store.feed.read(after, CHANGES_A_PAGE)))
        studies = sorted({one.row.study_uid for one in changes if one.row.study_uid})
        lost = [study_uid for study_uid in studies if store.studies.unfolded(study_uid, 1)]
        queue.send([InstancesStored(datastore_id, "", (study_uid,)) for study_uid in lost])
        found += len(lost)
        if changes:
            after = changes[-1].number
            store.objects.put(CURSOR, json.dumps({"after": after}).encode(), "application/json")
        if len(changes) < CHANGES_A_PAGE or out_of_time():
            return found


def _cursor(store: Datastore) -> int:
    """Where the last sweep stopped; the beginning where the feed is shorter, because the index was rebuilt."""
    try:
        after = int(json.loads(bytes(store.objects.get(CURSOR)))["after"])
    except NotFoundError:
        return 0
    return after if after <= store.feed.head().number else 0
