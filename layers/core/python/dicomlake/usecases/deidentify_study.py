"""Write the de-identified copy of a study into another data store: heads edited, frames copied, never referenced.

    list ► drop what is decided ► refuse, or edit the head ► pack ► commit ► tell

Every instance has one row in the target's ledger, named after what it was made of: a second delivery, a second run and
a later generation find it there and add only what is new. What is refused has a row too, with its reason, so that the
target's ledger accounts for every instance of the source.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched, groupby

from dicomlake.dicom.deidentify import KeyedNames
from dicomlake.domain.commit import Commit, CommitRow
from dicomlake.domain.errors import LostRaceError, RefusedError
from dicomlake.domain.events import DeidentifyStudy, InstancesStored
from dicomlake.domain.ids import LakeSecret, frame_key
from dicomlake.domain.ledger import NO_TALLY, LedgerEntry, Origin, Step, Tally
from dicomlake.domain.model import DatastoreId, InstanceRecord, LedgerKey, Outcome, StudyUid, Visibility
from dicomlake.domain.study import format_time
from dicomlake.lake.pack import PackReader
from dicomlake.lake.paths import pack_key
from dicomlake.ports import Clock, Datastore, EventPublisher, IdSource
from dicomlake.usecases.commit_records import Packed, commit_records
from dicomlake.usecases.copy_names import copy_key
from dicomlake.usecases.deidentify_instance import SOURCE, CleanContext, Original, PackFrames, deidentify_instance
from dicomlake.usecases.open_pack import open_pack
from dicomlake.usecases.pack_session import PackSession

CHUNK = 132
"""Instances that are packed and committed together: four commits, about 30 MB of CT slices, a few seconds."""

TAIL_SIZE = 1024 * 1024
"""What is read of a pack's end: footer and frame tables of about 3,000 single-frame instances."""


@dataclass(frozen=True, slots=True)
class DeidentifyPorts:
    """Everything the copy needs of the world: the identified store, the one it is written to, and their secret."""

    source: Datastore
    target: Datastore
    target_id: DatastoreId
    events: EventPublisher
    secret: LakeSecret
    clock: Clock
    ids: IdSource

    @property
    def context(self) -> CleanContext:
        """What editing one instance needs: the target's keys."""
        names = KeyedNames(self.secret.derive(f"deidentify:{self.target_id}"))
        return CleanContext(names, frame_key(self.secret, self.target_id))


@dataclass(frozen=True, slots=True)
class StudyDeidentified:
    """Fact: what this run decided, what was decided before it, and the command that goes on (None: nothing is left)."""

    tally: Tally
    decided_before: int
    rest: DeidentifyStudy | None


@dataclass(slots=True)
class _Run:
    """What one run has done so far."""

    ports: DeidentifyPorts
    context: CleanContext
    tally: Tally = NO_TALLY
    decided_before: int = 0
    untold: set[StudyUid] = field(default_factory=set)
    reader: tuple[str, PackReader] | None = field(default=None, repr=False)


def deidentify_study(
    command: DeidentifyStudy, ports: DeidentifyPorts, out_of_time: Callable[[], bool]
) -> StudyDeidentified:
    """Copy what is not decided yet, chunk by chunk until the time is used up; at least one chunk a run.

    Raises RetryableError where a chunk could not be committed; what was committed before it stays and is found.
    """
    run = _Run(ports, ports.context)
    rest = _copy(command, run, out_of_time)
    if run.untold:  # an earlier run may have died between its commit and its event
        ports.events.publish(InstancesStored(ports.target_id, "", tuple(sorted(run.untold))))
    return StudyDeidentified(run.tally, run.decided_before, rest)


def _copy(command: DeidentifyStudy, run: _Run, out_of_time: Callable[[], bool]) -> DeidentifyStudy | None:
    after, done_one = command.after, False
    while True:
        page = run.ports.source.instances.instances(command.study_uid, None, after)
        for chunk in batched(_undecided(page.items, run), CHUNK, strict=False):
            if done_one and out_of_time():
                return replace(command, after=after)
            _copy_chunk(chunk, run)
            done_one = True
        if not page.after:
            return None
        after = page.after


def _undecided(records: Sequence[InstanceRecord], run: _Run) -> list[Original]:
    """The visible instances that the target's ledger does not know, in the order their bytes lie in."""
    ports = run.ports
    visible = [record for record in records if record.visibility is Visibility.PRIMARY]
    keys = [ledger_key_of(record, ports) for record in visible]
    decided = ports.target.ledger.entries(keys)
    run.decided_before += len(decided)
    run.untold |= {entry.instance.study_uid for entry in decided.values() if entry.instance}
    left = [(record, key) for record, key in zip(visible, keys, strict=True) if key not in decided]
    landed = ports.source.ledger.entries([record.ledger for record, _ in left])
    senders = {key: entry.source for key, entry in landed.items()}
    work = [Original(record, senders.get(record.ledger, ""), key) for record, key in left]
    return sorted(work, key=lambda item: (item.record.pointer.pack, item.record.pointer.ordinal))


def ledger_key_of(record: InstanceRecord, ports: DeidentifyPorts) -> LedgerKey:
    """Return the target's ledger key for what is made of a record."""
    return copy_key(record, ports.secret, ports.target_id)


def _copy_chunk(chunk: Sequence[Original], run: _Run) -> None:
    """Pack, commit, then tell: in this order, so that whatever dies in between is done again and counted once."""
    ports = run.ports
    refused: list[LedgerEntry] = []
    with PackSession(ports.target.objects, lambda: pack_key(ports.clock.now().date(), ports.ids.new())) as session:
        for pack, members in groupby(chunk, key=lambda item: item.record.pointer.pack):
            _copy_from(pack, list(members), session, refused, run)
        packed = session.close()
    _commit(packed, run)
    for entries in batched(refused, MAX_REFUSED, strict=False):
        run.tally += Tally(quarantined=_commit_refused(list(entries), ports))


def _copy_from(
    pack: str, members: Sequence[Original], session: PackSession, refused: list[LedgerEntry], run: _Run
) -> None:
    frames = PackFrames(_opened(pack, run), [item.record.pointer.ordinal for item in members])
    now = format_time(run.ports.clock.now())
    for item in members:
        try:
            deidentify_instance(item, frames, session.writer(), run.context, now)
        except RefusedError as refusal:
            refused.append(_refusal(item, refusal, now))


def _opened(pack: str, run: _Run) -> PackReader:
    """A pack's reader; the last one is kept, since chunks go through packs in order."""
    if run.reader is None or run.reader[0] != pack:
        run.reader = pack, open_pack(run.ports.source.objects, pack, TAIL_SIZE)
    return run.reader[1]


def _commit(packed: Packed, run: _Run) -> None:
    ports = run.ports
    if not packed.records:
        return
    sources = dict.fromkeys((record.ledger for record in packed.records), Origin(SOURCE))
    done = commit_records(packed, sources, ports.target, ports.clock, ports.ids)
    run.tally += done.tally
    run.decided_before += done.decided
    if done.studies:
        run.untold -= done.studies
        first = packed.records[0].pointer.pack
        ports.events.publish(InstancesStored(ports.target_id, first, tuple(sorted(done.studies))))
    if done.unsettled:
        raise LostRaceError("part of a study's de-identified copy could not be committed")


# --- what is refused -----------------------------------------------------------------------------------------------

MAX_REFUSED = 45
"""Ledger rows a transaction."""


def _refusal(item: Original, refusal: RefusedError, now: str) -> LedgerEntry:
    """The row of a refused instance; it names no original UID, and nothing of it is kept beside the source."""
    return LedgerEntry(
        key=item.ledger,
        outcome=Outcome.QUARANTINED,
        size=item.record.landed_size,
        source=SOURCE,
        reason=refusal.reason,
        detail=refusal.detail,
        steps=(Step("refused", now),),
    )


def _commit_refused(entries: list[LedgerEntry], ports: DeidentifyPorts) -> int:
    """Decide refused instances; those that another run decided meanwhile drop out. Return how many were decided now."""
    while entries:
        clashes = ports.target.instances.commit(Commit(_refused_row(entries, ports), tuple(entries)))
        if not clashes:
            return len(entries)
        decided = {clash.position for clash in clashes}
        entries = [entry for position, entry in enumerate(entries) if position not in decided]
    return 0


def _refused_row(entries: Sequence[LedgerEntry], ports: DeidentifyPorts) -> CommitRow:
    """A row of no study: a study of which everything is refused does not exist in the target."""
    return CommitRow(
        commit_id=ports.ids.new(),
        kind="quarantined",
        at=format_time(ports.clock.now()),
        study_uid=None,
        tally=Tally(quarantined=len(entries)),
        reasons=tuple(sorted({str(entry.reason) for entry in entries})),
    )
