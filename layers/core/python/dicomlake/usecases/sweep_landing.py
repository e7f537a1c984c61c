"""Reconcile the landing bucket with the ledger: what no event told of, or what got lost on its way, is sent again."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dicomlake.domain.errors import NotFoundError
from dicomlake.domain.events import IngestObject
from dicomlake.domain.ids import LakeSecret, ledger_key
from dicomlake.domain.ledger import LedgerEntry
from dicomlake.domain.model import LandedObject, Outcome
from dicomlake.domain.study import parse_time
from dicomlake.ports import Clock, Datastore, ObjectInfo, ObjectStore, WorkQueue

GRACE = timedelta(minutes=15)
"""Age from which a missing ledger row is drift: events come within seconds, retries within minutes."""

STALLED = timedelta(hours=2)
"""Age of a pending row from which its object is sent again: above all delays of retries, and decided once anyway."""

CURSOR = "sweeps/landing.json"


@dataclass(frozen=True, slots=True)
class LandingSwept:
    """Facts: versions looked at, versions not decided in time (drift), and whether the end was reached."""

    listed: int
    missing: int
    complete: bool


def sweep_landing(
    bucket: str,
    landing: ObjectStore,
    store: Datastore,
    queue: WorkQueue,
    secret: LakeSecret,
    clock: Clock,
    source_of: Callable[[str], str],
    out_of_time: Callable[[], bool],
    grace: timedelta = GRACE,
) -> LandingSwept:
    """Go through the bucket page by page from where the last sweep stopped; the end starts over next time."""
    after, listed, missing = _cursor(store.objects), 0, 0
    while True:
        page = landing.versions(after=after)
        objects = [_landed(bucket, info, source_of) for info in page.items if _is_old(info, clock.now(), grace)]
        lost = _undecided(objects, store, secret, clock.now())
        if lost:
            queue.send([IngestObject(landed) for landed in lost])
        listed, missing, after = listed + len(page.items), missing + len(lost), page.after
        store.objects.put(CURSOR, json.dumps({"after": after}).encode(), "application/json")
        if not after or out_of_time():
            return LandingSwept(listed, missing, not after)


def start_over(objects: ObjectStore) -> None:
    """Let the next sweep begin at the bucket's first object."""
    objects.delete([CURSOR])


def _cursor(objects: ObjectStore) -> str:
    try:
        return str(json.loads(bytes(objects.get(CURSOR)))["after"])
    except NotFoundError:
        return ""


def _landed(bucket: str, info: ObjectInfo, source_of: Callable[[str], str]) -> LandedObject:
    return LandedObject(bucket, info.key, info.version_id, info.size, source_of(info.key))


def _is_old(info: ObjectInfo, now: datetime, grace: timedelta) -> bool:
    return parse_time(info.modified_at) + grace < now


def _undecided(
    objects: Sequence[LandedObject], store: Datastore, secret: LakeSecret, now: datetime
) -> list[LandedObject]:
    keys = {ledger_key(secret, landed): landed for landed in objects}
    entries = store.ledger.entries(list(keys))
    return [landed for key, landed in keys.items() if _is_lost(entries.get(key), now)]


def _is_lost(entry: LedgerEntry | None, now: datetime) -> bool:
    if entry is None:
        return True
    if entry.outcome is not Outcome.PENDING:
        return False
    return not entry.steps or parse_time(entry.steps[-1].at) + STALLED < now
