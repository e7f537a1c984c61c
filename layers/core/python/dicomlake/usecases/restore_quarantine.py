"""Put what lies in the quarantine bucket back into the ledger, from the note beside each object."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from dicomlake.domain.errors import NotFoundError, Reason
from dicomlake.domain.ledger import LedgerEntry, Step, is_decided
from dicomlake.domain.model import LedgerKey, Outcome
from dicomlake.ports import Datastore, IdSource, ObjectStore
from dicomlake.usecases.quarantine_objects import OBJECTS, decide_quarantined

NOTE = ".json"


@dataclass(frozen=True, slots=True)
class QuarantineRestored:
    """Facts: entries written, notes that cannot be read, and whether the bucket's end was reached."""

    restored: int = 0
    unreadable: int = 0
    complete: bool = True


def restore_quarantine(
    store: Datastore, quarantine: ObjectStore, ids: IdSource, out_of_time: Callable[[], bool]
) -> QuarantineRestored:
    """Write the ledger's missing entries, each as of the time it was quarantined; running twice changes nothing."""
    after, restored, unreadable = "", 0, 0
    while True:
        page = quarantine.versions(OBJECTS, after)
        keys = [_key_of(info.key) for info in page.items if info.is_latest and info.key.endswith(NOTE)]
        entries = store.ledger.entries(keys)
        for key in keys:
            if is_decided(entries.get(key)):
                continue
            entry = _entry(key, quarantine)
            unreadable += entry is None
            restored += len(decide_quarantined([entry], entry.steps[0].at, store, ids)) if entry else 0
        after = page.after
        if not after or out_of_time():
            return QuarantineRestored(restored, unreadable, not after)


def _key_of(name: str) -> LedgerKey:
    object_hash, version_id = name.removeprefix(OBJECTS).removesuffix(NOTE).split("/", 1)
    return LedgerKey(object_hash, version_id)


def _entry(key: LedgerKey, quarantine: ObjectStore) -> LedgerEntry | None:
    """The entry that a note tells of; None where it is no note of ours."""
    place = f"{OBJECTS}{key.object_hash}/{key.version_id}"
    try:
        note = json.loads(bytes(quarantine.get(f"{place}{NOTE}")))
        return LedgerEntry(
            key=key,
            outcome=Outcome.QUARANTINED,
            size=int(note["size"]),
            landed_at=str(note.get("landedAt", "")),
            source=str(note.get("source", "default")),
            reason=Reason(note["reason"]),
            detail=str(note["detail"]),
            quarantine_key=place if _exists(place, quarantine) else "",
            attempts=int(note.get("attempts", 0)),
            steps=(Step("quarantined", str(note["at"])),),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _exists(place: str, quarantine: ObjectStore) -> bool:
    try:
        quarantine.info(place)
    except NotFoundError:
        return False
    return True
