"""Carry a change of a study from its beginning to its end, step by step: it may stop anywhere and go on elsewhere.

A study is under one change at a time. Each step writes its journal object first and is then one transaction, which
holds the change's own progress too: a step is made once, however often it is tried. A message that is sent before
the study is locked takes up what died.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from dicomlake.domain.change import ChangeKind, Scope, StudyChange, is_held, next_number
from dicomlake.domain.commit import CommitRow
from dicomlake.domain.errors import BusyError, HeldError, LostRaceError
from dicomlake.domain.events import ChangeStudy, StudyChanged
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.ledger import NO_TALLY
from dicomlake.domain.model import DatastoreId, InstanceRecord, InstanceUid, JsonObject, SeriesUid, StudyUid
from dicomlake.domain.study import format_time
from dicomlake.lake.journal import JournalEntry, Subject, encode_journal
from dicomlake.lake.paths import journal_key
from dicomlake.lake.records import encode_record
from dicomlake.ports import ChangeStep, Clock, Datastore, EventPublisher, IdSource, WorkQueue
from dicomlake.usecases.track_study import count_now

TRIES = 8
"""How often a step that lost a race against ingest is read and tried again before the change goes back to its queue."""

RESUMED_AFTER = 60
"""Seconds after which a message looks whether a change still needs somebody; longer than an API function lives."""

FED_AS = {
    ChangeKind.DELETE: "deleted",
    ChangeKind.UNDELETE: "undeleted",
    ChangeKind.PURGE: "purged",
    ChangeKind.CORRECT: "corrected",
    ChangeKind.REVERT: "corrected",
    ChangeKind.HOLD: "held",
    ChangeKind.RELEASE: "released",
}
"""What the change feed calls a change."""


@dataclass(frozen=True, slots=True)
class ChangePorts:
    """What a change needs: its data store, the queue of changes, who is told, how steps are planned (change_steps), and
    whether there is too little time left for another step."""

    datastore_id: DatastoreId
    store: Datastore
    queue: WorkQueue
    events: EventPublisher
    clock: Clock
    ids: IdSource
    secret: Callable[[], LakeSecret]
    steps: Mapping[ChangeKind, "NextStep"]
    late: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Changed:
    """Fact: the change as it is now, and whether it is done; one that is not goes on by itself."""

    change: StudyChange
    done: bool


NextStep = Callable[[StudyChange, ChangePorts], ChangeStep]
"""Plans the next step of a change, from what stands now; its journal is what its rows and its end say."""


def make_change(wanted: StudyChange, ports: ChangePorts) -> Changed:
    """Begin a change and carry it on while there is time.

    The same change that is under way already is joined. Raises BusyError while another one is.
    """
    return carry_on(begun(wanted, ports), ports)


def begin_change(wanted: StudyChange, ports: ChangePorts) -> Changed:
    """Begin a change that the queue carries out. Joins and raises as `make_change`."""
    standing = begun(wanted, ports)
    ports.queue.send([ChangeStudy(ports.datastore_id, standing.scope.study_uid, standing.change_id)])
    return Changed(standing, done=False)


def begun(wanted: StudyChange, ports: ChangePorts) -> StudyChange:
    """Put a study under a change, or return the same change that it is under; BusyError where it is another."""
    study_uid = wanted.scope.study_uid
    standing = ports.store.changes.under_way(study_uid)
    if standing is None:
        ports.queue.send([ChangeStudy(ports.datastore_id, study_uid, wanted.change_id)], RESUMED_AFTER)
        with suppress(LostRaceError):
            ports.store.changes.begin(wanted)
        standing = ports.store.changes.under_way(study_uid)
    if standing is None or _asked(standing) != _asked(wanted):
        raise BusyError("another change of this study is under way: try again when it is done")
    return standing


def _asked(change: StudyChange) -> tuple[object, ...]:
    return change.kind, change.scope, change.target, change.values


def resume_change(study_uid: StudyUid, change_id: str, ports: ChangePorts) -> Changed | None:
    """Carry on a change that a message names; None where it is done, or was never begun."""
    standing = ports.store.changes.under_way(study_uid)
    if standing is None or standing.change_id != change_id:
        return None
    return carry_on(standing, ports)


def carry_on(change: StudyChange, ports: ChangePorts) -> Changed:
    """Make steps until the change is done or time is up; then a message goes on.

    The lock goes last, when readers' counts have followed and the change was told: who dies before is taken up.
    """
    while not change.number:
        following = _one_step(change, ports)
        if following is None:
            return Changed(_found(change, ports), done=True)
        change = following
        if not change.number and ports.late():
            ports.queue.send([ChangeStudy(ports.datastore_id, change.scope.study_uid, change.change_id)])
            return Changed(change, done=False)
    count_now(change.scope.study_uid, ports.store, ports.late)
    ports.events.publish(_told(change, ports.datastore_id))
    with suppress(LostRaceError):  # another process was as far, and ended it
        ports.store.changes.carry(ChangeStep(change))
    return Changed(change, done=True)


def _one_step(change: StudyChange, ports: ChangePorts) -> StudyChange | None:
    """Make the next step and return the change after it; None where another process has ended it."""
    changes, study_uid = ports.store.changes, change.scope.study_uid
    for _ in range(TRIES):
        step = _with_following(ports.steps[change.kind](change, ports))
        _write_journal(step, ports)
        try:
            changes.carry(step)
        except LostRaceError:
            standing = changes.under_way(study_uid)
            if standing is None or standing.change_id != change.change_id:
                return None
            if standing.number:
                return standing
            change = standing
            continue
        return step.following
    raise LostRaceError("a step of a change lost its race every time")


def _with_following(step: ChangeStep) -> ChangeStep:
    """The last step leaves the change as its history has it, to be told."""
    if step.written is None:
        return step
    return replace(step, following=replace(step.written, step=step.change.step + 1))


def _found(change: StudyChange, ports: ChangePorts) -> StudyChange:
    """The change as its study's history has it: another process wrote it there."""
    history = ports.store.changes.history(change.scope.study_uid)
    return next((one for one in history if one.change_id == change.change_id), change)


def _told(change: StudyChange, datastore_id: DatastoreId) -> StudyChanged:
    scope = change.scope
    return StudyChanged(
        datastore=datastore_id,
        study_uid=scope.study_uid,
        change_id=change.change_id,
        kind=FED_AS[change.kind],
        number=change.number,
        instances=change.instances,
        series_uid=scope.series_uid,
        instance_uid=scope.instance_uid,
    )


def check_not_held(history: Sequence[StudyChange]) -> None:
    """Raise HeldError where a study is under a legal hold."""
    if is_held(history):
        raise HeldError("the study is under a legal hold: release it first")


def commit_row(change: StudyChange, ports: ChangePorts) -> CommitRow:
    """Return the commit row that tells the feed and the fold of one step, without counts."""
    now = format_time(ports.clock.now())
    return CommitRow(ports.ids.new(), FED_AS[change.kind], now, change.scope.study_uid, NO_TALLY)


def ended(change: StudyChange, instances: int, ports: ChangePorts) -> StudyChange:
    """Return the change as its last step writes it into the study's history."""
    return change.ended(next_number(ports.store.changes.history(change.scope.study_uid)), instances)


def _write_journal(step: ChangeStep, ports: ChangePorts) -> None:
    """Write what a step is about to do. One that is tried again writes it again: the same subjects and versions."""
    change = step.change
    entries = [_row_entry(change, row.after) for row in step.rows]
    if step.written is not None:
        entries.append(_end_entry(step.written))
    if entries:
        key = journal_key(ports.clock.now(), ports.ids.new())
        ports.store.objects.put(key, encode_journal(entries), "application/jsonl")


def _row_entry(change: StudyChange, after: InstanceRecord) -> JournalEntry:
    key = after.key
    return JournalEntry(
        change_id=change.change_id,
        kind=change.kind,
        at=change.at,
        by=change.by,
        subject=Subject(key.study_uid, key.series_uid, key.instance_uid),
        version=after.version,
        reason=change.reason,
        detail={"row": encode_record(after)},
    )


def _end_entry(change: StudyChange) -> JournalEntry:
    detail: JsonObject = {
        "series": change.scope.series_uid,
        "instance": change.scope.instance_uid,
        "instances": change.instances,
        "values": change.values,
        "was": change.was,
        "target": change.target,
    }
    return JournalEntry(
        change_id=change.change_id,
        kind=change.kind,
        at=change.at,
        by=change.by,
        subject=Subject(change.scope.study_uid),
        version=change.number,
        reason=change.reason,
        detail=detail,
    )


def change_in(entry: JournalEntry) -> StudyChange:
    """Return the change of a study that a journal entry of the study records. Raises KeyError or TypeError if none."""
    detail = entry.detail
    series, instance, study_uid = detail["series"], detail["instance"], entry.subject.study_uid
    values, was, target, instances = detail["values"], detail["was"], detail["target"], detail["instances"]
    if study_uid is None or not isinstance(values, dict) or not isinstance(was, dict):
        raise TypeError("the entry is no study's")
    if not isinstance(target, int) or not isinstance(instances, int):
        raise TypeError("the entry counts nothing")
    scope = Scope(
        study_uid, SeriesUid(str(series)) if series else None, InstanceUid(str(instance)) if instance else None
    )
    return StudyChange(
        entry.change_id,
        entry.kind,
        scope,
        entry.at,
        entry.by,
        entry.reason,
        number=entry.version,
        values=values,
        was=was,
        target=target,
        instances=instances,
    )
