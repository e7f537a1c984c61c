"""The studies and series of one data store, the rows they are found by, and what is under way to them."""

from collections.abc import Sequence
from datetime import datetime

from dicomlake.adapters.dynamodb import keys
from dicomlake.adapters.dynamodb.packing import pack
from dicomlake.adapters.dynamodb.rows import commit_row_in, number, packed_item, series_in, study_item, value_in
from dicomlake.adapters.dynamodb.table import (
    ABSENT,
    MAX_ACTIONS,
    PRESENT,
    Action,
    Condition,
    Item,
    Table,
    delete,
    item_of,
    put,
    update,
)
from dicomlake.domain.commit import CommitRow
from dicomlake.domain.cursor import Cursor
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.model import LedgerKey, StudyUid
from dicomlake.domain.study import Series, Study
from dicomlake.ports import Fold, Page, SearchHit, SearchKey


class DynamoDbStudyIndex:
    """The studies of one data store, in its table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def study(self, study_uid: StudyUid) -> Study | None:
        """Return a study's row, read consistently."""
        item = self._table.get(keys.study(study_uid))
        return value_in(Study, item) if item else None

    def studies(self, study_uids: Sequence[StudyUid]) -> dict[StudyUid, Study]:
        """Return those of the studies that exist."""
        items = self._table.get_many([keys.study(uid) for uid in study_uids])
        return {study.study_uid: study for study in (value_in(Study, item) for item in items)}

    def series(self, study_uid: StudyUid) -> tuple[Series, ...]:
        """Return a study's series rows in UID order."""
        pk, prefix = keys.series(study_uid)
        items, _ = self._table.query(pk, prefix, prefix + keys.LAST)
        return tuple(map(series_in, items))

    def unfolded(self, study_uid: StudyUid, limit: int = 50) -> tuple[CommitRow, ...]:
        """Return commit rows of a study that no fold consumed yet, read consistently."""
        pk, prefix = keys.commit_rows(study_uid)
        items, _ = self._table.query(pk, prefix, prefix + keys.LAST, limit=limit)
        return tuple(map(commit_row_in, items))

    def fold(self, fold: Fold) -> None:
        """Write a fold as one transaction; LostRaceError if its conditions fail.

        A fold of the study's row alone is a write of its own: a transaction of one would cost twice as much.
        """
        actions = _fold_actions(fold)
        if not (self._table.write(actions[0]) if len(actions) == 1 else not self._table.transact(actions)):
            raise LostRaceError("the study was folded by another writer meanwhile; read it again")

    def save_series(self, study_uid: StudyUid, series: Series) -> None:
        """Set a series' metadata key and count, packs and findings; its counts are the folds'."""
        self._table.write(_series_update(study_uid, series, "m"))

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
        pk, first = keys.search_row(SearchKey(partition, low), StudyUid(""))
        last = f"{high}{keys.SORT_END}{keys.LAST}" if high else keys.END
        items, after = self._table.query(pk, first if low else keys.SORT_END, last, after, limit, newest_first, False)
        return Page(tuple(_hit(partition, item) for item in items), after, len(items))

    def cursor(self, name: str, now: datetime) -> Cursor | None:
        """Return where a page of a search ended; expired rows may stay for days and do not count."""
        item = self._table.get(keys.cursor(name))
        return value_in(Cursor, item) if item and int(item["expires"]["N"]) > now.timestamp() else None

    def save_cursor(self, name: str, cursor: Cursor, expires: datetime) -> None:
        """Remember where a page of a search ended."""
        self._table.write(put(packed_item(keys.cursor(name), cursor, expires=number(keys.seconds(expires)))))

    def keep_link(self, link_id: str, expires: datetime) -> None:
        """Remember that a study link was given out."""
        self._table.write(put(item_of(keys.link(link_id), expires=number(keys.seconds(expires)))))

    def is_link_kept(self, link_id: str, now: datetime) -> bool:
        """Whether a study link may still be followed; expired rows may stay for days and do not count."""
        item = self._table.get(keys.link(link_id))
        return item is not None and int(item["expires"]["N"]) > now.timestamp()

    def drop_link(self, link_id: str) -> None:
        """Forget a study link."""
        self._table.write(delete(keys.link(link_id)))

    def begin_pending(self, study_uid: StudyUid, work: LedgerKey, expires: datetime) -> None:
        """Mark an object as under way to this study, at most until `expires`."""
        self._table.write(put(item_of(keys.pending(study_uid, work), expires=number(keys.seconds(expires)))))

    def end_pending(self, study_uid: StudyUid, work: LedgerKey) -> None:
        """Unmark it; unmarking twice is no error."""
        self._table.write(delete(keys.pending(study_uid, work)))

    def pending(self, study_uid: StudyUid, now: datetime) -> int:
        """Count the objects under way to a study; expired marks may stay for days and do not count."""
        pk, _ = keys.study(study_uid)
        items, _ = self._table.query(pk, "P#", "P#" + keys.LAST)
        return sum(int(item["expires"]["N"]) > now.timestamp() for item in items)


def _fold_actions(fold: Fold) -> list[Action]:
    study = fold.study
    if study.version != fold.expected_version + 1:
        raise ValueError("a fold's study carries the expected version plus one")
    if any(len(key.sort.encode()) > keys.MAX_SORT_BYTES for key in fold.add_keys):
        raise ValueError(f"a search row's sort text has at most {keys.MAX_SORT_BYTES} bytes")
    stands = Condition("v = :read", {":read": number(fold.expected_version)}) if fold.expected_version else ABSENT
    actions = [
        put(study_item(study), stands),
        *(delete(keys.commit_rows(study.study_uid, commit_id), PRESENT) for commit_id in fold.consumed),
        *(_series_update(study.study_uid, series, "d") for series in fold.series),
        *(put(item_of(keys.search_row(key, study.study_uid))) for key in fold.add_keys),
        *(delete(keys.search_row(key, study.study_uid)) for key in fold.drop_keys if key not in fold.add_keys),
    ]
    if len(actions) > MAX_ACTIONS:
        raise ValueError(f"a fold is one transaction of at most {MAX_ACTIONS} actions")
    return actions


def _series_update(study_uid: StudyUid, series: Series, attribute: str) -> Action:
    """Folds write `d` and the study machine writes `m`, each without reading, so that neither undoes the other."""
    key = keys.series(study_uid, series.series_uid)
    return update(key, {attribute: {"B": pack(series, *key)}})


def _hit(partition: str, item: Item) -> SearchHit:
    sort, study_uid = item["sk"]["S"].rsplit(keys.SORT_END, 1)
    return SearchHit(SearchKey(partition, sort), StudyUid(study_uid))
