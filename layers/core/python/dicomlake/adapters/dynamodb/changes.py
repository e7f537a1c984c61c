"""Changes of one data store's studies: one under way a study, carried on by transactions, and their history."""

from dicomlake.adapters.dynamodb import keys
from dicomlake.adapters.dynamodb.rows import (
    change_item,
    commit_item,
    number,
    pointer_attributes,
    record_attributes,
    text,
    value_in,
)
from dicomlake.adapters.dynamodb.table import (
    ABSENT,
    MAX_ACTIONS,
    Action,
    Condition,
    Table,
    add_one,
    check,
    delete,
    put,
    update,
)
from dicomlake.domain.change import StudyChange
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.model import InstanceRecord, StudyUid, Visibility
from dicomlake.ports import ChangeStep, RowChange


class DynamoDbChangeIndex:
    """The changes of one data store's studies, in its table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, change: StudyChange) -> None:
        """Put a study under a change; LostRaceError if it is under one."""
        if not self._table.write(put(change_item(keys.under_way(change.scope.study_uid), change), ABSENT)):
            raise LostRaceError("the study is under another change; wait for it")

    def under_way(self, study_uid: StudyUid) -> StudyChange | None:
        """Return the change that a study is under."""
        item = self._table.get(keys.under_way(study_uid))
        return value_in(StudyChange, item) if item else None

    def history(self, study_uid: StudyUid) -> tuple[StudyChange, ...]:
        """Return the changes of a study that are done, by number."""
        pk, prefix = keys.done(study_uid)
        items, _ = self._table.query(pk, prefix, prefix + keys.LAST)
        return tuple(value_in(StudyChange, item) for item in items)

    def restore(self, change: StudyChange) -> None:
        """Write a change into its study's history again; nothing if its number is there."""
        self._table.write(put(change_item(keys.done(change.scope.study_uid, change.number), change), ABSENT))

    def carry(self, step: ChangeStep) -> None:
        """Carry a change one step on; LostRaceError if its conditions fail."""
        if self._table.transact(step_actions(step)):
            raise LostRaceError("the change is elsewhere by now; read it again")


def step_actions(step: ChangeStep) -> list[Action]:
    """Return a step's transaction: the change itself first, then rows and claims, series, commit row, history."""
    study_uid, written = step.change.scope.study_uid, step.written
    actions = [
        _on(step),
        *(_rewriting(row) for row in step.rows),
        *(_claimed(row.before) for row in step.rows if _reappears(row)),
        *(add_one(keys.series(study_uid, series_uid), "c") for series_uid in step.touched),
        *([put(commit_item(step.row))] if step.row else []),
        *([put(change_item(keys.done(study_uid, written.number), written), ABSENT)] if written else []),
    ]
    if len(actions) > MAX_ACTIONS:
        raise ValueError(f"a step is one transaction of at most {MAX_ACTIONS} actions")
    return actions


def _on(step: ChangeStep) -> Action:
    change, key = step.change, keys.under_way(step.change.scope.study_uid)
    stands = Condition("x = :id AND k = :step", {":id": text(change.change_id), ":step": number(change.step)})
    return delete(key, stands) if step.following is None else put(change_item(key, step.following), stands)


def _rewriting(row: RowChange) -> Action:
    before, after = row.before, row.after
    values = {":version": number(before.version)}
    if before.pointer == after.pointer:
        return update(keys.record(before), record_attributes(after), Condition("v = :version", values))
    stands = Condition("v = :version AND p = :pack", {**values, ":pack": text(before.pointer.pack)})
    return update(keys.record(before), {**record_attributes(after), **pointer_attributes(after.pointer)}, stands)


def _reappears(row: RowChange) -> bool:
    return row.before.visibility is Visibility.DELETED and row.after.visibility is Visibility.PRIMARY


def _claimed(record: InstanceRecord) -> Action:
    key = record.key
    values = {":study": text(key.study_uid), ":series": text(key.series_uid)}
    return check(keys.claim(key.instance_uid), Condition("s = :study AND e = :series", values))
