"""Correct what was stored, as an overlay with a number, and go back to an earlier version: both are changes.

The overlay stands in the study's history, the index's own attributes follow in the same transaction's commit row, and
every series it touches counts a change, so that no pre-built metadata outlives it.
"""

from dataclasses import replace

from dicomlake.domain.change import ChangeKind, Scope, StudyChange, corrections
from dicomlake.domain.commit import SeriesShare
from dicomlake.domain.correction import check_values, held_at
from dicomlake.domain.errors import NotFoundError, StaleError, TooLargeError
from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import (
    NO_COUNTS,
    InstanceRecord,
    JsonObject,
    SeriesAttributes,
    SeriesUid,
    StudyAttributes,
    StudyUid,
)
from dicomlake.domain.study import overlaid
from dicomlake.ports import ChangeStep, Datastore, RowChange
from dicomlake.ports.changes import SERIES_A_STEP
from dicomlake.usecases.change_study import Changed, ChangePorts, begun, carry_on, commit_row, ended
from dicomlake.usecases.delete_instances import Author, new_change
from dicomlake.usecases.retrieve_metadata import is_visible, visible_of, visible_record


def correct_metadata(
    scope: Scope, values: JsonObject, expected: int | None, author: Author, ports: ChangePorts
) -> Changed:
    """Lay elements (DICOM JSON, null takes one away) over what is stored in a scope.

    `expected` is the study's newest number as the caller knows it; StaleError where it is another. Raises
    InvalidRequestError where an element may not be corrected there, NotFoundError or GoneError where nothing is shown,
    BusyError while the study is under another change.
    """
    check_values(values, level_of(scope))
    _check_visible(scope, ports.store)
    wanted = replace(new_change(ChangeKind.CORRECT, scope, author, ports), values=values)
    return _make(wanted, expected, ports)


def revert_metadata(scope: Scope, number: int, expected: int | None, author: Author, ports: ChangePorts) -> Changed:
    """Go back to the metadata that a scope had at a number of the study's history; 0 is as it was stored."""
    _check_visible(scope, ports.store)
    history = ports.store.changes.history(scope.study_uid)
    if not 0 <= number <= (history[-1].number if history else 0):
        raise NotFoundError("the study has no version of this number")
    return _make(replace(new_change(ChangeKind.REVERT, scope, author, ports), target=number), expected, ports)


def level_of(scope: Scope) -> QueryLevel:
    """Return the level that a scope is at."""
    if scope.instance_uid:
        return QueryLevel.INSTANCE
    return QueryLevel.SERIES if scope.series_uid else QueryLevel.STUDY


def _check_visible(scope: Scope, store: Datastore) -> None:
    if scope.key is not None:
        visible_record(scope.key, store)
        return
    shown = visible_of(scope.study_uid, scope.series_uid, store)
    if len({record.key.series_uid for record in shown}) > SERIES_A_STEP:
        raise TooLargeError(f"the study has over {SERIES_A_STEP} series: correct it series by series")


def _make(wanted: StudyChange, expected: int | None, ports: ChangePorts) -> Changed:
    """Look at the expected number under the lock: nobody else can move it then."""
    if expected is not None and newest(wanted.scope.study_uid, ports.store) != expected:
        raise StaleError("the study was changed since this version was read: read it again")
    standing = begun(wanted, ports)
    if expected is not None and newest(wanted.scope.study_uid, ports.store) != expected:
        if standing.change_id == wanted.change_id:
            ports.store.changes.carry(ChangeStep(standing))
        raise StaleError("the study was changed since this version was read: read it again")
    return carry_on(standing, ports)


def newest(study_uid: StudyUid, store: Datastore) -> int:
    """Return the number of a study's newest change, 0 for none."""
    history = store.changes.history(study_uid)
    return history[-1].number if history else 0


def next_correction(change: StudyChange, ports: ChangePorts) -> ChangeStep:
    """The only step: history, row, series and what the feed and the fold are told, in one transaction."""
    return _step(change, change.values, _rows_of(change, ports.store), ports)


def next_reversion(change: StudyChange, ports: ChangePorts) -> ChangeStep:
    """The only step: the index's attributes become what they were at the target's number."""
    history = ports.store.changes.history(change.scope.study_uid)
    now, then = (_of_scope(change, corrections(history, number)) for number in (None, change.target))
    values: JsonObject = {}
    for one in reversed([one for one in now if one not in then]):
        values |= one.was
    for one in [one for one in then if one not in now]:
        values |= one.values
    return _step(change, values, _rows_of(replace(change, values=values), ports.store), ports)


def _of_scope(change: StudyChange, standing: tuple[StudyChange, ...]) -> list[StudyChange]:
    return [one for one in standing if one.scope == change.scope]


def _rows_of(change: StudyChange, store: Datastore) -> tuple[RowChange, ...]:
    key = change.scope.key
    if key is None:
        return ()
    record = store.instances.instance(key)
    if record is None or not is_visible(record):
        return ()  # deleted since it was asked for: the correction stands in the history, over nothing
    return (RowChange(record, _corrected_row(record, change)),)


def _corrected_row(record: InstanceRecord, change: StudyChange) -> InstanceRecord:
    values = held_at(change.values, QueryLevel.INSTANCE)
    number = record.instance_number
    return replace(
        record,
        attributes=overlaid(record.attributes, values),
        instance_number=_integer(values["00200013"]) if "00200013" in values else number,
        version=record.version + 1,
        changed_at=change.at,
    )


def _integer(element: object) -> int | None:
    values = element.get("Value") if isinstance(element, dict) else None
    try:
        return int(values[0]) if values else None
    except (TypeError, ValueError):
        return None


def _step(change: StudyChange, values: JsonObject, rows: tuple[RowChange, ...], ports: ChangePorts) -> ChangeStep:
    scope, store = change.scope, ports.store
    series = [one for one in store.studies.series(scope.study_uid) if scope.touches(one.series_uid)]
    row = commit_row(change, ports)
    was = _was(change, values, rows, store)
    if scope.series_uid is None:
        row = replace(row, study=StudyAttributes(scope.study_uid, held_at(values, QueryLevel.STUDY)))
    elif scope.instance_uid is None:
        told = SeriesAttributes(scope.series_uid, held_at(values, QueryLevel.SERIES))
        row = replace(row, series=(SeriesShare(told, NO_COUNTS),))
    return ChangeStep(
        change=change,
        rows=rows,
        touched=tuple(one.series_uid for one in series),
        row=row,
        written=replace(ended(change, len(rows), ports), was=was),
    )


def _was(change: StudyChange, values: JsonObject, rows: tuple[RowChange, ...], store: Datastore) -> JsonObject:
    """What the index holds of the elements, null where it holds none: what a reversion puts back."""
    level = level_of(change.scope)
    if level is QueryLevel.INSTANCE:
        held = rows[0].before.attributes if rows else {}
    elif level is QueryLevel.SERIES:
        series = {one.series_uid: one.attributes for one in store.studies.series(change.scope.study_uid)}
        held = series.get(change.scope.series_uid or SeriesUid(""), {})
    else:
        study = store.studies.study(change.scope.study_uid)
        held = study.attributes if study else {}
    return {tag: held.get(tag) for tag in held_at(values, level)}
