"""Studies, series, search rows and pending marks in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dicomlake.adapters.memory.state import MemoryState, page_of
from dicomlake.domain.commit import CommitRow
from dicomlake.domain.cursor import Cursor
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.model import LedgerKey, StudyUid
from dicomlake.domain.study import Series, Study
from dicomlake.ports import Fold, Page, SearchHit

MAX_ACTIONS = 100
MAX_SORT_BYTES = 900


class MemoryStudyIndex:
    """The studies of one data store, in memory."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def study(self, study_uid: StudyUid) -> Study | None:
        """Return a study's row."""
        with self._state.lock:
            return self._state.studies.get(study_uid)

    def studies(self, study_uids: Sequence[StudyUid]) -> dict[StudyUid, Study]:
        """Return those of the studies that exist."""
        with self._state.lock:
            return {uid: self._state.studies[uid] for uid in study_uids if uid in self._state.studies}

    def series(self, study_uid: StudyUid) -> tuple[Series, ...]:
        """Return a study's series rows in UID order."""
        with self._state.lock:
            held = self._state.series.get(study_uid, {})
            return tuple(held[uid] for uid in sorted(held))

    def unfolded(self, study_uid: StudyUid, limit: int = 50) -> tuple[CommitRow, ...]:
        """Return commit rows of a study that no fold consumed yet, by commit id."""
        with self._state.lock:
            rows = self._state.unfolded.get(study_uid, {})
            return tuple(rows[commit_id] for commit_id in sorted(rows)[:limit])

    def fold(self, fold: Fold) -> None:
        """Write a fold whole; LostRaceError if its conditions fail."""
        _check(fold)
        uid = fold.study.study_uid
        with self._state.lock:
            held = self._state.studies.get(uid)
            rows = self._state.unfolded.get(uid, {})
            if (held.version if held else 0) != fold.expected_version or any(c not in rows for c in fold.consumed):
                raise LostRaceError("the study was folded by another writer meanwhile; read it again")
            self._state.studies[uid] = fold.study
            for commit_id in fold.consumed:
                del rows[commit_id]
            for series in fold.series:
                self._fold_series(uid, series)
            self._state.search -= {(key, uid) for key in fold.drop_keys}
            self._state.search |= {(key, uid) for key in fold.add_keys}

    def _fold_series(self, study_uid: StudyUid, series: Series) -> None:
        rows = self._state.series.setdefault(study_uid, {})
        held = rows.get(series.series_uid, Series(series.series_uid))
        rows[series.series_uid] = replace(_with_made(series, held), changes=held.changes)

    def save_series(self, study_uid: StudyUid, series: Series) -> None:
        """Set a series' metadata key and count, packs and findings; its counts are the folds'."""
        with self._state.lock:
            rows = self._state.series.setdefault(study_uid, {})
            held = rows.get(series.series_uid, Series(series.series_uid))
            rows[series.series_uid] = _with_made(held, series)

    def search(
        self,
        partition: str,
        low: str = "",
        high: str = "",
        newest_first: bool = False,
        after: str = "",
        limit: int = 100,
    ) -> Page[SearchHit]:
        """List the search rows of a partition whose sort text lies in [low, high]."""
        with self._state.lock:
            hits = [
                SearchHit(key, uid)
                for key, uid in self._state.search
                if key.partition == partition and low <= key.sort and (not high or key.sort <= high)
            ]
        return page_of(hits, lambda hit: hit.place, after, limit, newest_first)

    def cursor(self, name: str, now: datetime) -> Cursor | None:
        """Return where a page of a search ended."""
        with self._state.lock:
            cursor, expires = self._state.cursors.get(name, (None, now))
        return cursor if expires > now else None

    def save_cursor(self, name: str, cursor: Cursor, expires: datetime) -> None:
        """Remember where a page of a search ended."""
        with self._state.lock:
            self._state.cursors[name] = cursor, expires

    def keep_link(self, link_id: str, expires: datetime) -> None:
        """Remember that a study link was given out."""
        with self._state.lock:
            self._state.links[link_id] = expires

    def is_link_kept(self, link_id: str, now: datetime) -> bool:
        """Whether a study link may still be followed."""
        with self._state.lock:
            return self._state.links.get(link_id, now) > now

    def drop_link(self, link_id: str) -> None:
        """Forget a study link."""
        with self._state.lock:
            self._state.links.pop(link_id, None)

    def begin_pending(self, study_uid: StudyUid, work: LedgerKey, expires: datetime) -> None:
        """Mark an object as under way to this study."""
        with self._state.lock:
            self._state.pending.setdefault(study_uid, {})[work] = expires

    def end_pending(self, study_uid: StudyUid, work: LedgerKey) -> None:
        """Unmark it; unmarking twice is no error."""
        with self._state.lock:
            self._state.pending.get(study_uid, {}).pop(work, None)

    def pending(self, study_uid: StudyUid, now: datetime) -> int:
        """Count the objects under way to a study."""
        with self._state.lock:
            return sum(expires > now for expires in self._state.pending.get(study_uid, {}).values())


def _with_made(folded: Series, made: Series) -> Series:
    """What folds wrote of a series, with what the study machine made of it."""
    return replace(
        folded,
        metadata_key=made.metadata_key,
        metadata_instances=made.metadata_instances,
        metadata_changes=made.metadata_changes,
        packs=made.packs,
        findings=made.findings,
    )


def _check(fold: Fold) -> None:
    """Refuse what no transaction could write; these are mistakes of the fold's maker."""
    kept = set(fold.drop_keys) - set(fold.add_keys)
    if 1 + len(fold.series) + len(fold.consumed) + len(fold.add_keys) + len(kept) > MAX_ACTIONS:
        raise ValueError(f"a fold is one transaction of at most {MAX_ACTIONS} actions")
    if fold.study.version != fold.expected_version + 1:
        raise ValueError("a fold's study carries the expected version plus one")
    if any(len(key.sort.encode()) > MAX_SORT_BYTES for key in fold.add_keys):
        raise ValueError(f"a search row's sort text has at most {MAX_SORT_BYTES} bytes")
