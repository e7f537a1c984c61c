"""Reconcile the landing bucket with the ledger: what no event told of, or what got lost on its way, is sent again."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dicomlake.domain.errors import NotFoundError
from dicomlake.domain.events import IngestObject
from dicomlake.domain.ids import LakeSecret, ledger_key
from dicomlake.domain.ledger import LedgerEntry, Step
from dicomlake.domain.model import LandedObject, Outcome
from dicomlake.domain.study import format_time, parse_time
from dicomlake.ports import Clock, Datastore, ObjectInfo, ObjectStore, WorkQueue

GRACE = timedelta(minutes=15)
"""Age from which a missing ledger row is drift: events come within seconds, retries within minutes."""

STALLED = timedelta(hours=2)
"""Age of a pending row from which its object is sent again: above all delays of retries, and decided once anyway."""

STARTED_STALLED = timedelta(hours=7)
"""The same for an object whose task has started: above the six hours after which its machine ends."""

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
        _send_again(lost, store, queue, secret, clock)
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
    except (NotFoundError, ValueError, KeyError):
        return ""  # a cursor that cannot be read costs a sweep from the beginning, never all of them


def _landed(bucket: str, info: ObjectInfo, source_of: Callable[[str], str]) -> LandedObject:
    return LandedObject(bucket, info.key, info.version_id, info.size, source_of(info.key), info.modified_at)


def _is_old(info: ObjectInfo, now: datetime, grace: timedelta) -> bool:
    return parse_time(info.modified_at) + grace < now


def _undecided(
    objects: Sequence[LandedObject], store: Datastore, secret: LakeSecret, now: datetime
) -> list[IngestObject]:
    keys = {ledger_key(secret, landed): landed for landed in objects}
    entries = store.ledger.entries(list(keys))
    found = ((landed, entries.get(key)) for key, landed in keys.items())
    return [
        IngestObject(landed, 1 + (entry.attempts if entry else 0)) for landed, entry in found if _is_lost(entry, now)
    ]


def _send_again(
    lost: Sequence[IngestObject], store: Datastore, queue: WorkQueue, secret: LakeSecret, clock: Clock
) -> None:
    """Send, then note it: where ingest is behind, every sweep would send the whole queue once more."""
    queue.send(lost)
    for command in lost:
        landed, step = command.landed, Step("sent-again", format_time(clock.now()))
        key = ledger_key(secret, landed)
        store.ledger.note_pending(
            LedgerEntry(
                key,
                Outcome.PENDING,
                landed.size,
                landed.landed_at,
                landed.source,
                attempts=command.attempt,
                steps=(step,),
            )
        )


def _is_lost(entry: LedgerEntry | None, now: datetime) -> bool:
    if entry is None:
        return True
    if entry.outcome is not Outcome.PENDING:
        return False
    last = entry.steps[-1] if entry.steps else None
    patience = STARTED_STALLED if last and last.name == "started" else STALLED
    return last is None or parse_time(last.at) + patience < now
