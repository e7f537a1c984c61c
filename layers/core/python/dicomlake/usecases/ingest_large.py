"""Decide one large object by itself: the same steps as a batch, over ranges, in constant memory."""

from dataclasses import dataclass, replace
from datetime import timedelta

from dicomlake.dicom.header.parse import parse
from dicomlake.dicom.instance import ParsedInstance
from dicomlake.domain.errors import NotFoundError, PermanentError, Reason, UnreadableError
from dicomlake.domain.events import IngestObject, InstancesStored
from dicomlake.domain.ids import ledger_key
from dicomlake.domain.ledger import NO_TALLY, LedgerEntry, Step, Tally, alarming, origin_of
from dicomlake.domain.model import LedgerKey, Outcome
from dicomlake.domain.study import format_time
from dicomlake.lake.paths import pack_key
from dicomlake.usecases.commit_records import Committed, commit_records
from dicomlake.usecases.ingest_batch import IngestPorts
from dicomlake.usecases.pack_session import PackSession
from dicomlake.usecases.quarantine_objects import Rejected, quarantine_objects
from dicomlake.usecases.ranged_source import RangedSource
from dicomlake.usecases.store_instance import store_parsed

LONGEST = timedelta(hours=6)
"""How long a study may show a large object as pending: the machine's own time-out."""


UNREADABLE = "unreadable"
"""The step that a run leaves which may not read its object."""


@dataclass(frozen=True, slots=True)
class LargeReport:
    """Facts of one large object: what it became; an object decided before counts nowhere."""

    outcome: str
    tally: Tally = NO_TALLY
    alarming: int = 0
    frames: int = 0
    stored_bytes: int = 0


def ingest_large(command: IngestObject, ports: IngestPorts) -> LargeReport:
    """Decide one object; a RetryableError ends the task, whose machine starts it again from the beginning."""
    key = ledger_key(ports.secret, command.landed)
    entry = ports.store.ledger.entry(key)
    if entry is not None and entry.outcome is not Outcome.PENDING:
        _announce(ports, "", entry)
        return LargeReport("decided-before")
    try:
        return _store(command, key, entry.attempts if entry else 0, ports)
    except NotFoundError:
        return LargeReport("vanished")
    except UnreadableError as error:
        if not _was_unreadable(entry):
            ports.store.ledger.note_pending(_pending(command, key, entry.attempts if entry else 0, UNREADABLE, ports))
            raise
        return _quarantine(Rejected(command.landed, Reason.UNREADABLE, str(error), command.attempt), ports)
    except PermanentError as error:
        return _quarantine(Rejected(command.landed, error.reason, error.detail, command.attempt), ports)


def _was_unreadable(entry: LedgerEntry | None) -> bool:
    """Whether the run before could not read the object either: the machine starts a failed task once more."""
    return entry is not None and entry.steps[-1:] != () and entry.steps[-1].name == UNREADABLE


def _quarantine(rejected: Rejected, ports: IngestPorts) -> LargeReport:
    kept = quarantine_objects([rejected], ports.store, ports.quarantine, ports.secret, ports.clock, ports.ids)
    return LargeReport("quarantined", Tally(quarantined=len(kept)), alarming(kept))


def _store(command: IngestObject, key: LedgerKey, attempts: int, ports: IngestPorts) -> LargeReport:
    source = RangedSource(ports.landing, command.landed)
    parsed = parse(source)
    _begin(command, parsed, key, attempts, ports)
    with PackSession(ports.store.objects, lambda: pack_key(ports.clock.now().date(), ports.ids.new())) as session:
        writer, origin = session.writer(), origin_of(command.landed)
        record = store_parsed(parsed, source.size, source.sha256, key, writer, ports.context, origin)
        packed = session.close()
    done = commit_records(packed, {key: origin_of(command.landed)}, ports.store, ports.clock, ports.ids)
    _end(done, parsed, key, packed.records[0].pointer.pack, ports)
    return LargeReport("stored", done.tally, frames=record.frame_count, stored_bytes=record.stored_size)


def _begin(command: IngestObject, parsed: ParsedInstance, key: LedgerKey, attempts: int, ports: IngestPorts) -> None:
    """Say that the object is under way, to its study too: it settles without it only at the cap."""
    now = ports.clock.now()
    ports.store.studies.begin_pending(parsed.key.study_uid, key, now + LONGEST)
    started = _pending(command, key, attempts, "started", ports)
    ports.store.ledger.note_pending(replace(started, instance=parsed.key))


def _pending(command: IngestObject, key: LedgerKey, attempts: int, step: str, ports: IngestPorts) -> LedgerEntry:
    return LedgerEntry(
        key=key,
        outcome=Outcome.PENDING,
        size=command.landed.size,
        landed_at=command.landed.landed_at,
        source=command.landed.source,
        attempts=attempts,
        steps=(Step(step, format_time(ports.clock.now())),),
    )


def _end(done: Committed, parsed: ParsedInstance, key: LedgerKey, pack: str, ports: IngestPorts) -> None:
    if done.unsettled:
        raise done.error()
    ports.store.studies.end_pending(parsed.key.study_uid, key)
    ports.events.publish(InstancesStored(ports.datastore_id, pack, (parsed.key.study_uid,)))


def _announce(ports: IngestPorts, pack: str, entry: LedgerEntry) -> None:
    """Tell again what an earlier run may have died before telling."""
    if entry.instance is not None:
        ports.store.studies.end_pending(entry.instance.study_uid, entry.key)
        ports.events.publish(InstancesStored(ports.datastore_id, pack, (entry.instance.study_uid,)))
