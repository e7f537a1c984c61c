"""Keep what cannot be stored, with the reason beside it, and write it into the ledger."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched, chain

from dicomlake.domain.commit import Clash, Commit, CommitRow
from dicomlake.domain.errors import EXPLANATIONS, LostRaceError, NotFoundError, Reason, UnreadableError
from dicomlake.domain.ids import LakeSecret, ledger_key
from dicomlake.domain.ledger import LedgerEntry, Step, Tally
from dicomlake.domain.model import LandedObject, Outcome
from dicomlake.domain.study import format_time
from dicomlake.ports import Clock, Datastore, IdSource, ObjectStore

OBJECTS = "objects/"
"""Where the quarantine bucket keeps objects, each with a note of the same name and `.json`."""

ENTRIES_A_COMMIT = 45


@dataclass(frozen=True, slots=True)
class Rejected:
    """A landed object that cannot be stored, and why; `detail` holds no patient data."""

    landed: LandedObject
    reason: Reason
    detail: str
    attempts: int = 0


def quarantine_objects(
    rejected: Sequence[Rejected],
    store: Datastore,
    quarantine: ObjectStore,
    secret: LakeSecret,
    clock: Clock,
    ids: IdSource,
) -> tuple[LedgerEntry, ...]:
    """Copy objects to the quarantine bucket, then decide them in the ledger; return those that were decided now.

    The copy comes first: a ledger that says `quarantined` always has the bytes, but of what could never be read. Both
    may run twice.
    """
    entries = [_keep(item, quarantine, secret, clock) for item in rejected]
    decided = (
        decide_quarantined(list(some), format_time(clock.now()), store, ids)
        for some in batched(entries, ENTRIES_A_COMMIT, strict=False)
    )
    return tuple(chain.from_iterable(decided))


def _keep(item: Rejected, quarantine: ObjectStore, secret: LakeSecret, clock: Clock) -> LedgerEntry:
    key = ledger_key(secret, item.landed)
    place = f"{OBJECTS}{key.object_hash}/{key.version_id}"
    kept = _copy(item, quarantine, place)
    explanation = EXPLANATIONS[item.reason]
    now = format_time(clock.now())
    note = {
        "reason": str(item.reason),
        "sentence": explanation.sentence,
        "repair": explanation.repair,
        "detail": item.detail,
        "size": item.landed.size,
        "source": item.landed.source,
        "landedAt": item.landed.landed_at,
        "attempts": item.attempts,
        "at": now,
    }
    quarantine.put(f"{place}.json", json.dumps(note).encode(), "application/json")
    return LedgerEntry(
        key=key,
        outcome=Outcome.QUARANTINED,
        size=item.landed.size,
        landed_at=item.landed.landed_at,
        source=item.landed.source,
        reason=item.reason,
        detail=item.detail,
        quarantine_key=place if kept else "",
        attempts=item.attempts,
        steps=(Step("quarantined", now),),
    )


def _copy(item: Rejected, quarantine: ObjectStore, place: str) -> bool:
    """Copy what can be: an object that is gone or could not be read stays where it landed."""
    landed = item.landed
    try:
        quarantine.copy_in(landed.bucket, landed.key, landed.version_id, place, landed.size)
    except NotFoundError:
        return False
    except UnreadableError:
        if item.reason is not Reason.UNREADABLE:
            raise
        return False
    return True


def decide_quarantined(entries: list[LedgerEntry], at: str, store: Datastore, ids: IdSource) -> list[LedgerEntry]:
    """Commit up to 45 entries as of a time; those decided meanwhile are dropped. Return those decided now."""
    while entries:
        row = CommitRow(
            commit_id=ids.new(),
            kind="quarantined",
            at=at,
            study_uid=None,
            tally=Tally(quarantined=len(entries)),
            reasons=tuple(sorted({str(entry.reason) for entry in entries})),
        )
        clashes = store.instances.commit(Commit(row, tuple(entries)))
        if not clashes:
            break
        entries = _without(entries, clashes)
    return entries


def _without(entries: list[LedgerEntry], clashes: tuple[Clash, ...]) -> list[LedgerEntry]:
    decided = {clash.position for clash in clashes}
    if not decided:
        raise LostRaceError("a quarantine commit was refused without naming an entry")
    return [entry for position, entry in enumerate(entries) if position not in decided]
