"""Changes of studies in memory; a step is all or nothing, as a DynamoDB transaction is."""

from dataclasses import replace

from dicomlake.adapters.memory.state import MemoryState
from dicomlake.domain.change import StudyChange
from dicomlake.domain.commit import Location
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.model import StudyUid, Visibility
from dicomlake.domain.study import Series
from dicomlake.ports import ChangeStep, RowChange


class MemoryChangeIndex:
    """The changes of one data store's studies, in memory."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def begin(self, change: StudyChange) -> None:
        """Put a study under a change; LostRaceError if it is under one."""
        with self._state.lock:
            if change.scope.study_uid in self._state.under_way:
                raise LostRaceError("the study is under another change; wait for it")
            self._state.under_way[change.scope.study_uid] = change

    def under_way(self, study_uid: StudyUid) -> StudyChange | None:
        """Return the change that a study is under."""
        with self._state.lock:
            return self._state.under_way.get(study_uid)

    def history(self, study_uid: StudyUid) -> tuple[StudyChange, ...]:
        """Return the changes of a study that are done, by number."""
        with self._state.lock:
            held = self._state.history.get(study_uid, {})
            return tuple(held[number] for number in sorted(held))

    def restore(self, change: StudyChange) -> None:
        """Write a change into its study's history again; nothing if its number is there."""
        with self._state.lock:
            self._state.history.setdefault(change.scope.study_uid, {}).setdefault(change.number, change)

    def carry(self, step: ChangeStep) -> None:
        """Carry a change one step on; LostRaceError if its conditions fail."""
        with self._state.lock:
            if not self._stands(step):
                raise LostRaceError("the change is elsewhere by now; read it again")
            self._write(step)

    def _stands(self, step: ChangeStep) -> bool:
        held, written = self._state.under_way.get(step.change.scope.study_uid), step.written
        at = held is not None and (held.change_id, held.step) == (step.change.change_id, step.change.step)
        taken = written and written.number in self._state.history.get(written.scope.study_uid, {})
        return at and not taken and all(map(self._row_stands, step.rows))

    def _row_stands(self, row: RowChange) -> bool:
        before, after = row.before, row.after
        if before.visibility is Visibility.NON_PRIMARY:
            held = self._state.beside.get((before.key, before.content_digest))
        else:
            held = self._state.instances.get(before.key)
        if held is None or held.version != before.version:
            return False
        if after.pointer != before.pointer and held.pointer != before.pointer:
            return False
        reappears = before.visibility is Visibility.DELETED and after.visibility is Visibility.PRIMARY
        key = before.key
        place = Location(key.study_uid, key.series_uid, key.instance_uid)
        return not reappears or self._state.claims.get(key.instance_uid) == place

    def _write(self, step: ChangeStep) -> None:
        state, study_uid = self._state, step.change.scope.study_uid
        for row in step.rows:
            self._write_row(row)
        for series_uid in step.touched:
            rows = state.series.setdefault(study_uid, {})
            held = rows.get(series_uid, Series(series_uid))
            rows[series_uid] = replace(held, changes=held.changes + 1)
        if step.row is not None:
            state.committed.append(step.row)
            state.unfolded.setdefault(study_uid, {})[step.row.commit_id] = step.row
        if step.written is not None:
            state.history.setdefault(study_uid, {})[step.written.number] = step.written
        if step.following is not None:
            state.under_way[study_uid] = step.following
        else:
            del state.under_way[study_uid]

    def _write_row(self, row: RowChange) -> None:
        before, after = row.before, row.after
        if before.visibility is Visibility.NON_PRIMARY:
            self._state.beside[before.key, before.content_digest] = after
            return
        held = self._state.instances[before.key]
        pointer = after.pointer if after.pointer != before.pointer else held.pointer
        self._state.instances[before.key] = replace(after, pointer=pointer)
