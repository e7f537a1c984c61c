"""Hide instances of a study by tombstones, and show them again: the rows keep their places in the packs.

A deletion hides what landed up to its moment. What lands afterwards under the same key is a new instance
(commit_records), so a deletion and an ingest that run side by side come out the same in any order.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dicomlake.domain.change import ChangeKind, Scope, StudyChange, came_after, hidden, shown
from dicomlake.domain.commit import CommitRow, SeriesShare
from dicomlake.domain.errors import NotFoundError
from dicomlake.domain.levels import text_of
from dicomlake.domain.model import (
    NO_COUNTS,
    Counts,
    InstanceRecord,
    SeriesAttributes,
    SeriesUid,
    StudyAttributes,
    Visibility,
)
from dicomlake.domain.study import format_time
from dicomlake.ports import ChangeStep, Datastore, Page, RowChange
from dicomlake.ports.changes import ROWS_A_STEP
from dicomlake.usecases.change_study import (
    Changed,
    ChangePorts,
    check_not_held,
    commit_row,
    ended,
    make_change,
)
from dicomlake.usecases.open_pack import open_pack


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change, and why."""

    by: str
    reason: str = ""


def delete_instances(scope: Scope, author: Author, ports: ChangePorts) -> Changed | None:
    """Hide every instance of a scope; None where all were hidden before.

    Raises NotFoundError where nothing was ever stored there, HeldError under a legal hold, BusyError while the study
    is under another change.
    """
    check_not_held(ports.store.changes.history(scope.study_uid))
    if ports.store.changes.under_way(scope.study_uid) is None and not _has_visible(scope, ports.store):
        return None
    return make_change(new_change(ChangeKind.DELETE, scope, author, ports), ports)


def new_change(kind: ChangeKind, scope: Scope, author: Author, ports: ChangePorts) -> StudyChange:
    """Return a change that nobody has begun."""
    now = format_time(ports.clock.now())
    return StudyChange(ports.ids.new(), kind, scope, now, author.by, author.reason)


def _has_visible(scope: Scope, store: Datastore) -> bool:
    """Whether readers see anything in a scope; NotFoundError where nothing was ever stored there."""
    after, some = "", False
    while True:
        page = page_of(scope, after, store)
        if any(record.visibility is Visibility.PRIMARY for record in page.items):
            return True
        some, after = some or bool(page.items), page.after
        if not after:
            break
    if not some:
        raise NotFoundError("nothing is stored under these UIDs")
    return False


def page_of(scope: Scope, after: str, store: Datastore, limit: int = ROWS_A_STEP) -> Page[InstanceRecord]:
    """List the primary rows of a scope, a page at a time."""
    if scope.key is not None:
        record = store.instances.instance(scope.key)
        return Page((record,) if record else ())
    return store.instances.instances(scope.study_uid, scope.series_uid, after, limit)


def next_deletion(change: StudyChange, ports: ChangePorts) -> ChangeStep:
    """Hide the next page of what landed up to the deletion."""
    page = page_of(change.scope, change.after, ports.store)
    due = [one for one in page.items if one.visibility is Visibility.PRIMARY and not came_after(one, change.at)]
    rows = tuple(RowChange(one, hidden(one, change.at)) for one in due)
    return _step(change, page, rows, _told(due, -1, commit_row(change, ports)), ports)


def next_undeletion(change: StudyChange, ports: ChangePorts) -> ChangeStep:
    """Show the next page of what the deletion hid, with the attributes above it that a fold may have dropped."""
    store = ports.store
    deletion = next(one for one in store.changes.history(change.scope.study_uid) if one.number == change.target)
    page = page_of(change.scope, change.after, store)
    due = [one for one in page.items if _was_hidden_by(one, deletion) and _is_claimant(one, store)]
    rows = tuple(RowChange(one, shown(one, change.at)) for one in due)
    return _step(change, page, rows, _with_attributes(due, _told(due, 1, commit_row(change, ports)), store), ports)


def _was_hidden_by(record: InstanceRecord, deletion: StudyChange) -> bool:
    return record.visibility is Visibility.DELETED and record.changed_at == deletion.at and bool(record.pointer.pack)


def _is_claimant(record: InstanceRecord, store: Datastore) -> bool:
    """Whether the SOP Instance UID is still the row's: it was perhaps sent again, as another study's."""
    place = store.instances.locate(record.key.instance_uid)
    return place is not None and (place.study_uid, place.series_uid) == (record.key.study_uid, record.key.series_uid)


def _step(
    change: StudyChange, page: Page[InstanceRecord], rows: tuple[RowChange, ...], row: CommitRow, ports: ChangePorts
) -> ChangeStep:
    """One page's step; a page without anything to change only moves on."""
    return ChangeStep(
        change=change,
        rows=rows,
        touched=tuple(share.series_uid for share in row.series),
        row=row if rows else None,
        following=change.continued(page.after, len(rows)) if page.after else None,
        written=None if page.after else ended(change, len(rows), ports),
    )


def _told(records: Sequence[InstanceRecord], sign: int, row: CommitRow) -> CommitRow:
    """Return the commit row with the counts of what vanishes (-1) or comes back (1)."""
    by_series: dict[SeriesUid, list[InstanceRecord]] = defaultdict(list)
    for record in records:
        by_series[record.key.series_uid].append(record)
    return replace(
        row,
        counts=counts_of(records, sign),
        series=tuple(
            SeriesShare(SeriesAttributes(uid), counts_of(some, sign), sop_classes=_classes(some, sign))
            for uid, some in by_series.items()
        ),
        warnings=sign * sum(1 for record in records if record.warnings),
    )


def _classes(records: Iterable[InstanceRecord], sign: int) -> tuple[str, ...]:
    return tuple(sorted({record.sop_class_uid for record in records})) if sign > 0 else ()


def counts_of(records: Iterable[InstanceRecord], sign: int) -> Counts:
    """Return what records add up to, or with sign -1 what is subtracted with them."""
    counted = (Counts(sign, sign * one.frame_count, sign * one.landed_size, sign * one.stored_size) for one in records)
    return sum(counted, NO_COUNTS)


def _with_attributes(records: Sequence[InstanceRecord], row: CommitRow, store: Datastore) -> CommitRow:
    """Return the commit row with the attributes of study and series as the packs of the records have them."""
    footers = [open_pack(store.objects, pack).footer() for pack in sorted({one.pointer.pack for one in records})]
    studies = {uid: held for footer in reversed(footers) for uid, held in footer.studies.items()}
    series = {uids[1]: held for footer in reversed(footers) for uids, held in footer.series.items()}
    shares = tuple(
        replace(share, attributes=held, modality=text_of(held.attributes, "00080060"))
        for share in row.series
        if (held := series.get(share.series_uid, share.attributes))
    )
    study = studies.get(row.study_uid) if row.study_uid else None
    return replace(row, study=study or StudyAttributes(row.study_uid) if row.study_uid else None, series=shares)
